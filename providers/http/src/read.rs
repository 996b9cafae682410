//! Strict readers of answer headers: untrusted bytes in, typed values out.
//!
//! Shared by every provider. A field that decides where bytes go and comes twice with different values is an error
//! ([`Malformed`]); a field that only helps is left out when it is unreadable. No error repeats a value.

mod date;
mod digest;
mod disposition;
mod name;
mod range;
mod validator;

pub use date::{date, http_date, last_modified, retry_after};
pub use digest::{Content, digests};
pub use disposition::content_disposition;
pub use name::safe_file_name;
pub use range::{ContentRange, accept_ranges, content_length, content_range};
pub use validator::{ETag, Version, etag, version};

use alloc::string::String;
use alloc::vec::Vec;

use http::header::{self, HeaderMap};

use crate::text::trim_ows;

/// A header field that cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the server's {header} {problem}")]
pub struct Malformed {
    /// The field's name.
    pub header: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
}

const CONFLICT: &str = "occurs twice with different values";

/// The one value of a field, without the white space around it. `None` where the field is absent; the same value given several
/// times counts once.
///
/// # Errors
/// When it comes with different values.
pub fn single<'a>(headers: &'a HeaderMap, header: &'static str) -> Result<Option<&'a [u8]>, Malformed> {
    let mut values = headers.get_all(header).iter().map(|value| trim_ows(value.as_bytes()));
    let first = values.next();
    if values.any(|value| Some(value) != first) { Err(Malformed { header, problem: CONFLICT }) } else { Ok(first) }
}

/// The content codings a server may name (IANA's registry, and what S3 sends).
const CODINGS: [&str; 11] =
    ["aws-chunked", "br", "compress", "dcb", "dcz", "deflate", "exi", "gzip", "pack200-gzip", "x-gzip", "zstd"];

/// How the content is encoded (RFC 9110 §8.4): `None` for not at all (absent, empty or `identity`), else the codings' names. One
/// that is not registered is not repeated: a server could put anything there.
///
/// # Errors
/// When it comes with different values.
pub fn content_encoding(headers: &HeaderMap) -> Result<Option<String>, Malformed> {
    let Some(value) = single(headers, "Content-Encoding")? else { return Ok(None) };
    let codings: Vec<&str> = value
        .split(|byte| *byte == b',')
        .map(trim_ows)
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"))
        .map(|coding| CODINGS.into_iter().find(|known| coding.eq_ignore_ascii_case(known.as_bytes())))
        .map(|known| known.unwrap_or("unregistered"))
        .take(4)
        .collect();
    Ok((!codings.is_empty()).then(|| codings.join(", ")))
}

/// Whether the content is split into parts of several ranges (RFC 9110 §14.6).
#[must_use]
pub fn is_multipart_ranges(headers: &HeaderMap) -> bool {
    const TYPE: &[u8] = b"multipart/byteranges";
    headers
        .get_all(header::CONTENT_TYPE)
        .iter()
        .any(|value| trim_ows(value.as_bytes()).get(..TYPE.len()).is_some_and(|start| start.eq_ignore_ascii_case(TYPE)))
}
