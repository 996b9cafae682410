//! core
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;
#[cfg(test)]
extern crate std;
pub mod digest;
pub mod id;
pub mod layout;
pub mod range;
pub mod retry;
pub mod rng;
pub mod time;
