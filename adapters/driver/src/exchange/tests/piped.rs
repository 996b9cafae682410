//! Answers of which the kernel moves what nobody has to see.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use http::Response;
use longhaul_core::Algorithm;
use longhaul_core::error::{Fault, FaultKind, FileFault, FileFaultKind};
use longhaul_core::intent::{FileOp, FileReply, Outcome};

use crate::cancel::Cancel;
use crate::common::{Scripted, content, cut, reset, run};
use crate::memory::MemoryTarget;
use crate::rate::Rate;
use crate::storage::{Batch, Chunk, Pipe, Storage};
use crate::transport::{Moved, Splice, Transport, Unread};

use super::{Bench, published, reserve, write_at};

/// What the pipes of the system hold at least, without being made larger.
const ROOM: usize = 60 << 10;

/// So many at a time.
struct Pipes {
    most: usize,
    /// What each says that it holds.
    size: usize,
    about: Arc<()>,
}

/// A target that takes bytes from pipes.
#[derive(Clone)]
struct Piping {
    target: MemoryTarget,
    pipes: Arc<Pipes>,
    /// Bytes that came by pipe.
    piped: Arc<AtomicUsize>,
    writes: Arc<AtomicUsize>,
    full: Arc<AtomicBool>,
}

impl Piping {
    fn new(pipes: usize) -> Self {
        Self::sized(pipes, 1 << 20)
    }

    fn sized(pipes: usize, size: usize) -> Self {
        let target = MemoryTarget::new(1 << 24);
        reserve(&target);
        let (piped, writes) = Default::default();
        let pipes = Arc::new(Pipes { most: pipes, size, about: Arc::default() });
        Self { target, pipes, piped, writes, full: Arc::default() }
    }

    fn piped(&self) -> usize {
        self.piped.load(Ordering::SeqCst)
    }
}

impl Storage for Piping {
    fn run(&self, op: FileOp, cancel: Cancel) -> BoxFuture<'static, Result<FileReply, FileFault>> {
        self.target.run(op, cancel)
    }
    fn read(&self, offset: u64, chunk: Chunk) -> BoxFuture<'static, Result<Chunk, FileFault>> {
        self.target.read(offset, chunk)
    }
    fn write(&self, offset: u64, batch: Batch) -> BoxFuture<'static, Result<Batch, FileFault>> {
        self.target.write(offset, batch)
    }
    fn pipe(&self) -> Option<Pipe> {
        let (reader, writer) = std::io::pipe().unwrap();
        let counted = Arc::clone(&self.pipes.about);
        (Arc::strong_count(&counted) - 2 < self.pipes.most).then_some(Pipe {
            reader,
            writer,
            len: 0,
            size: self.pipes.size,
            counted,
        })
    }
    fn write_piped(&self, offset: u64, mut pipe: Pipe, len: usize) -> BoxFuture<'static, Result<Pipe, FileFault>> {
        assert!(len > 0 && len <= pipe.len);
        let this = self.clone();
        async move {
            // Not at once, as with a disk.
            let mut once = false;
            std::future::poll_fn(|cx| {
                cx.waker().wake_by_ref();
                if std::mem::replace(&mut once, true) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            if this.full.load(Ordering::SeqCst) {
                return Err(FileFault::new(FileFaultKind::Full, "no room"));
            }
            let mut bytes = vec![0; len];
            pipe.reader.read_exact(&mut bytes).unwrap();
            pipe.len -= len;
            this.piped.fetch_add(len, Ordering::SeqCst);
            this.writes.fetch_add(1, Ordering::SeqCst);
            this.target.write(offset, Batch { frames: vec![bytes.into()], hasher: None }).await?;
            Ok(pipe)
        }
        .boxed()
    }
}

/// An answer: what comes as frames in any case, and what does if nobody wants it moved.
#[derive(Clone)]
struct Half {
    first: Bytes,
    rest: Bytes,
    /// Most bytes at a time.
    step: usize,
    end: End,
    state: Arc<State>,
}

