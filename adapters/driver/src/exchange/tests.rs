//! One exchange, driven alone: a scripted transport on one side, a scripted loop on the other.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{BoxFuture, join};
use futures::stream::{self, StreamExt};
use http::{Request, Response};
use longhaul_core::error::{Fault, FaultKind, FileFault, FileFaultKind, Sent};
use longhaul_core::intent::{Body, Disposition, FileOp, FileReply, Outcome, Piece};
use longhaul_core::{Algorithm, ByteRange, OpId};

use super::{Controls, Exchange};
use crate::cancel::Cancel;
use crate::common::{Runtime, Scripted, content, cut, drain, frames, reset, run, stalled};
use crate::hash::Hasher;
use crate::mailbox::{Mail, Mailbox, Reply};
use crate::memory::{MemorySource, MemoryTarget};
use crate::rate::Rate;
use crate::runtime::Timer;
use crate::storage::{Batch, Chunk, Storage};
use crate::throttle::{Limiter, Throttle};
use crate::transport::{Frames, Transport};

/// Everything around one exchange.
struct Bench {
    runtime: Arc<Runtime>,
    mailbox: Arc<Mailbox>,
    controls: Controls,
    storage: Arc<dyn Storage>,
    limiter: Arc<Limiter>,
    body: Body,
    digest: Option<Algorithm>,
    batch: usize,
}

fn op() -> OpId {
    crate::mailbox::tests::op()
}

impl Bench {
    fn new(storage: impl Storage) -> Self {
        Self {
            runtime: Runtime::new(),
            mailbox: Arc::new(Mailbox::new(1)),
            controls: Controls::default(),
            storage: Arc::new(storage),
            limiter: Arc::default(),
            body: Body::Empty,
            digest: None,
            batch: 8192,
        }
    }

    fn target() -> (Self, MemoryTarget) {
        let target = MemoryTarget::new(1 << 24);
        reserve(&target);
        (Self::new(target.clone()), target)
    }

    fn exchange(&self, transport: impl Transport) -> Exchange {
        let timer: Arc<dyn Timer> = self.runtime.clone();
        let throttle = Throttle::new([self.limiter.clone(), Arc::default(), Arc::default()], timer);
        Exchange {
            op: op(),
            request: Request::new(self.body.clone()),
            digest: self.digest,
            storage: Arc::clone(&self.storage),
            transport: Arc::new(transport),
            send: throttle.clone(),
            receive: throttle,
            read_chunk: 4096,
            write_batch: self.batch,
            controls: self.controls.clone(),
            mailbox: Arc::clone(&self.mailbox),
        }
    }

    /// Runs it against a loop that answers each head with `disposition`; gives how it ended.
    fn run(&self, transport: impl Transport, disposition: Disposition) -> Outcome {
        run(join(self.exchange(transport).run(), self.answer(Some(disposition)))).1
    }

