//! Aliyun OSS signature version 4.
//!
//! Follows <https://www.alibabacloud.com/help/en/oss/developer-reference/recommend-to-use-signature-version-4> and
//! <https://www.alibabacloud.com/help/en/oss/developer-reference/add-signatures-to-urls>. Unlike SigV4 the canonical URI always
//! holds the bucket, the payload is never hashed, and only `x-oss-*`, `content-type`, `content-md5` and the headers declared
//! as additional are signed. A client that adds a `Content-Type` on its own breaks a presigned PUT.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use http::HeaderMap;

use crate::encode::{self, CanonicalQuery, Valueless};
use crate::headers::{self, Inner};
use crate::request::{check_key_id, check_life, check_scope, with_query};
use crate::{AccessKey, Diagnosis, Presigned, SignError, Signed, Target, date, hash};

const ALGORITHM: &str = "OSS4-HMAC-SHA256";
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
const DATE: &str = "x-oss-date";
const CONTENT_SHA256: &str = "x-oss-content-sha256";
const SECURITY_TOKEN: &str = "x-oss-security-token";

/// Query parameters that a presigned URL carries.
const PRESIGN: [&str; 7] = [
    "x-oss-signature-version",
    "x-oss-credential",
    "x-oss-date",
    "x-oss-expires",
    "x-oss-additional-headers",
    "x-oss-security-token",
    "x-oss-signature",
];

/// Signs requests for one region at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'a> {
    /// Who signs.
    pub key: &'a AccessKey,
    /// The region without the `oss-` of host names, such as `cn-hangzhou`.
    pub region: &'a str,
    /// The product: `oss`, or `oss-cloudbox`.
    pub product: &'a str,
    /// The time of the signature, unix seconds on the server's clock. Servers accept 15 minutes of difference.
    pub time: i64,
    /// Headers to sign beside those that always are, in any case and order. Names that the request does not have, or has
    /// empty, are disregarded.
    pub additional_headers: &'a [&'a str],
}

/// What the request is about. The URL does not say it: a custom domain leaves the bucket out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resource<'a> {
    /// The bucket; `None` for a request to the service itself.
    pub bucket: Option<&'a str>,
    /// The object key, not encoded; `None` for a request to the bucket.
    pub key: Option<&'a str>,
}

impl<'a> Resource<'a> {
    /// An object.
    pub fn object(bucket: &'a str, key: &'a str) -> Self {
        Self { bucket: Some(bucket), key: Some(key) }
    }

    /// A bucket.
    pub fn bucket(bucket: &'a str) -> Self {
        Self { bucket: Some(bucket), key: None }
    }

    fn canonical(self) -> String {
        let mut uri = "/".to_string();
        if let Some(bucket) = self.bucket {
            uri.push_str(&encode::component(bucket));
            uri.push('/');
        }
        uri.push_str(&encode::path(self.key.unwrap_or_default()));
        uri
    }
}

impl<'a> Signer<'a> {
    /// A signer for the product `oss` without additional headers. `time` is unix seconds on the server's clock.
    pub fn new(key: &'a AccessKey, region: &'a str, time: i64) -> Self {
        Self { key, region, product: "oss", time, additional_headers: &[] }
    }

