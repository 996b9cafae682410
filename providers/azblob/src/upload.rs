//! Upload of a block blob: in one request where it is small, else in blocks side by side.
//!
//! | step | request | page |
//! |---|---|---|
//! | `PutWhole` | `PUT name` | <https://learn.microsoft.com/rest/api/storageservices/put-blob> |
//! | `PutPart` | `PUT name?comp=block&blockid=…` | <https://learn.microsoft.com/rest/api/storageservices/put-block> |
//! | `ListParts` | `GET name?comp=blocklist&blocklisttype=all` | <https://learn.microsoft.com/rest/api/storageservices/get-block-list> |
//! | `Commit` | `PUT name?comp=blocklist`, the exact list | <https://learn.microsoft.com/rest/api/storageservices/put-block-list> |
//! | `Confirm` | `GET name?comp=blocklist&blocklisttype=committed` | <https://learn.microsoft.com/rest/api/storageservices/get-block-list> |
//!
//! There is no session and no abort: the names of the blocks bind them together, a commit in doubt is decided by the
//! names in the blob, and what is never committed the service drops within a week. A blob is never deleted: what is under that name
//! may be another version, or somebody else's.

mod answer;
mod blocks;

use alloc::format;
use alloc::string::String;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request};
use longhaul_core::error::BuildError;
use longhaul_core::intent::Body;
use longhaul_core::provider::{Begin, Context, Head, Order, Profile, Provider, Reply, Step, Verdict};
use longhaul_core::{Algorithm, ByteRange, Now, Wall};
use longhaul_http::Headers;
use longhaul_sign::encode;
use longhaul_sign::xml::Limits;
use longhaul_store::multipart::{Start, content_digest};
use longhaul_store::{Fields, Item as _, Kind};

use crate::access::Access;
use crate::blob::{Blob, bodiless};
use crate::checksum::{self, BLOB_MD5, Integrity};
use crate::fault::Answer;
use crate::fields::{self, RULES};

/// Blobs up to this size, in bytes, go up in one request unless told otherwise.
pub const SINGLE: u64 = 16 << 20;

/// Uploads a block blob.
#[derive(Clone, Debug)]
pub struct AzureUpload {
    blob: Blob,
    fields: Fields,
    integrity: Integrity,
    stored_md5: bool,
    single: u64,
    refresh: bool,
}

impl AzureUpload {
    /// An upload that makes, or replaces, `blob`.
    #[must_use]
    pub fn new(blob: Blob) -> Self {
        let (fields, integrity) = (Fields::none(&RULES), Integrity::default());
        Self { blob, fields, integrity, stored_md5: false, single: SINGLE, refresh: false }
    }

    /// With header fields: content type and its like, metadata (`x-ms-meta-…`), tags (`x-ms-tags`), access tier, encryption key or
    /// scope, a lease (`x-ms-lease-id`), conditions (`If-None-Match: *`, `If-Match`). Each goes on the requests it belongs to.
    ///
    /// # Errors
    /// When one of them is set by longhaul itself.
    pub fn with_headers(mut self, headers: Headers) -> Result<Self, BuildError> {
        if headers.contains(&header::IF_NONE_MATCH) && headers.contains(&header::IF_MATCH) {
            return Err(BuildError::new("If-Match and If-None-Match contradict each other", "give one of them"));
        }
        self.fields = fields::checked(headers)?;
        Ok(self)
    }

    /// With checksums. Default [`Integrity::Returned`].
    #[must_use]
    pub const fn with_integrity(mut self, integrity: Integrity) -> Self {
        self.integrity = integrity;
        self
    }

    /// Whether the MD5 of the whole content is stored with a blob made of blocks, so that downloads can be verified. The content
    /// is read once more before it goes up. Of blobs that go up in one request the service stores it anyway. Default false.
    #[must_use]
    pub const fn with_stored_md5(mut self, stored: bool) -> Self {
        self.stored_md5 = stored;
        self
    }

