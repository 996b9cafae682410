//! Issuing shared access signatures: for one blob or container, for an account, or with a user delegation key.
//!
//! Follows <https://learn.microsoft.com/rest/api/storageservices/create-service-sas>,
//! <https://learn.microsoft.com/rest/api/storageservices/create-account-sas> and
//! <https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas>, for versions 2020-12-06 and later. Names and
//! dates are signed as they are given, not encoded: a blob name goes in raw. Permissions are not reordered; the service
//! wants them in the documented order (`racwdxltmeop…`).

mod delegation;

use alloc::format;
use alloc::string::{String, ToString};

use super::{AccountKey, SasToken, signature};
use crate::{Diagnosis, Secret, SecretBytes, SignError, encode};

pub use delegation::{DelegationKey, DelegationLayout, user_delegation};

/// What every kind of SAS says. Empty texts are left out of the token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grant<'a> {
    /// The service version (`sv`), such as `2023-11-03`; 2020-12-06 or later.
    pub version: &'a str,
    /// What is allowed (`sp`), one letter each.
    pub permissions: &'a str,
    /// From when on (`st`): ISO 8601, as [`date::iso8601`](crate::date::iso8601) writes it.
    pub start: &'a str,
    /// Until when (`se`): ISO 8601.
    pub expiry: &'a str,
    /// From which address or range of addresses (`sip`).
    pub ip: &'a str,
    /// `https` or `https,http` (`spr`).
    pub protocol: &'a str,
    /// The encryption scope to use (`ses`).
    pub encryption_scope: &'a str,
}

/// What a service SAS or a user delegation SAS is for. Names are raw: not encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resource<'a> {
    /// A container and the blobs in it.
    Container(&'a str),
    /// One blob.
    Blob {
        /// The container.
        container: &'a str,
        /// The blob.
        blob: &'a str,
    },
    /// One snapshot of a blob. The token leaves the snapshot's time out; it stays a parameter of the request.
    Snapshot {
        /// The container.
        container: &'a str,
        /// The blob.
        blob: &'a str,
        /// The snapshot's time as the service gave it.
        snapshot: &'a str,
    },
    /// One version of a blob. The token leaves the version out; it stays a parameter of the request.
    Version {
        /// The container.
        container: &'a str,
        /// The blob.
        blob: &'a str,
        /// The version id as the service gave it.
        version_id: &'a str,
    },
}

/// Headers that the service answers with in the place of the blob's own. Empty texts are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResponseHeaders<'a> {
    /// `rscc`
    pub cache_control: &'a str,
    /// `rscd`
    pub content_disposition: &'a str,
    /// `rsce`
    pub content_encoding: &'a str,
    /// `rscl`
    pub content_language: &'a str,
    /// `rsct`
    pub content_type: &'a str,
}

/// A SAS that was just made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the token is the result"]
pub struct Issued {
    token: SasToken,
    diagnosis: Diagnosis,
}

impl Issued {
    /// The token. Whoever has it may use it until it expires.
    pub fn token(&self) -> &SasToken {
        &self.token
    }

    /// How the signature came about.
    pub fn diagnosis(&self) -> &Diagnosis {
        &self.diagnosis
    }

    /// Unwraps the token.
    pub fn into_token(self) -> SasToken {
        self.token
    }
}

/// Issues a SAS for one blob or container. `policy` names a stored access policy (`si`) that supplies what the grant leaves
/// empty; empty for none.
pub fn service(
    key: &AccountKey,
    resource: Resource<'_>,
    grant: &Grant<'_>,
    policy: &str,
    answer: &ResponseHeaders<'_>,
) -> Result<Issued, SignError> {
    check_version(grant.version)?;
    let mut text = Lines::default();
    text.all(&[grant.permissions, grant.start, grant.expiry, &resource.canonical(&key.account), policy]);
    text.all(&[grant.ip, grant.protocol, grant.version, resource.code(), resource.moment(), grant.encryption_scope]);
    text.all(&answer.values());

    let mut query = Query::grant(grant);
    query.add("si", policy);
    query.add("sr", resource.code());
    query.answer(answer);
    query.add("ses", grant.encryption_scope);
    query.issue(&key.key, text.without_last_break())
}