    /// The loop's side: the one outcome, and nothing after it.
    async fn answer(&self, disposition: Option<Disposition>) -> Outcome {
        let mut heads = Vec::new();
        loop {
            for reply in self.mail().await {
                match reply {
                    Reply::Head { op: of, disposition: reply, .. } => {
                        assert_eq!(of, op());
                        assert!(heads.is_empty(), "one head");
                        match disposition {
                            Some(disposition) => drop(reply.send(disposition)),
                            None => heads.push(reply),
                        }
                    }
                    Reply::Done { outcome, .. } => {
                        assert!(self.mail().now_or_never().is_none(), "one answer");
                        return *outcome;
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    async fn mail(&self) -> Vec<Reply> {
        let mut mail = Mail::default();
        std::future::poll_fn(|cx| self.mailbox.poll_take(&mut mail, cx)).await;
        mail.replies
    }
}

fn reserve(target: &MemoryTarget) {
    let op = FileOp::Reserve { total: None, keep: false, name: None, modified: None };
    target.run(op, Cancel::default()).now_or_never().unwrap().unwrap();
}

fn published(target: &MemoryTarget, len: u64) -> Bytes {
    let op = FileOp::Publish { len, modified: None, durable: false };
    target.run(op, Cancel::default()).now_or_never().unwrap().unwrap();
    target.content().unwrap()
}

fn write_at(skip: u64, offset: u64, len: u64, digest: Option<Algorithm>) -> Disposition {
    Disposition::WriteAt { skip, offset, len, digest }
}

/// Answers at once with `body`.
fn answering(body: impl Fn() -> Frames + Send + Sync + 'static) -> impl Transport {
    Scripted(move |_| std::future::ready(Ok(Response::new(body()))))
}

fn digest(algorithm: Algorithm, bytes: &[u8]) -> longhaul_core::Digest {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.digest().unwrap()
}

// ---- sending

#[test]
fn a_body_goes_out_piece_by_piece_with_its_digest() {
    let source = content(20_000);
    for (start, end) in [(0, 0), (0, 1), (0, 4096), (1, 4098), (100, 8292), (3, 20_000)] {
        let mut bench = Bench::new(MemorySource::new(source.clone()));
        let range = ByteRange::new(start, end).unwrap();
        let (head, tail) = (Bytes::from_static(b"head"), Bytes::from_static(b"tail"));
        let empty = Piece::Source(ByteRange::at(7, 0));
        bench.body =
            Body::Pieces(vec![Piece::Inline(head), empty.clone(), Piece::Source(range), Piece::Inline(tail), empty]);
        bench.digest = Some(Algorithm::Sha256);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let transport = {
            let seen = Arc::clone(&seen);
            Scripted(move |request: Request<crate::transport::SendBody>| {
                let seen = Arc::clone(&seen);
                async move {
                    let body = request.into_body();
                    assert_eq!(body.len(), 8 + end - start);
                    *seen.lock().unwrap() = drain(body).await.unwrap();
                    Ok(Response::new(frames(vec![])))
                }
            })
        };
        let outcome = bench.run(transport, Disposition::Collect { max: 10 });
        let Outcome::Complete { moved, body } = outcome else { panic!("{outcome:?}") };
        let wanted = &source[start as usize..end as usize];
        assert_eq!(*seen.lock().unwrap(), [b"head", wanted, b"tail"].concat());
        assert_eq!((moved.sent, moved.written, body.len()), (8 + end - start, 0, 0));
        assert_eq!(moved.digest, Some(digest(Algorithm::Sha256, wanted)));
    }
}

#[test]
fn a_digest_is_there_with_the_last_byte_also_when_nobody_asks_for_the_end() {
    let mut bench = Bench::new(MemorySource::new(content(10_000)));
    bench.body = Body::Source(ByteRange::at(0, 10_000));
    bench.digest = Some(Algorithm::Crc32c);
    let transport = Scripted(|request: Request<crate::transport::SendBody>| async move {
        let mut left = request.body().len();
        let mut body = request.into_body().into_frames();
        while left > 0 {
            left -= body.next().await.unwrap().unwrap().len() as u64;
        }
        Ok(Response::new(frames(vec![])))
    });
    let outcome = bench.run(transport, Disposition::Collect { max: 10 });
    assert_eq!(outcome.moved().digest, Some(digest(Algorithm::Crc32c, &content(10_000))));
}

#[test]
fn the_next_read_begins_while_the_socket_takes_the_frame_before_and_buffers_come_back() {
    /// Counts reads begun and buffers it has not seen before.
    struct Counting(MemorySource, Arc<AtomicUsize>, Arc<Mutex<Vec<usize>>>);
    impl Storage for Counting {
        fn run(&self, op: FileOp, cancel: Cancel) -> BoxFuture<'static, Result<FileReply, FileFault>> {
            self.0.run(op, cancel)
        }
        fn read(&self, offset: u64, chunk: Chunk) -> BoxFuture<'static, Result<Chunk, FileFault>> {
            self.1.fetch_add(1, Ordering::SeqCst);
            assert_eq!(chunk.buffer.capacity(), 4096);
            self.2.lock().unwrap().push(chunk.buffer.as_ptr() as usize);
            self.0.read(offset, chunk)
        }
        fn write(&self, _: u64, _: Batch) -> BoxFuture<'static, Result<Batch, FileFault>> {
            unreachable!()
        }
    }
    let (reads, places) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
    let source = Counting(MemorySource::new(content(64 << 10)), Arc::clone(&reads), Arc::clone(&places));
    let mut bench = Bench::new(source);
    bench.body = Body::Source(ByteRange::at(0, 64 << 10));
    let transport = {
        let reads = Arc::clone(&reads);
        Scripted(move |request: Request<crate::transport::SendBody>| {
            let reads = Arc::clone(&reads);
            async move {
                let mut body = request.into_body().into_frames();
                let mut seen = 0;
                while let Some(frame) = body.next().await {
                    seen += 1;
                    assert_eq!(reads.load(Ordering::SeqCst), (seen + 1).min(16), "one ahead");
                    drop(frame);
                }
                Ok(Response::new(frames(vec![])))
            }
        })
    };
    assert!(matches!(bench.run(transport, Disposition::Close), Outcome::Cancelled { .. }));
    let mut places = places.lock().unwrap().clone();
    places.sort_unstable();
    places.dedup();
    assert!(places.len() <= 4, "{} buffers for 16 reads", places.len());
}

#[test]
fn a_source_that_fails_or_shrinks_wins_over_the_transport_error_it_causes() {
    struct Failing(MemorySource);
    impl Storage for Failing {
        fn run(&self, op: FileOp, cancel: Cancel) -> BoxFuture<'static, Result<FileReply, FileFault>> {
            self.0.run(op, cancel)
        }
        fn read(&self, offset: u64, chunk: Chunk) -> BoxFuture<'static, Result<Chunk, FileFault>> {
            if offset >= 8192 {
                let fault = FileFault::new(FileFaultKind::Denied, "no");
                return std::future::ready(Err(fault)).boxed();
            }
            self.0.read(offset, chunk)
        }
        fn write(&self, _: u64, _: Batch) -> BoxFuture<'static, Result<Batch, FileFault>> {
            unreachable!()
        }
    }
    let transport = |answers: bool| {
        Scripted(move |request: Request<_>| async move {
            assert!(drain(request.into_body()).await.is_err());
            // What a server makes of half a body does not matter.
            if answers { Ok(Response::new(frames(vec![]))) } else { Err(reset()) }
        })
    };
    for answers in [false, true] {
        let mut bench = Bench::new(Failing(MemorySource::new(content(20_000))));
        bench.body = Body::Source(ByteRange::at(0, 20_000));
        let outcome = bench.run(transport(answers), Disposition::Close);
        let Outcome::Local { moved, fault } = outcome else { panic!("{outcome:?}") };
        assert_eq!((moved.sent, fault.kind), (8192, FileFaultKind::Denied));

        let mut bench = Bench::new(MemorySource::new(content(5000)));
        bench.body = Body::Source(ByteRange::at(0, 20_000));
        let outcome = bench.run(transport(answers), Disposition::Close);
        let Outcome::Local { fault, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(fault.kind, FileFaultKind::Changed);
    }
}

