//! The `longhaul` command as a whole: the real binary against the reference server.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod closed_pipes;
mod demonstration;
mod exit_codes;
mod integrity;
mod json_lines;
#[cfg(unix)]
mod leftovers;
mod limits;
mod names;
mod overwriting;
mod resuming;
mod secrets;
#[cfg(unix)]
mod stopping;
mod strangers;
mod support;
mod traces;
mod words;