#[derive(Clone, Copy, PartialEq)]
enum End {
    Clean,
    Broken,
    Silence,
}

#[derive(Default)]
struct State {
    begun: AtomicBool,
    moved: AtomicUsize,
    /// The most that was ever asked for.
    most: AtomicUsize,
    full: AtomicUsize,
    dropped: AtomicBool,
}

impl Drop for Half {
    fn drop(&mut self) {
        self.state.dropped.store(Arc::strong_count(&self.state) <= 2, Ordering::SeqCst);
    }
}

impl Half {
    fn new(all: &Bytes, first: usize, step: usize, end: End) -> Self {
        Self { first: all.slice(..first), rest: all.slice(first..), step, end, state: Arc::default() }
    }

    fn answers(&self) -> impl Transport {
        let half = self.clone();
        Scripted(move |_| {
            let (first, rest) = (cut(&half.first, 999), cut(&half.rest, 999));
            let state = Arc::clone(&half.state);
            let rest = stream::iter(rest).take_while(move |_| {
                let begun = state.begun.load(Ordering::SeqCst);
                async move { !begun }
            });
            let mut response = Response::new(stream::iter(first).chain(rest).map(Ok).boxed());
            response.extensions_mut().insert(Unread::new(Arc::new(half.clone())));
            std::future::ready(Ok(response))
        })
    }

    fn begun(&self) -> bool {
        self.state.begun.load(Ordering::SeqCst)
    }
}

impl Splice for Half {
    fn begin(&self) {
        self.state.begun.store(true, Ordering::SeqCst);
    }

    fn poll_move(&self, _: &mut Context<'_>, pipe: &Pipe, most: usize) -> Poll<Result<Moved, Fault>> {
        self.state.most.fetch_max(most, Ordering::SeqCst);
        let at = self.state.moved.load(Ordering::SeqCst);
        let left = self.rest.len() - at;
        if left == 0 {
            return match self.end {
                End::Clean => Poll::Ready(Ok(Moved::End)),
                End::Broken => Poll::Ready(Err(reset())),
                End::Silence => Poll::Pending,
            };
        }
        let len = left.min(most).min(self.step).min(ROOM - pipe.len);
        if len == 0 {
            self.state.full.fetch_add(1, Ordering::SeqCst);
            return Poll::Ready(Ok(Moved::Full));
        }
        (&pipe.writer).write_all(&self.rest[at..at + len]).unwrap();
        self.state.moved.fetch_add(len, Ordering::SeqCst);
        Poll::Ready(Ok(Moved::Bytes(len)))
    }
}

const LEN: usize = 300_000;

#[test]
fn what_is_not_read_arrives_behind_what_was() {
    let object = content(LEN);
    for pipes in [1, 2] {
        for first in [0, 1, 5000, 8192, LEN - 1, LEN] {
            for step in [997, 50_000, usize::MAX] {
                for len in [LEN as u64, u64::MAX] {
                    let storage = Piping::new(pipes);
                    let bench = Bench::new(storage.clone());
                    let half = Half::new(&object, first, step, End::Clean);
                    let outcome = bench.run(half.answers(), write_at(0, 5, len, None));
                    assert!(matches!(outcome, Outcome::Complete { .. }), "{outcome:?}");
                    assert_eq!((outcome.moved().written, outcome.moved().digest), (LEN as u64, None));
                    assert!(published(&storage.target, LEN as u64 + 5)[5..] == object);
                    assert_eq!(storage.piped(), LEN - first);
                    assert!(half.state.most.load(Ordering::SeqCst) <= 1 << 20);
                }
            }
        }
    }
}

