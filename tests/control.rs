//! Control over the real stack: paused imports touch nothing (C1), pause, cancel and close are prompt also with a server that has
//! fallen silent (C2, C4, A6), and what can be asked about transfers is true (C7, C11, C12).
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails, and tells what it measured"
)]

mod support;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::StreamExt;
use longhaul::core::Config;
use longhaul::driver::memory::{MemorySource, MemoryTarget};
use longhaul::{
    Client, ClientConfig, Download, Error, EventKind, Job, PartSize, Phase, Progress, Rate, State, SubmitError,
    Transfer, Upload,
};
use longhaul_serve::{Fault, What, When};
use support::raw::{Answer, Object, Raw, Then};
use support::watch::Watched;
use support::{Folder, PATIENCE, Reference, client, client_with, content, download, quick, run, until, within};

/// The promise.
const PROMPT: Duration = Duration::from_millis(250);

async fn c1_a_paused_import_touches_neither_network_nor_files_and_only_resumed_ones_run() {
    let good = content(50_000, 1);
    let server = Raw::object(Object::new(good.clone()), |_, right| right).await;
    let busy = Reference::start(&[("x", &good)], |config| config).await;
    let (folder, sources) = (Folder::new(), Folder::new());
    let client = client();
    let (mut transfers, mut counts) = (Vec::new(), Vec::new());
    for n in 0..50 {
        let target = Watched::new(longhaul::tokio::FileTarget::new(folder.join(&format!("target{n}"))));
        counts.push(Arc::clone(&target.counts));
        let url = server.url(&format!("/object{n}"));
        let job = download(&url, 10_000).into_storage(Arc::new(target), &url);
        transfers.push(client.submit(job.paused()).await.unwrap());

        let source = sources.file(&format!("source{n}"), &good);
        let source = Watched::new(longhaul::tokio::FileSource::new(source));
        counts.push(Arc::clone(&source.counts));
        let upload = Upload::new(&url, "name").unwrap().from_storage(Arc::new(source), &url);
        transfers.push(client.submit(upload.paused()).await.unwrap());
    }
    // Others run all the way meanwhile.
    for n in 0..3 {
        run(&client, download(&busy.url("x"), 10_000).to(folder.join(&format!("busy{n}")))).await.unwrap();
    }
    assert_eq!(server.connections(), 0);
    assert!(counts.iter().all(|counts| counts.calls() == 0), "a storage was asked for something");
    assert_eq!(folder.names(), ["busy0", "busy1", "busy2"]);
    assert!(transfers.iter().all(|transfer| matches!(transfer.status(), State::Paused(_))));

    // Only what is resumed runs.
    transfers[4].resume().await.unwrap();
    within(transfers.swap_remove(4)).await.unwrap();
    assert_eq!(std::fs::read(folder.join("target2")).unwrap(), good);
    assert!(server.log().iter().all(|request| request.target == "/object2"));
    assert!(counts.iter().enumerate().all(|(at, counts)| at == 4 || counts.calls() == 0));
    client.close().await;
    assert!(counts.iter().enumerate().all(|(at, counts)| at == 4 || counts.calls() == 0), "close is no exception");
}

/// Waits for an event of `transfer`.
async fn event(transfer: &mut Transfer, wanted: impl Fn(&EventKind) -> bool) {
    within(async {
        loop {
            let event = transfer.next().await.expect("it ends before that");
            if wanted(&event.kind) {
                break;
            }
        }
    })
    .await;
}

