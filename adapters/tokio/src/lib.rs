//! longhaul on tokio: its sockets, clock, executor and blocking threads.
//!
//! * [`HyperTransport`] sends requests: HTTP/1.1 and HTTP/2, TLS with the system's trust store, proxies. It is that of
//!   `longhaul-hyper`, on [`TokioNet`].
//! * [`FileSource`], [`FileTarget`] and [`SpoolFile`] are the local ends of transfers, [`FileJournal`] keeps checkpoints: those of
//!   `longhaul-disk`.
//! * [`TokioRuntime`] tells the time and runs tasks.
//! * [`frames`] makes a stream of a reader, for uploads of unknown length.
//!
//! Each implements a trait of `longhaul-driver` and can be replaced by another implementation.
//!
//! ```
//! use longhaul_driver::ClientConfig;
//! use longhaul_tokio::{HyperTransport, Protocols, TokioNet};
//!
//! # async fn start(company_root: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! let transport = HyperTransport::builder()
//!     .root_certificates(company_root)
//!     .protocols(Protocols::Http1)
//!     .build(TokioNet)?;
//! let client = longhaul_tokio::client(ClientConfig::default(), transport)?;
//! # client.close().await;
//! # Ok(())
//! # }
//! ```

mod net;
mod reader;
mod runtime;

pub use longhaul_disk::{FileJournal, FileSource, FileTarget, Overwrite, SpoolFile};
pub use longhaul_hyper::{HyperTransport, Protocols, Proxy, TransportBuilder, TransportError};
pub use net::TokioNet;
pub use reader::frames;
pub use runtime::{TokioRuntime, client};
