//! Whole worlds from seeds. `LONGHAUL_SEEDS=N` runs N of them, from `LONGHAUL_SEED_FIRST` on; a million is the example `seeds`'.

use std::fmt::Write;

use crate::many::{number, save, seeds};
use longhaul_sim::run::run_seed;
use longhaul_sim::sweep::{cores, sweep};

const USUAL: u64 = 20_000;
/// A sweep with so many findings has said enough.
const MOST: usize = 20;

#[test]
fn s1_every_seed_keeps_every_invariant() {
    let first = number("LONGHAUL_SEED_FIRST").unwrap_or(0);
    let end = first.checked_add(seeds(USUAL)).expect("seeds end before 2^64 - 1");
    let tally = sweep(first..end, cores(), MOST, |seed| run_seed(seed, false), |_| ());
    let told: Vec<String> = tally
        .findings
        .iter()
        .map(|finding| {
            let kept = run_seed(finding.seed, true);
            let seed = finding.seed;
            format!("{}\n  cargo run -p longhaul-sim --example replay -- {seed}", save(&kept, &format!("seed-{seed}")))
        })
        .collect();
    assert!(told.is_empty(), "{tally}\n{}", told.join("\n"));
    println!("{tally}");
}

#[test]
fn i20_the_same_seed_gives_the_same_trace() {
    let seeds = seeds(1_000).min(10_000);
    let hashes = |keep, workers| sweep(0..seeds, workers, MOST, |seed| run_seed(seed, keep), |_| ()).to_string();
    // On other threads, in another order, with its lines kept: none of that may be seen.
    assert_eq!(hashes(false, 1), hashes(true, cores() + 1));
    let all: std::collections::BTreeSet<u64> = (0..60).map(|seed| run_seed(seed, false).hash).collect();
    assert_eq!(all.len(), 60, "and another one another");
}

/// The traces of some seeds, as committed: what they do on one machine they do on all.
///
/// `LONGHAUL_WRITE_HASHES=1 cargo test -p longhaul-sim --test world seeds::s2` writes the file anew.
#[test]
fn s2_the_traces_are_the_committed_ones() {
    let now = (0..COMMITTED).fold(String::from(HEADING), |mut text, seed| {
        let _ = writeln!(text, "{seed} {:016x}", run_seed(seed, false).hash);
        text
    });
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/hashes.txt");
    if number("LONGHAUL_WRITE_HASHES") == Some(1) {
        std::fs::write(path, &now).expect("the file can be written");
    }
    let then = std::fs::read_to_string(path).expect("the file is there");
    let other: Vec<_> = now.lines().filter(|&line| !then.lines().any(|other| other == line)).collect();
    assert!(
        other.is_empty() && now.lines().count() == then.lines().count(),
        "{} of {COMMITTED} traces are not the committed ones; the first of them:\n  {}\n{MEANING}",
        other.len(),
        other.iter().take(5).copied().collect::<Vec<_>>().join("\n  "),
    );
}

const COMMITTED: u64 = 200;
const HEADING: &str = "# seed, hash of its trace; see docs/testing.md\n";
const MEANING: &str = "\
The engine, a provider or the world does something else than it did. If that was meant, write the hashes anew
  LONGHAUL_WRITE_HASHES=1 cargo test -p longhaul-sim --test world seeds::s2
and commit them with the change. If nothing was meant to change, something here depends on the machine or on memory:
compare the two runs of one seed step by step
  cargo run -p longhaul-sim --example replay -- SEED";
