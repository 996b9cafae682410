//! What the measuring commands share: how they begin, who can do a job, what a run of it used, how numbers are summed up, and an engine
//! under load.

pub mod allocator;
pub mod args;
pub mod calls;
pub mod child;
pub mod contestants;
pub mod engine;
#[cfg(feature = "files")]
pub mod files;
pub mod heads;
pub mod job;
pub mod numbers;

/// What went wrong.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
