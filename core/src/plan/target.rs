//! A request of a plan, checked: where it goes, what goes along, until when.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use super::draft::BodyDraft;
use super::error::{Place, PlanError};
use super::policy::Policy;
use crate::shown::Shown;
use crate::time::Wall;

/// Longest URL, in bytes.
const MOST_URL: usize = 16 << 10;
/// Most header fields of a request.
const MOST_FIELDS: usize = 64;
/// Longest value of one, in bytes.
const MOST_VALUE: usize = 8 << 10;
/// Longest body that a plan gives as text, in bytes.
const MOST_TEXT: usize = 1 << 20;

/// A request that a plan tells to send. `Debug` shows no query and no header value.
#[derive(Clone, PartialEq, Eq)]
pub struct PlannedRequest {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: PlannedBody,
    expires: Option<i64>,
}

/// What a planned request says.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlannedBody {
    /// Nothing, or a part's bytes.
    Empty,
    /// The uploaded parts as JSON.
    PartsJson,
    /// The uploaded parts as S3's and OSS's `CompleteMultipartUpload`.
    S3Xml,
    /// The uploaded parts' ids as Azure's `BlockList`.
    AzureBlockList,
    /// This text.
    Text(String),
}

impl fmt::Debug for PlannedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Empty",
            Self::PartsJson => "PartsJson",
            Self::S3Xml => "S3Xml",
            Self::AzureBlockList => "AzureBlockList",
            Self::Text(_) => "Text",
        })
    }
}

/// The parts of a draft that make a request, wherever they stand in it.
pub(super) struct Raw<'a> {
    pub(super) place: Place,
    pub(super) method: Option<&'a str>,
    pub(super) default: Method,
    pub(super) url: &'a str,
    pub(super) headers: &'a BTreeMap<String, String>,
    /// Content bytes that go along, where that is known.
    pub(super) size: Option<u64>,
    pub(super) body: &'a BodyDraft,
    pub(super) expires: Option<i64>,
}

impl PlannedRequest {
    pub(super) fn new(raw: &Raw<'_>, policy: &Policy) -> Result<Self, PlanError> {
        let uri = read_url(raw.place, raw.url, policy)?;
        let method = read_method(raw)?;
        let headers = read_headers(raw, &uri, policy)?;
        let body = match raw.body {
            BodyDraft::Empty => PlannedBody::Empty,
            BodyDraft::PartsJson => PlannedBody::PartsJson,
            BodyDraft::S3Xml => PlannedBody::S3Xml,
            BodyDraft::AzureBlockList => PlannedBody::AzureBlockList,
            BodyDraft::Text(text) if text.len() > MOST_TEXT => {
                let problem = format!("{} bytes of text", text.len());
                return Err(PlanError::new(raw.place, "body", problem, format!("use at most {MOST_TEXT}")));
            }
            BodyDraft::Text(text) => PlannedBody::Text(text.clone()),
        };
        Ok(Self { method, uri, headers, body, expires: raw.expires })
    }

    /// The method.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The URL, as it was signed. Its query is secret.
    #[must_use]
    pub const fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The header fields; their values are marked sensitive.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// What it says.
    #[must_use]
    pub const fn body(&self) -> &PlannedBody {
        &self.body
    }

    /// When the URL expires, if ever.
    #[must_use]
    pub const fn expires(&self) -> Option<Wall> {
        match self.expires {
            Some(at) => Some(Wall::from_unix(at)),
            None => None,
        }
    }

    /// Whether it may be sent at `wall`, with `margin` seconds to spare.
    #[must_use]
    pub const fn is_usable(&self, wall: Wall, margin: u32) -> bool {
        match self.expires {
            Some(at) => wall.as_unix().saturating_add(margin as i64) < at,
            None => true,
        }
    }

    /// The URL without its query.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("{:?}", Shown(&self.uri))
    }

    /// `host:port`, the host in lower case, the port always there.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = self.uri.host().unwrap_or_default().to_ascii_lowercase();
        let default = if self.uri.scheme_str() == Some("http") { 80 } else { 443 };
        format!("{host}:{}", self.uri.port_u16().unwrap_or(default))
    }
}

impl fmt::Debug for PlannedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlannedRequest")
            .field("method", &self.method)
            .field("url", &Shown(&self.uri))
            .field("headers", &self.headers.keys().map(HeaderName::as_str).collect::<alloc::vec::Vec<_>>())
            .field("body", &self.body)
            .field("expires", &self.expires)
            .finish()
    }
}

