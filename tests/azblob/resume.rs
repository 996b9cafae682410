//! Stopped and started again: what the store has is not sent twice, and what nobody wants any more harms nothing (U4, U7, U8, U9).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use longhaul::core::intent::Answer;
use longhaul_azblob::{Access, AzureDownload};
use longhaul_sign::date;

use crate::store::{Store, error};
use crate::support::jobs::{from_file, to_file};
use crate::support::raw::{Request, Then};
use crate::support::{Folder, client, content, run, run_told, until, within};
use crate::{PART, blob, from_bytes, upload};

fn is_block(request: &Request) -> bool {
    request.target.contains("comp=block&")
}

/// Blocks that arrive before the store falls silent.
const ARRIVE: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u7_a_dropped_client_is_followed_by_one_that_sends_only_what_is_missing() {
    let store = Store::new();
    let arrived = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&arrived);
    let server = store
        .serve(move |request, answer| {
            let late = is_block(request) && count.fetch_add(1, Ordering::SeqCst) >= ARRIVE;
            if late && count.load(Ordering::SeqCst) < 1000 { answer.cut(0, Then::Silence) } else { answer }
        })
        .await;
    let folder = Folder::new();
    let bytes = content(12 * PART as usize + 3, 5);
    let source = folder.file("source", &bytes);
    let job = || from_file(upload(blob(server.addr, "a")), &source, &folder.join("journals"), PART);
    {
        let client = client();
        let transfer = client.submit(job()).await.unwrap();
        until("five blocks are confirmed", || transfer.progress().acknowledged >= ARRIVE as u64 * PART).await;
        within(client.close()).await;
    }
    arrived.store(1000, Ordering::SeqCst);
    let (done, _, transfer) = run_told(&client(), job()).await;
    assert_eq!(done.unwrap().total, bytes.len() as u64);
    assert!(store.state().blobs["a"].content == bytes);
    let progress = transfer.progress();
    let kept = ARRIVE as u64 * PART;
    assert!(progress.reused == kept && progress.moved == bytes.len() as u64 - kept, "{progress:?}");
    // The store's word comes first, and what was confirmed is not sent again.
    let log = server.log();
    let mut second = log.iter().skip_while(|request| request.method != "GET");
    assert!(second.next().is_some_and(|request| request.target.ends_with("comp=blocklist&blocklisttype=all")));
    assert_eq!(second.filter(|request| is_block(request)).count(), 13 - ARRIVE);
}

/// Taken up again with rights that ended meanwhile: fresh ones are asked for before anything is sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_an_upload_taken_up_again_with_an_ended_sas_asks_for_another_first() {
    let (store, failing) = (Store::new(), Arc::new(AtomicUsize::new(1)));
    let fail = Arc::clone(&failing);
    let server = store
        .serve(move |request, answer| {
            let last = request.target.contains("MDAwMDAwMDAwMDAwMDA1") && fail.load(Ordering::SeqCst) == 1;
            if last { error(400, "InvalidHeaderValue", "") } else { answer }
        })
        .await;
    let sas = |seconds: i64, name: &str| {
        let end = date::iso8601(store.state().now() + seconds).unwrap();
        format!("se={end}&sp=rcw&sv=2023-11-03&sr=b&sig={name}")
    };
    let (ended, fresh) = (sas(-60, "ended"), sas(600, "fresh"));
    store.state().sas = Some(fresh.clone());
    let folder = Folder::new();
    let bytes = content(5 * PART as usize, 5);
    let source = folder.file("source", &bytes);
    let with = |sas: &str| upload(blob(server.addr, "a").with_access(Access::sas(sas).unwrap())).refreshable(true);
    let job = |sas: &str| from_file(with(sas), &source, &folder.join("journals"), PART);
    assert!(run(&client(), job(&fresh)).await.is_err());
    failing.store(0, Ordering::SeqCst);
    let asked = Arc::new(AtomicUsize::new(0));
    let (count, provider) = (Arc::clone(&asked), with(&fresh));
    let second = job(&ended).with_refresher(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        let provider = provider.clone();
        async move { Answer::Provider(Arc::new(provider)) }.boxed()
    });
    run(&client(), second).await.unwrap();
    assert!(store.state().blobs["a"].content == bytes);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert!(server.log().iter().all(|request| !request.target.contains("sig=ended")));
}