#[test]
fn an_early_refusal_is_delivered_although_the_body_is_not_through() {
    let mut bench = Bench::new(MemorySource::new(content(20_000)));
    bench.body = Body::Source(ByteRange::at(0, 20_000));
    let transport = Scripted(|request: Request<crate::transport::SendBody>| async move {
        let mut body = request.into_body().into_frames();
        body.next().await.unwrap().unwrap();
        let refusal = frames(vec![Ok(Bytes::from_static(b"too large"))]);
        Ok(Response::builder().status(413).body(refusal).unwrap())
    });
    let outcome = bench.run(transport, Disposition::Collect { max: 100 });
    let Outcome::Complete { moved, body } = outcome else { panic!("{outcome:?}") };
    assert_eq!((moved.sent, body.as_ref()), (4096, b"too large".as_ref()));
}

// ---- receiving

#[test]
fn an_answer_goes_where_it_belongs_however_it_is_cut() {
    let object = content(30_000);
    for size in [1, 7, 4096, 8192, 10_000, 30_000] {
        for (skip, offset, len) in [(0, 0, 30_000), (0, 5, 29_000), (10, 0, 1), (8192, 3, 8192), (29_999, 0, 1)] {
            let (bench, target) = Bench::target();
            let parts = cut(&object, size);
            let transport = answering(move || frames(parts.iter().cloned().map(Ok).collect()));
            let outcome = bench.run(transport, write_at(skip, offset, len, Some(Algorithm::Md5)));
            let Outcome::Complete { moved, .. } = outcome else { panic!("{outcome:?}") };
            let wanted = &object[skip as usize..(skip + len) as usize];
            assert_eq!(moved.written, len);
            assert_eq!(moved.digest, Some(digest(Algorithm::Md5, wanted)));
            assert_eq!(&published(&target, offset + len)[offset as usize..], wanted);
        }
    }
}

