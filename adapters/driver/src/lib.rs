//! The runtime-neutral async loop around the longhaul core, and the client that applications hold.
//!
//! One task owns the [`Engine`](longhaul_core::Engine); there is no lock around it. A [`Client`] sends it commands through a
//! bounded queue; each request, file operation and question becomes a future that answers exactly once. Nothing here
//! names a runtime: sockets, files, clocks and threads come in through five seams.
//!
//! | seam | what it is |
//! |---|---|
//! | [`transport::Transport`] | an HTTP client: one request out, one head and frames back |
//! | [`storage::Storage`] | the local end of one transfer |
//! | [`journal::Journal`] | where checkpoints are kept |
//! | [`runtime::Timer`] | both clocks, and sleeping |
//! | [`runtime::Spawn`] | tasks in the background, and threads that may block |
//!
//! What passes between loop and engine can be listened to: [`trace::Trace`].
//! With the feature `metrics` it tells the `metrics` facade what it does, see `docs/embedding.md`.
//!
//! An adapter (`longhaul-tokio`, …) implements them; an application holds [`Client`] and [`Transfer`].
#![forbid(unsafe_code)]

pub mod blocking;
pub mod cancel;
pub mod causes;
pub mod client;
pub mod config;
mod exchange;
pub mod handle;
pub mod hash;
mod ids;
pub mod job;
pub mod journal;
pub mod listen;
pub mod log;
mod mailbox;
#[cfg(feature = "metrics")]
mod measure;
#[cfg(not(feature = "metrics"))]
#[path = "unmeasured.rs"]
mod measure;
pub mod memory;
pub mod meter;
pub mod rate;
mod run;
pub mod runtime;
pub mod spool;
pub mod storage;
pub mod stream;
mod threads;
mod throttle;
pub mod trace;
pub mod transport;

pub use client::{Client, SubmitError};
pub use config::{ClientConfig, ConfigError};
pub use handle::Transfer;
pub use job::Job;
pub use listen::{Listener, ListenerId};
pub use trace::Trace;

/// What the seams, and the core's providers, are made of, in the versions they take.
pub use {bytes, futures, http};

#[cfg(test)]
extern crate self as longhaul_driver;
/// The runtime of the tests, shared with those outside.
#[cfg(test)]
#[path = "../tests/common/mod.rs"]
mod common;
