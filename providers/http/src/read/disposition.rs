//! The file name a server suggests: Content-Disposition (RFC 6266, RFC 8187).

use alloc::string::String;
use alloc::vec::Vec;

use http::header::{self, HeaderMap};

use crate::text::{percent_decode_strict, trim_ows};

/// The suggested name: `filename*` where it is readable, else `filename`. As sent: pass it through
/// [`safe_file_name`](super::safe_file_name) before it becomes part of a path.
#[must_use]
pub fn content_disposition(headers: &HeaderMap) -> Option<String> {
    headers.get_all(header::CONTENT_DISPOSITION).iter().find_map(|value| parse(value.as_bytes()))
}

fn parse(value: &[u8]) -> Option<String> {
    let start = value.iter().position(|byte| *byte == b';')?;
    let mut rest = value.get(start..)?;
    let (mut plain, mut extended) = (None, None);
    // Each turn consumes at least the semicolon.
    while let Some((b';', tail)) = rest.split_first() {
        let end = tail.iter().position(|byte| matches!(byte, b'=' | b';')).unwrap_or(tail.len());
        let name = trim_ows(tail.get(..end).unwrap_or_default());
        let (value, after) = match tail.get(end) {
            Some(b'=') => parameter(tail.get(end + 1..).unwrap_or_default()),
            _ => (Vec::new(), tail.get(end..).unwrap_or_default()),
        };
        if name.eq_ignore_ascii_case(b"filename*") {
            extended = extended.or_else(|| decode_extended(&value));
        } else if name.eq_ignore_ascii_case(b"filename") && plain.is_none() {
            plain = Some(text(value));
        }
        rest = after;
    }
    extended.or(plain).filter(|name| !name.is_empty())
}

/// A value, quoted or not, and what follows it from the next semicolon on.
fn parameter(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let text = text.trim_ascii_start();
    let Some((b'"', quoted)) = text.split_first() else {
        let end = text.iter().position(|byte| *byte == b';').unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return (trim_ows(value).to_vec(), rest);
    };
    let mut value = Vec::new();
    let mut bytes = quoted.iter().enumerate();
    let mut end = quoted.len();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => {
                end = at + 1;
                break;
            }
            b'\\' => value.extend(bytes.next().map(|(_, byte)| *byte)),
            byte => value.push(*byte),
        }
    }
    let rest = quoted.get(end..).unwrap_or_default();
    let next = rest.iter().position(|byte| *byte == b';').unwrap_or(rest.len());
    (value, rest.get(next..).unwrap_or_default())
}

/// `charset'language'percent-encoded` (RFC 8187 §3.2). `None` when it is malformed or in an unknown charset.
fn decode_extended(value: &[u8]) -> Option<String> {
    let mut parts = value.splitn(3, |byte| *byte == b'\'');
    let (charset, _language, encoded) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = percent_decode_strict(encoded)?;
    if charset.eq_ignore_ascii_case(b"utf-8") {
        String::from_utf8(bytes).ok()
    } else if charset.eq_ignore_ascii_case(b"iso-8859-1") {
        Some(bytes.into_iter().map(char::from).collect())
    } else {
        None
    }
}

/// UTF-8 where it is that, as most senders of other than ASCII mean; else ISO-8859-1, as HTTP once said.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    #[test]
    fn names_are_read_as_rfc_6266_and_8187_say() {
        for (value, name) in [
            ("attachment; filename=\"a b.bin\"", Some("a b.bin")),
            ("attachment; filename=plain.bin", Some("plain.bin")),
            ("attachment;FileName = x ;foo", Some("x")),
            ("attachment; filename=\"fallback.bin\"; filename*=UTF-8''%e5%90%8d%20%e5%89%8d.bin", Some("名 前.bin")),
            ("attachment; filename*=UTF-8''%e5%90%8d.bin; filename=\"fallback.bin\"", Some("名.bin")),
            ("attachment; filename*=iso-8859-1'en'%A3%20rates", Some("£ rates")),
            ("attachment; filename*=UTF-8''%ff; filename=b", Some("b")),
            ("attachment; filename*=koi8-r''%c1; filename=b", Some("b")),
            ("attachment; filename*=UTF-8''%4; filename=b", Some("b")),
            ("attachment; filename=\"a\\\"b;c.bin\"; x=y", Some("a\"b;c.bin")),
            ("inline; x=\"; filename=evil\"; filename=good", Some("good")),
            ("attachment; filename=\"../../etc/passwd\"", Some("../../etc/passwd")),
            ("attachment; filename=\"unclosed", Some("unclosed")),
            ("attachment; filename=one; filename=two", Some("one")),
            ("attachment; filename=\"\"", None),
            ("attachment", None),
            ("", None),
        ] {
            let headers =
                [(header::CONTENT_DISPOSITION, HeaderValue::from_str(value).expect("value"))].into_iter().collect();
            assert_eq!(content_disposition(&headers).as_deref(), name, "{value}");
        }
        assert_eq!(parse(b"attachment; filename=\"caf\xe9\"").as_deref(), Some("café"));
    }

    proptest! {
        #[test]
        fn reading_never_panics(value in proptest::collection::vec(any::<u8>(), 0..80), text in "attachment(; ?(filename|filename\\*|x) ?= ?[\"'a-z%;\\\\0-9]{0,12}){0,4}") {
            let _ = (parse(&value), parse(text.as_bytes()));
        }
    }
}
