//! Local work: file operations, the journal, questions to the application. One of each kind at a time.

use bytes::Bytes;

use crate::checkpoint::Checkpoint;
use crate::error::{Error, FileFault, ServerFault, ServerFaultKind};
use crate::event::EventKind;
use crate::id::OpId;
use crate::intent::{Answer, FileOp, FileReply, JournalOp, Question};
use crate::spec::{Config, Direction, Interval};
use crate::time::Time;
use crate::transfer::parts::Flight;
use crate::transfer::state::Recall;
use crate::transfer::{Cx, Local, Phase, Run, Transfer, keeper};

impl Transfer {
    /// The next local operation, if one may start now.
    pub(crate) fn next_local(&mut self, cx: &mut Cx<'_>) -> Option<Local> {
        match self.recall {
            Recall::Wanted if self.run == Run::Running => return Some(Local::Recall),
            Recall::Wanted | Recall::InFlight(_) => return None,
            Recall::Done => {}
        }
        // While cleaning, the file goes before its record: a crash in between must leave something to find it by.
        if self.phase != Phase::Cleaning
            && let Some(journal) = self.next_journal(cx)
        {
            return Some(journal);
        }
        // With something in flight it is asked ahead of the need, and what nobody can be asked for is known at once.
        if !self.asks_in_turn()
            && let Some(question) = self.question(cx)
        {
            return Some(Local::Ask(question));
        }
        if self.file.is_none()
            && let Some(file) = self.next_file(cx)
        {
            return Some(Local::File(file));
        }
        // What was just made ready, without needing a sync, can be recorded at once.
        let journal = self.next_journal(cx);
        if journal.is_none() {
            self.settle(cx);
        }
        journal
    }

    fn next_journal(&mut self, cx: &Cx<'_>) -> Option<Local> {
        if self.phase == Phase::Cleaning && (self.file.is_some() || self.cleaning_file().is_some()) {
            return None;
        }
        let flush = self.run != Run::Running || self.stop.is_some();
        let write = self.keeper.next(cx.now.mono, self.interval(cx.config), flush)?;
        Some(Local::Journal(match write {
            keeper::Write::Replace => JournalOp::Replace(self.to_checkpoint().encode()),
            keeper::Write::Append(frames) => JournalOp::Append(frames),
            keeper::Write::Remove => JournalOp::Remove,
        }))
    }

    /// When what is there is recorded. Parts of an upload that are in no record go up again after a crash: as many as are on their
    /// way at most, where that is less than the interval.
    pub(super) fn interval(&self, config: &Config) -> Interval {
        let interval = config.interval;
        let Some(layout) = self.source.layout.as_ref().filter(|_| !self.source.whole) else { return interval };
        let moving = layout.part_size().saturating_mul(self.parts.flights.len().max(1) as u64);
        Interval { bytes: interval.bytes.min(moving), ..interval }
    }

    /// Records the id under which what [`Self::next_local`] gave was issued.
    pub(crate) fn local_issued(&mut self, op: OpId, local: &Local, now: Time) {
        match local {
            Local::Recall => self.recall = Recall::InFlight(op),
            Local::File(_) => self.file = Some(op),
            Local::Journal(_) => self.keeper.issued(op, now),
            Local::Ask(question) => {
                self.refresh.op = Some(op);
                self.refresh.asked = match question {
                    Question::Urls(wanted) => Some(wanted.clone()),
                    Question::Refresh(_) => None,
                };
            }
        }
    }

    /// What to ask the application now, one question at a time.
    pub(crate) fn question(&mut self, cx: &mut Cx<'_>) -> Option<Question> {
        if let Some(wanted) = self.urls_wanted(cx.now, cx.config) {
            if self.profile.refresh {
                return Some(Question::Urls(wanted));
            }
            self.give_up(Self::unsupplied(&wanted), cx);
        }
        self.refresh.wanted.clone().filter(|_| self.may_ask()).map(Question::Refresh)
    }

    fn next_file(&mut self, cx: &mut Cx<'_>) -> Option<FileOp> {
        if self.phase == Phase::Cleaning {
            return self.cleaning_file();
        }
        if self.phase.is_ending() {
            let last = self.phase == Phase::Ending && self.keeps_stored() && self.in_flight() == 0;
            return if last && self.keeper.has_unsynced() { self.begin_sync() } else { None };
        }
        match self.run {
            Run::Paused => None,
            // What was stored until now becomes a checkpoint before the pause is complete.
            Run::Pausing => {
                let settled = self.in_flight() == 0 && self.keeper.has_unsynced();
                if settled { self.begin_sync() } else { None }
            }
            Run::Running if self.phase == Phase::Moving => {
                let due = self.keeper.wants_sync(self.remote.segments.total(), cx.now.mono, cx.config.interval);
                let sync = if due { self.begin_sync() } else { None };
                if sync.is_none() && self.spec.direction == Direction::Upload {
                    self.digest_ahead(cx.now)
                } else {
                    sync
                }
            }
            Run::Running => match self.spec.direction {
                Direction::Download => self.download_file(),
                Direction::Upload => self.upload_file(),
            },
        }
    }

