//! When facts become durable: what waits to be recorded, what must be recorded before anything else may happen, and the order
//! of sync before record.

use alloc::vec::Vec;
use core::mem;

use bytes::Bytes;

use crate::checkpoint::{Fact, Stage};
use crate::error::FileFault;
use crate::id::OpId;
use crate::spec::Interval;
use crate::time::Time;
use crate::transfer::segments::{Segment, Segments};

/// Keeps a transfer's journal.
#[derive(Debug)]
pub(crate) struct Keeper {
    /// Whether the transfer has a journal at all.
    configured: bool,
    /// Whether it is still written: not after it failed twice in a row.
    enabled: bool,
    /// Whether stretches must be synced before they are recorded.
    sync: bool,
    op: Option<OpId>,
    writing: Option<Kind>,
    /// The journal must be (re)written from the start.
    replace: bool,
    /// This run has begun a journal of its own. What a former run left may end in a torn frame, behind which nothing could be
    /// read, so nothing is added to it.
    begun: bool,
    /// There is none: nobody left one, and this run has not begun one.
    absent: bool,
    remove: bool,
    /// Facts that may be recorded now.
    ready: Vec<u8>,
    /// Stretches that came into the file and that no sync has covered yet. A checkpoint looks at these only, so that its cost
    /// does not grow with what is stored already.
    landed: Vec<Segment>,
    /// Stretches whose bytes are being synced.
    syncing: Option<Vec<Segment>>,
    /// Stretches that are recorded or may be: only these go into a rewritten journal.
    durable: Segments,
    /// What a former run left was found, and no sync of this run's has covered it yet.
    unconfirmed: bool,
    /// A sync failed: nothing more of this run's can be recorded.
    unsyncable: bool,
    /// No request may go out until everything pending is recorded.
    hold: bool,
    /// Bytes in the file that no sync covers yet.
    unsynced: u64,
    /// Bytes that the facts in `ready` stand for.
    pending: u64,
    /// Bytes that the journal names, and that it names once the write in flight is through.
    recorded: u64,
    naming: u64,
    saved_at: Time,
    failed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Replace,
    Append,
    Remove,
}

/// A journal write to issue.
#[derive(Debug)]
pub(crate) enum Write {
    Replace,
    Append(Bytes),
    Remove,
}

impl Keeper {
    pub(crate) fn new(enabled: bool, sync: bool, now: Time) -> Self {
        Self {
            configured: enabled,
            enabled,
            sync,
            op: None,
            writing: None,
            replace: false,
            begun: false,
            absent: false,
            remove: false,
            ready: Vec::new(),
            landed: Vec::new(),
            syncing: None,
            unsyncable: false,
            durable: Segments::default(),
            unconfirmed: false,
            hold: false,
            unsynced: 0,
            pending: 0,
            recorded: 0,
            naming: 0,
            saved_at: now,
            failed: false,
        }
    }

    /// Stretches that an earlier run recorded, as its journal names them.
    pub(crate) fn found(&mut self, segments: &Segments) {
        self.durable = segments.clone();
        self.recorded = segments.total();
    }

    /// Those of them that can be read back; a new journal is begun with them. Reading does not show that they are safe: another
    /// run may have written the same bytes anew and not synced them. The former journal stays until a sync has covered them.
    pub(crate) fn confirmed(&mut self, segments: &Segments) {
        self.found(segments);
        self.rewrite();
        if self.enabled && self.sync && !segments.is_empty() {
            self.unconfirmed = true;
            self.unsynced = segments.total();
        }
    }

    /// Records nothing; what an earlier run recorded goes at the end all the same.
    pub(crate) const fn disable(&mut self) {
        self.enabled = false;
    }

    /// The place of the journal was looked at, and nothing is there.
    pub(crate) const fn found_none(&mut self) {
        self.absent = true;
    }

    /// The target is ready and empty: from now on there may be something to record.
    pub(crate) fn starts(&mut self, now: Time) {
        self.saved_at = now;
        self.renew();
    }

    /// What is stored is of a version that the journal does not name. One that is there is begun anew; where there is none,
    /// it begins with the first stretch that it can name: before that nobody could go on with anything.
    pub(crate) fn renew(&mut self) {
        if !self.absent {
            self.rewrite();
        }
    }

