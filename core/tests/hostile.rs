//! Whoever drives the engine may be wrong in any way: answers to nothing, twice, of the wrong kind, absurd numbers, time that
//! runs backwards. No call may panic, keep the engine busy for ever, or leave a transfer behind that nothing will ever move.

mod wild;

use wild::Wild;

/// Enough for an ordinary run; `LONGHAUL_SEEDS=1000000` for a night.
fn seeds() -> u64 {
    std::env::var("LONGHAUL_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(3000)
}

#[test]
fn c9_whatever_is_told_nothing_panics_spins_or_stays_behind() {
    let first = std::env::var("LONGHAUL_SEED_FIRST").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    for seed in first..first + seeds() {
        Wild::new(seed).run();
    }
}
