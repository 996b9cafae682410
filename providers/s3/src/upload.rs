//! Upload of an object: in one request where it is small, else in parts side by side.
//!
//! | step | request | page |
//! |---|---|---|
//! | `PutWhole` | `PUT key` | <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html> |
//! | `Begin` | `POST key?uploads` | <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html> |
//! | `PutPart` | `PUT key?partNumber=…&uploadId=…` | <https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html> |
//! | `ListParts` | `GET key?uploadId=…` | <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html> |
//! | `Commit` | `POST key?uploadId=…`, the exact part list | <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html> |
//! | `Confirm` | `HEAD key` | <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html> |
//! | `Abort` | `DELETE key?uploadId=…` | <https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html> |
//!
//! Bodies go up as they are, with their length, never `aws-chunked`: every store takes them so.

mod answer;
mod build;
mod document;

use http::Request;
use http::header;
use longhaul_core::error::BuildError;
use longhaul_core::intent::Body;
use longhaul_core::provider::{Begin, Context, Head, Order, Profile, Provider, Reply, Step, Verdict};
use longhaul_core::{Algorithm, Now};
use longhaul_http::Headers;
use longhaul_http::fault::Hide;

use crate::access::{Access, Payload};
use crate::checksum::Integrity;
use crate::fields::Fields;
use crate::object::Object;

pub use document::MOST_ANSWER;

/// Objects up to this size, in bytes, go up in one request unless told otherwise.
pub const SINGLE: u64 = 16 << 20;

/// Uploads an object.
#[derive(Clone, Debug)]
pub struct S3Upload {
    object: Object,
    fields: Fields,
    integrity: Integrity,
    single: u64,
    refresh: bool,
}

impl S3Upload {
    /// An upload that makes, or replaces, `object`.
    #[must_use]
    pub fn new(object: Object) -> Self {
        Self { object, fields: Fields::default(), integrity: Integrity::default(), single: SINGLE, refresh: false }
    }

    /// With header fields: content type, cache control, metadata (`x-amz-meta-…`), tags (`x-amz-tagging`), encryption, storage
    /// class, conditions (`If-None-Match: *`, `If-Match`). Each goes on the requests it belongs to.
    ///
    /// # Errors
    /// When one of them is set by longhaul itself, or a condition is not one that S3 knows.
    pub fn with_headers(mut self, headers: Headers) -> Result<Self, BuildError> {
        if let Some((_, value)) = headers.iter().find(|(name, _)| **name == header::IF_NONE_MATCH)
            && value.as_bytes() != b"*"
        {
            return Err(BuildError::new("S3 knows If-None-Match with '*' only", "use '*', or If-Match with a tag"));
        }
        if headers.contains(&header::IF_NONE_MATCH) && headers.contains(&header::IF_MATCH) {
            return Err(BuildError::new("If-Match and If-None-Match contradict each other", "give one of them"));
        }
        self.fields = Fields::new(headers)?;
        Ok(self)
    }

    /// With checksums. Default [`Integrity::Returned`].
    #[must_use]
    pub const fn with_integrity(mut self, integrity: Integrity) -> Self {
        self.integrity = integrity;
        self
    }

    /// With another statement about content in signatures. Default [`Payload::Unsigned`].
    #[must_use]
    pub fn with_payload(mut self, payload: Payload) -> Self {
        self.object = self.object.with_payload(payload);
        self
    }

    /// In one request up to this size in bytes; cut to what the store takes at once. An empty object always goes up so: it has
    /// no part. Default [`SINGLE`].
    #[must_use]
    pub const fn single_up_to(mut self, bytes: u64) -> Self {
        self.single = bytes;
        self
    }

    /// Whether the application can supply a fresh provider when the credentials have expired. Default false.
    #[must_use]
    pub const fn refreshable(mut self, refreshable: bool) -> Self {
        self.refresh = refreshable;
        self
    }

    /// The same upload with other rights: what a refresh makes.
    #[must_use]
    pub fn with_access(mut self, access: impl Into<Access>) -> Self {
        self.object = self.object.with_access(access);
        self
    }

    /// The object.
    #[must_use]
    pub const fn target(&self) -> &Object {
        &self.object
    }

    /// What must not be shown of a server's words.
    fn hide(&self) -> Hide {
        self.fields.hide(self.object.hide())
    }

    /// The digest that content must have before its request is built.
    fn known_before(&self) -> Option<Algorithm> {
        match self.object.payload {
            // One reading serves both: S3's SHA-256 checksum and the signature's hash are the same bytes.
            Payload::Signed => Some(Algorithm::Sha256),
            Payload::Unsigned => self.integrity.algorithm(),
        }
    }
}

impl Provider for S3Upload {
    fn authority(&self) -> &str {
        self.object.authority()
    }

    fn object(&self) -> &str {
        self.object.url()
    }

    fn profile(&self) -> Profile {
        let rules = self.object.bucket().rules();
        let mut profile = Profile::download();
        profile.parts = rules.parts;
        profile.single = Some(self.single.min(rules.single));
        profile.order = Order::Parallel;
        profile.begin = Begin::Creates;
        profile.commit = true;
        profile.confirm = true;
        profile.list = true;
        profile.abort = true;
        profile.part_digest = self.known_before();
        profile.sent_digest = profile.part_digest.is_none().then_some(Algorithm::Crc64Nvme);
        profile.refresh = self.refresh;
        profile.answer_limit = MOST_ANSWER;
        profile
    }

    fn build(&self, step: &Step, cx: &Context<'_>, now: Now) -> Result<Request<Body>, BuildError> {
        build::request(self, step, cx, now)
    }

    fn interpret(
        &self,
        step: &Step,
        cx: &Context<'_>,
        head: Head<'_>,
        body: &[u8],
        now: Now,
    ) -> Result<Reply, Verdict> {
        answer::Reader { upload: self, step, cx, head, body, now }.read()
    }
}
