//! Judging answers: what is tried again and when, what is followed, what is final.

use alloc::string::String;
use core::mem;

use crate::checkpoint::Stage;
use crate::error::{Changed, Error, Fault, FaultKind, Sent, ServerFault, ServerFaultKind};
use crate::event::{EventKind, Restart};
use crate::id::OpId;
use crate::intent::Moved;
use crate::provider::{Begin, Reply, Step, StepKind, Verdict};
use crate::retry::RetryAfter;
use crate::spec::{Direction, OnChange};
use crate::time::Time;
use crate::transfer::parts::Tries;
use crate::transfer::phase::Signal;
use crate::transfer::{Cx, Exchange, Phase, Run, Stop, Transfer};

/// Stale connections in a row that are repeated without being counted.
const STALE: u32 = 3;

/// What becomes of a piece of work that did not succeed.
pub(super) enum Next {
    /// It is tried again at `due`.
    Again { tries: Tries, due: Time },
    /// It is hopeless.
    Failed(Error),
    /// Something else now happens in its place (a restart, another phase).
    Handled,
}

impl Transfer {
    /// A request is over.
    pub(crate) fn on_http(&mut self, op: OpId, step: &Step, moved: Moved, exchange: Exchange, cx: &mut Cx<'_>) {
        if let Some(flight) = self.parts.land(op) {
            match self.spec.direction {
                Direction::Download => self.range_landed(flight, moved, exchange, cx),
                Direction::Upload => self.part_landed(flight, step, moved, exchange, cx),
            }
        } else if self.single.op == Some(op) {
            self.single.op = None;
            self.single_answered(step, exchange, cx);
        }
        self.settle(cx);
    }

    fn single_answered(&mut self, step: &Step, exchange: Exchange, cx: &mut Cx<'_>) {
        let kind = step.kind();
        if self.stop.is_some() && !self.phase.is_committing() && self.phase != Phase::Aborting {
            self.answered_too_late(kind, exchange, cx);
            return;
        }
        let next = match exchange {
            Exchange::Judged(Ok(reply)) => {
                self.succeeded();
                self.single.tries = Tries::default();
                self.single_replied(step, reply, cx);
                return;
            }
            Exchange::Judged(Err(verdict)) => self.judge_single(verdict, kind, cx),
            Exchange::Broken(fault) => self.single_broke(fault, kind, cx),
            Exchange::Local(fault) => Next::Failed(Error::Disk(fault)),
            Exchange::Cancelled | Exchange::Moved => Next::Handled,
        };
        match next {
            Next::Again { tries, due } => {
                self.single.tries = tries;
                self.single.due = Some(due);
            }
            Next::Failed(error) => self.give_up(error, cx),
            Next::Handled => {}
        }
    }

    /// The answer to a request that nobody needs any more: a session that was opened must still be noticed.
    fn answered_too_late(&mut self, kind: StepKind, exchange: Exchange, cx: &mut Cx<'_>) {
        if kind != StepKind::Begin || self.profile.begin != Begin::Creates {
            return;
        }
        match exchange {
            Exchange::Judged(Ok(Reply::Begun { session: Some(session), .. })) => self.session_opened(session),
            Exchange::Judged(Err(Verdict::Unknown(_))) => self.maybe_orphan(cx),
            Exchange::Broken(Fault { sent: Sent::No, .. }) | Exchange::Judged(Err(_)) => {}
            _ => self.maybe_orphan(cx),
        }
    }

    fn single_replied(&mut self, step: &Step, reply: Reply, cx: &mut Cx<'_>) {
        match (step, reply) {
            (Step::Probe | Step::ProbeRange, Reply::Object(object)) => self.probed(object, cx),
            (Step::Probe | Step::ProbeRange, Reply::Unsatisfiable { total: Some(0) }) => {
                let object = crate::provider::Object { total: Some(0), ..Default::default() };
                self.probed(object, cx);
            }
            (Step::Begin, Reply::Begun { session, next, receipt }) => self.begun(session, next, receipt, cx),
            (Step::ListParts { .. }, Reply::Parts { parts, marker }) => self.listed(parts, marker, cx),
            (Step::Confirm, Reply::Committed(receipt)) if self.source.whole => self.whole_confirmed(receipt, cx),
            (Step::Commit | Step::Confirm, Reply::Committed(receipt)) => self.complete(Signal::Committed, receipt, cx),
            (Step::Confirm, Reply::NotCommitted) => self.not_committed(cx),
            (Step::Abort, Reply::Aborted) => self.session_aborted(cx),
            (step, _) => {
                let kind = step.kind();
                self.give_up(protocol(kind, "an answer of another kind than the request asked for"), cx);
            }
        }
    }

