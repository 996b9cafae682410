//! What the feature `metrics` tells the [`metrics`](https://docs.rs/metrics) facade: totals and durations of all clients of the process.
//! Whoever wants them installs a recorder; without one, and without the feature, nothing is counted. Nothing here decides anything.
//!
//! Names, units and labels: docs/embedding.md.

use std::sync::atomic::{AtomicI32, Ordering};

use longhaul_core::event::End;
use longhaul_core::intent::Outcome;
use longhaul_core::time::Time;
use longhaul_core::{Direction, EventKind};
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::runtime::Timer;

/// Tells a recorder the units and meanings. Called when a client starts, so install the recorder before.
pub(crate) fn describe() {
    describe_counter!("longhaul_bytes_total", Unit::Bytes, "bodies sent (upload) or written (download)");
    describe_counter!("longhaul_requests_total", Unit::Count, "requests that are over");
    describe_gauge!("longhaul_requests_in_flight", Unit::Count, "requests made and not over");
    describe_histogram!("longhaul_request_head_seconds", Unit::Seconds, "from a request to the head of its answer");
    describe_histogram!("longhaul_request_seconds", Unit::Seconds, "from a request to its end");
    describe_counter!("longhaul_retries_total", Unit::Count, "requests repeated after a failure");
    describe_counter!("longhaul_transfers_total", Unit::Count, "transfers that are over");
}

/// One transfer.
#[derive(Clone, Copy)]
pub(crate) struct Transfer(&'static str);

impl Transfer {
    pub(crate) fn new(direction: Direction) -> Self {
        Self(match direction {
            Direction::Download => "download",
            Direction::Upload => "upload",
        })
    }

    /// An event that is not the end.
    pub(crate) fn event(self, kind: &EventKind) {
        if matches!(kind, EventKind::Retrying { .. }) {
            counter!("longhaul_retries_total", "direction" => self.0).increment(1);
        }
    }

    pub(crate) fn end(self, end: &End) {
        let (end, code) = match end {
            End::Completed(_) => ("completed", 0),
            End::Failed(error) => ("failed", error.code()),
            _ => return,
        };
        counter!("longhaul_transfers_total", "direction" => self.0, "end" => end, "code" => code.to_string())
            .increment(1);
    }

    pub(crate) fn request(self, timer: &dyn Timer) -> Request {
        in_flight(self.0, 1);
        Request { direction: self.0, begun: timer.now().mono }
    }
}

/// One request, as long as it is in flight.
pub(crate) struct Request {
    direction: &'static str,
    begun: Time,
}

impl Request {
    pub(crate) fn head(&self, now: Time) {
        let took = now.since(self.begun).as_secs_f64();
        histogram!("longhaul_request_head_seconds", "direction" => self.direction).record(took);
    }

    pub(crate) fn done(&self, outcome: &Outcome, now: Time) {
        let (direction, moved) = (self.direction, outcome.moved());
        let bytes = if direction == "upload" { moved.sent } else { moved.written };
        let end = match outcome {
            Outcome::Complete { .. } => "complete",
            Outcome::Local { .. } => "local",
            Outcome::Cancelled { .. } => "cancelled",
            _ => "broken",
        };
        counter!("longhaul_bytes_total", "direction" => direction).increment(bytes);
        counter!("longhaul_requests_total", "direction" => direction, "end" => end).increment(1);
        histogram!("longhaul_request_seconds", "direction" => direction).record(now.since(self.begun).as_secs_f64());
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        in_flight(self.direction, -1);
    }
}

/// The gauge is set, not moved: not every recorder remembers what it was.
fn in_flight(direction: &'static str, change: i32) {
    static DOWNLOADS: AtomicI32 = AtomicI32::new(0);
    static UPLOADS: AtomicI32 = AtomicI32::new(0);
    let requests = if direction == "upload" { &UPLOADS } else { &DOWNLOADS };
    let now = requests.fetch_add(change, Ordering::Relaxed) + change;
    gauge!("longhaul_requests_in_flight", "direction" => direction).set(f64::from(now));
}
