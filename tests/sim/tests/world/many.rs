//! Many seeds of one scenario, on all cores. `LONGHAUL_SEEDS=N` runs N of each instead of the usual number.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use longhaul_sim::run::Report;
use longhaul_sim::sweep::cores;

/// A number from outside.
#[expect(clippy::disallowed_methods, reason = "how many seeds there are comes from outside")]
pub(crate) fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[expect(clippy::print_stdout, reason = "it says where to look")]
/// Runs `one` for seeds from 0 on, `usual` of them unless told otherwise; a failure names its seed.
pub(crate) fn each(usual: u64, one: impl Fn(u64) + Sync) {
    let seeds = number("LONGHAUL_SEEDS").unwrap_or(usual);
    let next = AtomicU64::new(0);
    let failed: Mutex<Option<(u64, Box<dyn Any + Send>)>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..cores() {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
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
