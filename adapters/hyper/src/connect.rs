//! From a URL to a connection: direct or by proxy, plain or TLS.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use longhaul_core::error::{Fault, FaultKind, Sent};
use tower_service::Service;

use crate::dial::dial;
use crate::link::Link;
use crate::net::{Io, Net};
use crate::proxy;
use crate::tls::{Peer, Tls};

/// Makes the pool's connections.
#[derive(Clone)]
pub(crate) struct Connector(Arc<Inner>);

struct Inner {
    net: Arc<dyn Net>,
    proxies: Option<Matcher>,
    tls: Tls,
}

/// A fault on its way through hyper-util.
#[derive(Debug)]
pub(crate) struct ConnectError(pub(crate) Fault);

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for ConnectError {}

impl Connector {
    pub(crate) fn new(net: Arc<dyn Net>, proxies: Option<Matcher>, tls: Tls) -> Self {
        Self(Arc::new(Inner { net, proxies, tls }))
    }

    /// What a proxy that sees the request itself wants to know.
    pub(crate) fn proxy_authorization(&self, uri: &Uri) -> Option<HeaderValue> {
        if is_https(uri) {
            return None;
        }
        self.0.proxies.as_ref()?.intercept(uri)?.basic_auth().cloned()
    }
}

impl Inner {
    async fn connect(&self, uri: &Uri) -> Result<Link, Fault> {
        match self.proxies.as_ref().and_then(|proxies| proxies.intercept(uri)) {
            None => {
                let (host, port) = place(uri)?;
                let io = dial(&*self.net, host, port).await?;
                self.secure(uri, io, false).await
            }
            Some(by) => {
                let io = self.to_proxy(&by).await?;
                if !is_https(uri) {
                    return Ok(Link::new(io, true, false));
                }
                let (host, port) = place(uri)?;
                let io = proxy::tunnel(io, host, port, by.basic_auth()).await?;
                self.secure(uri, io, false).await
            }
        }
    }

    /// TLS on top of `io` where the URL asks for it.
    async fn secure(&self, uri: &Uri, io: Box<dyn Io>, proxied: bool) -> Result<Link, Fault> {
        if !is_https(uri) {
            return Ok(Link::new(io, proxied, false));
        }
        let (io, http2) = self.tls.handshake(io, place(uri)?.0, Peer::Origin).await?;
        Ok(Link::new(io, proxied, http2))
    }

    async fn to_proxy(&self, by: &Intercept) -> Result<Box<dyn Io>, Fault> {
        let in_words = |fault: Fault| proxy::fault(fault.to_string());
        let uri = by.uri();
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            let scheme = uri.scheme_str().unwrap_or_default();
            return Err(proxy::fault(format!("{scheme} proxies are not supported; http and https ones are")));
        }
        let (host, port) = place(uri)?;
        let io = dial(&*self.net, host, port).await.map_err(in_words)?;
        if !is_https(uri) {
            return Ok(io);
        }
        Ok(self.tls.handshake(io, host, Peer::Proxy).await.map_err(in_words)?.0)
    }
}

impl Service<Uri> for Connector {
    type Response = Link;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let inner = Arc::clone(&self.0);
        Box::pin(async move { inner.connect(&uri).await.map_err(ConnectError) })
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("proxies", &self.0.proxies).field("tls", &self.0.tls).finish()
    }
}

fn is_https(uri: &Uri) -> bool {
    uri.scheme_str() == Some("https")
}

fn place(uri: &Uri) -> Result<(&str, u16), Fault> {
    let host = uri.host().ok_or_else(|| Fault::new(FaultKind::Other, Sent::No, "the URL has no host"))?;
    Ok((host, uri.port_u16().unwrap_or(if is_https(uri) { 443 } else { 80 })))
}
