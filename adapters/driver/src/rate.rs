//! Rate limits: the arithmetic, without a clock and without waiting.
//!
//! A [`Bucket`] does not count tokens but remembers when the next byte may move (the generic cell rate algorithm, as in ITU-T
//! I.371): a reservation is one addition, those who wait are served in the order they came, and nobody is woken in vain. What
//! was not used for a tenth of a second is lost, so a pause is never followed by a burst longer than that.

use std::num::NonZeroU64;

use longhaul_core::Time;

/// Bytes per second.
pub type Rate = NonZeroU64;

/// Rate limits of a client. `None` is no limit; bytes of content and of protocol bodies count, headers do not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Rates {
    /// Both directions together.
    pub total: Option<Rate>,
    /// All downloads together.
    pub download: Option<Rate>,
    /// All uploads together.
    pub upload: Option<Rate>,
}

impl Rates {
    /// No limit at all.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self { total: None, download: None, upload: None }
    }

    /// With a limit for both directions together.
    #[must_use]
    pub const fn with_total(mut self, rate: Option<Rate>) -> Self {
        self.total = rate;
        self
    }

    /// With a limit for downloads.
    #[must_use]
    pub const fn with_download(mut self, rate: Option<Rate>) -> Self {
        self.download = rate;
        self
    }

    /// With a limit for uploads.
    #[must_use]
    pub const fn with_upload(mut self, rate: Option<Rate>) -> Self {
        self.upload = rate;
        self
    }
}

const SECOND: u128 = 1_000_000_000;
/// How far the bucket may lag behind the clock, in nanoseconds: the longest burst.
const BURST: u64 = 100_000_000;

/// A slice is not made smaller than this for the sake of those who wait.
pub(crate) const FEW: u64 = 1 << 10;

/// A token bucket of one rate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bucket {
    rate: Rate,
    /// When the next byte may move, in nanoseconds on the clock of [`Time`].
    free: u64,
}

impl Bucket {
    /// A bucket that lets `rate` bytes through per second.
    #[must_use]
    pub const fn new(rate: Rate) -> Self {
        Self { rate, free: 0 }
    }

    /// The rate.
    #[must_use]
    pub const fn rate(&self) -> Rate {
        self.rate
    }

    /// The most bytes to reserve at once: those of a hundredth of a second, or, where these are few, up to `FEW` of a tenth; at
    /// least one. Nobody then waits long for another, many share evenly, and a cap far below a part's size lets bytes move all the
    /// time.
    #[must_use]
    pub const fn slice(&self) -> u64 {
        let (hundredth, tenth) = (self.rate.get() / 100, self.rate.get() / 10);
        let few = if tenth < FEW { tenth } else { FEW };
        let slice = if hundredth < few { few } else { hundredth };
        if slice == 0 { 1 } else { slice }
    }

    /// Reserves `bytes`, and tells when they may move: a time that has passed means at once.
    pub fn reserve(&mut self, bytes: u64, now: Time) -> Time {
        let now = now.as_micros().saturating_mul(1000);
        let start = self.free.max(now.saturating_sub(BURST));
        self.free = start.saturating_add(self.cost(bytes));
        Time::from_micros(start.div_ceil(1000))
    }

    /// Gives a reservation back that was not used.
    pub fn refund(&mut self, bytes: u64) {
        self.free = self.free.saturating_sub(self.cost(bytes));
    }

