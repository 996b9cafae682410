//! Where content lies in its object: Content-Range, Content-Length, Accept-Ranges (RFC 9110 §14, §8.6).

use core::fmt;

use http::header::{self, HeaderMap};
use longhaul_core::ByteRange;

use super::{CONFLICT, Malformed, single};
use crate::text::{decimal, trim_ows};

/// A `Content-Range` in bytes (RFC 9110 §14.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContentRange {
    /// `bytes 0-9/100`: these bytes, of an object of that size; `None` for `*`.
    Bytes {
        /// The bytes that follow.
        range: ByteRange,
        /// Size of the object in bytes.
        total: Option<u64>,
    },
    /// `bytes */100`: nothing follows, the object has that size.
    Unsatisfied {
        /// Size of the object in bytes.
        total: u64,
    },
}

impl ContentRange {
    /// Reads a field value. Nothing is forgiven but the unit's case, and `0--1/0`: what servers make of a range of an empty object
    /// that compute the last byte as first + length - 1 (Azurite).
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(value: &[u8]) -> Result<Self, Malformed> {
        let bad = |problem| Malformed { header: "Content-Range", problem };
        let space = value.iter().position(|byte| *byte == b' ').ok_or(bad("has no unit"))?;
        let (unit, rest) = value.split_at(space);
        if !unit.eq_ignore_ascii_case(b"bytes") {
            return Err(bad("is not in bytes"));
        }
        let rest = rest.get(1..).unwrap_or_default();
        let slash = rest.iter().position(|byte| *byte == b'/').ok_or(bad("names no total"))?;
        let (range, total) = (rest.get(..slash).unwrap_or_default(), rest.get(slash + 1..).unwrap_or_default());
        let total = match total {
            b"*" => None,
            digits => Some(decimal(digits).ok_or(bad("has a malformed total"))?),
        };
        if range == b"0--1" && total == Some(0) {
            return Ok(Self::Unsatisfied { total: 0 });
        }
        if range == b"*" {
            return total.map(|total| Self::Unsatisfied { total }).ok_or(bad("says nothing"));
        }
        let dash = range.iter().position(|byte| *byte == b'-').ok_or(bad("has no dash"))?;
        let first = decimal(range.get(..dash).unwrap_or_default()).ok_or(bad("has a malformed start"))?;
        let last = decimal(range.get(dash + 1..).unwrap_or_default()).ok_or(bad("has a malformed end"))?;
        if last < first {
            return Err(bad("is reversed"));
        }
        let end = last.checked_add(1).ok_or(bad("ends beyond any object"))?;
        if total.is_some_and(|total| end > total) {
            return Err(bad("ends beyond its own total"));
        }
        let range = ByteRange::new(first, end).ok_or(bad("is reversed"))?;
        Ok(Self::Bytes { range, total })
    }
}

impl fmt::Display for ContentRange {
    /// As in the field. An empty range, which has no form there, is shown like one of its first byte.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes { range, total } => {
                write!(f, "bytes {}-{}/", range.start(), range.end().saturating_sub(1).max(range.start()))?;
                match total {
                    Some(total) => write!(f, "{total}"),
                    None => f.write_str("*"),
                }
            }
            Self::Unsatisfied { total } => write!(f, "bytes */{total}"),
        }
    }
}

/// The answer's `Content-Range`.
///
/// # Errors
/// When it is malformed, in another unit, or there are two that differ.
pub fn content_range(headers: &HeaderMap) -> Result<Option<ContentRange>, Malformed> {
    single(headers, "Content-Range")?.map(ContentRange::parse).transpose()
}

