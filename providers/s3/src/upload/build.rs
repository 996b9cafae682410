//! The requests of an upload.

use alloc::format;
use alloc::string::String;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request};
use longhaul_core::error::BuildError;
use longhaul_core::intent::Body;
use longhaul_core::provider::{Context, Step};
use longhaul_core::{Algorithm, ByteRange, Digest, Now};
use longhaul_sign::encode;

use super::{S3Upload, document};
use crate::access::Payload;
use crate::checksum::{self, Integrity};
use crate::fields::Kind;
use crate::object::Start;

/// Parts per page of a listing: the most S3 gives.
const PAGE: u32 = 1000;

pub(super) fn request(upload: &S3Upload, step: &Step, cx: &Context<'_>, now: Now) -> Result<Request<Body>, BuildError> {
    if contradicts(upload.object.payload, upload.integrity.algorithm()) {
        let what = "signed content is hashed by SHA-256, and another checksum is asked for besides";
        return Err(BuildError::new(what, "choose Integrity::Sha256, or leave the payload unsigned"));
    }
    let start = match step {
        Step::PutWhole { range } => whole(upload, *range, cx)?,
        Step::Begin => begin(upload)?,
        Step::PutPart { number, range, digest } => part(upload, *number, *range, digest.as_ref(), cx)?,
        Step::ListParts { marker } => list(upload, marker.as_deref(), cx)?,
        Step::Commit => commit(upload, cx)?,
        Step::Confirm => {
            let mut headers = upload.fields.on(Kind::Read);
            headers.insert("x-amz-checksum-mode", HeaderValue::from_static("ENABLED"));
            Start { method: Method::HEAD, query: String::new(), headers, body: Body::Empty, content: None }
        }
        Step::Abort => Start {
            method: Method::DELETE,
            query: session(cx)?,
            headers: upload.fields.on(Kind::Abort),
            body: Body::Empty,
            content: None,
        },
        step => {
            let what = format!("an upload to S3 has no {}", step.kind());
            return Err(BuildError::new(what, "use a provider that does this kind of transfer"));
        }
    };
    upload.object.request(start, cx, now)
}

fn whole<'a>(upload: &S3Upload, range: ByteRange, cx: &Context<'a>) -> Result<Start<'a>, BuildError> {
    let mut headers = describing(upload, Kind::Put);
    if let Some(algorithm) = upload.integrity.algorithm() {
        checked(&mut headers, algorithm, cx.content_digest)?;
    }
    let body = content(range, &mut headers);
    Ok(Start { method: Method::PUT, query: String::new(), headers, body, content: cx.content_digest })
}

fn begin(upload: &S3Upload) -> Result<Start<'static>, BuildError> {
    let mut headers = describing(upload, Kind::Create);
    if let Some((algorithm, kind)) = upload.integrity.declared() {
        headers.insert("x-amz-checksum-algorithm", HeaderValue::from_static(algorithm));
        headers.insert("x-amz-checksum-type", HeaderValue::from_static(kind));
    }
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(0));
    Ok(Start { method: Method::POST, query: "uploads".into(), headers, body: Body::Empty, content: None })
}

fn part<'a>(
    upload: &S3Upload,
    number: u64,
    range: ByteRange,
    digest: Option<&'a Digest>,
    cx: &Context<'_>,
) -> Result<Start<'a>, BuildError> {
    let mut headers = upload.fields.on(Kind::Part);
    if let Some(algorithm) = upload.integrity.algorithm() {
        checked(&mut headers, algorithm, digest)?;
    }
    let query = format!("partNumber={number}&{}", session(cx)?);
    let body = content(range, &mut headers);
    Ok(Start { method: Method::PUT, query, headers, body, content: digest })
}

fn list(upload: &S3Upload, marker: Option<&str>, cx: &Context<'_>) -> Result<Start<'static>, BuildError> {
    let marker = marker.map(|marker| format!("&part-number-marker={}", encode::component(marker))).unwrap_or_default();
    let query = format!("max-parts={PAGE}{marker}&{}", session(cx)?);
    let headers = upload.fields.on(Kind::Part);
    Ok(Start { method: Method::GET, query, headers, body: Body::Empty, content: None })
}

fn commit(upload: &S3Upload, cx: &Context<'_>) -> Result<Start<'static>, BuildError> {
    let algorithm = upload.integrity.algorithm();
    let body = document::part_list(cx, algorithm)?;
    let mut headers = upload.fields.on(Kind::Complete);
    if let Some((_, kind)) = upload.integrity.declared() {
        headers.insert("x-amz-checksum-type", HeaderValue::from_static(kind));
    }
    // Where the checksum is one of the whole object, the store compares it before it makes the object.
    if let Some(whole) = checksum::whole(cx)
        .filter(|whole| upload.integrity == Integrity::Crc64Nvme && Some(whole.algorithm()) == algorithm)
    {
        checked(&mut headers, whole.algorithm(), Some(&whole))?;
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    let body = Body::Inline(Bytes::from(body));
    Ok(Start { method: Method::POST, query: session(cx)?, headers, body, content: None })
}

/// The caller's fields that describe the object, with a content type in any case: without one S3 would take
/// `binary/octet-stream`, which is not registered.
fn describing(upload: &S3Upload, kind: Kind) -> HeaderMap {
    let mut headers = upload.fields.on(kind);
    if !upload.fields.contains(&header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    }
    headers
}

/// The body for bytes of the source, and its length.
fn content(range: ByteRange, headers: &mut HeaderMap) -> Body {
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(range.len()));
    if range.is_empty() { Body::Empty } else { Body::Source(range) }
}

/// Puts a checksum on a request. Nothing at all has a checksum without being read.
fn checked(headers: &mut HeaderMap, algorithm: Algorithm, digest: Option<&Digest>) -> Result<(), BuildError> {
    let digest = digest.filter(|digest| digest.algorithm() == algorithm);
    let field = checksum::field(algorithm);
    let (Some(field), Some(digest)) = (field, digest) else {
        let what = format!("the content's {} is not known when its request is made", algorithm.name());
        return Err(BuildError::new(what, "choose Integrity::Returned"));
    };
    let value = HeaderValue::try_from(checksum::text(digest))
        .map_err(|_| BuildError::new("a checksum makes no header", "report this as a bug"))?;
    headers.insert(field, value);
    Ok(())
}

/// `uploadId=…`.
fn session(cx: &Context<'_>) -> Result<String, BuildError> {
    let id = cx.session.ok_or_else(|| BuildError::new("no upload is open", "report this as a bug"))?;
    Ok(format!("uploadId={}", encode::component(id)))
}

/// Whether SHA-256 serves the signature while another checksum is declared: two digests would have to be known beforehand.
fn contradicts(payload: Payload, declared: Option<Algorithm>) -> bool {
    payload == Payload::Signed && declared.is_some_and(|algorithm| algorithm != Algorithm::Sha256)
}