    /// Begin a new journal with the transfer's present facts.
    pub(crate) fn rewrite(&mut self) {
        if self.enabled {
            self.replace = true;
            self.forget_pending();
        }
    }

    /// Nothing stored is worth anything any more.
    pub(crate) fn reset(&mut self) {
        // What this run's journal names must be gone from it before it is gone from the file. A former run's is not touched
        // before this run has the target to itself.
        self.replace |= self.enabled && self.begun && !self.durable.is_empty();
        self.durable = Segments::default();
        self.unconfirmed = false;
        self.landed.clear();
        // A sync under way covers nothing that counts, but its end must still be known as a sync's.
        if let Some(segments) = &mut self.syncing {
            segments.clear();
        }
        self.unsynced = 0;
        self.recorded = 0;
        self.forget_pending();
    }

    pub(crate) fn drop_journal(&mut self) {
        // Also one that could not be written any more: what it says is out of date.
        if self.configured {
            self.remove = !self.absent;
            self.replace = false;
            self.forget_pending();
        }
    }

    /// The journal is another run's: it stays as it is.
    pub(crate) const fn leave_journal(&mut self) {
        self.remove = false;
    }

    fn forget_pending(&mut self) {
        self.ready.clear();
        self.pending = 0;
    }

    /// A fact that needs no sync and stands for `bytes`; recorded when the interval has passed.
    pub(crate) fn fact(&mut self, fact: &Fact, bytes: u64) {
        if self.enabled {
            fact.encode(&mut self.ready);
            self.pending = self.pending.saturating_add(bytes);
        }
    }

    /// A stage that must be recorded before its request goes out.
    pub(crate) fn stage(&mut self, stage: Stage) {
        self.fact(&Fact::Stage(stage), 0);
        self.hold();
    }

    /// Record everything pending before the next request.
    pub(crate) fn hold(&mut self) {
        self.hold = self.enabled;
    }

    /// `bytes` more are in the file.
    pub(crate) fn grew(&mut self, bytes: u64) {
        self.unsynced = self.unsynced.saturating_add(bytes);
    }

    /// A stretch is in the file, whole.
    pub(crate) fn landed(&mut self, segment: Segment) {
        if self.enabled && !segment.range.is_empty() {
            self.landed.push(segment);
        }
    }

    /// Whether requests must wait for the journal.
    pub(crate) const fn holds(&self) -> bool {
        self.hold && (self.replace || !self.ready.is_empty() || self.op.is_some())
    }

    /// Whether a write is in flight.
    pub(crate) const fn is_in_flight(&self) -> bool {
        self.op.is_some()
    }

    /// Whether a write is in flight or still to be made.
    pub(crate) const fn is_busy(&self) -> bool {
        self.op.is_some() || self.remove || (self.enabled && (self.replace || !self.ready.is_empty()))
    }

    /// Whether bytes in the file wait for a sync.
    pub(crate) const fn has_unsynced(&self) -> bool {
        self.enabled && self.unsynced > 0 && self.syncing.is_none() && !self.unsyncable
    }

    /// Whether it is time for one, with `stored` bytes in the file: at half the interval, so that requests need not wait for it
    /// where the disk keeps up with them.
    pub(crate) fn wants_sync(&self, stored: u64, now: Time, interval: Interval) -> bool {
        let half = Interval { bytes: interval.bytes.div_ceil(2), ..interval };
        self.has_unsynced()
            && self.op.is_none()
            && (self.unconfirmed || self.is_due(self.unsynced, now, half) || self.is_behind(stored, interval))
    }

    /// Whether so much of `stored` bytes is in no journal yet that nothing may be added before: a crash must not cost more than
    /// one interval beside what is in flight, however slow the disk is.
    pub(crate) fn is_behind(&self, stored: u64, interval: Interval) -> bool {
        let comes = self.has_unsynced() || self.syncing.is_some() || self.is_busy();
        self.enabled && comes && stored.saturating_sub(self.recorded) >= interval.bytes
    }

    fn is_due(&self, bytes: u64, now: Time, interval: Interval) -> bool {
        bytes >= interval.bytes || (bytes > 0 && now >= self.saved_at + interval.time)
    }

