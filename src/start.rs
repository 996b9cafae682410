//! A client on the tokio runtime one is on.

use std::fmt;
use std::sync::Arc;

use longhaul_driver::{Client, ClientConfig};
use longhaul_tokio::{HyperTransport, TokioRuntime, TransportBuilder, TransportError};

/// A client with every setting at its default, on the tokio runtime the caller is on.
///
/// # Errors
/// Outside a runtime, or when TLS cannot be set up.
pub fn client() -> Result<Client, StartError> {
    ClientBuilder::default().start()
}

/// A client on tokio, hyper and rustls, with settings.
#[derive(Debug, Default)]
#[must_use = "a client is made by `start`"]
pub struct ClientBuilder {
    config: ClientConfig,
    transport: Option<TransportBuilder>,
}

impl ClientBuilder {
    /// All defaults, to be changed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits, concurrency, rates, queues: see [`ClientConfig::builder`].
    pub fn config(mut self, config: ClientConfig) -> Self {
        self.config = config;
        self
    }

    /// Trust, certificates, proxy, protocols: see [`HyperTransport::builder`].
    pub fn transport(mut self, transport: TransportBuilder) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Starts the client on the runtime the caller is on.
    ///
    /// # Errors
    /// Outside a runtime, or when the transport cannot be set up.
    pub fn start(self) -> Result<Client, StartError> {
        let settings = self.transport.unwrap_or_else(HyperTransport::builder);
        let runtime = Arc::new(TokioRuntime::current().map_err(|_| StartError::NoRuntime)?);
        let transport = settings.build(Arc::clone(&runtime) as _).map_err(StartError::Transport)?;
        Ok(Client::new(self.config, Arc::new(transport), Arc::clone(&runtime) as _, runtime))
    }
}

/// Why a client could not be started.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The caller is not on a tokio runtime.
    NoRuntime,
    /// TLS, certificates or proxy are not usable.
    Transport(TransportError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRuntime => f.write_str(
                "there is no tokio runtime here: start the client inside one (#[tokio::main], Runtime::enter)",
            ),
            Self::Transport(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}
