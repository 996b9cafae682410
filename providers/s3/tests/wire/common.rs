//! What these suites are about: an object of Amazon S3, up and down.

use longhaul_core::{Algorithm, Digest};
use longhaul_s3::{AccessKey, Bucket, Object, S3Download, S3Upload};

/// CRC-64/NVME with this value.
pub(crate) fn crc64(value: u64) -> Digest {
    Digest::new(Algorithm::Crc64Nvme, &value.to_be_bytes()).expect("eight bytes")
}

pub(crate) fn key() -> AccessKey {
    AccessKey::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
}

pub(crate) fn object(name: &str) -> Object {
    let bucket = Bucket::amazon("eu-central-1", "my-bucket").expect("sound");
    Object::new(bucket, name, key()).expect("sound")
}

pub(crate) fn download() -> S3Download {
    S3Download::new(object("a b/c+d.bin")).expect("sound")
}

pub(crate) fn upload() -> S3Upload {
    S3Upload::new(object("a b/c+d.bin"))
}

pub(crate) const CALLER: [&str; 10] = [
    "Content-Type: text/plain; charset=utf-8",
    "Cache-Control: no-store",
    "Content-Disposition: attachment",
    "x-amz-meta-who: me",
    "x-amz-tagging: a=1&b=2",
    "x-amz-storage-class: STANDARD_IA",
    "x-amz-server-side-encryption-customer-algorithm: AES256",
    "x-amz-request-payer: requester",
    "If-None-Match: *",
    "X-Gateway: 7",
];