async fn c2_pause_stops_the_file_at_once_and_resume_goes_on_from_what_is_stored() {
    let good = content(8 << 20, 1);
    for silent in [false, true] {
        let server = Reference::start(&[("object", &good)], |config| config).await;
        let what = if silent { What::StallAfter { bytes: 300_000 } } else { What::Slow { bytes_per_second: 4 << 20 } };
        server.faults(Fault::new(When::Always, what).method("GET"));
        let folder = Folder::new();
        let client = client();
        let job = download(&server.url("object"), 1 << 20).parts(2.try_into().unwrap()).to(folder.join("target"));
        let mut transfer = client.submit(job).await.unwrap();
        until("bytes come", || transfer.progress().acknowledged >= 500_000).await;
        let begun = Instant::now();
        transfer.pause().await.unwrap();
        event(&mut transfer, |kind| *kind == EventKind::Paused).await;
        let took = begun.elapsed();
        assert!(took < PROMPT, "silent {silent}: paused after {took:?}");
        assert!(matches!(transfer.status(), State::Paused(Phase::Moving)));

        let temporary = folder.hidden().0.expect("a temporary file");
        let (then, progress) = (std::fs::read(&temporary).unwrap(), transfer.progress());
        // Nothing may happen now: there is nothing to wait for but time.
        tokio::time::sleep(PROMPT).await;
        assert!(std::fs::read(&temporary).unwrap() == then, "silent {silent}: the file goes on growing");
        assert_eq!(transfer.progress().acknowledged, progress.acknowledged);
        assert!(!folder.join("target").exists());

        server.faults(longhaul_serve::Faults::none());
        transfer.resume().await.unwrap();
        let id = transfer.id();
        let done = within(&mut transfer).await.unwrap();
        assert!(std::fs::read(folder.join("target")).unwrap() == good);
        assert_eq!(done.total, good.len() as u64);
        let after = client.progress(id).unwrap();
        assert_eq!((after.moved, after.resent), (good.len() as u64, 0), "silent {silent}: nothing moved twice");
    }
}

/// What is done to a transfer whose server is silent.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Stop {
    Pause,
    Cancel,
    Close,
}

/// Where the server falls silent.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Silence {
    /// It accepts connections and never says a word.
    AtOnce,
    /// After a head, or in the middle of reading a body.
    InTheBody,
    /// It does not even accept: the queue of its socket is all there is.
    Connecting,
}

async fn stop_a_silent(stop: Stop, silence: Silence, upload: bool) -> Duration {
    let good = content(4 << 20, 1);
    let started = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&started);
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let mut raw = None;
    let url = match silence {
        Silence::Connecting => format!("http://{}/x", listener.local_addr().unwrap()),
        _ => {
            let server = Raw::object(Object::new(good.clone()), move |request, right| {
                let silent = silence == Silence::AtOnce || request.number > 0;
                if silent {
                    seen.fetch_add(1, Ordering::SeqCst);
                }
                match (silent, request.method.as_str()) {
                    (false, "POST") => Answer::with_body("200 OK", ""),
                    (false, _) => right,
                    (true, _) => right.cut(if silence == Silence::AtOnce { 0 } else { 100_000 }, Then::Silence),
                }
            })
            .await;
            let url = server.url("/x");
            raw = Some(server);
            url
        }
    };
    let folder = Folder::new();
    let client = client();
    let job = if upload {
        Upload::new(&url, "name").unwrap().part_size(PartSize::Bytes(1 << 20)).from(folder.file("source", &good))
    } else {
        download(&url, 1 << 20).to(folder.join("target"))
    };
    let mut transfer = client.submit(job).await.unwrap();
    if raw.is_some() {
        until("the silence begins", || started.load(Ordering::SeqCst) > 0).await;
    } else {
        until("it is at work", || matches!(transfer.status(), State::Active(Phase::Probing | Phase::Opening))).await;
    }
    let begun = Instant::now();
    match stop {
        Stop::Pause => {
            transfer.pause().await.unwrap();
            event(&mut transfer, |kind| *kind == EventKind::Paused).await;
        }
        Stop::Cancel => {
            transfer.cancel().await.unwrap();
            assert_eq!(within(&mut transfer).await, Err(Error::Cancelled));
        }
        Stop::Close => {
            tokio::time::timeout(PATIENCE, client.close()).await.unwrap();
            assert_eq!(transfer.outcome(), Some(Err(Error::Closed)));
        }
    }
    begun.elapsed()
}

