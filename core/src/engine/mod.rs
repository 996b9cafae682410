//! Many transfers: who may work, who may send, what is due.
//!
//! Here is what users ask of it. `places` says who works, `schedule` turns wishes into intents under all limits, `answers` takes the
//! results in, `standing` tells how things are; `authority`, `controller`, `timers` and `ops` are the books they keep.

mod answers;
mod authority;
mod controller;
pub(crate) mod events;
mod ops;
mod places;
mod room;
mod schedule;
mod standing;
mod task;
#[cfg(test)]
mod tests;
mod timers;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::num::NonZeroU32;

use crate::error::Error;
use crate::event::Event;
use crate::id::{OpId, Slab, TaskId};
use crate::rng::Rng;
use crate::spec::{CommandError, Config, Limits, Spec, Start, SubmitError, TransferKey};
use crate::time::{Now, Time};
use crate::transfer::{Cx, Run, Stop, Transfer};
use authority::{Authorities, AuthorityId};
use events::Events;
use ops::Op;
use places::Queues;
use task::{Place, Task, TaskBody};
use timers::Timers;

/// All transfers of one client as one state machine.
///
/// # Driving it
///
/// Call [`poll_intent`](Self::poll_intent) until it gives `None` and see to it that each intent is carried out; call
/// [`poll_event`](Self::poll_event) until it gives `None`; then wait until something happens or
/// [`poll_timeout`](Self::poll_timeout) is reached. What happened is told by a `handle_*` method; what the user wants by
/// [`submit`](Self::submit), [`pause`](Self::pause) and the others. Then begin again.
///
/// * Any order of calls is legal. Nothing has to be drained before anything else; polling late only makes things late.
/// * Every intent with an id is answered exactly once, also after [`Intent::Cancel`](crate::intent::Intent::Cancel). Answers
///   to ids that are not in flight are counted and otherwise ignored.
/// * Time never runs backwards between calls; if it does it is as if it stood still.
/// * Each call costs O(log n) in the number of transfers, plus O(m) in the requests in flight of the one transfer it is about.
///   Only [`snapshot`](Self::snapshot), [`set_limits`](Self::set_limits) and [`shutdown`](Self::shutdown) look at all.
pub struct Engine {
    config: Config,
    rng: Rng,
    tasks: Slab<TaskId, Task>,
    ops: Slab<OpId, Op>,
    keys: BTreeMap<TransferKey, TaskId>,
    /// Cancelled transfers that still hold what a successor with the same key needs.
    leaving: BTreeMap<TransferKey, TaskId>,
    successors: BTreeMap<TaskId, TaskId>,
    queues: Queues,
    authorities: Authorities,
    ready: BTreeSet<(u64, TaskId)>,
    /// Virtual time of the last transfer served: where newcomers join.
    clock: u64,
    local: VecDeque<TaskId>,
    cancels: VecDeque<OpId>,
    timers: Timers,
    events: Events,
    /// Requests in flight.
    requests: usize,
    /// Content bytes they asked for.
    bytes: u64,
    live: usize,
    stale: u64,
    closed: bool,
    /// The latest time seen.
    now: Now,
}

impl core::fmt::Debug for Engine {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Engine")
            .field("tasks", &self.tasks.len())
            .field("live", &self.live)
            .field("requests", &self.requests)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine without transfers. The same config, seed and calls give the same intents and events.
    #[must_use]
    pub fn new(config: Config, seed: u64) -> Self {
        Self {
            config,
            rng: Rng::new(seed),
            tasks: Slab::new(),
            ops: Slab::new(),
            keys: BTreeMap::new(),
            leaving: BTreeMap::new(),
            successors: BTreeMap::new(),
            queues: Queues::default(),
            authorities: Authorities::new(),
            ready: BTreeSet::new(),
            clock: 0,
            local: VecDeque::new(),
            cancels: VecDeque::new(),
            timers: Timers::default(),
            events: Events::default(),
            requests: 0,
            bytes: 0,
            live: 0,
            stale: 0,
            closed: false,
            now: Now::default(),
        }
    }

