//! The range requests of a download: what is asked for next, which answers are taken, and what became of each.

use core::time::Duration;

use crate::error::{Changed, Error, Fault, FaultKind, Sent, ServerFault, ServerFaultKind};
use crate::event::{EventKind, Restart};
use crate::id::OpId;
use crate::intent::{Disposition, Moved};
use crate::layout::{Layout, PartLimits, PartSize};
use crate::provider::{Object, Reply, Step, StepKind, Verdict};
use crate::range::{ByteRange, RangeSet};
use crate::spec::{Config, Direction};
use crate::time::Time;
use crate::transfer::download::STORED;
use crate::transfer::parts::{Allowance, Delayed, Flight, Tries};
use crate::transfer::requests::{Next, protocol};
use crate::transfer::segments::Segment;
use crate::transfer::{Cx, Exchange, Phase, Transfer};

/// The least that an automatic range asks for while there is more, before and after it is known how fast a request is.
const LEAST_UNKNOWN: u64 = 2 << 20;
const LEAST: u64 = 512 << 10;
/// Automatic ranges are multiples of this, in bytes.
const MULTIPLE: u64 = 64 << 10;
/// Size of the first range where the object's size is not known yet.
const FIRST_RANGE: u64 = 8 << 20;
/// A whole object in one response without a range.
pub(super) const OPEN: ByteRange = ByteRange::at(0, u64::MAX);
/// Who has had no request for so long while others have several gets one of theirs.
const HUNGER: Duration = Duration::from_secs(1);
/// Bytes by which an answer may begin before what was asked for, where it does not bring as much besides: some servers align.
const EARLY: u64 = 1 << 20;

impl Transfer {
    /// Bytes one range request asks for.
    pub(super) fn range_size(&self) -> u64 {
        match (self.spec.part_size, self.remote.object.total) {
            (PartSize::Bytes(size), _) => size.max(1),
            (PartSize::Auto, Some(total)) => Layout::plan(total, PartSize::Auto, &PartLimits::UNLIMITED)
                .map_or(FIRST_RANGE, |layout| layout.part_size()),
            (PartSize::Auto, None) => FIRST_RANGE,
        }
    }

    /// Bytes that the next range request asks for. Towards the end automatic ranges are smaller, so that as many as may be in flight
    /// end together; but none so small that it is hardly begun when it is over.
    fn next_size(&self, parallel: usize) -> u64 {
        let size = self.range_size();
        if self.spec.part_size != PartSize::Auto || self.remote.object.total.is_none() {
            return size;
        }
        let pace = self.parts.pace();
        let least = if pace == 0 { LEAST_UNKNOWN } else { LEAST.max(pace / 4) };
        let share = self.parts.todo.len() / (parallel.max(1) as u64).saturating_mul(2);
        share.max(least).next_multiple_of(MULTIPLE).min(size)
    }

    /// Whether slow requests may be given up for others: at the end, but not where one answer is all there is, and not for what a
    /// consumer holds up.
    pub(crate) fn can_relieve(&self) -> bool {
        let anew = match self.spec.direction {
            Direction::Download => self.can_ask_anew(),
            Direction::Upload => self.can_send_anew(),
        };
        self.spec.hedge && anew && self.parts.is_tail()
    }

