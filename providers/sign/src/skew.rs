//! The difference between our clock and the server's.
//!
//! A signature carries a time, and the stores accept 15 minutes of difference. When a server refuses one, its `Date` header
//! (or the `ServerTime` of the error) tells how far we are off; the next attempt signs with that.

/// How far the server's clock is ahead of ours, in seconds; negative when it is behind.
///
/// Learned from raw local time and applied to raw local time, so it replaces what was known before and never adds up:
/// there is deliberately no way to combine two of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skew {
    seconds: i64,
}

impl Skew {
    /// No difference known.
    pub const NONE: Self = Self { seconds: 0 };

    /// Learns from an answer: the server's time in it, and the local time it arrived at (both unix seconds, the local time
    /// as the clock shows it, not corrected).
    pub fn learn(server: i64, local: i64) -> Self {
        Self { seconds: server.saturating_sub(local) }
    }

    /// The difference in seconds.
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// Local time (as the clock shows it, unix seconds) on the server's clock: the time to sign with.
    pub fn apply(self, local: i64) -> i64 {
        local.saturating_add(self.seconds)
    }

    /// Whether the difference is at least `seconds`: smaller ones are network delay and rounding.
    pub fn is_at_least(self, seconds: u64) -> bool {
        self.seconds.unsigned_abs() >= seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applying_what_was_learned_gives_the_servers_time() {
        let skew = Skew::learn(1_000, 2_200);
        assert_eq!(skew.seconds(), -1_200);
        assert_eq!(skew.apply(2_200), 1_000);
        assert_eq!(skew.apply(2_260), 1_060);
        assert!(skew.is_at_least(1_200) && !skew.is_at_least(1_201));
    }

    #[test]
    fn learning_again_replaces() {
        let first = Skew::learn(100, 50);
        let again = Skew::learn(160, 110);
        assert_eq!(first, again);
        assert_eq!(Skew::NONE.apply(7), 7);
    }

    #[test]
    fn absurd_times_saturate() {
        assert_eq!(Skew::learn(i64::MAX, i64::MIN).apply(i64::MAX), i64::MAX);
        assert!(Skew::learn(i64::MIN, i64::MAX).is_at_least(u64::from(u32::MAX)));
    }
}
