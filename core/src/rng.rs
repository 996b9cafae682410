//! Deterministic randomness: a small counter-based generator (SplitMix64), seeded by the driver and forked per task.
//!
//! Not for secrets. It spreads retries and names upload sessions; a run is reproducible from its seed.

/// A SplitMix64 generator (Steele, Lea, Flood: *Fast splittable pseudorandom number generators*, 2014).
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A generator that gives the same numbers for the same seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `0..=max`, uniform to within 2⁻⁶⁴.
    pub fn up_to(&mut self, max: u64) -> u64 {
        let wide = u128::from(self.next_u64()) * (u128::from(max) + 1);
        u64::try_from(wide >> 64).unwrap_or(max)
    }

    /// An independent generator; the parent moves on by one step.
    pub fn fork(&mut self) -> Self {
        Self(self.next_u64() ^ 0xD1B5_4A32_D192_ED03)
    }

    /// 128 random bits as a version 4 UUID.
    pub fn uuid(&mut self) -> uuid::Uuid {
        let bits = (u128::from(self.next_u64()) << 64) | u128::from(self.next_u64());
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_forks_differ() {
        let (mut a, mut b) = (Rng::new(7), Rng::new(7));
        assert_eq!(a.next_u64(), b.next_u64());
        let mut fork = a.fork();
        assert_ne!(fork.next_u64(), b.next_u64());
    }

    #[test]
    fn bounded_numbers_stay_in_bounds_and_reach_both_ends() {
        let mut rng = Rng::new(1);
        let mut seen = [false; 4];
        for _ in 0..1000 {
            seen[usize::try_from(rng.up_to(3)).expect("at most 3")] = true;
        }
        assert_eq!(seen, [true; 4]);
        assert_eq!(rng.up_to(0), 0);
    }

    #[test]
    fn the_numbers_are_splitmix64s() {
        // The generator's published test vector.
        let mut rng = Rng::new(1_234_567);
        let first: [u64; 5] = core::array::from_fn(|_| rng.next_u64());
        let known = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(first, known);
    }

    #[test]
    fn a_fork_starts_elsewhere_and_a_uuid_holds_two_draws() {
        let first = Rng::new(5).next_u64();
        assert_eq!(Rng::new(5).fork().0, first ^ 0xD1B5_4A32_D192_ED03);
        let mut rng = Rng::new(5);
        let (high, low) = (rng.next_u64(), rng.next_u64());
        let (version, variant) = (0xF000, 3 << 62);
        let (got_high, got_low) = Rng::new(5).uuid().as_u64_pair();
        assert_eq!((got_high & !version, got_low & !variant), (high & !version, low & !variant));
        assert_eq!((got_high & version, got_low & variant), (0x4000, 2 << 62));
    }
}
