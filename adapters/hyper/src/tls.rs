//! TLS by rustls: whom to trust, who we are, which protocol is spoken inside.

use std::fmt;
use std::sync::{Arc, OnceLock};

use longhaul_core::error::{Fault, FaultKind, Sent};
use longhaul_driver::blocking::blocking;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{CertificateError, ClientConfig, InvalidMessage, RootCertStore};
use rustls_platform_verifier::Verifier;
use tokio::io::BufReader;
use tokio_rustls::TlsConnector;

use crate::bridge::Bridge;
use crate::builder::Protocols;
use crate::net::Io;

/// rustls asks for 4 KiB at a time; the socket is asked for this much.
const READ_BUFFER: usize = 64 << 10;

/// The other end of a handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Peer {
    /// The server of the URL: speaks what the settings allow.
    Origin,
    /// A proxy: speaks HTTP/1.1.
    Proxy,
}

/// What TLS connections are made with. The system's trust store is read when the first one is.
#[derive(Clone)]
pub(crate) struct Tls(Arc<Inner>);

struct Inner {
    settings: Settings,
    configs: OnceLock<Result<Configs, String>>,
}

/// Choices about TLS.
#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) roots: Vec<CertificateDer<'static>>,
    pub(crate) only_given_roots: bool,
    pub(crate) identity: Option<Identity>,
    pub(crate) protocols: Protocols,
}

/// A certificate chain and its key.
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

struct Configs {
    origin: Arc<ClientConfig>,
    proxy: Arc<ClientConfig>,
}

impl Tls {
    pub(crate) fn new(settings: Settings) -> Self {
        Self(Arc::new(Inner { settings, configs: OnceLock::new() }))
    }

    /// Makes `io` a TLS stream to `host`; tells whether HTTP/2 is spoken on it.
    pub(crate) async fn handshake(
        &self,
        io: Box<dyn Io>,
        host: &str,
        peer: Peer,
    ) -> Result<(Box<dyn Io>, bool), Fault> {
        let failed = |words: String| Fault::new(FaultKind::Tls, Sent::No, format!("{host}: {words}"));
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let name = ServerName::try_from(bare.to_owned()).map_err(|error| failed(error.to_string()))?;
        let config = self.config(peer).await.map_err(failed)?;
        let io = BufReader::with_capacity(READ_BUFFER, Bridge(io));
        let stream = TlsConnector::from(config).connect(name, io).await.map_err(|error| {
            let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
            failed(tls.map_or_else(|| error.to_string(), explain))
        })?;
        let agreed = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let http2 = agreed || (peer == Peer::Origin && self.0.settings.protocols == Protocols::Http2);
        Ok((Box::new(Bridge(stream)), http2))
    }

    async fn config(&self, peer: Peer) -> Result<Arc<ClientConfig>, String> {
        if self.0.configs.get().is_none() {
            // Reads a file of some hundred kilobytes and parses it.
            let inner = Arc::clone(&self.0);
            let _ = blocking(move || {
                inner.configs.get_or_init(|| inner.settings.configs());
                Ok(())
            })
            .await;
        }
        match self.0.configs.get_or_init(|| self.0.settings.configs()) {
            Ok(configs) => Ok(Arc::clone(match peer {
                Peer::Origin => &configs.origin,
                Peer::Proxy => &configs.proxy,
            })),
            Err(words) => Err(words.clone()),
        }
    }
}

impl Settings {
    fn configs(&self) -> Result<Configs, String> {
        let config = |protocols: &[&str]| {
            let mut config = self.config()?;
            config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
            Ok::<_, String>(Arc::new(config))
        };
        let origin: &[&str] = match self.protocols {
            Protocols::Http1AndHttp2 => &["h2", "http/1.1"],
            Protocols::Http1 => &["http/1.1"],
            Protocols::Http2 => &["h2"],
        };
        Ok(Configs { origin: config(origin)?, proxy: config(&["http/1.1"])? })
    }

    fn config(&self) -> Result<ClientConfig, String> {
        let provider = provider();
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(self.verifier(provider)?);
        match &self.identity {
            None => Ok(builder.with_no_client_auth()),
            Some(identity) => builder
                .with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())
                .map_err(|error| format!("the client certificate: {error}")),
        }
    }

    fn verifier(&self, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, String> {
        if !self.only_given_roots {
            let verifier = Verifier::new_with_extra_roots(self.roots.iter().cloned(), provider);
            return Ok(Arc::new(verifier.map_err(|error| {
                format!(
                    "{error}; install the system's root certificates (often a package `ca-certificates`) or give some"
                )
            })?));
        }
        let mut roots = RootCertStore::empty();
        for root in &self.roots {
            roots.add(root.clone()).map_err(|error| format!("a root certificate: {error}"))?;
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        Ok(verifier.map_err(|error| format!("the root certificates: {error}"))?)
    }

    /// Finds mistakes in what was given without touching the system's trust store.
    pub(crate) fn check(&self) -> Result<(), String> {
        let mut roots = RootCertStore::empty();
        for root in &self.roots {
            roots.add(root.clone()).map_err(|error| format!("a root certificate is unusable: {}", explain(&error)))?;
        }
        if self.only_given_roots && self.roots.is_empty() {
            return Err(String::from("only given roots are to be trusted, and none was given"));
        }
        if let Some(identity) = &self.identity {
            ClientConfig::builder_with_provider(provider())
                .with_safe_default_protocol_versions()
                .map_err(|error| error.to_string())?
                .with_root_certificates(roots)
                .with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())
                .map_err(|error| format!("the client certificate is unusable: {error}"))?;
        }
        Ok(())
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// What is wrong, and what to do about it where that is not obvious.
pub(crate) fn explain(error: &rustls::Error) -> String {
    let problem = match error {
        rustls::Error::InvalidCertificate(problem) => problem,
        rustls::Error::AlertReceived(alert) => {
            return format!("the server ended the handshake: {alert:?}");
        }
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            return format!("{error}: the server may speak plain http there");
        }
        other => return other.to_string(),
    };
    let words = match problem {
        CertificateError::UnknownIssuer => {
            "the certificate is signed by nobody trusted here (self-signed, or by a private authority whose root must be given)"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "the certificate has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet; check the clock of this machine"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the certificate is for another name"
        }
        CertificateError::BadSignature => "the certificate is not signed by the authority it names",
        CertificateError::Revoked => "the certificate has been revoked",
        other => return format!("the certificate is not acceptable: {other}"),
    };
    String::from(words)
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.0.settings;
        f.debug_struct("Tls")
            .field("roots", &settings.roots.len())
            .field("only_given_roots", &settings.only_given_roots)
            .field("client_certificate", &settings.identity.is_some())
            .field("protocols", &settings.protocols)
            .finish()
    }
}
