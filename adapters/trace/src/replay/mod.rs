//! A recorded run once more, offline: the core is told what it was told, providers say what they said, and what the core decides is
//! compared, step by step.
//!
//! The same core gives the same decisions, so a difference means another version of it, or a trace that was changed. Nothing here
//! touches a network, a file or a clock.

mod give;
mod recorded;
mod run;
mod script;

use std::fmt;

use crate::read::Trace;

/// What became of a replay.
#[derive(Clone, PartialEq, Debug)]
pub struct Replayed {
    /// Records that were replayed or compared.
    pub steps: usize,
    /// The first decision that differs.
    pub difference: Option<Difference>,
    /// Why the trace does not go to the end of its run: it was cut or broken off, or ends before a transfer does.
    pub unfinished: Option<String>,
}

/// A decision that is not the recorded one.
#[derive(Clone, PartialEq, Debug)]
pub struct Difference {
    /// The line of the trace, from 1.
    pub line: usize,
    /// What stands there; `None` where the trace has nothing more.
    pub recorded: Option<String>,
    /// What the core does now.
    pub now: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let recorded = self.recorded.as_deref().unwrap_or("nothing");
        write!(f, "line {}: recorded: {recorded}\n         now: {}", self.line, self.now)
    }
}

/// Replays a trace up to its end or the first difference.
#[must_use]
pub fn replay(trace: &Trace) -> Replayed {
    run::Run::new(trace).run()
}
