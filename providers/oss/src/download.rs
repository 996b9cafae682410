//! Ranged download of an object: `HeadObject` and `GetObject`.
//!
//! Follows <https://www.alibabacloud.com/help/en/oss/developer-reference/headobject> and
//! <https://www.alibabacloud.com/help/en/oss/developer-reference/getobject>. Requests and answers are those of [`HttpDownload`], signed, with
//! what OSS adds: the CRC-64 of the whole object on every answer, versions, its own errors. Every range is pinned by `If-Match`, so
//! that all bytes are of one version, and carries `x-oss-range-behavior: standard`: without it OSS answers a range that it cannot
//! serve with the whole object.
//!
//! Redirects are not followed: a signature holds for one host.

use http::Request;
use http::header::{self, HeaderName, HeaderValue};
use longhaul_core::Now;
use longhaul_core::error::BuildError;
use longhaul_core::intent::Body;
use longhaul_core::provider::{Context, Head, Profile, Provider, Reply, Step, Verdict};
use longhaul_http::{Headers, HttpDownload};
use longhaul_sign::encode;
use longhaul_store::download::{plain, read};
use longhaul_store::fault::Refusal;
use longhaul_store::{Access, Fields, Kind};

use crate::checksum;
use crate::fault::ERRORS;
use crate::fields::RULES;
use crate::object::Object;

const RANGE_BEHAVIOR: HeaderName = HeaderName::from_static("x-oss-range-behavior");

/// Downloads an object by ranges.
#[derive(Clone, Debug)]
pub struct OssDownload {
    object: Object,
    http: HttpDownload,
    fields: Fields,
    refresh: bool,
}

impl OssDownload {
    /// A download of the newest version of `object`.
    ///
    /// # Errors
    /// When its URL is unusable.
    pub fn new(object: Object) -> Result<Self, BuildError> {
        let http = plain(object.url())?;
        Ok(Self { object, http, fields: Fields::none(&RULES), refresh: false })
    }

    /// Of one version, by the id that OSS gave it.
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

    /// With header fields for every request: the payer, a limit of the rate.
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
    pub fn with_access(mut self, access: impl Into<Access>) -> Self {
        self.object = self.object.with_access(access);
        self
    }

    /// The object.
    #[must_use]
    pub const fn source(&self) -> &Object {
        &self.object
    }

    fn refused(&self, refusal: &Refusal<'_>) -> Verdict {
        let error = refusal.error();
        // A HEAD that is refused without a word: a GET brings the code that says what is wrong.
        let mute = *refusal.step == Step::Probe && error.code.is_none();
        match refusal.verdict_on(&error) {
            Verdict::Fatal(_) | Verdict::Refresh(_)
                if mute && matches!(refusal.head.status.as_u16(), 400..=403 | 405 | 501) =>
            {
                Verdict::ProbeByRange
            }
            verdict => verdict,
        }
    }
}

impl Provider for OssDownload {
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
        if head.contains_key(header::RANGE) {
            head.insert(RANGE_BEHAVIOR, HeaderValue::from_static("standard"));
        }
        self.object.sign(&mut request, cx, now)?;
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
        let reply = read(&self.http, step, cx, head, body, now).unwrap_or_else(|| {
            let (hide, region) = (self.fields.hide(self.object.hide()), self.object.bucket().region());
            let refusal = Refusal { errors: &ERRORS, step, cx, head, body, now, hide, region, conditional: false };
            Err(self.refused(&refusal))
        });
        // Also on a range the CRC is that of the whole object; an MD5 is told with all of it only, and read there already.
        reply.map(|mut reply| {
            if let Reply::Object(found) | Reply::Whole(found) | Reply::Range { object: found, .. } = &mut reply {
                match *step {
                    Step::Probe => found.digests = checksum::of_whole(head.headers),
                    _ => {
                        found.digests =
                            checksum::in_head(head.headers).map_or(found.digests.clone(), |crc| alloc::vec![crc])
                    }
                }
            }
            reply
        })
    }
}
