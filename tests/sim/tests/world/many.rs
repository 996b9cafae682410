//! Many seeds of one scenario, on all cores. `LONGHAUL_SEEDS=N` runs N of each instead of the usual number.

use std::any::Any;
use std::env::VarError;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use longhaul_sim::run::Report;
use longhaul_sim::sweep::cores;

/// A number from outside.
#[expect(clippy::disallowed_methods, reason = "how many seeds there are comes from outside")]
pub(crate) fn number(name: &str) -> Option<u64> {
    match std::env::var(name) {
        Err(VarError::NotPresent) => None,
        text => Some(read(name, &text.unwrap_or_default())),
    }
}

#[expect(clippy::panic, reason = "a sweep of another size than was asked for must not pass")]
fn read(name: &str, text: &str) -> u64 {
    text.replace('_', "").parse().unwrap_or_else(|_| panic!("{name}={text} is no number"))
}

/// How many seeds to run: `usual` of them unless told otherwise.
pub(crate) fn seeds(usual: u64) -> u64 {
    let seeds = number("LONGHAUL_SEEDS").unwrap_or(usual);
    assert!(seeds > 0, "LONGHAUL_SEEDS=0 would test nothing");
    seeds
}

#[test]
#[should_panic(expected = "LONGHAUL_SEEDS=abc is no number")]
fn a_number_that_is_none_is_not_passed_over() {
    read("LONGHAUL_SEEDS", "abc");
}

#[expect(clippy::print_stdout, reason = "it says where to look")]
/// Runs `one` for seeds from 0 on, `usual` of them unless told otherwise; a failure names its seed.
pub(crate) fn each(usual: u64, one: impl Fn(u64) + Sync) {
    let seeds = seeds(usual);
    let next = AtomicU64::new(0);
    let failed: Mutex<Option<(u64, Box<dyn Any + Send>)>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..cores() {
            scope.spawn(|| {
                let take = |seed| (seed < seeds).then(|| seed + 1);
                while let Ok(seed) = next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| one(seed))) {
                        next.store(seeds, Ordering::Relaxed);
                        failed.lock().expect("nobody panics with it").get_or_insert((seed, panic));
                        return;
                    }
                }
            });
        }
    });
    if let Some((seed, panic)) = failed.into_inner().expect("nobody panics with it") {
        println!("at seed {seed}");
        resume_unwind(panic);
    }
}

/// Leaves the trace of a run beside the build, and says how to see it.
pub(crate) fn save(report: &Report, name: &str) -> String {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    match report.save(folder, name) {
        Ok(path) => format!("{report}\n  cargo run -p longhaul-sim --example replay -- {}", path.display()),
        Err(error) => format!("{report}\n  no trace: {error}"),
    }
}