    /// The same signer with additional headers.
    #[must_use]
    pub fn additional(mut self, names: &'a [&'a str]) -> Self {
        self.additional_headers = names;
        self
    }

    /// Signs with headers: `x-oss-date`, `x-oss-content-sha256` (always `UNSIGNED-PAYLOAD`), `x-oss-security-token` for STS
    /// credentials, `authorization`. Headers of these names on the request are disregarded, they have to be replaced.
    ///
    /// Fails on a broken percent escape in the query, on signed header values that are not UTF-8, and on a region or key id
    /// that cannot stand in a scope.
    pub fn sign(&self, target: Target<'_>, resource: Resource<'_>) -> Result<Signed, SignError> {
        let moment = Moment::new(self)?;
        let mut signed = Signed { headers: HeaderMap::new(), diagnosis: Diagnosis::default() };
        signed.add(DATE, &moment.time, false)?;
        signed.add(CONTENT_SHA256, UNSIGNED_PAYLOAD, false)?;
        if let Some(token) = &self.key.session_token {
            signed.add(SECURITY_TOKEN, token.expose(), true)?;
        }

        let additional = self.additional_names(target.headers);
        let mut canonical = canonical_headers(target.headers, &additional, &[DATE, CONTENT_SHA256, SECURITY_TOKEN])?;
        for name in signed.headers.keys() {
            if let Some(value) = headers::value(&signed.headers, name, Inner::Keep)? {
                canonical.insert(name.as_str().to_string(), value);
            }
        }
        let query = CanonicalQuery::from_query(target.uri.query().unwrap_or_default())?;
        let parts = Parts { target, resource, query: &query, canonical: &canonical, additional: &additional };
        signed.diagnosis = self.diagnose(&moment, &parts, UNSIGNED_PAYLOAD);

        let mut authorization = format!("{ALGORITHM} Credential={}/{}", self.key.id, moment.scope);
        if !additional.is_empty() {
            authorization.push_str(&format!(",AdditionalHeaders={}", join(&additional)));
        }
        authorization.push_str(&format!(",Signature={}", signed.diagnosis.signature));
        signed.add("authorization", &authorization, true)?;
        Ok(signed)
    }

    /// Makes a URL that carries its signature for `expires` seconds (1 to [`MAX_PRESIGN_SECONDS`](crate::MAX_PRESIGN_SECONDS),
    /// and not longer than the credentials live). Whoever uses it has to send the signed headers of the request as they are.
    /// Parameters of an earlier signature in the URL are replaced.
    ///
    /// Fails as [`sign`](Self::sign) does, and on a URL that is not absolute.
    pub fn presign(&self, target: Target<'_>, resource: Resource<'_>, expires: u32) -> Result<Presigned, SignError> {
        check_life(expires, self.time, self.key.expires_at)?;
        let moment = Moment::new(self)?;
        let additional = self.additional_names(target.headers);
        let canonical = canonical_headers(target.headers, &additional, &[])?;
        let payload = canonical.get(CONTENT_SHA256).map_or(UNSIGNED_PAYLOAD, String::as_str);

        let mut query = CanonicalQuery::from_query(target.uri.query().unwrap_or_default())?;
        query.remove(&PRESIGN);
        query.push("x-oss-signature-version", ALGORITHM);
        query.push("x-oss-credential", &format!("{}/{}", self.key.id, moment.scope));
        query.push("x-oss-date", &moment.time);
        query.push("x-oss-expires", &expires.to_string());
        if !additional.is_empty() {
            query.push("x-oss-additional-headers", &join(&additional));
        }
        if let Some(token) = &self.key.session_token {
            query.push("x-oss-security-token", token.expose());
        }

        let parts = Parts { target, resource, query: &query, canonical: &canonical, additional: &additional };
        let diagnosis = self.diagnose(&moment, &parts, payload);
        query.push("x-oss-signature", &diagnosis.signature);
        Ok(Presigned { url: with_query(target.uri, &query.in_order(Valueless::Bare))?, diagnosis })
    }

    /// The additional headers that the request has: lower case, sorted, without those that are signed anyway.
    fn additional_names(&self, headers: &HeaderMap) -> BTreeSet<String> {
        let present = |name: &String| headers.get(name.as_str()).is_some_and(|value| !value.is_empty());
        let names = self.additional_headers.iter().map(|name| name.to_ascii_lowercase());
        names.filter(|name| !is_always_signed(name) && present(name)).collect()
    }

    fn diagnose(&self, moment: &Moment, parts: &Parts<'_>, payload: &str) -> Diagnosis {
        let mut lines = String::new();
        for (name, value) in parts.canonical {
            lines.push_str(&format!("{name}:{value}\n"));
        }
        let canonical_request = format!(
            "{}\n{}\n{}\n{lines}\n{}\n{payload}",
            parts.target.method,
            parts.resource.canonical(),
            parts.query.canonical(Valueless::Bare),
            join(parts.additional)
        );
        let hash = hash::sha256_hex(canonical_request.as_bytes());
        let string_to_sign = format!("{ALGORITHM}\n{}\n{}\n{hash}", moment.time, moment.scope);

        let secret = zeroize::Zeroizing::new(format!("aliyun_v4{}", self.key.secret.expose()));
        let steps = [&moment.day, self.region, self.product, "aliyun_v4_request"];
        let key = hash::signing_key(secret.as_bytes(), &steps);
        let signature = hash::hex(&hash::hmac_sha256(&*key, string_to_sign.as_bytes()));
        Diagnosis { canonical_request, string_to_sign, signature }
    }
}

/// What goes into a canonical request.
struct Parts<'a> {
    target: Target<'a>,
    resource: Resource<'a>,
    query: &'a CanonicalQuery,
    canonical: &'a BTreeMap<String, String>,
    additional: &'a BTreeSet<String>,
}

/// The time of a signature in the forms it needs, and the scope.
struct Moment {
    time: String,
    day: String,
    scope: String,
}

impl Moment {
    fn new(signer: &Signer<'_>) -> Result<Self, SignError> {
        check_key_id(&signer.key.id)?;
        check_scope("region", signer.region)?;
        check_scope("product", signer.product)?;
        let (time, day) = (date::compact(signer.time)?, date::day(signer.time)?);
        let scope = format!("{day}/{}/{}/aliyun_v4_request", signer.region, signer.product);
        Ok(Self { time, day, scope })
    }
}

fn canonical_headers(
    request: &HeaderMap,
    additional: &BTreeSet<String>,
    own: &[&str],
) -> Result<BTreeMap<String, String>, SignError> {
    let mut canonical = BTreeMap::new();
    for name in request.keys() {
        let text = name.as_str();
        if own.contains(&text) || !(is_always_signed(text) || additional.contains(text)) {
            continue;
        }
        if let Some(value) = headers::value(request, name, Inner::Keep)? {
            canonical.insert(text.to_string(), value);
        }
    }
    Ok(canonical)
}

fn is_always_signed(name: &str) -> bool {
    name.starts_with("x-oss-") || name == "content-type" || name == "content-md5"
}

fn join(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(";")
}
