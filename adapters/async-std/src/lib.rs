//! longhaul on async-std: its executor, and the sockets, timers and blocking threads it is built on.
//!
//! async-std is no longer maintained ([RUSTSEC-2025-0052](https://rustsec.org/advisories/RUSTSEC-2025-0052)). This adapter is for
//! applications that use it today; new code should take `longhaul-smol`, which shares all of this but the executor, or
//! `longhaul-tokio`.
//!
//! ```
//! use std::sync::Arc;
//!
//! use longhaul_async_std::{HyperTransport, runtime};
//! use longhaul_driver::ClientConfig;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! async_std::task::block_on(async {
//!     let transport = HyperTransport::builder().build(Arc::new(runtime()))?;
//!     let client = longhaul_async_std::client(ClientConfig::default(), transport);
//!     client.close().await;
//!     Ok(())
//! })
//! # }
//! ```
#![forbid(unsafe_code)]

use longhaul_driver::transport::Transport;
use longhaul_driver::{Client, ClientConfig};

pub use longhaul_async_io::AsyncIo;
pub use longhaul_disk::{FileJournal, FileSource, FileTarget, Overwrite, SpoolFile};
pub use longhaul_hyper::{HyperTransport, Protocols, Proxy, TransportBuilder, TransportError};

/// async-std's executor ([`async_std::task::spawn`]), which has threads of its own: as many as `ASYNC_STD_THREAD_COUNT` says, or one
/// for each processor.
#[must_use]
pub fn runtime() -> AsyncIo {
    AsyncIo::new(|task| drop(async_std::task::spawn(task)))
}

/// A client on async-std's executor, sending by `transport`.
#[must_use]
pub fn client(config: ClientConfig, transport: impl Transport) -> Client {
    runtime().client(config, transport)
}
