//! Commands and callbacks over the real stack: every command in every state (C3), aborts (C5), callbacks that take their time or call
//! back (C10).
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../examples/custom_protocol/provider.rs"]
mod provider;
mod support;

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::StreamExt;
use longhaul::core::Config;
use longhaul::core::spec::{CommandError, Parallel};
use longhaul::{Client, ClientConfig, Error, Event, EventKind, State, TaskId, Transfer};
use provider::BoxUpload;
use support::adapters::block_on;
use support::jobs::from_bytes;
use support::raw::{Answer, Object, Raw, Then};
use support::{Folder, client, client_with, content, download, until, within};

/// What a transfer is caught at.
#[derive(Clone, Copy, PartialEq, Debug)]
enum In {
    Queue,
    Activity,
    Wait,
    Pause,
    End,
}

/// A transfer in that state, and what keeps it there.
async fn caught(client: &Client, server: &Raw, folder: &Folder, state: In) -> (Transfer, Option<Transfer>) {
    let job = |name: &str| download(&server.url(&format!("/{name}")), 1000).to(folder.join(name));
    let mut other = None;
    let name = match state {
        In::Queue => {
            // The only place is taken.
            other = Some(client.submit(job("silent")).await.unwrap());
            "good"
        }
        In::Activity => "silent",
        In::Wait => "busy",
        In::Pause | In::End => "good",
    };
    let job = job(name);
    let mut transfer = client.submit(if state == In::Pause { job.paused() } else { job }).await.unwrap();
    match state {
        In::End => drop(within(&mut transfer).await.unwrap()),
        In::Activity => until("it is asked", || server.log().iter().any(|request| request.target == "/silent")).await,
        In::Wait => until("it waits", || matches!(transfer.status(), State::Waiting(_))).await,
        In::Queue | In::Pause => {}
    }
    (transfer, other)
}

async fn c3_every_command_in_every_state_has_one_result_and_a_transfer_ends_once() {
    let server = Raw::object(Object::new(content(4000, 1)), |request, right| match request.target.as_str() {
        "/silent" => right.cut(0, Then::Silence),
        "/busy" => Answer::with_body("503 X", "").set("Retry-After", "30"),
        _ => right,
    })
    .await;
    let mut core = Config::default();
    core.limits.downloads = 1;
    for state in [In::Queue, In::Activity, In::Wait, In::Pause, In::End] {
        for command in ["pause", "resume", "cancel", "close"] {
            let folder = Folder::new();
            let client = client_with(ClientConfig::builder().core(core).build().unwrap());
            let (mut transfer, _other) = caught(&client, &server, &folder, state).await;
            let result = within(async {
                match command {
                    "pause" => transfer.pause().await,
                    "resume" => transfer.resume().await,
                    "cancel" => transfer.cancel().await,
                    _ => {
                        client.close().await;
                        Ok(())
                    }
                }
            })
            .await;
            let over = state == In::End && command != "close";
            assert_eq!(result, if over { Err(CommandError::Over) } else { Ok(()) }, "{command} when {state:?}");
            within(client.close()).await;
            assert_eq!(transfer.pause().await, Err(CommandError::Closed), "after the close all ids answer the same");

            let events: Vec<EventKind> = within((&mut transfer).map(|event| event.kind).collect()).await;
            let ends = events.iter().filter(|kind| matches!(kind, EventKind::Ended(_))).count();
            assert!(ends == 1 && matches!(events.last(), Some(EventKind::Ended(_))), "{command} {state:?}: {events:?}");
            assert_eq!(
                client.status(transfer.id()),
                Some(State::Ended),
                "the id is valid as long as the handle is there"
            );
            match (state, command, transfer.outcome().unwrap()) {
                (In::End, _, Ok(_)) | (_, "cancel", Err(Error::Cancelled)) | (_, _, Err(Error::Closed)) => {}
                (_, _, outcome) => panic!("{command} when {state:?}: {outcome:?}"),
            }
        }
    }
}

/// A server of boxes that falls silent in the middle of the requests that `silent` picks, and answers an abort by `abort`.
async fn boxes(silent: &'static str, abort: &'static str) -> Raw {
    Raw::start(move |request| {
        let answer = match (request.method.as_str(), &*request.target) {
            ("DELETE", _) => Answer::with_body(abort, ""),
            ("POST", "/boxes/") => Answer::with_body("200 OK", "box7"),
            _ => Answer::with_body("200 OK", "tag"),
        };
        if request.target.ends_with(silent) { answer.cut(0, Then::Silence) } else { answer }
    })
    .await
}