/// Issues a SAS for an account: `services` such as `b`, `resource_types` such as `sco`.
pub fn account(key: &AccountKey, services: &str, resource_types: &str, grant: &Grant<'_>) -> Result<Issued, SignError> {
    check_version(grant.version)?;
    let mut text = Lines::default();
    text.all(&[&key.account, grant.permissions, services, resource_types, grant.start, grant.expiry]);
    text.all(&[grant.ip, grant.protocol, grant.version, grant.encryption_scope]);

    let mut query = Query::grant(grant);
    query.add("ss", services);
    query.add("srt", resource_types);
    query.add("ses", grant.encryption_scope);
    query.issue(&key.key, text.0)
}

impl Resource<'_> {
    fn canonical(&self, account: &str) -> String {
        match self {
            Self::Container(container) => format!("/blob/{account}/{container}"),
            Self::Blob { container, blob }
            | Self::Snapshot { container, blob, .. }
            | Self::Version { container, blob, .. } => format!("/blob/{account}/{container}/{blob}"),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Container(_) => "c",
            Self::Blob { .. } => "b",
            Self::Snapshot { .. } => "bs",
            Self::Version { .. } => "bv",
        }
    }

    fn moment(&self) -> &str {
        match self {
            Self::Container(_) | Self::Blob { .. } => "",
            Self::Snapshot { snapshot, .. } => snapshot,
            Self::Version { version_id, .. } => version_id,
        }
    }
}

impl<'a> ResponseHeaders<'a> {
    fn values(&self) -> [&'a str; 5] {
        [self.cache_control, self.content_disposition, self.content_encoding, self.content_language, self.content_type]
    }
}

/// A string to sign: every value on its own line.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn all(&mut self, values: &[&str]) {
        for value in values {
            self.0.push_str(value);
            self.0.push('\n');
        }
    }

    fn without_last_break(mut self) -> String {
        self.0.pop();
        self.0
    }
}

/// A token in the making.
#[derive(Default)]
struct Query(String);

impl Query {
    fn grant(grant: &Grant<'_>) -> Self {
        let mut query = Self::default();
        query.add("st", grant.start);
        query.add("se", grant.expiry);
        query.add("sp", grant.permissions);
        query.add("sip", grant.ip);
        query.add("spr", grant.protocol);
        query.add("sv", grant.version);
        query
    }

    fn answer(&mut self, answer: &ResponseHeaders<'_>) {
        for (name, value) in ["rscc", "rscd", "rsce", "rscl", "rsct"].into_iter().zip(answer.values()) {
            self.add(name, value);
        }
    }

    fn add(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str(name);
        self.0.push('=');
        self.0.push_str(&encode::path(value));
    }

    fn issue(mut self, key: &SecretBytes, string_to_sign: String) -> Result<Issued, SignError> {
        let signature = signature(key, &string_to_sign);
        self.add("sig", &signature);
        let token = SasToken::parse(Secret::new(self.0))?;
        Ok(Issued { token, diagnosis: Diagnosis { canonical_request: String::new(), string_to_sign, signature } })
    }
}

fn check_version(version: &str) -> Result<(), SignError> {
    if crate::date::parse_iso8601(version).is_err() || version.len() != 10 {
        return Err(SignError::BadScope("service version"));
    }
    if version < "2020-12-06" { Err(SignError::VersionTooOld(version.to_string())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    fn issue(version: &str) -> Result<Issued, SignError> {
        let key = AccountKey::new("acc", "c2VzYW1l")?;
        let grant = Grant { version, permissions: "r", expiry: "2025-07-01", ..Grant::default() };
        service(&key, Resource::Blob { container: "c", blob: "a b/ü" }, &grant, "", &ResponseHeaders::default())
    }

    #[test]
    fn names_are_signed_raw_and_nothing_prints_the_signature() {
        let issued = issue("2023-11-03").expect("issues");
        assert!(issued.diagnosis().string_to_sign().contains("\n/blob/acc/c/a b/ü\n"));
        let printed = format!("{issued:?}{}{}", issued.token(), issued.diagnosis());
        assert!(!printed.contains(issued.diagnosis().signature()), "{printed}");
        assert!(!printed.contains("sesame") && !printed.contains("c2VzYW1l"), "{printed}");
        assert_eq!(issued.token().expires_at(), Some(1_751_328_000));
    }

    #[test]
    fn versions_are_checked() {
        assert_eq!(issue("2020-10-02").map(|_| ()), Err(SignError::VersionTooOld("2020-10-02".into())));
        assert_eq!(issue("latest").map(|_| ()), Err(SignError::BadScope("service version")));
    }
}
