//! Which bytes still have to move, which are moving, and which wait for a retry. Ranges only; a part is never an object.

use alloc::vec::Vec;
use core::time::Duration;

use crate::id::OpId;
use crate::intent::Moved;
use crate::provider::Verdict;
use crate::range::{ByteRange, RangeSet};
use crate::time::{Time, micros};
use crate::transfer::segments::Segment;

/// A flight that moved at least this much counts as progress: its range starts with a clean slate of retries.
const PROGRESS: u64 = 64 << 10;

/// A request has so long to come to its pace before it is held against the others.
const BEGINNING: Duration = Duration::from_secs(1);
/// What asking anew costs, beside the time that the bytes take.
const ANEW: Duration = Duration::from_millis(250);
/// How many times longer than asking anew a request may take to its end.
const SLOW: u64 = 3;
/// How many requests of one transfer are given up because they are slow.
const RELIEFS: u32 = 8;

/// The moving part of a transfer.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// Neither moved, nor moving, nor waiting.
    pub(crate) todo: RangeSet,
    /// Waiting for a retry.
    pub(crate) delayed: Vec<Delayed>,
    /// How many were put off one after the other, with nothing that worked in between.
    refused: usize,
    /// Moving.
    pub(crate) flights: Vec<Flight>,
    /// Bytes per second of one request, as of late; 0 before the first one is over.
    pace: u64,
    /// Requests given up because they were slow.
    relieved: u32,
}

/// What a transfer may send now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    /// Requests it may have in flight.
    pub(crate) requests: usize,
    /// Whether a retry can be paid for. One that waits for that holds up nothing that was never refused.
    pub(crate) retries: bool,
}

impl Allowance {
    /// Whatever there is to send.
    pub(crate) const ANY: Self = Self { requests: usize::MAX, retries: true };

    pub(crate) const fn pays(self, tries: Tries) -> bool {
        self.retries || !tries.costs()
    }
}

/// A range that waits for its retry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delayed {
    pub(crate) range: ByteRange,
    pub(crate) tries: Tries,
    pub(crate) due: Time,
}

/// How often a piece of work has failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Tries {
    /// Failures without progress between them.
    pub(crate) failed: u32,
    /// Stale connections in a row: repeated at once, but not for ever.
    pub(crate) stale: u32,
    /// How often the way had changed when it was last sent: a redirect followed, a fresh provider, a clock learned.
    pub(crate) way: u64,
}

impl Tries {
    pub(crate) const fn is_retry(self) -> bool {
        self.failed > 0 || self.stale > 0
    }

    /// Whether it has to be paid for: a failure that is repeated. A stale connection costs nothing.
    pub(crate) const fn costs(self) -> bool {
        self.failed > 0 && self.stale == 0
    }
}

/// A range in flight.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) op: OpId,
    pub(crate) range: ByteRange,
    pub(crate) launched: Time,
    pub(crate) tries: Tries,
    pub(crate) moved: Moved,
    /// Bytes the answer's head promised and we accepted.
    pub(crate) accepted: Option<u64>,
    /// What the head turned out to mean when it was no success; applied when the exchange is over.
    pub(crate) verdict: Option<Verdict>,
    pub(crate) cancelled: bool,
}

impl Parts {
    pub(crate) fn flight(&mut self, op: OpId) -> Option<&mut Flight> {
        self.flights.iter_mut().find(|flight| flight.op == op)
    }

    pub(crate) fn land(&mut self, op: OpId) -> Option<Flight> {
        let at = self.flights.iter().position(|flight| flight.op == op)?;
        Some(self.flights.swap_remove(at))
    }

    pub(crate) fn launch(&mut self, op: OpId, range: ByteRange, tries: Tries, now: Time) {
        self.todo.remove(range);
        self.flights.push(Flight {
            op,
            range,
            launched: now,
            tries,
            moved: Moved::default(),
            accepted: None,
            verdict: None,
            cancelled: false,
        });
    }

    /// The first range whose retry is due, of those that can be sent.
    pub(crate) fn due(&self, now: Time, can: impl Fn(&Delayed) -> bool) -> Option<Delayed> {
        self.delayed
            .iter()
            .filter(|delayed| delayed.due <= now && can(delayed))
            .min_by_key(|delayed| (delayed.due, delayed.range))
            .copied()
    }

    pub(crate) fn take_due(&mut self, range: ByteRange) {
        self.delayed.retain(|delayed| delayed.range != range);
    }

    /// When, after `now`, the next waiting range is due.
    pub(crate) fn next_due(&self, now: Time) -> Option<Time> {
        self.delayed.iter().map(|delayed| delayed.due).filter(|&due| due > now).min()
    }

