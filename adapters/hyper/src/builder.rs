//! The choices a transport is made with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::{http1, http2};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::connect::Connector;
use crate::net::{Net, Runtime};
use crate::pool::{self, Pool};
use crate::route::Proxy;
use crate::spans::ByKernel;
use crate::tls::{Identity, Settings, Tls};
use crate::transport::HyperTransport;

/// Largest read from an HTTP/1.1 connection, and about what waits in front of one to be written, in bytes.
const BUFFER: usize = 256 << 10;

/// HTTP/2 flow control: what a server may send ahead per stream and per connection, in bytes. The latter bounds memory.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;

/// How often a working HTTP/2 connection is asked for a sign of life, and how long it has to give one. Unlike with HTTP/1.1,
/// giving a request up does not close its connection, so a dead one must be found out.
const PING: Duration = Duration::from_secs(10);

/// A shorter answer is read: taking its connection from hyper and giving it back would cost as much as is saved.
const WORTHWHILE: u64 = 1 << 20;

/// Which HTTP is spoken over TLS. Without TLS it is HTTP/1.1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Protocols {
    /// HTTP/2 where the server speaks it, else HTTP/1.1.
    #[default]
    Http1AndHttp2,
    /// HTTP/1.1: a connection for each request at a time.
    Http1,
    /// HTTP/2: one connection for all requests to a server.
    Http2,
}

/// A setting that cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TransportError(String);

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TransportError {}

/// Settings of a [`HyperTransport`].
#[must_use]
pub struct TransportBuilder {
    tls: Settings,
    mistake: Option<String>,
    proxy: Proxy,
    idle_connections: usize,
    idle_timeout: Duration,
    buffer: usize,
    by_kernel: bool,
    by_kernel_from: u64,
}

impl Default for TransportBuilder {
    fn default() -> Self {
        Self {
            tls: Settings::default(),
            mistake: None,
            proxy: Proxy::default(),
            idle_connections: 32,
            idle_timeout: Duration::from_secs(60),
            buffer: BUFFER,
            by_kernel: true,
            by_kernel_from: WORTHWHILE,
        }
    }
}

impl TransportBuilder {
    /// Trusts the root certificates in `pem` (one or more), beside the system's.
    pub fn root_certificates(mut self, pem: &[u8]) -> Self {
        match certificates(pem) {
            Ok(roots) => self.tls.roots.extend(roots),
            Err(words) => self.note(format!("the root certificates: {words}")),
        }
        self
    }

    /// Whether only the given root certificates are trusted, and not the system's. Default: no.
    pub fn only_given_roots(mut self, only: bool) -> Self {
        self.tls.only_given_roots = only;
        self
    }

    /// Identifies itself by the certificate chain in `pem`, which also holds the private key, in any order.
    pub fn client_certificate(mut self, pem: &[u8]) -> Self {
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|error| format!("no private key ({error})"));
        match certificates(pem).and_then(|chain| Ok(Identity { chain, key: key? })) {
            Ok(identity) => self.tls.identity = Some(identity),
            Err(words) => self.note(format!("the client certificate: {words}")),
        }
        self
    }

    /// Which HTTP is spoken over TLS. Default: HTTP/2 where offered.
    pub fn protocols(mut self, protocols: Protocols) -> Self {
        self.tls.protocols = protocols;
        self
    }

    /// How to reach servers. Default: as the environment says.
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = proxy;
        self
    }

    /// Most idle connections kept per server. Default 32.
    pub fn idle_connections(mut self, most: usize) -> Self {
        self.idle_connections = most;
        self
    }

    /// How long idle connections are kept. Default 60 s.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Largest single read from an HTTP/1.1 connection, in bytes, at least 8 KiB. Default 256 KiB.
    pub fn read_buffer(mut self, bytes: usize) -> Self {
        self.buffer = bytes.max(8 << 10);
        self
    }

    /// Whether files go and come over plain HTTP/1.1 without being read, by the kernel alone (`sendfile`, `splice`), where nothing asks
    /// for their bytes. Linux only. Default: yes.
    pub fn by_kernel(mut self, by_kernel: bool) -> Self {
        self.by_kernel = by_kernel;
        self
    }

    /// The length of the shortest answer that the kernel receives alone, in bytes. Default 1 MiB: less is there before it has begun.
    pub fn by_kernel_from(mut self, bytes: u64) -> Self {
        self.by_kernel_from = bytes;
        self
    }

    /// The transport, on the runtime behind `net`.
    ///
    /// # Errors
    /// When a certificate, key or proxy URL that was given cannot be used, or a proxy that the environment names.
    pub fn build(self, net: Arc<dyn Net>) -> Result<HyperTransport, TransportError> {
        if let Some(mistake) = self.mistake {
            return Err(TransportError(mistake));
        }
        self.tls.check().map_err(TransportError)?;
        let proxies = self.proxy.matcher().map_err(TransportError)?;
        let runtime = Runtime::new(net);
        let by_kernel = self.by_kernel.then(|| Arc::new(ByKernel::new(self.by_kernel_from)));
        let connector = Connector::new(runtime.clone(), proxies, Tls::new(self.tls), by_kernel);
        let mut http1 = http1::Builder::new();
        http1.max_buf_size(self.buffer);
        let mut http2 = http2::Builder::new(runtime.clone());
        http2
            .timer(runtime.clone())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(BUFFER)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING);
        let (idle_connections, idle_timeout) = (self.idle_connections, self.idle_timeout);
        let settings = pool::Settings { runtime, connector, http1, http2, idle_connections, idle_timeout };
        Ok(HyperTransport { pool: Pool::new(settings) })
    }

    /// Keeps the first mistake for [`TransportBuilder::build`].
    fn note(&mut self, mistake: String) {
        self.mistake.get_or_insert(mistake);
    }
}

impl fmt::Debug for TransportBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportBuilder")
            .field("roots", &self.tls.roots.len())
            .field("client_certificate", &self.tls.identity.is_some())
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match all {
        Ok(all) if all.is_empty() => Err(String::from("no certificate in PEM form (-----BEGIN CERTIFICATE-----)")),
        Ok(all) => Ok(all),
        Err(error) => Err(format!("malformed PEM ({error})")),
    }
}
