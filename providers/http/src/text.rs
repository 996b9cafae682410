//! Small text work: percent-encoding (RFC 3986 §2.1) and text fit to be shown.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::str;

/// Bytes of `text` with every `%XX` decoded; a `%` that begins no escape stands for itself.
pub(crate) fn percent_decode(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'%') {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'%'
            && let [high, low, after @ ..] = tail
            && let (Some(high), Some(low)) = (nibble(*high), nibble(*low))
        {
            out.push(high << 4 | low);
            rest = after;
        } else {
            out.push(byte);
        }
    }
    Cow::Owned(out)
}

/// As [`percent_decode`], but `None` where a `%` begins no escape.
pub(crate) fn percent_decode_strict(text: &[u8]) -> Option<Vec<u8>> {
    let sound = text
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'%')
        .all(|(at, _)| begins_escape(text.get(at..).unwrap_or_default()));
    sound.then(|| percent_decode(text).into_owned())
}

/// Path and query bytes as they may stand in a request target: what RFC 3986 allows stays verbatim (escapes included), all
/// else, and a `%` that begins no escape, is written as `%XX`. With `brackets` also `[` and `]`, which RFC 3986 keeps for
/// IPv6 hosts but servers take in queries.
pub(crate) fn encode_target(text: &[u8], brackets: bool) -> Cow<'_, str> {
    let keep = |(at, byte): (usize, &u8)| match byte {
        b'%' => begins_escape(text.get(at..).unwrap_or_default()),
        b'[' | b']' => !brackets,
        b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | b'#' => false,
        0x21..=0x7e => true,
        _ => false,
    };
    if text.iter().enumerate().all(keep)
        && let Ok(text) = str::from_utf8(text)
    {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for (at, byte) in text.iter().enumerate() {
        if keep((at, byte)) {
            out.push(char::from(*byte));
        } else {
            push_escape(&mut out, *byte);
        }
    }
    Cow::Owned(out)
}

fn push_escape(out: &mut String, byte: u8) {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    out.push('%');
    for nibble in [byte >> 4, byte & 15] {
        out.push(DIGITS.get(usize::from(nibble)).copied().unwrap_or('0'));
    }
}

fn begins_escape(text: &[u8]) -> bool {
    matches!(text, [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Whether a character must not reach a terminal or a file name: controls, and the invisible ones that reorder text.
pub(crate) fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffd}')
}

/// One line of at most `most` printable characters, `…` among them where it was cut: white space collapsed, the unprintable
/// left out.
pub(crate) fn printable(text: &str, most: usize) -> String {
    let mut out = String::new();
    let mut count = 0usize;
    for word in text.split_whitespace() {
        let mut first = true;
        for c in word.chars().filter(|c| !is_unprintable(*c)) {
            let gap = first && count > 0;
            if count + usize::from(gap) + 1 > most {
                out.pop();
                out.push('…');
                return out;
            }
            if gap {
                out.push(' ');
                count += 1;
            }
            out.push(c);
            count += 1;
            first = false;
        }
    }
    out
}

/// `text` without the white space HTTP allows around values (RFC 9110 §5.6.3).
pub(crate) fn trim_ows(text: &[u8]) -> &[u8] {
    let mut text = text;
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// A decimal number as HTTP writes it: digits only, no sign, within `u64`.
pub(crate) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |value, byte| {
        let digit = char::from(*byte).to_digit(10)?;
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_stay_and_everything_unsafe_is_escaped() {
        assert_eq!(encode_target("/a%20b/é|100%?[x]".as_bytes(), false), "/a%20b/%C3%A9%7C100%25?[x]");
        assert_eq!(encode_target(b"/[x]\x7f", true), "/%5Bx%5D%7F");
        assert_eq!(*percent_decode(b"a%20b%zz%4"), *b"a b%zz%4");
        assert_eq!(percent_decode_strict(b"a%20b"), Some(b"a b".to_vec()));
        assert_eq!(percent_decode_strict(b"a%2"), None);
    }

    #[test]
    fn shown_text_is_one_bounded_printable_line() {
        assert_eq!(printable("a \r\n\t b\u{1b}[31m\u{202e}c", 200), "a b[31mc");
        assert_eq!(printable("abc def", 7), "abc def");
        assert_eq!(printable("abc def", 5), "abc …");
        assert_eq!(printable("abc def", 3), "ab…");
    }

    #[test]
    fn numbers_are_digits_only() {
        assert_eq!(decimal(b"18446744073709551615"), Some(u64::MAX));
        for bad in [&b""[..], b"+1", b"-1", b" 1", b"1.0", b"1e3", b"18446744073709551616", b"0x1"] {
            assert_eq!(decimal(bad), None);
        }
    }
}
