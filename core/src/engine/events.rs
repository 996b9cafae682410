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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::event::End;
    use crate::id::Key;

    #[test]
    fn c10_a_poller_that_is_late_still_learns_every_end() {
        let (mut events, task) = (Events::default(), TaskId::from_parts(0, 0));
        for _ in 0..2 * CAPACITY {
            events.push(task, EventKind::Paused);
        }
        let end = EventKind::Ended(End::Failed(Error::Cancelled));
        events.push(task, end.clone());
        let polled: alloc::vec::Vec<EventKind> = core::iter::from_fn(|| events.pop()).map(|event| event.kind).collect();
        assert_eq!((polled.len(), polled.last()), (CAPACITY + 1, Some(&end)));
    }
}
