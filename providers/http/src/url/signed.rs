//! URLs that carry their own rights: a signature in the query, which most stores' are good for a while only.
//!
//! Follows <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>,
//! <https://www.alibabacloud.com/help/en/oss/developer-reference/add-signatures-to-urls>,
//! <https://learn.microsoft.com/rest/api/storageservices/create-service-sas> and
//! <https://cloud.google.com/storage/docs/authentication/signatures>.

use alloc::string::String;
use alloc::vec::Vec;
use core::str;

use http::Uri;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use crate::text::{decimal, percent_decode};

/// A way of signing URLs.
struct Scheme {
    /// What it is known by: all of them are in the query.
    signs: &'static [&'static str],
    /// What another signature of the same request may change. A name that ends in `*` is the beginning of names. All else in the query
    /// is of the request: a version, a header of the answer, a part.
    own: &'static [&'static str],
}

const SCHEMES: [Scheme; 6] = [
    Scheme { signs: &["x-amz-signature"], own: &["x-amz-*"] },
    Scheme {
        signs: &["x-oss-signature"],
        // Others, x-oss-process say, are of the request.
        own: &[
            "x-oss-signature*",
            "x-oss-credential",
            "x-oss-date",
            "x-oss-expires",
            "x-oss-security-token",
            "x-oss-additional-headers",
        ],
    },
    Scheme { signs: &["x-goog-signature"], own: &["x-goog-*"] },
    Scheme {
        signs: &["signature", "ossaccesskeyid"],
        own: &["signature", "expires", "ossaccesskeyid", "security-token"],
    },
    Scheme {
        signs: &["signature", "awsaccesskeyid"],
        own: &["signature", "expires", "awsaccesskeyid", "x-amz-security-token"],
    },
    Scheme {
        signs: &["sig", "sv"],
        // Not those that set the answer's header fields, rscd and the like.
        own: &[
            "sig", "sv", "ss", "srt", "sr", "sdd", "sp", "st", "se", "si", "sip", "spr", "ses", "skoid", "sktid",
            "skt", "ske", "sks", "skv", "skdutid", "saoid", "suoid", "sduoid", "scid", "srh", "srq", "tn",
        ],
    },
];

/// Where a URL says from when and for how many seconds it is good.
const SPANS: [(&str, &str); 3] =
    [("x-amz-date", "x-amz-expires"), ("x-oss-date", "x-oss-expires"), ("x-goog-date", "x-goog-expires")];

/// Whether the URL carries a signature in its query.
pub(crate) fn is_signed(uri: &Uri) -> bool {
    scheme(uri).is_some()
}

fn scheme(uri: &Uri) -> Option<&'static Scheme> {
    SCHEMES.iter().find(|scheme| scheme.signs.iter().all(|name| parameter(uri, name).is_some()))
}

/// The query without what belongs to the signature, as it is written; empty where nothing is left.
pub(crate) fn unsigned_query(uri: &Uri) -> String {
    let own = scheme(uri).map_or(&[][..], |scheme| scheme.own);
    let is_own = |pair: &&str| {
        let given = pair.split_once('=').map_or(*pair, |(name, _)| name);
        own.iter().any(|name| match name.strip_suffix('*') {
            Some(begin) => given.get(..begin.len()).is_some_and(|given| given.eq_ignore_ascii_case(begin)),
            None => given.eq_ignore_ascii_case(name),
        })
    };
    let rest: Vec<_> = uri.query().unwrap_or_default().split('&').filter(|pair| !is_own(pair)).collect();
    rest.join("&")
}

/// When the signature ends, where the URL says so.
pub(crate) fn signed_until(uri: &Uri) -> Option<Timestamp> {
    let span = SPANS.iter().find_map(|(from, seconds)| {
        let from = DateTime::strptime("%Y%m%dT%H%M%SZ", parameter(uri, from)?).ok()?;
        seconds_after(TimeZone::UTC.to_timestamp(from).ok()?.as_second(), parameter(uri, seconds)?)
    });
    span.or_else(|| seconds_after(0, parameter(uri, "expires")?)).or_else(|| {
        let text = percent_decode(parameter(uri, "se")?.as_bytes());
        let text = str::from_utf8(&text).ok()?;
        // A day alone is its midnight.
        text.parse().ok().or_else(|| {
            let day = Date::strptime("%Y-%m-%d", text).ok()?;
            TimeZone::UTC.to_timestamp(day.to_datetime(Time::midnight())).ok()
        })
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
    use alloc::format;

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
            ("https://h/c/b?sv=2023-11-03&se=2026-11-22&sig=s", true, Some("2026-11-22T00:00:00Z")),
            ("https://h/c/b?sv=2023-11-03&se=2026-11&sig=s", true, None),
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

    #[test]
    fn a_signature_is_told_from_what_is_asked_for() {
        for (query, rest) in [
            (
                "versionId=1&X-Amz-Date=d&x-amz-security-token=t&X-Amz-Signature=s&x-id=GetObject",
                "versionId=1&x-id=GetObject",
            ),
            ("X-Amz-Algorithm=a&X-Amz-Credential=c&X-Amz-Expires=1&X-Amz-SignedHeaders=host&X-Amz-Signature=s", ""),
            (
                "x-oss-process=p&x-oss-signature-version=v&x-oss-date=d&x-oss-signature=s&partNumber=2",
                "x-oss-process=p&partNumber=2",
            ),
            (
                "OSSAccessKeyId=i&Expires=1&Signature=s&security-token=t&response-content-type=a%2Fb",
                "response-content-type=a%2Fb",
            ),
            ("AWSAccessKeyId=i&Expires=1&Signature=s&versionId=1", "versionId=1"),
            ("generation=1&X-Goog-Algorithm=a&X-Goog-Signature=s", "generation=1"),
            ("snapshot=t&sv=v&sr=b&sp=r&st=d&se=d&spr=https&sip=i&skoid=o&sig=s&rscd=d", "snapshot=t&rscd=d"),
            // Names that mean something else where nothing is signed, or otherwise.
            ("se=1&Expires=1&sp=2", "se=1&Expires=1&sp=2"),
            ("sp=1&X-Amz-Signature=s", "sp=1"),
        ] {
            let uri = format!("https://h/k?{query}").parse::<Uri>().expect("sound");
            assert_eq!(unsigned_query(&uri), rest, "{query}");
        }
        assert_eq!(unsigned_query(&Uri::from_static("https://h/k")), "");
    }
}