#[test]
fn a_pipe_is_filled_as_far_as_it_says_that_it_can_be() {
    let object = content(LEN);
    let storage = Piping::sized(2, 64 << 10);
    let bench = Bench::new(storage.clone());
    let half = Half::new(&object, 0, usize::MAX, End::Clean);
    let outcome = bench.run(half.answers(), write_at(0, 0, LEN as u64, None));
    assert!(matches!(outcome, Outcome::Complete { .. }), "{outcome:?}");
    assert!(published(&storage.target, LEN as u64) == object);
    assert_eq!(storage.piped(), LEN);
    assert_eq!(half.state.most.load(Ordering::SeqCst), 64 << 10);
}

#[test]
fn nothing_is_left_unread_where_somebody_looks_or_the_target_takes_none() {
    let object = content(LEN);
    for (what, pipes, skip, digest) in
        [("a digest", 2, 0, Some(Algorithm::Crc32c)), ("bytes to skip", 2, 10, None), ("no pipe", 0, 0, None)]
    {
        let storage = Piping::new(pipes);
        let bench = Bench::new(storage.clone());
        let half = Half::new(&object, 5000, 1000, End::Clean);
        let outcome = bench.run(half.answers(), write_at(skip, 0, LEN as u64 - skip, digest));
        assert!(matches!(outcome, Outcome::Complete { .. }), "{what}: {outcome:?}");
        assert!(!half.begun() && storage.piped() == 0, "{what}");
        assert!(published(&storage.target, LEN as u64 - skip) == object[skip as usize..], "{what}");
        assert_eq!(outcome.moved().digest.is_some(), digest.is_some());
    }
}

#[test]
fn v11_what_came_before_the_break_is_kept() {
    let object = content(LEN);
    for end in [End::Broken, End::Clean] {
        for at in [0, 1, 4999, 5000, 5001, 70_000, LEN - 1] {
            let storage = Piping::new(2);
            let bench = Bench::new(storage.clone());
            let half = Half::new(&object.slice(..at), at.min(5000), 10_000, end);
            let outcome = bench.run(half.answers(), write_at(0, 0, LEN as u64, None));
            let Outcome::Broken { moved, fault } = outcome else { panic!("{outcome:?}") };
            assert_eq!(moved.written, at as u64);
            assert!(published(&storage.target, at as u64) == object[..at]);
            if end == End::Clean {
                assert_eq!(fault.kind, FaultKind::Truncated);
                assert!(fault.detail.contains(&format!("{at} of {LEN} bytes came")), "{fault}");
            } else {
                assert_eq!(fault.kind, FaultKind::Reset);
            }
        }
    }
}

#[test]
fn no_more_than_is_wanted_is_moved_and_the_rest_given_up() {
    let object = content(LEN);
    for wanted in [3000, 5000, 5001, 200_000] {
        let storage = Piping::new(2);
        let bench = Bench::new(storage.clone());
        let half = Half::new(&object, 5000, usize::MAX, End::Silence);
        let outcome = bench.run(half.answers(), write_at(0, 0, wanted as u64, None));
        assert!(matches!(outcome, Outcome::Complete { .. }), "{outcome:?}");
        assert!(published(&storage.target, wanted as u64) == object[..wanted]);
        assert_eq!(half.state.moved.load(Ordering::SeqCst), wanted.saturating_sub(5000));
        assert!(half.state.dropped.load(Ordering::SeqCst));
    }
}

#[test]
fn a_pipe_that_is_full_with_less_than_a_batch_is_written() {
    let object = content(LEN);
    let storage = Piping::new(2);
    let bench = Bench::new(storage.clone());
    let half = Half::new(&object, 0, usize::MAX, End::Clean);
    bench.run(half.answers(), write_at(0, 0, LEN as u64, None));
    assert!(half.state.full.load(Ordering::SeqCst) > 0);
    assert_eq!(storage.writes.load(Ordering::SeqCst), LEN.div_ceil(ROOM));
    assert!(published(&storage.target, LEN as u64) == object);
}

