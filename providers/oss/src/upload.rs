//! Upload of an object: in one request where it is small, else in parts side by side.
//!
//! | step | page |
//! |---|---|
//! | `PutWhole` | <https://www.alibabacloud.com/help/en/oss/developer-reference/putobject> |
//! | `Begin` | <https://www.alibabacloud.com/help/en/oss/developer-reference/initiatemultipartupload> |
//! | `PutPart` | <https://www.alibabacloud.com/help/en/oss/developer-reference/uploadpart> |
//! | `ListParts` | <https://www.alibabacloud.com/help/en/oss/developer-reference/listparts> |
//! | `Commit` | <https://www.alibabacloud.com/help/en/oss/developer-reference/completemultipartupload> |
//! | `Confirm` | <https://www.alibabacloud.com/help/en/oss/developer-reference/headobject> |
//! | `Abort` | <https://www.alibabacloud.com/help/en/oss/developer-reference/abortmultipartupload> |
//!
//! `x-oss-complete-all` is never sent: it would complete whatever is there and could not notice what is missing.

use alloc::string::String;
use alloc::vec::Vec;

use http::Request;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use longhaul_core::error::BuildError;
use longhaul_core::intent::Body;
use longhaul_core::provider::{Context, Head, Profile, Provider, Reply, Step, Verdict};
use longhaul_core::{Algorithm, Digest, Now, Wall};
use longhaul_http::Headers;
use longhaul_sign::xml::Element;
use longhaul_store::multipart::{self, Dialect, Reader, Tags, content_digest};
use longhaul_store::{Access, Fields, Item as _};

use crate::checksum::{self, CONTENT_MD5, Integrity};
use crate::fields::{FORBID_OVERWRITE, RULES};
use crate::object::Object;

pub use longhaul_store::multipart::MOST_ANSWER;

/// Objects up to this size, in bytes, go up in one request unless told otherwise.
pub const SINGLE: u64 = 16 << 20;

/// Conditions that OSS does not look at when an object is made: it would be replaced in spite of them.
const NO_CONDITION: &str = "OSS has one condition for uploads, x-oss-forbid-overwrite: true";

/// Uploads an object.
#[derive(Clone, Debug)]
pub struct OssUpload {
    object: Object,
    fields: Fields,
    overwrite: bool,
    integrity: Integrity,
    single: u64,
    refresh: bool,
}

impl OssUpload {
    /// An upload that makes, or replaces, `object`.
    #[must_use]
    pub fn new(object: Object) -> Self {
        Self {
            object,
            fields: Fields::none(&RULES),
            overwrite: true,
            integrity: Integrity::default(),
            single: SINGLE,
            refresh: false,
        }
    }

    /// With header fields: content type, cache control, metadata (`x-oss-meta-…`), tags (`x-oss-tagging`), encryption, storage
    /// class, ACL, callback. Each goes on the requests it belongs to.
    ///
    /// # Errors
    /// When one of them is set by longhaul itself, or is a condition that OSS does not know.
    pub fn with_headers(mut self, headers: Headers) -> Result<Self, BuildError> {
        headers.refuse(&[
            (header::IF_MATCH, NO_CONDITION),
            (header::IF_NONE_MATCH, NO_CONDITION),
            (header::IF_MODIFIED_SINCE, NO_CONDITION),
            (header::IF_UNMODIFIED_SINCE, NO_CONDITION),
        ])?;
        self.fields = Fields::new(headers, &RULES)?;
        Ok(self)
    }

    /// Whether an object that is there may be replaced; if not, such an upload fails. OSS disregards this in a bucket with
    /// versioning, where nothing is lost. Default true.
    #[must_use]
    pub const fn overwriting(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// With another checksum. Default [`Integrity::Crc64`].
    #[must_use]
    pub const fn with_integrity(mut self, integrity: Integrity) -> Self {
        self.integrity = integrity;
        self
    }

    /// In one request up to this size in bytes; cut to what OSS takes at once. An empty object always goes up so: it has no
    /// part. Default [`SINGLE`].
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
}

impl Provider for OssUpload {
    fn authority(&self) -> &str {
        self.object.authority()
    }

    fn object(&self) -> &str {
        self.object.url()
    }

    fn profile(&self) -> Profile {
        let rules = self.object.bucket().rules();
        let mut profile = multipart::profile(rules.parts, self.single.min(rules.single));
        match self.integrity {
            Integrity::Crc64 => profile.sent_digest = Some(Algorithm::Crc64Xz),
            Integrity::ContentMd5 => profile.part_digest = Some(Algorithm::Md5),
        }
        profile.refresh = self.refresh;
        profile
    }

    fn build(&self, step: &Step, cx: &Context<'_>, now: Now) -> Result<Request<Body>, BuildError> {
        self.request(step, cx, now)
    }

    fn interpret(
        &self,
        step: &Step,
        cx: &Context<'_>,
        head: Head<'_>,
        body: &[u8],
        now: Now,
    ) -> Result<Reply, Verdict> {
        Reader { dialect: self, step, cx, head, body, now }.read()
    }

    fn is_ready(&self, _: &Step, wall: Wall) -> bool {
        self.object.is_ready(self.refresh, wall)
    }
}

impl Dialect for OssUpload {
    const NAME: &'static str = "OSS";
    const NAMESPACE: Option<&'static str> = None;
    const VERSION: &'static str = "x-oss-version-id";
    type Item = Object;

    fn item(&self) -> &Object {
        &self.object
    }

    fn fields(&self) -> &Fields {
        &self.fields
    }

    fn is_conditional(&self) -> bool {
        !self.overwrite || self.fields.contains(&HeaderName::from_static(FORBID_OVERWRITE))
    }

    fn dress(&self, step: &Step, cx: &Context<'_>, headers: &mut HeaderMap) -> Result<(), BuildError> {
        if !self.overwrite && matches!(step, Step::PutWhole { .. } | Step::Begin | Step::Commit) {
            headers.insert(FORBID_OVERWRITE, HeaderValue::from_static("true"));
        }
        let content = matches!(step, Step::PutWhole { .. } | Step::PutPart { .. });
        if content && self.integrity == Integrity::ContentMd5 {
            headers.insert(CONTENT_MD5, checksum::content_md5(content_digest(step, cx))?);
        }
        Ok(())
    }

    fn dress_part(&self, _: u64, _: &Context<'_>, _: &mut String) -> Result<(), BuildError> {
        Ok(())
    }

    fn received(&self, headers: &HeaderMap) -> Vec<Digest> {
        Vec::from_iter(checksum::in_head(headers))
    }

    fn of_whole(&self, headers: &HeaderMap) -> Vec<Digest> {
        Vec::from_iter(checksum::in_head(headers))
    }

    fn of_result(&self, _: &Element, headers: &HeaderMap) -> Vec<Digest> {
        Vec::from_iter(checksum::in_head(headers))
    }

    /// OSS does not say how it makes the tag of an object made of parts. That of one that went up at once is its MD5:
    /// <https://www.alibabacloud.com/help/en/oss/developer-reference/putobject>.
    fn tags(&self, at_once: bool, headers: &HeaderMap) -> Tags {
        let veiled = headers.contains_key("x-oss-server-side-encryption");
        if at_once && !veiled { Tags::Foretold } else { Tags::Perhaps }
    }
}
