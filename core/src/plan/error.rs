//! What is wrong with a plan, where, and what to do about it. Never a URL's query or a header's value.

use alloc::string::String;
use core::fmt;

use crate::error::BuildError;

/// Where in a plan something is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Place {
    /// The plan as a whole.
    Plan,
    /// The part of this number.
    Part(u64),
    /// The request that completes the upload.
    Complete,
    /// The request that asks whether it was completed.
    Confirm,
    /// The request that aborts it.
    Abort,
    /// The policy.
    Policy,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plan => f.write_str("plan"),
            Self::Part(number) => write!(f, "part {number}"),
            Self::Complete => f.write_str("complete request"),
            Self::Confirm => f.write_str("confirm request"),
            Self::Abort => f.write_str("abort request"),
            Self::Policy => f.write_str("policy"),
        }
    }
}

/// Why a plan is not accepted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{place}, {field}: {problem}; {remedy}")]
#[non_exhaustive]
pub struct PlanError {
    /// Where.
    pub place: Place,
    /// Which field.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

impl PlanError {
    /// `field` at `place` has a problem. Neither text may hold a secret.
    pub fn new(place: Place, field: &'static str, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { place, field, problem: problem.into(), remedy: remedy.into() }
    }
}

impl From<PlanError> for BuildError {
    fn from(error: PlanError) -> Self {
        let what = alloc::format!("{}, {}: {}", error.place, error.field, error.problem);
        Self::new(what, error.remedy)
    }
}
