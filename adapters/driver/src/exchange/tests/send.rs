//! Request bodies.

use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::StreamExt;
use http::{Request, Response};
use longhaul_core::error::{FileFault, FileFaultKind};
use longhaul_core::intent::{Body, Disposition, FileOp, FileReply, Outcome, Piece};
use longhaul_core::{Algorithm, ByteRange};

use crate::cancel::Cancel;
use crate::common::{Scripted, content, drain, frames, reset};
use crate::memory::MemorySource;
use crate::storage::{Batch, Chunk, Storage};

use super::{Bench, digest};

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

/// A source that counts what it is asked for.
#[derive(Clone)]
struct Counting {
    source: MemorySource,
    /// Its reads have to be waited for.
    slow: bool,
    reads: Arc<AtomicUsize>,
    /// Where the buffers were.
    places: Arc<Mutex<Vec<usize>>>,
}

impl Counting {
    fn new(slow: bool) -> Self {
        Self { source: MemorySource::new(content(64 << 10)), slow, reads: Arc::default(), places: Arc::default() }
    }

    fn buffers(&self) -> usize {
        let mut places = self.places.lock().unwrap().clone();
        places.sort_unstable();
        places.dedup();
        places.len()
    }
}

impl Storage for Counting {
    fn run(&self, op: FileOp, cancel: Cancel) -> BoxFuture<'static, Result<FileReply, FileFault>> {
        self.source.run(op, cancel)
    }
    fn read(&self, offset: u64, chunk: Chunk) -> BoxFuture<'static, Result<Chunk, FileFault>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        assert_eq!(chunk.buffer.capacity(), 4096);
        self.places.lock().unwrap().push(chunk.buffer.as_ptr() as usize);
        let (read, mut slow) = (self.source.read(offset, chunk), self.slow);
        let wait = poll_fn(move |cx| {
            if std::mem::take(&mut slow) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(())
        });
        wait.then(|()| read).boxed()
    }
    fn write(&self, _: u64, _: Batch) -> BoxFuture<'static, Result<Batch, FileFault>> {
        unreachable!()
    }
}

#[test]
fn the_next_read_begins_while_the_socket_takes_the_frame_before_unless_it_is_there_at_once_and_buffers_come_back() {
    for slow in [true, false] {
        let source = Counting::new(slow);
        let mut bench = Bench::new(source.clone());
        bench.body = Body::Source(ByteRange::at(0, 64 << 10));
        let reads = Arc::clone(&source.reads);
        let transport = Scripted(move |request: Request<crate::transport::SendBody>| {
            let reads = Arc::clone(&reads);
            async move {
                let mut body = request.into_body().into_frames();
                let mut seen = 0;
                while let Some(frame) = body.next().await {
                    seen += 1;
                    let ahead = usize::from(slow);
                    assert_eq!(reads.load(Ordering::SeqCst), (seen + ahead).min(16), "slow: {slow}");
                    drop(frame);
                }
                Ok(Response::new(frames(vec![])))
            }
        });
        assert!(matches!(bench.run(transport, Disposition::Close), Outcome::Cancelled { .. }));
        let buffers = source.buffers();
        assert!(buffers <= if slow { 4 } else { 1 }, "{buffers} buffers for 16 reads, slow: {slow}");
    }
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
