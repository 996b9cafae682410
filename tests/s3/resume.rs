//! Stopped and started again: what the store has is not sent twice, what nobody wants any more is given up (U4, U7, U8, U10).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use longhaul::EventKind;

use crate::store::Store;
use crate::support::jobs::from_file;
use crate::support::raw::{Request, Then};
use crate::support::{Folder, client, content, run, run_told, until, within};
use crate::{PART, from_bytes, object, upload};

fn part_number(request: &Request) -> Option<u64> {
    let (_, rest) = request.target.split_once("partNumber=")?;
    rest.split('&').next()?.parse().ok()
}

/// Parts that arrive before the store falls silent.
const ARRIVE: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u7_a_dropped_client_is_followed_by_one_that_sends_only_what_is_missing() {
    let store = Store::new(PART as usize);
    let arrived = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&arrived);
    let server = store
        .serve(move |request, answer| {
            let late = part_number(request).is_some() && count.fetch_add(1, Ordering::SeqCst) >= ARRIVE;
            if late && count.load(Ordering::SeqCst) < 1000 { answer.cut(0, Then::Silence) } else { answer }
        })
        .await;
    let folder = Folder::new();
    let bytes = content(12 * PART as usize + 3, 5);
    let source = folder.file("source", &bytes);
    let job = || from_file(upload(object(server.addr, "a")), &source, &folder.join("journals"), PART);
    {
        let client = client();
        let transfer = client.submit(job()).await.unwrap();
        until("five parts are confirmed", || transfer.progress().acknowledged >= ARRIVE as u64 * PART).await;
        until("and recorded", || std::fs::read_dir(folder.join("journals")).is_ok_and(|all| all.count() > 0)).await;
        within(client.close()).await;
    }
    let known = server.log().len();
    arrived.store(1000, Ordering::SeqCst);
    let (done, _, transfer) = run_told(&client(), job()).await;
    let (total, kept) = (bytes.len() as u64, ARRIVE as u64 * PART);
    assert_eq!(done.unwrap().total, total);
    assert!(store.state().objects["a"].content == bytes);
    let progress = transfer.progress();
    assert!(progress.reused >= kept && progress.moved <= total - kept, "{progress:?}");
    let log = server.log();
    let pages = log[known..].iter().filter(|request| request.method == "GET").count();
    assert!(pages > 1, "the listing has pages");
    assert_eq!(log.iter().filter(|request| request.target.ends_with("?uploads")).count(), 1, "one session");
    assert!(std::fs::read_dir(folder.join("journals")).unwrap().next().is_none(), "the record is gone with its reason");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c5_a_cancelled_upload_leaves_nothing_on_the_store() {
    let store = Store::new(PART as usize);
    let arrived = AtomicUsize::new(0);
    let server = store
        .serve(move |request, answer| {
            let late = part_number(request).is_some() && arrived.fetch_add(1, Ordering::SeqCst) >= 3;
            if late { answer.cut(0, Then::Silence) } else { answer }
        })
        .await;
    let transfer =
        client().submit(from_bytes(upload(object(server.addr, "a")), &content(9 * PART as usize, 2))).await.unwrap();
    until("parts are there", || transfer.progress().acknowledged >= 2 * PART).await;
    transfer.cancel().await.ok();
    assert!(within(transfer).await.is_err());
    assert!(store.state().sessions.is_empty() && store.state().objects.is_empty());
    let log = server.log();
    assert_eq!(log.iter().filter(|request| request.method == "DELETE").count(), 1, "given up exactly once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u10_an_abort_that_fails_is_tried_again_and_told_when_it_stays_so() {
    use futures::StreamExt;
    for failures in [2, usize::MAX] {
        let store = Store::new(PART as usize);
        let aborts = AtomicUsize::new(0);
        let server = store
            .serve(move |request, answer| match request.method.as_str() {
                "DELETE" if aborts.fetch_add(1, Ordering::SeqCst) < failures => {
                    crate::store::error(503, "SlowDown", "")
                }
                "PUT" if request.target.contains("partNumber=2") => crate::store::error(403, "AccessDenied", ""),
                _ => answer,
            })
            .await;
        let mut transfer = client()
            .submit(from_bytes(upload(object(server.addr, "a")), &content(9 * PART as usize, 2)))
            .await
            .unwrap();
        let mut told = 0;
        within(async {
            while let Some(event) = transfer.next().await {
                told += usize::from(matches!(event.kind, EventKind::AbortFailed { .. }));
            }
        })
        .await;
        let error = transfer.outcome().unwrap().unwrap_err();
        assert!(error.to_string().contains("access is denied"), "the first error stays the reason: {error}");
        assert_eq!(told, usize::from(failures == usize::MAX));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u8_a_session_that_is_gone_is_replaced_by_a_new_one() {
    let store = Store::new(PART as usize);
    let (forget, parts) = (store.clone(), AtomicUsize::new(0));
    let server = store
        .serve(move |request, answer| {
            if part_number(request).is_some() && parts.fetch_add(1, Ordering::SeqCst) == 3 {
                forget.state().sessions.clear();
            }
            answer
        })
        .await;
    let bytes = content(9 * PART as usize, 2);
    run(&client(), from_bytes(upload(object(server.addr, "a")), &bytes)).await.unwrap();
    assert!(store.state().objects["a"].content == bytes);
    assert_eq!(server.log().iter().filter(|request| request.target.ends_with("?uploads")).count(), 2);
}
