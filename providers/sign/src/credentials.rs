//! The access key that S3 and OSS share in shape.

use alloc::string::String;

use crate::json::{self, Json, JsonError, Limits};
use crate::{Secret, date};

/// An access key id with its secret and, for temporary credentials, the session token (AWS) or security token (OSS STS).
///
/// `Debug` shows the id and the expiry only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKey {
    /// The public name of the key. It appears in every signed request.
    pub id: String,
    /// What requests are signed with. It never leaves the machine.
    pub secret: Secret,
    /// Sent beside the signature when the credentials are temporary.
    pub session_token: Option<Secret>,
    /// When the store stops accepting the key, in unix seconds of the store's clock. `None`: long-lived or not known.
    pub expires_at: Option<i64>,
}

impl AccessKey {
    /// A long-lived key.
    pub fn new(id: impl Into<String>, secret: impl Into<Secret>) -> Self {
        Self { id: id.into(), secret: secret.into(), session_token: None, expires_at: None }
    }

    /// The same key with a session token.
    #[must_use]
    pub fn with_session_token(mut self, token: impl Into<Secret>) -> Self {
        self.session_token = Some(token.into());
        self
    }

    /// The same key with its expiry, in unix seconds.
    #[must_use]
    pub fn with_expiry(mut self, unix_seconds: i64) -> Self {
        self.expires_at = Some(unix_seconds);
        self
    }

    /// Reads what a credential process prints: a JSON object with `AccessKeyId`, `SecretAccessKey` and, where the key is temporary,
    /// `SessionToken` and `Expiration` (ISO 8601). `Version`, where it is there, is 1.
    ///
    /// Follows <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>. Nothing of the document is
    /// repeated in an error.
    pub fn from_process(document: &[u8]) -> Result<Self, ProcessError> {
        let document = json::parse(document, &Limits::SMALL).map_err(ProcessError::NotJson)?;
        let root = document.root();
        if root.some("Version").is_some_and(|version| version.as_u64() != Some(1)) {
            return Err(ProcessError::Version);
        }
        let optional = |name| root.some(name).map(|value| text(value).ok_or(ProcessError::NotText(name))).transpose();
        let needed = |name| optional(name)?.ok_or(ProcessError::Missing(name));
        let mut key = Self::new(needed("AccessKeyId")?, needed("SecretAccessKey")?);
        if let Some(token) = optional("SessionToken")? {
            key = key.with_session_token(token);
        }
        match optional("Expiration")? {
            Some(end) => date::parse_iso8601(end).map(|end| key.with_expiry(end)).map_err(|_| ProcessError::Expiration),
            None => Ok(key),
        }
    }

    /// Whether the key is valid `margin` seconds after `now` (both in seconds, `now` since the epoch).
    pub fn is_valid_for(&self, margin: i64, now: i64) -> bool {
        self.expires_at.is_none_or(|end| now.saturating_add(margin) < end)
    }
}

/// Why what a credential process printed is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// It is no JSON.
    #[error("what it printed is no JSON object ({0})")]
    NotJson(JsonError),
    /// It says that it has a form that nobody has defined yet.
    #[error("what it printed is not of Version 1")]
    Version,
    /// A member that every key has is not there.
    #[error("what it printed has no {0}")]
    Missing(&'static str),
    /// A member is empty, or no text.
    #[error("what it printed has a {0} that is no text, or empty")]
    NotText(&'static str),
    /// The end is no time.
    #[error("the Expiration that it printed is no time: write it as 2026-01-31T12:00:00Z")]
    Expiration,
}

/// A text that is not empty.
fn text(value: Json<'_>) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn debug_shows_the_id_and_hides_the_rest() {
        let key = AccessKey::new("AKID", "sesame").with_session_token("tok/en+").with_expiry(7);
        let printed = format!("{key:?} {key:#?}");
        assert!(printed.contains("AKID"), "{printed}");
        assert!(!printed.contains("sesame") && !printed.contains("tok/en+"), "{printed}");
    }

    #[test]
    fn validity_is_exclusive_and_never_overflows() {
        let key = AccessKey::new("a", "b").with_expiry(100);
        assert!(key.is_valid_for(10, 89));
        assert!(!key.is_valid_for(10, 90));
        assert!(!key.is_valid_for(i64::MAX, i64::MAX));
        assert!(AccessKey::new("a", "b").is_valid_for(i64::MAX, i64::MAX));
    }

    #[test]
    fn what_a_credential_process_prints_is_read() {
        let full = br#"{"Version": 1, "AccessKeyId": "AKID", "SecretAccessKey": "sesame", "SessionToken": "tok",
                        "Expiration": "2026-11-21T00:00:00Z"}"#;
        let key = AccessKey::new("AKID", "sesame").with_session_token("tok").with_expiry(1_795_219_200);
        assert_eq!(AccessKey::from_process(full), Ok(key));
        let short = br#"{"AccessKeyId": "AKID", "SecretAccessKey": "sesame", "SessionToken": null}"#;
        assert_eq!(AccessKey::from_process(short), Ok(AccessKey::new("AKID", "sesame")));
    }

    #[test]
    fn what_is_no_key_is_refused_without_repeating_it() {
        for (text, error) in [
            ("", ProcessError::NotJson(JsonError::Empty)),
            ("[]", ProcessError::Missing("AccessKeyId")),
            (r#"{"AccessKeyId": "a"}"#, ProcessError::Missing("SecretAccessKey")),
            (r#"{"AccessKeyId": "a", "SecretAccessKey": ""}"#, ProcessError::NotText("SecretAccessKey")),
            (r#"{"AccessKeyId": 7, "SecretAccessKey": "sesame"}"#, ProcessError::NotText("AccessKeyId")),
            (r#"{"Version": 2, "AccessKeyId": "a", "SecretAccessKey": "sesame"}"#, ProcessError::Version),
            (r#"{"AccessKeyId": "a", "SecretAccessKey": "sesame", "Expiration": "sesame"}"#, ProcessError::Expiration),
        ] {
            assert_eq!(AccessKey::from_process(text.as_bytes()), Err(error), "{text}");
            assert!(!format!("{error}").contains("sesame"));
        }
    }
}