    /// A range waits for its retry; `moved`: its request brought some of it.
    pub(crate) fn put_off(&mut self, delayed: Delayed, now: Time, moved: bool) {
        self.refused = if moved { 0 } else { self.refused.saturating_add(usize::from(delayed.due > now)) };
        self.delayed.push(delayed);
    }

    /// Something worked.
    pub(crate) const fn succeeded(&mut self) {
        self.refused = 0;
    }

    /// Whether nothing new is sent for now: more was refused in a row than may be on its way at once. What refuses all that it is asked
    /// is left alone until a retry is due, and not asked once for each range that there is; a few that wait hold up nothing.
    pub(crate) fn holds_back(&self, now: Time, parallel: usize) -> bool {
        self.refused > parallel && self.delayed.iter().any(|delayed| delayed.due > now)
    }

    /// A request that began at `launched` is over, and moved so much.
    pub(crate) fn paced(&mut self, launched: Time, moved: u64, now: Time) {
        let span = micros(now.since(launched));
        if moved < PROGRESS || span == 0 {
            return;
        }
        let rate = u64::try_from(u128::from(moved) * 1_000_000 / u128::from(span)).unwrap_or(u64::MAX);
        self.pace = if self.pace == 0 { rate } else { self.pace - self.pace / 4 + rate / 4 };
    }

    /// Bytes per second of one request, as of late; 0 where nothing is known.
    pub(crate) const fn pace(&self) -> u64 {
        self.pace
    }

    /// Whether slow requests may be given up: nothing is left to ask for but what they are to bring, and it is known what is slow.
    pub(crate) fn is_tail(&self) -> bool {
        self.todo.is_empty() && self.delayed.is_empty() && self.pace > 0 && self.relieved < RELIEFS
    }

    /// From when on each request in flight is slow: if it goes on as it does, it takes so much longer to its end than asking anew that this
    /// is what is done where there is room. `kept`: what it has moved need not move again.
    pub(crate) fn slow_from(&self, kept: bool) -> impl Iterator<Item = (Time, OpId)> + '_ {
        let going = self.flights.iter().filter(move |flight| !flight.cancelled && (!kept || flight.accepted.is_some()));
        going.filter_map(move |flight| {
            let len = flight.range.len();
            let moved = if kept { flight.moved.written } else { flight.moved.sent }.min(len);
            let left = u128::from(len - moved);
            let again = if kept { left } else { u128::from(len) };
            let anew = (again * 1_000_000).checked_div(u128::from(self.pace))? + u128::from(micros(ANEW));
            let span = (u128::from(SLOW) * anew).checked_mul(u128::from(moved))?.checked_div(left)?;
            Some((flight.launched + Duration::from_micros(u64::try_from(span).ok()?).max(BEGINNING), flight.op))
        })
    }

    /// Gives up a request that is slow: what is left of it is moved anew, in a download in smaller ranges side by side.
    pub(crate) fn relieve(&mut self, op: OpId) -> bool {
        let Some(flight) = self.flight(op) else { return false };
        flight.cancelled = true;
        self.relieved += 1;
        true
    }

    /// Nothing moves, waits or is left to do.
    pub(crate) fn is_done(&self) -> bool {
        self.todo.is_empty() && self.delayed.is_empty() && self.flights.is_empty()
    }

    /// Everything that waits may go again at once (after a pause, or when the way is new).
    pub(crate) fn release_delayed(&mut self) {
        for delayed in self.delayed.drain(..) {
            self.todo.insert(delayed.range);
        }
        self.refused = 0;
    }

    /// Forgets what is left to do; flights stay until they land.
    pub(crate) fn clear(&mut self) {
        self.todo = RangeSet::new();
        self.delayed.clear();
        self.refused = 0;
    }
}

impl Flight {
    /// What is in the file of it, as last told.
    pub(crate) fn written(&self) -> Option<Segment> {
        let range = ByteRange::at(self.range.start(), self.moved.written.min(self.range.len()));
        (!range.is_empty()).then_some(Segment { range, digest: self.moved.digest })
    }

    /// The tries that count for what is left of this flight's range.
    pub(crate) const fn tries_left(&self, moved: u64) -> Tries {
        if moved >= PROGRESS { Tries { failed: 0, stale: 0, ..self.tries } } else { self.tries }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Slab;

    #[test]
    fn r2_a_flight_that_came_far_enough_leaves_a_clean_slate() {
        let op = Slab::<OpId, ()>::new().insert_with(|_| ()).expect("room");
        let mut parts = Parts::default();
        let tries = Tries { failed: 3, stale: 1, way: 2 };
        parts.launch(op, ByteRange::at(0, 1 << 20), tries, Time::ZERO);
        let flight = parts.land(op).expect("it flies");
        assert_eq!(flight.tries_left(PROGRESS - 1), tries);
        assert_eq!(flight.tries_left(PROGRESS), Tries { way: 2, ..Tries::default() });
    }
}
