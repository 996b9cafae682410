//! Header values in canonical form.
//!
//! Never decides which headers are signed; that differs per service.

use alloc::string::{String, ToString};

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::SignError;

/// What happens to white space inside a value. At both ends it is always removed, as it is on the wire (RFC 9110 §5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inner {
    /// It stays (OSS, Azure).
    Keep,
    /// Every run of it becomes one space (SigV4).
    Fold,
}

/// The values of a header in canonical form, joined with commas; `None` where the header is absent.
pub(crate) fn value(headers: &HeaderMap, name: &HeaderName, inner: Inner) -> Result<Option<String>, SignError> {
    let mut out: Option<String> = None;
    for value in headers.get_all(name) {
        let text = text(name, value)?;
        match &mut out {
            None => out = Some(one(text, inner)),
            Some(all) => {
                all.push(',');
                all.push_str(&one(text, inner));
            }
        }
    }
    Ok(out)
}

/// A header value from a text that is not ours: UTF-8 is allowed, line breaks are not.
pub(crate) fn make(name: &'static str, text: &str, sensitive: bool) -> Result<HeaderValue, SignError> {
    let mut value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| SignError::NotAHeaderValue(name))?;
    value.set_sensitive(sensitive);
    Ok(value)
}

fn text<'a>(name: &HeaderName, value: &'a HeaderValue) -> Result<&'a str, SignError> {
    core::str::from_utf8(value.as_bytes()).map_err(|_| SignError::HeaderNotText(name.as_str().to_string()))
}

fn one(text: &str, inner: Inner) -> String {
    let text = text.trim_matches(is_white);
    match inner {
        Inner::Keep => text.to_string(),
        Inner::Fold => {
            let mut out = String::with_capacity(text.len());
            for word in text.split(is_white).filter(|word| !word.is_empty()) {
                if !out.is_empty() {
                    out.push(' ');
                }
                out.push_str(word);
            }
            out
        }
    }
}

fn is_white(c: char) -> bool {
    c == ' ' || c == '\t'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_trimmed_folded_and_joined() {
        let name = HeaderName::from_static("x-amz-meta-a");
        let mut headers = HeaderMap::new();
        headers.append(&name, HeaderValue::from_static("  a   b\t c "));
        headers.append(&name, HeaderValue::from_static("d"));
        headers.append(&name, HeaderValue::from_static(" "));
        assert_eq!(value(&headers, &name, Inner::Fold), Ok(Some("a b c,d,".into())));
        assert_eq!(value(&headers, &name, Inner::Keep), Ok(Some("a   b\t c,d,".into())));
        assert_eq!(value(&headers, &HeaderName::from_static("x"), Inner::Fold), Ok(None));
    }

    #[test]
    fn bytes_that_are_not_text_are_refused() {
        let name = HeaderName::from_static("x-oss-meta-a");
        let mut headers = HeaderMap::new();
        headers.insert(&name, HeaderValue::from_bytes(b"\xff").expect("opaque"));
        assert_eq!(value(&headers, &name, Inner::Keep), Err(SignError::HeaderNotText("x-oss-meta-a".into())));
        assert_eq!(make("authorization", "a\nb", true), Err(SignError::NotAHeaderValue("authorization")));
    }
}
