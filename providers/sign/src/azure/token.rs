//! Reading a shared access signature that somebody else issued.
//!
//! Follows <https://learn.microsoft.com/rest/api/storageservices/delegate-access-with-shared-access-signature>. The token is kept
//! as it came, byte for byte: only its issuer knows what was signed.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use http::Uri;

use crate::encode::{decode_query, query_pairs};
use crate::request::with_query;
use crate::secret::HIDDEN;
use crate::{Secret, SecretUri, SignError, date};

/// Why a text is not a usable SAS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SasError {
    /// There is no `sig` parameter.
    #[error("the SAS has no signature (sig)")]
    NoSignature,
    /// A parameter that is needed here does not decode, or occurs twice.
    #[error("the SAS parameter {0} does not decode or occurs twice")]
    BadParameter(&'static str),
    /// A time is not ISO 8601.
    #[error("the SAS parameter {0} is not a time")]
    BadTime(&'static str),
    /// The text holds a byte that cannot stand in a URL.
    #[error("the SAS holds a byte that cannot stand in a URL")]
    NotAQuery,
}

/// A shared access signature. `Debug` and `Display` show everything but the signature.
#[derive(Clone, PartialEq, Eq)]
pub struct SasToken {
    query: Secret,
    permissions: String,
    resource: String,
    version: String,
    starts_at: Option<i64>,
    expires_at: Option<i64>,
}

impl SasToken {
    /// Reads a token: the query part of a SAS URL, with or without the `?` in front.
    pub fn parse(text: impl Into<Secret>) -> Result<Self, SasError> {
        let text: Secret = text.into();
        let query = text.expose().trim().trim_start_matches('?');
        if query.bytes().any(|byte| !byte.is_ascii_graphic() || byte == b'#') {
            return Err(SasError::NotAQuery);
        }
        if parameter(query, "sig")?.is_none_or(|signature| signature.is_empty()) {
            return Err(SasError::NoSignature);
        }
        Ok(Self {
            permissions: parameter(query, "sp")?.unwrap_or_default(),
            resource: parameter(query, "sr")?.unwrap_or_default(),
            version: parameter(query, "sv")?.unwrap_or_default(),
            starts_at: time(query, "st")?,
            expires_at: time(query, "se")?,
            query: Secret::new(query),
        })
    }

    /// Splits a SAS URL into the URL without the token and the token. Other parameters (`snapshot`, `versionid`, …) stay in the
    /// URL. `None` where the URL has no `sig` parameter.
    pub fn split(url: &Uri) -> Result<Option<(Uri, Self)>, SasError> {
        let (mut token, mut rest) = (String::new(), String::new());
        for pair in url.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let name = pair.split_once('=').map_or(pair, |(name, _)| name);
            let side = if PARAMETERS.contains(&name) { &mut token } else { &mut rest };
            if !side.is_empty() {
                side.push('&');
            }
            side.push_str(pair);
        }
        if !query_pairs(&token).any(|(name, _)| name == "sig") {
            return Ok(None);
        }
        let token = Self::parse(Secret::new(token))?;
        let url = with_query(url, &rest).map_err(|_| SasError::NotAQuery)?;
        Ok(Some((url.into_inner(), token)))
    }

    /// The token without `?`, to be sent. Never to be printed.
    pub fn expose(&self) -> &str {
        self.query.expose()
    }

    /// The URL with the token behind its own query.
    pub fn append_to(&self, url: &Uri) -> Result<SecretUri, SignError> {
        let query = match url.query() {
            Some(query) if !query.is_empty() => format!("{query}&{}", self.query.expose()),
            _ => self.query.expose().to_string(),
        };
        with_query(url, &query)
    }

    /// When it ends (`se`), unix seconds; `None` where a stored access policy says it.
    pub fn expires_at(&self) -> Option<i64> {
        self.expires_at
    }

    /// When it begins (`st`), unix seconds; `None`: at once.
    pub fn starts_at(&self) -> Option<i64> {
        self.starts_at
    }

    /// What it allows (`sp`), one letter each; empty where a stored access policy says it.
    pub fn permissions(&self) -> &str {
        &self.permissions
    }

    /// Whether it allows something, such as `r` or `w`. `None` where only a stored access policy knows.
    pub fn allows(&self, permission: char) -> Option<bool> {
        (!self.permissions.is_empty()).then(|| self.permissions.contains(permission))
    }

    /// What it is for (`sr`): `b` blob, `c` container, `bs` snapshot, `bv` version, `d` directory; empty for an account SAS.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// The service version it was made for (`sv`).
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether it is still valid `margin` seconds after `now` (seconds; `now` since the epoch, on the server's clock).
    pub fn is_valid_for(&self, margin: i64, now: i64) -> bool {
        self.expires_at.is_none_or(|end| now.saturating_add(margin) < end)
    }
}

/// The parameters that belong to a token rather than to a request.
const PARAMETERS: [&str; 32] = [
    "rscc", "rscd", "rsce", "rscl", "rsct", "saoid", "scid", "sdd", "sduoid", "se", "ses", "si", "sig", "sip",
    "skdutid", "ske", "skoid", "sks", "skt", "sktid", "skv", "sp", "spr", "sr", "srh", "srq", "srt", "ss", "st",
    "suoid", "sv", "tn",
];

impl fmt::Display for SasToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in query_pairs(self.query.expose()).enumerate() {
            let value = if name.eq_ignore_ascii_case("sig") { HIDDEN } else { value };
            write!(f, "{}{name}={value}", if index > 0 { "&" } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for SasToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SasToken({self})")
    }
}

fn parameter(query: &str, name: &'static str) -> Result<Option<String>, SasError> {
    let mut values = query_pairs(query).filter(|(have, _)| *have == name).map(|(_, value)| value);
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(SasError::BadParameter(name));
    }
    let bytes = decode_query(value).map_err(|_| SasError::BadParameter(name))?;
    String::from_utf8(bytes).map(Some).map_err(|_| SasError::BadParameter(name))
}

