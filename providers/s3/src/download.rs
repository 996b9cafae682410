//! Ranged download of an object: `HeadObject` and `GetObject`.
//!
//! Follows <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html> and
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>. Requests and answers are those of
//! [`HttpDownload`], signed, with what S3 adds: checksums of the object, versions, its own errors. Every range is pinned by
//! `If-Match`, so that all bytes are of one version.
//!
//! Redirects are not followed: a signature holds for one host, and where S3 redirects it names the region to use instead.

use http::Request;
use http::header::{HeaderName, HeaderValue};
use longhaul_core::error::BuildError;
use longhaul_core::intent::Body;
use longhaul_core::provider::{Context, Head, Object as Found, Profile, Provider, Reply, Step, Verdict};
use longhaul_core::{ByteRange, Now};
use longhaul_http::fault::malformed;
use longhaul_http::read::{ETag, content_length, etag, version};
use longhaul_http::{Headers, HttpDownload};
use longhaul_sign::encode;

use crate::checksum;
use crate::fault::{ErrorBody, Refusal};
use crate::fields::{Fields, Kind};
use crate::object::Object;
use crate::rules::Etags;

const CHECKSUM_MODE: HeaderName = HeaderName::from_static("x-amz-checksum-mode");

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
        Ok(Self { object, http, fields: Fields::default(), refresh: false })
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
        self.fields = Fields::new(headers)?;
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

    /// HEAD. S3's word on the length counts, also that it is 0.
    fn probed(&self, head: Head<'_>) -> Result<Option<Found>, longhaul_http::read::Malformed> {
        let Some(total) = content_length(head.headers)? else { return Ok(None) };
        let version = version(head.headers)?;
        let mut found = Found::default();
        found.total = Some(total);
        found.validator = version.validator;
        found.modified = version.modified;
        found.ranges = Some(true);
        Ok(Some(found))
    }

    /// Adds the digests that S3 tells of. Those on a part of an object may be of that part.
    fn digests(&self, found: &mut Found, head: Head<'_>) {
        found.digests.extend(checksum::of_whole(head.headers));
        let means_md5 = self.object.bucket().rules().etags == Etags::Md5 && !is_directory(self.object.bucket().name());
        if found.digests.is_empty() && means_md5 && !checksum::is_veiled(head.headers) {
            let tag = etag(head.headers).ok().flatten();
            found.digests.extend(tag.as_ref().map(ETag::as_str).and_then(checksum::md5_of_tag));
        }
    }
}

/// The plain download beneath. What an object is stored as is what is wanted, whatever its `Content-Encoding` says.
fn plain(url: &str) -> Result<HttpDownload, BuildError> {
    Ok(HttpDownload::new(url)?.keep_encoded(true))
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
        head.insert(CHECKSUM_MODE, HeaderValue::from_static("ENABLED"));
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
        let reply = match (step, status) {
            (Step::Probe, 200) => match self.probed(head).map_err(|error| malformed(step, head.status, error))? {
                Some(found) => Ok(Reply::Object(found)),
                None => Err(Verdict::ProbeByRange),
            },
            // The plain reader knows nothing of our secrets: it is not shown what the server says in words.
            (Step::ProbeRange | Step::GetRange { .. }, 200 | 206 | 304) => {
                self.http.interpret(step, cx, head, &[], now)
            }
            (Step::ProbeRange | Step::GetRange { .. }, 416) => {
                // The size is in the body where Content-Range does not tell it.
                match self.http.interpret(step, cx, head, &[], now) {
                    Ok(Reply::Unsatisfiable { total: None }) => {
                        Ok(Reply::Unsatisfiable { total: ErrorBody::read(body).object_size })
                    }
                    Ok(Reply::Object(mut found)) if found.total.is_none() => {
                        found.total = ErrorBody::read(body).object_size;
                        Ok(Reply::Object(found))
                    }
                    reply => reply,
                }
            }
            (Step::GetRange { range }, 412) if *range != ByteRange::at(0, u64::MAX) && cx.validator.etag.is_some() => {
                self.http.interpret(step, cx, head, &[], now)
            }
            _ => {
                let hide = self.fields.hide(self.object.hide());
                let region = self.object.bucket().region();
                let verdict = Refusal { step, cx, head, body, now, hide, region, conditional: false }.verdict();
                // The answer to a HEAD has no body: a GET brings the code that says what is wrong.
                let mute = *step == Step::Probe && matches!(status, 400 | 401 | 403 | 405 | 501);
                let told = matches!(&verdict, Verdict::Skew { .. })
                    || head.headers.get("x-amz-bucket-region").is_some_and(|told| told.as_bytes() != region.as_bytes());
                Err(if mute && !told { Verdict::ProbeByRange } else { verdict })
            }
        };
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
