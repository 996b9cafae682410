//! What the measuring commands share: who can do a job, what a run of it used, and how numbers are summed up.

pub mod child;
pub mod contestants;
pub mod numbers;
