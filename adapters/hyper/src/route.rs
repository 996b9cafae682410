//! Which way to servers: directly or by which proxy.

use std::fmt;

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

/// How to reach servers.
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Proxy {
    /// As `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say, in upper or lower case, read when the transport is built.
    #[default]
    Environment,
    /// Directly.
    None,
    /// By this proxy.
    Url {
        /// `http://` or `https://`, with user and password if it wants them.
        url: String,
        /// Hosts to reach directly, separated by commas: names with their subdomains, addresses, networks (`10.0.0.0/8`), `*`.
        except: String,
    },
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("Environment"),
            Self::None => f.write_str("None"),
            // The URL may hold a password.
            Self::Url { except, .. } => f.debug_struct("Url").field("except", except).finish_non_exhaustive(),
        }
    }
}

impl Proxy {
    /// Who tells a URL's proxy; `None`: no URL has one.
    pub(crate) fn matcher(&self) -> Result<Option<Matcher>, String> {
        match self {
            Self::None => Ok(None),
            Self::Environment => environment(),
            Self::Url { url, except } => {
                check("the proxy", url)?;
                Ok((!all_excepted(except)).then(|| Matcher::builder().all(url).no(except).build()))
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the environment is what the caller asked for, and this is its one reader"
)]
fn environment() -> Result<Option<Matcher>, String> {
    let value = |name: &str| std::env::var(name).ok();
    for name in ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"] {
        match value(name) {
            // Other proxies than HTTP's are told when they are needed.
            Some(url) if !url.is_empty() && !url.starts_with("socks") => check(name, &url)?,
            _ => {}
        }
    }
    let except = value("NO_PROXY").or_else(|| value("no_proxy")).unwrap_or_default();
    Ok((!all_excepted(&except)).then(Matcher::from_env))
}

/// hyper-util passes over a proxy it cannot use, and so would go where it should not.
fn check(name: &str, url: &str) -> Result<(), String> {
    let usable = url.parse::<Uri>().is_ok_and(|uri| {
        uri.host().is_some_and(|host| !host.is_empty()) && matches!(uri.scheme_str(), None | Some("http" | "https"))
    });
    // The URL itself is not repeated: it may hold a password.
    let words = "must be a URL like http://host:port or https://user:password@host:port";
    if usable { Ok(()) } else { Err(format!("{name} {words}")) }
}

/// hyper-util takes `*` for all names, but for no address.
fn all_excepted(except: &str) -> bool {
    except.split(',').any(|part| part.trim() == "*")
}
