//! The transport against servers that say exactly what a test wants them to, byte by byte.
#![allow(clippy::disallowed_methods, reason = "helper processes are told their part by the environment")]
#![allow(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking, a helper prints"
)]

mod broken;
mod connect;
#[cfg(unix)]
mod files;
mod http2;
mod nets;
#[cfg(unix)]
mod pipes;
mod proxy;
mod stale;
mod support;
mod tls;
mod wire;
