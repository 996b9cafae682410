//! The S3 provider on the wire: what it sends, byte for byte, and what it makes of every answer.
#![allow(clippy::panic, reason = "a test that cannot go on fails")]
#![allow(clippy::result_large_err, reason = "verdicts are large, tests few")]

mod answers;
mod common;
mod properties;
mod requests;
mod secrets;
#[path = "../../../../tests/support/store_wire.rs"]
mod support;
mod verdicts;
