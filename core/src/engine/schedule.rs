//! From wishes to intents: who may send next, under all limits.
//!
//! Transfers that could send stand in one line ordered by virtual time (bytes granted, those in flight twice, divided by weight), so
//! that shares follow weights and nobody starves. One whose authority has no free place waits with that authority instead of blocking
//! the line. Nothing is prepared ahead: a request is built in the moment it is polled.

use alloc::boxed::Box;

use super::Engine;
use super::authority::AuthorityId;
use super::ops::{Op, OpKind, Request, Watch};
use super::task::{Place, Task, TaskBody};
use crate::error::{Error, Usage};
use crate::event::Progress;
use crate::id::{OpId, TaskId};
use crate::intent::Intent;
use crate::spec::Direction;
use crate::time::{Now, Time};
use crate::transfer::parts::Allowance;
use crate::transfer::{Cx, Local, Planned, Run, Want};

/// What a request without content, or a very small one, counts in virtual time, in bytes.
const LEAST_COST: u64 = 64 << 10;
/// What a request for a body of unknown length counts, in bytes.
const OPEN_COST: u64 = 64 << 20;
/// Virtual time is kept with this many fractional bits.
const FRACTION: u32 = 8;

impl Engine {
    /// The next thing to do, or `None` when nothing may start now.
    pub fn poll_intent(&mut self, now: Now) -> Option<Intent> {
        self.advance(now);
        loop {
            if let Some(op) = self.poll_cancel() {
                return Some(Intent::Cancel { op });
            }
            if let Some(intent) = self.poll_local().or_else(|| self.poll_request()) {
                return Some(intent);
            }
            // A request that could not be made leaves other work behind: at most once per transfer, which has left the line.
            if self.local.is_empty() && self.cancels.is_empty() {
                return None;
            }
        }
    }

    fn poll_cancel(&mut self) -> Option<OpId> {
        while let Some(op) = self.cancels.pop_front() {
            // It may have been answered in the meantime.
            if self.ops.get(op).is_some() {
                return Some(op);
            }
        }
        None
    }

    fn poll_local(&mut self) -> Option<Intent> {
        while let Some(id) = self.local.pop_front() {
            let Some(task) = self.tasks.get_mut(id) else {
                continue;
            };
            task.local_queued = false;
            let Some(transfer) = task.live_mut() else {
                continue;
            };
            let mut cx = Cx { now: self.now, config: &self.config, events: &mut self.events };
            let before = (transfer.phase(), transfer.run);
            let Some(local) = transfer.next_local(&mut cx) else {
                // Nothing to do may itself be a step, to where there is something to do.
                if before == (transfer.phase(), transfer.run) {
                    self.touch_quietly(id);
                } else {
                    self.touch(id);
                }
                continue;
            };
            return self.issue_local(id, local);
        }
        None
    }

    fn issue_local(&mut self, id: TaskId, local: Local) -> Option<Intent> {
        let kind = match &local {
            Local::Recall => OpKind::Recall,
            Local::File(_) => OpKind::File,
            Local::Journal(_) => OpKind::Journal,
            Local::Ask(_) => OpKind::Ask,
        };
        let op = self.ops.insert_with(|_| Op { task: id, kind, cancelling: false })?;
        if let Some(task) = self.tasks.get_mut(id) {
            task.ops.push(op);
            if let Some(transfer) = task.live_mut() {
                transfer.local_issued(op, &local, self.now.mono);
            }
        }
        self.touch_later(id);
        Some(match local {
            Local::Recall => Intent::Recall { op, task: id },
            Local::File(action) => Intent::File { op, task: id, action },
            Local::Journal(action) => Intent::Journal { op, task: id, action },
            Local::Ask(question) => Intent::Ask { op, task: id, question },
        })
    }

    /// It is a transfer's turn, and what its request needs is asked for: the place is left to others until the answer comes.
    fn ask(&mut self, id: TaskId) -> Option<Intent> {
        self.unplace(id);
        let transfer = self.tasks.get_mut(id)?.live_mut()?;
        let mut cx = Cx { now: self.now, config: &self.config, events: &mut self.events };
        let question = transfer.question(&mut cx)?;
        self.issue_local(id, Local::Ask(question))
    }

