//! The caller's own header fields, sorted to the requests they belong to (U11).
//!
//! What describes the blob and conditions go on the request that makes it
//! ([Put Blob](https://learn.microsoft.com/rest/api/storageservices/put-blob) or
//! [Put Block List](https://learn.microsoft.com/rest/api/storageservices/put-block-list)), a customer's encryption key on every request
//! that touches content, the scope on those that write, a lease on all.
//!
//! `Content-Type` and its like describe a request's own content to Put Block List, so that they go by their `x-ms-blob-…` names,
//! which Put Blob knows as well.

use http::header::{HeaderMap, HeaderName};
use longhaul_core::error::BuildError;
use longhaul_http::Headers;
use longhaul_store::fields::Rules;
use longhaul_store::{Fields, Kind};

/// Which fields go where, and which are longhaul's own.
pub(crate) const RULES: Rules = Rules { own: &OWN, belongs };

const SIGNER: &str = "longhaul signs every request itself";
const RANGES: &str = "longhaul asks for the ranges it needs";
const CHECKSUM: &str = "checksums are computed from the content: choose an Integrity";
const COPY: &str = "this is an upload, not a copy";

/// Fields that would contradict what is computed.
const OWN: [(&str, &str); 15] = [
    ("authorization", SIGNER),
    ("date", SIGNER),
    ("x-ms-date", SIGNER),
    ("x-ms-version", "it belongs to the container's rules"),
    ("x-ms-blob-type", "block blobs are uploaded"),
    ("range", RANGES),
    ("x-ms-range", RANGES),
    ("x-ms-range-*", RANGES),
    ("accept-encoding", "blobs are moved as they are stored"),
    ("content-md5", CHECKSUM),
    ("x-ms-content-crc64", CHECKSUM),
    ("x-ms-structured-*", "bodies are sent as they are"),
    ("x-ms-copy-*", COPY),
    ("x-ms-source-*", COPY),
    ("x-ms-blob-content-length", "it is the source's"),
];

/// Fields of the blob, and the names they go by.
const DESCRIBING: [(&str, &str); 5] = [
    ("content-type", "x-ms-blob-content-type"),
    ("content-encoding", "x-ms-blob-content-encoding"),
    ("content-language", "x-ms-blob-content-language"),
    ("content-disposition", "x-ms-blob-content-disposition"),
    ("cache-control", "x-ms-blob-cache-control"),
];

/// Conditions on what is there.
const CONDITIONS: [&str; 5] = ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "x-ms-if-tags"];

/// The caller's fields, checked.
pub(crate) fn checked(headers: Headers) -> Result<Fields, BuildError> {
    let has = |name: &'static str| headers.contains(&HeaderName::from_static(name));
    if let Some((plain, own)) = DESCRIBING.into_iter().find(|(plain, own)| has(plain) && has(own)) {
        let what = alloc::format!("{plain} and {own} are two names of one thing");
        return Err(BuildError::new(what, "give one of them"));
    }
    Fields::new(headers, &RULES)
}

/// The fields that belong on a request, by the names it knows them by.
pub(crate) fn on(fields: &Fields, kind: Kind) -> HeaderMap {
    let mut head = fields.on(kind);
    for (plain, own) in DESCRIBING {
        if let Some(value) = head.remove(plain) {
            head.insert(HeaderName::from_static(own), value);
        }
    }
    head
}

/// Whether the upload depends on what is there.
pub(crate) fn is_conditional(fields: &Fields) -> bool {
    CONDITIONS.iter().any(|name| fields.contains(&HeaderName::from_static(name)))
}

fn belongs(name: &str, kind: Kind) -> bool {
    let makes = matches!(kind, Kind::Put | Kind::Complete);
    if name.starts_with("x-ms-encryption-scope") {
        return makes || kind == Kind::Part;
    }
    if name.starts_with("x-ms-encryption-") {
        return kind != Kind::List;
    }
    if matches!(name, "x-ms-lease-id" | "x-ms-client-request-id") {
        return true;
    }
    let entity = name.starts_with("content-") || name == "cache-control";
    if entity || name.starts_with("x-ms-") || CONDITIONS.contains(&name) { makes } else { true }
}
