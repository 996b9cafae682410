//! The caller's own header fields, sorted to the requests they belong to (U11).
//!
//! A multipart upload is made of requests that take different fields: what describes the object goes on
//! [`CreateMultipartUpload`](https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html), conditions on
//! [`CompleteMultipartUpload`](https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html), a customer's
//! encryption key on every request that touches content, the payer on all. A single
//! [`PutObject`](https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html) takes them all.

use longhaul_store::Kind;
use longhaul_store::fields::Rules;

/// Which fields go where, and which are longhaul's own.
pub(crate) const RULES: Rules = Rules { own: &OWN, belongs };

const SIGNER: &str = "longhaul signs every request itself";
const CHECKSUM: &str = "checksums are computed from the content: choose an Integrity";
const COPY: &str = "this is an upload, not a copy";

/// Fields that would contradict what is computed.
const OWN: [(&str, &str); 13] = [
    ("authorization", SIGNER),
    ("x-amz-date", SIGNER),
    ("x-amz-content-sha256", SIGNER),
    ("x-amz-security-token", SIGNER),
    ("range", "longhaul asks for the ranges it needs"),
    ("accept-encoding", "objects are moved as they are stored"),
    ("content-md5", CHECKSUM),
    ("x-amz-checksum-*", CHECKSUM),
    ("x-amz-sdk-checksum-algorithm", CHECKSUM),
    ("x-amz-trailer", CHECKSUM),
    ("x-amz-copy-source", COPY),
    ("x-amz-copy-source-*", COPY),
    ("x-amz-decoded-content-length", "bodies are sent as they are"),
];

fn belongs(name: &str, kind: Kind) -> bool {
    let describes = matches!(kind, Kind::Put | Kind::Create);
    if matches!(name, "if-match" | "if-none-match") {
        return matches!(kind, Kind::Put | Kind::Complete);
    }
    if name.starts_with("x-amz-server-side-encryption-customer-") {
        return kind != Kind::Abort;
    }
    if matches!(name, "x-amz-request-payer" | "x-amz-expected-bucket-owner") {
        return true;
    }
    let entity = name.starts_with("content-") || matches!(name, "cache-control" | "expires");
    if entity || name.starts_with("x-amz-") { describes } else { true }
}
