//! The requests of an upload, complete but for the signature.

use alloc::format;
use alloc::string::{String, ToString};

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Uri};
use longhaul_core::ByteRange;
use longhaul_core::error::BuildError;
use longhaul_core::intent::Body;
use longhaul_core::provider::{Context, Step};
use longhaul_sign::encode;

use super::{Dialect, document};
use crate::fields::Kind;
use crate::item::Item as _;

/// Parts per page of a listing: the most that stores give.
const PAGE: u32 = 1000;

/// What a request is made of.
#[derive(Debug)]
pub struct Start {
    /// The method.
    pub method: Method,
    /// Encoded, without `?`.
    pub query: String,
    /// The fields, all but the signature.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
}

impl Start {
    /// The request for the object at `url`, not signed.
    ///
    /// # Errors
    /// When the store's id of the upload makes no URL.
    pub fn request(self, url: &str) -> Result<Request<Body>, BuildError> {
        let text = if self.query.is_empty() { url.to_string() } else { format!("{url}?{}", self.query) };
        let mut request = Request::new(self.body);
        *request.method_mut() = self.method;
        *request.uri_mut() = Uri::try_from(text)
            .map_err(|_| BuildError::new("the store's id of the upload makes no URL", "start the upload anew"))?;
        *request.headers_mut() = self.headers;
        request.headers_mut().entry(header::USER_AGENT).or_insert(USER_AGENT);
        Ok(request)
    }
}

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("longhaul/", env!("CARGO_PKG_VERSION")));

/// The request for a step of an upload, not signed.
pub(super) fn start<D: Dialect>(dialect: &D, step: &Step, cx: &Context<'_>) -> Result<Request<Body>, BuildError> {
    let fields = |kind| dialect.fields().on(kind);
    let plain = |method, query, kind| Start { method, query, headers: fields(kind), body: Body::Empty };
    let mut start = match step {
        Step::PutWhole { range } => whole(describing(dialect, Kind::Put), String::new(), *range),
        Step::Begin => begin(describing(dialect, Kind::Create)),
        Step::PutPart { number, range, .. } => {
            whole(fields(Kind::Part), format!("partNumber={number}&{}", session(cx)?), *range)
        }
        Step::ListParts { marker } => plain(Method::GET, page(marker.as_deref(), cx)?, Kind::Part),
        Step::Commit => commit(dialect, cx)?,
        Step::Confirm => plain(Method::HEAD, String::new(), Kind::Read),
        Step::Abort => plain(Method::DELETE, session(cx)?, Kind::Abort),
        step => {
            let what = format!("an upload to {} has no {}", D::NAME, step.kind());
            return Err(BuildError::new(what, "use a provider that does this kind of transfer"));
        }
    };
    dialect.dress(step, cx, &mut start.headers)?;
    start.request(dialect.item().url())
}

/// Source bytes, and their length.
fn whole(mut headers: HeaderMap, query: String, range: ByteRange) -> Start {
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(range.len()));
    let body = if range.is_empty() { Body::Empty } else { Body::Source(range) };
    Start { method: Method::PUT, query, headers, body }
}

fn begin(mut headers: HeaderMap) -> Start {
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(0));
    Start { method: Method::POST, query: "uploads".into(), headers, body: Body::Empty }
}

fn page(marker: Option<&str>, cx: &Context<'_>) -> Result<String, BuildError> {
    let marker = marker.map(|marker| format!("&part-number-marker={}", encode::component(marker))).unwrap_or_default();
    Ok(format!("max-parts={PAGE}{marker}&{}", session(cx)?))
}

fn commit<D: Dialect>(dialect: &D, cx: &Context<'_>) -> Result<Start, BuildError> {
    let list = document::part_list(dialect, cx)?;
    let mut headers = dialect.fields().on(Kind::Complete);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(list.len()));
    Ok(Start { method: Method::POST, query: session(cx)?, headers, body: Body::Inline(Bytes::from(list)) })
}

/// The caller's fields that describe the object, with a content type in any case: without one a store would take its own, or guess
/// one from the key.
fn describing<D: Dialect>(dialect: &D, kind: Kind) -> HeaderMap {
    let mut headers = dialect.fields().on(kind);
    if !dialect.fields().contains(&header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    }
    headers
}

/// `uploadId=…`.
fn session(cx: &Context<'_>) -> Result<String, BuildError> {
    let id = cx.session.ok_or_else(|| BuildError::new("no upload is open", "report this as a bug"))?;
    Ok(format!("uploadId={}", encode::component(id)))
}
