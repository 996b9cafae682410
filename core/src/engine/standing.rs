//! How things stand: one transfer's numbers and state, and all of them at one moment.

use alloc::string::String;

use super::Engine;
use super::task::{Task, TaskBody};
use crate::checkpoint::Checkpoint;
use crate::event::{End, Progress, Snapshot, State, TaskSnapshot};
use crate::id::TaskId;
use crate::transfer::Transfer;

impl Engine {
    /// Where the transfer stands.
    #[must_use]
    pub fn progress(&self, id: TaskId) -> Option<Progress> {
        let task = self.tasks.get(id)?;
        Some(match &task.body {
            TaskBody::Idle { .. } => Progress::default(),
            TaskBody::Live(transfer) => transfer.progress(self.now.mono),
            TaskBody::Over(last) => last.progress,
        })
    }

    /// What the transfer is doing.
    #[must_use]
    pub fn status(&self, id: TaskId) -> Option<State> {
        let task = self.tasks.get(id)?;
        Some(task.state(self.is_waiting(task)))
    }

    /// How the transfer ended, if it has.
    #[must_use]
    pub fn end(&self, id: TaskId) -> Option<&End> {
        match &self.tasks.get(id)?.body {
            TaskBody::Over(last) => Some(&last.end),
            _ => None,
        }
    }

    /// What a journal of the transfer would hold now. `None` while it has not begun, or is over.
    #[must_use]
    pub fn checkpoint(&self, id: TaskId) -> Option<Checkpoint> {
        self.tasks.get(id)?.live().map(Transfer::to_checkpoint)
    }

    /// Everything at this moment. Looks at all transfers.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot {
            requests: self.requests,
            bytes_in_flight: self.bytes,
            stale_answers: self.stale,
            ..Snapshot::default()
        };
        for (id, task) in self.tasks.iter() {
            let state = task.state(self.is_waiting(task));
            match state {
                State::Queued => snapshot.queued += 1,
                State::Paused(_) | State::Pausing(_) => snapshot.paused += 1,
                State::Active(_) | State::Waiting(_) | State::Ending => snapshot.active += 1,
                State::Ended => continue,
            }
            let (object, reason, in_flight) = match &task.body {
                TaskBody::Idle { spec, .. } => (String::from(spec.provider.object()), None, 0),
                TaskBody::Live(transfer) => {
                    (String::from(transfer.spec.provider.object()), transfer.reason.clone(), transfer.in_flight())
                }
                TaskBody::Over(_) => continue,
            };
            let progress = self.progress(id).unwrap_or_default();
            snapshot.tasks.push(TaskSnapshot { task: id, object, state, reason, progress, in_flight });
        }
        snapshot
    }

    pub(super) fn is_waiting(&self, task: &Task) -> bool {
        let Some(transfer) = task.live() else {
            return false;
        };
        let retries = || transfer.reason.is_some() && transfer.retries_at(self.now.mono).is_some();
        transfer.in_flight() == 0 && (transfer.blocked.is_some() || retries())
    }
}
