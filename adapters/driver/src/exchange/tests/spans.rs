//! Request bodies of which the kernel sends what nobody has to see.

use std::fs::File;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use longhaul_core::error::{Fault, FaultKind, FileFault, FileFaultKind, Sent};
use longhaul_core::intent::{Body, Disposition, FileOp, FileReply, Outcome, Piece};
use longhaul_core::{Algorithm, ByteRange};

use crate::cancel::Cancel;
use crate::common::{Scripted, content, frames};
use crate::memory::MemorySource;
use crate::rate::Rate;
use crate::storage::{Batch, Chunk, Span, Storage};
use crate::transport::{LONGEST_SPAN, SendBody, SourceGone, Transport};

use super::{Bench, digest};

const MIB: u64 = 1 << 20;

/// A source of which the kernel can send what `has` says; the file is none in particular.
#[derive(Clone)]
struct Spanned {
    source: MemorySource,
    has: fn(u64) -> bool,
    changed: Arc<AtomicBool>,
    /// What cannot be read.
    bad: Option<u64>,
}

impl Spanned {
    fn new(content: Bytes, has: fn(u64) -> bool) -> Self {
        Self { source: MemorySource::new(content), has, changed: Arc::default(), bad: None }
    }
}

impl Storage for Spanned {
    fn run(&self, op: FileOp, cancel: Cancel) -> BoxFuture<'static, Result<FileReply, FileFault>> {
        self.source.run(op, cancel)
    }
    fn read(&self, offset: u64, chunk: Chunk) -> BoxFuture<'static, Result<Chunk, FileFault>> {
        if self.changed.load(Ordering::SeqCst) {
            return Box::pin(async { Err(FileFault::new(FileFaultKind::Changed, "was written to")) });
        }
        let end = offset + chunk.buffer.capacity() as u64;
        if self.bad.is_some_and(|bad| (offset..end).contains(&bad)) {
            return Box::pin(async { Err(FileFault::new(FileFaultKind::Io, "an input/output error")) });
        }
        self.source.read(offset, chunk)
    }
    fn span(&self, offset: u64, len: usize) -> Option<Span> {
        let file = Arc::new(File::open(std::env::current_exe().unwrap()).unwrap());
        (self.has)(offset).then_some(Span { file, offset, len })
    }
    fn write(&self, _: u64, _: Batch) -> BoxFuture<'static, Result<Batch, FileFault>> {
        unreachable!()
    }
}

/// What a transport was given of a body.
#[derive(Default)]
struct Given {
    all: Vec<u8>,
    /// Lengths of the spans.
    spans: Vec<usize>,
}

/// Takes the next of `body`, of a source with this `content`, as a span if it may be. False at the end.
async fn take(body: &mut SendBody, content: &Bytes, spans: bool, given: &mut Given) -> Result<bool, SourceGone> {
    if spans && let Some(span) = poll_fn(|cx| body.poll_span(cx)).await {
        given.all.extend_from_slice(&content[span.offset as usize..][..span.len]);
        assert!(span.len <= LONGEST_SPAN);
        given.spans.push(span.len);
        return Ok(true);
    }
    let frame = poll_fn(|cx| body.poll_frame(cx)).await.transpose()?;
    given.all.extend_from_slice(frame.as_deref().unwrap_or_default());
    Ok(frame.is_some())
}

/// A transport that takes all of the body; by spans when `spans` says so for the how-manieth.
fn taking(content: Bytes, spans: fn(usize) -> bool, given: &Arc<Mutex<Given>>) -> impl Transport {
    let given = Arc::clone(given);
    Scripted(move |request: Request<SendBody>| {
        let (content, given) = (content.clone(), Arc::clone(&given));
        async move {
            let (mut body, mut all) = (request.into_body(), Given::default());
            for number in 0.. {
                if !take(&mut body, &content, spans(number), &mut all).await.unwrap() {
                    break;
                }
            }
            *given.lock().unwrap() = all;
            Ok(Response::new(frames(vec![])))
        }
    })
}

