//! The queue of notifications. Bounded: when nobody polls, what a getter can tell anyway is dropped; ends never are, nor what may
//! have been left on a server, of which nothing else speaks.

use alloc::collections::VecDeque;

use crate::event::{Event, EventKind};
use crate::id::TaskId;

/// Notifications kept for a poller that is late. Ends come on top, one per transfer, and what tells of orphans, as
/// many as its retries allow.
const CAPACITY: usize = 16 * 1024;

#[derive(Debug, Default)]
pub(crate) struct Events {
    queue: VecDeque<Event>,
}

impl Events {
    pub(crate) fn push(&mut self, task: TaskId, kind: EventKind) {
        let nowhere_else =
            matches!(kind, EventKind::Ended(_) | EventKind::MaybeOrphan { .. } | EventKind::AbortFailed { .. });
        if self.queue.len() < CAPACITY || nowhere_else {
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
    fn i13_what_may_be_left_on_a_server_is_told_also_to_a_poller_that_is_late() {
        let (mut events, task) = (Events::default(), TaskId::from_parts(0, 0));
        for _ in 0..2 * CAPACITY {
            events.push(task, EventKind::Paused);
        }
        events.push(task, EventKind::MaybeOrphan { object: "a".into() });
        events.push(task, EventKind::AbortFailed { object: "b".into(), reason: Error::Closed });
        let polled = core::iter::from_fn(|| events.pop()).filter(|event| event.kind != EventKind::Paused);
        assert_eq!(polled.count(), 2);
    }

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
