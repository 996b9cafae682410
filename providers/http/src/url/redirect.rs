//! Where a redirect leads: reference resolution (RFC 3986 §5.2).

use alloc::format;
use alloc::string::ToString;

use http::Uri;
use iri_string::types::{UriAbsoluteStr, UriReferenceStr};
use longhaul_core::error::BuildError;

use super::Url;
use super::part::bad;
use crate::text::{encode_target, trim_ows};

/// The target of a redirect: `location` as sent, relative or absolute, against the URL that answered (RFC 3986 §5.2,
/// RFC 9110 §10.2.2). Userinfo and fragment are dropped.
///
/// # Errors
/// Why it cannot be followed, without repeating it.
pub fn resolve(base: &Uri, location: &[u8]) -> Result<Uri, BuildError> {
    let location = trim_ows(location);
    let location = location.split(|byte| *byte == b'#').next().unwrap_or_default();
    if location.is_empty() {
        return Err(bad("the redirect names no target", REDIRECT));
    }
    let (authority, target) = location.split_at(authority_end(location));
    let authority = core::str::from_utf8(authority).map_err(|_| bad("the redirect's host is not text", REDIRECT))?;
    let reference = format!("{authority}{}", encode_target(target, true));
    let reference =
        UriReferenceStr::new(&reference).map_err(|_| bad("the redirect's target is not a URL", REDIRECT))?;
    // A reference that is not empty never uses the base's query.
    let clean = format!(
        "{}://{}{}",
        base.scheme_str().unwrap_or("http"),
        base.authority().map(http::uri::Authority::as_str).unwrap_or_default(),
        encode_target(base.path().as_bytes(), true)
    );
    let clean = UriAbsoluteStr::new(&clean).map_err(|_| bad("the redirecting URL is not absolute", REDIRECT))?;
    let absolute = reference.resolve_against(clean).to_string();
    Url::parse(&absolute)
        .map(|url| url.uri)
        .map_err(|error| bad(format!("the redirect's target: {}", error.what), error.remedy))
}

const REDIRECT: &str = "give the URL the server should have redirected to";

/// How far scheme and authority reach in a reference; 0 where it has no authority.
fn authority_end(reference: &[u8]) -> usize {
    let mark = reference.windows(2).position(|pair| pair == b"//").filter(|at| {
        let before = reference.get(..*at).unwrap_or_default();
        *at == 0 || matches!(before.split_last(), Some((b':', scheme)) if scheme.iter().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b)))
    });
    let Some(mark) = mark else { return 0 };
    let from = mark + 2;
    let after = reference.get(from..).unwrap_or_default();
    from + after.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(after.len())
}