async fn a6_c4_pause_cancel_and_close_take_less_than_a_quarter_second_with_a_silent_server() {
    for silence in [Silence::AtOnce, Silence::InTheBody, Silence::Connecting] {
        for upload in [false, true] {
            for stop in [Stop::Pause, Stop::Cancel, Stop::Close] {
                let mut times = Vec::new();
                for _ in 0..5 {
                    times.push(stop_a_silent(stop, silence, upload).await);
                }
                times.sort();
                println!("{stop:?} {silence:?} upload {upload}: median {:?}, worst {:?}", times[2], times[4]);
                assert!(times[2] < PROMPT, "{stop:?} {silence:?} upload {upload}: {times:?}");
            }
        }
    }
}

async fn c4_close_is_prompt_with_many_transfers_to_a_silent_server() {
    let server = Raw::start(|_| Answer::with_body("200 OK", "x").cut(0, Then::Silence)).await;
    let folder = Folder::new();
    let client = client();
    let mut transfers = Vec::new();
    for n in 0..100 {
        let url = server.url(&format!("/{n}"));
        let job = download(&url, 1000).to(folder.join(&format!("target{n}")));
        transfers.push(client.submit(job).await.unwrap());
    }
    until("requests are out", || server.requests() >= 8).await;
    let begun = Instant::now();
    client.close().await;
    let took = begun.elapsed();
    assert!(took < 2 * PROMPT, "{took:?}");
    for transfer in transfers {
        assert_eq!(transfer.outcome(), Some(Err(Error::Closed)));
    }
    assert_eq!(folder.names(), Vec::<String>::new(), "nothing had come, nothing is left");
}

async fn c6_submitting_again_right_after_cancel_works_and_late_answers_of_the_old_run_touch_nothing() {
    let good = content(300_000, 1);
    // The answers to the old run come late, after its cancel.
    let late = Arc::new(AtomicBool::new(false));
    let held = Arc::clone(&late);
    let server = Raw::object(Object::new(good.clone()), move |_, right| {
        if held.load(Ordering::SeqCst) { right.delayed(Duration::from_millis(200)) } else { right }
    })
    .await;
    let folder = Folder::new();
    let client = client();
    let job = || download(&server.url("/object"), 50_000).to(folder.join("target"));
    for _ in 0..10 {
        late.store(true, Ordering::SeqCst);
        let old = client.submit(job()).await.unwrap();
        let old_id = old.id();
        old.cancel().await.unwrap();
        late.store(false, Ordering::SeqCst);
        // At once: the old one may still be on its way out.
        let new = loop {
            match client.submit(job()).await {
                Ok(new) => break new,
                Err(SubmitError::Duplicate(id)) => {
                    assert_eq!(id, old_id);
                    tokio::task::yield_now().await;
                }
                Err(error) => panic!("{error:?}"),
            }
        };
        assert_ne!(new.id(), old_id);
        let outcome = within(new).await;
        assert!(outcome.is_ok(), "{outcome:?}");
        let outcome = within(old).await;
        assert!(matches!(outcome, Err(Error::Cancelled)), "{outcome:?}");
        assert!(std::fs::read(folder.join("target")).unwrap() == good);
        std::fs::remove_file(folder.join("target")).unwrap();
    }
    assert_eq!(folder.names(), Vec::<String>::new());
}