#[test]
fn all_but_the_ends_of_ranges_is_left_to_the_kernel_where_it_can() {
    let all = content(4 * MIB as usize);
    let inline = Bytes::from_static(b"inline");
    let wanted = [&inline, &all[7..MIB as usize * 3], &inline, &all[100..200], &inline].concat();
    let always: fn(usize) -> bool = |_| true;
    for (what, has, spans, digested) in [
        ("everywhere", (|_| true) as fn(u64) -> bool, always, None),
        ("here and there", |offset| offset / MIB % 2 == 1, always, None),
        ("nowhere", |_| false, always, None),
        ("not when bytes are looked at", |_| true, always, Some(Algorithm::Crc32c)),
        ("not on this connection", |_| true, |_| false, None),
        ("on connections in turn", |_| true, |number| number % 2 == 1, None),
    ] {
        let mut bench = Bench::new(Spanned::new(all.clone(), has));
        let range = |start, end| Piece::Source(ByteRange::new(start, end).unwrap());
        let inline = || Piece::Inline(inline.clone());
        bench.body = Body::Pieces(vec![inline(), range(7, 3 * MIB), inline(), range(100, 200), inline()]);
        bench.digest = digested;
        let given = Arc::default();
        let outcome = bench.run(taking(all.clone(), spans, &given), Disposition::Collect { max: 10 });
        let Outcome::Complete { moved, .. } = outcome else { panic!("{what}: {outcome:?}") };
        let given = given.lock().unwrap();
        assert!(given.all == wanted, "{what}");
        assert_eq!(moved.sent, wanted.len() as u64, "{what}");
        let by_kernel: usize = given.spans.iter().sum();
        match what {
            "everywhere" => assert_eq!(by_kernel as u64, 3 * MIB - 7 - (16 << 10)),
            "here and there" | "on connections in turn" => assert!(by_kernel > 100_000, "{what}: {by_kernel}"),
            _ => assert_eq!(by_kernel, 0, "{what}"),
        }
        let bytes = [&all[7..MIB as usize * 3], &all[100..200]].concat();
        assert_eq!(moved.digest, digested.map(|algorithm| digest(algorithm, &bytes)), "{what}");
    }
}

#[test]
fn a_file_written_to_while_the_kernel_sends_it_is_noticed_before_its_end_goes_out_or_with_the_answer() {
    let all = content(4 * MIB as usize);
    for at_the_end in [false, true] {
        let source = Spanned::new(all.clone(), |_| true);
        let mut bench = Bench::new(source.clone());
        bench.body = Body::Source(ByteRange::at(0, 4 * MIB));
        let transport = {
            let all = all.clone();
            Scripted(move |request: Request<SendBody>| {
                let (all, changed) = (all.clone(), Arc::clone(&source.changed));
                async move {
                    let (mut body, mut given) = (request.into_body(), Given::default());
                    changed.store(!at_the_end, Ordering::SeqCst);
                    let through = loop {
                        match take(&mut body, &all, true, &mut given).await {
                            Ok(true) => {}
                            through => break through.is_ok(),
                        }
                    };
                    assert_eq!(through, at_the_end);
                    assert_eq!(given.all.len() as u64 == 4 * MIB, at_the_end);
                    changed.store(true, Ordering::SeqCst);
                    Ok(Response::new(frames(vec![])))
                }
            })
        };
        let outcome = bench.run(transport, Disposition::Collect { max: 10 });
        assert!(
            matches!(&outcome, Outcome::Local { fault, .. } if fault.kind == FileFaultKind::Changed),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_disk_that_fails_under_the_kernels_hands_is_no_fault_of_the_network() {
    let all = content(4 * MIB as usize);
    for bad in [None, Some(2 * MIB + 5)] {
        let mut source = Spanned::new(all.clone(), |_| true);
        source.bad = bad;
        let mut bench = Bench::new(source);
        bench.body = Body::Source(ByteRange::at(0, 4 * MIB));
        let content = all.clone();
        let transport = Scripted(move |request: Request<SendBody>| {
            let all = content.clone();
            async move {
                // The last span that it takes is the one that fails.
                let (mut body, mut given) = (request.into_body(), Given::default());
                while (given.all.len() as u64) < 2 * MIB + 6 {
                    assert_eq!(take(&mut body, &all, true, &mut given).await, Ok(true));
                }
                Err(Fault::new(FaultKind::Reset, Sent::Maybe, "input/output error"))
            }
        });
        let outcome = bench.run(transport, Disposition::Collect { max: 10 });
        match (&outcome, bad) {
            (Outcome::Local { fault, .. }, Some(_)) => assert_eq!(fault.kind, FileFaultKind::Io),
            (Outcome::Broken { fault, .. }, None) => assert_eq!(fault.kind, FaultKind::Reset),
            _ => panic!("{bad:?}: {outcome:?}"),
        }
    }
}

#[test]
fn a_rate_limit_cuts_spans_as_it_cuts_frames() {
    let all = content(2 * MIB as usize);
    let mut bench = Bench::new(Spanned::new(all.clone(), |_| true));
    bench.body = Body::Source(ByteRange::at(0, 2 * MIB));
    bench.limiter.set(Rate::new(5 * MIB));
    let given = Arc::default();
    let outcome = bench.run(taking(all.clone(), |_| true, &given), Disposition::Collect { max: 10 });
    assert!(matches!(outcome, Outcome::Complete { .. }), "{outcome:?}");
    let given = given.lock().unwrap();
    assert!(given.all == all);
    assert!(given.spans.len() >= 4 && given.spans.iter().all(|&len| len as u64 <= MIB / 2), "{:?}", given.spans);
}