#[test]
fn without_a_length_the_end_of_the_body_is_the_end_of_the_object() {
    for len in [0, 1, 20_000] {
        let (bench, target) = Bench::target();
        let object = content(len);
        let parts = cut(&object, 5000);
        let transport = answering(move || frames(parts.iter().cloned().map(Ok).collect()));
        let outcome = bench.run(transport, write_at(0, 0, u64::MAX, Some(Algorithm::Md5)));
        let Outcome::Complete { moved, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(moved.digest, Some(digest(Algorithm::Md5, &object)));
        assert_eq!(published(&target, len as u64), object);
    }
}

#[test]
fn an_answer_cut_at_any_byte_keeps_what_came() {
    let object = content(3000);
    for at in (0..3000).step_by(97).chain([1, 2, 2999]) {
        for broken in [false, true] {
            let (mut bench, target) = Bench::target();
            bench.batch = 500;
            let mut parts: Vec<_> = cut(&object.slice(..at), 64).into_iter().map(Ok).collect();
            if broken {
                parts.push(Err(reset()));
            }
            let parts = Mutex::new(Some(parts));
            let transport = answering(move || frames(parts.lock().unwrap().take().unwrap()));
            let outcome = bench.run(transport, write_at(0, 0, 3000, Some(Algorithm::Crc32)));
            let Outcome::Broken { moved, fault } = outcome else { panic!("{outcome:?}") };
            assert_eq!(fault.kind, if broken { FaultKind::Reset } else { FaultKind::Truncated });
            assert_eq!(moved.written, at as u64);
            assert_eq!(moved.digest, Some(digest(Algorithm::Crc32, &object[..at])));
            assert_eq!(published(&target, at as u64), object.slice(..at));
        }
    }
}

#[test]
fn more_than_announced_is_not_written_and_the_exchange_closed() {
    let (bench, target) = Bench::target();
    let (gone, closed) = oneshot::channel::<()>();
    let gone = Mutex::new(Some(gone));
    let transport = answering(move || {
        let gone = gone.lock().unwrap().take();
        stream::iter(cut(&content(10_000), 3000))
            .map(Ok)
            .chain(stream::pending())
            .inspect(move |_| {
                let _ = &gone;
            })
            .boxed()
    });
    let outcome = bench.run(transport, write_at(0, 0, 4000, None));
    assert!(matches!(outcome, Outcome::Complete { .. }), "{outcome:?}");
    assert_eq!(outcome.moved().written, 4000);
    assert_eq!(published(&target, 4000), content(10_000).slice(..4000));
    assert!(closed.now_or_never().is_some(), "the frames are dropped");
}

#[test]
fn a_body_that_is_through_is_asked_for_its_end_so_that_the_connection_can_be_used_again() {
    let (bench, _target) = Bench::target();
    let ended = Arc::new(AtomicUsize::new(0));
    let transport = {
        let ended = Arc::clone(&ended);
        answering(move || {
            let ended = Arc::clone(&ended);
            let end = stream::poll_fn(move |_| {
                ended.fetch_add(1, Ordering::SeqCst);
                Poll::Ready(None)
            });
            stream::iter(vec![Ok(content(100))]).chain(end).boxed()
        })
    };
    bench.run(transport, write_at(0, 0, 100, None));
    assert_eq!(ended.load(Ordering::SeqCst), 1);
}

#[test]
fn a_small_body_is_collected_up_to_its_limit() {
    for (parts, max, wanted) in [
        (vec![], 10, ""),
        (vec!["abc"], 10, "abc"),
        (vec!["abc", "", "def"], 10, "abcdef"),
        (vec!["abc", "def"], 6, "abcdef"),
        (vec!["abc", "def", "ghi"], 5, "abcde"),
        (vec!["abc"], 0, ""),
    ] {
        let bench = Bench::new(MemorySource::new(Bytes::new()));
        let given = parts.clone();
        let transport =
            answering(move || frames(given.iter().map(|part| Ok(Bytes::from_static(part.as_bytes()))).collect()));
        let outcome = bench.run(transport, Disposition::Collect { max });
        let Outcome::Complete { body, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(body, wanted, "{parts:?}");
    }
    let bench = Bench::new(MemorySource::new(Bytes::new()));
    let endless = || stream::repeat_with(|| Ok(Bytes::from_static(b"x"))).boxed();
    let outcome = bench.run(answering(endless), Disposition::Collect { max: 1000 });
    assert!(matches!(&outcome, Outcome::Complete { body, .. } if body.len() == 1000));
    let outcome = bench
        .run(answering(|| frames(vec![Ok(Bytes::from_static(b"x")), Err(reset())])), Disposition::Collect { max: 10 });
    assert!(matches!(&outcome, Outcome::Broken { fault, .. } if fault.kind == FaultKind::Reset));
}

/// A target whose writes wait until they are let through.
#[derive(Clone)]
struct Slow {
    target: MemoryTarget,
    running: Arc<AtomicUsize>,
    begun: Arc<AtomicUsize>,
    gate: Arc<Mutex<Vec<oneshot::Sender<()>>>>,
}

impl Slow {
    fn new() -> Self {
        let target = MemoryTarget::new(1 << 24);
        reserve(&target);
        Self { target, running: Arc::default(), begun: Arc::default(), gate: Arc::default() }
    }

    fn let_through(&self) -> usize {
        self.gate.lock().unwrap().drain(..).filter_map(|gate| gate.send(()).ok()).count()
    }
}

impl Storage for Slow {
    fn run(&self, op: FileOp, cancel: Cancel) -> BoxFuture<'static, Result<FileReply, FileFault>> {
        self.target.run(op, cancel)
    }
    fn read(&self, offset: u64, chunk: Chunk) -> BoxFuture<'static, Result<Chunk, FileFault>> {
        self.target.read(offset, chunk)
    }
    fn write(&self, offset: u64, batch: Batch) -> BoxFuture<'static, Result<Batch, FileFault>> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        assert_eq!(self.running.fetch_add(1, Ordering::SeqCst), 0, "one write at a time");
        let (open, opened) = oneshot::channel();
        self.gate.lock().unwrap().push(open);
        let (target, running) = (self.target.clone(), Arc::clone(&self.running));
        async move {
            opened.await.unwrap();
            running.fetch_sub(1, Ordering::SeqCst);
            target.write(offset, batch).await
        }
        .boxed()
    }
}

