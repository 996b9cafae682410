//! Ranged download of an object: `HeadObject` and `GetObject`.
//!
//! Follows <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html> and
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>. Requests and answers are those of
//! [`HttpDownload`], signed, with what S3 adds: checksums of the object, versions, its own errors. Every range is pinned by
//! `If-Match`, so that all bytes are of one version.
//!
//! Redirects are not followed: a signature holds for one host, and where S3 redirects it names the region to use instead.

use http::Request;
use http::header::HeaderValue;
use longhaul_core::Now;
use longhaul_core::error::BuildError;
use longhaul_core::intent::Body;
use longhaul_core::provider::{Context, Head, Object as Found, Profile, Provider, Reply, Step, Verdict};
use longhaul_http::read::{ETag, etag};
use longhaul_http::{Headers, HttpDownload};
use longhaul_sign::encode;
use longhaul_store::download::plain;
use longhaul_store::etag::md5;
use longhaul_store::fault::Refusal;
use longhaul_store::{Fields, Kind, download};

use crate::checksum;
use crate::fault::ERRORS;
use crate::fields::RULES;
use crate::object::Object;
use crate::rules::Etags;

/// Downloads an object by ranges.
#[derive(Clone, Debug)]
pub struct S3Download {
    object: Object,
    http: HttpDownload,
    fields: Fields,
    refresh: bool,
}

impl S3Download {
    /// A download of the newest version of `object`.
    ///
    /// # Errors
    /// When its URL is unusable.
    pub fn new(object: Object) -> Result<Self, BuildError> {
        let http = plain(object.url())?;
        Ok(Self { object, http, fields: Fields::none(&RULES), refresh: false })
    }

    /// Of one version, by the id the store gave it.
    ///
    /// # Errors
    /// When the id is empty or longer than 1,024 bytes.
    pub fn with_version(mut self, id: &str) -> Result<Self, BuildError> {
        if id.is_empty() || id.len() > 1024 {
            return Err(BuildError::new("the version id is empty or too long", "leave it out for the newest version"));
        }
        self.http = plain(&alloc::format!("{}?versionId={}", self.object.url(), encode::component(id)))?;
        Ok(self)
    }

    /// With header fields for every request: a customer's encryption key, the payer.
    ///
    /// # Errors
    /// When one of them is set by longhaul itself.
    pub fn with_headers(mut self, headers: Headers) -> Result<Self, BuildError> {
        // What only downloads refuse is known there.
        self.http.clone().with_headers(headers.clone())?;
        self.fields = Fields::new(headers, &RULES)?;
        Ok(self)
    }

    /// Whether the application can supply a fresh provider when the credentials have expired. Default false.
    #[must_use]
    pub const fn refreshable(mut self, refreshable: bool) -> Self {
        self.refresh = refreshable;
        self
    }

    /// The same object with other rights: what a refresh makes.
    #[must_use]
    pub fn with_access(mut self, access: impl Into<crate::Access>) -> Self {
        self.object = self.object.with_access(access);
        self
    }

    /// The object.
    #[must_use]
    pub const fn source(&self) -> &Object {
        &self.object
    }

    /// Adds the digests that S3 tells of. Those on a part of an object may be of that part.
    fn digests(&self, found: &mut Found, head: Head<'_>) {
        found.digests.extend(checksum::of_whole(head.headers));
        let means_md5 = self.object.bucket().rules().etags == Etags::Md5 && !is_directory(self.object.bucket().name());
        if found.digests.is_empty() && means_md5 && !checksum::is_veiled(head.headers) {
            let tag = etag(head.headers).ok().flatten();
            found.digests.extend(tag.as_ref().map(ETag::as_str).and_then(md5));
        }
    }
}

/// Directory buckets (S3 Express One Zone) have tags that are no MD5.
fn is_directory(bucket: &str) -> bool {
    bucket.ends_with("--x-s3")
}

impl Provider for S3Download {
    fn authority(&self) -> &str {
        self.object.authority()
    }

    fn object(&self) -> &str {
        self.object.url()
    }

    fn profile(&self) -> Profile {
        let mut profile = Profile::download();
        profile.refresh = self.refresh;
        profile
    }

    fn build(&self, step: &Step, cx: &Context<'_>, now: Now) -> Result<Request<Body>, BuildError> {
        let mut request = self.http.build(step, cx, now)?;
        let head = request.headers_mut();
        for (name, value) in &self.fields.on(Kind::Read) {
            head.append(name, value.clone());
        }
        head.insert(checksum::MODE, HeaderValue::from_static("ENABLED"));
        self.object.sign(&mut request, None, cx, now)?;
        Ok(request)
    }

    fn interpret(
        &self,
        step: &Step,
        cx: &Context<'_>,
        head: Head<'_>,
        body: &[u8],
        now: Now,
    ) -> Result<Reply, Verdict> {
        let status = head.status.as_u16();
        let reply = download::read(&self.http, step, cx, head, body, now).unwrap_or_else(|| {
            let hide = self.fields.hide(self.object.hide());
            let region = self.object.bucket().region();
            let refusal = Refusal { errors: &ERRORS, step, cx, head, body, now, hide, region, conditional: false };
            let verdict = refusal.verdict();
            // The answer to a HEAD has no body: a GET brings the code that says what is wrong.
            let mute = *step == Step::Probe && matches!(status, 400 | 401 | 403 | 405 | 501);
            let told = matches!(&verdict, Verdict::Skew { .. }) || refusal.is_elsewhere();
            Err(if mute && !told { Verdict::ProbeByRange } else { verdict })
        });
        reply.map(|reply| match reply {
            Reply::Object(mut found) if *step == Step::Probe || status == 200 => {
                self.digests(&mut found, head);
                Reply::Object(found)
            }
            Reply::Whole(mut found) => {
                self.digests(&mut found, head);
                Reply::Whole(found)
            }
            reply => reply,
        })
    }
}
