//! Preconditions in their order of precedence, [RFC 9110 §13](https://www.rfc-editor.org/rfc/rfc9110#section-13).

use std::time::SystemTime;

use http::{HeaderMap, HeaderName, header};

use crate::version::Tags;

/// What the preconditions of a GET or HEAD come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Proceed,
    /// 304.
    NotModified,
    /// 412.
    Failed,
}

/// Evaluates all but If-Range (RFC 9110 §13.2.2, steps 1 to 4).
pub(crate) fn evaluate(headers: &HeaderMap, tags: &Tags) -> Verdict {
    if headers.contains_key(header::IF_MATCH) {
        if !lists(headers, header::IF_MATCH, tags, true) {
            return Verdict::Failed;
        }
    } else if let (Some(date), Some(modified)) = (date(headers, header::IF_UNMODIFIED_SINCE), tags.modified)
        && modified > date
    {
        return Verdict::Failed;
    }
    if headers.contains_key(header::IF_NONE_MATCH) {
        if lists(headers, header::IF_NONE_MATCH, tags, false) {
            return Verdict::NotModified;
        }
    } else if let (Some(date), Some(modified)) = (date(headers, header::IF_MODIFIED_SINCE), tags.modified)
        && modified <= date
    {
        return Verdict::NotModified;
    }
    Verdict::Proceed
}

/// Whether the range may be served: there is no If-Range, or it names this very version.
pub(crate) fn range_holds(headers: &HeaderMap, tags: &Tags) -> bool {
    let mut values = headers.get_all(header::IF_RANGE).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return true,
        (Some(value), None) => value.to_str().unwrap_or_default().trim(),
        _ => return false,
    };
    if value.starts_with('"') {
        return tags.etag.as_deref() == Some(value);
    }
    let date = httpdate::parse_http_date(value).ok();
    tags.modified_is_strong && date.is_some() && date == tags.modified
}

/// A date header; one that is malformed or repeated does not count.
fn date(headers: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    let mut values = headers.get_all(name).iter();
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    httpdate::parse_http_date(value.to_str().ok()?).ok()
}

/// Whether a list of entity tags names the current one. `*` names any file that exists.
fn lists(headers: &HeaderMap, name: HeaderName, tags: &Tags, strong: bool) -> bool {
    headers.get_all(name).iter().any(|value| {
        let value = value.to_str().unwrap_or_default();
        value.trim() == "*" || entity_tags(value).any(|tag| same(tag, tags, strong))
    })
}

fn same(tag: &str, tags: &Tags, strong: bool) -> bool {
    let Some(own) = tags.etag.as_deref() else {
        return false;
    };
    if strong {
        return tag == own && !own.starts_with("W/");
    }
    tag.trim_start_matches("W/") == own.trim_start_matches("W/")
}

/// The tags of a list, each with its quotes and `W/`. A comma inside quotes belongs to the tag.
fn entity_tags(mut list: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        list = list.trim_start_matches([' ', '\t', ',']);
        let prefix = if list.starts_with("W/") { 2 } else { 0 };
        let opaque = list.get(prefix..)?.strip_prefix('"')?;
        let end = prefix + 1 + opaque.find('"')? + 1;
        let (tag, rest) = list.split_at(end);
        list = rest;
        Some(tag)
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    const OLD: &str = "Thu, 01 Jan 1970 00:16:30 GMT";
    const SAME: &str = "Thu, 01 Jan 1970 00:16:40 GMT";
    const NEW: &str = "Thu, 01 Jan 1970 00:16:50 GMT";

    fn tags() -> Tags {
        Tags {
            etag: Some("\"a,b\"".into()),
            modified: Some(UNIX_EPOCH + Duration::from_secs(1000)),
            modified_is_strong: true,
        }
    }

    fn headers(list: &[(HeaderName, &str)]) -> HeaderMap {
        list.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn preconditions_follow_the_order_of_the_rfc() {
        use header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
        let cases: &[(&[(HeaderName, &str)], Verdict)] = &[
            (&[], Verdict::Proceed),
            (&[(IF_MATCH, "\"x\", \"a,b\"")], Verdict::Proceed),
            (&[(IF_MATCH, "*")], Verdict::Proceed),
            (&[(IF_MATCH, "\"x\"")], Verdict::Failed),
            (&[(IF_MATCH, "W/\"a,b\"")], Verdict::Failed),
            (&[(IF_MATCH, "a,b")], Verdict::Failed),
            (&[(IF_UNMODIFIED_SINCE, OLD)], Verdict::Failed),
            (&[(IF_UNMODIFIED_SINCE, SAME)], Verdict::Proceed),
            (&[(IF_UNMODIFIED_SINCE, "yesterday")], Verdict::Proceed),
            // If-Match decides alone.
            (&[(IF_MATCH, "\"a,b\""), (IF_UNMODIFIED_SINCE, OLD)], Verdict::Proceed),
            (&[(IF_NONE_MATCH, "W/\"a,b\"")], Verdict::NotModified),
            (&[(IF_NONE_MATCH, "*")], Verdict::NotModified),
            (&[(IF_NONE_MATCH, "\"x\"")], Verdict::Proceed),
            (&[(IF_MODIFIED_SINCE, OLD)], Verdict::Proceed),
            (&[(IF_MODIFIED_SINCE, SAME)], Verdict::NotModified),
            (&[(IF_MODIFIED_SINCE, NEW)], Verdict::NotModified),
            // If-None-Match decides alone.
            (&[(IF_NONE_MATCH, "\"x\""), (IF_MODIFIED_SINCE, NEW)], Verdict::Proceed),
            // A failed If-Match comes before a matching If-None-Match.
            (&[(IF_MATCH, "\"x\""), (IF_NONE_MATCH, "\"a,b\"")], Verdict::Failed),
            (&[(IF_MATCH, "\"a,b\""), (IF_NONE_MATCH, "\"a,b\"")], Verdict::NotModified),
        ];
        for (list, verdict) in cases {
            assert_eq!(evaluate(&headers(list), &tags()), *verdict, "{list:?}");
        }
    }

    #[test]
    fn a_weak_tag_never_matches_strongly() {
        let weak = Tags { etag: Some("W/\"a,b\"".into()), ..tags() };
        let sent = headers(&[(header::IF_MATCH, "W/\"a,b\"")]);
        assert_eq!(evaluate(&sent, &weak), Verdict::Failed);
        assert!(!range_holds(&headers(&[(header::IF_RANGE, "W/\"a,b\"")]), &weak));
    }

    #[test]
    fn if_range_holds_only_for_this_very_version() {
        let holds = |value: &str, tags: &Tags| range_holds(&headers(&[(header::IF_RANGE, value)]), tags);
        assert!(range_holds(&HeaderMap::new(), &tags()));
        assert!(holds("\"a,b\"", &tags()));
        assert!(holds(SAME, &tags()));
        assert!(!holds("\"x\"", &tags()));
        assert!(!holds(OLD, &tags()));
        assert!(!holds(NEW, &tags()));
        assert!(!holds("rubbish", &tags()));
        let young = Tags { modified_is_strong: false, ..tags() };
        assert!(!holds(SAME, &young));
    }
}