    /// Takes a transfer in. Nothing is done for it before it has a place, and nothing at all while it is paused.
    ///
    /// # Errors
    /// [`SubmitError::Duplicate`] names the transfer that is there already; a cancelled one does not count, its successor
    /// starts as soon as it is gone.
    pub fn submit(&mut self, spec: Spec, now: Now) -> Result<TaskId, SubmitError> {
        self.advance(now);
        if self.closed {
            return Err(SubmitError::Closed);
        }
        if let Some(&there) = self.keys.get(&spec.key) {
            return Err(SubmitError::Duplicate(there));
        }
        let key = spec.key;
        let after = self.leaving.get(&key).copied();
        let paused = spec.start == Start::Paused;
        let task = Task {
            key,
            direction: spec.direction,
            weight: spec.weight.get(),
            body: TaskBody::Idle { spec: Box::new(spec), paused },
            admitted: false,
            ticket: None,
            after,
            place: Place::Nowhere,
            vtime: 0,
            ops: Vec::new(),
            local_queued: false,
            leaves: false,
            forget: false,
        };
        let id = self.tasks.insert_with(|_| task).ok_or(SubmitError::Full)?;
        self.keys.insert(key, id);
        if let Some(before) = after {
            self.successors.insert(before, id);
        }
        if !paused {
            self.enqueue(id);
            self.admit();
        }
        Ok(id)
    }

    /// Stops the transfer; what is stored stays and `resume` goes on from it. Requests in flight are cancelled, except those
    /// whose answer must not be lost. No effect on a paused transfer.
    ///
    /// # Errors
    /// When there is no such transfer, or it is over.
    pub fn pause(&mut self, id: TaskId, now: Now) -> Result<(), CommandError> {
        self.advance(now);
        self.commandable(id)?;
        self.leave_queue(id);
        let task = self.commandable(id)?;
        match &mut task.body {
            TaskBody::Idle { paused, .. } => *paused = true,
            _ => self.with_live(id, Transfer::pause),
        }
        Ok(())
    }

    /// Lets a paused transfer go on, in its turn. No effect on one that is not paused.
    ///
    /// # Errors
    /// When there is no such transfer, or it is over.
    pub fn resume(&mut self, id: TaskId, now: Now) -> Result<(), CommandError> {
        self.advance(now);
        let task = self.commandable(id)?;
        let waits = match &mut task.body {
            TaskBody::Idle { paused, .. } => core::mem::replace(paused, false),
            TaskBody::Live(transfer) => transfer.run == Run::Paused && task.ticket.is_none(),
            TaskBody::Over(_) => false,
        };
        if waits {
            self.enqueue(id);
            self.admit();
        } else {
            self.with_live(id, |transfer, cx| {
                if transfer.run == Run::Pausing {
                    transfer.resume(cx);
                }
            });
        }
        Ok(())
    }

    /// Gives the transfer up: stops it, aborts what it opened on the server, removes what it stored. A commit under way is
    /// waited for; if it succeeds the transfer is completed.
    ///
    /// # Errors
    /// When there is no such transfer, or it is over.
    pub fn cancel(&mut self, id: TaskId, now: Now) -> Result<(), CommandError> {
        self.advance(now);
        self.commandable(id)?;
        self.leave_queue(id);
        let task = self.commandable(id)?;
        let key = task.key;
        let recorded = match &task.body {
            TaskBody::Idle { spec, .. } => spec.checkpoint.is_some() || spec.recall || spec.has_given_session(),
            _ => true,
        };
        if recorded && task.after.is_some() {
            // What is recorded is in the hands of the one before: it is cleaned up when that one is gone.
            task.leaves = true;
        } else if recorded {
            self.discard(id);
        } else {
            self.end_idle(id, Error::Cancelled);
        }
        if self.tasks.get(id).is_some_and(|task| !task.is_over()) && self.keys.get(&key) == Some(&id) {
            self.keys.remove(&key);
            self.leaving.insert(key, id);
        }
        Ok(())
    }

