//! longhaul on smol: its sockets, timers and blocking threads, and its executor or one of yours.
//!
//! ```
//! use std::sync::Arc;
//!
//! use longhaul_driver::ClientConfig;
//! use longhaul_smol::{HyperTransport, runtime};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! smol::block_on(async {
//!     let transport = HyperTransport::builder().build(Arc::new(runtime()))?;
//!     let client = longhaul_smol::client(ClientConfig::default(), transport);
//!     client.close().await;
//!     Ok(())
//! })
//! # }
//! ```
#![forbid(unsafe_code)]

use std::sync::Arc;

use longhaul_driver::transport::Transport;
use longhaul_driver::{Client, ClientConfig};
use smol::Executor;

pub use longhaul_async_io::AsyncIo;
pub use longhaul_disk::{FileJournal, FileSource, FileTarget, Overwrite, SpoolFile};
pub use longhaul_hyper::{HyperTransport, Protocols, Proxy, TransportBuilder, TransportError};

/// smol's global executor ([`smol::spawn`]), which has threads of its own: as many as `SMOL_THREADS` says, or one.
#[must_use]
pub fn runtime() -> AsyncIo {
    AsyncIo::new(|task| smol::spawn(task).detach())
}

/// An executor that you run.
#[must_use]
pub fn runtime_on(executor: Arc<Executor<'static>>) -> AsyncIo {
    AsyncIo::new(move |task| executor.spawn(task).detach())
}

/// A client on smol's global executor, sending by `transport`.
#[must_use]
pub fn client(config: ClientConfig, transport: impl Transport) -> Client {
    runtime().client(config, transport)
}
