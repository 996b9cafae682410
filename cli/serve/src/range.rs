//! The Range header, [RFC 9110 §14](https://www.rfc-editor.org/rfc/rfc9110#section-14).

use http::{HeaderMap, header};

/// What a request's Range means for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// No range, or one that is to be ignored: malformed, another unit, or several ranges.
    Whole,
    /// One range inside the file: first byte and length, at least 1.
    Part { start: u64, len: u64 },
    /// A range that no byte of the file lies in.
    Unsatisfiable,
}

/// Reads the Range header for a file of `total` bytes.
pub(crate) fn wanted(headers: &HeaderMap, total: u64) -> Wanted {
    let mut values = headers.get_all(header::RANGE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Wanted::Whole;
    };
    let Some((unit, set)) = value.to_str().ok().and_then(|value| value.split_once('=')) else {
        return Wanted::Whole;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Wanted::Whole;
    }
    // A comma leaves a second range in the last position, which then is not a number.
    let Some((first, last)) = set.trim_matches([' ', '\t']).split_once('-') else {
        return Wanted::Whole;
    };
    match (first, last) {
        ("", suffix) => match number(suffix) {
            Some(0) => Wanted::Unsatisfiable,
            Some(suffix) => part(total.saturating_sub(suffix), total),
            None => Wanted::Whole,
        },
        (first, "") => match number(first) {
            Some(first) => part(first, total),
            None => Wanted::Whole,
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => part(first, total.min(last.saturating_add(1))),
            _ => Wanted::Whole,
        },
    }
}

fn part(start: u64, end: u64) -> Wanted {
    if start < end {
        let len = end - start;
        Wanted::Part { start, len }
    } else {
        Wanted::Unsatisfiable
    }
}

/// Decimal digits; a number too great for any file is the greatest number.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_rfc_says() {
        let part = |start, len| Wanted::Part { start, len };
        let cases = [
            ("bytes=0-0", 10, part(0, 1)),
            ("bytes=0-9", 10, part(0, 10)),
            ("bytes=2-", 10, part(2, 8)),
            ("bytes=2-100", 10, part(2, 8)),
            ("bytes=-3", 10, part(7, 3)),
            ("bytes=-30", 10, part(0, 10)),
            ("Bytes=1-2", 10, part(1, 2)),
            ("bytes= 1-2 ", 10, part(1, 2)),
            ("bytes=0-18446744073709551615", 10, part(0, 10)),
            ("bytes=0-99999999999999999999999", 10, part(0, 10)),
            ("bytes=10-", 10, Wanted::Unsatisfiable),
            ("bytes=99999999999999999999999-", 10, Wanted::Unsatisfiable),
            ("bytes=18446744073709551615-18446744073709551615", u64::MAX, Wanted::Unsatisfiable),
            ("bytes=-0", 10, Wanted::Unsatisfiable),
            ("bytes=0-", 0, Wanted::Unsatisfiable),
            ("bytes=-5", 0, Wanted::Unsatisfiable),
            ("bytes=3-2", 10, Wanted::Whole),
            ("bytes=+3-5", 10, Wanted::Whole),
            ("bytes=a-5", 10, Wanted::Whole),
            ("bytes=-", 10, Wanted::Whole),
            ("bytes=0-1,3-4", 10, Wanted::Whole),
            ("bytes=0-1,-4", 10, Wanted::Whole),
            ("lines=0-1", 10, Wanted::Whole),
            ("bytes", 10, Wanted::Whole),
            ("", 10, Wanted::Whole),
        ];
        for (value, total, meant) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, value.parse().unwrap());
            assert_eq!(wanted(&headers, total), meant, "{value} of {total}");
        }
        assert_eq!(wanted(&HeaderMap::new(), 10), Wanted::Whole);
    }

    #[test]
    fn two_range_headers_are_ignored() {
        let mut headers = HeaderMap::new();
        headers.append(header::RANGE, "bytes=0-1".parse().unwrap());
        headers.append(header::RANGE, "bytes=2-3".parse().unwrap());
        assert_eq!(wanted(&headers, 10), Wanted::Whole);
    }
}
