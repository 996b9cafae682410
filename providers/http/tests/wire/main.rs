//! What goes over the wire and what is made of what comes back, by behaviour.

#![allow(clippy::panic, reason = "helpers of tests fail the test")]

mod common;
mod download;
mod put;
mod refusals;
mod secrets;
mod transcripts;
mod upload;
mod urls;