    /// From when on each request in flight is slow.
    pub(crate) fn slow_from(&self) -> impl Iterator<Item = (Time, OpId)> + '_ {
        self.parts.slow_from(self.spec.direction == Direction::Download)
    }

    /// Whether the rest of any range in flight may be asked for by another request.
    fn can_ask_anew(&self) -> bool {
        self.spec.direction == Direction::Download
            && self.phase == Phase::Moving
            && self.works()
            && self.remote.ranged
            && !self.remote.serial
            && self.spec.window.is_none()
    }

    /// Gives up a slow request when nothing else is left to ask for, and there is room for others; whether there was one.
    pub(crate) fn relieve(&mut self, now: Time, parallel: usize) -> bool {
        let room = self.can_relieve() && self.parts.flights.len() < parallel;
        let slow = room.then(|| self.slow_from().filter(|&(from, _)| from <= now).min()).flatten();
        let slow = slow.filter(|&(_, op)| self.parts.relieve(op)).map(|(_, op)| op);
        self.cancels.extend(slow);
        slow.is_some()
    }

    /// Takes note of whether it wants a request while it has none.
    pub(crate) fn starve(&mut self, wants: bool, now: Time) {
        if !wants || self.in_flight() > 0 {
            self.starves_at = None;
        } else if self.starves_at.is_none() {
            self.starves_at = Some(now + HUNGER);
        }
    }

    /// Whether one of its requests can be given up for the sake of others, and what is left of it asked for later.
    pub(crate) fn can_yield(&self) -> bool {
        self.can_ask_anew() && self.parts.flights.iter().filter(|flight| !flight.cancelled).count() > 1
    }

    /// Gives up the request that has least.
    pub(crate) fn yield_one(&mut self) {
        let least = self
            .parts
            .flights
            .iter_mut()
            .filter(|flight| !flight.cancelled)
            .min_by_key(|flight| (flight.moved.written, flight.range));
        if let Some(flight) = least {
            flight.cancelled = true;
            self.cancels.push(flight.op);
        }
    }

    /// The next range to ask for.
    pub(super) fn peek_range(&self, now: Time, config: &Config, may: Allowance) -> Option<(Step, Tries)> {
        let remote = &self.remote;
        let flying = self.parts.flights.len();
        // Until the server has shown that it serves ranges, and while one response is all there is, one request at a time.
        let most = if remote.ranged && !remote.serial { may.requests } else { 1 };
        if flying >= most || self.keeper.is_behind(remote.segments.total(), config.interval) {
            return None;
        }
        if let Some(due) = self.parts.due(now, |due| may.pays(due.tries)) {
            return Some((Step::GetRange { range: due.range }, due.tries));
        }
        if self.parts.holds_back(now, most) {
            return None;
        }
        let first = self.parts.todo.first()?;
        let range = if remote.serial {
            first
        } else {
            let ahead = self.spec.window.map_or(u64::MAX, |window| remote.consumed.saturating_add(window));
            let end = first.end().min(first.start().saturating_add(self.next_size(most))).min(ahead);
            ByteRange::new(first.start(), end).filter(|range| !range.is_empty())?
        };
        Some((Step::GetRange { range }, Tries::default()))
    }

    /// The head of a 200 or 206 to a range request.
    pub(crate) fn on_range_head(&mut self, op: OpId, judged: Result<Reply, Verdict>, status: u16) -> Disposition {
        let alone = self.parts.flights.len() == 1;
        let Some(flight) = self.parts.flight(op) else {
            return Disposition::Close;
        };
        let asked = flight.range;
        if flight.cancelled {
            return Disposition::Close;
        }
        let accepted = match judged {
            Ok(Reply::Range { range, object }) => self.accept_range(asked, range, &object, status),
            Ok(Reply::Whole(object)) => self.accept_whole(asked, alone, &object, status),
            Ok(_) => Err(Verdict::Changed(Changed::Ranges)),
            Err(verdict) => Err(verdict),
        };
        let Some(flight) = self.parts.flight(op) else {
            return Disposition::Close;
        };
        match accepted {
            Ok(Accepted { skip, range, digest }) => {
                flight.range = range;
                flight.accepted = Some(range.len());
                Disposition::WriteAt { skip, offset: range.start(), len: range.len(), digest: digest.then_some(STORED) }
            }
            Err(verdict) => {
                flight.verdict = Some(verdict);
                Disposition::Close
            }
        }
    }

    fn accept_range(
        &mut self,
        asked: ByteRange,
        got: ByteRange,
        object: &Object,
        status: u16,
    ) -> Result<Accepted, Verdict> {
        let wrong = |what: &str| {
            let Error::Server(fault) = protocol(StepKind::GetRange, what) else {
                return Verdict::Changed(Changed::Ranges);
            };
            Verdict::Fatal(fault)
        };
        if asked == OPEN {
            return Err(wrong("a partial answer to a request without a range"));
        }
        if got.start() > asked.start() || got.end() > asked.end() || got.end() <= asked.start() {
            return Err(wrong("the range of the answer is not within the one asked for"));
        }
        let skip = asked.start() - got.start();
        if skip > (got.end() - asked.start()).max(EARLY) {
            // What would be thrown away is not even taken: a server that always begins at the first byte makes it the square.
            let what = "the answer begins far before the range asked for";
            let fault = ServerFault::new(ServerFaultKind::Protocol, StepKind::GetRange, Some(status), what);
            self.remote.early += 1;
            let final_one = self.remote.early > self.spec.retry.retries;
            return Err(if final_one { Verdict::Fatal(fault) } else { Verdict::Retry { fault, after: None } });
        }
        self.remote.early = 0;
        let range = ByteRange::new(asked.start(), got.end()).ok_or_else(|| wrong("reversed range"))?;
        self.latch(range, object, status)?;
        // `*` where no total is known: another way of probing may tell it.
        let total = self.remote.object.total.ok_or(Verdict::Changed(Changed::Ranges))?;
        if got.end() > total {
            return Err(wrong("the range of the answer ends beyond the object"));
        }
        self.remote.ranged = true;
        // What the answer leaves out of the range asked for is asked for again.
        if let Some(rest) = ByteRange::new(got.end(), asked.end().min(total)) {
            self.parts.todo.insert(rest);
        }
        Ok(Accepted { skip, range, digest: self.records() })
    }

    fn accept_whole(
        &mut self,
        asked: ByteRange,
        alone: bool,
        object: &Object,
        status: u16,
    ) -> Result<Accepted, Verdict> {
        let usable = asked.start() == 0 && alone && self.remote.segments.is_empty();
        if !usable {
            self.remote.force_serial = true;
            return Err(Verdict::Changed(Changed::Ranges));
        }
        let known = self.remote.known;
        if known {
            self.same_version(object, status).map_err(Verdict::Changed)?;
        }
        self.remote.serial = true;
        self.parts.clear();
        if !known {
            let declared = self.remote.object.total;
            self.remote.object = object.clone();
            self.remote.known = true;
            if let (Some(known), Some(seen)) = (declared, object.total)
                && known != seen
            {
                return Err(Verdict::Changed(Changed::Size { known, seen }));
            }
            self.remote.object.total = object.total.or(declared);
        }
        // The probe may not have told it.
        self.remote.object.total = self.remote.object.total.or(object.total);
        // A length that only a probe told of may be another version's, or another coding's: the end will show.
        if object.total.is_none() {
            self.remote.hinted = self.remote.object.total.take().or(self.remote.hinted);
        }
        let len = self.remote.object.total.unwrap_or(u64::MAX);
        Ok(Accepted { skip: 0, range: ByteRange::at(0, len), digest: false })
    }

    /// Takes the object of an answer that brings `range` as the one this transfer is about, or makes sure that it is (D1, D2, D4).
    fn latch(&mut self, range: ByteRange, object: &Object, status: u16) -> Result<(), Verdict> {
        let resumed = !self.remote.segments.is_empty();
        if self.remote.known || resumed {
            self.same_version(object, status).map_err(|changed| {
                // Validators that the probe had and ranges lack pin nothing.
                self.remote.force_serial |= !object.validator.pins();
                Verdict::Changed(changed)
            })?;
        }
        if !self.remote.known {
            let declared = self.remote.object.total;
            let total = object.total.or(declared);
            if let (Some(known), Some(seen)) = (declared, object.total)
                && known != seen
            {
                return Err(Verdict::Changed(Changed::Size { known, seen }));
            }
            let covered: RangeSet = self.parts.flights.iter().map(|flight| flight.range).collect();
            self.remote.object = Object { total, ..object.clone() };
            self.remote.known = true;
            let whole = ByteRange::at(0, total.unwrap_or_default());
            if !object.validator.pins() {
                // Only one answer with all of it is of one version; what is cut off of it cannot be asked for.
                self.remote.serial = range.start() == 0 && range.end() >= whole.end();
                if !self.remote.serial {
                    self.remote.force_serial = true;
                    return Err(Verdict::Changed(Changed::Ranges));
                }
            }
            self.parts.todo.remove(ByteRange::at(whole.end(), u64::MAX));
            if declared.is_none() {
                self.parts.todo.insert(whole);
                for range in covered.iter().chain(self.remote.segments.ranges()) {
                    self.parts.todo.remove(range);
                }
            }
            self.keeper.renew();
        }
        Ok(())
    }

    /// Whether `object` is the version known so far, by the strongest thing that both name.
    pub(super) fn same_version(&self, object: &Object, status: u16) -> Result<(), Changed> {
        let known = &self.remote.object;
        if let (Some(known), Some(seen)) = (known.total, object.total)
            && known != seen
        {
            return Err(Changed::Size { known, seen });
        }
        let (was, is) = (&known.validator, &object.validator);
        if !was.pins() {
            return Ok(());
        }
        // What is known to be a strong date stays one, also where this answer's clock cannot show it.
        match (&was.etag, &is.etag, was.modified, object.modified) {
            (Some(a), Some(b), ..) if a == b => Ok(()),
            (None, _, Some(a), Some(b)) | (Some(_), None, Some(a), Some(b)) if a == b => Ok(()),
            (Some(_), ..) => Err(Changed::Validator { header: "ETag", status }),
            _ => Err(Changed::Validator { header: "Last-Modified", status }),
        }
    }

    /// A range request is over.
    pub(super) fn range_landed(&mut self, flight: Flight, moved: Moved, exchange: Exchange, cx: &mut Cx<'_>) {
        let written = moved.written.min(flight.accepted.unwrap_or(0));
        let stored = ByteRange::at(flight.range.start(), written);
        self.account(written.saturating_sub(flight.moved.written), cx.now.mono);
        let live = self.restart.is_none();
        // Also when a restart is about to drop it: until then it is there.
        let segment = Segment { range: stored, digest: moved.digest };
        if self.remote.segments.insert(segment) {
            self.keeper.landed(segment);
        }
        let rest = ByteRange::new(stored.end(), flight.range.end()).unwrap_or_default();
        // Also of one that was given up as slow: where all have become slow, none is any more.
        self.parts.paced(flight.launched, written, cx.now.mono);
        if self.stop.is_some() || !live {
            return;
        }
        let tries = if self.remote.serial { flight.tries } else { flight.tries_left(written) };
        // Whatever became of the exchange after its last wanted byte, the bytes are there.
        let complete = flight.accepted.is_some_and(|promised| written == promised)
            && flight.verdict.is_none()
            && !matches!(exchange, Exchange::Local(_));
        let exchange = if complete { Exchange::Moved } else { exchange };
        let next = match (exchange, flight.verdict) {
            (Exchange::Local(fault), _) => Next::Failed(Error::Disk(fault)),
            (_, Some(verdict)) => self.judge(verdict, tries, StepKind::GetRange, cx),
            (Exchange::Moved, None) if flight.accepted.is_some() => {
                self.range_moved(flight.accepted, written, tries, cx)
            }
            (Exchange::Judged(Ok(Reply::Unsatisfiable { total })), None) => self.unsatisfiable(total, cx),
            (Exchange::Judged(Ok(_)), None) => Next::Failed(protocol(StepKind::GetRange, "an answer of another kind")),
            (Exchange::Judged(Err(verdict)), None) => self.judge(verdict, tries, StepKind::GetRange, cx),
            (Exchange::Broken(fault), None) => self.broke(fault, tries, StepKind::GetRange, cx),
            // What was closed at its head, for a pause, has brought nothing, whatever it is called.
            (Exchange::Cancelled | Exchange::Moved, None) => {
                let rest = self.serial_rest(rest, written, cx);
                self.parts.todo.insert(rest);
                return;
            }
        };
        match next {
            Next::Again { tries, due } => {
                let range = self.serial_rest(rest, written, cx);
                self.parts.put_off(Delayed { range, tries, due }, cx.now.mono, written > 0);
            }
            Next::Failed(error) => self.fail(error, cx),
            Next::Handled => self.check_moved(cx),
        }
    }

    /// What is left after a flight. A single response cannot be continued: all of it is left, and nothing is stored.
    fn serial_rest(&mut self, rest: ByteRange, written: u64, cx: &mut Cx<'_>) -> ByteRange {
        if !self.remote.serial {
            return rest;
        }
        if written > 0 {
            self.progress.resent = self.progress.resent.saturating_add(written);
            if self.spec.window.is_some() {
                // A consumer may have taken bytes of a version that nothing pins: the target must be asked anew.
                self.start_over(Restart::Unpinned);
            } else {
                self.drop_stored();
                cx.events.push(self.id, EventKind::Restarted(Restart::Unpinned));
            }
        }
        OPEN
    }

    fn range_moved(&mut self, accepted: Option<u64>, written: u64, tries: Tries, cx: &mut Cx<'_>) -> Next {
        let promised = match accepted {
            Some(u64::MAX) => self.remote.hinted.unwrap_or(written),
            promised => promised.unwrap_or(0),
        };
        // Once it may be cut short; whoever ends at the same byte again has no more.
        let ended = self.remote.ended.replace(written) == Some(written);
        if written > promised || (written < promised && accepted == Some(u64::MAX) && ended) {
            self.changed(Changed::Size { known: promised, seen: written }, cx);
            return Next::Handled;
        }
        if accepted == Some(u64::MAX) && written == promised {
            self.remote.object.total = Some(written);
        }
        if written < promised {
            let fault = Fault::new(FaultKind::Truncated, Sent::Maybe, "the answer's body was shorter than announced");
            return self.broke(fault, tries, StepKind::GetRange, cx);
        }
        self.succeeded();
        Next::Handled
    }

    /// 416: local knowledge is beyond the object.
    fn unsatisfiable(&mut self, total: Option<u64>, cx: &mut Cx<'_>) -> Next {
        let known = self.remote.object.total;
        match (total, known) {
            (Some(0), None | Some(0)) if self.remote.segments.is_empty() => {
                self.remote.object.total = Some(0);
                self.remote.known = true;
                self.parts.clear();
            }
            (Some(seen), Some(known)) if seen != known => self.changed(Changed::Size { known, seen }, cx),
            _ => {
                return Next::Failed(protocol(StepKind::GetRange, "416 for a range inside the object"));
            }
        }
        Next::Handled
    }
}

struct Accepted {
    skip: u64,
    range: ByteRange,
    digest: bool,
}
