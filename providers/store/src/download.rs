//! Ranged download of an object: `HEAD`, and `GET` by ranges.
//!
//! Requests and answers are those of [`HttpDownload`], signed, with what a store adds. Every range is pinned by `If-Match`, so that
//! all bytes are of one version. The store's word on an object's length counts, also that it is 0. Redirects are not followed: a
//! signature holds for one host, and where a store redirects it names the endpoint to use instead.

#![allow(clippy::result_large_err, reason = "a reply is as large as a verdict: a box would save nothing")]

use alloc::format;

use http::header::HeaderMap;
use http::{Request, StatusCode};
use longhaul_core::error::BuildError;
use longhaul_core::intent::Body;
use longhaul_core::provider::{Context, Head, Object, Profile, Provider, Reply, Step, Verdict};
use longhaul_core::{ByteRange, Now, Wall};
use longhaul_http::fault::malformed;
use longhaul_http::read::{Malformed, content_length, version};
use longhaul_http::{Headers, HttpDownload};
use longhaul_sign::encode;

use crate::access::Rights as _;
use crate::fault::{ErrorBody, Refusal};
use crate::fields::{Fields, Kind};
use crate::item::Item;

/// What distinguishes the download of one store's objects from that of another's.
pub trait Source: Item {
    /// What names a version in a URL's query.
    const VERSION: &'static str;

    /// Adds what is the store's own to a request's fields.
    fn dress(&self, headers: &mut HeaderMap);

    /// Sets, or adds, the digests of the whole object that an answer to `step` tells of.
    fn add_digests(&self, found: &mut Object, step: &Step, head: Head<'_>);

    /// Whether a 412 speaks of the version that a range is pinned to.
    fn is_changed(&self, _: &Refusal<'_>) -> bool {
        true
    }

    /// The verdict on a refusal.
    fn verdict(&self, refusal: &Refusal<'_>) -> Verdict;
}

/// A source of which there are snapshots.
pub trait Snapshots: Source {
    /// What names one in a URL's query.
    const SNAPSHOT: &'static str;
}

/// Downloads an object of a store by ranges.
#[derive(Clone, Debug)]
pub struct Download<S> {
    source: S,
    http: HttpDownload,
    fields: Fields,
    refresh: bool,
}

impl<S: Source> Download<S> {
    /// A download of the newest version of `source`.
    ///
    /// # Errors
    /// When its URL is unusable.
    pub fn new(source: S) -> Result<Self, BuildError> {
        let http = plain(source.url())?;
        Ok(Self { source, http, fields: Fields::none(S::RULES), refresh: false })
    }

    /// Of one version, by the id the store gave it.
    ///
    /// # Errors
    /// When the id is empty or longer than 1,024 bytes.
    pub fn with_version(self, id: &str) -> Result<Self, BuildError> {
        self.with_query(S::VERSION, id)
    }

    fn with_query(mut self, name: &str, id: &str) -> Result<Self, BuildError> {
        if id.is_empty() || id.len() > 1024 {
            let remedy = "give it as the store did, or leave it out for the newest version";
            return Err(BuildError::new(format!("the {name} is empty or too long"), remedy));
        }
        self.http = plain(&format!("{}?{name}={}", self.source.url(), encode::component(id)))?;
        Ok(self)
    }

    /// With header fields for every request: the payer, a customer's encryption key.
    ///
    /// # Errors
    /// When one of them is set by longhaul itself.
    pub fn with_headers(mut self, headers: Headers) -> Result<Self, BuildError> {
        // What only downloads refuse is known there.
        self.http.clone().with_headers(headers.clone())?;
        self.fields = Fields::new(headers, S::RULES)?;
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
    pub fn with_access(mut self, access: impl Into<S::Access>) -> Self {
        self.source = self.source.renewed(access.into());
        self
    }

    /// The object.
    #[must_use]
    pub const fn source(&self) -> &S {
        &self.source
    }
}

impl<S: Snapshots> Download<S> {
    /// Of a snapshot, by the time the store gave it.
    ///
    /// # Errors
    /// When the time is empty or longer than 1,024 bytes.
    pub fn with_snapshot(self, time: &str) -> Result<Self, BuildError> {
        self.with_query(S::SNAPSHOT, time)
    }
}

impl<S: Source> Provider for Download<S> {
    fn authority(&self) -> &str {
        self.source.authority()
    }

    fn object(&self) -> &str {
        self.source.url()
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
        self.source.dress(head);
        self.source.sign(&mut request, None, cx, now)?;
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
        let refusal = || {
            let (hide, region) = (self.fields.hide(self.source.access().hide()), self.source.region());
            Refusal { errors: &S::ERRORS, step, cx, head, body, now, hide, region, conditional: false }
        };
        let refused = head.status == StatusCode::PRECONDITION_FAILED && !self.source.is_changed(&refusal());
        let reply = if refused { None } else { read(&self.http, step, cx, head, body, now) };
        reply.unwrap_or_else(|| Err(self.source.verdict(&refusal()))).map(|mut reply| {
            if let Reply::Object(found) | Reply::Whole(found) | Reply::Range { object: found, .. } = &mut reply {
                self.source.add_digests(found, step, head);
            }
            reply
        })
    }

    fn is_ready(&self, _: &Step, wall: Wall) -> bool {
        self.source.is_ready(self.refresh, wall)
    }
}

/// The plain download beneath. What an object is stored as is what is wanted, whatever its `Content-Encoding` says.
///
/// # Errors
/// When the URL is unusable.
fn plain(url: &str) -> Result<HttpDownload, BuildError> {
    Ok(HttpDownload::new(url)?.keep_encoded(true))
}

/// What an answer means, digests of the store's own apart. `None` for a refusal.
fn read(
    plain: &HttpDownload,
    step: &Step,
    cx: &Context<'_>,
    head: Head<'_>,
    body: &[u8],
    now: Now,
) -> Option<Result<Reply, Verdict>> {
    match (step, head.status.as_u16()) {
        (Step::Probe, 200) => Some(match probed(head).map_err(|error| malformed(step, head.status, error)) {
            Ok(Some(found)) => Ok(Reply::Object(found)),
            Ok(None) => Err(Verdict::ProbeByRange),
            Err(verdict) => Err(verdict),
        }),
        // The plain reader knows nothing of our secrets: it is not shown what the server says in words.
        (Step::ProbeRange | Step::GetRange { .. }, 200 | 206 | 304) => Some(plain.interpret(step, cx, head, &[], now)),
        // The size is in the body where Content-Range does not tell it.
        (Step::ProbeRange | Step::GetRange { .. }, 416) => Some(match plain.interpret(step, cx, head, &[], now) {
            Ok(Reply::Unsatisfiable { total: None }) => {
                Ok(Reply::Unsatisfiable { total: ErrorBody::read(body).object_size })
            }
            Ok(Reply::Object(mut found)) if found.total.is_none() => {
                found.total = ErrorBody::read(body).object_size;
                Ok(Reply::Object(found))
            }
            reply => reply,
        }),
        (Step::GetRange { range }, 412) if *range != ByteRange::at(0, u64::MAX) && cx.validator.etag.is_some() => {
            Some(plain.interpret(step, cx, head, &[], now))
        }
        _ => None,
    }
}

/// HEAD.
fn probed(head: Head<'_>) -> Result<Option<Object>, Malformed> {
    let Some(total) = content_length(head.headers)? else { return Ok(None) };
    let version = version(head.headers)?;
    let mut found = Object::default();
    found.total = Some(total);
    found.validator = version.validator;
    found.modified = version.modified;
    found.ranges = Some(true);
    Ok(Some(found))
}
