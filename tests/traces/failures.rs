//! Transfers that fail: the trace says the same offline, and a changed one does not.

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use longhaul::core::error::FileFault;
use longhaul::core::intent::{FileOp, FileReply};
use longhaul::driver::cancel::Cancel;
use longhaul::driver::memory::MemoryTarget;
use longhaul::driver::storage::{Batch, Chunk};
use longhaul::trace::record::{Event, Meaning, Record};
use longhaul::trace::replay::replay;
use longhaul::{Error, FileFaultKind, Job, OnChange, ServerFaultKind, Storage};

use crate::support::raw::{Answer, Object, Raw, Then};
use crate::support::{Folder, content, download, impatient};
use crate::{Recorded, received, replays};

const PART: u64 = 32 << 10;

fn object() -> Object {
    Object::new(content(10 * PART as usize + 9, 1))
}

/// A target on a disk that takes this much.
struct SmallDisk {
    target: MemoryTarget,
    room: u64,
}

impl Storage for SmallDisk {
    fn run(&self, op: FileOp, cancel: Cancel) -> BoxFuture<'static, Result<FileReply, FileFault>> {
        self.target.run(op, cancel)
    }

    fn read(&self, offset: u64, chunk: Chunk) -> BoxFuture<'static, Result<Chunk, FileFault>> {
        self.target.read(offset, chunk)
    }

    fn write(&self, offset: u64, batch: Batch) -> BoxFuture<'static, Result<Batch, FileFault>> {
        if offset + batch.len() as u64 > self.room {
            let fault = FileFault::new(FileFaultKind::Full, "big.iso: No space left on device (os error 28)");
            return std::future::ready(Err(fault)).boxed();
        }
        self.target.write(offset, batch)
    }
}

