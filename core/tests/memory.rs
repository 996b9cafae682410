//! What tasks weigh and how much a part's request allocates, counted by the allocator: exact, and the same on every machine of a
//! word size.
#![allow(clippy::disallowed_types, reason = "a counter inside the allocator, not in the core")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use longhaul_core::error::{BuildError, ServerFault, ServerFaultKind};
use longhaul_core::intent::{Body, Disposition, FileOp, FileReply, Moved, Outcome};
use longhaul_core::layout::PartSize;
use longhaul_core::provider::{Context, Head, Object, Profile, Provider, Reply, Step, Validator, Verdict};
use longhaul_core::spec::{Config, Start, TransferKey};
use longhaul_core::{Algorithm, Digest, Direction, Engine, Intent, Now, Spec};

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    /// Bytes this thread allocated and has not freed. Tests run on threads of their own.
    static LIVE: Cell<usize> = const { Cell::new(0) };
    /// How often it asked the allocator for more.
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

fn live() -> usize {
    LIVE.get()
}

// SAFETY: all work is the system allocator's; only a number is kept.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = LIVE.try_with(|live| live.set(live.get().wrapping_add(layout.size())));
        let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
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
        let mut object = Object::default();
        object.total = Some(1 << 50);
        object.validator = Validator { etag: Some("\"1\"".to_owned()), modified: None };
        object.ranges = Some(true);
        match step {
            Step::Probe => Ok(Reply::Object(object)),
            Step::GetRange { range } => Ok(Reply::Range { range: *range, object }),
            step => Err(Verdict::Fatal(ServerFault::new(ServerFaultKind::NotFound, step.kind(), None, ""))),
        }
    }
}

fn spec(provider: &Arc<dyn Provider>, n: usize, start: Start) -> Spec {
    let key = TransferKey::new(Direction::Download, "https://example.org/file", &n.to_string());
    let mut spec = Spec::new(Direction::Download, Arc::clone(provider), key);
    spec.start = start;
    spec.part_size = PartSize::Bytes(8 << 20);
    spec
}

const TASKS: usize = 10_000;
/// Tables double: there is room for 16,384 of which 10,000 is used, 0.64 times 160 bytes each.
const SLACK: usize = 104;

/// Bytes per task that waits, everything but what its provider holds included, and the slack of growing tables as well.
fn idle_task(start: Start) -> usize {
    let provider: Arc<dyn Provider> = Arc::new(Nowhere);
    let mut engine = Engine::new(Config::default(), 1);
    let mut submit = |n: usize, start| {
        engine.submit(spec(&provider, n, start), Now::default()).expect("room for a task");
    };
    // These take the places of active transfers.
    (0..Config::default().limits.downloads).for_each(|n| submit(n, Start::Now));
    let before = live();
    (100..100 + TASKS).for_each(|n| submit(n, start));
    (live() - before) / TASKS
}

#[test]
fn v8_an_idle_task_takes_at_most_512_bytes_beside_the_slack_of_tables() {
    for start in [Start::Now, Start::Paused] {
        let bytes = idle_task(start);
        assert!(bytes <= 512 + SLACK, "{start:?}: {bytes} bytes");
    }
}

/// Calls of the allocator for each 100 parts of active downloads, from the request to the end of its answer, among `idle` others.
fn calls_per_100_parts(idle: usize, start: Start) -> usize {
    const PARTS: usize = 5_000;
    let provider: Arc<dyn Provider> = Arc::new(Nowhere);
    let mut engine = Engine::new(Config::default(), 1);
    let active = Config::default().limits.downloads;
    for n in 0..active + idle {
        let start = if n < active { Start::Now } else { start };
        engine.submit(spec(&provider, n, start), Now::default()).expect("room for a task");
    }
    let (mut now, mut parts, mut calls) = (Now::default(), 0, 0);
    let digest = Digest::new(Algorithm::Crc64Nvme, &[7; 8]);
    let mut flights = Vec::with_capacity(64);
    while parts < PARTS {
        // What growing tables need once is not of the parts.
        let before = CALLS.get();
        while let Some(intent) = engine.poll_intent(now) {
            match intent {
                Intent::Http { op, .. } => flights.push(op),
                Intent::File { op, action: FileOp::Reserve { .. }, .. } => {
                    engine.handle_file(op, Ok(FileReply::Reserved { kept: false }), now);
                }
                Intent::File { op, .. } => engine.handle_file(op, Ok(FileReply::Done), now),
                Intent::Journal { op, .. } => engine.handle_journal(op, Ok(()), now),
                other => assert!(matches!(other, Intent::Cancel { .. }), "nobody is asked for {other:?}"),
            }
        }
        assert!(!flights.is_empty(), "it goes on");
        now.mono = now.mono + std::time::Duration::from_millis(10);
        for op in flights.drain(..) {
            let head = Head { status: StatusCode::PARTIAL_CONTENT, headers: &HeaderMap::new() };
            let mut moved = Moved { connected: true, digest, ..Moved::default() };
            if let Disposition::WriteAt { len, .. } = engine.handle_head(op, head, now) {
                moved.written = len;
                parts += 1;
            }
            engine.handle_done(op, Outcome::Complete { moved, body: Bytes::new() }, now);
        }
        while engine.poll_event().is_some() {}
        if parts > PARTS / 10 {
            calls += CALLS.get() - before;
        }
    }
    calls * 100 / (PARTS - PARTS / 10)
}

#[test]
fn a_part_allocates_at_most_5_times_however_many_tasks_there_are() {
    let few = calls_per_100_parts(100, Start::Paused);
    assert!(few <= 500, "{few} for 100 parts");
    for start in [Start::Now, Start::Paused] {
        let many = calls_per_100_parts(100_000, start);
        assert!(many <= few + few / 20, "{many} for 100 parts among 100,000 tasks ({start:?}), {few} among 100");
    }
}
