//! SigV4 for S3, as botocore signs.

use std::collections::BTreeMap;

use longhaul_sign::encode::{CanonicalQuery, Valueless, path};
use longhaul_sign::sigv4::{Payload, Select, Signer};
use longhaul_sign::{AccessKey, Target};
use serde::Deserialize;

use crate::{Case, added, header_map, lower_case, path_and_query, same, sorted, text, unix, uri};

#[derive(Deserialize)]
struct Input {
    method: String,
    bucket: Option<String>,
    key: Option<String>,
    addressing: Option<String>,
    url: String,
    query: Vec<(String, Option<String>)>,
    headers: BTreeMap<String, String>,
    payload: String,
    region: String,
    service: String,
    time: String,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expires: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    canonical_request: String,
    string_to_sign: String,
    signature: String,
    signed_headers: String,
    authorization: Option<String>,
    headers_added: Option<BTreeMap<String, String>>,
    url: Option<String>,
}

pub(crate) fn run(case: &Case) -> Result<(), String> {
    let (input, expected): (Input, Expected) = (case.input()?, case.expected()?);
    builds_the_url(&input)?;

    let mut key = AccessKey::new(&*input.access_key_id, &*input.secret_access_key);
    if let Some(token) = &input.session_token {
        key = key.with_session_token(&**token);
    }
    let names: Vec<&str> = expected.signed_headers.split(';').collect();
    let mut signer = Signer::new(&key, &input.region, unix(&input.time)?).select(Select::Only(&names));
    signer.service = &input.service;

    let (method, uri) = (input.method.parse().map_err(text)?, uri(&input.url)?);
    let headers = header_map(&input.headers)?;
    let target = Target::new(&method, &uri, &headers);
    let payload = Payload::Literal(&input.payload);
    let diagnosis = match (case.mode.as_deref(), input.expires) {
        (Some("header"), None) => {
            let signed = signer.sign(target, payload).map_err(text)?;
            let authorization = signed.headers().get("authorization").ok_or("no authorization")?;
            let authorization = authorization.to_str().map_err(text)?;
            same("authorization", Some(authorization), expected.authorization.as_deref())?;
            let theirs = lower_case(expected.headers_added.as_ref().ok_or("no headers_added")?, &[]);
            same("headers added", added(signed.headers(), &["authorization"]), theirs)?;
            signed.diagnosis().clone()
        }
        (Some("presign"), Some(expires)) => {
            let presigned = signer.presign(target, payload, expires).map_err(text)?;
            let theirs = expected.url.as_deref().ok_or("no url")?;
            same("url", sorted(&presigned.url().expose().to_string()), sorted(theirs))?;
            presigned.diagnosis().clone()
        }
        mode => return Err(format!("an unknown mode: {mode:?}")),
    };
    same("canonical request", diagnosis.canonical_request(), &expected.canonical_request)?;
    same("string to sign", diagnosis.string_to_sign(), &expected.string_to_sign)?;
    same("signature", diagnosis.signature(), &expected.signature)
}

/// The encoders, given bucket, key and parameters, write the URL that the SDK wrote.
fn builds_the_url(input: &Input) -> Result<(), String> {
    let (their_path, their_query) = path_and_query(&input.url);
    let key = path(input.key.as_deref().unwrap_or_default());
    match (input.addressing.as_deref(), &input.bucket) {
        (Some("virtual"), _) => same("path", format!("/{key}"), their_path.to_owned())?,
        (Some("path"), Some(bucket)) => same("path", format!("/{}/{key}", path(bucket)), their_path.to_owned())?,
        _ => {}
    }
    let mut query = CanonicalQuery::default();
    for (name, value) in &input.query {
        query.push(name, value.as_deref().unwrap_or_default());
    }
    same("query", query.in_order(Valueless::WithEquals), their_query.to_owned())
}