/// The trace of one failed download, and its error.
async fn failed(url: &str, make: impl FnOnce(longhaul::Download) -> Job) -> (Vec<u8>, Error) {
    let recorded = Recorded::start();
    let error = recorded.run(make(download(url, PART).deadlines(impatient()))).await.unwrap_err();
    (recorded.close().await, error)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b9_an_object_that_changes_fails_the_same_offline_and_the_page_says_where() {
    let (old, new) = (object(), Object::new(content(10 * PART as usize + 9, 2)).validators(Some("\"v2\""), None));
    let server =
        Raw::start(move |request| if request.number < 4 { old.answer(request) } else { new.answer(request) }).await;
    let folder = Folder::new();
    let url = server.url("/big.iso");
    let (trace, error) = failed(&url, |download| download.on_change(OnChange::Fail).to(folder.join("big.iso"))).await;
    drop(server);
    assert!(matches!(error, Error::Changed(_)), "{error:?}");
    let page = replays(&trace);
    assert!(page.contains("The remote object changed during the transfer"), "why");
    assert!(
        page.contains("error 320")
            && page.contains("What to do")
            && page.contains("begins with the object as it is now")
    );
    assert!(page.contains(", while moving"), "where");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b9_a_refusal_fails_the_same_offline_and_the_page_says_where() {
    let object = object();
    let server = Raw::object(object, |request, answer| match request.range() {
        Some((start, _)) if start >= 5 * PART as usize => Answer::with_body("403 Forbidden", "no"),
        _ => answer,
    })
    .await;
    let folder = Folder::new();
    let (trace, error) = failed(&server.url("/big.iso"), |download| download.to(folder.join("big.iso"))).await;
    let address = server.addr;
    drop(server);
    assert!(matches!(&error, Error::Server(fault) if fault.kind == ServerFaultKind::Denied), "{error:?}");
    let page = replays(&trace);
    assert!(page.contains("The server denies access (HTTP 403") && page.contains("error 302"), "why");
    assert!(page.contains(&format!("answered 403: <code>GET <bdi>http://{address}/big.iso</bdi>")), "where");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b9_a_full_disk_fails_the_same_offline_and_the_page_says_where() {
    let server = Raw::object(object(), |_, answer| answer).await;
    let (trace, error) = failed(&server.url("/big.iso"), |download| {
        let (job, target) = download.to_memory(1 << 30);
        Job::new(job.spec().clone(), Arc::new(SmallDisk { target, room: 6 * PART }))
    })
    .await;
    drop(server);
    assert!(matches!(&error, Error::Disk(fault) if fault.kind == FileFaultKind::Full), "{error:?}");
    let page = replays(&trace);
    assert!(page.contains("No space left on device") && page.contains("error 504") && page.contains("Free some space"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b9_retries_to_the_end_fail_the_same_offline_with_their_jitter() {
    let object = object();
    let server = Raw::object(object, |request, answer| match (request.number, request.range()) {
        (_, Some((start, _))) if start >= 7 * PART as usize => answer.cut_body(0, Then::Reset),
        (2, _) => Answer::with_body("503 Service Unavailable", "").set("Retry-After", "0"),
        (4, _) => answer.cut_body(1000, Then::Silence),
        _ => answer,
    })
    .await;
    let folder = Folder::new();
    let (trace, error) = failed(&server.url("/big.iso"), |download| download.to(folder.join("big.iso"))).await;
    drop(server);
    assert!(matches!(&error, Error::Network(_)), "{error:?}");
    let delays = received(&trace).records.iter().filter(|record| crate::is_retry(record)).count();
    assert!(delays >= 8, "{delays}");
    let page = replays(&trace);
    assert!(page.contains("(retry 8)") && page.contains("nothing moved within the idle timeout"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b9_one_changed_input_is_noticed_at_its_step() {
    let server = Raw::object(object(), |_, answer| answer).await;
    let recorded = Recorded::start();
    let folder = Folder::new();
    recorded.run(download(&server.url("/a"), PART).to(folder.join("a"))).await.unwrap();
    let trace = received(&recorded.close().await);

    // The object was told to be longer than it was.
    let mut other = trace.clone();
    let at = other.records.iter().position(|record| matches!(record, Record::Read { .. })).unwrap();
    let Record::Read { meaning: Meaning::Object { object }, .. } = &mut other.records[at] else { panic!("a probe") };
    object.total = object.total.map(|total| total + 1);
    let replayed = replay(&other);
    let difference = replayed.difference.unwrap();
    assert!(difference.line > at + 1 && difference.line < at + 8, "line {} after {}", difference.line, at + 1);
    assert!(difference.recorded.unwrap().contains("327689") && difference.now.contains("327690"));

    // A decision that was not made.
    let mut other = trace.clone();
    let at = other.records.iter().position(|record| matches!(record, Record::Request { .. })).unwrap();
    let Record::Request { op, .. } = &mut other.records[at] else { unreachable!() };
    "o9.9".clone_into(op);
    let difference = replay(&other).difference.unwrap();
    assert_eq!(difference.line, at + 1);
    assert!(difference.to_string().contains("o9.9"), "{difference}");

    // Nothing of one decision is left out.
    for at in
        (0..trace.records.len()).filter(|&at| matches!(trace.records[at], Record::Event { .. } | Record::Work { .. }))
    {
        let mut other = trace.clone();
        other.records.remove(at);
        let difference = replay(&other).difference.unwrap_or_else(|| panic!("{:?} is missed", trace.records[at]));
        assert_eq!(difference.line, at + 1, "{:?}", trace.records[at]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_cut_at_any_byte_replays_as_far_as_it_goes() {
    let server = Raw::object(object(), |_, answer| answer).await;
    let recorded = Recorded::start();
    let folder = Folder::new();
    recorded.run(download(&server.url("/a"), 4 * PART).to(folder.join("a"))).await.unwrap();
    let bytes = recorded.close().await;
    let first = bytes.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    for cut in (first..bytes.len()).step_by(97) {
        let trace = received(&bytes[..cut]);
        assert_eq!(trace.torn, bytes[cut - 1] != b'\n', "at {cut}");
        let replayed = replay(&trace);
        assert_eq!(replayed.difference, None, "at {cut}");
        assert_eq!(replayed.steps, trace.records.len(), "at {cut}");
        let ended =
            trace.records.iter().any(|record| matches!(record, Record::Event { event: Event::Completed { .. }, .. }));
        let submitted = trace.records.iter().any(|record| matches!(record, Record::Submitted { .. }));
        let page = longhaul::trace::page::page(&trace);
        assert_eq!(page.contains("does not tell the end"), submitted && !ended, "at {cut}");
    }
}
