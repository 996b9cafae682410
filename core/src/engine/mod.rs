//! Many transfers.

use core::time::Duration;
use crate::checkpoint::Checkpoint;
use crate::error::FileFault;
use crate::event::{Event, Progress, Snapshot, State};
use crate::id::{OpId, TaskId};
use crate::intent::{Answer, Disposition, FileReply, Intent, Moved, Outcome};
use crate::provider::Head;
use crate::spec::{CommandError, Config, Limits, Spec, SubmitError};
use crate::time::{Now, Time};
use core::num::NonZeroU32;

/// Placeholder; the signatures are final.
#[derive(Debug)]
pub struct Engine;

#[allow(unused_variables, missing_docs, clippy::todo)]
impl Engine {
    pub fn new(config: Config, seed: u64) -> Self { todo!() }
    pub fn submit(&mut self, spec: Spec, now: Now) -> Result<TaskId, SubmitError> { todo!() }
    /// Stop what is in flight and wait for `resume`.
    pub fn pause(&mut self, task: TaskId, now: Now) -> Result<(), CommandError> { todo!() }
    pub fn resume(&mut self, task: TaskId, now: Now) -> Result<(), CommandError> { todo!() }
    pub fn cancel(&mut self, task: TaskId, now: Now) -> Result<(), CommandError> { todo!() }
    pub fn set_weight(&mut self, task: TaskId, weight: NonZeroU32) -> Result<(), CommandError> { todo!() }
    pub fn set_limits(&mut self, limits: Limits, now: Now) { todo!() }
    /// Refuse new work and stop everything; each transfer ends with `Error::Closed` and can be resumed from its journal.
    pub fn shutdown(&mut self, now: Now) { todo!() }
    /// Whether shut down and nothing is left in flight.
    pub fn is_drained(&self) -> bool { todo!() }
    /// Forget an ended transfer; its id becomes stale. A transfer that has not ended is forgotten when it ends.
    pub fn forget(&mut self, task: TaskId) { todo!() }
    // answers
    pub fn handle_head(&mut self, op: OpId, head: Head<'_>, now: Now) -> Disposition { todo!() }
    /// A few times per second per request in flight.
    pub fn handle_progress(&mut self, op: OpId, moved: Moved, now: Now) { todo!() }
    pub fn handle_done(&mut self, op: OpId, outcome: Outcome, now: Now) { todo!() }
    pub fn handle_file(&mut self, op: OpId, reply: Result<FileReply, FileFault>, now: Now) { todo!() }
    pub fn handle_journal(&mut self, op: OpId, reply: Result<(), FileFault>, now: Now) { todo!() }
    pub fn handle_answer(&mut self, op: OpId, answer: Answer, now: Now) { todo!() }
    /// The consumer of a windowed download took everything before `upto`.
    pub fn handle_consumed(&mut self, task: TaskId, upto: u64, now: Now) { todo!() }
    pub fn handle_timeout(&mut self, now: Now) { todo!() }
    // outputs
    pub fn poll_intent(&mut self, now: Now) -> Option<Intent> { todo!() }
    pub fn poll_event(&mut self) -> Option<Event> { todo!() }
    pub fn poll_timeout(&self) -> Option<Time> { todo!() }
    // quantities
    pub fn progress(&self, task: TaskId) -> Option<Progress> { todo!() }
    pub fn status(&self, task: TaskId) -> Option<State> { todo!() }
    pub fn checkpoint(&self, task: TaskId) -> Option<Checkpoint> { todo!() }
    pub fn snapshot(&self) -> Snapshot { todo!() }
    #[doc(hidden)]
    pub fn unused(&self) -> Duration { Duration::ZERO }
}
