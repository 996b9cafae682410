//! What is signed, and what signing gives back.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use http::uri::{PathAndQuery, Uri};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::encode::BrokenEscape;
use crate::headers::{self, Inner};
use crate::secret::HIDDEN;
use crate::{SecretUri, SignError};

/// The longest life of a presigned S3 or OSS URL: seven days, in seconds.
pub const MAX_PRESIGN_SECONDS: u32 = 604_800;

/// The request to sign: complete but for the signature. The body is not looked at.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// The method.
    pub method: &'a Method,
    /// The URL. It has to be absolute, or a `Host` header has to be there.
    pub uri: &'a Uri,
    /// The headers that will be sent.
    pub headers: &'a HeaderMap,
}

impl<'a> Target<'a> {
    /// A target from its parts.
    pub fn new(method: &'a Method, uri: &'a Uri, headers: &'a HeaderMap) -> Self {
        Self { method, uri, headers }
    }

    /// The `Host` header as it is sent: the given header, else the URL's host in lower case, its port unless it is the
    /// scheme's own.
    pub(crate) fn host(&self) -> Result<String, SignError> {
        if let Some(host) = headers::value(self.headers, &http::header::HOST, Inner::Keep)? {
            return Ok(host);
        }
        let host = self.uri.host().filter(|host| !host.is_empty()).ok_or(SignError::MissingHost)?;
        let mut host = host.to_ascii_lowercase();
        let default = match self.uri.scheme_str() {
            Some("http") => Some(80),
            Some("https") => Some(443),
            _ => None,
        };
        if let Some(port) = self.uri.port_u16().filter(|port| Some(*port) != default) {
            host.push_str(&format!(":{port}"));
        }
        Ok(host)
    }
}

impl<'a> From<&'a http::request::Parts> for Target<'a> {
    fn from(parts: &'a http::request::Parts) -> Self {
        Self::new(&parts.method, &parts.uri, &parts.headers)
    }
}

impl<'a, B> From<&'a http::Request<B>> for Target<'a> {
    fn from(request: &'a http::Request<B>) -> Self {
        Self::new(request.method(), request.uri(), request.headers())
    }
}

impl fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({} {})", self.method, SecretUri::new(self.uri.clone()))
    }
}

/// Headers that sign a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the headers have to be put on the request"]
pub struct Signed {
    pub(crate) headers: HeaderMap,
    pub(crate) diagnosis: Diagnosis,
}

impl Signed {
    /// The headers to add. Those with secrets are marked sensitive, so `Debug` does not show their values.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// How the signature came about.
    pub fn diagnosis(&self) -> &Diagnosis {
        &self.diagnosis
    }

    /// Puts the headers on a request, in the place of headers of the same name.
    pub fn apply(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
    }

    pub(crate) fn add(&mut self, name: &'static str, text: &str, sensitive: bool) -> Result<(), SignError> {
        let value: HeaderValue = headers::make(name, text, sensitive)?;
        self.headers.insert(HeaderName::from_static(name), value);
        Ok(())
    }
}

/// A URL that carries its own signature.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the URL is the result"]
pub struct Presigned {
    pub(crate) url: SecretUri,
    pub(crate) diagnosis: Diagnosis,
}

impl Presigned {
    /// The URL. Whoever has it may use it until it expires.
    pub fn url(&self) -> &SecretUri {
        &self.url
    }

    /// How the signature came about.
    pub fn diagnosis(&self) -> &Diagnosis {
        &self.diagnosis
    }

    /// Unwraps the URL.
    pub fn into_url(self) -> SecretUri {
        self.url
    }
}

/// The steps of a signature, to be compared with what a server says it computed.
///
/// The secret key is never in it. A session token is in the canonical request, because the protocols put it there:
/// `Debug`, `Display` and [`redacted`](Self::redacted) hide it, the two accessors do not.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Diagnosis {
    pub(crate) canonical_request: String,
    pub(crate) string_to_sign: String,
    pub(crate) signature: String,
}

impl Diagnosis {
    /// The canonical request (SigV4, OSS V4); empty where the protocol has none (Azure).
    pub fn canonical_request(&self) -> &str {
        &self.canonical_request
    }

    /// The string to sign.
    pub fn string_to_sign(&self) -> &str {
        &self.string_to_sign
    }

    /// The signature as it is sent: hexadecimal (SigV4, OSS V4) or base64 (Azure).
    pub fn signature(&self) -> &str {
        &self.signature
    }

    /// The canonical request where there is one, then the string to sign, without tokens and customer keys.
    pub fn redacted(&self) -> String {
        let mut out = String::new();
        for text in [&self.canonical_request, &self.string_to_sign] {
            for line in text.lines() {
                out.push_str(&redact(line));
                out.push('\n');
            }
        }
        out
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted())
    }
}

impl fmt::Debug for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Diagnosis").field(&self.redacted()).finish()
    }
}

/// The URL with another query.
pub(crate) fn with_query(uri: &Uri, query: &str) -> Result<SecretUri, SignError> {
    let mut parts = uri.clone().into_parts();
    if parts.scheme.is_none() || parts.authority.is_none() {
        return Err(SignError::NotAbsolute);
    }
    let path = uri.path();
    let text = if query.is_empty() { path.to_string() } else { format!("{path}?{query}") };
    parts.path_and_query = Some(PathAndQuery::try_from(text).map_err(|_| SignError::NotAUrl)?);
    Uri::from_parts(parts).map(SecretUri::new).map_err(|_| SignError::NotAUrl)
}

