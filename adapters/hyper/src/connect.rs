//! From a URL to a connection: direct or by proxy, plain or TLS.

use std::fmt;
use std::sync::Arc;

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use longhaul_core::error::{Fault, FaultKind, Sent};

use crate::dial::dial;
use crate::link::{Link, Wire};
use crate::net::{Io, Runtime};
use crate::proxy;
use crate::spans::ByKernel;
use crate::tls::{Peer, Tls};

/// Makes the pool's connections.
pub(crate) struct Connector {
    runtime: Runtime,
    proxies: Option<Matcher>,
    tls: Tls,
    by_kernel: Option<Arc<ByKernel>>,
}

impl Connector {
    pub(crate) fn new(runtime: Runtime, proxies: Option<Matcher>, tls: Tls, by_kernel: Option<Arc<ByKernel>>) -> Self {
        Self { runtime, proxies, tls, by_kernel }
    }

    pub(crate) fn by_kernel(&self) -> Option<&ByKernel> {
        self.by_kernel.as_deref()
    }

    fn link(&self, io: Box<dyn Io>, proxied: bool, http2: bool) -> (Link, Arc<Wire>) {
        Link::new(io, proxied, http2, self.by_kernel.clone())
    }

    /// What a proxy that sees the request itself wants to know.
    pub(crate) fn proxy_authorization(&self, uri: &Uri) -> Option<HeaderValue> {
        if is_https(uri) {
            return None;
        }
        self.proxies.as_ref()?.intercept(uri)?.basic_auth().cloned()
    }

    /// A connection for requests to the server of `uri`.
    pub(crate) async fn connect(&self, uri: &Uri) -> Result<(Link, Arc<Wire>), Fault> {
        match self.proxies.as_ref().and_then(|proxies| proxies.intercept(uri)) {
            None => {
                let (host, port) = place(uri)?;
                let io = dial(&self.runtime, host, port).await?;
                self.secure(uri, io).await
            }
            Some(by) => {
                let io = self.to_proxy(&by).await?;
                if !is_https(uri) {
                    return Ok(self.link(io, true, false));
                }
                let (host, port) = place(uri)?;
                let io = proxy::tunnel(io, host, port, by.basic_auth()).await?;
                self.secure(uri, io).await
            }
        }
    }

    /// TLS on top of `io` where the URL asks for it.
    async fn secure(&self, uri: &Uri, io: Box<dyn Io>) -> Result<(Link, Arc<Wire>), Fault> {
        if !is_https(uri) {
            return Ok(self.link(io, false, false));
        }
        let (io, http2) = self.tls.handshake(io, place(uri)?.0, Peer::Origin).await?;
        Ok(self.link(io, false, http2))
    }

    async fn to_proxy(&self, by: &Intercept) -> Result<Box<dyn Io>, Fault> {
        let in_words = |fault: Fault| proxy::fault(fault.to_string());
        let uri = by.uri();
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            let scheme = uri.scheme_str().unwrap_or_default();
            return Err(proxy::fault(format!("{scheme} proxies are not supported; http and https ones are")));
        }
        let (host, port) = place(uri)?;
        let io = dial(&self.runtime, host, port).await.map_err(in_words)?;
        if !is_https(uri) {
            return Ok(io);
        }
        Ok(self.tls.handshake(io, host, Peer::Proxy).await.map_err(in_words)?.0)
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("proxies", &self.proxies).field("tls", &self.tls).finish()
    }
}

pub(crate) fn is_https(uri: &Uri) -> bool {
    uri.scheme_str() == Some("https")
}

fn place(uri: &Uri) -> Result<(&str, u16), Fault> {
    let host = uri.host().ok_or_else(|| Fault::new(FaultKind::Other, Sent::No, "the URL has no host"))?;
    Ok((host, uri.port_u16().unwrap_or(if is_https(uri) { 443 } else { 80 })))
}