async fn c7_only_the_same_source_and_destination_make_a_duplicate() {
    let good = content(1000, 1);
    let server = Raw::object(Object::new(good.clone()), |_, right| right).await;
    let (folder, client) = (Folder::new(), client());
    let down = |url: &str, name: &str| download(&server.url(url), 1000).to(folder.join(name)).paused();
    let source = folder.file("source", &good);
    let up = |url: &str| Upload::new(&server.url(url), "n").unwrap().from(&source).paused();
    let first = client.submit(down("/a", "one")).await.unwrap();
    let second = client.submit(up("/a")).await.unwrap();
    let _fine = [
        client.submit(down("/a", "two")).await.unwrap(),
        client.submit(down("/b", "three")).await.unwrap(),
        client.submit(down("/a?query", "four")).await.unwrap(),
        client.submit(up("/b")).await.unwrap(),
    ];
    assert_eq!(client.submit(down("/a", "one")).await.unwrap_err(), SubmitError::Duplicate(first.id()));
    assert_eq!(client.submit(up("/a")).await.unwrap_err(), SubmitError::Duplicate(second.id()));
    // Downloads into memory and as streams are each a destination of their own.
    let mut others = Vec::new();
    for _ in 0..8 {
        let url = server.url("/a");
        let (job, target): (Job, MemoryTarget) = download(&url, 1000).to_memory(1 << 20);
        others.push((client.submit(job).await.unwrap(), Some(target), None));
        let (job, reader) = download(&url, 1000).to_stream(1 << 20);
        others.push((client.submit(job).await.unwrap(), None, Some(reader)));
    }
    for (transfer, target, reader) in others {
        match (target, reader) {
            (Some(target), _) => {
                within(transfer).await.unwrap();
                assert_eq!(target.content().unwrap(), good);
            }
            (_, Some(reader)) => {
                let frames: Vec<_> = within(reader.map(Result::unwrap).collect()).await;
                assert_eq!(frames.concat(), good);
                within(transfer).await.unwrap();
            }
            _ => unreachable!(),
        }
    }
}

async fn c8_a_thousand_commands_at_once_are_each_answered() {
    let good = content(1000, 1);
    let server = Reference::start(&[("object", &good)], |config| config).await;
    let (folder, client) = (Folder::new(), client());
    let jobs = (0..200).map(|n| {
        let (client, job) = (client.clone(), download(&server.url("object"), 1000).to(folder.join(&format!("t{n}"))));
        async move {
            let transfer = client.submit(job.paused()).await.unwrap();
            transfer.resume().await.unwrap();
            // Over already, perhaps.
            let _ = transfer.pause().await;
            let _ = transfer.resume().await;
            transfer.await
        }
    });
    let outcomes = within(futures::future::join_all(jobs)).await;
    assert!(outcomes.iter().all(Result::is_ok), "{:?}", outcomes.iter().find(|outcome| outcome.is_err()));
    assert_eq!(folder.names().len(), 200);
}

async fn c9_close_leaves_no_task_behind_and_refuses_what_comes_later() {
    let good = content(100_000, 1);
    let server = Reference::start(&[("object", &good)], |config| config).await;
    let folder = Folder::new();
    // Whatever the server has going belongs to this runtime too, so the client gets its own.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let url = server.url("object");
    let path = folder.join("target");
    let metrics = runtime.handle().metrics();
    let own: Client = {
        let _context = runtime.enter();
        client()
    };
    let transfers = runtime
        .spawn({
            let own = own.clone();
            async move {
                let done = own.submit(download(&url, 10_000).to(&path)).await.unwrap();
                let held = own.submit(download(&url, 10_000).to(path.with_extension("2")).paused()).await.unwrap();
                (within(done).await.unwrap(), held)
            }
        })
        .await
        .unwrap();
    let closings = (0..4).map(|_| own.close());
    within(futures::future::join_all(closings)).await;
    assert_eq!(transfers.1.outcome(), Some(Err(Error::Closed)));
    assert!(transfers.1.resume().await.is_err() && transfers.1.cancel().await.is_err());
    let late = own.submit(download(&server.url("object"), 1000).to(folder.join("late"))).await;
    assert_eq!(late.unwrap_err(), SubmitError::Closed);
    drop((transfers, own));
    until("all tasks are gone", || metrics.num_alive_tasks() == 0).await;
    tokio::task::block_in_place(|| drop(runtime));
}

