//! What these suites are about: an object of Aliyun OSS, up and down.

use longhaul_core::{Algorithm, Digest};
use longhaul_oss::{AccessKey, Bucket, Object, OssDownload, OssUpload};

/// CRC-64/XZ with this value.
pub(crate) fn crc64(value: u64) -> Digest {
    Digest::new(Algorithm::Crc64Xz, &value.to_be_bytes()).expect("eight bytes")
}

pub(crate) fn key() -> AccessKey {
    AccessKey::new("LTAIEXAMPLE", "yourAccessKeySecret")
}

pub(crate) fn object(name: &str) -> Object {
    let bucket = Bucket::aliyun("cn-hangzhou", "my-bucket").expect("sound");
    Object::new(bucket, name, key()).expect("sound")
}

pub(crate) fn download() -> OssDownload {
    OssDownload::new(object("a b/c+d.bin")).expect("sound")
}

pub(crate) fn upload() -> OssUpload {
    OssUpload::new(object("a b/c+d.bin"))
}

pub(crate) const CALLER: [&str; 13] = [
    "Content-Type: text/plain; charset=utf-8",
    "Cache-Control: no-store",
    "Content-Disposition: attachment",
    "x-oss-meta-who: me",
    "x-oss-tagging: a=1&b=2",
    "x-oss-storage-class: IA",
    "x-oss-server-side-encryption: AES256",
    "x-oss-object-acl: private",
    "x-oss-forbid-overwrite: true",
    "x-oss-callback: e30=",
    "x-oss-request-payer: requester",
    "x-oss-traffic-limit: 819200",
    "X-Gateway: 7",
];