#[test]
fn the_next_batch_is_gathered_while_one_is_written_and_no_more_than_that() {
    let slow = Slow::new();
    let bench = Bench::new(slow.clone());
    let taken = Arc::new(AtomicUsize::new(0));
    let transport = {
        let taken = Arc::clone(&taken);
        answering(move || {
            let taken = Arc::clone(&taken);
            stream::iter(cut(&content(64 << 10), 1024))
                .map(Ok)
                .inspect(move |_| {
                    taken.fetch_add(1, Ordering::SeqCst);
                })
                .boxed()
        })
    };
    let mut exchange = Box::pin(bench.exchange(transport).run());
    let mut answer = Box::pin(bench.answer(Some(write_at(0, 0, 64 << 10, None))));
    assert!((&mut exchange).now_or_never().is_none());
    assert!((&mut answer).now_or_never().is_none());
    assert!((&mut exchange).now_or_never().is_none());
    // One batch on its way, one gathered: 8 KiB each.
    assert_eq!((slow.begun.load(Ordering::SeqCst), taken.load(Ordering::SeqCst)), (1, 16));
    for batch in 1..8 {
        assert_eq!(slow.let_through(), 1);
        assert!((&mut exchange).now_or_never().is_none());
        assert_eq!(bench.controls.meter.read().written, batch * 8192);
        assert_eq!(slow.begun.load(Ordering::SeqCst) as u64, batch + 1);
    }
    slow.let_through();
    assert!(exchange.now_or_never().is_some());
    assert!(matches!(answer.now_or_never(), Some(Outcome::Complete { .. })));
}