async fn c11_a_snapshot_tells_queued_active_paused_and_waiting_with_its_reason() {
    let good = content(4000, 1);
    let server = Raw::object(Object::new(good.clone()), |request, right| match request.target.as_str() {
        "/silent" => right.cut(0, Then::Silence),
        "/busy" => Answer::with_body("503 X", "").set("Retry-After", "30"),
        _ => right,
    })
    .await;
    let mut core = Config::default();
    core.limits.downloads = 2;
    let client = client_with(ClientConfig::builder().core(core).build().unwrap());
    let folder = Folder::new();
    let job = |name: &str| download(&server.url(&format!("/{name}")), 1000).to(folder.join(name));
    let silent = client.submit(job("silent")).await.unwrap();
    let busy = client.submit(job("busy")).await.unwrap();
    let queued = client.submit(job("queued")).await.unwrap();
    let paused = client.submit(job("paused").paused()).await.unwrap();
    until("the 503 is there", || matches!(busy.status(), State::Waiting(_))).await;
    until("the silent one is asked", || server.log().iter().any(|request| request.target == "/silent")).await;

    let snapshot = client.snapshot().await;
    assert_eq!((snapshot.queued, snapshot.active, snapshot.paused), (1, 2, 1), "{snapshot:?}");
    let of = |transfer: &Transfer| snapshot.tasks.iter().find(|task| task.task == transfer.id()).unwrap();
    assert!(matches!(of(&silent).state, State::Active(Phase::Probing)), "{snapshot:?}");
    assert_eq!(of(&silent).in_flight, 1);
    assert!(matches!(of(&busy).state, State::Waiting(_)));
    assert!(
        matches!(&of(&busy).reason, Some(Error::Server(fault)) if fault.status == Some(503)),
        "{:?}",
        of(&busy).reason
    );
    assert_eq!(of(&queued).state, State::Queued);
    assert!(matches!(of(&paused).state, State::Paused(_)));
    assert!(of(&queued).object.ends_with("/queued"));
    for transfer in [&silent, &busy, &queued, &paused] {
        assert_eq!(client.status(transfer.id()), Some(transfer.status()));
        assert_eq!(transfer.status(), of(transfer).state);
    }
    client.close().await;
    assert!(client.snapshot().await.tasks.is_empty());
}

async fn c12_acknowledged_bytes_only_grow_and_are_told_apart_from_sent_and_resent_ones() {
    let good = content(2 << 20, 1);
    let server = Reference::start(&[("object", &good)], |config| config).await;
    server.faults(vec![
        Fault::new(When::Every(5), What::ResetAfter { bytes: 50_000 }),
        Fault::new(When::Every(7), What::Status { code: 503, retry_after: None }),
        Fault::new(When::Every(9), What::DropAnswer).method("POST"),
    ]);
    let folder = Folder::new();
    let source = folder.file("source", &good);
    let client = client();
    for upload in [false, true] {
        let seen: Arc<Mutex<Vec<Progress>>> = Arc::default();
        let keep = Arc::clone(&seen);
        let job = if upload {
            let upload = Upload::new(&server.url("up/"), "n").unwrap().retry(quick());
            upload.part_size(PartSize::Bytes(128 << 10)).from(&source)
        } else {
            download(&server.url("object"), 128 << 10).to(folder.join("target"))
        };
        let job =
            job.with_rate(Rate::new(4 << 20)).on_progress(move |_, progress| keep.lock().unwrap().push(*progress));
        let mut transfer = client.submit(job).await.unwrap();
        // Pauses in between change nothing about it.
        for upto in [400_000, 1_200_000] {
            until("it moves", || transfer.progress().acknowledged >= upto).await;
            transfer.pause().await.unwrap();
            event(&mut transfer, |kind| *kind == EventKind::Paused).await;
            let before = transfer.progress().acknowledged;
            transfer.resume().await.unwrap();
            assert!(transfer.progress().acknowledged >= before);
        }
        let id = transfer.id();
        within(&mut transfer).await.unwrap();
        let last = client.progress(id).unwrap();
        until("the last progress is told", || {
            seen.lock().unwrap().last().is_some_and(|p| p.acknowledged == good.len() as u64)
        })
        .await;
        let seen = seen.lock().unwrap().clone();
        let total = good.len() as u64;
        assert!(seen.is_sorted_by_key(|progress| progress.acknowledged), "upload {upload}: it fell");
        assert!(seen.is_sorted_by_key(|progress| (progress.moved, progress.requests)), "upload {upload}");
        assert!(seen.iter().all(|p| p.acknowledged <= total && p.resent <= p.moved), "upload {upload}");
        assert_eq!((last.acknowledged, last.total), (total, Some(total)));
        assert_eq!(last.moved - last.resent, total, "upload {upload}: {last:?}");
        assert!(last.retries > 0 && last.requests > last.retries, "upload {upload}: {last:?}");
        assert!(seen.iter().any(|p| p.rate > 0 && p.eta().is_some()), "upload {upload}");
    }
}

