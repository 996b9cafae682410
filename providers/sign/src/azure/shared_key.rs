//! The Shared Key `Authorization` header of Azure Blob Storage.
//!
//! Follows <https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key> (service version 2015-02-21 and
//! later), and the official SDKs where the service differs from the page: the order of `x-ms-*` headers, and white space inside
//! their values, which stays.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use http::header::{
    CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, DATE, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    IF_UNMODIFIED_SINCE, RANGE,
};
use http::{HeaderMap, HeaderName, Uri};

use super::{AccountKey, collation, signature};
use crate::encode::{decode_query, query_pairs};
use crate::headers::{self, Inner};
use crate::{Diagnosis, SignError, Signed, Target, date};

const X_MS_DATE: HeaderName = HeaderName::from_static("x-ms-date");

/// The headers with a line of their own, in the order of the string to sign.
const STANDARD: [HeaderName; 11] = [
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LENGTH,
    HeaderName::from_static("content-md5"),
    CONTENT_TYPE,
    DATE,
    IF_MODIFIED_SINCE,
    IF_MATCH,
    IF_NONE_MATCH,
    IF_UNMODIFIED_SINCE,
    RANGE,
];

/// Signs a request: `authorization`, and `x-ms-date` from `time` (unix seconds on the server's clock; 15 minutes of
/// difference are accepted) unless the request has one already.
///
/// `Content-Length` has to be among the headers when there is a body, and `x-ms-version` always. Every query parameter is
/// signed; the path is taken as it stands in the URL, so a path-style URL repeats the account.
///
/// Fails on a broken percent escape or text that is not UTF-8 in the query, and on signed header values that are not UTF-8.
pub fn sign(target: Target<'_>, key: &AccountKey, time: i64) -> Result<Signed, SignError> {
    let mut signed = Signed { headers: HeaderMap::new(), diagnosis: Diagnosis::default() };
    if !target.headers.contains_key(&X_MS_DATE) {
        signed.add("x-ms-date", &date::http(time)?, false)?;
    }
    let mut text = format!("{}\n", target.method);
    for name in &STANDARD {
        text.push_str(&standard_line(target.headers, name)?);
        text.push('\n');
    }
    text.push_str(&canonical_headers(target.headers, &signed.headers)?);
    text.push_str(&canonical_resource(&key.account, target.uri)?);

    let signature = signature(&key.key, &text);
    signed.add("authorization", &format!("SharedKey {}:{signature}", key.account), true)?;
    signed.diagnosis = Diagnosis { canonical_request: String::new(), string_to_sign: text, signature };
    Ok(signed)
}

fn standard_line(request: &HeaderMap, name: &HeaderName) -> Result<String, SignError> {
    // `x-ms-date` is always there, and then the line for `Date` is empty even where a client sends both.
    if name == DATE {
        return Ok(String::new());
    }
    let value = headers::value(request, name, Inner::Keep)?.unwrap_or_default();
    let is_zero_length = name == CONTENT_LENGTH && value == "0";
    Ok(if is_zero_length { String::new() } else { value })
}

fn canonical_headers(request: &HeaderMap, added: &HeaderMap) -> Result<String, SignError> {
    let mut lines: Vec<(&str, String)> = Vec::new();
    for map in [request, added] {
        for name in map.keys().filter(|name| name.as_str().starts_with("x-ms-")) {
            lines.push((name.as_str(), headers::value(map, name, Inner::Keep)?.unwrap_or_default()));
        }
    }
    lines.sort_by(|(a, _), (b, _)| collation::compare(a, b));
    Ok(lines.iter().map(|(name, value)| format!("{name}:{value}\n")).collect())
}

fn canonical_resource(account: &str, uri: &Uri) -> Result<String, SignError> {
    let mut parameters: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in query_pairs(uri.query().unwrap_or_default()) {
        let name = decoded(name)?.to_lowercase();
        parameters.entry(name).or_default().push(decoded(value)?);
    }
    let path = if uri.path().is_empty() { "/" } else { uri.path() };
    let mut text = format!("/{account}{path}");
    for (name, mut values) in parameters {
        values.sort();
        text.push_str(&format!("\n{name}:{}", values.join(",")));
    }
    Ok(text)
}

fn decoded(text: &str) -> Result<String, SignError> {
    let bytes = decode_query(text)?;
    core::str::from_utf8(&bytes).map(ToString::to_string).map_err(|_| SignError::QueryNotText)
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Method};

    use super::*;

    const TIME: i64 = 1_750_000_000;

    fn string_to_sign(uri: &str, pairs: &[(&'static str, &str)]) -> Result<String, SignError> {
        let key = AccountKey::new("acc", "c2VzYW1l")?;
        let mut request = HeaderMap::new();
        for (name, value) in pairs {
            let value = HeaderValue::from_str(value).map_err(|_| SignError::NotAUrl)?;
            request.append(HeaderName::from_static(name), value);
        }
        let uri: Uri = uri.parse().map_err(|_| SignError::NotAUrl)?;
        let signed = sign(Target::new(&Method::PUT, &uri, &request), &key, TIME)?;
        Ok(signed.diagnosis.string_to_sign)
    }

    #[test]
    fn a_date_is_added_where_none_is_and_the_date_line_stays_empty() {
        let text = string_to_sign("https://h/c/b", &[("date", "Mon, 01 Jan 2024 00:00:00 GMT")]).expect("signs");
        assert!(text.contains("x-ms-date:Sun, 15 Jun 2025 15:06:40 GMT\n"), "{text}");
        assert!(!text.contains("2024"), "{text}");
        let text = string_to_sign("https://h/c/b", &[("x-ms-date", "given")]).expect("signs");
        assert!(text.contains("x-ms-date:given\n") && !text.contains("2025"), "{text}");
    }

    #[test]
    fn range_has_its_line() {
        let text = string_to_sign("https://h/c/b", &[("range", "bytes=0-9"), ("x-ms-date", "d")]).expect("signs");
        assert!(text.contains("\nbytes=0-9\nx-ms-date:d\n"), "{text}");
    }

    #[test]
    fn values_are_trimmed_and_their_inner_spaces_stay() {
        let text = string_to_sign("https://h/c/b", &[("x-ms-meta-a", " a  b "), ("x-ms-date", "d")]).expect("signs");
        assert!(text.contains("\nx-ms-meta-a:a  b\n"), "{text}");
    }

    #[test]
    fn repeated_parameters_are_sorted_and_joined() {
        let text = string_to_sign("https://h/c?B=2&a=%2b&b=1&c&b=10", &[("x-ms-date", "d")]).expect("signs");
        assert!(text.ends_with("/acc/c\na:+\nb:1,10,2\nc:"), "{text}");
    }

    #[test]
    fn dot_segments_and_double_slashes_stay() {
        let text = string_to_sign("https://h/c/a/../b/./c//d/", &[("x-ms-date", "d")]).expect("signs");
        assert!(text.ends_with("/acc/c/a/../b/./c//d/"), "{text}");
    }

    #[test]
    fn what_cannot_be_signed() {
        assert_eq!(AccountKey::new("a", "not base64").map(|_| ()), Err(SignError::KeyNotBase64));
        assert_eq!(string_to_sign("https://h/c?a=%zz", &[]), Err(SignError::BrokenEscape));
        assert_eq!(string_to_sign("https://h/c?a=%ff", &[]), Err(SignError::QueryNotText));
    }
}