    fn poll_request(&mut self) -> Option<Intent> {
        while self.requests < self.config.limits.requests.max(1) {
            let &(turn, id) = self.ready.first()?;
            let (limits, now) = (self.config.limits, self.now);
            let Some(transfer) = self.tasks.get(id).and_then(Task::live) else {
                self.unplace(id);
                continue;
            };
            let authority = self.authorities.entry(transfer.authority(), self.config.concurrency, now.mono)?;
            let mut may = self.allowance(transfer);
            let mut wish = self.wish(id, may);
            if let Want::Request { retry: true, .. } = wish
                && let shared = self.authorities.get_mut(authority)?
                && !shared.budget.affords(now.mono)
            {
                let next = shared.budget.next();
                may.retries = false;
                wish = self.wish(id, may);
                if wish == Want::Nothing {
                    self.unplace(id);
                    if let Some(shared) = self.authorities.get_mut(authority) {
                        shared.unpaid.insert(id);
                    }
                    if let Some(transfer) = self.tasks.get_mut(id).and_then(Task::live_mut) {
                        transfer.blocked = Some(next);
                        // No place is what it lacks.
                        transfer.starves_at = None;
                    }
                    self.set_timer(id);
                    continue;
                }
            }
            let bytes = match wish {
                Want::Request { bytes, .. } | Want::Question { bytes } => bytes,
                Want::Nothing => {
                    self.unplace(id);
                    self.touch(id);
                    continue;
                }
            };
            let cost = if bytes == u64::MAX { OPEN_COST } else { bytes };
            let fits = self.bytes.checked_add(cost).is_some_and(|bytes| bytes <= limits.bytes_in_flight);
            if self.bytes > 0 && !fits {
                return None;
            }
            let shared = self.authorities.get_mut(authority)?;
            if shared.is_full(limits.per_authority) {
                shared.controller.saturate();
                shared.waiting.insert((turn, id));
                self.ready.remove(&(turn, id));
                if let Some(task) = self.tasks.get_mut(id) {
                    task.place = Place::Waiting(authority);
                }
                continue;
            }
            if matches!(wish, Want::Question { .. }) {
                if let Some(intent) = self.ask(id) {
                    return Some(intent);
                }
                continue;
            }
            if let Some(intent) = self.issue(id, authority, cost, may) {
                return Some(intent);
            }
        }
        None
    }

    /// What a transfer would send.
    fn wish(&self, id: TaskId, may: Allowance) -> Want {
        let live = self.tasks.get(id).and_then(Task::live);
        live.map_or(Want::Nothing, |transfer| transfer.want(self.now, &self.config, may))
    }

    /// Makes the request. `None` when it could not be built: the transfer has failed then.
    fn issue(&mut self, id: TaskId, authority: AuthorityId, cost: u64, may: Allowance) -> Option<Intent> {
        let now = self.now;
        let op = self.ops.insert_with(|_| Op { task: id, kind: OpKind::File, cancelling: false })?;
        let task = self.tasks.get_mut(id)?;
        let weight = u64::from(task.weight);
        let transfer = task.live_mut()?;
        let Some(Planned { step, retry }) = transfer.plan(op, now, &self.config, may) else {
            self.ops.remove(op);
            self.unplace(id);
            return None;
        };
        let deadlines = transfer.spec.deadlines;
        let digest = transfer.sent_digest(&step);
        let request = match transfer.spec.provider.build(&step, &transfer.context(), now) {
            Ok(request) => request,
            Err(error) => {
                self.ops.remove(op);
                self.with_live(id, |transfer, cx| {
                    transfer.unbuildable(op, &step, Error::Usage(Usage::Build(error)), cx);
                });
                return None;
            }
        };
        task.ops.push(op);
        // Never nothing, whatever the weight: who is charged nothing is always first.
        let granted = (cost.max(LEAST_COST).saturating_mul(1 << FRACTION) / weight).max(1);
        let watch = Watch::new(deadlines, request.body().len(), now.mono);
        let due = watch.due();
        if let Some(entry) = self.ops.get_mut(op) {
            entry.kind = OpKind::Http(Box::new(Request {
                step,
                authority,
                cost,
                granted,
                retry,
                head: None,
                timeout: None,
                watch,
            }));
        }
        self.requests += 1;
        self.bytes += cost;
        let mut earned = false;
        if let Some(shared) = self.authorities.get_mut(authority) {
            shared.in_flight += 1;
            if retry {
                shared.budget.spend();
            } else {
                earned = shared.budget.earn();
            }
        }
        if earned {
            self.unblock(authority);
        }
        self.unplace(id);
        if let Some(task) = self.tasks.get_mut(id) {
            self.clock = self.clock.max(task.vtime);
            task.vtime = task.vtime.saturating_add(granted);
            if let Some(transfer) = task.live_mut() {
                transfer.flying = transfer.flying.saturating_add(granted);
                transfer.clocks = transfer.clocks.min(due);
            }
        }
        self.touch_later(id);
        Some(Intent::Http { op, task: id, request, digest, deadlines })
    }

