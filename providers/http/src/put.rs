//! One `PUT` of everything (RFC 9110 §9.3.4): WebDAV servers, presigned single URLs.

use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Request};
use longhaul_core::Now;
use longhaul_core::error::{BuildError, ServerFaultKind};
use longhaul_core::intent::Body;
use longhaul_core::layout::PartLimits;
use longhaul_core::provider::{Context, Head, Profile, Provider, Receipt, Reply, Step, Verdict};

use crate::fault::{self, Asked, Class};
use crate::headers::Headers;
use crate::read::{ETag, etag};
use crate::request::{Endpoint, no_such_step};
use crate::url::Url;

/// A field that would make the request something else.
const OWN_FIELDS: [(HeaderName, &str); 1] = [(header::RANGE, "the whole file is sent")];

/// Uploads a file by a single `PUT`. A broken attempt starts over: there is nothing to resume.
#[derive(Clone, Debug)]
pub struct HttpPut {
    endpoint: Endpoint,
    create_only: bool,
    refresh: bool,
}

impl HttpPut {
    /// An upload to `url`. It has a `Content-Type` only if the caller's headers do: the signature of a presigned URL covers that field
    /// on some stores (OSS), so that a default nobody signed would be refused.
    ///
    /// # Errors
    /// When the URL is unusable.
    pub fn new(url: &str) -> Result<Self, BuildError> {
        Ok(Self { endpoint: Endpoint::new(url)?, create_only: false, refresh: false })
    }

    /// With header fields for the request: content type, metadata, conditions.
    ///
    /// # Errors
    /// When one of them is set by longhaul itself.
    pub fn with_headers(mut self, headers: Headers) -> Result<Self, BuildError> {
        headers.refuse(&OWN_FIELDS)?;
        self.endpoint.headers = headers;
        Ok(self)
    }

    /// Whether the upload must not replace anything: sends `If-None-Match: *` (RFC 9110 §13.1.2). Where an attempt succeeds
    /// but its answer is lost, the next one finds the object of the first and ends as a conflict.
    #[must_use]
    pub const fn create_only(mut self, create_only: bool) -> Self {
        self.create_only = create_only;
        self
    }

    /// Whether the application can supply a fresh provider when this one's URL or credentials are refused. Default false.
    #[must_use]
    pub const fn refreshable(mut self, refreshable: bool) -> Self {
        self.refresh = refreshable;
        self
    }

    /// The URL.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.endpoint.url
    }
}

impl Provider for HttpPut {
    fn authority(&self) -> &str {
        self.endpoint.url.authority()
    }

    fn object(&self) -> &str {
        self.endpoint.url.object()
    }

    fn profile(&self) -> Profile {
        let mut profile = Profile::download();
        profile.parts = PartLimits::UNLIMITED;
        profile.single = Some(u64::MAX);
        profile.needs_total = true;
        profile.refresh = self.refresh;
        profile
    }

    fn build(&self, step: &Step, _cx: &Context<'_>, _now: Now) -> Result<Request<Body>, BuildError> {
        let Step::PutWhole { range } = step else {
            return Err(no_such_step("a single PUT", step));
        };
        let body = if range.is_empty() { Body::Empty } else { Body::Source(*range) };
        let defaults = [(header::ACCEPT, HeaderValue::from_static("*/*"))];
        let condition = self.create_only.then_some((header::IF_NONE_MATCH, HeaderValue::from_static("*")));
        let fixed = condition.into_iter().chain([(header::CONTENT_LENGTH, HeaderValue::from(body.len()))]);
        Ok(self.endpoint.request(Method::PUT, None, defaults, fixed, body))
    }

    fn interpret(
        &self,
        step: &Step,
        _cx: &Context<'_>,
        head: Head<'_>,
        body: &[u8],
        now: Now,
    ) -> Result<Reply, Verdict> {
        if !matches!(step, Step::PutWhole { .. }) {
            let detail = "an answer to what is never asked";
            return Err(Verdict::Fatal(fault::protocol(step, head.status, detail)));
        }
        let asked =
            || Asked { uri: self.endpoint.url.uri(), hide: self.endpoint.hide(None), refresh: self.refresh, now };
        match (fault::class(head.status), head.status.as_u16()) {
            (_, 200 | 201 | 204) => {
                let mut receipt = Receipt::default();
                // The object is there whatever its tag looks like.
                receipt.etag = etag(head.headers).ok().flatten().map(|tag| ETag::as_str(&tag).into());
                Ok(Reply::Committed(receipt))
            }
            (Class::Success, _) => Err(Verdict::Fatal(fault::protocol(
                step,
                head.status,
                "the server does not say that it stored the file",
            ))),
            (Class::Redirect, _) => Err(fault::not_redirected(step, head, body, &asked())),
            // RFC 4918 §9.7.1: a missing parent, no object of somebody else.
            (_, 409) => {
                let hint = "a parent folder may be missing";
                let kind = ServerFaultKind::Refused;
                Err(Verdict::Fatal(fault::explained(kind, step, head, body, &asked().hide, hint)))
            }
            _ => Err(fault::verdict(step, head, body, &asked())),
        }
    }
}