#[test]
fn c4_a_cancel_is_answered_at_once_wherever_the_peer_is_silent() {
    // Before the head.
    let (bench, _) = Bench::target();
    let silent = Scripted(|_| std::future::pending());
    let mut exchange = Box::pin(bench.exchange(silent).run());
    assert!((&mut exchange).now_or_never().is_none());
    bench.controls.cancel.set();
    assert!(exchange.now_or_never().is_some());
    assert!(matches!(run(bench.answer(None)), Outcome::Cancelled { .. }));

    // While the loop decides.
    let (bench, _) = Bench::target();
    let mut exchange = Box::pin(bench.exchange(answering(|| frames(vec![]))).run());
    assert!((&mut exchange).now_or_never().is_none());
    bench.controls.cancel.set();
    assert!(exchange.now_or_never().is_some());
    assert!(matches!(run(bench.answer(None)), Outcome::Cancelled { .. }));

    // In the middle of a body; what had come is kept.
    let (bench, target) = Bench::target();
    let mut exchange = Box::pin(bench.exchange(answering(|| stalled(cut(&content(100), 30)))).run());
    let mut answer = Box::pin(bench.answer(Some(write_at(0, 0, 4000, None))));
    for _ in 0..2 {
        assert!((&mut exchange).now_or_never().is_none());
        assert!((&mut answer).now_or_never().is_none());
    }
    bench.controls.cancel.set();
    assert!(exchange.now_or_never().is_some());
    let outcome = answer.now_or_never().unwrap();
    assert!(matches!(outcome, Outcome::Cancelled { moved } if moved.written == 100), "{outcome:?}");
    assert_eq!(published(&target, 100), content(100));

    // While collecting.
    let (bench, _) = Bench::target();
    let mut exchange = Box::pin(bench.exchange(answering(|| stalled(vec![]))).run());
    let mut answer = Box::pin(bench.answer(Some(Disposition::Collect { max: 10 })));
    for _ in 0..2 {
        assert!((&mut exchange).now_or_never().is_none());
        assert!((&mut answer).now_or_never().is_none());
    }
    bench.controls.cancel.set();
    assert!(exchange.now_or_never().is_some());
    assert!(matches!(answer.now_or_never(), Some(Outcome::Cancelled { .. })));

    // Before it began.
    let (bench, _) = Bench::target();
    bench.controls.cancel.set();
    let transport = Scripted(|_| async { panic!("must not be asked") });
    assert!(bench.exchange(transport).run().now_or_never().is_some());
    assert!(matches!(run(bench.answer(None)), Outcome::Cancelled { .. }));
}

#[test]
fn a_write_under_way_is_awaited_before_a_cancel_is_answered() {
    let slow = Slow::new();
    let bench = Bench::new(slow.clone());
    let mut exchange = Box::pin(bench.exchange(answering(|| stalled(vec![content(8192), content(10)]))).run());
    let mut answer = Box::pin(bench.answer(Some(write_at(0, 0, 1 << 20, None))));
    for _ in 0..2 {
        assert!((&mut exchange).now_or_never().is_none());
        assert!((&mut answer).now_or_never().is_none());
    }
    bench.controls.cancel.set();
    assert!((&mut exchange).now_or_never().is_none());
    assert!((&mut answer).now_or_never().is_none(), "not while the target is written");
    slow.let_through();
    assert!((&mut exchange).now_or_never().is_none());
    slow.let_through();
    assert!((&mut exchange).now_or_never().is_some());
    assert!(matches!(answer.now_or_never(), Some(Outcome::Cancelled { moved }) if moved.written == 8202));
}

#[test]
fn a_target_that_fails_ends_the_exchange_as_a_local_fault() {
    let target = MemoryTarget::new(5000);
    reserve(&target);
    let bench = Bench::new(target);
    let transport = answering(|| frames(cut(&content(20_000), 1000).into_iter().map(Ok).collect()));
    let outcome = bench.run(transport, write_at(0, 0, 20_000, None));
    let Outcome::Local { moved, fault } = outcome else { panic!("{outcome:?}") };
    assert_eq!((moved.written, fault.kind), (0, FileFaultKind::Full));
}

#[test]
fn a_nudge_writes_what_a_slow_peer_has_sent_so_far() {
    let (bench, _) = Bench::target();
    let mut exchange = Box::pin(bench.exchange(answering(|| stalled(vec![content(10)]))).run());
    let mut answer = Box::pin(bench.answer(Some(write_at(0, 0, 4000, None))));
    for _ in 0..2 {
        assert!((&mut exchange).now_or_never().is_none());
        assert!((&mut answer).now_or_never().is_none());
    }
    assert_eq!(bench.controls.meter.read().written, 0);
    bench.controls.nudge.set();
    assert!((&mut exchange).now_or_never().is_none());
    assert_eq!(bench.controls.meter.read().written, 10);
}

