//! Many seeds on all cores: the ordinary tests, the example `seeds` and a night's run are the same sweep.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use longhaul_core::rng::Rng;

use crate::run::Report;

/// Seeds a worker takes at once.
const BATCH: u64 = 32;

/// What seeds have come to. The same seeds give the same tally, however many workers shared them.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Seeds that were run.
    pub seeds: u64,
    /// Requests that arrived at servers.
    pub requests: u64,
    /// Virtual time.
    pub span: Duration,
    /// The hashes of all traces in one.
    pub hash: u64,
    /// What was found, by seed.
    pub findings: Vec<Report>,
}

impl Tally {
    fn take(&mut self, report: Report) {
        self.seeds += 1;
        self.requests += report.requests;
        self.span += report.span;
        // A sum, so that the order in which workers come back does not matter.
        self.hash = self.hash.wrapping_add(Rng::new(report.seed ^ report.hash.rotate_left(32)).next_u64());
        if !report.is_fine() {
            self.findings.push(report);
        }
    }

    fn join(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.requests += other.requests;
        self.span += other.span;
        self.hash = self.hash.wrapping_add(other.hash);
        self.findings.extend(other.findings);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seeds, requests, span, hash, findings } = self;
        let hours = span.as_secs() / 3_600;
        write!(
            f,
            "{seeds} seeds, {requests} requests, {hours} h of virtual time, {} findings, hash {hash:016x}",
            findings.len()
        )
    }
}

/// Workers for all cores of this machine.
#[must_use]
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Runs `seeds` by `one` on `workers` threads; stops early at `most` findings. `watch` sees the tally grow.
pub fn sweep(
    seeds: Range<u64>,
    workers: usize,
    most: usize,
    one: impl Fn(u64) -> Report + Sync,
    mut watch: impl FnMut(&Tally),
) -> Tally {
    let (next, stop) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
    let mut tally = Tally::default();
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(64);
        for _ in 0..workers.max(1) {
            let (sender, next, stop, one, end) = (sender.clone(), &next, &stop, &one, seeds.end);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let after = |first: u64| first.saturating_add(BATCH).min(end);
                    let taken = next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |first| {
                        (first < end).then(|| after(first))
                    });
                    let Ok(first) = taken else { break };
                    let mut batch = Tally::default();
                    (first..after(first)).for_each(|seed| batch.take(one(seed)));
                    if sender.send(batch).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        for batch in receiver {
            tally.join(batch);
            watch(&tally);
            stop.store(tally.findings.len() >= most, Ordering::Relaxed);
        }
    });
    tally.findings.sort_by_key(|finding| finding.seed);
    tally
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::run_seed;

    fn report(seed: u64) -> Report {
        Report {
            seed,
            hash: seed.wrapping_mul(3),
            violation: None,
            panic: None,
            lines: Vec::new(),
            requests: 1,
            span: Duration::ZERO,
        }
    }

    #[test]
    fn the_workers_number_changes_nothing() {
        let tallies = [1, 2, 7].map(|workers| sweep(5..105, workers, 1, |seed| run_seed(seed, false), |_| ()));
        for tally in &tallies {
            assert_eq!(tally.to_string(), tallies[0].to_string());
        }
        assert_eq!(tallies[0].seeds, 100);
    }

    #[test]
    fn a_sweep_to_the_last_number_ends() {
        assert_eq!(sweep(u64::MAX - 100..u64::MAX, 2, 1, report, |_| ()).seeds, 100);
    }

    #[test]
    fn enough_findings_end_a_sweep_and_are_told_in_order() {
        let bad = |seed: u64| Report { panic: (seed % 10 == 3).then(|| String::from("bad")), ..report(seed) };
        let tally = sweep(0..1_000_000, 2, 5, bad, |_| ());
        assert!(tally.seeds < 1_000_000 && tally.findings.len() >= 5);
        assert!(tally.findings.is_sorted_by_key(|finding| finding.seed));
    }

    #[test]
    fn another_trace_is_another_hash() {
        let other = |seed: u64| Report { hash: seed * 3 + u64::from(seed == 77), ..report(seed) };
        let (a, b) = (sweep(0..100, 2, 1, report, |_| ()), sweep(0..100, 2, 1, other, |_| ()));
        assert_ne!(a.hash, b.hash);
    }
}
