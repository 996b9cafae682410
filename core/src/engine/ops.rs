//! Operations in flight, and the clocks that run on a request.

use http::{HeaderMap, StatusCode};

use core::time::Duration;

use crate::engine::authority::AuthorityId;
use crate::error::Deadline;
use crate::id::TaskId;
use crate::intent::{Deadlines, Moved};
use crate::provider::Step;
use crate::time::Time;

/// Something that was asked for and not yet answered.
#[derive(Debug)]
pub(crate) struct Op {
    pub(crate) task: TaskId,
    pub(crate) kind: OpKind,
    pub(crate) cancelling: bool,
}

impl Op {
    /// When one of its clocks runs out.
    pub(crate) fn due(&self) -> Time {
        match &self.kind {
            OpKind::Http(request) => request.watch.due(),
            _ => Time::NEVER,
        }
    }
}

#[derive(Debug)]
pub(crate) enum OpKind {
    Http(alloc::boxed::Box<Request>),
    Recall,
    File,
    Journal,
    Ask,
}

/// A request in flight.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) step: Step,
    pub(crate) authority: AuthorityId,
    /// What it counts against the limit of bytes in flight.
    pub(crate) cost: u64,
    /// What it counts as in its transfer's virtual time.
    pub(crate) granted: u64,
    /// It was paid for by the retry budget.
    pub(crate) retry: bool,
    pub(crate) head: Option<(StatusCode, HeaderMap)>,
    pub(crate) timeout: Option<Deadline>,
    pub(crate) watch: Watch,
}

/// The clocks of one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    deadlines: Deadlines,
    body: u64,
    pub(crate) issued: Time,
    pub(crate) connected: Option<Time>,
    headed: Option<Time>,
    last_moved: Time,
    pub(crate) moved: Moved,
    window: (Time, u64),
    /// The clock that runs out first; kept because it is asked for whenever anything happens to any request of the transfer.
    due: Option<(Time, Deadline)>,
}

impl Watch {
    pub(crate) fn new(deadlines: Deadlines, body: u64, now: Time) -> Self {
        let mut watch = Self {
            deadlines,
            body,
            issued: now,
            connected: None,
            headed: None,
            last_moved: now,
            moved: Moved::default(),
            window: (now, 0),
            due: None,
        };
        watch.due = watch.first();
        watch
    }

    pub(crate) fn headed(&mut self, now: Time) {
        self.connect(now);
        self.headed = Some(now);
        self.last_moved = now;
        self.window = (now, content(&self.moved));
        self.due = self.first();
    }

    fn connect(&mut self, now: Time) {
        if self.connected.is_none() {
            self.connected = Some(now);
            self.last_moved = now;
            self.window = (now, 0);
        }
    }

    /// Takes in how far the exchange has come; returns the content bytes that are new.
    pub(crate) fn progress(&mut self, moved: Moved, now: Time) -> u64 {
        if moved.connected || moved.sent > 0 {
            self.connect(now);
        }
        let fresh = content(&moved).saturating_sub(content(&self.moved));
        if fresh > 0 || moved.held {
            self.last_moved = now;
        }
        if moved.held {
            self.window = (now, content(&moved));
        }
        self.moved = moved;
        self.due = self.first();
        fresh
    }

    /// Whether the head of an answer has come.
    pub(crate) const fn is_headed(&self) -> bool {
        self.headed.is_some()
    }

    /// Whether the whole body was handed to the connection.
    pub(crate) const fn all_sent(&self) -> bool {
        self.moved.sent >= self.body
    }

    /// The clock that runs out first.
    pub(crate) const fn next(&self) -> Option<(Time, Deadline)> {
        self.due
    }

    /// When that is.
    pub(crate) fn due(&self) -> Time {
        self.due.map_or(Time::NEVER, |(at, _)| at)
    }

    fn first(&self) -> Option<(Time, Deadline)> {
        let deadlines = &self.deadlines;
        let total = deadlines.total.map(|span| (self.issued + span, Deadline::Total));
        let Some(_) = self.connected else {
            let connect = deadlines.connect.map(|span| (self.issued + span, Deadline::Connect));
            return [connect, total].into_iter().flatten().min_by_key(|&(at, _)| at);
        };
        let waits_for_head = self.headed.is_none() && self.all_sent();
        let silence = if waits_for_head {
            deadlines.first_byte.map(|span| (self.last_moved + span, Deadline::FirstByte))
        } else {
            deadlines.idle.map(|span| (self.last_moved + span, Deadline::Idle))
        };
        let rate = deadlines.minimum_rate.filter(|_| !waits_for_head).map(|rate| {
            let (opened, _) = self.window;
            (opened + rate.window.max(Duration::from_millis(1)), Deadline::MinimumRate)
        });
        [silence, rate, total].into_iter().flatten().min_by_key(|&(at, _)| at)
    }

    /// The deadline that has passed at `now`, if one has. A window in which enough moved is renewed.
    pub(crate) fn expired(&mut self, now: Time) -> Option<Deadline> {
        while let Some((at, deadline)) = self.next().filter(|&(at, _)| at <= now) {
            if deadline != Deadline::MinimumRate {
                return Some(deadline);
            }
            let moved = content(&self.moved);
            let (_, before) = self.window;
            if self.deadlines.minimum_rate.is_some_and(|rate| moved - before.min(moved) < rate.bytes) {
                return Some(deadline);
            }
            self.window = (at.max(now), moved);
            self.due = self.first();
        }
        None
    }
}

