//! Sockets, timers and blocking threads for longhaul, as async-std and smol have them: both are built on the crates `async-io` and
//! `blocking`, and differ in who runs tasks. [`AsyncIo`] is told that, so any executor will do.
//!
//! `longhaul-async-std` and `longhaul-smol` are this with their executor.
#![forbid(unsafe_code)]

mod runtime;

pub use runtime::AsyncIo;
