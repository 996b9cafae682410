//! The access key that S3 and OSS share in shape.

use alloc::string::String;

use crate::Secret;

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

    /// Whether the key is valid `margin` seconds after `now` (both in seconds, `now` since the epoch).
    pub fn is_valid_for(&self, margin: i64, now: i64) -> bool {
        self.expires_at.is_none_or(|end| now.saturating_add(margin) < end)
    }
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
}