/// An exchange that has moved all there is and waits for more; and what its loop gets in the end.
fn waiting(bench: &Bench, half: Half) -> (impl Future<Output = ()> + Unpin, impl Future<Output = Outcome> + Unpin) {
    let mut exchange = Box::pin(bench.exchange(half.answers()).run());
    let mut answer = Box::pin(bench.answer(Some(write_at(0, 0, 1 << 20, None))));
    for _ in 0..4 {
        assert!((&mut exchange).now_or_never().is_none());
        assert!((&mut answer).now_or_never().is_none());
    }
    (exchange, answer)
}

#[test]
fn c4_a_cancel_keeps_what_came() {
    let object = content(20_000);
    let storage = Piping::new(2);
    let bench = Bench::new(storage.clone());
    let (exchange, answer) = waiting(&bench, Half::new(&object, 0, usize::MAX, End::Silence));
    assert_eq!(bench.controls.meter.read().written, 0);
    bench.controls.cancel.set();
    run(exchange);
    let outcome = answer.now_or_never().unwrap();
    assert!(matches!(outcome, Outcome::Cancelled { moved } if moved.written == 20_000), "{outcome:?}");
    assert_eq!(published(&storage.target, 20_000), object);
}

#[test]
fn a_nudge_writes_what_came() {
    let object = content(20_000);
    let storage = Piping::new(2);
    let bench = Bench::new(storage.clone());
    let (mut exchange, _answer) = waiting(&bench, Half::new(&object, 100, usize::MAX, End::Silence));
    assert_eq!(bench.controls.meter.read().written, 100);
    bench.controls.nudge.set();
    for _ in 0..4 {
        assert!((&mut exchange).now_or_never().is_none());
    }
    assert_eq!(bench.controls.meter.read().written, 20_000);
    assert_eq!(published(&storage.target, 20_000), object);
}

#[test]
fn a_full_disk_is_told_as_what_it_is() {
    let storage = Piping::new(2);
    storage.full.store(true, Ordering::SeqCst);
    let bench = Bench::new(storage);
    let half = Half::new(&content(LEN), 0, 10_000, End::Clean);
    let outcome = bench.run(half.answers(), write_at(0, 0, LEN as u64, None));
    let Outcome::Local { moved, fault } = outcome else { panic!("{outcome:?}") };
    assert_eq!((moved.written, fault.kind), (0, FileFaultKind::Full));
}

#[test]
fn what_is_moved_keeps_to_the_limit() {
    #![allow(clippy::disallowed_methods, reason = "it measures real time")]
    let object = content(60_000);
    for pipes in [1, 2] {
        let storage = Piping::new(pipes);
        let bench = Bench::new(storage.clone());
        bench.limiter.set(Rate::new(100_000));
        let half = Half::new(&object, 1000, usize::MAX, End::Clean);
        let begin = std::time::Instant::now();
        bench.run(half.answers(), write_at(0, 0, 60_000, None));
        let took = begin.elapsed().as_millis();
        assert!((400..1500).contains(&took), "{took} ms");
        // At most a tenth of a second's worth at a time.
        assert!((1..=10_000).contains(&half.state.most.load(Ordering::SeqCst)));
        assert_eq!(published(&storage.target, 60_000), object);
    }
}

#[test]
fn a_limit_that_changes_reaches_what_is_in_the_pipe() {
    let object = content(LEN);
    let storage = Piping::new(2);
    let bench = Bench::new(storage.clone());
    let half = Half::new(&object, 0, usize::MAX, End::Silence);
    let mut exchange = Box::pin(bench.exchange(half.answers()).run());
    let mut answer = Box::pin(bench.answer(Some(write_at(0, 0, LEN as u64, None))));
    bench.limiter.set(Rate::new(10));
    for _ in 0..4 {
        assert!((&mut exchange).now_or_never().is_none());
        assert!((&mut answer).now_or_never().is_none());
    }
    bench.limiter.set(None);
    run(exchange);
    assert!(matches!(answer.now_or_never(), Some(Outcome::Complete { .. })));
    assert_eq!(published(&storage.target, LEN as u64), object);
}
