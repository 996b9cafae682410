//! Shared Key and SAS, as azure-storage-blob signs.

use std::collections::BTreeMap;

use longhaul_sign::azure::sas::{self, DelegationKey, DelegationLayout, Grant, Issued, Resource, ResponseHeaders};
use longhaul_sign::azure::{AccountKey, SasToken, decode_key, shared_key};
use longhaul_sign::encode::{decode, query_pairs};
use longhaul_sign::{Target, date};
use serde::Deserialize;

use crate::{Case, header_map, same, text, unix, uri};

#[derive(Deserialize)]
struct SharedKey {
    method: String,
    url: String,
    headers: BTreeMap<String, String>,
    account: String,
    key_base64: String,
    time: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SharedKeyExpected {
    string_to_sign: String,
    authorization: String,
}

pub(crate) fn shared_key(case: &Case) -> Result<(), String> {
    let (input, expected): (SharedKey, SharedKeyExpected) = (case.input()?, case.expected()?);
    let key = AccountKey::new(&*input.account, &input.key_base64).map_err(text)?;
    let (method, uri, time) = (input.method.parse().map_err(text)?, uri(&input.url)?, unix(&input.time)?);

    // The given x-ms-date is the one that would be added.
    let mut headers = header_map(&input.headers)?;
    for given in [true, false] {
        let signed = shared_key::sign(Target::new(&method, &uri, &headers), &key, time).map_err(text)?;
        same("string to sign", signed.diagnosis().string_to_sign(), &expected.string_to_sign)?;
        let authorization = signed.headers().get("authorization").ok_or("no authorization")?;
        same("authorization", authorization.to_str().map_err(text)?, &expected.authorization)?;
        let ours = date::http(time).map_err(text)?;
        if given && headers.remove("x-ms-date").is_none_or(|date| date != ours.as_str()) {
            break;
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Sas {
    account: String,
    key_base64: String,
    version: String,
    resource: String,
    #[serde(default)]
    container: String,
    blob: Option<String>,
    permissions: Option<String>,
    start: Option<String>,
    expiry: Option<String>,
    ip: Option<String>,
    protocol: Option<String>,
    snapshot: Option<String>,
    version_id: Option<String>,
    policy_id: Option<String>,
    encryption_scope: Option<String>,
    #[serde(default)]
    response_headers: BTreeMap<String, String>,
    #[serde(default)]
    services: String,
    #[serde(default)]
    resource_types: String,
    delegation_key: Option<Delegation>,
    signing_key_base64: Option<String>,
}

#[derive(Deserialize)]
struct Delegation {
    signed_oid: String,
    signed_tid: String,
    signed_start: String,
    signed_expiry: String,
    signed_service: String,
    signed_version: String,
    signed_delegated_user_tid: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SasExpected {
    string_to_sign: String,
    query: BTreeMap<String, String>,
    sas_token: String,
}

pub(crate) fn sas(case: &Case) -> Result<(), String> {
    let (input, expected): (Sas, SasExpected) = (case.input()?, case.expected()?);
    let issued = issue(&input)?;
    same("string to sign", issued.diagnosis().string_to_sign(), &expected.string_to_sign)?;
    same("token, decoded", pairs(issued.token().expose())?, expected.query.clone())?;
    let split = |token: &str| -> Vec<String> {
        let mut parameters: Vec<String> = token.split('&').map(ToOwned::to_owned).collect();
        parameters.sort();
        parameters
    };
    same("token, as sent", split(issued.token().expose()), split(&expected.sas_token))?;

    // And reading it gives what went in.
    let read = SasToken::parse(&*expected.sas_token).map_err(text)?;
    same("permissions read", read.permissions(), input.permissions.as_deref().unwrap_or_default())?;
    same("expiry read", read.expires_at(), input.expiry.as_deref().map(unix).transpose()?)?;
    same("start read", read.starts_at(), input.start.as_deref().map(unix).transpose()?)?;
    let signature = expected.query.get("sig").ok_or("no sig")?;
    let (printed, head) = (format!("{read} {read:?}"), signature.get(..8).ok_or("a short sig")?);
    same("the signature is printed", printed.contains(head), false)
}

fn issue(input: &Sas) -> Result<Issued, String> {
    let some = |value: &'_ Option<String>| value.clone().unwrap_or_default();
    let (start, expiry, permissions) = (some(&input.start), some(&input.expiry), some(&input.permissions));
    let (ip, protocol, scope) = (some(&input.ip), some(&input.protocol), some(&input.encryption_scope));
    let grant = Grant {
        version: &input.version,
        permissions: &permissions,
        start: &start,
        expiry: &expiry,
        ip: &ip,
        protocol: &protocol,
        encryption_scope: &scope,
    };
    let header = |name: &str| input.response_headers.get(name).map_or("", String::as_str);
    let answer = ResponseHeaders {
        cache_control: header("cache_control"),
        content_disposition: header("content_disposition"),
        content_encoding: header("content_encoding"),
        content_language: header("content_language"),
        content_type: header("content_type"),
    };
    let account = AccountKey::new(&*input.account, &input.key_base64).map_err(text)?;
    if input.resource == "account" {
        return sas::account(&account, &input.services, &input.resource_types, &grant).map_err(text);
    }
    let (container, blob) = (&*input.container, input.blob.as_deref());
    let resource = match (&*input.resource, blob, &input.snapshot, &input.version_id) {
        ("c", None, None, None) => Resource::Container(container),
        ("b", Some(blob), None, None) => Resource::Blob { container, blob },
        ("bs", Some(blob), Some(snapshot), None) => Resource::Snapshot { container, blob, snapshot },
        ("bv", Some(blob), None, Some(version_id)) => Resource::Version { container, blob, version_id },
        other => return Err(format!("an unknown resource: {other:?}")),
    };
    match &input.delegation_key {
        None => sas::service(&account, resource, &grant, &some(&input.policy_id), &answer).map_err(text),
        Some(key) => {
            let signing = input.signing_key_base64.as_deref().ok_or("no signing key")?;
            let key = DelegationKey {
                object_id: key.signed_oid.clone(),
                tenant_id: key.signed_tid.clone(),
                start: key.signed_start.clone(),
                expiry: key.signed_expiry.clone(),
                service: key.signed_service.clone(),
                version: key.signed_version.clone(),
                delegated_tenant_id: some(&key.signed_delegated_user_tid),
                key: decode_key(signing).map_err(text)?,
            };
            // The SDK that made the vectors knows one layout, its newest, and writes it for every version.
            let layout = DelegationLayout::V2026_04_06;
            sas::user_delegation(&input.account, &key, resource, &grant, &answer, layout).map_err(text)
        }
    }
}

fn pairs(query: &str) -> Result<BTreeMap<String, String>, String> {
    let decoded = |value: &str| String::from_utf8(decode(value).map_err(text)?).map_err(text);
    query_pairs(query).map(|(name, value)| Ok((decoded(name)?, decoded(value)?))).collect()
}
