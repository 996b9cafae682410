//! The Azure provider on the wire: what it sends, byte for byte, and what it makes of every answer.
#![allow(clippy::panic, reason = "a test that cannot go on fails")]
#![allow(clippy::result_large_err, reason = "verdicts are large, tests few")]

mod answers;
mod common;
mod properties;
mod requests;
mod secrets;
#[allow(dead_code, reason = "a part of it is about multipart uploads, which Azure does not have")]
#[path = "../../../../tests/support/store_wire.rs"]
mod support;
mod verdicts;
