//! A SAS signed with a user delegation key.

use alloc::string::String;

use super::{Grant, Issued, Lines, Query, Resource, ResponseHeaders, check_version};
use crate::{SecretBytes, SignError};

/// Issues a SAS with a user delegation key. `layout` is [`DelegationLayout::of`] the grant's version, unless the other side is
/// known to want another one.
pub fn user_delegation(
    account: &str,
    key: &DelegationKey,
    resource: Resource<'_>,
    grant: &Grant<'_>,
    answer: &ResponseHeaders<'_>,
    layout: DelegationLayout,
) -> Result<Issued, SignError> {
    check_version(grant.version)?;
    let mut text = Lines::default();
    text.all(&[grant.permissions, grant.start, grant.expiry, &resource.canonical(account)]);
    text.all(&[&key.object_id, &key.tenant_id, &key.start, &key.expiry, &key.service, &key.version]);
    // Authorised and unauthorised object id, correlation id: for hierarchical namespaces, not offered here.
    text.all(&["", "", ""]);
    if layout >= DelegationLayout::V2025_07_05 {
        text.all(&[&key.delegated_tenant_id, ""]);
    }
    text.all(&[grant.ip, grant.protocol, grant.version, resource.code(), resource.moment(), grant.encryption_scope]);
    if layout >= DelegationLayout::V2026_04_06 {
        text.all(&["", ""]);
    }
    text.all(&answer.values());

    let mut query = Query::grant(grant);
    query.add("sr", resource.code());
    query.answer(answer);
    query.add("ses", grant.encryption_scope);
    query.add("skoid", &key.object_id);
    query.add("sktid", &key.tenant_id);
    query.add("skt", &key.start);
    query.add("ske", &key.expiry);
    query.add("sks", &key.service);
    query.add("skv", &key.version);
    query.add("skdutid", &key.delegated_tenant_id);
    query.issue(&key.key, text.without_last_break())
}

/// A key that the service gave out for a Microsoft Entra identity, with the fields that came with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DelegationKey {
    /// `skoid`
    pub object_id: String,
    /// `sktid`
    pub tenant_id: String,
    /// `skt`
    pub start: String,
    /// `ske`
    pub expiry: String,
    /// `sks`
    pub service: String,
    /// `skv`
    pub version: String,
    /// `skdutid`, where the key is bound to one user's tenant; else empty.
    pub delegated_tenant_id: String,
    /// The key itself, decoded.
    pub key: SecretBytes,
}

/// Which lines the string to sign of a user delegation SAS has. It grew with the service versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DelegationLayout {
    /// Since 2020-12-06: nine lines for the delegation.
    V2020_12_06,
    /// Since 2025-07-05: two more lines for delegated users.
    V2025_07_05,
    /// Since 2026-04-06: two more lines for required request headers and query parameters.
    V2026_04_06,
}

impl DelegationLayout {
    /// The layout that the service expects for a version (`sv`).
    pub fn of(version: &str) -> Self {
        match version {
            v if v >= "2026-04-06" => Self::V2026_04_06,
            v if v >= "2025-07-05" => Self::V2025_07_05,
            _ => Self::V2020_12_06,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delegation_grew_with_the_versions() {
        let lines = |version: &str| {
            let grant = Grant { version, permissions: "r", expiry: "2025-07-01", ..Grant::default() };
            let answer = ResponseHeaders { content_type: "a/b", ..ResponseHeaders::default() };
            let resource = Resource::Container("c");
            let layout = DelegationLayout::of(version);
            let issued = user_delegation("acc", &DelegationKey::default(), resource, &grant, &answer, layout);
            issued.map(|issued| issued.diagnosis().string_to_sign().lines().count())
        };
        assert_eq!(lines("2023-11-03"), Ok(24));
        assert_eq!(lines("2025-11-05"), Ok(26));
        assert_eq!(lines("2026-04-06"), Ok(28));
    }
}
