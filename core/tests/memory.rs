//! What tasks weigh, counted by the allocator: exact, and the same on every machine of a word size.
#![allow(clippy::disallowed_types, reason = "a counter inside the allocator, not in the core")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use http::Request;
use longhaul_core::error::{BuildError, ServerFault, ServerFaultKind};
use longhaul_core::intent::Body;
use longhaul_core::provider::{Context, Head, Profile, Provider, Reply, Step, Verdict};
use longhaul_core::spec::{Config, Start, TransferKey};
use longhaul_core::{Direction, Engine, Now, Spec};

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    /// Bytes this thread allocated and has not freed. Tests run on threads of their own.
    static LIVE: Cell<usize> = const { Cell::new(0) };
}

fn live() -> usize {
    LIVE.get()
}

// SAFETY: all work is the system allocator's; only a number is kept.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = LIVE.try_with(|live| live.set(live.get().wrapping_add(layout.size())));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let _ = LIVE.try_with(|live| live.set(live.get().wrapping_sub(layout.size())));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[derive(Debug)]
struct Nowhere;

impl Provider for Nowhere {
    fn authority(&self) -> &str {
        "example.org:443"
    }

    fn object(&self) -> &str {
        "https://example.org/file"
    }

    fn profile(&self) -> Profile {
        Profile::download()
    }

    fn build(&self, _: &Step, _: &Context<'_>, _: Now) -> Result<Request<Body>, BuildError> {
        Ok(Request::new(Body::Empty))
    }

    fn interpret(&self, step: &Step, _: &Context<'_>, _: Head<'_>, _: &[u8], _: Now) -> Result<Reply, Verdict> {
        Err(Verdict::Fatal(ServerFault::new(ServerFaultKind::NotFound, step.kind(), None, "")))
    }
}

const TASKS: usize = 10_000;

/// Bytes per task that waits, everything but what its provider holds included, and the slack of growing tables as well.
fn idle_task(start: Start) -> usize {
    let provider: Arc<dyn Provider> = Arc::new(Nowhere);
    let mut engine = Engine::new(Config::default(), 1);
    let mut submit = |n: usize, start| {
        let key = TransferKey::new(Direction::Download, "https://example.org/file", &n.to_string());
        let mut spec = Spec::new(Direction::Download, Arc::clone(&provider), key);
        spec.start = start;
        engine.submit(spec, Now::default()).expect("room for a task");
    };
    // These take the places of active transfers.
    (0..Config::default().limits.downloads).for_each(|n| submit(n, Start::Now));
    let before = live();
    (100..100 + TASKS).for_each(|n| submit(n, start));
    (live() - before) / TASKS
}

#[test]
fn an_idle_task_takes_at_most_1_kib() {
    for start in [Start::Now, Start::Paused] {
        let bytes = idle_task(start);
        assert!(bytes <= 1024, "{start:?}: {bytes} bytes");
    }
}