    fn judge_single(&mut self, verdict: Verdict, kind: StepKind, cx: &mut Cx<'_>) -> Next {
        let unsure = matches!(&verdict, Verdict::Unknown(_));
        let kind_of_fault = match &verdict {
            Verdict::Fatal(fault) | Verdict::Unknown(fault) => Some(fault.kind),
            _ => None,
        };
        let gone = kind_of_fault == Some(ServerFaultKind::NotFound);
        // A connection that turned out stale may have carried the request all the same.
        let asked_before = self.single.tries.is_retry() || self.session.resumed || self.session.commits > 0;
        match kind {
            StepKind::Commit if unsure || gone => {
                self.session.gone |= gone;
                self.commit_unknown(verdict, cx)
            }
            // The object that stands in the way may be the one that an earlier try made.
            StepKind::Commit
                if kind_of_fault == Some(ServerFaultKind::Conflict) && asked_before && self.profile.confirm =>
            {
                if let Verdict::Fatal(fault) = &verdict {
                    self.session.conflict = Some(fault.clone());
                }
                self.commit_unknown(verdict, cx)
            }
            // A refusal on the first try is an answer: there is no object.
            StepKind::Commit if matches!(&verdict, Verdict::Fatal(_)) => {
                self.session.known_uncommitted = !asked_before;
                self.judge(verdict, self.single.tries, kind, cx)
            }
            StepKind::Begin if unsure && self.profile.begin == Begin::Creates => {
                self.maybe_orphan(cx);
                self.judge(verdict, self.single.tries, kind, cx)
            }
            StepKind::Abort if gone => {
                self.session_aborted(cx);
                Next::Handled
            }
            // A commit that a former run sent may have taken effect since it was asked about: that would end the session, too.
            StepKind::ListParts
                if gone && self.profile.confirm && self.session.stage == Stage::Committing && !self.session.gone =>
            {
                self.session.gone = true;
                self.signal(Signal::CommitPending, cx);
                Next::Handled
            }
            StepKind::ListParts if gone => {
                self.session_gone(cx);
                Next::Handled
            }
            _ => self.judge(verdict, self.single.tries, kind, cx),
        }
    }

    /// A commit may or may not have taken effect: ask, or where asking is not possible try it again.
    fn commit_unknown(&mut self, verdict: Verdict, cx: &mut Cx<'_>) -> Next {
        if self.profile.confirm {
            self.signal(Signal::Unknown, cx);
            return Next::Handled;
        }
        match verdict {
            Verdict::Unknown(fault) => self.again(self.single.tries, Error::Server(fault), None, StepKind::Commit, cx),
            verdict => self.judge(verdict, self.single.tries, StepKind::Commit, cx),
        }
    }

    fn single_broke(&mut self, fault: Fault, kind: StepKind, cx: &mut Cx<'_>) -> Next {
        if fault.sent == Sent::Maybe {
            // A commit over a connection that turned out stale is sent again: whether it had effect shows by the answer.
            if kind == StepKind::Commit && self.profile.confirm && fault.kind != FaultKind::Stale {
                self.signal(Signal::Unknown, cx);
                return Next::Handled;
            }
            // A session more shows by nothing.
            if kind == StepKind::Begin && self.profile.begin == Begin::Creates {
                self.maybe_orphan(cx);
            }
        }
        self.broke(fault, self.single.tries, kind, cx)
    }

