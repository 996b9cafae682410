//! One transfer as the engine keeps it: a few words while it is idle, a machine while it works, a few words again when it is
//! over.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::num::NonZeroU64;

use crate::engine::authority::AuthorityId;
use crate::event::{End, Progress, State};
use crate::id::{OpId, TaskId};
use crate::spec::{Direction, Spec, TransferKey};
use crate::transfer::phase::Phase;
use crate::transfer::{Run, Transfer};

#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) key: TransferKey,
    pub(crate) direction: Direction,
    pub(crate) weight: u32,
    pub(crate) body: TaskBody,
    /// Holds one of the places of its direction.
    pub(crate) admitted: bool,
    /// Its entry in the queue for such a place; an older entry is void.
    pub(crate) ticket: Option<NonZeroU64>,
    /// The transfer with the same key that has to end first.
    pub(crate) after: Option<TaskId>,
    pub(crate) place: Place,
    /// Virtual time: what it has been given so far, divided by its weight.
    pub(crate) vtime: u64,
    pub(crate) ops: Vec<OpId>,
    pub(crate) local_queued: bool,
    /// Cancelled before the one it waits for was gone: then it cleans up, without ever having begun.
    pub(crate) leaves: bool,
    pub(crate) forget: bool,
}

/// Where a task waits for its turn to send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    Nowhere,
    /// In the line; woken for a place at this authority, if it had waited for one.
    Ready(Option<AuthorityId>),
    /// In the waiting room of this authority.
    Waiting(AuthorityId),
}

#[derive(Debug)]
pub(crate) enum TaskBody {
    Idle { spec: Box<Spec>, paused: bool },
    Live(Box<Transfer>),
    Over(Box<Last>),
}

/// A transfer's last words. Boxed, so that a task that has not begun is not larger for them.
#[derive(Debug)]
pub(crate) struct Last {
    pub(crate) end: End,
    pub(crate) progress: Progress,
}

impl TaskBody {
    pub(crate) fn over(end: End, progress: Progress) -> Self {
        Self::Over(Box::new(Last { end, progress }))
    }
}

impl Task {
    /// Its place in lines. What is in flight counts twice: of two who have been given as much, the one that has less under way is first.
    pub(crate) fn turn(&self) -> u64 {
        self.vtime.saturating_add(self.live().map_or(0, |transfer| transfer.flying))
    }

    pub(crate) fn live(&self) -> Option<&Transfer> {
        match &self.body {
            TaskBody::Live(transfer) => Some(transfer),
            _ => None,
        }
    }

    pub(crate) fn live_mut(&mut self) -> Option<&mut Transfer> {
        match &mut self.body {
            TaskBody::Live(transfer) => Some(transfer),
            _ => None,
        }
    }

    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.body, TaskBody::Over(_))
    }

    pub(crate) fn state(&self, now_waiting: bool) -> State {
        match &self.body {
            TaskBody::Idle { .. } if self.leaves => State::Ending,
            TaskBody::Idle { paused: true, .. } => State::Paused(Phase::Queued),
            TaskBody::Idle { paused: false, .. } => State::Queued,
            TaskBody::Over(_) => State::Ended,
            TaskBody::Live(transfer) => {
                let phase = transfer.phase();
                match transfer.run {
                    _ if transfer.is_stopping() || phase.is_ending() => State::Ending,
                    Run::Paused if self.ticket.is_some() => State::Queued,
                    Run::Paused => State::Paused(phase),
                    Run::Pausing => State::Pausing(phase),
                    Run::Running if now_waiting => State::Waiting(phase),
                    Run::Running => State::Active(phase),
                }
            }
        }
    }
}
