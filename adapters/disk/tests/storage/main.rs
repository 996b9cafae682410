//! Files as ends of transfers, and journals: what is on the disk at which moment, and what a failure leaves.
#![allow(clippy::disallowed_methods, reason = "helper processes are told their part by the environment")]
#![allow(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking, a helper prints"
)]

mod helper;
mod journal;
mod lock;
mod lost;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
mod pipes;
mod publish;
mod reserve;
mod source;
mod spool;
mod support;
#[cfg(target_os = "linux")]
mod trouble;
