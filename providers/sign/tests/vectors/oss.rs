//! OSS V4, as the official SDK signs.

use std::collections::BTreeMap;

use longhaul_sign::encode::{component, path};
use longhaul_sign::oss_v4::{Resource, Signer};
use longhaul_sign::{AccessKey, Target};
use serde::Deserialize;

use crate::{Case, added, header_map, lower_case, path_and_query, same, sorted, text, unix, uri};

#[derive(Deserialize)]
struct Input {
    method: String,
    bucket: Option<String>,
    key: Option<String>,
    url: String,
    query: Vec<(String, Option<String>)>,
    headers: BTreeMap<String, String>,
    additional_headers: Vec<String>,
    region: String,
    product: String,
    time: String,
    access_key_id: String,
    access_key_secret: String,
    security_token: Option<String>,
    expires: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    canonical_request: String,
    string_to_sign: String,
    signature: String,
    authorization: Option<String>,
    headers_added: Option<BTreeMap<String, String>>,
    url: Option<String>,
}

/// The SDK sends `Date` too; it is not signed, and we leave it to the client.
const NOT_OURS: [&str; 2] = ["authorization", "date"];

pub(crate) fn run(case: &Case) -> Result<(), String> {
    let (input, expected): (Input, Expected) = (case.input()?, case.expected()?);
    builds_the_url(&input)?;

    let mut key = AccessKey::new(&*input.access_key_id, &*input.access_key_secret);
    if let Some(token) = &input.security_token {
        key = key.with_session_token(&**token);
    }
    let additional: Vec<&str> = input.additional_headers.iter().map(String::as_str).collect();
    let mut signer = Signer::new(&key, &input.region, unix(&input.time)?).additional(&additional);
    signer.product = &input.product;

    let (method, uri) = (input.method.parse().map_err(text)?, uri(&input.url)?);
    let headers = header_map(&input.headers)?;
    let target = Target::new(&method, &uri, &headers);
    let resource = Resource { bucket: input.bucket.as_deref(), key: input.key.as_deref() };
    let diagnosis = match (case.mode.as_deref(), input.expires) {
        (Some("header"), None) => {
            let signed = signer.sign(target, resource).map_err(text)?;
            let authorization = signed.headers().get("authorization").ok_or("no authorization")?;
            let authorization = authorization.to_str().map_err(text)?;
            same("authorization", Some(authorization), expected.authorization.as_deref())?;
            let theirs = lower_case(expected.headers_added.as_ref().ok_or("no headers_added")?, &NOT_OURS);
            same("headers added", added(signed.headers(), &NOT_OURS), theirs)?;
            signed.diagnosis().clone()
        }
        (Some("presign"), Some(expires)) => {
            let presigned = signer.presign(target, resource, expires).map_err(text)?;
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

/// The encoders, given key and parameters, write the URL that the SDK wrote.
fn builds_the_url(input: &Input) -> Result<(), String> {
    let (their_path, their_query) = path_and_query(&input.url);
    let key = path(input.key.as_deref().unwrap_or_default());
    let path_style = input.bucket.as_ref().map(|bucket| format!("/{bucket}/{key}"));
    if path_style.as_deref() != Some(their_path) {
        same("path", format!("/{key}"), their_path.to_owned())?;
    }
    let parameter = |(name, value): &(String, Option<String>)| match value {
        None => component(name),
        Some(value) => format!("{}={}", component(name), component(value)),
    };
    let query: Vec<String> = input.query.iter().map(parameter).collect();
    same("query", query.join("&"), their_query.to_owned())
}
