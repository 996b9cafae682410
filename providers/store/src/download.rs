//! What is read the same way of every store's answers to `HEAD` and `GET`.
//!
//! Requests and answers are those of [`HttpDownload`], with what a store adds. Its word on an object's length counts, also that
//! it is 0. Redirects are not followed: a signature holds for one host, and where a store redirects it names the endpoint to use.

#![allow(clippy::result_large_err, reason = "a reply is as large as a verdict: a box would save nothing")]

use longhaul_core::provider::{Context, Head, Object, Provider as _, Reply, Step, Verdict};
use longhaul_core::{ByteRange, Now};
use longhaul_http::HttpDownload;
use longhaul_http::fault::malformed;
use longhaul_http::read::{Malformed, content_length, version};

use crate::fault::ErrorBody;

/// The plain download beneath. What an object is stored as is what is wanted, whatever its `Content-Encoding` says.
///
/// # Errors
/// When the URL is unusable.
pub fn plain(url: &str) -> Result<HttpDownload, longhaul_core::error::BuildError> {
    Ok(HttpDownload::new(url)?.keep_encoded(true))
}

/// What an answer means, digests of the store's own apart. `None` for a refusal.
pub fn read(
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
