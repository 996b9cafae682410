//! What the requests of all providers here have in common: the URL, the caller's fields, the usual defaults.

use alloc::format;
use alloc::string::String;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Uri};
use longhaul_core::error::BuildError;
use longhaul_core::intent::Body;
use longhaul_core::provider::Step;

use crate::fault::Hide;
use crate::headers::Headers;
use crate::url::{Url, same_origin};

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("longhaul/", env!("CARGO_PKG_VERSION")));

/// A URL and the fields to send there. `Debug` shows neither query nor values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) url: Url,
    pub(crate) headers: Headers,
}

impl Endpoint {
    pub(crate) fn new(url: &str) -> Result<Self, BuildError> {
        Ok(Self { url: Url::parse(url)?, headers: Headers::new() })
    }

    /// A request to the URL, or to where a redirect led. The caller's fields win over `defaults`; `fixed` win over all.
    /// Credentials stay with the URL's own origin.
    pub(crate) fn request<const D: usize>(
        &self,
        method: Method,
        location: Option<&Uri>,
        defaults: [(HeaderName, HeaderValue); D],
        fixed: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
        body: Body,
    ) -> Request<Body> {
        let own = self.url.uri();
        let own_origin = location.is_none_or(|location| same_origin(own, location));
        let mut head = HeaderMap::new();
        head.insert(header::USER_AGENT, USER_AGENT);
        head.extend(defaults);
        if own_origin && let Some(value) = self.url.authorization() {
            head.insert(header::AUTHORIZATION, value.clone());
        }
        self.headers.apply(&mut head, own_origin);
        head.extend(fixed);
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = location.unwrap_or(own).clone();
        *request.headers_mut() = head;
        request
    }

    /// What must not be shown of a server's words.
    pub(crate) fn hide(&self, location: Option<&Uri>) -> Hide {
        let mut hide = Hide::new().query(self.url.uri());
        if let Some(location) = location {
            hide = hide.query(location);
        }
        if let Some(value) = self.url.authorization() {
            hide = hide.value(value.as_bytes());
        }
        self.headers.secrets().fold(hide, Hide::value)
    }
}

/// The error for a step that a provider does not have: a fault of the caller's program.
pub(crate) fn no_such_step(provider: &str, step: &Step) -> BuildError {
    BuildError::new(format!("{provider} has no {}", step.kind()), "use a provider that does this kind of transfer")
}

/// A value made of our own text.
pub(crate) fn value(name: &HeaderName, text: String) -> Result<HeaderValue, BuildError> {
    HeaderValue::try_from(text)
        .map_err(|_| BuildError::new(format!("no header {name} can be made of what is known"), "report this as a bug"))
}
