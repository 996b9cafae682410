//! Time as the core knows it: two plain numbers handed in by whoever drives it.
//!
//! The core never reads a clock. [`Time`] is monotonic and drives every deadline and delay; [`Wall`] is civil time and is only
//! used where a protocol names a date (`Retry-After`, signatures, expiries).

use core::fmt;
use core::ops::Add;
use core::time::Duration;

/// A point on the driver's monotonic clock: microseconds since an origin of the driver's choice.
///
/// Only differences mean anything. Unlike `std::time::Instant` it can be printed, stored in a trace and replayed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(u64);

impl Time {
    /// The origin.
    pub const ZERO: Self = Self(0);
    /// The end of time: a deadline that never comes.
    pub const NEVER: Self = Self(u64::MAX);

    /// The point `micros` microseconds after the origin.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the origin.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The time passed since `earlier`; zero if `earlier` lies ahead.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    /// Saturates at [`Time::NEVER`].
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(micros(span)))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}s", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// Civil time: whole seconds since 1970-01-01T00:00:00Z, negative before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Wall(i64);

impl Wall {
    /// The moment `seconds` after the Unix epoch.
    #[must_use]
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since the Unix epoch.
    #[must_use]
    pub const fn as_unix(self) -> i64 {
        self.0
    }

    /// The span from `self` to `later`; zero if `later` has passed already.
    #[must_use]
    pub const fn until(self, later: Self) -> Duration {
        let seconds = later.0.saturating_sub(self.0);
        if seconds <= 0 { Duration::ZERO } else { Duration::from_secs(seconds.unsigned_abs()) }
    }
}

/// Both clocks, read by the driver at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Now {
    /// The monotonic clock.
    pub mono: Time,
    /// The civil clock.
    pub wall: Wall,
}

impl Now {
    /// Both clocks, read at one moment.
    #[must_use]
    pub const fn new(mono: Time, wall: Wall) -> Self {
        Self { mono, wall }
    }
}

/// A span in whole microseconds, saturating.
pub(crate) fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn a_later_reference_gives_no_negative_span() {
        assert_eq!(Time::from_micros(5).since(Time::from_micros(9)), Duration::ZERO);
        assert_eq!(Wall::from_unix(9).until(Wall::from_unix(5)), Duration::ZERO);
        assert_eq!(Wall::from_unix(5).until(Wall::from_unix(9)), Duration::from_secs(4));
    }

    #[test]
    fn adding_saturates_at_never() {
        assert_eq!(Time::from_micros(1) + Duration::MAX, Time::NEVER);
        assert_eq!(format!("{:?}", Time::from_micros(1_500_000)), "1.500000s");
    }
}
