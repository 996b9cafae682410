//! longhaul on tokio: its sockets, clock, executor and blocking threads.
//!
//! * [`HyperTransport`] sends requests: HTTP/1.1 and HTTP/2, TLS with the system's trust store, proxies. It is that of
//!   `longhaul-hyper`.
//! * [`FileSource`], [`FileTarget`] and [`SpoolFile`] are the local ends of transfers, [`FileJournal`] keeps checkpoints: those of
//!   `longhaul-disk`.
//! * [`TokioRuntime`] tells the time, runs tasks and connects.
//! * [`frames`] makes a stream of a reader, for uploads of unknown length.
//!
//! Each implements a trait of `longhaul-driver` and can be replaced by another implementation.
//!
//! ```
//! use std::sync::Arc;
//!
//! use longhaul_driver::ClientConfig;
//! use longhaul_tokio::{HyperTransport, Protocols, TokioRuntime};
//!
//! # async fn start(company_root: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! let transport = HyperTransport::builder()
//!     .root_certificates(company_root)
//!     .protocols(Protocols::Http1)
//!     .build(Arc::new(TokioRuntime::current()?))?;
//! let client = longhaul_tokio::client(ClientConfig::default(), transport)?;
//! # client.close().await;
//! # Ok(())
//! # }
//! ```

mod reader;
mod runtime;
mod socket;

pub use longhaul_disk::{FileJournal, FileSource, FileTarget, Overwrite, SpoolFile};
pub use longhaul_hyper::{HyperTransport, Protocols, Proxy, TransportBuilder, TransportError};
pub use reader::frames;
pub use runtime::{TokioRuntime, client};