    /// What an unsuccessful answer means for a piece of work that has failed `tries` times.
    pub(super) fn judge(&mut self, verdict: Verdict, tries: Tries, kind: StepKind, cx: &mut Cx<'_>) -> Next {
        let now = cx.now.mono;
        match verdict {
            Verdict::Retry { fault, after } => self.again(tries, Error::Server(fault), after, kind, cx),
            Verdict::Unknown(fault) => self.again(tries, Error::Server(fault), None, kind, cx),
            // Sent before another answer showed the way: it goes there, which is no hop of its own.
            Verdict::Redirect { .. } if tries.way != self.way => Next::Again { tries, due: now },
            Verdict::Redirect { location, fault } => {
                let downgrade = location.scheme_str() == Some("http") && self.is_secure();
                let policy = cx.config.redirects;
                let may = self.spec.direction == Direction::Download
                    && self.hops < policy.most
                    && (policy.downgrade || !downgrade);
                if !may {
                    return Next::Failed(Error::Server(fault));
                }
                self.hops += 1;
                self.way += 1;
                self.location = Some(location);
                Next::Again { tries, due: now }
            }
            // Sent before a fresh provider came, a redirect's target was given up or the clock was learned: that is not a refusal of
            // what counts now.
            Verdict::Refresh(_) | Verdict::Skew { .. } | Verdict::Plain(_) | Verdict::Fatal(_)
                if tries.way != self.way =>
            {
                Next::Again { tries, due: now }
            }
            Verdict::Refresh(fault) => self.refused(fault, tries, kind, cx),
            Verdict::Skew { server, fault } => {
                if mem::replace(&mut self.skew_learned, true) {
                    return Next::Failed(Error::Server(fault));
                }
                self.skew = server.as_unix().saturating_sub(cx.now.wall.as_unix());
                self.way += 1;
                Next::Again { tries, due: now }
            }
            Verdict::Plain(fault) => {
                if mem::replace(&mut self.plain, true) {
                    return Next::Failed(Error::Server(fault));
                }
                self.way += 1;
                Next::Again { tries, due: now }
            }
            Verdict::ProbeByRange if kind == StepKind::Probe && !self.remote.by_range => {
                self.remote.by_range = true;
                Next::Again { tries, due: now }
            }
            Verdict::ProbeByRange => {
                Next::Failed(protocol(kind, "neither HEAD nor a ranged GET tells about the object"))
            }
            Verdict::Changed(changed) => {
                self.changed(changed, cx);
                Next::Handled
            }
            // A redirect's target may have expired; the original URL gives a fresh one.
            Verdict::Fatal(fault) => {
                if self.leaves_location() {
                    self.again(tries, Error::Server(fault), None, kind, cx)
                } else {
                    Next::Failed(Error::Server(fault))
                }
            }
        }
    }

    /// Goes back to the original URL, if a redirect led elsewhere.
    fn leaves_location(&mut self) -> bool {
        let led = self.location.take().is_some();
        if led {
            self.hops = 0;
            self.way += 1;
        }
        led
    }

    fn is_secure(&self) -> bool {
        match &self.location {
            Some(location) => location.scheme_str() == Some("https"),
            None => self.spec.provider.object().starts_with("https:"),
        }
    }

    /// A credential or URL was refused: one fresh one is asked for; a second refusal in a row is final.
    fn refused(&mut self, fault: ServerFault, tries: Tries, kind: StepKind, cx: &mut Cx<'_>) -> Next {
        if self.leaves_location() {
            return self.again(tries, Error::Server(fault), None, kind, cx);
        }
        if !self.profile.refresh {
            return Next::Failed(Error::Issuer(fault));
        }
        if self.refresh.wanted.is_none() {
            if self.refresh.refusals > 0 {
                return Next::Failed(Error::Issuer(fault));
            }
            self.refresh.refusals += 1;
            self.refresh.wanted = Some(fault);
        }
        Next::Again { tries, due: cx.now.mono }
    }

    /// An exchange broke.
    pub(super) fn broke(&mut self, fault: Fault, mut tries: Tries, kind: StepKind, cx: &mut Cx<'_>) -> Next {
        if fault.kind == FaultKind::Stale && tries.stale < STALE {
            tries.stale += 1;
            return Next::Again { tries, due: cx.now.mono };
        }
        // An untrusted certificate does not become trusted by asking again.
        if fault.kind == FaultKind::Tls {
            return Next::Failed(Error::Network(fault));
        }
        self.again(tries, Error::Network(fault), None, kind, cx)
    }

    /// One more try, if the policy has one left.
    pub(super) fn again(
        &mut self,
        mut tries: Tries,
        why: Error,
        after: Option<RetryAfter>,
        kind: StepKind,
        cx: &mut Cx<'_>,
    ) -> Next {
        tries.failed += 1;
        tries.stale = 0;
        if tries.failed > self.spec.retry.retries {
            return Next::Failed(why);
        }
        let due = self.spec.retry.due(tries.failed, after, &mut self.rng, cx.now);
        let delay = due.since(cx.now.mono);
        self.reason = Some(why.clone());
        cx.events.push(self.id, EventKind::Retrying { step: kind, attempt: tries.failed, delay, reason: why });
        Next::Again { tries, due }
    }