/// An absolute http(s) URL without userinfo and fragment, to a host that the policy admits.
pub(super) fn read_url(place: Place, text: &str, policy: &Policy) -> Result<Uri, PlanError> {
    let bad = |problem: &str, remedy: &str| Err(PlanError::new(place, "url", problem, remedy));
    if text.is_empty() {
        return bad("there is none", "issue one");
    }
    if text.len() > MOST_URL {
        return bad(&format!("it has {} bytes", text.len()), &format!("issue one of at most {MOST_URL}"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return bad("it has white space, a control character or one outside ASCII", "percent-encode it");
    }
    if text.contains(['#', '\\']) {
        return bad("it has a fragment or a backslash", "percent-encode it, or leave it out");
    }
    let Ok(uri) = Uri::try_from(text) else {
        return bad("it is malformed", "issue an absolute http or https URL");
    };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return bad("it is not absolute", "issue one with scheme and host");
    };
    if authority.as_str().contains('@') {
        return bad("it has user information", "sign the URL, or use a header");
    }
    let host = authority.host().to_ascii_lowercase();
    // An authority that ends with ':' has a port that is none.
    let port = authority.as_str().get(host.len()..).unwrap_or_default();
    let sound = port.is_empty() || authority.port_u16().is_some_and(|port| port > 0);
    if host.is_empty() || !sound {
        return bad("its host or port is unusable", "issue one with a host, and a port of 1 to 65535 if any");
    }
    policy.check_host(place, scheme, &host)?;
    Ok(uri)
}

fn read_method(raw: &Raw<'_>) -> Result<Method, PlanError> {
    let Some(text) = raw.method else { return Ok(raw.default.clone()) };
    let admitted: &[Method] = match raw.place {
        Place::Part(_) => &[Method::PUT, Method::POST, Method::PATCH],
        Place::Confirm => &[Method::GET, Method::HEAD, Method::POST],
        _ => &[Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::GET],
    };
    admitted.iter().find(|method| method.as_str() == text).cloned().ok_or_else(|| {
        let names: alloc::vec::Vec<&str> = admitted.iter().map(Method::as_str).collect();
        PlanError::new(raw.place, "method", "not one that is sent here", format!("use one of {}", names.join(", ")))
    })
}

fn read_headers(raw: &Raw<'_>, uri: &Uri, policy: &Policy) -> Result<HeaderMap, PlanError> {
    let bad = |problem: String, remedy: &str| Err(PlanError::new(raw.place, "headers", problem, remedy));
    if raw.headers.len() > MOST_FIELDS {
        return bad(format!("there are {}", raw.headers.len()), "send fewer");
    }
    let mut headers = HeaderMap::new();
    for (name, value) in raw.headers {
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
            return bad("a name is no header field's name".to_string(), "use letters, digits and '-'");
        };
        if value.len() > MOST_VALUE || value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
            return bad(format!("the value of {name} is too long or has a control character"), "mend it");
        }
        // Those who sign list what they signed. These two are sent anyway, so that they may only say what is so.
        if name == HOST || name == CONTENT_LENGTH {
            let said = value.trim();
            let so = if name == HOST {
                uri.authority().is_some_and(|authority| authority.as_str().eq_ignore_ascii_case(said))
            } else {
                raw.size.is_some_and(|size| said == size.to_string())
            };
            if !so {
                return bad(format!("{name} is not what the request has"), "leave it out");
            }
            continue;
        }
        policy.check_header(raw.place, &name)?;
        let Ok(mut value) = HeaderValue::from_str(value.trim()) else {
            return bad(format!("the value of {name} cannot be sent"), "use printable characters");
        };
        value.set_sensitive(true);
        if headers.insert(name.clone(), value).is_some() {
            return bad(format!("{name} is there twice, in another case"), "give it once");
        }
    }
    Ok(headers)
}

/// A name that is shown and recorded: no query, nothing unprintable.
pub(super) fn read_object(name: &str) -> Result<String, PlanError> {
    let sound =
        (1..=2048).contains(&name.len()) && !name.contains(['?', '#', '@']) && !name.chars().any(char::is_control);
    if sound {
        Ok(name.to_string())
    } else {
        let problem = "it is empty, too long, or has a control character, '?', '#' or '@'";
        Err(PlanError::new(Place::Plan, "object", problem, "use the URL's path, or a name of your own"))
    }
}
