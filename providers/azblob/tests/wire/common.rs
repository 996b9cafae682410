//! What these suites are about: a blob of Azure, up and down.

use std::collections::BTreeMap;

use longhaul_azblob::{Access, AzureDownload, AzureUpload, Blob, Container};
use longhaul_core::provider::UploadedPart;
use longhaul_core::{Algorithm, ByteRange, Digest};

/// The ids of this upload's first two blocks: base64 of the nonce, a dash, and the number.
pub(crate) const IDS: [&str; 2] = [
    "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYtMDAwMDAwMDAwMDAwMDAx",
    "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYtMDAwMDAwMDAwMDAwMDAy",
];

pub(crate) const SAS: &str = "sv=2023-11-03&se=2026-11-21T01:00:00Z&sr=b&sp=rcw&sig=aB%2Fc%2Bd%3D";

pub(crate) fn crc64(value: u64) -> Digest {
    Digest::new(Algorithm::Crc64Nvme, &value.to_be_bytes()).expect("eight bytes")
}

pub(crate) fn md5(byte: u8) -> Digest {
    Digest::new(Algorithm::Md5, &[byte; 16]).expect("sixteen bytes")
}

pub(crate) fn key() -> Access {
    Access::key("acme", "c2VjcmV0LXNlY3JldC1zZWNyZXQ=").expect("sound")
}

pub(crate) fn blob(name: &str, access: Access) -> Blob {
    Blob::new(Container::new("acme", "my-box").expect("sound"), name, access).expect("sound")
}

pub(crate) fn download() -> AzureDownload {
    AzureDownload::new(blob("a b/c+d.bin", key())).expect("sound")
}

pub(crate) fn upload() -> AzureUpload {
    AzureUpload::new(blob("a b/c+d.bin", key()))
}

/// With a SAS that ends an hour from now.
pub(crate) fn by_sas() -> AzureUpload {
    upload().with_access(Access::sas(SAS).expect("sound"))
}

/// Two blocks of three and two bytes, confirmed.
pub(crate) fn blocks() -> BTreeMap<u64, UploadedPart> {
    [(1, UploadedPart::new(1, ByteRange::at(0, 3), IDS[0])), (2, UploadedPart::new(2, ByteRange::at(3, 2), IDS[1]))]
        .into()
}

/// A block list: committed and uncommitted blocks, each a name and a size.
pub(crate) fn list(committed: &[(&str, u64)], uncommitted: &[(&str, u64)]) -> String {
    let section = |name: &str, blocks: &[(&str, u64)]| {
        let blocks: String = blocks
            .iter()
            .map(|(name, size)| format!("<Block><Name>{name}</Name><Size>{size}</Size></Block>"))
            .collect();
        if blocks.is_empty() { format!("<{name} />") } else { format!("<{name}>{blocks}</{name}>") }
    };
    format!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>{}{}</BlockList>",
        section("CommittedBlocks", committed),
        section("UncommittedBlocks", uncommitted)
    )
}

pub(crate) const CALLER: [&str; 14] = [
    "Content-Type: text/plain; charset=utf-8",
    "Cache-Control: no-store",
    "Content-Disposition: attachment",
    "x-ms-meta-who: me",
    "x-ms-tags: a=1&b=2",
    "x-ms-access-tier: Cool",
    "x-ms-encryption-key: a2V5",
    "x-ms-encryption-key-sha256: c2hh",
    "x-ms-encryption-algorithm: AES256",
    "x-ms-lease-id: 5b1e0d6e-0000-0000-0000-000000000000",
    "x-ms-client-request-id: mine",
    "If-None-Match: *",
    "x-ms-if-tags: \"a\" = '1'",
    "X-Gateway: 7",
];
