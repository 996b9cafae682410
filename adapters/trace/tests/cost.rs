//! What recording costs the client's loop, counted by the allocator: the same on every machine.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use longhaul_core::error::BuildError;
use longhaul_core::event::End;
use longhaul_core::intent::{Body, Disposition, FileOp, FileReply, Intent, Moved, Outcome};
use longhaul_core::layout::PartSize;
use longhaul_core::provider::{Context, Head, Object, Profile, Provider, Reply, Step, Verdict};
use longhaul_core::spec::TransferKey;
use longhaul_core::time::{Now, Time, Wall};
use longhaul_core::{Config, Direction, Engine, EventKind, Spec};
use longhaul_driver::trace::{Said, Told, Trace};
use longhaul_trace::Recorder;

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    /// Allocations of this thread. Tests run on threads of their own, and so does what writes a trace.
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: all work is the system allocator's; only a number is kept.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

const PART: u64 = 1 << 20;

/// An object of this many bytes that is always there.
#[derive(Debug)]
struct There(u64);

impl Provider for There {
    fn authority(&self) -> &str {
        "example.org:443"
    }

    fn object(&self) -> &str {
        "https://example.org/folder/big.iso"
    }

    fn profile(&self) -> Profile {
        Profile::download()
    }

    fn build(&self, _: &Step, _: &Context<'_>, _: Now) -> Result<Request<Body>, BuildError> {
        let request = Request::get("https://example.org/folder/big.iso?signature=none").body(Body::Empty);
        request.map_err(|error| BuildError::new(error.to_string(), ""))
    }

    fn interpret(&self, step: &Step, _: &Context<'_>, _: Head<'_>, _: &[u8], _: Now) -> Result<Reply, Verdict> {
        let mut object = Object::default();
        (object.total, object.ranges) = (Some(self.0), Some(true));
        object.validator.etag = Some("\"66f0-5a1b2c3d\"".to_owned());
        Ok(match step.range() {
            Some(range) => Reply::Range { range, object },
            None => Reply::Object(object),
        })
    }
}

/// The engine, and the recorder where there is one.
struct Run {
    engine: Engine,
    recorder: Option<Recorder>,
    now: Now,
}

impl Run {
    fn told(&mut self, told: &Told<'_>) {
        if let Some(recorder) = &mut self.recorder {
            recorder.told(told);
        }
    }

    fn said(&mut self, said: &Said<'_>) {
        if let Some(recorder) = &mut self.recorder {
            recorder.said(said);
        }
    }

    fn submit(&mut self, parts: u64) {
        let mut provider: Arc<dyn Provider> = Arc::new(There(parts * PART));
        if let Some(recorder) = &mut self.recorder {
            recorder.begin(&Config::default(), 1);
            recorder.turn(self.now);
            provider = recorder.provider(provider);
        }
        let key = TransferKey::new(Direction::Download, "big.iso", "here");
        let mut spec = Spec::new(Direction::Download, provider, key);
        spec.part_size = PartSize::Bytes(PART);
        self.told(&Told::Submit(&spec));
        let task = self.engine.submit(spec, self.now);
        self.said(&Said::Submitted(task));
    }

    /// Everything that is wanted happens a millisecond later.
    fn run(&mut self, headers: &HeaderMap) -> End {
        let mut wanted = Vec::new();
        for turn in 1u64.. {
            self.now = Now::new(Time::ZERO + Duration::from_millis(turn), Wall::from_unix(1_800_000_000));
            if let Some(recorder) = &mut self.recorder {
                recorder.turn(self.now);
            }
            for intent in wanted.drain(..) {
                self.answer(&intent, headers);
            }
            while let Some(intent) = self.engine.poll_intent(self.now) {
                self.said(&Said::Intent(&intent));
                wanted.push(intent);
            }
            while let Some(event) = self.engine.poll_event() {
                let progress = self.engine.progress(event.task);
                self.said(&Said::Event(&event, progress));
                if let EventKind::Ended(end) = event.kind {
                    return end;
                }
            }
        }
        unreachable!("the loop has no other end")
    }

    fn answer(&mut self, intent: &Intent, headers: &HeaderMap) {
        let now = self.now;
        match intent {
            Intent::Http { op, .. } => {
                let head = Head { status: StatusCode::PARTIAL_CONTENT, headers };
                self.told(&Told::Head(*op, head));
                let disposition = self.engine.handle_head(*op, head, now);
                self.said(&Said::Disposition(disposition));
                let mut moved = Moved::default();
                if let Disposition::WriteAt { len, .. } = disposition {
                    moved.written = len / 2;
                    self.told(&Told::Progress(*op, &moved));
                    self.engine.handle_progress(*op, moved, now);
                    moved.written = len;
                }
                let outcome = Outcome::Complete { moved, body: Bytes::new() };
                self.told(&Told::Done(*op, &outcome));
                self.engine.handle_done(*op, outcome, now);
            }
            Intent::File { op, action, .. } => {
                let reply = Ok(match action {
                    FileOp::Reserve { .. } => FileReply::Reserved { kept: false },
                    FileOp::Publish { .. } => FileReply::Published { path: "big.iso".to_owned() },
                    _ => FileReply::Done,
                });
                self.told(&Told::File(*op, &reply));
                self.engine.handle_file(*op, reply, now);
            }
            Intent::Journal { op, .. } => {
                self.told(&Told::Journal(*op, &Ok(())));
                self.engine.handle_journal(*op, Ok(()), now);
            }
            _ => {}
        }
    }
}

/// How often the loop's thread allocates for a download of so many parts.
fn download(parts: u64, recorder: Option<Recorder>) -> u64 {
    let mut headers = HeaderMap::new();
    headers.insert(header::ETAG, HeaderValue::from_static("\"66f0-5a1b2c3d\""));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::SET_COOKIE, HeaderValue::from_static("a=b"));
    let mut download = Run { engine: Engine::new(Config::default(), 1), recorder, now: Now::default() };
    let before = COUNT.get();
    download.submit(parts);
    let end = download.run(&headers);
    assert!(matches!(end, End::Completed(_)), "{end:?}");
    COUNT.get() - before
}

/// The same with a recorder: allocations, and bytes of the trace.
fn recorded(parts: u64) -> (u64, u64) {
    let (recorder, recording) = Recorder::new(io::sink(), u64::MAX).expect("a thread");
    let allocations = download(parts, Some(recorder));
    (allocations, recording.wait().expect("it takes everything"))
}

#[test]
fn a_part_more_costs_few_allocations_and_little_space() {
    let plain = (download(1100, None) - download(100, None)) / 1000;
    let (few, many) = (recorded(100), recorded(1100));
    let (allocations, bytes) = ((many.0 - few.0) / 1000, (many.1 - few.1) / 1000);
    assert!(allocations < plain + 40, "{allocations} allocations for a part, {plain} without a recorder");
    assert!(bytes < 1500, "{bytes} bytes for a part");
}
