//! A recent rate in whole bytes per second: a moving average over half-second windows, in integers.

use core::time::Duration;

use crate::time::{Time, micros};

const WINDOW: Duration = Duration::from_millis(500);
/// A rate nobody has fed for this long is zero.
const STALE: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    opened: Time,
    bytes: u64,
    average: u64,
}

impl Rate {
    pub(crate) const fn new(now: Time) -> Self {
        Self { opened: now, bytes: 0, average: 0 }
    }

    pub(crate) fn add(&mut self, bytes: u64, now: Time) {
        let span = now.since(self.opened);
        if span >= STALE && self.bytes == 0 {
            *self = Self { opened: now, bytes, average: self.average / 2 };
            return;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        if span >= WINDOW {
            let rate = per_second(self.bytes, span);
            self.average = if self.average == 0 { rate } else { (self.average.saturating_mul(3) + rate) / 4 };
            self.opened = now;
            self.bytes = 0;
        }
    }

    pub(crate) fn current(&self, now: Time) -> u64 {
        let span = now.since(self.opened);
        let young = self.average == 0 && span >= WINDOW / 10;
        if span >= STALE || young { per_second(self.bytes, span) } else { self.average }
    }
}

fn per_second(bytes: u64, span: Duration) -> u64 {
    let rate = u128::from(bytes) * 1_000_000 / u128::from(micros(span).max(1));
    u64::try_from(rate).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_stream_shows_its_rate_and_silence_shows_none() {
        let mut rate = Rate::new(Time::ZERO);
        for tenth in 1..=100u64 {
            rate.add(100_000, Time::from_micros(tenth * 100_000));
        }
        let shown = rate.current(Time::from_micros(10_000_000));
        assert!((950_000..=1_250_000).contains(&shown), "{shown}");
        assert!(rate.current(Time::from_micros(40_000_000)) < 100_000);
    }
}