/// The clock that says that a SAS has ended may be wrong: with nobody to ask, the service decides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_a_sas_that_only_seems_to_have_ended_is_used_where_there_is_no_other() {
    let store = Store::new();
    let sas = format!("se={}&sp=rcw&sv=2023-11-03&sr=b&sig=abcd", date::iso8601(store.state().now() - 60).unwrap());
    // The service's clock is behind ours.
    store.state().skew = -600;
    store.state().sas = Some(sas.clone());
    let server = store.serve(|_, answer| answer).await;
    let (folder, client) = (Folder::new(), client());
    let blob = blob(server.addr, "a").with_access(Access::sas(&sas).unwrap());
    let bytes = content(3 * PART as usize, 1);
    run(&client, from_bytes(upload(blob.clone()), &bytes)).await.unwrap();
    let target = folder.join("target");
    run(&client, to_file(AzureDownload::new(blob).unwrap(), &target, PART)).await.unwrap();
    assert!(std::fs::read(&target).unwrap() == bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u4_with_every_block_there_the_commit_is_all_that_is_sent() {
    let (store, refusing) = (Store::new(), Arc::new(AtomicUsize::new(1)));
    let kept = Arc::new(std::sync::Mutex::new(None));
    let (before, staged, refuse) = (store.clone(), Arc::clone(&kept), Arc::clone(&refusing));
    let server = store
        .serve(move |request, answer| {
            if is_block(request) {
                *staged.lock().unwrap() = Some(before.state().staged.clone());
            } else if request.method == "PUT" && refuse.load(Ordering::SeqCst) == 1 {
                let mut state = before.state();
                state.blobs.clear();
                state.staged = staged.lock().unwrap().clone().unwrap();
                return error(400, "InvalidHeaderValue", "");
            }
            answer
        })
        .await;
    let folder = Folder::new();
    let bytes = content(4 * PART as usize, 6);
    let source = folder.file("source", &bytes);
    let job = || from_file(upload(blob(server.addr, "a")), &source, &folder.join("journals"), PART);
    assert!(run(&client(), job()).await.is_err());
    let known = server.log().len();
    refusing.store(0, Ordering::SeqCst);
    run(&client(), job()).await.unwrap();
    let log = server.log();
    let sent: Vec<&str> = log[known..].iter().map(|request| request.target.split('?').next_back().unwrap()).collect();
    // Whether the commit took effect, what is there, and the commit.
    assert_eq!(sent, ["comp=blocklist&blocklisttype=committed", "comp=blocklist&blocklisttype=all", "comp=blocklist"]);
    assert!(store.state().blobs["a"].content == bytes);
}

/// The model store panics on DELETE.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u9_a_cancelled_upload_leaves_the_blob_that_was_there() {
    let store = Store::new();
    let silent = Arc::new(AtomicUsize::new(0));
    let hold = Arc::clone(&silent);
    let server = store
        .serve(move |request, answer| {
            let late = hold.load(Ordering::SeqCst) == 1 && is_block(request);
            if late { answer.cut(0, Then::Silence) } else { answer }
        })
        .await;
    let (old, new) = (content(2 * PART as usize, 1), content(8 * PART as usize, 2));
    run(&client(), from_bytes(upload(blob(server.addr, "a")), &old)).await.unwrap();
    silent.store(1, Ordering::SeqCst);
    let (before, client) = (server.log().len(), client());
    let transfer = client.submit(from_bytes(upload(blob(server.addr, "a")), &new)).await.unwrap();
    until("blocks are under way", || server.log().len() > before).await;
    transfer.cancel().await.unwrap();
    let outcome = within(transfer).await;
    assert!(outcome.is_err(), "{outcome:?}");
    assert!(store.state().blobs["a"].content == old);
    assert!(server.log().iter().all(|request| request.method == "PUT"), "nothing but uploads was asked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u8_blocks_that_are_gone_go_up_again_under_other_names() {
    let (store, blocks) = (Store::new(), AtomicUsize::new(0));
    let forget = store.clone();
    let server = store
        .serve(move |request, answer| {
            if is_block(request) && blocks.fetch_add(1, Ordering::SeqCst) == 3 {
                forget.state().staged.clear();
            }
            answer
        })
        .await;
    let bytes = content(9 * PART as usize, 2);
    run(&client(), from_bytes(upload(blob(server.addr, "a")), &bytes)).await.unwrap();
    assert!(store.state().blobs["a"].content == bytes);
    let log = server.log();
    let nonce = |request: &Request| request.target.split_once("blockid=").unwrap().1[..40].to_string();
    let names: std::collections::BTreeSet<String> = log.iter().filter(|request| is_block(request)).map(nonce).collect();
    assert_eq!(names.len(), 2, "a block that arrives late is not committed with the others");
}