    /// When the interval runs out.
    pub(crate) fn due(&self, interval: Interval) -> Option<Time> {
        let waits = self.has_unsynced() || self.pending > 0;
        (self.enabled && waits && self.op.is_none()).then(|| self.saved_at + interval.time)
    }

    /// What has landed, and `moving`, is in the file; it may be recorded once a sync has gone through: true. Without syncing it
    /// is at once.
    pub(crate) fn sync_begins(&mut self, moving: impl Iterator<Item = Segment>) -> bool {
        self.unsynced = 0;
        let mut segments = mem::take(&mut self.landed);
        segments.extend(moving);
        if self.sync {
            self.syncing = Some(segments);
        } else {
            self.record(segments);
        }
        self.sync
    }

    /// A file operation ended; returns whether it was a sync.
    pub(crate) fn sync_ended(&mut self, ok: bool) -> bool {
        match self.syncing.take() {
            None => false,
            Some(segments) => {
                let unconfirmed = mem::take(&mut self.unconfirmed);
                if ok {
                    self.record(segments);
                } else {
                    // Systems report it once that something could not be written, and forget what: no later sync vouches for
                    // anything written until now.
                    self.unsyncable = true;
                    self.landed.clear();
                    // What the former journal says is tried by whoever reads it next; none of this run's says it again.
                    self.replace &= !unconfirmed;
                }
                true
            }
        }
    }

    fn record(&mut self, segments: Vec<Segment>) {
        for segment in segments {
            if !self.durable.holds(&segment) && self.durable.insert(segment) {
                Fact::Segment(segment).encode(&mut self.ready);
            }
        }
    }

    /// The next write, if one is due. Confirmed parts wait for company until the interval has passed, or until `flush`.
    pub(crate) fn next(&mut self, now: Time, interval: Interval, flush: bool) -> Option<Write> {
        if self.op.is_some() {
            return None;
        }
        if self.remove {
            return Some(Write::Remove);
        }
        if !self.enabled || self.unconfirmed {
            return None;
        }
        let due = flush || self.hold || self.pending == 0 || self.is_due(self.pending, now, interval);
        if !self.ready.is_empty() && due && !self.begun {
            self.rewrite();
        }
        if self.replace {
            return Some(Write::Replace);
        }
        (!self.ready.is_empty() && due).then(|| Write::Append(Bytes::copy_from_slice(&self.ready)))
    }

    /// What [`Self::next`] gave was issued as `op`.
    pub(crate) fn issued(&mut self, op: OpId, now: Time) {
        let kind = if mem::take(&mut self.remove) {
            Kind::Remove
        } else if mem::take(&mut self.replace) {
            Kind::Replace
        } else {
            Kind::Append
        };
        self.begun = kind == Kind::Replace || self.begun && kind == Kind::Append;
        // Nobody knows what one that failed has left.
        self.absent = false;
        self.op = Some(op);
        self.writing = Some(kind);
        self.naming = if kind == Kind::Remove { 0 } else { self.durable.total() };
        self.saved_at = now;
        self.forget_pending();
    }

    /// The write ended. Gives the fault the first time one fails.
    pub(crate) fn answered(&mut self, op: OpId, reply: Result<(), FileFault>) -> Option<FileFault> {
        if self.op != Some(op) {
            return None;
        }
        self.op = None;
        let kind = self.writing.take();
        let Err(fault) = reply else {
            self.failed = false;
            self.recorded = self.naming;
            self.release();
            return None;
        };
        if kind == Some(Kind::Remove) {
            return Some(fault);
        }
        // What could not be written is in no journal: the next write begins a new one, and whatever had to be recorded first
        // still waits for it. A second failure in a row ends the journal, not the transfer.
        self.enabled = !self.failed;
        self.replace = self.enabled && !self.remove;
        if !self.enabled {
            self.forget_pending();
        }
        self.release();
        (!mem::replace(&mut self.failed, true)).then_some(fault)
    }

    /// Nothing waits to be recorded any more, so nothing has to wait for it.
    fn release(&mut self) {
        if self.ready.is_empty() && !self.replace {
            self.hold = false;
        }
    }

    /// The stretches a journal names, or a rewritten one may.
    pub(crate) fn durable(&self) -> Segments {
        self.durable.clone()
    }
}

#[cfg(test)]
mod tests;
