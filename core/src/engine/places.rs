//! Who works: transfers wait in line for a place, take it, and leave it to the next.

use alloc::collections::BTreeSet;
use core::num::NonZeroU64;

use super::Engine;
use super::task::TaskBody;
use crate::error::Error;
use crate::event::{End, EventKind, Progress};
use crate::id::TaskId;
use crate::spec::Direction;
use crate::transfer::Transfer;

/// Who waits for a place to work, first come first served, per direction.
#[derive(Debug, Default)]
pub(super) struct Queues {
    uploads: Queue,
    downloads: Queue,
    tickets: u64,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    /// By ticket; whoever leaves takes its ticket along.
    pub(super) waiting: BTreeSet<(NonZeroU64, TaskId)>,
    active: usize,
}

impl Queues {
    pub(super) const fn of(&mut self, direction: Direction) -> &mut Queue {
        match direction {
            Direction::Upload => &mut self.uploads,
            Direction::Download => &mut self.downloads,
        }
    }
}

impl Engine {
    pub(super) fn leave_queue(&mut self, id: TaskId) {
        if let Some(task) = self.tasks.get_mut(id)
            && let Some(ticket) = task.ticket.take()
        {
            self.queues.of(task.direction).waiting.remove(&(ticket, id));
        }
    }

    pub(super) fn enqueue(&mut self, id: TaskId) {
        self.leave_queue(id);
        let Some(task) = self.tasks.get_mut(id) else {
            return;
        };
        let ticket = NonZeroU64::MIN.saturating_add(self.queues.tickets);
        self.queues.tickets = ticket.get();
        task.ticket = Some(ticket);
        if task.after.is_none() {
            self.queues.of(task.direction).waiting.insert((ticket, id));
        }
    }

    /// Gives free places to those who wait for them.
    pub(super) fn admit(&mut self) {
        if self.closed {
            return;
        }
        for direction in [Direction::Upload, Direction::Download] {
            let limits = &self.config.limits;
            let limit = match direction {
                Direction::Upload => limits.uploads,
                Direction::Download => limits.downloads,
            };
            loop {
                let queue = self.queues.of(direction);
                if queue.active >= limit.max(1) {
                    break;
                }
                let Some((ticket, id)) = queue.waiting.pop_first() else {
                    break;
                };
                let Some(task) = self.tasks.get_mut(id).filter(|task| task.ticket == Some(ticket)) else {
                    continue;
                };
                task.ticket = None;
                task.admitted = true;
                self.queues.of(direction).active += 1;
                self.make_live(id);
                self.with_live(id, |transfer, cx| {
                    transfer.start(cx);
                    transfer.resume(cx);
                });
            }
        }
    }

    /// Frees the place of a transfer that has one.
    pub(super) fn leave_place(&mut self, id: TaskId) {
        if let Some(task) = self.tasks.get_mut(id)
            && core::mem::take(&mut task.admitted)
        {
            self.queues.of(task.direction).active -= 1;
        }
    }

    /// Builds the machine of an idle transfer.
    pub(super) fn make_live(&mut self, id: TaskId) {
        let (rng, now) = (self.rng.fork(), self.now.mono);
        let Some(task) = self.tasks.get_mut(id) else {
            return;
        };
        let ended = TaskBody::over(End::Failed(Error::Closed), Progress::default());
        task.body = match core::mem::replace(&mut task.body, ended) {
            TaskBody::Idle { spec, .. } => {
                self.live += 1;
                TaskBody::Live(Transfer::new(id, *spec, rng, now))
            }
            body => body,
        };
    }

    /// Ends a transfer that never began.
    pub(super) fn end_idle(&mut self, id: TaskId, error: Error) {
        if let Some(task) = self.tasks.get_mut(id) {
            let end = End::Failed(error);
            task.body = TaskBody::over(end.clone(), Progress::default());
            self.events.push(id, EventKind::Ended(end));
            self.depart(id);
        }
    }

    /// A transfer is over: frees its place and key, and lets its successor begin.
    pub(super) fn depart(&mut self, id: TaskId) {
        self.leave_queue(id);
        self.leave_place(id);
        let Some(task) = self.tasks.get_mut(id) else {
            return;
        };
        let key = task.key;
        if let Some(before) = task.after.take() {
            self.successors.remove(&before);
        }
        if task.forget {
            self.tasks.remove(id);
        }
        for map in [&mut self.keys, &mut self.leaving] {
            if map.get(&key) == Some(&id) {
                map.remove(&key);
            }
        }
        if let Some(next) = self.successors.remove(&id)
            && let Some(task) = self.tasks.get_mut(next)
        {
            task.after = None;
            if task.leaves {
                self.discard(next);
            } else if task.ticket.is_some() {
                self.enqueue(next);
            }
        }
        self.admit();
    }
}
