//! Many transfers: who may work, who may send, what is due.
//!
//! `schedule` turns wishes into intents under all limits, `answers` takes the results in, `authority`, `controller`, `timers`
//! and `ops` are the books they keep.

mod answers;
mod authority;
mod controller;
pub(crate) mod events;
mod ops;
mod schedule;
mod task;
#[cfg(test)]
mod tests;
mod timers;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use core::num::NonZeroU32;

use crate::checkpoint::Checkpoint;
use crate::error::Error;
use crate::event::{End, Event, EventKind, Progress, Snapshot, State, TaskSnapshot};
use crate::id::{OpId, Slab, TaskId};
use crate::rng::Rng;
use crate::spec::{CommandError, Config, Direction, Limits, Spec, Start, SubmitError, TransferKey};
use crate::time::{Now, Time};
use crate::transfer::{Cx, Run, Stop, Transfer};
use authority::{Authorities, AuthorityId};
use events::Events;
use ops::Op;
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

/// Who waits for a place to work, first come first served, per direction.
#[derive(Debug, Default)]
struct Queues {
    uploads: Queue,
    downloads: Queue,
    tickets: u64,
}

#[derive(Debug, Default)]
struct Queue {
    /// By ticket; whoever leaves takes its ticket along.
    waiting: BTreeSet<(u64, TaskId)>,
    active: usize,
}

impl Queues {
    const fn of(&mut self, direction: Direction) -> &mut Queue {
        match direction {
            Direction::Upload => &mut self.uploads,
            Direction::Download => &mut self.downloads,
        }
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

    // Commands.

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
            blocked: None,
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

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called, if nothing happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.timers.first()
    }

    // Quantities.

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

    // Inside.

    fn advance(&mut self, now: Now) {
        self.now = Now { mono: self.now.mono.max(now.mono), wall: now.wall };
    }

    fn is_waiting(&self, task: &Task) -> bool {
        let Some(transfer) = task.live() else {
            return false;
        };
        let retries = || transfer.reason.is_some() && transfer.retries_at(self.now.mono).is_some();
        transfer.in_flight() == 0 && (task.blocked.is_some() || retries())
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

    fn leave_queue(&mut self, id: TaskId) {
        if let Some(task) = self.tasks.get_mut(id)
            && let Some(ticket) = task.ticket.take()
        {
            self.queues.of(task.direction).waiting.remove(&(ticket, id));
        }
    }

    fn enqueue(&mut self, id: TaskId) {
        self.leave_queue(id);
        let Some(task) = self.tasks.get_mut(id) else {
            return;
        };
        self.queues.tickets += 1;
        task.ticket = Some(self.queues.tickets);
        if task.after.is_none() {
            let entry = (self.queues.tickets, id);
            self.queues.of(task.direction).waiting.insert(entry);
        }
    }

    /// Gives free places to those who wait for them.
    fn admit(&mut self) {
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

    /// Builds the machine of an idle transfer.
    fn make_live(&mut self, id: TaskId) {
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

    /// Calls a live transfer and then does what the call made necessary.
    fn with_live(&mut self, id: TaskId, call: impl FnOnce(&mut Transfer, &mut Cx<'_>)) {
        if let Some(transfer) = self.tasks.get_mut(id).and_then(Task::live_mut) {
            let mut cx = Cx { now: self.now, config: &self.config, events: &mut self.events };
            call(transfer, &mut cx);
        }
        self.touch(id);
    }

    /// Ends a transfer that never began.
    fn end_idle(&mut self, id: TaskId, error: Error) {
        if let Some(task) = self.tasks.get_mut(id) {
            let end = End::Failed(error);
            task.body = TaskBody::over(end.clone(), Progress::default());
            self.events.push(id, EventKind::Ended(end));
            self.depart(id);
        }
    }

    /// A transfer is over: frees its place and key, and lets its successor begin.
    fn depart(&mut self, id: TaskId) {
        self.leave_queue(id);
        let Some(task) = self.tasks.get_mut(id) else {
            return;
        };
        let (key, direction) = (task.key, task.direction);
        let admitted = core::mem::take(&mut task.admitted);
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
        if admitted {
            self.queues.of(direction).active -= 1;
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
