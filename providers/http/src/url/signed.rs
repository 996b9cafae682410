//! URLs that carry their own rights: a signature in the query, which most stores' are good for a while only.
//!
//! Follows <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>,
//! <https://www.alibabacloud.com/help/en/oss/developer-reference/add-signatures-to-urls>,
//! <https://learn.microsoft.com/rest/api/storageservices/create-service-sas> and
//! <https://cloud.google.com/storage/docs/authentication/signatures>.

use core::str;

use http::Uri;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::text::{decimal, percent_decode};

/// What signed URLs are known by: all of a row are in the query.
const SIGNATURES: [&[&str]; 6] = [
    &["x-amz-signature"],
    &["x-oss-signature"],
    &["x-goog-signature"],
    &["signature", "ossaccesskeyid"],
    &["signature", "awsaccesskeyid"],
    &["sig", "sv"],
];

/// Where a URL says from when and for how many seconds it is good.
const SPANS: [(&str, &str); 3] =
    [("x-amz-date", "x-amz-expires"), ("x-oss-date", "x-oss-expires"), ("x-goog-date", "x-goog-expires")];

/// Whether the URL carries a signature in its query.
pub(crate) fn is_signed(uri: &Uri) -> bool {
    SIGNATURES.iter().any(|names| names.iter().all(|name| parameter(uri, name).is_some()))
}

/// When the signature ends, where the URL says so.
pub(crate) fn signed_until(uri: &Uri) -> Option<Timestamp> {
    let span = SPANS.iter().find_map(|(from, seconds)| {
        let from = DateTime::strptime("%Y%m%dT%H%M%SZ", parameter(uri, from)?).ok()?;
        seconds_after(TimeZone::UTC.to_timestamp(from).ok()?.as_second(), parameter(uri, seconds)?)
    });
    span.or_else(|| seconds_after(0, parameter(uri, "expires")?)).or_else(|| {
        let text = percent_decode(parameter(uri, "se")?.as_bytes());
        str::from_utf8(&text).ok()?.parse().ok()
    })
}

fn seconds_after(from: i64, seconds: &str) -> Option<Timestamp> {
    let seconds = i64::try_from(decimal(seconds.as_bytes())?).ok()?;
    Timestamp::from_second(from.checked_add(seconds)?).ok()
}

/// The first value of a parameter, whose name is in lower case here and in any there.
fn parameter<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    let pairs = uri.query()?.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.into_iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_urls_are_known_by_their_parameters_and_say_how_long_they_are_good() {
        use alloc::string::ToString as _;

        let until = Some("2026-11-22T09:00:00Z");
        for (url, signed, ends) in [
            (
                "https://b.s3.amazonaws.com/k?X-Amz-Date=20261122T080000Z&X-Amz-Expires=3600&X-Amz-Signature=s",
                true,
                until,
            ),
            ("https://h/k?x-oss-date=20261122T085959Z&x-oss-expires=1&x-oss-signature=s", true, until),
            ("https://h/k?X-Goog-Date=20261122T085000Z&X-Goog-Expires=600&X-Goog-Signature=s", true, until),
            ("https://h/k?OSSAccessKeyId=i&Expires=1795338000&Signature=s", true, until),
            ("https://h/k?AWSAccessKeyId=i&Expires=1795338000&Signature=s", true, until),
            ("https://h/c/b?sv=2023-11-03&se=2026-11-22T09%3A00%3A00Z&sig=s", true, until),
            ("https://h/c/b?sv=2023-11-03&se=2026-11-22T09:00Z&sig=s", true, until),
            ("https://h/c/b?sv=2023-11-03&si=policy&sig=s", true, None),
            ("https://h/k?X-Amz-Date=20261322T080000Z&X-Amz-Expires=-1&X-Amz-Signature=s", true, None),
            (
                "https://h/k?X-Amz-Date=20261122T080000Z&X-Amz-Expires=99999999999999999999&X-Amz-Signature=s",
                true,
                None,
            ),
            ("https://h/k?Expires=9223372036854775807&Signature=s&OSSAccessKeyId=i", true, None),
            ("https://h/k?signature=s", false, None),
            ("https://h/k?X-Amz-Signatures=s", false, None),
            ("https://h/X-Amz-Signature", false, None),
        ] {
            let uri = url.parse::<Uri>().expect("sound");
            let told = signed_until(&uri).map(|until| until.to_string());
            assert_eq!((is_signed(&uri), told.as_deref()), (signed, ends), "{url}");
        }
    }
}
