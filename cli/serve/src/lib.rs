//! The reference server behind `longhaul serve`, and the faults that the demo and the behaviour tests inject.
//!
//! It serves a folder over HTTP/1.1: ranged downloads with strong validators ([RFC 9110]) and the default upload
//! protocol with resume. It shares no code with the transfer machines it is the counterpart of, so that a
//! misreading of the wire on one side is not repeated on the other.
//!
//! ```no_run
//! use longhaul_serve::{Fault, Faults, ServeConfig, Server, What, When};
//!
//! # async fn run() -> std::io::Result<()> {
//! let faults = Faults::seeded(7).with(Fault::new(When::Every(3), What::ResetAfter { bytes: 1 << 20 }));
//! let config = ServeConfig::new("./files").uploads(true).faults(faults);
//! let server = Server::bind(([127, 0, 0, 1], 0).into(), config).await?;
//! let url = server.url("/big.iso");
//! // … move files …
//! println!("{url}: {:?}", server.stats().faults);
//! server.shutdown().await;
//! # Ok(()) }
//! ```
//!
//! # Where things are kept
//!
//! An upload sent to `/a/b` or `/a/b/` is published as `ROOT/a/b/<fileName>`: the request's path names the folder,
//! which is made when it is missing. Until then its bytes, and afterwards a small record that lets a lost last
//! answer be repeated, live in `ROOT/.longhaul-uploads`, which is never served. One server per root: two processes
//! on one root do not see each other's locks.
//!
//! [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110

mod answer;
mod condition;
mod config;
mod digest;
mod download;
mod exchange;
mod fault;
mod file;
mod file_body;
mod link;
mod listing;
mod path;
mod plan;
mod range;
mod server;
mod service;
mod shape;
mod shared;
mod stats;
mod upload;
mod version;

pub use config::ServeConfig;
pub use fault::{Fault, Faults, RetryAfter, What, When};
pub use server::{Running, Server};
pub use stats::Stats;
