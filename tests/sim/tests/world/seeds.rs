//! Whole worlds from seeds. `LONGHAUL_SEEDS=N` runs more of them, `LONGHAUL_SEED=S` replays one.

use std::panic::{AssertUnwindSafe, catch_unwind};

use longhaul_sim::run::{Report, run_seed};

/// Under a minute on two cores; `LONGHAUL_SEEDS` for more.
const DEFAULT: u64 = 6_000;

#[expect(clippy::disallowed_methods, reason = "the seed and their number come from outside")]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs a seed; a panic of the engine is a finding like any other.
fn guarded(seed: u64, keep: bool) -> Result<Report, String> {
    catch_unwind(AssertUnwindSafe(|| run_seed(seed, keep))).map_err(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| String::from(*text)))
            .unwrap_or_default();
        format!(
            "seed {seed}: panic: {text}\n  LONGHAUL_SEED={seed} cargo test -p longhaul-sim --test world seeds::replay -- --nocapture"
        )
    })
}

#[test]
fn s1_every_even_seed_keeps_every_invariant() {
    sweep(0);
}

#[test]
fn s1_every_odd_seed_keeps_every_invariant() {
    sweep(1);
}

/// Every second seed, so that two cores share them.
fn sweep(odd: u64) {
    let first = number("LONGHAUL_SEED_FIRST").unwrap_or(0);
    let seeds = number("LONGHAUL_SEEDS").unwrap_or(DEFAULT);
    let mut failures = Vec::new();
    for seed in (first..first + seeds).filter(|seed| seed % 2 == odd) {
        match guarded(seed, false) {
            Ok(report) if report.violation.is_none() => {}
            Ok(report) => {
                if let Ok(kept) = guarded(seed, true) {
                    write_trace(seed, &kept.lines);
                }
                failures.push(report.to_string());
            }
            Err(text) => failures.push(text),
        }
        if failures.len() >= 20 {
            break;
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[expect(clippy::print_stdout, reason = "it says where to look")]
/// Leaves the whole trace of a seed beside the build, for whoever looks into it.
fn write_trace(seed: u64, lines: &[String]) {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("seed-{seed}.trace"));
    match std::fs::write(&path, lines.join("\n")) {
        Ok(()) => println!("trace: {}", path.display()),
        Err(error) => println!("no trace: {error}"),
    }
}

#[test]
fn replay() {
    let Some(seed) = number("LONGHAUL_SEED") else {
        return;
    };
    let mut world = longhaul_sim::run::draw_world(seed, true);
    let transitions = longhaul_sim::run::draw_transitions(seed);
    for job in &world.jobs {
        println!("{job:?}");
    }
    println!("{:?}\n{:?}", world.weather, world.limits());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        for transition in &transitions {
            world.apply(transition);
            if world.verdict().is_err() {
                break;
            }
        }
        if world.verdict().is_ok() {
            world.finish();
        }
    }));
    for line in world.trace.lines() {
        println!("{line}");
    }
    println!("{:?}", world.verdict());
    assert!(panicked.is_ok() && world.verdict().is_ok());
}
