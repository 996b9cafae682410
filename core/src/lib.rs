//! The sans-IO core of longhaul: transfers as pure state machines.
//!
//! [`Engine`] holds any number of transfers. It asks for work as values ([`Intent`]) and is told what became of it; it never opens
//! a socket or file, reads a clock or draws a random number. So the same engine runs under any async runtime, in a blocking loop,
//! and in a simulator, and a run can be recorded, replayed and shrunk.
//!
//! # The run loop
//!
//! ```
//! use longhaul_core::{Engine, Event, Intent, Now};
//!
//! /// One turn: everything that can be begun now. `begin` sees to it that each intent is carried out and answered later by
//! /// `handle_head` and `handle_done`, `handle_file`, `handle_journal`, `handle_recalled` or `handle_answer`.
//! fn turn(engine: &mut Engine, now: Now, mut begin: impl FnMut(Intent), mut tell: impl FnMut(Event)) {
//!     if engine.poll_timeout().is_some_and(|due| due <= now.mono) {
//!         engine.handle_timeout(now);
//!     }
//!     while let Some(intent) = engine.poll_intent(now) {
//!         begin(intent);
//!     }
//!     while let Some(event) = engine.poll_event() {
//!         tell(event);
//!     }
//!     // Now sleep until `engine.poll_timeout()`, or until something was answered, or the user wants something.
//! }
//! # let mut engine = Engine::new(longhaul_core::Config::default(), 1);
//! # turn(&mut engine, Now::default(), |_| unreachable!(), |_| unreachable!());
//! ```
//!
//! # Three outputs, three channels
//!
//! * **Intents are obligations.** Someone must act, and answer exactly once, also after a cancel. They are made only when polled,
//!   under all limits, so nothing waits in a queue and no signature grows old.
//! * **Events are notifications.** Losing one loses nothing that a getter cannot tell.
//! * **Quantities** (progress, state, snapshot) are asked for.
//!
//! # Bytes stay outside
//!
//! A request names a range of the source ([`Body::Source`](intent::Body::Source)); an answer's head is told to the engine, which
//! says where its body belongs ([`Disposition`](intent::Disposition)). There is one call per part, not per frame.
//!
//! # The way around
//!
//! | module | what it is about |
//! |---|---|
//! | [`engine`] | many transfers: places, shares, limits, deadlines |
//! | [`provider`] | the seam to a protocol: steps to requests, answers to replies |
//! | [`spec`] | what a transfer is to do; the engine's settings |
//! | [`intent`], [`event`], [`error`] | what comes out and goes in |
//! | [`checkpoint`] | durable facts as a journal |
//! | [`plan`] | presigned plans: from untrusted drafts to values that hold |
//! | [`layout`], [`range`], [`retry`], [`digest`], [`time`], [`rng`], [`id`] | the arithmetic below |

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
pub mod plan;
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
