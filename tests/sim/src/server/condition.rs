//! What a write demands of the object it would replace: `If-None-Match: *`, `If-Match` (RFC 9110 §13.1).

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};

/// The demand.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Condition {
    /// None: whatever is there is replaced.
    #[default]
    None,
    /// Nothing is there yet.
    Absent,
    /// What is there has this tag.
    Tag(String),
}

impl Condition {
    /// As a request says it.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        match (text(IF_NONE_MATCH), text(IF_MATCH)) {
            (Some("*"), _) => Self::Absent,
            (_, Some(tag)) => Self::Tag(tag.into()),
            _ => Self::None,
        }
    }

    /// The header field that says it.
    #[must_use]
    pub fn field(&self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Self::None => None,
            Self::Absent => Some((IF_NONE_MATCH, HeaderValue::from_static("*"))),
            Self::Tag(tag) => Some((IF_MATCH, HeaderValue::from_str(tag).ok()?)),
        }
    }

    /// Whether an object with this tag, or none, meets it.
    #[must_use]
    pub fn holds(&self, there: Option<&str>) -> bool {
        match self {
            Self::None => true,
            Self::Absent => there.is_none(),
            Self::Tag(tag) => there == Some(tag),
        }
    }
}
