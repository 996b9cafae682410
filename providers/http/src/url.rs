//! http(s) URLs given as text: read once, shown without secrets, used many times (RFC 3986, RFC 9110 §4.2).
//!
//! What a person types is held to the rules with an error that says how to mend it; non-ASCII path and query characters are
//! percent-encoded for them. What a server sends as `Location` is read leniently, as every browser does, but ends in the same
//! strict reader.

mod part;
mod redirect;
mod signed;

pub use redirect::resolve;
use signed::unsigned_query;
pub(crate) use signed::{is_signed, signed_until};

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use core::fmt;

use http::{HeaderValue, Uri};
use longhaul_core::error::BuildError;

use crate::read::safe_file_name;
use crate::text::{encode_target, percent_decode};
use part::{bad, basic, check_characters, read_host, read_port, split_port, split_scheme};

/// Longest URL that [`Uri`] holds.
const MOST_BYTES: usize = 65_534;

/// An http or https URL, taken apart.
///
/// `Debug` and `Display` show [`Url::object`]: no query, no userinfo.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    uri: Uri,
    authority: String,
    object: String,
    file_name: Option<String>,
    authorization: Option<HeaderValue>,
}

impl Url {
    /// Reads a URL. Userinfo becomes Basic credentials ([`Url::authorization`]); a fragment is dropped.
    ///
    /// # Errors
    /// What is wrong with the URL, without repeating any of its secrets.
    pub fn parse(text: &str) -> Result<Self, BuildError> {
        check_characters(text)?;
        let (scheme, rest) = split_scheme(text)?;
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('\\') {
            // Browsers read it as '/': what follows an '@' after it would be another host than they see.
            return Err(bad("the URL has a backslash before its path", "write / instead"));
        }
        let (userinfo, host_port) = match authority.rsplit_once('@') {
            Some((userinfo, host_port)) => (Some(userinfo), host_port),
            None => (None, authority),
        };
        let (host, port) = split_port(host_port)?;
        let host = read_host(host)?;
        let default = if scheme == "https" { 443 } else { 80 };
        let port = read_port(port)?.unwrap_or(default);
        let authority = format!("{host}:{port}");
        let shown = if port == default { &host } else { &authority };

        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let path = if path.is_empty() { Cow::Borrowed("/") } else { encode_target(path.as_bytes(), false) };
        let object = [scheme, "://", shown, &*path].concat();
        let full = match query {
            Some(query) => [&*object, "?", &*encode_target(query.as_bytes(), false)].concat(),
            None => object.clone(),
        };
        if full.len() > MOST_BYTES {
            return Err(bad(
                format!("the URL has {} bytes", full.len()),
                format!("use one of at most {MOST_BYTES} bytes"),
            ));
        }
        let uri = Uri::try_from(full)
            .map_err(|error| bad(format!("the URL is malformed ({error})"), "check it for stray characters"))?;
        Ok(Self {
            uri,
            authority,
            object,
            file_name: last_segment(&path),
            authorization: userinfo.filter(|userinfo| !userinfo.is_empty()).map(basic).transpose()?,
        })
    }

    /// The URL as requests use it: without userinfo and fragment. Its query may hold secrets.
    #[must_use]
    pub const fn uri(&self) -> &Uri {
        &self.uri
    }

    /// `host:port`, the host in lower case, the port always present.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// `scheme://host[:port]/path`: the URL without anything secret.
    #[must_use]
    pub fn object(&self) -> &str {
        &self.object
    }

    /// Whether it carries its own rights: a signature of S3, OSS, Azure or Google in its query (a presigned URL, a SAS).
    #[must_use]
    pub fn is_signed(&self) -> bool {
        is_signed(&self.uri)
    }

    /// The URL without what belongs to its signature: the same however often it is signed anew. What else its query says, the version
    /// of an object for one, is in it, and may be secret.
    #[must_use]
    pub fn unsigned(&self) -> String {
        match &*unsigned_query(&self.uri) {
            "" => self.object.clone(),
            query => [&self.object, "?", query].concat(),
        }
    }

    /// A file name made of the last path segment, already safe ([`safe_file_name`]). `None` where the path ends with `/`.
    #[must_use]
    pub fn file_name(&self) -> Option<&str> {
        self.file_name.as_deref()
    }

    /// Basic credentials (RFC 7617) made of the userinfo; marked sensitive.
    #[must_use]
    pub const fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.object)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.object)
    }
}

/// A URL for messages: without query, userinfo and fragment.
#[must_use]
pub fn shown(uri: &Uri) -> String {
    let host = uri.host().unwrap_or_default();
    let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}{}", uri.scheme_str().unwrap_or("http"), uri.path())
}

/// Whether two URLs have scheme, host and port in common (RFC 6454 §5): what credentials may not leave.
#[must_use]
pub fn same_origin(one: &Uri, other: &Uri) -> bool {
    let (host, other_host) = (one.host().unwrap_or_default(), other.host().unwrap_or_default());
    one.scheme() == other.scheme() && host.eq_ignore_ascii_case(other_host) && port_of(one) == port_of(other)
}

fn port_of(uri: &Uri) -> u16 {
    uri.port_u16().unwrap_or(if uri.scheme() == Some(&http::uri::Scheme::HTTPS) { 443 } else { 80 })
}

fn last_segment(path: &str) -> Option<String> {
    let segment = path.rsplit('/').next().unwrap_or_default();
    safe_file_name(&String::from_utf8_lossy(&percent_decode(segment.as_bytes())))
}
