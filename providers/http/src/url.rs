//! http(s) URLs given as text: read once, shown without secrets, used many times (RFC 3986, RFC 9110 §4.2).
//!
//! What a person types is held to the rules with an error that says how to mend it; non-ASCII path and query characters are
//! percent-encoded for them. What a server sends as `Location` is read leniently, as every browser does, but ends in the same
//! strict reader.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use core::net::Ipv6Addr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri};
use iri_string::types::{UriAbsoluteStr, UriReferenceStr};
use longhaul_core::error::BuildError;

use crate::read::safe_file_name;
use crate::text::{encode_target, percent_decode, trim_ows};

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
        let (userinfo, host_port) = match authority.rsplit_once('@') {
            Some((userinfo, host_port)) => (Some(userinfo), host_port),
            None => (None, authority),
        };
        let (host, port) = split_port(host_port)?;
        let host = read_host(host)?;
        let default = if scheme == "https" { 443 } else { 80 };
        let port = read_port(port)?.unwrap_or(default);
        let shown_port = if port == default {
            String::new()
        } else {
            format!(":{port}")
        };

        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let path = if path.is_empty() {
            String::from("/")
        } else {
            encode_target(path.as_bytes(), false)
        };
        let object = format!("{scheme}://{host}{shown_port}{path}");
        let full = match query {
            Some(query) => format!("{object}?{}", encode_target(query.as_bytes(), false)),
            None => object.clone(),
        };
        if full.len() > MOST_BYTES {
            return Err(bad(
                format!("the URL has {} bytes", full.len()),
                format!("use one of at most {MOST_BYTES} bytes"),
            ));
        }
        let uri = Uri::try_from(full).map_err(|error| {
            bad(
                format!("the URL is malformed ({error})"),
                "check it for stray characters",
            )
        })?;
        Ok(Self {
            uri,
            authority: format!("{host}:{port}"),
            object,
            file_name: last_segment(&path),
            authorization: userinfo
                .filter(|userinfo| !userinfo.is_empty())
                .map(basic)
                .transpose()?,
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
    let port = uri
        .port_u16()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    format!(
        "{}://{host}{port}{}",
        uri.scheme_str().unwrap_or("http"),
        uri.path()
    )
}

/// Whether two URLs have scheme, host and port in common (RFC 6454 §5): what credentials may not leave.
#[must_use]
pub fn same_origin(one: &Uri, other: &Uri) -> bool {
    let host = |uri: &Uri| uri.host().map(str::to_ascii_lowercase);
    one.scheme() == other.scheme() && host(one) == host(other) && port_of(one) == port_of(other)
}

/// The target of a redirect: `location` as sent, relative or absolute, against the URL that answered (RFC 3986 §5.2,
/// RFC 9110 §10.2.2). Userinfo and fragment are dropped.
///
/// # Errors
/// Why it cannot be followed, without repeating it.
pub fn resolve(base: &Uri, location: &[u8]) -> Result<Uri, BuildError> {
    let location = trim_ows(location);
    let location = location
        .split(|byte| *byte == b'#')
        .next()
        .unwrap_or_default();
    if location.is_empty() {
        return Err(bad("the redirect names no target", REDIRECT));
    }
    let (authority, target) = location.split_at(authority_end(location));
    let authority = core::str::from_utf8(authority)
        .map_err(|_| bad("the redirect's host is not text", REDIRECT))?;
    let reference = format!("{authority}{}", encode_target(target, true));
    let reference = UriReferenceStr::new(&reference)
        .map_err(|_| bad("the redirect's target is not a URL", REDIRECT))?;
    // A reference that is not empty never uses the base's query.
    let clean = format!(
        "{}://{}{}",
        base.scheme_str().unwrap_or("http"),
        base.authority()
            .map(http::uri::Authority::as_str)
            .unwrap_or_default(),
        encode_target(base.path().as_bytes(), true)
    );
    let clean = UriAbsoluteStr::new(&clean)
        .map_err(|_| bad("the redirecting URL is not absolute", REDIRECT))?;
    let absolute = reference.resolve_against(clean).to_string();
    Url::parse(&absolute).map(|url| url.uri).map_err(|error| {
        bad(
            format!("the redirect's target: {}", error.what),
            error.remedy,
        )
    })
}

const REDIRECT: &str = "give the URL the server should have redirected to";

/// How far scheme and authority reach in a reference; 0 where it has no authority.
fn authority_end(reference: &[u8]) -> usize {
    let mark = reference.windows(2).position(|pair| pair == b"//").filter(|at| {
        let before = reference.get(..*at).unwrap_or_default();
        *at == 0 || matches!(before.split_last(), Some((b':', scheme)) if scheme.iter().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b)))
    });
    let Some(mark) = mark else { return 0 };
    let from = mark + 2;
    let after = reference.get(from..).unwrap_or_default();
    from + after
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?'))
        .unwrap_or(after.len())
}

fn port_of(uri: &Uri) -> u16 {
    uri.port_u16()
        .unwrap_or(if uri.scheme() == Some(&http::uri::Scheme::HTTPS) {
            443
        } else {
            80
        })
}

fn bad(what: impl Into<String>, remedy: impl Into<String>) -> BuildError {
    BuildError::new(what, remedy)
}