/// Refuses a life that the stores refuse, or one that the credentials cannot keep.
pub(crate) fn check_life(seconds: u32, now: i64, expires_at: Option<i64>) -> Result<(), SignError> {
    if !(1..=MAX_PRESIGN_SECONDS).contains(&seconds) {
        return Err(SignError::ExpiresOutOfRange { seconds, max: MAX_PRESIGN_SECONDS });
    }
    match expires_at {
        Some(end) if now.saturating_add(i64::from(seconds)) > end => {
            Err(SignError::OutlivesCredentials { expires_at: end })
        }
        _ => Ok(()),
    }
}

/// One part of a scope such as `20250615/us-east-1/s3/aws4_request`: no separator, no white space, not empty.
pub(crate) fn check_scope(what: &'static str, text: &str) -> Result<(), SignError> {
    if text.contains('/') {
        Err(SignError::BadScope(what))
    } else {
        check_id(text).map_err(|()| SignError::BadScope(what))
    }
}

/// An access key id. It stands before the scope, so a `/` in it does no harm (some stores have such ids).
pub(crate) fn check_key_id(text: &str) -> Result<(), SignError> {
    check_id(text).map_err(|()| SignError::BadScope("access key id"))
}

fn check_id(text: &str) -> Result<(), ()> {
    let is_fit = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',');
    if is_fit { Ok(()) } else { Err(()) }
}

/// Hides what must not be printed in a line of a canonical request: a header line or the query.
fn redact(line: &str) -> String {
    const HEADERS: [&str; 5] =
        ["security-token", "session-token", "customer-key", "encryption-key", "copy-source-authorization"];
    if let Some((name, value)) = line.split_once(':') {
        if HEADERS.iter().any(|end| name.ends_with(end)) {
            return format!("{name}:{HIDDEN}");
        }
        if name.ends_with("copy-source")
            && let Some((url, _)) = value.split_once('?')
        {
            return format!("{name}:{url}?{HIDDEN}");
        }
    }
    let mut out = String::with_capacity(line.len());
    for (index, pair) in line.split('&').enumerate() {
        if index > 0 {
            out.push('&');
        }
        match pair.split_once('=') {
            Some((name, _)) if name.to_ascii_lowercase().ends_with("security-token") => {
                out.push_str(name);
                out.push('=');
                out.push_str(HIDDEN);
            }
            _ => out.push_str(pair),
        }
    }
    out
}

impl From<BrokenEscape> for SignError {
    fn from(_: BrokenEscape) -> Self {
        Self::BrokenEscape
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(uri: &'static str) -> Result<String, SignError> {
        Target::new(&Method::GET, &Uri::from_static(uri), &HeaderMap::new()).host()
    }

    #[test]
    fn the_host_is_what_a_client_sends() {
        assert_eq!(host("https://B.Example.com/x"), Ok("b.example.com".into()));
        assert_eq!(host("https://h:443/"), Ok("h".into()));
        assert_eq!(host("http://h:80/"), Ok("h".into()));
        assert_eq!(host("http://h:443/"), Ok("h:443".into()));
        assert_eq!(host("http://127.0.0.1:3900/"), Ok("127.0.0.1:3900".into()));
        assert_eq!(host("http://[::1]:9000/"), Ok("[::1]:9000".into()));
        assert_eq!(host("https://me:pw@h/"), Ok("h".into()));
        assert_eq!(host("/x"), Err(SignError::MissingHost));
    }

    #[test]
    fn a_given_host_header_wins() {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("cdn.example.com:8443"));
        let uri = Uri::from_static("/x");
        assert_eq!(Target::new(&Method::GET, &uri, &headers).host(), Ok("cdn.example.com:8443".into()));
    }

    #[test]
    fn tokens_and_customer_keys_are_hidden() {
        let diagnosis = Diagnosis {
            canonical_request: "PUT\n/a\nX-Amz-Security-Token=t%2Fk&b=1\nx-amz-security-token:tk\n\
                                x-amz-server-side-encryption-customer-key:ck\nx-ms-copy-source:https://h/p?sig=s\n"
                .into(),
            string_to_sign: "AWS4\nhash".into(),
            signature: "5ig".into(),
        };
        let shown = format!("{diagnosis}{diagnosis:?}");
        for hidden in ["t%2Fk", ":tk", ":ck", "sig=s", "5ig"] {
            assert!(!shown.contains(hidden), "{hidden} in {shown}");
        }
        assert!(shown.contains("b=1") && shown.contains("hash") && shown.contains("https://h/p?"), "{shown}");
    }

    #[test]
    fn a_life_is_within_the_store_and_the_credentials() {
        assert!(check_life(1, 0, None).is_ok() && check_life(MAX_PRESIGN_SECONDS, 0, None).is_ok());
        assert!(check_life(0, 0, None).is_err() && check_life(MAX_PRESIGN_SECONDS + 1, 0, None).is_err());
        assert!(check_life(60, 40, Some(100)).is_ok());
        assert_eq!(check_life(61, 40, Some(100)), Err(SignError::OutlivesCredentials { expires_at: 100 }));
    }
}
