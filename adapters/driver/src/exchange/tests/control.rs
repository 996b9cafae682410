//! Cancelling, pacing, and the one answer on every path.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use http::{Request, Response};
use longhaul_core::ByteRange;
use longhaul_core::error::{Fault, FaultKind, FileFault, FileFaultKind, Sent};
use longhaul_core::intent::{Body, Disposition, FileOp, FileReply, Outcome};

use crate::cancel::Cancel;
use crate::common::{Scripted, content, cut, drain, frames, run, stalled};
use crate::memory::{MemorySource, MemoryTarget};
use crate::rate::Rate;
use crate::runtime::Timer;
use crate::storage::{Batch, Chunk, Storage};

use super::{Bench, answering, published, reserve, write_at};

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