    /// In one request up to this size in bytes; cut to what the service takes at once. An upload with a condition goes up in
    /// blocks whatever its size: whether the blob that stands in the way is its own can then be told. Default [`SINGLE`].
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
        self.blob = self.blob.with_access(access);
        self
    }

    /// The blob.
    #[must_use]
    pub const fn target(&self) -> &Blob {
        &self.blob
    }

    fn start(&self, step: &Step, cx: &Context<'_>) -> Result<Start, BuildError> {
        let fields = |kind| fields::on(&self.fields, kind);
        match step {
            Step::PutWhole { range } => {
                let mut headers = fields(Kind::Put);
                headers.insert("x-ms-blob-type", HeaderValue::from_static("BlockBlob"));
                checksum::declare(&mut headers, self.integrity, content_digest(step, cx))?;
                Ok(content(headers, String::new(), *range))
            }
            Step::PutPart { number, range, .. } => {
                let mut headers = fields(Kind::Part);
                checksum::declare(&mut headers, self.integrity, content_digest(step, cx))?;
                let query = format!("comp=block&blockid={}", encode::component(blocks::id(cx, *number)));
                Ok(content(headers, query, *range))
            }
            Step::ListParts { .. } => Ok(bodiless(Method::GET, "comp=blocklist&blocklisttype=all", fields(Kind::List))),
            Step::Confirm => Ok(bodiless(Method::GET, "comp=blocklist&blocklisttype=committed", fields(Kind::List))),
            Step::Commit => self.commit(fields(Kind::Complete), cx),
            step => {
                let what = format!("an upload to Azure has no {}", step.kind());
                Err(BuildError::new(what, "use a provider that does this kind of transfer"))
            }
        }
    }

    fn commit(&self, mut headers: HeaderMap, cx: &Context<'_>) -> Result<Start, BuildError> {
        if self.stored_md5 && !headers.contains_key(BLOB_MD5) {
            let whole = cx.content_digest.filter(|digest| digest.algorithm() == Algorithm::Md5);
            let unknown = || BuildError::new("the content's MD5 is not known any more", "start the upload anew");
            checksum::store(&mut headers, whole.ok_or_else(unknown)?)?;
        }
        let list = blocks::list(cx.parts.values());
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(list.len()));
        let body = Body::Inline(Bytes::from(list));
        Ok(Start { method: Method::PUT, query: String::from("comp=blocklist"), headers, body })
    }
}

/// Source bytes, and their length.
fn content(mut headers: HeaderMap, query: String, range: ByteRange) -> Start {
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(range.len()));
    let body = if range.is_empty() { Body::Empty } else { Body::Source(range) };
    Start { method: Method::PUT, query, headers, body }
}

impl Provider for AzureUpload {
    fn authority(&self) -> &str {
        self.blob.authority()
    }

    fn object(&self) -> &str {
        self.blob.url()
    }

    fn profile(&self) -> Profile {
        let rules = self.blob.container().rules();
        let mut profile = Profile::download();
        profile.parts = rules.parts;
        profile.single = (!fields::is_conditional(&self.fields)).then_some(self.single.min(rules.single));
        profile.order = Order::Parallel;
        profile.begin = Begin::None;
        profile.commit = true;
        profile.confirm = true;
        profile.list = true;
        profile.content_digest = self.stored_md5.then_some(Algorithm::Md5);
        profile.part_digest = self.integrity.algorithm();
        profile.sent_digest = (self.integrity == Integrity::Returned).then_some(Algorithm::Crc64Nvme);
        profile.refresh = self.refresh;
        // A list of all blocks that there may be.
        profile.answer_limit = Limits::LIST.bytes;
        profile
    }

    fn build(&self, step: &Step, cx: &Context<'_>, now: Now) -> Result<Request<Body>, BuildError> {
        self.blob.request(self.start(step, cx)?, cx, now)
    }

    fn interpret(
        &self,
        step: &Step,
        cx: &Context<'_>,
        head: Head<'_>,
        body: &[u8],
        now: Now,
    ) -> Result<Reply, Verdict> {
        answer::read(&Answer { step, cx, head, body, now, fields: &self.fields, blob: &self.blob })
    }

    fn is_ready(&self, _: &Step, wall: Wall) -> bool {
        self.blob.is_ready(self.refresh, wall)
    }
}
