//! AWS Signature Version 4 for S3 and stores that speak like it.
//!
//! Follows <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html> and
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>. S3's rules differ from AWS's other services:
//! the path is encoded once and never normalised, and the payload hash is a header. Chunk signatures (`aws-chunked` with
//! signed chunks) are not made here.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};

use http::{HeaderMap, HeaderName, Uri};

use crate::encode::{self, CanonicalQuery, Valueless};
use crate::headers::{self, Inner};
use crate::request::{check_key_id, check_life, check_scope, with_query};
use crate::{AccessKey, Diagnosis, Presigned, SignError, Signed, Target, date, hash};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const DATE: &str = "x-amz-date";
const CONTENT_SHA256: &str = "x-amz-content-sha256";
const SECURITY_TOKEN: &str = "x-amz-security-token";

/// Headers that are never signed unless asked for: they belong to one hop, or clients and proxies change them.
const UNSIGNED: [&str; 20] = [
    "accept-encoding",
    "amz-sdk-invocation-id",
    "amz-sdk-request",
    "authorization",
    "baggage",
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-amzn-trace-id",
];

/// Query parameters that a presigned URL carries.
const PRESIGN: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
];

/// Signs requests for one service in one region at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'a> {
    /// Who signs.
    pub key: &'a AccessKey,
    /// The region as the server names it, such as `us-east-1`, `auto` or `garage`.
    pub region: &'a str,
    /// The service: `s3`.
    pub service: &'a str,
    /// The time of the signature, unix seconds on the server's clock. Servers accept 15 minutes of difference.
    pub time: i64,
    /// Which of the request's headers are signed.
    pub select: Select<'a>,
}

/// Which of the request's own headers are signed. `host` and what the signer adds always are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Select<'a> {
    /// All but those that belong to one hop or that clients change on the way (`Content-Length`, `User-Agent`, `Expect`, …).
    #[default]
    Default,
    /// Those named here, in lower case, where the request has them. S3 refuses a request with an `x-amz-*` header that is
    /// not signed.
    Only(&'a [&'a str]),
}

/// What the signature says of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Payload<'a> {
    /// `UNSIGNED-PAYLOAD`: the body is protected by TLS and by its own checksum.
    Unsigned,
    /// `STREAMING-UNSIGNED-PAYLOAD-TRAILER`: `aws-chunked` with a checksum after the body.
    UnsignedTrailer,
    /// The SHA-256 of the body.
    Sha256([u8; 32]),
    /// Any other text for `x-amz-content-sha256`, such as a hash that is already hexadecimal.
    Literal(&'a str),
}

impl Payload<'_> {
    /// The payload hash of a request without a body.
    pub const EMPTY: Self = Payload::Literal(hash::EMPTY_SHA256);

    fn to_text(self) -> String {
        match self {
            Self::Unsigned => "UNSIGNED-PAYLOAD".to_string(),
            Self::UnsignedTrailer => "STREAMING-UNSIGNED-PAYLOAD-TRAILER".to_string(),
            Self::Sha256(digest) => hash::hex(&digest),
            Self::Literal(text) => text.to_string(),
        }
    }
}

impl<'a> Signer<'a> {
    /// A signer for the service `s3` with the default choice of headers. `time` is unix seconds on the server's clock.
    pub fn new(key: &'a AccessKey, region: &'a str, time: i64) -> Self {
        Self { key, region, service: "s3", time, select: Select::Default }
    }

    /// The same signer with another choice of headers.
    #[must_use]
    pub fn select(mut self, select: Select<'a>) -> Self {
        self.select = select;
        self
    }

    /// Signs with headers: `x-amz-date`, `x-amz-content-sha256`, `x-amz-security-token` for temporary credentials,
    /// `authorization`. Headers of these names on the request are disregarded, they have to be replaced.
    ///
    /// Fails on a broken percent escape in the URL, on signed header values that are not UTF-8, without a host, and on a
    /// region or key id that cannot stand in a scope.
    pub fn sign(&self, target: Target<'_>, payload: Payload<'_>) -> Result<Signed, SignError> {
        let moment = Moment::new(self)?;
        let payload = payload.to_text();
        let mut signed = Signed { headers: HeaderMap::new(), diagnosis: Diagnosis::default() };
        signed.add(DATE, &moment.time, false)?;
        signed.add(CONTENT_SHA256, &payload, false)?;
        if let Some(token) = &self.key.session_token {
            signed.add(SECURITY_TOKEN, token.expose(), true)?;
        }

        let mut canonical = self.canonical_headers(target, &[DATE, CONTENT_SHA256, SECURITY_TOKEN])?;
        for name in signed.headers.keys() {
            if let Some(value) = headers::value(&signed.headers, name, Inner::Fold)? {
                canonical.insert(name.as_str().to_string(), value);
            }
        }
        let query = CanonicalQuery::from_query(target.uri.query().unwrap_or_default())?;
        signed.diagnosis = self.diagnose(&moment, target, &query, &canonical, &payload)?;
        let authorization = format!(
            "{ALGORITHM} Credential={}/{}, SignedHeaders={}, Signature={}",
            self.key.id,
            moment.scope,
            names(&canonical),
            signed.diagnosis.signature
        );
        signed.add("authorization", &authorization, true)?;
        Ok(signed)
    }