/// Bytes both ways; whoever counts them may say anything.
const fn content(moved: &Moved) -> u64 {
    moved.sent.saturating_add(moved.written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intent::MinimumRate;

    fn at(seconds: u64) -> Time {
        Time::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn r1_each_clock_watches_its_own_silence() {
        let mut watch = Watch::new(Deadlines::default(), 100, at(0));
        assert_eq!(watch.next(), Some((at(10), Deadline::Connect)));
        watch.progress(Moved { connected: true, ..Moved::default() }, at(5));
        assert_eq!(watch.next(), Some((at(35), Deadline::Idle)), "the body is still to be sent");
        watch.progress(Moved { connected: true, sent: 100, ..Moved::default() }, at(20));
        assert_eq!(watch.next(), Some((at(80), Deadline::FirstByte)));
        watch.headed(at(50));
        assert_eq!(watch.next(), Some((at(80), Deadline::Idle)));
        assert_eq!((watch.expired(at(79)), watch.expired(at(80))), (None, Some(Deadline::Idle)));
    }

    #[test]
    fn r1_a_slow_but_steady_transfer_passes_with_defaults() {
        let mut watch = Watch::new(Deadlines::default(), 0, at(0));
        watch.headed(at(1));
        for second in 2..128 {
            let written = second * 65_536;
            watch.progress(Moved { connected: true, written, ..Moved::default() }, at(second));
            assert_eq!(watch.expired(at(second)), None);
        }
    }

    #[test]
    fn r1_a_trickle_below_the_minimum_rate_is_noticed() {
        let rate = MinimumRate { bytes: 1000, window: Duration::from_secs(10) };
        let deadlines = Deadlines::default().with_minimum_rate(Some(rate));
        let mut watch = Watch::new(deadlines, 0, at(0));
        watch.headed(at(0));
        for second in 1..=10 {
            watch.progress(Moved { connected: true, written: second * 100, ..Moved::default() }, at(second));
        }
        assert_eq!(watch.expired(at(10)), None, "1000 bytes in the window");
        for second in 11..=20 {
            watch.progress(Moved { connected: true, written: 1000 + second, ..Moved::default() }, at(second));
        }
        assert_eq!(watch.expired(at(20)), Some(Deadline::MinimumRate));
    }

    #[test]
    fn progress_tells_what_is_new_and_only_that_breaks_a_silence() {
        let moved = |sent, written| Moved { connected: true, sent, written, ..Moved::default() };
        let mut watch = Watch::new(Deadlines::default(), 100, at(0));
        assert_eq!(watch.progress(Moved::default(), at(1)), 0);
        assert_eq!(watch.next(), Some((at(10), Deadline::Connect)), "nothing is connected yet");
        assert_eq!((watch.progress(moved(3, 0), at(2)), watch.progress(moved(5, 4), at(3))), (3, 6));
        assert_eq!((watch.progress(moved(5, 4), at(9)), watch.next()), (0, Some((at(33), Deadline::Idle))));
        let mut unsaid = Watch::new(Deadlines::default(), 100, at(0));
        unsaid.progress(Moved { sent: 1, ..Moved::default() }, at(4));
        assert_eq!(unsaid.next(), Some((at(34), Deadline::Idle)), "what has sent a byte is connected");
    }

    #[test]
    fn r1_while_a_consumer_makes_no_room_silence_is_not_the_networks() {
        let deadlines =
            Deadlines::default().with_minimum_rate(Some(MinimumRate { bytes: 10, window: Duration::from_secs(50) }));
        let mut watch = Watch::new(deadlines, 0, at(0));
        watch.headed(at(1));
        let told = |written, held| Moved { connected: true, written, held, ..Moved::default() };
        for second in (2..400).step_by(20) {
            watch.progress(told(500, true), at(second));
            assert_eq!(watch.expired(at(second + 20)), None);
        }
        // It has taken everything, and the server says nothing more.
        watch.progress(told(500, false), at(400));
        assert_eq!(watch.next(), Some((at(382 + 30), Deadline::Idle)));
        // Or next to nothing: what counts begins where it was held.
        watch.progress(told(501, false), at(410));
        watch.progress(told(509, false), at(430));
        assert_eq!(watch.expired(at(382 + 50)), Some(Deadline::MinimumRate));
    }

    #[test]
    fn r1_the_minimum_rate_counts_both_ways_from_the_head_on() {
        let rate = MinimumRate { bytes: 10, window: Duration::from_secs(5) };
        let deadlines = Deadlines::default().with_minimum_rate(Some(rate));
        let mut watch = Watch::new(deadlines, 3, at(0));
        watch.progress(Moved { connected: true, sent: 3, written: 2, ..Moved::default() }, at(1));
        watch.headed(at(2));
        watch.progress(Moved { connected: true, sent: 3, written: 11, ..Moved::default() }, at(3));
        assert_eq!(
            (watch.expired(at(6)), watch.expired(at(7))),
            (None, Some(Deadline::MinimumRate)),
            "nine since the head"
        );
        let mut enough = Watch::new(deadlines, 3, at(0));
        enough.progress(Moved { connected: true, sent: 3, written: 2, ..Moved::default() }, at(1));
        enough.headed(at(2));
        enough.progress(Moved { connected: true, sent: 3, written: 12, ..Moved::default() }, at(3));
        assert_eq!((enough.expired(at(7)), enough.expired(at(12))), (None, Some(Deadline::MinimumRate)));
    }
}
