//! What tells one version of an object from another: ETag and Last-Modified (RFC 9110 §8.8).

use alloc::string::String;
use core::str;

use http::header::HeaderMap;
use longhaul_core::Wall;
use longhaul_core::provider::Validator;

use super::{Malformed, date, last_modified, single};

/// An entity tag (RFC 9110 §8.8.3), verbatim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ETag {
    /// `"x"`: equal tags, equal bytes.
    Strong(String),
    /// `W/"x"`: equal tags, equivalent content, perhaps other bytes.
    Weak(String),
    /// `x` without quotes, as Azure and some others send it: good for comparing, not for `If-Match`.
    Unquoted(String),
}

impl ETag {
    /// Reads a field value. `None` for what is empty, too long, or holds characters a tag cannot have.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let text = str::from_utf8(value)
            .ok()
            .filter(|text| text.len() <= 1024 && text.bytes().all(|byte| byte.is_ascii_graphic()))?;
        let inner = |text: &str| {
            let inner = text.strip_prefix('"')?.strip_suffix('"')?;
            (!inner.contains('"')).then_some(inner.is_empty())
        };
        if let Some(tag) = text.strip_prefix("W/").or_else(|| text.strip_prefix("w/")) {
            return inner(tag).map(|_| Self::Weak(text.into()));
        }
        match inner(text) {
            // Legal, but sent for everything by those who send it: it tells nothing apart.
            Some(true) => None,
            Some(false) => Some(Self::Strong(text.into())),
            None if text.is_empty() || text.contains(['"', ',']) => None,
            None => Some(Self::Unquoted(text.into())),
        }
    }

    /// The tag, if equal tags mean equal bytes.
    #[must_use]
    pub fn pin(self) -> Option<String> {
        match self {
            Self::Strong(tag) | Self::Unquoted(tag) => Some(tag),
            Self::Weak(_) => None,
        }
    }

    /// The tag, verbatim.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Strong(tag) | Self::Weak(tag) | Self::Unquoted(tag) => tag,
        }
    }
}

/// The answer's `ETag`. `None` where it is absent or unusable.
///
/// # Errors
/// When it comes with different values.
pub fn etag(headers: &HeaderMap) -> Result<Option<ETag>, Malformed> {
    Ok(single(headers, "ETag")?.and_then(ETag::parse))
}

/// What an answer tells about the version of its object.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Version {
    /// What pins it.
    pub validator: Validator,
    /// `Last-Modified`, whether it pins or not.
    pub modified: Option<Wall>,
}

/// Reads validator and modification time. `Last-Modified` pins only when it is at least a second older than the answer's
/// `Date`: otherwise the object may have changed twice in that second (RFC 9110 §8.8.2.2).
///
/// # Errors
/// When ETag or Last-Modified come with different values.
pub fn version(headers: &HeaderMap) -> Result<Version, Malformed> {
    let modified = last_modified(headers)?;
    let strong = modified.filter(|modified| date(headers).is_some_and(|date| *modified < date));
    let etag = etag(headers)?.and_then(ETag::pin);
    Ok(Version { validator: Validator { etag, modified: strong }, modified })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use http::HeaderValue;

    #[test]
    fn d4_only_tags_that_mean_equal_bytes_pin() {
        for (value, pin) in [
            ("\"abc\"", Some("\"abc\"")),
            ("\"a-2\"", Some("\"a-2\"")),
            ("0x8DB", Some("0x8DB")),
            ("W/\"abc\"", None),
            ("w/\"abc\"", None),
            ("\"\"", None),
            ("", None),
            ("\"a\"b\"", None),
            ("\"a", None),
            ("\"a\", \"b\"", None),
            ("\"a b\"", None),
            ("\"é\"", None),
        ] {
            assert_eq!(ETag::parse(value.as_bytes()).and_then(ETag::pin).as_deref(), pin, "{value}");
        }
    }

    #[test]
    fn d4_last_modified_pins_only_when_older_than_the_answer() {
        let read = |fields: &[(&'static str, &'static str)]| {
            let headers = fields
                .iter()
                .map(|(name, value)| (name.parse().expect("name"), HeaderValue::from_static(value)))
                .collect();
            version(&headers).expect("no conflict")
        };
        let modified = ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT");
        let seconds = Some(Wall::from_unix(784_111_777));
        for (date, pins) in [
            ("Sun, 06 Nov 1994 08:49:38 GMT", true),
            ("Sun, 06 Nov 1994 08:49:37 GMT", false),
            ("Sun, 06 Nov 1994 08:49:36 GMT", false),
        ] {
            let version = read(&[modified, ("date", date)]);
            assert_eq!((version.validator.modified.is_some(), version.modified), (pins, seconds), "{date}");
        }
        assert_eq!(read(&[modified]).validator.modified, None, "no date");
        assert_eq!(read(&[("last-modified", "yesterday")]).modified, None);
        assert_eq!(ETag::Weak("W/\"a\"".to_string()).as_str(), "W/\"a\"");
    }
}
