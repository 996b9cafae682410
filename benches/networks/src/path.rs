//! A network path between two ends, as arithmetic: when does what goes in come out? Delay, a shared rate with a queue before it, a
//! window per connection that slow start opens and loss closes.
//!
//! What a byte stream shows of a packet network, not the packets: a lost segment comes one round trip later, and all behind it with it
//! (RFC 9293 §3.4); the sender then has less in flight (RFC 5681, with CUBIC's factor of 0.7, RFC 9438 §4.6) and gets back one
//! segment per round trip. No window is larger than [`MOST`], as with Linux's default buffers.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Content of a segment on a path of 1,500 bytes.
const SEGMENT: u64 = 1448;
/// Where slow start begins (RFC 6928).
const FIRST: u64 = 10 * SEGMENT;
/// What one connection may have in flight.
const MOST: u64 = 3 << 20;

/// What lies between the two ends. Without anything set: nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Path {
    /// Each way.
    pub(crate) delay: Duration,
    /// Of all connections together, each way, in bytes per second.
    pub(crate) rate: Option<u64>,
    /// Of each connection, to the client, in bytes per second.
    pub(crate) each: Option<u64>,
    /// The first connection has this rate instead.
    pub(crate) slow: Option<u64>,
    /// One of so many segments is lost on its way to the client.
    pub(crate) loss: Option<u64>,
}

impl Path {
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    fn round_trip(&self) -> Duration {
        self.delay * 2
    }

    /// What one connection may carry.
    fn of_connection(&self, number: usize) -> Option<u64> {
        if number == 0 { self.slow.or(self.each) } else { self.each }
    }
}

/// Something that takes bytes at a rate, one after the other.
#[derive(Debug)]
pub(crate) struct Line {
    rate: Option<u64>,
    free: Mutex<Instant>,
}

impl Line {
    pub(crate) fn new(rate: Option<u64>) -> Self {
        Self { rate, free: Mutex::new(Instant::now()) }
    }

    /// When `bytes` have passed, and how long they stood in the queue before it.
    fn pass(&self, bytes: u64, now: Instant) -> (Instant, Duration) {
        let Some(rate) = self.rate else {
            return (now, Duration::ZERO);
        };
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = now.max(*free);
        *free = begin + Duration::from_nanos(bytes * 1_000_000_000 / rate.max(1));
        (*free, begin - now)
    }
}

/// One direction of one connection.
pub(crate) struct Stream {
    path: Path,
    own: Line,
    window: u64,
    /// Slow start ends here.
    threshold: u64,
    /// Losses before this moment are of a window that was cut already.
    cut_until: Instant,
    last: Instant,
    random: u64,
    loss: Option<u64>,
}

impl Stream {
    /// To the client on connection `number`.
    pub(crate) fn down(path: Path, number: usize) -> Self {
        Self::new(path, Line::new(path.of_connection(number)), path.loss, number)
    }

    /// To the server. Its first bytes wait for the handshake.
    pub(crate) fn up(path: Path, number: usize) -> Self {
        let mut stream = Self::new(path, Line::new(None), None, number);
        stream.last += path.round_trip();
        stream
    }

    fn new(path: Path, own: Line, loss: Option<u64>, number: usize) -> Self {
        let now = Instant::now();
        Self {
            path,
            own,
            window: FIRST,
            threshold: MOST,
            cut_until: now,
            last: now + path.delay,
            random: 0x9e37_79b9_7f4a_7c15 ^ (number as u64 + 1).wrapping_mul(0xbf58_476d_1ce4_e5b9),
            loss,
        }
    }

    /// What may be in flight now.
    pub(crate) const fn window(&self) -> u64 {
        self.window
    }

    /// The most to take at once: some two milliseconds of the narrowest line, so that connections share it in small turns.
    pub(crate) fn turn(&self) -> u64 {
        let rate = self.own.rate.unwrap_or(u64::MAX).min(self.path.rate.unwrap_or(u64::MAX));
        (rate / 500).clamp(4 << 10, 64 << 10)
    }

    /// When the connection's own rate lets it send again.
    pub(crate) fn ready(&self) -> Instant {
        *self.own.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When `bytes` that are sent now arrive.
    pub(crate) fn send(&mut self, bytes: u64, line: &Line, now: Instant) -> Instant {
        self.own.pass(bytes, now);
        let (through, queued) = line.pass(bytes, now);
        let round_trip = self.path.round_trip();
        // The queue before the line holds a round trip's worth; what comes when it is full is lost.
        let full = !round_trip.is_zero() && queued > round_trip;
        let mut arrival = through + self.path.delay;
        if self.loses(bytes) || full {
            arrival += round_trip;
            if now >= self.cut_until {
                self.threshold = (self.window * 7 / 10).max(2 * SEGMENT);
                self.window = self.threshold;
                self.cut_until = now + round_trip;
            }
        }
        self.last = self.last.max(arrival);
        self.last
    }

    /// `bytes` were acknowledged.
    pub(crate) fn acknowledge(&mut self, bytes: u64) {
        let more = if self.window < self.threshold { bytes } else { SEGMENT * bytes / self.window.max(1) };
        self.window = (self.window + more).min(MOST);
    }

    /// How long after its arrival it is known at the other end.
    pub(crate) const fn delay(&self) -> Duration {
        self.path.delay
    }

    fn loses(&mut self, bytes: u64) -> bool {
        let Some(one_in) = self.loss else {
            return false;
        };
        (0..bytes.div_ceil(SEGMENT)).fold(false, |lost, _| {
            // xorshift64 (Marsaglia 2003).
            self.random ^= self.random << 13;
            self.random ^= self.random >> 7;
            self.random ^= self.random << 17;
            lost | self.random.is_multiple_of(one_in)
        })
    }
}