/// The answer's `Content-Length` in bytes. `None` where it is absent, or overruled by a Transfer-Encoding (RFC 9112 §6.3).
/// A list of equal values counts once (RFC 9110 §8.6).
///
/// # Errors
/// When it is no number, or there are two that differ.
pub fn content_length(headers: &HeaderMap) -> Result<Option<u64>, Malformed> {
    let bad = |problem| Malformed { header: "Content-Length", problem };
    let mut length = None;
    for value in headers.get_all(header::CONTENT_LENGTH) {
        for item in value.as_bytes().split(|byte| *byte == b',') {
            let item = decimal(trim_ows(item)).ok_or(bad("is not a number"))?;
            if length.is_some_and(|length| length != item) {
                return Err(bad(CONFLICT));
            }
            length = Some(item);
        }
    }
    Ok(length.filter(|_| !headers.contains_key(header::TRANSFER_ENCODING)))
}

/// Whether the server says that it serves byte ranges (RFC 9110 §14.3). `None` where it says nothing, or something unknown.
#[must_use]
pub fn accept_ranges(headers: &HeaderMap) -> Option<bool> {
    let units = || {
        headers
            .get_all(header::ACCEPT_RANGES)
            .iter()
            .flat_map(|value| value.as_bytes().split(|b| *b == b',').map(trim_ows))
    };
    if units().any(|unit| unit.eq_ignore_ascii_case(b"bytes")) {
        Some(true)
    } else if units().any(|unit| unit.eq_ignore_ascii_case(b"none")) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use http::HeaderValue;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn content_range_round_trips(start in any::<u64>(), len in 1u64.., total in proptest::option::of(any::<u64>())) {
            let range = ByteRange::at(start.min(u64::MAX - 2), len);
            prop_assume!(total.is_none_or(|total| total >= range.end()));
            for value in [Some(ContentRange::Bytes { range, total }), total.map(|total| ContentRange::Unsatisfied { total })].into_iter().flatten() {
                prop_assert_eq!(ContentRange::parse(value.to_string().as_bytes()), Ok(value));
            }
        }

        #[test]
        fn content_range_never_panics_and_is_never_reversed(value in proptest::collection::vec(any::<u8>(), 0..40), text in "bytes [0-9*]{0,22}-?[0-9]{0,22}/?[0-9*]{0,22}") {
            for value in [&value[..], text.as_bytes()] {
                if let Ok(ContentRange::Bytes { range, total }) = ContentRange::parse(value) {
                    prop_assert!(!range.is_empty() && total.is_none_or(|total| range.end() <= total));
                }
            }
        }
    }

    #[test]
    fn a_range_of_nothing_at_all_says_that_the_object_is_empty() {
        assert_eq!(ContentRange::parse(b"bytes 0--1/0"), Ok(ContentRange::Unsatisfied { total: 0 }));
        for value in ["bytes 0--1/1", "bytes 0--1/*", "bytes 1--1/0", "bytes 0--2/0"] {
            assert!(ContentRange::parse(value.as_bytes()).is_err(), "{value}");
        }
    }

    #[test]
    fn d2_malformed_content_ranges_are_refused() {
        for value in [
            "",
            "bytes",
            "bytes ",
            "bytes 0-9",
            "bytes=0-9/10",
            "bytes 0-9/",
            "bytes 9-0/10",
            "bytes 0-10/10",
            "bytes -9/10",
            "bytes 0-/10",
            "bytes */*",
            "items 0-9/10",
            "bytes 0-9/10 ",
            "bytes  0-9/10",
            "bytes 0-9/1e3",
            "bytes +0-9/10",
            "bytes 0-18446744073709551615/*",
            "bytes 0-9/10, bytes 0-9/10",
            "bytes 0-1,3-4/10",
        ] {
            assert!(ContentRange::parse(value.as_bytes()).is_err(), "{value}");
        }
        assert!(ContentRange::parse(b"BYTES 0-9/10").is_ok());
    }

    #[test]
    fn content_length_takes_equal_repetitions_only() {
        let read = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::CONTENT_LENGTH, HeaderValue::from_static(value));
            }
            content_length(&headers)
        };
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["5"]), Ok(Some(5)));
        assert_eq!(read(&["5, 5", "5"]), Ok(Some(5)));
        assert!(
            read(&["5", "6"]).is_err() && read(&["5,6"]).is_err() && read(&["-5"]).is_err() && read(&[""]).is_err()
        );
    }
}