async fn c5_cancel_aborts_once_and_only_when_no_part_is_in_flight() {
    for (abort, told) in [("204 No Content", 0), ("403 Forbidden", 1)] {
        let server = boxes("/2", abort).await;
        let client = client();
        let provider = BoxUpload { authority: server.url("").replace("http://", ""), name: "object".into() };
        let mut job = from_bytes(provider, &content(400_000, 1), 100_000);
        // One at a time: what was sent to several connections arrives in any order.
        job.spec_mut().parallel = Parallel::Most(NonZeroU32::MIN);
        let mut transfer = client.submit(job).await.unwrap();
        until("a part is in flight", || server.log().iter().any(|request| request.target.ends_with("/2"))).await;
        transfer.cancel().await.unwrap();
        let events: Vec<EventKind> = within((&mut transfer).map(|event| event.kind).collect()).await;
        // Whatever the abort came to, the reason for the end is the first one.
        assert_eq!(transfer.outcome(), Some(Err(Error::Cancelled)), "{abort}");
        let failed = events.iter().filter(|kind| matches!(kind, EventKind::AbortFailed { .. })).count();
        assert_eq!(failed, told, "{abort}: {events:?}");
        let log = server.log();
        let aborts = log.iter().filter(|request| request.method == "DELETE").count();
        assert_eq!((aborts, log.last().map(|request| &*request.method)), (1, Some("DELETE")), "{abort}");
        client.close().await;
    }
}

async fn c5_no_abort_while_a_commit_is_under_way() {
    let server = Raw::start(|request| match (request.method.as_str(), &*request.target) {
        ("POST", "/boxes/") => Answer::with_body("200 OK", "box7"),
        ("POST", _) => Answer::with_body("200 OK", "object").delayed(Duration::from_millis(300)),
        _ => Answer::with_body("200 OK", "tag"),
    })
    .await;
    let client = client();
    let provider = BoxUpload { authority: server.url("").replace("http://", ""), name: "object".into() };
    let mut transfer = client.submit(from_bytes(provider, &content(200_000, 1), 100_000)).await.unwrap();
    until("the commit is sent", || server.log().iter().any(|request| request.target.ends_with("/close"))).await;
    transfer.cancel().await.unwrap();
    // The answer is waited for: the object is there.
    assert!(within(&mut transfer).await.is_ok());
    assert!(server.log().iter().all(|request| request.method != "DELETE"));
    client.close().await;
}

async fn c10_slow_callbacks_stall_no_transfer_and_hear_every_end() {
    let server = Raw::object(Object::new(content(1000, 1)), |_, right| right).await;
    let (folder, client) = (Folder::new(), client());
    let heard: Arc<Mutex<Vec<TaskId>>> = Arc::default();
    let ends = Arc::clone(&heard);
    client.add_listener(move |event: &Event| {
        if matches!(event.kind, EventKind::Ended(_)) {
            std::thread::sleep(Duration::from_millis(200));
            ends.lock().unwrap().push(event.task);
        }
    });
    let begun = Instant::now();
    let jobs = (0..10).map(|n| download(&server.url(&format!("/{n}")), 1000).to(folder.join(&format!("{n}"))));
    let transfers: Vec<Transfer> = client.submit_all(jobs).await.into_iter().map(Result::unwrap).collect();
    let mut ids: Vec<TaskId> = transfers.iter().map(Transfer::id).collect();
    for transfer in transfers {
        within(transfer).await.unwrap();
    }
    let (took, told) = (begun.elapsed(), heard.lock().unwrap().len());
    assert!(told < 10, "transfers wait for the listener: {took:?}");
    client.close().await;
    let mut heard = heard.lock().unwrap().clone();
    ids.sort_unstable();
    heard.sort_unstable();
    assert_eq!(heard, ids, "each end once");
}

async fn c10_callbacks_may_call_the_client_and_panic() {
    let server = Raw::object(Object::new(content(1000, 1)), |_, right| right).await;
    let (folder, client) = (Folder::new(), client());
    let ends = Arc::new(AtomicUsize::new(0));
    let (counted, inner, path) = (Arc::clone(&ends), client.clone(), folder.join("second"));
    let url = server.url("/object");
    let job = download(&url, 1000).to(folder.join("first")).on_progress(|_, _| panic!("progress"));
    let job = job.on_end(move |id, outcome| {
        assert!(outcome.is_ok());
        let listener = inner.add_listener(|_: &Event| panic!("a listener's own"));
        let second = block_on(inner.submit(download(&url, 1000).to(path))).unwrap();
        assert!(block_on(inner.cancel(id)).is_err(), "it is over");
        block_on(second).unwrap();
        assert!(inner.remove_listener(listener));
        inner.clear_listeners();
        counted.fetch_add(1, Ordering::SeqCst);
        panic!("the end");
    });
    within(client.submit(job).await.unwrap()).await.unwrap();
    until("the callback is through", || ends.load(Ordering::SeqCst) == 1).await;
    assert_eq!(folder.names(), ["first", "second"]);
    client.close().await;
}

support::adapters::on_every_adapter!(
    c3_every_command_in_every_state_has_one_result_and_a_transfer_ends_once,
    c5_cancel_aborts_once_and_only_when_no_part_is_in_flight,
    c5_no_abort_while_a_commit_is_under_way,
    c10_slow_callbacks_stall_no_transfer_and_hear_every_end,
    c10_callbacks_may_call_the_client_and_panic,
);