#[test]
fn a_consumer_without_room_is_waited_for_but_never_delays_a_cancel() {
    let (target, mut reader) = crate::stream::target(1000);
    let mut bench = Bench::new(target);
    bench.batch = 1000;
    let mut exchange =
        Box::pin(bench.exchange(answering(|| frames(cut(&content(5000), 1000).into_iter().map(Ok).collect()))).run());
    let mut answer = Box::pin(bench.answer(Some(write_at(0, 0, 5000, None))));
    for _ in 0..2 {
        assert!((&mut exchange).now_or_never().is_none());
        assert!((&mut answer).now_or_never().is_none());
    }
    assert_eq!(bench.controls.meter.read().written, 1000);
    assert_eq!(reader.next().now_or_never().unwrap().unwrap().unwrap(), content(5000).slice(..1000));
    assert!((&mut exchange).now_or_never().is_none());
    assert_eq!(bench.controls.meter.read().written, 2000);
    bench.controls.cancel.set();
    assert!(exchange.now_or_never().is_some());
    assert!(matches!(answer.now_or_never(), Some(Outcome::Cancelled { moved }) if moved.written == 2000));
}

#[test]
fn a_rate_limit_far_below_a_batch_still_moves_bytes_both_ways() {
    let (bench, target) = Bench::target();
    bench.limiter.set(Rate::new(20_000));
    let begin = bench.runtime.now().mono;
    let transport = answering(|| frames(vec![Ok(content(10_000))]));
    let outcome = bench.run(transport, write_at(0, 0, 10_000, None));
    assert!(matches!(outcome, Outcome::Complete { .. }), "{outcome:?}");
    let took = bench.runtime.now().mono.since(begin);
    // A burst of a tenth of a second, then the rate.
    assert!((Duration::from_millis(300)..Duration::from_millis(1500)).contains(&took), "{took:?}");
    assert_eq!(published(&target, 10_000), content(10_000));

    let mut bench = Bench::new(MemorySource::new(content(10_000)));
    bench.body = Body::Source(ByteRange::at(0, 10_000));
    bench.limiter.set(Rate::new(20_000));
    let begin = bench.runtime.now().mono;
    let transport = Scripted(|request: Request<_>| async move {
        assert_eq!(drain(request.into_body()).await.unwrap(), content(10_000));
        Ok(Response::new(frames(vec![])))
    });
    bench.run(transport, Disposition::Close);
    let took = bench.runtime.now().mono.since(begin);
    assert!((Duration::from_millis(300)..Duration::from_millis(1500)).contains(&took), "{took:?}");
}

// ---- the one answer

#[test]
fn a_panic_and_a_dropped_future_still_answer_once() {
    let (bench, _) = Bench::target();
    let transport = Scripted(|_| async { panic!("the transport's own") });
    let outcome = bench.run(transport, Disposition::Close);
    assert!(matches!(&outcome, Outcome::Broken { fault, .. } if fault.sent == Sent::Maybe), "{outcome:?}");

    let panics = || stream::poll_fn(|_| panic!("in the middle of a body")).boxed();
    let outcome = bench.run(answering(panics), write_at(0, 0, 10, None));
    assert!(matches!(outcome, Outcome::Broken { .. }), "{outcome:?}");

    let mut exchange = Box::pin(bench.exchange(Scripted(|_| std::future::pending())).run());
    assert!((&mut exchange).now_or_never().is_none());
    drop(exchange);
    assert!(matches!(run(bench.answer(None)), Outcome::Broken { .. }));

    // Also when it was never polled.
    drop(bench.exchange(Scripted(|_| std::future::pending())).run());
    assert!(matches!(run(bench.answer(None)), Outcome::Broken { .. }));
}

#[test]
fn a_transport_fault_is_passed_on_as_it_is() {
    let (bench, _) = Bench::target();
    let fault = Fault::new(FaultKind::Connect, Sent::No, "refused");
    let given = fault.clone();
    let outcome = bench.run(Scripted(move |_| std::future::ready(Err(given.clone()))), Disposition::Close);
    assert!(matches!(outcome, Outcome::Broken { fault: seen, moved } if seen == fault && moved.connected));
}