    /// Whatever a call to a transfer made necessary: cancels, its place in the lines, its timer, its end.
    pub(super) fn touch(&mut self, id: TaskId) {
        self.touch_later(id);
        self.touch_quietly(id);
    }

    /// The same when intents are polled next, before any request is made: enough where nothing can have ended.
    pub(super) fn touch_later(&mut self, id: TaskId) {
        if let Some(task) = self.tasks.get_mut(id)
            && !task.local_queued
            && task.live().is_some()
        {
            task.local_queued = true;
            self.local.push_back(id);
        }
    }

    /// The same without asking it for local work again.
    fn touch_quietly(&mut self, id: TaskId) {
        self.relieve(id);
        let Some(task) = self.tasks.get_mut(id) else {
            return;
        };
        let TaskBody::Live(transfer) = &mut task.body else {
            return;
        };
        for op in transfer.cancels.drain(..) {
            if let Some(op_entry) = self.ops.get_mut(op)
                && !core::mem::replace(&mut op_entry.cancelling, true)
            {
                self.cancels.push_back(op);
            }
        }
        if transfer.is_over() {
            self.retire(id);
            return;
        }
        if transfer.run == Run::Paused && task.admitted {
            self.leave_place(id);
            self.admit();
        }
        self.place(id);
        self.set_timer(id);
    }

    /// Puts a transfer in line if it could send, takes it out if it could not.
    pub(super) fn place(&mut self, id: TaskId) {
        let (mut blocked, mut wants) = (false, false);
        if let Some(transfer) = self.tasks.get(id).and_then(Task::live) {
            let may = self.allowance(transfer);
            blocked = transfer.blocked.is_some_and(|until| until > self.now.mono);
            wants = !blocked && transfer.want(self.now, &self.config, may) != Want::Nothing;
            if !wants && !blocked {
                self.saturate(id, may);
            }
        }
        let now = self.now.mono;
        let Some(task) = self.tasks.get_mut(id) else {
            return;
        };
        if let Some(transfer) = task.live_mut() {
            transfer.blocked = transfer.blocked.filter(|_| blocked);
            transfer.starve(wants, now);
        }
        let moved = match task.place {
            Place::Nowhere if wants => true,
            Place::Nowhere => return,
            Place::Ready(_) if wants => return,
            Place::Waiting(there) if wants => {
                // It may go to another server by now.
                let here = task.live().and_then(|transfer| self.authorities.find(transfer.authority()));
                if here == Some(there) {
                    return;
                }
                true
            }
            Place::Ready(_) | Place::Waiting(_) => false,
        };
        self.unplace(id);
        if moved && let Some(task) = self.tasks.get_mut(id) {
            task.vtime = task.vtime.max(self.clock);
            task.place = Place::Ready(None);
            self.ready.insert((task.turn(), id));
        }
    }