    /// Changes the transfer's share.
    ///
    /// # Errors
    /// When there is no such transfer, or it is over.
    pub fn set_weight(&mut self, id: TaskId, weight: NonZeroU32) -> Result<(), CommandError> {
        self.commandable(id)?.weight = weight.get();
        Ok(())
    }

    /// Changes the bounds. What is in flight stays; new work obeys at once.
    pub fn set_limits(&mut self, limits: Limits, now: Now) {
        self.advance(now);
        self.config.limits = limits;
        let authorities: Vec<AuthorityId> = self.authorities.ids().collect();
        for authority in authorities {
            self.wake(authority);
        }
        // One that had as many requests as it was allowed may want another; what one in line needs may have expired meanwhile.
        let ids: Vec<TaskId> = self.tasks.iter().map(|(id, _)| id).collect();
        for id in ids {
            self.touch(id);
        }
        self.admit();
    }

    /// Refuses new work and stops everything. Each transfer ends with [`Error::Closed`]; what is stored and recorded can be
    /// resumed by a later engine. Nothing is aborted on servers.
    pub fn shutdown(&mut self, now: Now) {
        self.advance(now);
        self.closed = true;
        let ids: Vec<TaskId> = self.tasks.iter().map(|(id, _)| id).collect();
        for id in ids {
            match self.tasks.get(id).map(|task| &task.body) {
                Some(TaskBody::Idle { .. }) => self.end_idle(id, Error::Closed),
                Some(TaskBody::Live(_)) => self.with_live(id, |transfer, cx| transfer.stop(Stop::Close, cx)),
                _ => {}
            }
        }
    }

    /// Whether it is shut down and nothing is in flight any more.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.closed && self.live == 0 && self.ops.len() == 0
    }

    /// Lets go of a transfer's last words; its id becomes unknown. One that has not ended is forgotten when it ends.
    pub fn forget(&mut self, id: TaskId) {
        if let Some(task) = self.tasks.get_mut(id) {
            task.forget = true;
            if task.is_over() {
                self.tasks.remove(id);
            }
        }
    }

    // Outputs besides intents.

    /// The next notification.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called, if nothing happens before. What was told or asked for since
    /// [`poll_intent`](Self::poll_intent) last gave `None` may not be in it yet: then it is early, or late by that.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.timers.first()
    }

    fn advance(&mut self, now: Now) {
        self.now = Now { mono: self.now.mono.max(now.mono), wall: now.wall };
    }

    fn commandable(&mut self, id: TaskId) -> Result<&mut Task, CommandError> {
        let closed = self.closed;
        let task = self.tasks.get_mut(id).ok_or(CommandError::Unknown)?;
        let stopping = task.live().is_some_and(Transfer::is_stopping);
        if task.is_over() || task.leaves || stopping {
            Err(CommandError::Over)
        } else if closed {
            Err(CommandError::Closed)
        } else {
            Ok(task)
        }
    }

    /// Cleans up for a cancelled transfer.
    fn discard(&mut self, id: TaskId) {
        self.make_live(id);
        self.with_live(id, |transfer, cx| transfer.stop(Stop::Cancel, cx));
    }

    /// Calls a live transfer and then does what the call made necessary.
    fn with_live(&mut self, id: TaskId, call: impl FnOnce(&mut Transfer, &mut Cx<'_>)) {
        if let Some(transfer) = self.tasks.get_mut(id).and_then(Task::live_mut) {
            let mut cx = Cx { now: self.now, config: &self.config, events: &mut self.events };
            call(transfer, &mut cx);
        }
        self.touch(id);
    }
}
