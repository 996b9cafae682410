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
            self.average =
                if self.average == 0 { rate } else { self.average.saturating_mul(3).saturating_add(rate) / 4 };
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

    #[test]
    fn a_young_rate_is_shown_after_fifty_milliseconds_and_then_averaged_over_windows() {
        let at = |millis: u64| Time::from_micros(millis * 1000);
        let mut rate = Rate::new(at(0));
        rate.add(1_000, at(10));
        assert_eq!((rate.current(at(49)), rate.current(at(50))), (0, 20_000));
        rate.add(1_000, at(499));
        rate.add(2_000, at(500));
        assert_eq!((rate.current(at(500)), rate.current(at(600))), (8_000, 8_000), "4,000 bytes in half a second");
        rate.add(4_000, at(1_500));
        assert_eq!(rate.current(at(1_500)), 7_000, "three parts of the old, one of the new");
        rate.add(100, at(1_600));
        assert_eq!((rate.current(at(6_499)), rate.current(at(6_500))), (7_000, 20), "and nothing old for ever");
    }

    #[test]
    fn after_a_long_silence_half_of_the_old_rate_is_believed() {
        let at = |millis: u64| Time::from_micros(millis * 1000);
        let mut rate = Rate::new(at(0));
        rate.add(500, at(500));
        assert_eq!(rate.current(at(500)), 1_000);
        rate.add(700, at(5_500));
        assert_eq!(rate.current(at(5_500)), 500);
        // The bytes that broke the silence belong to the new window.
        rate.add(300, at(6_000));
        assert_eq!(rate.current(at(6_000)), (500 * 3 + 2_000) / 4);
        let mut talking = Rate::new(at(0));
        talking.add(500, at(100));
        talking.add(500, at(5_000));
        assert_eq!(talking.current(at(5_000)), 200);
    }
}
