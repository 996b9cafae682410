//! What differs between systems: positioned I/O, reservation, identity, permissions, atomic renames.
//!
//! Everything else in this crate is the same everywhere. `unix` uses what Linux and macOS offer; `linux` what only that
//! has; `other` is Windows, and makes do with `std`.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(target_os = "linux")]
pub(crate) use linux::*;
#[cfg(not(unix))]
pub(crate) use other::*;
#[cfg(unix)]
pub(crate) use unix::*;

/// Which file something is, on this machine, now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Identity {
    pub(crate) volume: u64,
    pub(crate) file: u64,
}