fn check_characters(text: &str) -> Result<(), BuildError> {
    if text.is_empty() {
        return Err(bad(
            "the URL is empty",
            "give one such as https://example.com/file",
        ));
    }
    for (at, c) in text.chars().enumerate() {
        if c.is_control() {
            let name = match c {
                '\r' => "a carriage return",
                '\n' => "a line feed",
                '\t' => "a tab",
                '\0' => "a NUL",
                _ => "a control character",
            };
            return Err(bad(
                format!("the URL has {name} as character {}", at + 1),
                "remove it",
            ));
        }
        if c.is_whitespace() {
            return Err(bad(
                format!("the URL has a space as character {}", at + 1),
                "remove it, or write it as %20",
            ));
        }
    }
    Ok(())
}

fn split_scheme(text: &str) -> Result<(&'static str, &str), BuildError> {
    let no_scheme = || bad("the URL has no scheme", "begin it with https:// or http://");
    let (scheme, rest) = text.split_once(':').ok_or_else(no_scheme)?;
    let sound = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let scheme = scheme.to_ascii_lowercase();
    let known = match scheme.as_str() {
        "http" => Some("http"),
        "https" => Some("https"),
        _ => None,
    };
    match (known, rest.strip_prefix("//")) {
        (Some(known), Some(rest)) => Ok((known, rest)),
        (Some(known), None) => Err(bad(
            "the URL has no // after its scheme",
            format!("begin it with {known}://"),
        )),
        (None, Some(_)) if sound && scheme == "file" => Err(bad(
            "the scheme file is not one of HTTP",
            "give a local file by its path, and a remote one by https:// or http://",
        )),
        (None, Some(_)) if sound && scheme.len() <= 20 => Err(bad(
            format!("the scheme {scheme} is not supported"),
            "use a URL that begins with https:// or http://",
        )),
        _ => Err(no_scheme()),
    }
}

/// Host and port of `host:port`, an IPv6 host in its brackets.
fn split_port(text: &str) -> Result<(&str, Option<&str>), BuildError> {
    if text.starts_with('[') {
        let end = text.find(']').ok_or_else(|| {
            bad(
                "the URL's IPv6 address has no closing bracket",
                "write it as [::1]",
            )
        })?;
        let (host, rest) = text.split_at(end + 1);
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(bad(
                "something other than a port follows the URL's IPv6 address",
                "write it as [::1]:8080",
            )),
        };
    }
    match text.split_once(':') {
        Some((_, port)) if port.contains(':') => Err(bad(
            "the URL's host has more than one colon",
            "put an IPv6 address into brackets: [::1]",
        )),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((text, None)),
    }
}

fn read_host(host: &str) -> Result<String, BuildError> {
    if let Some(inner) = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        if inner.contains('%') {
            return Err(bad(
                "the URL's IPv6 address has a zone",
                "use an address without %zone, or a host name",
            ));
        }
        let address: Ipv6Addr = inner.parse().map_err(|_| {
            bad(
                "what the URL has in brackets is not an IPv6 address",
                "write it as [2001:db8::1]",
            )
        })?;
        return Ok(format!("[{address}]"));
    }
    if host.is_empty() {
        return Err(bad(
            "the URL has no host",
            "name one: https://example.com/file",
        ));
    }
    if !host.is_ascii() {
        return Err(bad(
            "the URL's host has characters outside ASCII",
            "write it in its ASCII form (xn--…)",
        ));
    }
    if let Some(c) = host
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_')))
    {
        return Err(bad(
            format!("the URL's host has the character {c:?}"),
            "a host has letters, digits, '-' and '.' only",
        ));
    }
    if host.len() > 254 {
        return Err(bad(
            "the URL's host is longer than 253 characters",
            "check where the host ends: a '/' may be missing",
        ));
    }
    Ok(host.to_ascii_lowercase())
}

/// `None` for an empty port, which stands for the default (RFC 3986 §3.2.3).
fn read_port(port: Option<&str>) -> Result<Option<u16>, BuildError> {
    let Some(port) = port.filter(|port| !port.is_empty()) else {
        return Ok(None);
    };
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad(
            "the URL's port is not a number",
            "write it as host:8080, or leave it out",
        ));
    }
    match port.parse() {
        Ok(0) | Err(_) => Err(bad(
            "the URL's port is out of range",
            "use one from 1 to 65535, or leave it out",
        )),
        Ok(port) => Ok(Some(port)),
    }
}

/// Credentials of RFC 7617 from `user:password`, both percent-decoded.
fn basic(userinfo: &str) -> Result<HeaderValue, BuildError> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let mut pair = percent_decode(user.as_bytes());
    if pair.contains(&b':') {
        return Err(bad(
            "the user name in the URL has a colon",
            "Basic authentication cannot carry one; use an Authorization header",
        ));
    }
    pair.push(b':');
    pair.extend(percent_decode(password.as_bytes()));
    let mut value =
        HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair))).map_err(|_| {
            bad(
                "the user name and password in the URL make no header",
                "use an Authorization header",
            )
        })?;
    value.set_sensitive(true);
    Ok(value)
}

fn last_segment(path: &str) -> Option<String> {
    let segment = path.rsplit('/').next().unwrap_or_default();
    safe_file_name(&String::from_utf8_lossy(&percent_decode(
        segment.as_bytes(),
    )))
}