async fn c10_a_listener_hears_one_end_per_transfer_whatever_becomes_of_it() {
    let good = content(1000, 1);
    let server = Raw::object(Object::new(good), |request, right| match request.target.as_str() {
        "/missing" => Answer::new("404 Not Found").set("Content-Length", "0"),
        "/silent" => right.cut(0, Then::Silence),
        _ => right,
    })
    .await;
    let (folder, client) = (Folder::new(), client());
    let ends: Arc<Mutex<Vec<longhaul::TaskId>>> = Arc::default();
    let heard = Arc::clone(&ends);
    client.add_listener(move |event: &longhaul::Event| {
        if matches!(event.kind, EventKind::Ended(_)) {
            heard.lock().unwrap().push(event.task);
        }
        assert!(!matches!(event.kind, EventKind::Started), "a listener that panics in between");
    });
    let mut transfers = Vec::new();
    for (n, name) in ["good", "missing", "silent", "good", "silent"].iter().enumerate() {
        let job = download(&server.url(&format!("/{name}")), 1000).to(folder.join(&format!("{n}")));
        transfers.push(client.submit(job).await.unwrap());
    }
    until("the silence begins", || server.log().iter().filter(|r| r.target == "/silent").count() == 2).await;
    transfers[2].cancel().await.unwrap();
    until("three are over", || transfers.iter().filter(|transfer| transfer.outcome().is_some()).count() == 4).await;
    client.close().await;
    let mut heard = ends.lock().unwrap().clone();
    heard.sort();
    let mut ids: Vec<_> = transfers.iter().map(Transfer::id).collect();
    ids.sort();
    assert_eq!(heard, ids);
}

async fn uploads_from_memory_need_no_file_and_end_when_their_client_does() {
    let server = Raw::start(|_| Answer::with_body("200 OK", "").cut(0, Then::Silence)).await;
    let client = client();
    let source = Arc::new(MemorySource::new(content(1000, 1)));
    let transfer = client.submit(Upload::put(&server.url("/x")).unwrap().from_storage(source, "s")).await.unwrap();
    until("it is asked", || server.requests() == 1).await;
    let download = Download::new(&server.url("/y")).unwrap();
    let (job, _target) = download.to_memory(10);
    let other = client.submit(job).await.unwrap();
    drop(client.close());
    assert_eq!(within(transfer).await, Err(Error::Closed));
    assert_eq!(within(other).await, Err(Error::Closed));
}

support::adapters::on_every_adapter!(
    c1_a_paused_import_touches_neither_network_nor_files_and_only_resumed_ones_run,
    c2_pause_stops_the_file_at_once_and_resume_goes_on_from_what_is_stored,
    a6_c4_pause_cancel_and_close_take_less_than_a_quarter_second_with_a_silent_server,
    c4_close_is_prompt_with_many_transfers_to_a_silent_server,
    c6_submitting_again_right_after_cancel_works_and_late_answers_of_the_old_run_touch_nothing,
    c7_only_the_same_source_and_destination_make_a_duplicate,
    c8_a_thousand_commands_at_once_are_each_answered,
    c9_close_leaves_no_task_behind_and_refuses_what_comes_later,
    c11_a_snapshot_tells_queued_active_paused_and_waiting_with_its_reason,
    c12_acknowledged_bytes_only_grow_and_are_told_apart_from_sent_and_resent_ones,
    c10_a_listener_hears_one_end_per_transfer_whatever_becomes_of_it,
    uploads_from_memory_need_no_file_and_end_when_their_client_does,
);
