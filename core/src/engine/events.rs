//! The queue of notifications. Bounded: when nobody polls, what a getter can tell anyway is dropped; ends never are.

use alloc::collections::VecDeque;

use crate::event::{Event, EventKind};
use crate::id::TaskId;

/// Notifications kept for a poller that is late. Ends come on top, one per transfer.
const CAPACITY: usize = 16 * 1024;

#[derive(Debug, Default)]
pub(crate) struct Events {
    queue: VecDeque<Event>,
}

impl Events {
    pub(crate) fn push(&mut self, task: TaskId, kind: EventKind) {
        if self.queue.len() < CAPACITY || matches!(kind, EventKind::Ended(_)) {
            self.queue.push_back(Event { task, kind });
        }
    }

    pub(crate) fn pop(&mut self) -> Option<Event> {
        self.queue.pop_front()
    }
}
