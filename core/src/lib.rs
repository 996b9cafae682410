//! core
#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic, clippy::disallowed_types, clippy::disallowed_methods)]
#![deny(clippy::std_instead_of_core, clippy::std_instead_of_alloc, clippy::alloc_instead_of_core)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod checkpoint;
pub mod digest;
pub mod engine;
pub mod error;
pub mod event;
pub mod id;
pub mod intent;
pub mod layout;
pub mod provider;
pub mod range;
pub mod retry;
pub mod rng;
mod shown;
pub mod spec;
pub mod time;
mod transfer;

pub use checkpoint::Checkpoint;
pub use digest::{Algorithm, Digest, Verification};
pub use engine::Engine;
pub use error::Error;
pub use event::{Event, EventKind};
pub use id::{OpId, TaskId};
pub use intent::Intent;
pub use provider::Provider;
pub use range::{ByteRange, RangeSet};
pub use spec::{Config, Direction, Spec};
pub use time::{Now, Time, Wall};
pub use transfer::Phase;
