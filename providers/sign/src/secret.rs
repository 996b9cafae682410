//! Values that must not reach a log.
//!
//! Owns the types whose `Debug` and `Display` show nothing. They are wiped when dropped, which is a courtesy and no promise:
//! copies made by the allocator or by an HTTP client are out of reach. Comparison is not constant-time; nothing here
//! verifies somebody else's signature.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use http::Uri;
use zeroize::Zeroizing;

/// A secret text: a secret access key, a session token, a SAS query.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a text; the value leaves only through [`expose`](Self::expose).
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself, for signing and for sending. Never for printing.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// Secret bytes: a decoded account key.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Wraps bytes; the value leaves only through [`expose`](Self::expose).
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// The bytes themselves, for signing. Never for printing.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

impl fmt::Display for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// A URL that carries its own permission in the query. Printed without query and without user information.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUri(Uri);

impl SecretUri {
    /// Wraps a URL; the value leaves only through [`expose`](Self::expose).
    pub fn new(uri: Uri) -> Self {
        Self(uri)
    }

    /// The URL with its query, for sending. Never for printing.
    pub fn expose(&self) -> &Uri {
        &self.0
    }

    /// The URL with its query, as an owned text.
    pub fn to_secret(&self) -> Secret {
        Secret::new(self.0.to_string())
    }

    /// Unwraps the URL.
    pub fn into_inner(self) -> Uri {
        self.0
    }
}

impl fmt::Display for SecretUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = self.0.scheme_str() {
            write!(f, "{scheme}://")?;
        }
        if let Some(authority) = self.0.authority() {
            let text = authority.as_str();
            f.write_str(text.rsplit_once('@').map_or(text, |(_, host)| host))?;
        }
        f.write_str(self.0.path())?;
        if self.0.query().is_some() {
            write!(f, "?{HIDDEN}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for SecretUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretUri({self})")
    }
}

/// What is printed in the place of a secret.
pub(crate) const HIDDEN: &str = "(hidden)";

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn nothing_prints_a_secret() {
        let text = Secret::new("hunter2");
        let bytes = SecretBytes::new(*b"hunter2");
        let printed = format!("{text} {text:?} {text:#?} {bytes} {bytes:?} {bytes:#?}");
        assert!(!printed.contains("hunter2"), "{printed}");
        assert!(!printed.contains("104"), "{printed}");
        assert_eq!((text.expose(), bytes.expose()), ("hunter2", &b"hunter2"[..]));
    }

    #[test]
    fn a_url_prints_without_query_and_user() {
        let uri = Uri::from_static("https://me:pw@host:8443/a/b?sig=hunter2&x=1");
        let uri = SecretUri::new(uri);
        assert_eq!(format!("{uri}"), "https://host:8443/a/b?(hidden)");
        assert_eq!(format!("{uri:?}"), "SecretUri(https://host:8443/a/b?(hidden))");
        assert!(uri.to_secret().expose().contains("hunter2"));
    }
}
