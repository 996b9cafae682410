//! How bad it is: the chance of each kind of fault, drawn once per seed.
//!
//! Kinds are switched off or made extreme per seed rather than all mixed at one rate: rare combinations of two faults are found
//! where a third does not hide them.

use longhaul_core::rng::Rng;

/// Chances are out of 256.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Weather {
    /// Least and most delay of a round trip, in microseconds.
    pub latency: (u64, u64),
    /// Least and most rate of one exchange, in bytes per second.
    pub rate: (u64, u64),
    /// Connections that cannot be made.
    pub connect: u8,
    /// Kept connections that turn out closed.
    pub stale: u8,
    /// Connections that break while the request or the answer is on its way.
    pub reset: u8,
    /// Requests that are carried out and whose answer is lost.
    pub lost: u8,
    /// Exchanges that fall silent.
    pub stall: u8,
    /// Bodies that end early.
    pub short: u8,
    /// Requests whose effect comes after their sender has given up.
    pub ghost: u8,
    /// 429 and 503, with and without `Retry-After`.
    pub throttle: u8,
    /// 500, 502, 504.
    pub error: u8,
    /// Answers outside the rules (D2).
    pub defect: u8,
    /// Disk operations that fail.
    pub disk: u8,
    /// Writes that find no room; there is some again after a while.
    pub full: u8,
    /// Journal writes that fail.
    pub journal: u8,
    /// The server forgets what it had accepted (rewind, lost sessions).
    pub amnesia: u8,
}

impl Weather {
    /// Nothing goes wrong.
    pub const CALM: Self = Self {
        latency: (1_000, 20_000),
        rate: (1 << 20, 8 << 20),
        connect: 0,
        stale: 0,
        reset: 0,
        lost: 0,
        stall: 0,
        short: 0,
        ghost: 0,
        throttle: 0,
        error: 0,
        defect: 0,
        disk: 0,
        full: 0,
        journal: 0,
        amnesia: 0,
    };

    /// The weather of a seed.
    pub fn draw(rng: &mut Rng) -> Self {
        let latency = [(100, 2_000), (1_000, 50_000), (50_000, 900_000), (0, 0)];
        let rate = [(4 << 10, 64 << 10), (256 << 10, 4 << 20), (1 << 10, 64 << 20), (64 << 20, 64 << 20)];
        let mut chance = |mild: u8, extreme: u8| match rng.up_to(7) {
            0 => extreme,
            1 | 2 => mild,
            _ => 0,
        };
        let mut weather = Self {
            connect: chance(8, 100),
            stale: chance(20, 120),
            reset: chance(20, 150),
            lost: chance(12, 100),
            stall: chance(4, 30),
            short: chance(16, 120),
            ghost: chance(60, 255),
            throttle: chance(16, 120),
            error: chance(10, 80),
            defect: chance(2, 20),
            disk: chance(3, 25),
            journal: chance(10, 120),
            amnesia: chance(4, 40),
            full: chance(2, 20),
            ..Self::CALM
        };
        weather.latency = pick(rng, &latency).unwrap_or(weather.latency);
        weather.rate = pick(rng, &rate).unwrap_or(weather.rate);
        weather
    }
}

/// Whether something of this chance happens now. A chance of zero draws nothing.
pub fn happens(rng: &mut Rng, chance: u8) -> bool {
    chance > 0 && rng.up_to(255) < u64::from(chance)
}

/// Where choices come from: a generator, or a fuzzer's bytes.
pub trait Choices {
    /// A number in `0..=most`.
    fn up_to(&mut self, most: u64) -> u64;
}

impl Choices for Rng {
    fn up_to(&mut self, most: u64) -> u64 {
        Self::up_to(self, most)
    }
}

/// One of several.
pub fn pick<T: Copy>(rng: &mut impl Choices, from: &[T]) -> Option<T> {
    let last = u64::try_from(from.len().checked_sub(1)?).ok()?;
    from.get(usize::try_from(rng.up_to(last)).ok()?).copied()
}

/// A number in `low..=high`.
pub fn between(rng: &mut Rng, (low, high): (u64, u64)) -> u64 {
    low + rng.up_to(high.saturating_sub(low))
}