    /// Something worked.
    pub(super) fn succeeded(&mut self) {
        self.refresh.refusals = 0;
        self.hops = 0;
        self.parts.succeeded();
        // What still waits for its retry keeps its reason.
        if self.parts.delayed.is_empty() {
            self.reason = None;
        }
    }

    /// The remote object is another one: start over as far as policy and budget go.
    pub(super) fn changed(&mut self, changed: Changed, cx: &mut Cx<'_>) {
        if self.spec.direction == Direction::Upload || self.spec.on_change == OnChange::Fail {
            self.fail(Error::Changed(changed), cx);
        } else {
            self.start_over(Restart::Changed(changed));
        }
    }

    /// Begins a restart: it takes effect when nothing is in flight any more.
    pub(super) fn start_over(&mut self, why: Restart) {
        if self.restart.is_none() && self.stop.is_none() {
            self.restart = Some(why);
            self.parts.clear();
            self.cancel_interruptible();
        }
    }

    fn apply_restart(&mut self, why: Restart, cx: &mut Cx<'_>) {
        self.restarts += 1;
        if self.restarts > self.spec.retry.restarts {
            let error = match why {
                Restart::Changed(changed) => Error::Changed(changed),
                Restart::SessionGone => {
                    protocol(StepKind::Begin, "every session opened was gone again before it was used")
                }
                Restart::LocalLost | Restart::Unpinned => Error::Changed(Changed::Ranges),
            };
            self.fail(error, cx);
            return;
        }
        cx.events.push(self.id, EventKind::Restarted(why));
        // Nothing of what crossed the network stays.
        self.progress.resent = self.progress.moved;
        self.progress.reused = 0;
        self.reused_told = false;
        match self.spec.direction {
            Direction::Download => self.restart_download(cx),
            Direction::Upload => self.restart_upload(cx),
        }
    }

    /// Stops what may be stopped without losing track of something on the server.
    pub(super) fn cancel_interruptible(&mut self) {
        for flight in &mut self.parts.flights {
            flight.cancelled = true;
            self.cancels.push(flight.op);
        }
        if !self.phase.is_committing() && self.phase != Phase::Aborting && !self.single.opens {
            self.cancels.extend(self.single.op);
        }
        if matches!(self.phase, Phase::Hashing | Phase::Rechecking | Phase::Verifying | Phase::Ending)
            || self.phase == Phase::Inspecting
            || self.source.hashing.is_some()
        {
            self.cancels.extend(self.file);
        }
        self.cancels.extend(self.refresh.op);
    }

    /// Stops everything, whatever it leaves behind: the client closes.
    pub(super) fn cancel_all(&mut self) {
        self.cancel_interruptible();
        self.cancels.extend(self.single.op);
    }

    /// Takes the steps that need nothing but quiet.
    pub(super) fn settle(&mut self, cx: &mut Cx<'_>) {
        let recalling = matches!(self.recall, super::Recall::InFlight(_));
        let idle = self.in_flight() == 0 && self.file.is_none() && !recalling;
        if self.stop.is_some() {
            self.settle_ending(cx);
        } else if let Some(why) = self.restart.take_if(|_| idle && self.refresh.op.is_none()) {
            self.apply_restart(why, cx);
        } else if self.run == Run::Pausing && idle && self.refresh.op.is_none() {
            let saved = !self.keeper.has_unsynced() && !self.keeper.is_busy();
            if saved {
                self.run = Run::Paused;
                cx.events.push(self.id, EventKind::Paused);
            }
        }
    }

    pub(super) fn maybe_orphan(&mut self, cx: &mut Cx<'_>) {
        let object = String::from(self.spec.provider.object());
        cx.events.push(self.id, EventKind::MaybeOrphan { object });
    }

    /// Done: whatever stop was pending lost the race.
    pub(super) fn complete(&mut self, signal: Signal, receipt: crate::provider::Receipt, cx: &mut Cx<'_>) {
        let completed = crate::event::Completed {
            total: self.context().total.unwrap_or_default(),
            verification: self.verification,
            receipt,
            path: self.remote.path.take(),
            unchanged: signal == Signal::Unchanged,
        };
        self.stop = Some(Stop::Done(completed));
        self.signal(signal, cx);
    }
}

/// An answer outside the protocol.
pub(super) fn protocol(kind: StepKind, detail: &str) -> Error {
    Error::Server(ServerFault::new(ServerFaultKind::Protocol, kind, None, detail))
}
