//! HTTP dates in all three forms (RFC 9110 §5.6.7) and what is written with them.

use core::str;
use core::time::Duration;

use http::header::{self, HeaderMap};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use longhaul_core::Wall;
use longhaul_core::retry::RetryAfter;

use super::{Malformed, single};
use crate::text::{decimal, trim_ows};

/// IMF-fixdate, RFC 850 and asctime. Two-digit years are 1969–2068, which is the rule of fifty years until 2018 + 50.
const FORMS: [&str; 3] = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// No date is longer.
const MOST: usize = 40;

/// Reads an HTTP date. `None` when it is malformed, or its weekday is not that of its date.
#[must_use]
pub fn http_date(value: &[u8]) -> Option<Wall> {
    let text = str::from_utf8(trim_ows(value)).ok().filter(|text| text.len() <= MOST)?;
    let date = FORMS.iter().find_map(|form| DateTime::strptime(form, text).ok())?;
    TimeZone::UTC.to_timestamp(date).ok().map(|stamp| Wall::from_unix(stamp.as_second()))
}

/// The answer's `Date` (RFC 9110 §6.6.1): the server's clock. `None` where absent, malformed or ambiguous.
#[must_use]
pub fn date(headers: &HeaderMap) -> Option<Wall> {
    single(headers, "Date").ok().flatten().and_then(http_date)
}

/// The answer's `Last-Modified` (RFC 9110 §8.8.2). `None` where it is absent or malformed.
///
/// # Errors
/// When it comes with different values.
pub fn last_modified(headers: &HeaderMap) -> Result<Option<Wall>, Malformed> {
    Ok(single(headers, "Last-Modified")?.and_then(http_date))
}

/// The answer's `Retry-After` (RFC 9110 §10.2.3). A date is turned into a span by the answer's own `Date` where it has one, so
/// that a wrong clock on either side does not matter. `None` where absent or malformed; the longest of several.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<RetryAfter> {
    let server = date(headers);
    let read = |value: &[u8]| {
        if value.iter().all(u8::is_ascii_digit) && !value.is_empty() {
            return Some(RetryAfter::Delay(Duration::from_secs(decimal(value).unwrap_or(u64::MAX))));
        }
        let when = http_date(value)?;
        Some(server.map_or(RetryAfter::At(when), |server| RetryAfter::Delay(server.until(when))))
    };
    let span = |after: &RetryAfter| match after {
        RetryAfter::Delay(delay) => *delay,
        RetryAfter::At(when) => Wall::from_unix(0).until(*when),
    };
    headers.get_all(header::RETRY_AFTER).iter().filter_map(|value| read(trim_ows(value.as_bytes()))).max_by_key(span)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    #[test]
    fn the_three_forms_of_rfc_9110_name_the_same_second() {
        for text in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(http_date(text.as_bytes()), Some(Wall::from_unix(784_111_777)), "{text}");
        }
        assert_eq!(http_date(b"Thu, 29 Feb 2024 23:59:60 GMT"), Some(Wall::from_unix(1_709_251_199)), "leap second");
    }

    #[test]
    fn what_is_no_http_date_is_none() {
        for text in [
            "",
            "0",
            "-1",
            "1994-11-06T08:49:37Z",
            "Sun, 06 Nov 1994 08:49:37 +0200",
            "Sun, 06 Nov 1994 08:49:37 PST",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 25:49:37 GMT",
            "Sun, 06 Nov 1994",
            "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(http_date(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn r2_retry_after_comes_in_seconds_and_as_a_date_by_the_servers_clock() {
        let read = |fields: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                headers.append(*name, HeaderValue::from_static(value));
            }
            retry_after(&headers)
        };
        assert_eq!(read(&[("retry-after", "120")]), Some(RetryAfter::Delay(Duration::from_secs(120))));
        assert_eq!(
            read(&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")]),
            Some(RetryAfter::At(Wall::from_unix(784_111_777)))
        );
        let dated = ("date", "Sun, 06 Nov 1994 08:49:07 GMT");
        assert_eq!(
            read(&[dated, ("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")]),
            Some(RetryAfter::Delay(Duration::from_secs(30)))
        );
        assert_eq!(
            read(&[dated, ("retry-after", "Sun, 06 Nov 1994 08:48:00 GMT")]),
            Some(RetryAfter::Delay(Duration::ZERO))
        );
        assert_eq!(
            read(&[("retry-after", "99999999999999999999999")]),
            Some(RetryAfter::Delay(Duration::from_secs(u64::MAX)))
        );
        assert_eq!(
            read(&[("retry-after", "1"), ("retry-after", "3")]),
            Some(RetryAfter::Delay(Duration::from_secs(3)))
        );
        for bad in ["", "-1", "1.5", "soon"] {
            assert_eq!(read(&[("retry-after", bad)]), None);
        }
    }

    proptest! {
        #[test]
        fn dates_never_panic(value in proptest::collection::vec(any::<u8>(), 0..64), text in "[A-Z][a-z]{2,8},? [0-9]{1,2}[ -][A-Z][a-z]{2}[ -][0-9]{1,5} [0-9:]{1,9} (GMT)?[0-9]{0,5}") {
            let _ = (http_date(&value), http_date(text.as_bytes()));
        }
    }
}
