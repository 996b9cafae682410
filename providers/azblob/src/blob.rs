//! A name in a container, and who asks for it: everything that the requests for one blob have in common.
//!
//! Names follow <https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata>: 1 to
//! 1,024 characters. A name is percent-encoded once and never normalised: double slashes, `+` and `%` name different blobs. Segments
//! `.` and `..` are refused: the service resolves them as a path, encoded or not, and would store another blob.

use alloc::format;
use alloc::string::{String, ToString};

use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use longhaul_core::error::BuildError;
use longhaul_core::intent::Body;
use longhaul_core::provider::Context;
use longhaul_core::{Digest, Now};
use longhaul_http::Url;
use longhaul_sign::azure::SasToken;
use longhaul_sign::encode;
use longhaul_store::Item;
use longhaul_store::fault::Errors;
use longhaul_store::fields::Rules;
use longhaul_store::multipart::Start;

use crate::access::Access;
use crate::container::Container;
use crate::fault::ERRORS;
use crate::fields::RULES;

/// Longest name, in characters.
const MOST_NAME: usize = 1024;

/// A blob of a container, and with whose rights it is asked for.
///
/// ```
/// use longhaul_azblob::{AccountKey, Blob, Container};
/// let container = Container::new("acme", "backups")?;
/// let key = AccountKey::new("acme", "c2VzYW1l").map_err(|error| error.to_string())?;
/// let blob = Blob::new(container, "2026/a b+c.bin", key)?;
/// assert_eq!(blob.url(), "https://acme.blob.core.windows.net/backups/2026/a%20b%2Bc.bin");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Blob {
    container: Container,
    name: String,
    url: Url,
    access: Access,
}

impl Blob {
    /// The blob `name` of `container`.
    ///
    /// # Errors
    /// What is wrong with the name.
    pub fn new(container: Container, name: &str, access: impl Into<Access>) -> Result<Self, BuildError> {
        check_name(name)?;
        let url = Url::parse(&format!("{}{}", container.prefix(), encode::path(name)))?;
        Ok(Self { container, name: name.to_string(), url, access: access.into() })
    }

    /// The blob that a SAS URL is for: `https://account.blob.core.windows.net/container/name?sv=…&sig=…`. Azurite's addresses have
    /// the account before the container.
    ///
    /// # Errors
    /// What is wrong with the URL. Nothing of its query is repeated.
    pub fn from_sas_url(url: &str) -> Result<Self, BuildError> {
        let whole = Url::parse(url)?;
        let token = "copy the whole SAS URL, with everything behind the '?'";
        let (base, sas) = SasToken::split(whole.uri())
            .map_err(|error| BuildError::new(error.to_string(), token))?
            .ok_or_else(|| BuildError::new("the URL has no shared access signature", token))?;
        if base.query().is_some_and(|rest| !rest.is_empty()) {
            let remedy = "leave out what does not belong to the signature; name a version or snapshot apart";
            return Err(BuildError::new("the URL has a query besides its signature", remedy));
        }
        let plain = Url::parse(&base.to_string())?;
        let (endpoint, account, container, name) = taken_apart(&base).ok_or_else(|| {
            BuildError::new("the URL names no blob", "give one of the form https://host/container/name")
        })?;
        let container = Container::at(&endpoint, &account, &container)?;
        check_name(&name)?;
        Ok(Self { container, name, url: plain, access: sas.into() })
    }

    /// The same asked for with other rights: what a refresh of credentials makes.
    #[must_use]
    pub fn with_access(mut self, access: impl Into<Access>) -> Self {
        self.access = access.into();
        self
    }

    /// The container.
    #[must_use]
    pub const fn container(&self) -> &Container {
        &self.container
    }

    /// The name, as it is.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The blob's URL without any query.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.object()
    }

    /// `host:port`.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.url.authority()
    }

    /// A file name made of the name's last segment, already safe. `None` where the name ends with `/`.
    #[must_use]
    pub fn file_name(&self) -> Option<&str> {
        self.url.file_name()
    }

    /// Who asks.
    #[must_use]
    pub const fn access(&self) -> &Access {
        &self.access
    }

    /// A request for the blob, signed.
    pub(crate) fn request(&self, start: Start, cx: &Context<'_>, now: Now) -> Result<Request<Body>, BuildError> {
        let mut request = start.request(self.url())?;
        self.sign(&mut request, None, cx, now)?;
        Ok(request)
    }
}

impl Item for Blob {
    const RULES: &'static Rules = &RULES;
    const ERRORS: Errors = ERRORS;
    type Access = Access;

    fn url(&self) -> &str {
        self.url()
    }

    fn authority(&self) -> &str {
        self.authority()
    }

    fn region(&self) -> &str {
        ""
    }

    fn access(&self) -> &Access {
        self.access()
    }

    fn renewed(self, access: Access) -> Self {
        self.with_access(access)
    }

    fn sign(
        &self,
        request: &mut Request<Body>,
        _: Option<&Digest>,
        cx: &Context<'_>,
        now: Now,
    ) -> Result<(), BuildError> {
        let version = HeaderValue::from_static(self.container.rules().version);
        request.headers_mut().insert("x-ms-version", version);
        self.access.sign(request, now.wall.as_unix().saturating_add(cx.skew))
    }
}

/// A request without a body.
pub(crate) fn bodiless(method: Method, query: &str, headers: HeaderMap) -> Start {
    Start { method, query: query.to_string(), headers, body: Body::Empty }
}

/// Endpoint, account, container and name, decoded, of a blob's URL.
fn taken_apart(url: &Uri) -> Option<(String, String, String, String)> {
    let text = |part: &str| String::from_utf8(encode::decode(part).ok()?).ok();
    let (scheme, authority) = (url.scheme_str()?, url.authority()?.as_str());
    let host = url.host()?;
    let mut path = url.path().strip_prefix('/')?;
    let is_local = host == "localhost" || host.starts_with('[') || host.parse::<core::net::Ipv4Addr>().is_ok();
    let (endpoint, account) = if is_local {
        let (account, rest) = path.split_once('/')?;
        path = rest;
        (format!("{scheme}://{authority}/{account}"), text(account)?)
    } else {
        (format!("{scheme}://{authority}"), host.split('.').next()?.to_string())
    };
    match path.split_once('/') {
        Some((container, name)) if !name.is_empty() => Some((endpoint, account, text(container)?, text(name)?)),
        // A blob of the root container.
        None if !path.is_empty() => Some((endpoint, account, "$root".to_string(), text(path)?)),
        _ => None,
    }
}

fn check_name(name: &str) -> Result<(), BuildError> {
    let count = name.chars().count();
    if count == 0 {
        return Err(BuildError::new("the blob's name is empty", "name the blob in the container"));
    }
    if count > MOST_NAME {
        let what = format!("the blob's name has {count} characters");
        return Err(BuildError::new(what, format!("use at most {MOST_NAME}")));
    }
    if let Some(c) = name.chars().find(|c| c.is_control()) {
        return Err(BuildError::new(format!("the blob's name has the character {c:?}"), "remove it"));
    }
    if name.split(['/', '\\']).any(|segment| matches!(segment, "." | "..")) {
        let what = "the blob's name has a segment '.' or '..', which the service would resolve as a path";
        return Err(BuildError::new(what, "use another name"));
    }
    Ok(())
}
