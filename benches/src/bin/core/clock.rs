//! CPU time of this thread.

use crate::alloc;

/// Runs `work`; adds its CPU time in nanoseconds to `nanos`.
pub(crate) fn timed<T>(nanos: &mut u64, work: impl FnOnce() -> T) -> T {
    let begun = now();
    let result = work();
    *nanos += now() - begun;
    result
}

/// The same, adding its allocations to `allocations`.
pub(crate) fn counted<T>(nanos: &mut u64, allocations: &mut u64, work: impl FnOnce() -> T) -> T {
    let before = alloc::calls();
    let result = timed(nanos, work);
    *allocations += alloc::calls() - before;
    result
}

fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a live value of the type that `clock_gettime` fills.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(failed, 0, "threads have a CPU clock on every Unix");
    let part = |part: i64| u64::try_from(part).unwrap_or_default();
    part(time.tv_sec) * 1_000_000_000 + part(time.tv_nsec)
}