fn time(query: &str, name: &'static str) -> Result<Option<i64>, SasError> {
    match parameter(query, name)? {
        Some(text) if !text.is_empty() => date::parse_iso8601(&text).map(Some).map_err(|_| SasError::BadTime(name)),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    const TOKEN: &str = "?sv=2023-11-03&st=2025-06-15T08%3A30Z&se=2025-07-01T12:00:00Z&sr=b&sp=rcw&sig=aBc%2Fd%3D";

    #[test]
    fn a_token_says_what_it_allows_and_until_when() {
        let token = SasToken::parse(TOKEN).expect("a token");
        assert_eq!(token.expires_at(), Some(1_751_371_200));
        assert_eq!(token.starts_at(), Some(1_749_976_200));
        assert_eq!((token.permissions(), token.resource(), token.version()), ("rcw", "b", "2023-11-03"));
        assert_eq!((token.allows('w'), token.allows('d')), (Some(true), Some(false)));
        assert!(token.is_valid_for(0, 1_751_371_199) && !token.is_valid_for(1, 1_751_371_199));
    }

    #[test]
    fn the_signature_is_never_printed_and_the_rest_is_kept_as_it_came() {
        let token = SasToken::parse(TOKEN).expect("a token");
        let printed = format!("{token} {token:?}");
        assert!(!printed.contains("aBc") && printed.contains("se=2025-07-01T12:00:00Z"), "{printed}");
        assert_eq!(token.expose(), &TOKEN[1..]);
        // A client that spells it otherwise is still protected.
        let other = SasToken::parse("sig=a&SIG=hunter2").expect("a token");
        assert!(!format!("{other}").contains("hunter2"));
    }

    #[test]
    fn a_sas_url_is_taken_apart_and_put_together() {
        let url = Uri::from_static(
            "https://a.blob.core.windows.net/c/b%20?snapshot=x&se=2025-07-01&sig=s%2B&comp=block&sp=r",
        );
        let (base, token) = SasToken::split(&url).expect("parses").expect("has a token");
        assert_eq!(base, "https://a.blob.core.windows.net/c/b%20?snapshot=x&comp=block");
        assert_eq!(token.expose(), "se=2025-07-01&sig=s%2B&sp=r");
        let put = token.append_to(&base).expect("appends");
        assert_eq!(
            put.expose(),
            "https://a.blob.core.windows.net/c/b%20?snapshot=x&comp=block&se=2025-07-01&sig=s%2B&sp=r"
        );
        let bare = Uri::from_static("https://h/c/b");
        assert_eq!(token.append_to(&bare).expect("appends").expose(), "https://h/c/b?se=2025-07-01&sig=s%2B&sp=r");
        assert_eq!(SasToken::split(&bare), Ok(None));
    }

    #[test]
    fn what_is_no_token() {
        let error = |text: &str| SasToken::parse(text).map(|_| ());
        assert_eq!(error(""), Err(SasError::NoSignature));
        assert_eq!(error("se=2025-07-01&sp=r"), Err(SasError::NoSignature));
        assert_eq!(error("sig="), Err(SasError::NoSignature));
        assert_eq!(error("sig=a&se=soon"), Err(SasError::BadTime("se")));
        assert_eq!(error("sig=a&se=%zz"), Err(SasError::BadParameter("se")));
        assert_eq!(error("sig=a&sp=r&sp=w"), Err(SasError::BadParameter("sp")));
        assert_eq!(error("sig=a b"), Err(SasError::NotAQuery));
        assert_eq!(SasToken::parse("sig=a&si=policy").map(|t| (t.allows('r'), t.expires_at())), Ok((None, None)));
    }
}
