//! Traces of transfers: recorded while they run, replayed through the core without a network, and drawn as a page.
//!
//! * [`Recorder`] listens between a client's loop and its engine ([`longhaul_driver::Trace`]) and writes [`record::Record`]s, one JSON
//!   object a line. No secret and no byte of content is in them: see [`redact`].
//! * [`read`](read::read) reads a trace, also one that is still being written, or was cut off by a kill.
//! * [`replay`](replay::replay) drives the core with the recorded answers and names the first decision that differs.
//! * [`page`](page::page) makes one self-contained HTML file of it.
//!
//! The format is `docs/trace-format.md`.

#![forbid(unsafe_code)]

mod form;
mod frames;
mod overhear;
pub mod page;
pub mod read;
pub mod record;
mod recorder;
pub mod redact;
pub mod replay;
mod said;
pub mod settings;
pub mod show;
mod told;
mod words;
mod write;

pub use read::Trace;
pub use recorder::{Recorder, Recording};