    /// Makes a URL that carries its signature for `expires` seconds (1 to [`MAX_PRESIGN_SECONDS`](crate::MAX_PRESIGN_SECONDS),
    /// and not longer than the credentials live). The request's headers are signed by the signer's choice: whoever uses the
    /// URL has to send exactly those. Parameters of an earlier signature in the URL are replaced.
    ///
    /// S3 takes [`Payload::Unsigned`] here. Fails as [`sign`](Self::sign) does, and on a URL that is not absolute.
    pub fn presign(&self, target: Target<'_>, payload: Payload<'_>, expires: u32) -> Result<Presigned, SignError> {
        check_life(expires, self.time, self.key.expires_at)?;
        let moment = Moment::new(self)?;
        let canonical = self.canonical_headers(target, &[])?;
        let mut query = CanonicalQuery::from_query(target.uri.query().unwrap_or_default())?;
        query.remove(&PRESIGN);
        query.push("X-Amz-Algorithm", ALGORITHM);
        query.push("X-Amz-Credential", &format!("{}/{}", self.key.id, moment.scope));
        query.push("X-Amz-Date", &moment.time);
        query.push("X-Amz-Expires", &expires.to_string());
        query.push("X-Amz-SignedHeaders", &names(&canonical));
        if let Some(token) = &self.key.session_token {
            query.push("X-Amz-Security-Token", token.expose());
        }

        let diagnosis = self.diagnose(&moment, target, &query, &canonical, &payload.to_text())?;
        query.push("X-Amz-Signature", &diagnosis.signature);
        Ok(Presigned { url: with_query(target.uri, &query.in_order(Valueless::WithEquals))?, diagnosis })
    }

    /// The request's chosen headers in canonical form, with `host`, without those that the signer sets itself.
    fn canonical_headers(&self, target: Target<'_>, own: &[&str]) -> Result<BTreeMap<String, String>, SignError> {
        let mut canonical = BTreeMap::new();
        for name in target.headers.keys() {
            if own.contains(&name.as_str()) || !self.selects(name) {
                continue;
            }
            if let Some(value) = headers::value(target.headers, name, Inner::Fold)? {
                canonical.insert(name.as_str().to_string(), value);
            }
        }
        canonical.insert("host".to_string(), target.host()?);
        Ok(canonical)
    }

    fn selects(&self, name: &HeaderName) -> bool {
        match self.select {
            Select::Default => !UNSIGNED.contains(&name.as_str()),
            Select::Only(names) => names.contains(&name.as_str()),
        }
    }

    fn diagnose(
        &self,
        moment: &Moment,
        target: Target<'_>,
        query: &CanonicalQuery,
        canonical: &BTreeMap<String, String>,
        payload: &str,
    ) -> Result<Diagnosis, SignError> {
        let mut lines = String::new();
        for (name, value) in canonical {
            lines.push_str(&format!("{name}:{value}\n"));
        }
        let canonical_request = format!(
            "{}\n{}\n{}\n{lines}\n{}\n{payload}",
            target.method,
            canonical_path(target.uri)?,
            query.canonical(Valueless::WithEquals),
            names(canonical)
        );
        let hash = hash::sha256_hex(canonical_request.as_bytes());
        let string_to_sign = format!("{ALGORITHM}\n{}\n{}\n{hash}", moment.time, moment.scope);

        let secret = zeroize::Zeroizing::new(format!("AWS4{}", self.key.secret.expose()));
        let key = hash::signing_key(secret.as_bytes(), &[&moment.day, self.region, self.service, "aws4_request"]);
        let signature = hash::hex(&hash::hmac_sha256(&*key, string_to_sign.as_bytes()));
        Ok(Diagnosis { canonical_request, string_to_sign, signature })
    }
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
        check_scope("service", signer.service)?;
        let (time, day) = (date::compact(signer.time)?, date::day(signer.time)?);
        let scope = format!("{day}/{}/{}/aws4_request", signer.region, signer.service);
        Ok(Self { time, day, scope })
    }
}

/// The path as the server computes it: decoded and encoded again strictly, so a path written by [`encode::path`] is unchanged.
fn canonical_path(uri: &Uri) -> Result<String, SignError> {
    let path = encode::path(encode::decode(uri.path())?);
    Ok(if path.is_empty() { "/".to_string() } else { path })
}

fn names(canonical: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    for name in canonical.keys() {
        if !out.is_empty() {
            out.push(';');
        }
        out.push_str(name);
    }
    out
}
