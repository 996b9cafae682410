//! Ranged download from any server that answers a plain `GET` (RFC 9110 §14), building its requests.
//!
//! | step | request |
//! |---|---|
//! | `Probe` | `HEAD` |
//! | `ProbeRange` | `GET` with `Range: bytes=0-0` |
//! | `GetRange a..b` | `GET` with `Range: bytes=a-(b-1)`, and `If-Match` when a strong ETag is known |
//! | `GetRange a..` | the same with `Range: bytes=a-` |
//! | `GetRange 0..` | `GET` without a range and without a condition |
//!
//! The last is for objects that nothing pins or that come in one answer only: such an answer is consistent in itself, so a
//! condition would only add a way to fail. `Last-Modified` is never sent as a condition: the engine compares it, together with
//! the total, in every answer.

mod answer;

use alloc::format;

use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Request};
use longhaul_core::error::BuildError;
use longhaul_core::intent::Body;
use longhaul_core::provider::{Context, Head, Profile, Provider, Reply, Step, Verdict};
use longhaul_core::{ByteRange, Now};

use crate::headers::Headers;
use crate::read::ETag;
use crate::request::{Endpoint, no_such_step, value};
use crate::url::Url;

/// Fields that would change which bytes come.
const OWN_FIELDS: [(HeaderName, &str); 9] = [
    (header::RANGE, "longhaul asks for the ranges it needs"),
    (header::IF_RANGE, "longhaul pins the object's version itself"),
    (header::IF_MATCH, "longhaul pins the object's version itself"),
    (header::IF_NONE_MATCH, "a download needs the object's content"),
    (header::IF_MODIFIED_SINCE, "a download needs the object's content"),
    (header::IF_UNMODIFIED_SINCE, "longhaul pins the object's version itself"),
    (header::ACCEPT_ENCODING, "ranges are of the object as it is stored"),
    (header::CONTENT_TYPE, "a download sends no content"),
    (header::CONTENT_ENCODING, "a download sends no content"),
];

/// Downloads an object by ranges.
///
/// ```
/// use longhaul_http::{Headers, HttpDownload};
/// let download = HttpDownload::new("https://example.com/big.iso?token=secret")?.with_headers(Headers::new().with("Cookie", "a=b")?)?;
/// assert_eq!(download.url().file_name(), Some("big.iso"));
/// assert!(!format!("{download:?}").contains("secret"));
/// # Ok::<(), longhaul_core::error::BuildError>(())
/// ```
#[derive(Clone, Debug)]
pub struct HttpDownload {
    endpoint: Endpoint,
    refresh: bool,
    keep_encoded: bool,
}

impl HttpDownload {
    /// A download of what `url` names.
    ///
    /// # Errors
    /// When the URL is unusable.
    pub fn new(url: &str) -> Result<Self, BuildError> {
        Ok(Self { endpoint: Endpoint::new(url)?, refresh: false, keep_encoded: false })
    }

    /// With header fields for every request. All but `Accept`, `Accept-Language` and `User-Agent` stay with the URL's origin
    /// when a redirect leads elsewhere.
    ///
    /// # Errors
    /// When one of them is set by longhaul itself.
    pub fn with_headers(mut self, headers: Headers) -> Result<Self, BuildError> {
        headers.refuse(&OWN_FIELDS)?;
        self.endpoint.headers = headers;
        Ok(self)
    }

    /// Whether the application can supply a fresh provider when this one's URL or credentials are refused. Default false.
    #[must_use]
    pub const fn refreshable(mut self, refreshable: bool) -> Self {
        self.refresh = refreshable;
        self
    }

    /// Whether content that comes encoded (gzip, …) although it must not is stored as it comes. Default false: it is refused.
    /// Some servers label stored `.gz` files so.
    #[must_use]
    pub const fn keep_encoded(mut self, keep: bool) -> Self {
        self.keep_encoded = keep;
        self
    }

    /// The URL; its [`file_name`](Url::file_name) is the name to save under when the server suggests none.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.endpoint.url
    }
}

impl Provider for HttpDownload {
    fn authority(&self) -> &str {
        self.endpoint.url.authority()
    }

    fn object(&self) -> &str {
        self.endpoint.url.object()
    }

    fn profile(&self) -> Profile {
        let mut profile = Profile::download();
        profile.refresh = self.refresh;
        profile
    }

    fn build(&self, step: &Step, cx: &Context<'_>, _now: Now) -> Result<Request<Body>, BuildError> {
        let (method, range) = match step {
            Step::Probe => (Method::HEAD, None),
            Step::ProbeRange => (Method::GET, Some(HeaderValue::from_static("bytes=0-0"))),
            Step::GetRange { range } => (Method::GET, range_value(*range)?),
            step => return Err(no_such_step("a download", step)),
        };
        let pinned = matches!(step, Step::GetRange { .. }) && range.is_some();
        let condition = if pinned { condition(cx) } else { None };
        let fixed = [
            Some((header::ACCEPT_ENCODING, HeaderValue::from_static("identity"))),
            range.map(|range| (header::RANGE, range)),
            condition.map(|tag| (header::IF_MATCH, tag)),
        ];
        let defaults = [(header::ACCEPT, HeaderValue::from_static("application/octet-stream"))];
        Ok(self.endpoint.request(method, cx.location, defaults, fixed.into_iter().flatten(), Body::Empty))
    }

    fn interpret(
        &self,
        step: &Step,
        cx: &Context<'_>,
        head: Head<'_>,
        body: &[u8],
        now: Now,
    ) -> Result<Reply, Verdict> {
        answer::Reader { download: self, step, cx, head, body, now }.read()
    }
}

/// Whether `range` stands for everything in one answer.
const fn is_everything(range: ByteRange) -> bool {
    range.start() == 0 && range.end() == u64::MAX
}

/// The `Range` of a request (RFC 9110 §14.2); `None` for everything.
fn range_value(range: ByteRange) -> Result<Option<HeaderValue>, BuildError> {
    if is_everything(range) {
        return Ok(None);
    }
    if range.is_empty() {
        return Err(BuildError::new("an empty range cannot be asked for", "ask for at least one byte"));
    }
    let text = if range.end() == u64::MAX {
        format!("bytes={}-", range.start())
    } else {
        format!("bytes={}-{}", range.start(), range.end().saturating_sub(1))
    };
    value(&header::RANGE, text).map(Some)
}

/// The tag for `If-Match` (RFC 9110 §13.1.1). Tags without quotes serve for comparing answers only: a server that reads the
/// field by the rules would refuse it.
fn condition(cx: &Context<'_>) -> Option<HeaderValue> {
    let tag = cx.validator.etag.as_deref()?;
    let strong = matches!(ETag::parse(tag.as_bytes()), Some(ETag::Strong(_)));
    HeaderValue::from_str(tag).ok().filter(|_| strong)
}
