//! The parts of a URL's authority, each with the error that says how to mend it (RFC 3986 §3.2).

use alloc::format;
use alloc::string::String;
use core::net::Ipv6Addr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use longhaul_core::error::BuildError;

use crate::text::percent_decode;

pub(super) fn bad(what: impl Into<String>, remedy: impl Into<String>) -> BuildError {
    BuildError::new(what, remedy)
}

pub(super) fn check_characters(text: &str) -> Result<(), BuildError> {
    if text.is_empty() {
        return Err(bad("the URL is empty", "give one such as https://example.com/file"));
    }
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
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
            return Err(bad(format!("the URL has {name} as character {}", at + 1), "remove it"));
        }
        if c.is_whitespace() {
            return Err(bad(format!("the URL has a space as character {}", at + 1), "remove it, or write it as %20"));
        }
    }
    Ok(())
}

pub(super) fn split_scheme(text: &str) -> Result<(&'static str, &str), BuildError> {
    let no_scheme = || bad("the URL has no scheme", "begin it with https:// or http://");
    let (scheme, rest) = text.split_once(':').ok_or_else(no_scheme)?;
    let sound = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let known = ["https", "http"].into_iter().find(|known| scheme.eq_ignore_ascii_case(known));
    match (known, rest.strip_prefix("//")) {
        (Some(known), Some(rest)) => Ok((known, rest)),
        (Some(known), None) => Err(bad("the URL has no // after its scheme", format!("begin it with {known}://"))),
        (None, Some(_)) if sound && scheme.eq_ignore_ascii_case("file") => Err(bad(
            "the scheme file is not one of HTTP",
            "give a local file by its path, and a remote one by https:// or http://",
        )),
        (None, Some(_)) if sound && scheme.len() <= 20 => Err(bad(
            format!("the scheme {} is not supported", scheme.to_ascii_lowercase()),
            "use a URL that begins with https:// or http://",
        )),
        _ => Err(no_scheme()),
    }
}

/// Host and port of `host:port`, an IPv6 host in its brackets.
pub(super) fn split_port(text: &str) -> Result<(&str, Option<&str>), BuildError> {
    if text.starts_with('[') {
        let end =
            text.find(']').ok_or_else(|| bad("the URL's IPv6 address has no closing bracket", "write it as [::1]"))?;
        let (host, rest) = text.split_at(end + 1);
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(bad("something other than a port follows the URL's IPv6 address", "write it as [::1]:8080")),
        };
    }
    match text.split_once(':') {
        Some((_, port)) if port.contains(':') => {
            Err(bad("the URL's host has more than one colon", "put an IPv6 address into brackets: [::1]"))
        }
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((text, None)),
    }
}

pub(super) fn read_host(host: &str) -> Result<String, BuildError> {
    if let Some(inner) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        if inner.contains('%') {
            return Err(bad("the URL's IPv6 address has a zone", "use an address without %zone, or a host name"));
        }
        let address: Ipv6Addr = inner
            .parse()
            .map_err(|_| bad("what the URL has in brackets is not an IPv6 address", "write it as [2001:db8::1]"))?;
        return Ok(format!("[{address}]"));
    }
    if host.is_empty() {
        return Err(bad("the URL has no host", "name one: https://example.com/file"));
    }
    if !host.is_ascii() {
        return Err(bad("the URL's host has characters outside ASCII", "write it in its ASCII form (xn--…)"));
    }
    if let Some(c) = host.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))) {
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
pub(super) fn read_port(port: Option<&str>) -> Result<Option<u16>, BuildError> {
    let Some(port) = port.filter(|port| !port.is_empty()) else {
        return Ok(None);
    };
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad("the URL's port is not a number", "write it as host:8080, or leave it out"));
    }
    match port.parse() {
        Ok(0) | Err(_) => Err(bad("the URL's port is out of range", "use one from 1 to 65535, or leave it out")),
        Ok(port) => Ok(Some(port)),
    }
}

/// Credentials of RFC 7617 from `user:password`, both percent-decoded.
pub(super) fn basic(userinfo: &str) -> Result<HeaderValue, BuildError> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let mut pair = percent_decode(user.as_bytes()).into_owned();
    if pair.contains(&b':') {
        return Err(bad(
            "the user name in the URL has a colon",
            "Basic authentication cannot carry one; use an Authorization header",
        ));
    }
    pair.push(b':');
    pair.extend_from_slice(&percent_decode(password.as_bytes()));
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair)))
        .map_err(|_| bad("the user name and password in the URL make no header", "use an Authorization header"))?;
    value.set_sensitive(true);
    Ok(value)
}