    fn cost(&self, bytes: u64) -> u64 {
        let nanos = (u128::from(bytes) * SECOND).div_ceil(u128::from(self.rate.get()));
        u64::try_from(nanos).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(rate: u64) -> Bucket {
        Bucket::new(Rate::new(rate).expect("not zero"))
    }

    /// Takes slices as fast as allowed for ten seconds.
    fn run(mut bucket: Bucket, most: u64) -> u64 {
        let (mut now, end) = (Time::from_micros(5_000_000), Time::from_micros(15_000_000));
        let mut moved = 0;
        loop {
            let slice = bucket.slice().min(most);
            now = now.max(bucket.reserve(slice, now));
            if now >= end {
                return moved;
            }
            moved += slice;
        }
    }

    #[test]
    fn the_rate_is_kept_within_one_burst_at_any_size() {
        for rate in [1, 7, 10, 999, 65_536, 1_000_000, 1_000_000_000, 40_000_000_000] {
            let (moved, wanted) = (run(bucket(rate), 256 << 10), rate * 10);
            assert!(moved >= wanted - wanted / 1000, "{rate}: {moved}");
            assert!(moved <= wanted + rate / 10 + bucket(rate).slice() + wanted / 1000, "{rate}: {moved}");
        }
    }

    #[test]
    fn r7_a_cap_far_below_a_part_moves_bytes_several_times_a_second() {
        let mut bucket = bucket(100);
        assert_eq!(bucket.slice(), 10);
        let mut last = Time::from_micros(1_000_000);
        for _ in 0..50 {
            let at = bucket.reserve(bucket.slice(), last);
            assert!(at.since(last).as_millis() <= 101);
            last = last.max(at);
        }
    }

    /// Jain's index (Jain, Chiu, Hawe 1984) of what each got in ten seconds.
    #[test]
    fn v9_sixty_four_streams_share_a_rate_evenly() {
        for rate in [64 << 10, 256 << 10, 2 << 20, 16 << 20, 1 << 30] {
            let mut bucket = bucket(rate);
            let mut moved = [0_u128; 64];
            // When each may go on, in the order they came.
            let mut waiting: std::collections::VecDeque<(usize, u64, Time)> = (0..moved.len())
                .map(|stream| {
                    let slice = bucket.slice().min(256 << 10);
                    (stream, slice, bucket.reserve(slice, Time::ZERO))
                })
                .collect();
            while let Some((stream, slice, at)) = waiting.pop_front().filter(|&(.., at)| at.as_micros() < 10_000_000) {
                moved[stream] += u128::from(slice);
                let slice = bucket.slice().min(256 << 10);
                waiting.push_back((stream, slice, bucket.reserve(slice, at)));
            }
            let (sum, squares): (u128, u128) = (moved.iter().sum(), moved.iter().map(|moved| moved * moved).sum());
            assert!(sum * sum * 100 >= squares * 64 * 99, "{rate}: {moved:?}");
        }
    }

    #[test]
    fn idle_time_is_not_saved_up() {
        let mut bucket = bucket(1000);
        let noon = Time::from_micros(3_600_000_000);
        bucket.reserve(100, Time::ZERO);
        // One burst at once, then the rate again.
        assert!(bucket.reserve(100, noon) <= noon);
        assert!(bucket.reserve(100, noon) <= noon);
        assert_eq!(bucket.reserve(100, noon).since(noon).as_millis(), 100);
    }

    #[test]
    fn a_refund_lets_the_next_one_go_earlier() {
        let mut bucket = bucket(10);
        let now = Time::from_micros(10_000_000);
        bucket.reserve(10, now);
        let waiting = bucket.reserve(10, now);
        bucket.refund(10);
        assert_eq!(bucket.reserve(10, now), waiting);
    }

    /// Streams behind one, two or three shared buckets, as uploads and downloads of one client are: everyone gets through, and
    /// no bucket lets more through than its rate and one burst.
    #[test]
    fn r7_a_hundred_thousand_schedules_of_limits_end_and_keep_every_rate() {
        for seed in 0..100_000 {
            let mut rng = longhaul_core::rng::Rng::new(seed);
            let rates: Vec<u64> = (0..3).map(|_| 1 << rng.up_to(20)).collect();
            let mut buckets: Vec<Bucket> = rates.iter().map(|&rate| bucket(rate)).collect();
            let mut moved = [0; 3];
            // What each has left in slices, when it goes on, and which buckets it passes.
            let begin = 1_000_000;
            let mut streams: Vec<(u64, u64, usize)> = (0..1 + rng.up_to(4))
                .map(|_| {
                    (1 + rng.up_to(12), begin + rng.up_to(500_000), usize::try_from(1 + rng.up_to(6)).expect("small"))
                })
                .collect();
            let mut end = begin;
            while let Some(stream) = streams.iter_mut().filter(|stream| stream.0 > 0).min_by_key(|stream| stream.1) {
                let passes = |at: usize| stream.2 >> at & 1 == 1;
                let slice = (0..3).filter(|&at| passes(at)).map(|at| buckets[at].slice()).min().expect("one at least");
                let now = Time::from_micros(stream.1);
                for at in (0..3).filter(|&at| passes(at)) {
                    stream.1 = stream.1.max(buckets[at].reserve(slice, now).as_micros());
                    moved[at] += slice;
                }
                stream.0 -= 1;
                end = end.max(stream.1);
            }
            for at in 0..3 {
                // The last slice moves when it is granted; a tenth of a second before the first may have been saved up.
                let most = rates[at] * (end - begin + 200_000) / 1_000_000 + 2 * buckets[at].slice();
                assert!(moved[at] <= most, "seed {seed}: {} bytes of {most} at {} per second", moved[at], rates[at]);
            }
            // Sixty slices, of at most a second each in any bucket.
            assert!(end - begin <= 180_500_000, "seed {seed}: {end}");
        }
    }
}
