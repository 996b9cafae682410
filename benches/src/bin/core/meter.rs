//! CPU time of this thread, and allocations.

use longhaul_benches::allocator;
use longhaul_benches::engine::{Call, Done, Meter};

/// What a part takes.
pub(crate) const PART: [Call; 5] = [Call::Poll, Call::Head, Call::Progress, Call::Done, Call::Local];

/// Nanoseconds and allocations of each call, in all.
#[derive(Debug)]
pub(crate) struct Books {
    calls: [(u64, u64); Call::ALL.len()],
    /// What it takes to measure nothing: a system call, and as much as a third of what a call of the core takes.
    nothing: u64,
}

impl Default for Books {
    fn default() -> Self {
        let nothing = (0..1_000).map(|_| {
            let begun = now();
            now() - begun
        });
        Self { calls: Default::default(), nothing: nothing.min().unwrap_or_default() }
    }
}

impl Books {
    pub(crate) fn nanos(&self, call: Call) -> f64 {
        self.entry(call).0 as f64
    }

    pub(crate) fn allocations(&self, call: Call) -> f64 {
        self.entry(call).1 as f64
    }

    /// Of all that a part takes.
    pub(crate) fn part(&self, done: &Done, of: impl Fn(&Self, Call) -> f64) -> f64 {
        PART.into_iter().map(|call| of(self, call)).sum::<f64>() / done.parts as f64
    }

    fn entry(&self, call: Call) -> (u64, u64) {
        self.calls.get(call as usize).copied().unwrap_or_default()
    }
}

impl Meter for Books {
    fn of<T>(&mut self, call: Call, work: impl FnOnce() -> T) -> T {
        let (before, begun) = (allocator::calls(), now());
        let result = work();
        let (nanos, allocations) = (now() - begun, allocator::calls() - before);
        if let Some(entry) = self.calls.get_mut(call as usize) {
            entry.0 += nanos.saturating_sub(self.nothing);
            entry.1 += allocations;
        }
        result
    }
}

fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a live value of the type that `clock_gettime` fills.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(failed, 0, "threads have a CPU clock on every Unix");
    let part = |part: i64| u64::try_from(part).unwrap_or_default();
    part(time.tv_sec) * 1_000_000_000 + part(time.tv_nsec)
}