    fn unplace(&mut self, id: TaskId) {
        let Some(task) = self.tasks.get_mut(id) else {
            return;
        };
        match core::mem::replace(&mut task.place, Place::Nowhere) {
            Place::Nowhere => {}
            Place::Ready(woken_by) => {
                self.ready.remove(&(task.turn(), id));
                // Whether it took the place it was woken for or not: what is left goes to the next.
                if let Some(authority) = woken_by {
                    self.wake(authority);
                }
            }
            Place::Waiting(authority) => {
                if let Some(authority) = self.authorities.get_mut(authority) {
                    authority.waiting.remove(&(task.turn(), id));
                }
            }
        }
    }

    /// A request that counted as `granted` is over: the transfer moves forward in whatever line it is in.
    pub(super) fn land(&mut self, id: TaskId, granted: u64) {
        let Some(task) = self.tasks.get_mut(id) else {
            return;
        };
        let line = match task.place {
            Place::Nowhere => None,
            Place::Ready(_) => Some(&mut self.ready),
            Place::Waiting(authority) => self.authorities.get_mut(authority).map(|authority| &mut authority.waiting),
        };
        let before = task.turn();
        if let Some(transfer) = task.live_mut() {
            transfer.flying = transfer.flying.saturating_sub(granted);
        }
        if let Some(line) = line
            && line.remove(&(before, id))
        {
            line.insert((task.turn(), id));
        }
    }

    /// Lets those into the line for whom an authority has a place.
    pub(super) fn wake(&mut self, authority: AuthorityId) {
        let limit = self.config.limits.per_authority;
        let Some(shared) = self.authorities.get_mut(authority) else {
            return;
        };
        for (turn, id) in shared.wake(limit) {
            if let Some(task) = self.tasks.get_mut(id) {
                task.place = Place::Ready(Some(authority));
                self.ready.insert((turn, id));
            }
        }
    }

    /// There is something in the retry budget again before its time: for one of those who wait for it.
    pub(super) fn unblock(&mut self, authority: AuthorityId) {
        while let Some(id) = self.authorities.get_mut(authority).and_then(|shared| shared.unpaid.pop_first()) {
            if let Some(transfer) = self.tasks.get_mut(id).and_then(Task::live_mut)
                && transfer.blocked.take().is_some()
            {
                self.touch(id);
                return;
            }
        }
    }

    /// The transfer's next deadline: a retry, a checkpoint, a clock of one of its requests.
    fn set_timer(&mut self, id: TaskId) {
        let Some(task) = self.tasks.get(id) else {
            return;
        };
        let now = self.now.mono;
        let next = task.live().map(|transfer| {
            let own = transfer.deadline(now, &self.config);
            // One that starves is looked at even when that is late: only then it is given another time.
            let waits = [transfer.blocked.filter(|&at| at > now), transfer.starves_at, own];
            waits.into_iter().flatten().fold(transfer.clocks, Time::min)
        });
        self.timers.set(id, next);
    }

    /// A transfer has ended: only its last words are kept.
    fn retire(&mut self, id: TaskId) {
        self.unplace(id);
        self.timers.set(id, None);
        let now = self.now.mono;
        let Some(task) = self.tasks.get_mut(id) else {
            return;
        };
        let TaskBody::Live(transfer) = &mut task.body else {
            return;
        };
        let progress: Progress = transfer.progress(now);
        let end = transfer.end.take().unwrap_or(crate::event::End::Failed(Error::Closed));
        task.body = TaskBody::over(end, progress);
        self.live -= 1;
        self.depart(id);
    }

    pub(super) fn forget_op(&mut self, task: TaskId, op: OpId) {
        if let Some(task) = self.tasks.get_mut(task) {
            Task::drop_op(task, op);
        }
    }

    /// The consumer of a windowed download took everything before `upto`.
    pub fn handle_consumed(&mut self, task: TaskId, upto: u64, now: Now) {
        self.advance(now);
        let downloads = self.tasks.get(task).is_some_and(|task| task.direction == Direction::Download);
        if downloads {
            self.with_live(task, |transfer, _| transfer.on_consumed(upto));
        }
    }
}

impl Task {
    fn drop_op(&mut self, op: OpId) {
        self.ops.retain(|&other| other != op);
    }
}
