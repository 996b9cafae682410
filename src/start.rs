//! A client, made of settings and a runtime.

use std::fmt;
use std::sync::Arc;

use longhaul_driver::{Client, ClientConfig, Trace};
use longhaul_hyper::{Net, TransportBuilder, TransportError};

/// A client with every setting at its default, on the tokio runtime the caller is on.
///
/// # Errors
/// Outside a runtime, or when TLS cannot be set up.
#[cfg(feature = "tokio")]
pub fn client() -> Result<Client, StartError> {
    ClientBuilder::default().start()
}

/// A client on hyper and rustls, with settings.
///
/// [`start`](Self::start) makes it on tokio, [`start_on`](Self::start_on) on any runtime:
///
/// ```
/// # #[cfg(feature = "smol")] {
/// let client = longhaul::ClientBuilder::new().start_on(longhaul::smol::runtime())?;
/// # }
/// # Ok::<(), longhaul::StartError>(())
/// ```
#[derive(Debug, Default)]
#[must_use = "a client is made by `start` or `start_on`"]
pub struct ClientBuilder {
    config: ClientConfig,
    transport: TransportBuilder,
    trace: Option<Box<dyn Trace>>,
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

    /// Trust, certificates, proxy, protocols: see [`TransportBuilder`].
    pub fn transport(mut self, transport: TransportBuilder) -> Self {
        self.transport = transport;
        self
    }

    /// Has `trace` listen to the run: a `longhaul::trace::Recorder` (feature `trace`), or one of your own.
    pub fn trace(mut self, trace: impl Trace) -> Self {
        self.trace = Some(Box::new(trace));
        self
    }

    /// Starts the client on the tokio runtime the caller is on.
    ///
    /// # Errors
    /// Outside a runtime, or when the transport cannot be set up.
    #[cfg(feature = "tokio")]
    pub fn start(self) -> Result<Client, StartError> {
        let runtime = longhaul_tokio::TokioRuntime::current().map_err(|_| StartError::NoRuntime)?;
        self.start_on(runtime)
    }

    /// Starts the client on `runtime`: that of an adapter (`longhaul::smol::runtime()`), or one of your own.
    ///
    /// # Errors
    /// When the transport cannot be set up.
    pub fn start_on(self, runtime: impl Net) -> Result<Client, StartError> {
        let runtime = Arc::new(runtime);
        let transport = self.transport.build(Arc::clone(&runtime) as _).map_err(StartError::Transport)?;
        let (timer, transport) = (Arc::clone(&runtime) as _, Arc::new(transport));
        Ok(match self.trace {
            None => Client::new(self.config, transport, timer, runtime),
            Some(trace) => Client::traced(self.config, transport, timer, runtime, trace),
        })
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