    /// Takes what is stored now for the next checkpoint; the sync to issue, if one is needed.
    fn begin_sync(&mut self) -> Option<FileOp> {
        let moving = self.parts.flights.iter().filter(|flight| flight.accepted.is_some()).filter_map(Flight::written);
        self.keeper.sync_begins(moving).then_some(FileOp::Sync)
    }

    pub(crate) fn on_file(&mut self, op: OpId, reply: Result<FileReply, FileFault>, cancelled: bool, cx: &mut Cx<'_>) {
        if self.file != Some(op) {
            return;
        }
        self.file = None;
        let saved = self.keeper.sync_ended(reply.is_ok());
        if self.phase == Phase::Cleaning {
            self.cleaned_file(reply.err());
        } else if self.phase.is_ending() {
            // Whatever it was, nothing depends on it any more.
        } else {
            match reply {
                Ok(_) if saved => {}
                Ok(reply) => match self.spec.direction {
                    Direction::Download => self.download_replied(reply, cx),
                    Direction::Upload => self.upload_replied(reply, cx),
                },
                // Stopped by a pause or restart, which may be over by now: it is simply asked for again. By anybody else, as a
                // runtime that goes, it would be again and again.
                Err(fault) if cancelled && fault.kind == crate::error::FileFaultKind::Cancelled => {
                    self.source.hashing = None;
                }
                Err(fault) => self.fail(Error::Disk(fault), cx),
            }
        }
        self.settle(cx);
    }

    /// The journal was read.
    pub(crate) fn on_recalled(&mut self, op: OpId, reply: Result<Option<Bytes>, FileFault>, cx: &mut Cx<'_>) {
        if self.recall != Recall::InFlight(op) {
            return;
        }
        self.recall = Recall::Done;
        match reply.map(|journal| journal.map(|journal| Checkpoint::decode(&journal))) {
            Ok(None) => self.keeper.found_none(),
            Ok(Some(Ok(checkpoint))) => self.adopt(checkpoint),
            Ok(Some(Err(error))) => cx.events.push(self.id, EventKind::CheckpointUnusable(error)),
            Err(fault) => cx.events.push(self.id, EventKind::CheckpointFailed(Error::Disk(fault))),
        }
        if self.stop.is_some() {
            self.obey_stop(cx);
        }
        self.begin(cx);
        self.settle(cx);
    }

    pub(crate) fn on_journal(&mut self, op: OpId, reply: Result<(), FileFault>, cx: &mut Cx<'_>) {
        if let Some(fault) = self.keeper.answered(op, reply) {
            cx.events.push(self.id, EventKind::CheckpointFailed(Error::Disk(fault)));
        }
        self.settle(cx);
    }

    pub(crate) fn on_answer(&mut self, op: OpId, answer: Answer, cancelled: bool, cx: &mut Cx<'_>) {
        if self.refresh.op != Some(op) {
            return;
        }
        self.refresh.op = None;
        // A question withdrawn by a pause is asked again; only a real refusal is one.
        if cancelled && matches!(answer, Answer::Refused(_)) {
            self.settle(cx);
            return;
        }
        let asked = self.refresh.asked.take();
        // A refusal that came while fresh URLs for other reasons were on their way is not mended by these.
        let mends = asked.as_ref().is_none_or(|asked| asked.refused.is_some());
        let refused = if mends { self.refresh.wanted.take() } else { None };
        let fault = match (&refused, &asked) {
            (Some(fault), _) => fault.clone(),
            (None, Some(asked)) => ServerFault::new(ServerFaultKind::Denied, asked.step, None, ""),
            // What it was asked for is not wanted any more.
            (None, None) => {
                self.settle(cx);
                return;
            }
        };
        let fresh = match answer {
            Answer::Provider(provider) => self.take_fresh(provider, asked.as_ref(), cx.now),
            Answer::Refused(why) if why.is_empty() => Err(fault.detail.clone()),
            Answer::Refused(why) => Err(why),
        };
        match fresh {
            Ok(provider) => {
                self.profile = provider.profile();
                self.spec.provider = provider;
                self.location = None;
                self.way += 1;
                if refused.is_some() {
                    self.parts.release_delayed();
                    self.single.due = None;
                }
            }
            Err(detail) => self.give_up(Error::Issuer(ServerFault { detail, ..fault }), cx),
        }
        self.settle(cx);
    }
}
