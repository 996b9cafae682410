//! Refusals of a signature that the URL carries itself. No other request with that URL will be taken: a fresh one is wanted.

use alloc::format;
use alloc::string::String;

use http::{StatusCode, Uri};
use longhaul_core::Now;
use longhaul_core::provider::Head;

use super::code;
use crate::read::date;
use crate::url::{is_signed, signed_until};

/// What to do about a refusal, where it is about the signature in `uri`.
pub(super) fn refused(uri: &Uri, head: Head<'_>, body: &[u8], now: Now) -> Option<String> {
    // S3 and Google say 400 of a token that has expired.
    let is_about_rights =
        matches!(head.status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    if !is_about_rights || !is_signed(uri) {
        return None;
    }
    let until = signed_until(uri);
    let server = date(head.headers).unwrap_or(now.wall);
    if let Some(until) = until.filter(|until| until.as_second() <= server.as_unix())
        && head.status != StatusCode::BAD_REQUEST
    {
        return Some(format!("the URL's signature expired on {until}: get a fresh URL"));
    }
    let says = |words: &str| body.windows(words.len()).any(|at| at.eq_ignore_ascii_case(words.as_bytes()));
    match code(body).as_deref() {
        Some("ExpiredToken" | "SecurityTokenExpired") => {
            Some("the credentials that signed the URL have expired: get a fresh URL".into())
        }
        // Nothing but its words tells it from a right that is missing.
        Some("AccessDenied" | "AuthenticationFailed") if says("has expired") || says("specified time frame") => {
            Some("the URL's signature has expired, or is not good yet: get a fresh URL".into())
        }
        Some("SignatureDoesNotMatch" | "AuthenticationFailed") => Some(
            "the URL's signature is not accepted: take the URL whole, for what it was signed for, or get a fresh one"
                .into(),
        ),
        _ => None,
    }
}
