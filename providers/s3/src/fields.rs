//! The caller's own header fields, sorted to the requests they belong to (U11).
//!
//! A multipart upload is made of requests that take different fields: what describes the object goes on
//! [`CreateMultipartUpload`](https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html), conditions on
//! [`CompleteMultipartUpload`](https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html), a customer's
//! encryption key on every request that touches content, the payer on all. A single
//! [`PutObject`](https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html) takes them all.

use http::header::{self, HeaderMap, HeaderName};
use longhaul_core::error::BuildError;
use longhaul_http::Headers;
use longhaul_http::fault::Hide;

/// Requests that take different fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// `PutObject`: everything.
    Put,
    /// `CreateMultipartUpload`: what describes the object.
    Create,
    /// `UploadPart`, `ListParts`.
    Part,
    /// `CompleteMultipartUpload`: also the conditions.
    Complete,
    /// `HeadObject`, `GetObject`.
    Read,
    /// `AbortMultipartUpload`.
    Abort,
}

const SIGNER: &str = "longhaul signs every request itself";
const CHECKSUM: &str = "checksums are computed from the content: choose an Integrity";
const COPY: &str = "this is an upload, not a copy";

/// Fields that would contradict what is computed.
const OWN: [(&str, &str); 14] = [
    ("authorization", SIGNER),
    ("x-amz-date", SIGNER),
    ("x-amz-content-sha256", SIGNER),
    ("x-amz-security-token", SIGNER),
    ("range", "longhaul asks for the ranges it needs"),
    ("accept-encoding", "objects are moved as they are stored"),
    ("content-md5", CHECKSUM),
    ("x-amz-checksum-algorithm", CHECKSUM),
    ("x-amz-checksum-type", CHECKSUM),
    ("x-amz-checksum-mode", CHECKSUM),
    ("x-amz-sdk-checksum-algorithm", CHECKSUM),
    ("x-amz-trailer", CHECKSUM),
    ("x-amz-copy-source", COPY),
    ("x-amz-decoded-content-length", "bodies are sent as they are"),
];

/// The caller's fields, checked.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Fields {
    headers: Headers,
}

impl Fields {
    /// Fields for an upload.
    pub(crate) fn new(headers: Headers) -> Result<Self, BuildError> {
        headers.refuse(&OWN.map(|(name, reason)| (HeaderName::from_static(name), reason)))?;
        if let Some(name) = headers.names().find(|name| name.as_str().starts_with("x-amz-checksum-")) {
            headers.refuse(&[(name.clone(), CHECKSUM)])?;
        }
        if let Some(name) = headers.names().find(|name| name.as_str().starts_with("x-amz-copy-source-")) {
            headers.refuse(&[(name.clone(), COPY)])?;
        }
        Ok(Self { headers })
    }

    /// The fields that belong on a request.
    pub(crate) fn on(&self, kind: Kind) -> HeaderMap {
        let mut head = HeaderMap::new();
        for (name, value) in self.headers.iter().filter(|(name, _)| belongs(name, kind)) {
            // Fails beyond 32,768 fields only, and these came out of a map.
            let _ = head.try_append(name.clone(), value.clone());
        }
        head
    }

    /// Whether a condition is set.
    pub(crate) fn is_conditional(&self) -> bool {
        self.headers.contains(&header::IF_NONE_MATCH) || self.headers.contains(&header::IF_MATCH)
    }

    /// Whether a field of that name is present.
    pub(crate) fn contains(&self, name: &HeaderName) -> bool {
        self.headers.contains(name)
    }

    /// Adds what must not be shown of a server's words.
    pub(crate) fn hide(&self, hide: Hide) -> Hide {
        self.headers
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "content-type" | "user-agent" | "cache-control"))
            .fold(hide, |hide, (_, value)| hide.value(value.as_bytes()))
    }
}

fn belongs(name: &HeaderName, kind: Kind) -> bool {
    let name = name.as_str();
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
