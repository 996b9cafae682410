//! A deterministic world for `longhaul`: model servers, a network with weather, a disk that can crash, and an application, all
//! under virtual time and drawn from a seed.
//!
//! Whoever embeds the core can test scheduling and providers with it: build a [`World`], give it objects and jobs, let it run,
//! and ask for its [`verdict`](World::verdict).
//!
//! ```
//! use longhaul_core::Config;
//! use longhaul_sim::{Job, JobKind, Style, World};
//!
//! let mut world = World::new(7, Config::default(), false);
//! world.add_object("/big", 100_000, Style::GOOD);
//! let kind = JobKind::Get { host: "origin", path: "/big".into(), target: "big".into() };
//! let job = world.add(Job::new(kind));
//! world.submit(job, longhaul_core::spec::Start::Now);
//! world.finish();
//! assert_eq!(world.verdict(), Ok(()));
//! ```
//!
//! A provider of one's own is a [`JobKind::Own`], its server a [`Server`] at [`World::host`]:
//!
//! ```
//! use longhaul_sim::wire::{Moment, WireAnswer, WireRequest};
//! use longhaul_sim::{Server, World, content::Content};
//!
//! #[derive(Debug)]
//! struct Teapot;
//!
//! impl Server for Teapot {
//!     fn answer(&mut self, _: &WireRequest, _: Moment) -> WireAnswer {
//!         WireAnswer::status(418).text("short and stout")
//!     }
//!     fn object(&self, _: &str) -> Option<Content> {
//!         None
//!     }
//! }
//!
//! let mut world = World::new(1, Default::default(), false);
//! world.host("teapot", Teapot);
//! ```
//!
//! `examples/own_provider.rs` is such a provider, its server and three hundred seeds, in eighty lines.

#![forbid(unsafe_code)]

pub mod check;
pub mod content;
pub mod decode;
pub mod disk;
mod draw;
pub mod ledger;
pub mod net;
pub mod parsers;
pub mod provider;
pub mod run;
pub mod script;
pub mod server;
pub mod sweep;
pub mod trace;
pub mod transition;
pub mod weather;
pub mod wire;
pub mod world;

pub use check::{Invariant, Violation};
pub use net::Fate;
pub use server::own::Server;
pub use server::ranged::Style;
pub use server::{Act, Rule};
pub use transition::Transition;
pub use weather::Weather;
pub use world::{Job, JobKind, Wish, World};
