//! What every request to a store passes first: its date, its credential, and how many came within the second.
//!
//! A request says when it was made (`x-date`) and when its credential was issued (`x-issued`), both in unix seconds. A presigned
//! one says neither; who issued it looks at its URL.

use crate::wire::{Moment, WireAnswer, WireRequest, imf_fixdate};

/// The gate. Open by default.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    /// Dates farther off than this, in seconds, are refused.
    pub clock: Option<i64>,
    /// Credentials are good for so many seconds.
    pub lifetime: Option<i64>,
    /// Requests taken per second.
    pub rate: Option<u32>,
    /// Requests refused for their date.
    pub skewed: u64,
    /// Requests refused for their credential.
    pub expired: u64,
    /// Requests refused for their number.
    pub throttled: u64,
    /// The present second, and what came in it.
    second: (u64, u32),
}

impl Gate {
    /// The refusal, if the request does not pass.
    pub fn refuse(&mut self, request: &WireRequest, now: Moment) -> Option<WireAnswer> {
        let number = |name| request.header(name).and_then(|value| value.parse::<i64>().ok());
        let second = now.at.as_micros() / 1_000_000;
        if self.second.0 != second {
            self.second = (second, 0);
        }
        self.second.1 += 1;
        let wall = now.wall.as_unix();
        if self.rate.is_some_and(|rate| self.second.1 > rate) {
            self.throttled += 1;
            return Some(refusal(503, "SlowDown"));
        }
        let off = number("x-date").map_or(0, |date| wall.abs_diff(date));
        if self.clock.is_some_and(|most| off > most.unsigned_abs()) {
            self.skewed += 1;
            return Some(refusal(403, "RequestTimeTooSkewed").with("date", imf_fixdate(now.wall)));
        }
        let age = number("x-issued").map_or(0, |issued| wall.saturating_sub(issued));
        if self.lifetime.is_some_and(|lifetime| age >= lifetime) {
            self.expired += 1;
            return Some(refusal(403, "ExpiredToken"));
        }
        None
    }

    /// Nothing is refused any more for its number, or for a credential that does not last.
    pub fn ease(&mut self) {
        self.rate = None;
        self.lifetime = None;
    }
}

/// A refusal that also an answer to `HEAD` can tell the reason of.
fn refusal(status: u16, code: &str) -> WireAnswer {
    WireAnswer::status(status).with("x-error", code).text(code)
}
