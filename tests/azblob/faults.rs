//! A store that fails, lies, stalls and forgets: the blob is there or it is not, and it is known which (U5, U6, U8, R3, R5, O7).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use longhaul::core::intent::Answer as Reply;
use longhaul::http::Headers;
use longhaul::{Error, ServerFaultKind};
use longhaul_azblob::{Access, AccountKey, Blob, Container};
use longhaul_sign::date;

use crate::store::{self, ACCOUNT, Store, error};
use crate::support::raw::{Request, Then};
use crate::support::{client, content, run};
use crate::{PART, blob, from_bytes, upload};

fn is_block(request: &Request) -> bool {
    request.method == "PUT" && request.target.contains("comp=block&")
}

fn is_commit(request: &Request) -> bool {
    request.method == "PUT" && request.target.contains("comp=blocklist")
}

/// True the first time.
fn once() -> impl Fn() -> bool + Send + Sync {
    let times = AtomicUsize::new(0);
    move || times.fetch_add(1, Ordering::SeqCst) == 0
}

fn bytes() -> Vec<u8> {
    content(3 * PART as usize + 5, 9)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u5_a_commit_refused_for_a_moment_is_the_only_thing_repeated() {
    let (store, first) = (Store::new(), once());
    let (server, kept) = {
        let kept = Arc::new(std::sync::Mutex::new(None));
        let (before, staged) = (store.clone(), Arc::clone(&kept));
        let server = store
            .serve(move |request, answer| {
                if is_block(request) {
                    *staged.lock().unwrap() = Some(before.state().staged.clone());
                }
                if is_commit(request) && first() {
                    // As if it had not been asked: the blocks are put back.
                    let mut state = before.state();
                    state.blobs.clear();
                    state.staged = staged.lock().unwrap().clone().unwrap();
                    return error(503, "ServerBusy", "");
                }
                answer
            })
            .await;
        (server, kept)
    };
    run(&client(), from_bytes(upload(blob(server.addr, "a")), &bytes())).await.unwrap();
    assert!(store.state().blobs["a"].content == bytes() && kept.lock().unwrap().is_some());
    let log = server.log();
    assert_eq!(log.iter().filter(|request| is_block(request)).count(), 4, "no block went up twice");
    assert_eq!(log.iter().filter(|request| is_commit(request)).count(), 2);
}

/// The store made the blob and its answer broke off, at every byte of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u6_a_commit_whose_answer_is_cut_anywhere_is_found_to_have_happened() {
    let client = client();
    for cut in (0..160).step_by(9) {
        let (store, first) = (Store::new(), once());
        let server = store
            .serve(move |request, answer| {
                let length = answer.bytes().len();
                if is_commit(request) && cut < length && first() { answer.cut(cut, Then::Fin) } else { answer }
            })
            .await;
        let done = run(&client, from_bytes(upload(blob(server.addr, "a")), &bytes())).await;
        assert!(done.is_ok(), "{cut}: {done:?}");
        let state = store.state();
        assert!(state.blobs["a"].content == bytes(), "{cut}");
        assert_eq!(state.blobs["a"].etag, "\"0x8D1\"", "{cut}: it was made once");
        assert_eq!(server.log().iter().filter(|request| is_block(request)).count(), 4, "{cut}");
    }
}

/// What a gateway says of a commit is no proof in either way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u6_an_error_after_success_is_success() {
    for (status, code) in [(500, "InternalError"), (500, "OperationTimedOut"), (502, ""), (504, ""), (200, "")] {
        let (store, first) = (Store::new(), once());
        let server = store
            .serve(move |request, answer| if is_commit(request) && first() { error(status, code, "") } else { answer })
            .await;
        let done = run(&client(), from_bytes(upload(blob(server.addr, "a")), &bytes())).await;
        assert!(done.is_ok(), "{status} {code}: {done:?}");
        assert_eq!(store.state().blobs["a"].etag, "\"0x8D1\"", "{status} {code}: it was made once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u8_two_writers_of_one_name_end_as_exactly_one_of_them() {
    // The other one commits when this one's third block has arrived, and drops what was there.
    let (store, blocks) = (Store::new(), AtomicUsize::new(0));
    let other = store.clone();
    let server = store
        .serve(move |request, answer| {
            if is_block(request) && blocks.fetch_add(1, Ordering::SeqCst) == 2 {
                let mut state = other.state();
                state.staged.clear();
                let theirs = store::Stored {
                    content: content(100, 77),
                    etag: "\"other\"".into(),
                    headers: http::HeaderMap::new(),
                    blocks: vec![("b3RoZXI=".into(), 100)],
                };
                state.blobs.insert("a".into(), theirs);
            }
            answer
        })
        .await;
    run(&client(), from_bytes(upload(blob(server.addr, "a")), &bytes())).await.unwrap();
    assert!(store.state().blobs["a"].content == bytes());

    // Both at once, for real.
    let store = Store::new();
    let server = store.serve(|_, answer| answer).await;
    let clients = [client(), client()];
    for round in 0..8 {
        let (one, two) = (content(5 * PART as usize, 2 * round), content(4 * PART as usize + 9, 2 * round + 1));
        let job = |bytes: &[u8]| from_bytes(upload(blob(server.addr, "both")), bytes);
        let done = tokio::join!(run(&clients[0], job(&one)), run(&clients[1], job(&two)));
        assert!(done.0.is_ok() || done.1.is_ok(), "{round}: {done:?}");
        let there = store.state().blobs["both"].content.clone();
        assert!(there == one || there == two, "{round}: a mixture");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d13_a_block_damaged_on_its_way_is_sent_again() {
    let (store, first) = (Store::new(), once());
    let server = store
        .serve(
            move |request, answer| {
                if is_block(request) && first() { answer.set("x-ms-content-crc64", "AAAAAAAAAAA=") } else { answer }
            },
        )
        .await;
    run(&client(), from_bytes(upload(blob(server.addr, "a")), &bytes())).await.unwrap();
    assert_eq!(server.log().iter().filter(|request| is_block(request)).count(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_a_clock_twenty_minutes_off_is_learned_once() {
    for skew in [-1200, 1200] {
        let store = Store::new();
        store.state().skew = skew;
        let server = store.serve(|_, answer| answer).await;
        run(&client(), from_bytes(upload(blob(server.addr, "a")).single_up_to(1 << 20), &bytes())).await.unwrap();
        assert_eq!(server.requests(), 2, "{skew}: one refusal, one blob");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_an_expired_sas_is_renewed_once_for_all_requests() {
    let store = Store::new();
    let end = |seconds: i64| date::iso8601(store.state().now() + seconds).unwrap();
    let sas = |seconds: i64| format!("se={}&sp=rcw&sv=2023-11-03&sr=b&sig=s{seconds}", end(seconds));
    let (old, new) = (sas(600), sas(1200));
    store.state().sas = Some(old.clone());
    let (expire, first, next) = (store.clone(), once(), new.clone());
    let server = store
        .serve(move |request, answer| {
            // The policy that the SAS stands on is withdrawn when the first block has arrived.
            if is_block(request) && first() {
                expire.state().sas = Some(next.clone());
            }
            answer
        })
        .await;
    let with = |sas: &str| upload(blob(server.addr, "a").with_access(Access::sas(sas).unwrap())).refreshable(true);
    let asked = Arc::new(AtomicUsize::new(0));
    let (count, fresh) = (Arc::clone(&asked), with(&new));
    let job = from_bytes(with(&old), &content(40 * PART as usize, 3)).with_refresher(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        let fresh = fresh.clone();
        async move { Reply::Provider(Arc::new(fresh)) }.boxed()
    });
    run(&client(), job).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert!(store.state().blobs["a"].content == content(40 * PART as usize, 3));
}

async fn refusal(blob: Blob) -> (ServerFaultKind, String) {
    match run(&client(), from_bytes(upload(blob), &bytes())).await {
        Err(Error::Server(fault) | Error::Issuer(fault)) => (fault.kind, fault.to_string()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o7_what_is_set_wrong_is_named_in_one_line() {
    let store = Store::new();
    let sas = |permissions: &str, seconds: i64| {
        let end = date::iso8601(store.state().now() + seconds).unwrap();
        format!("se={end}&sp={permissions}&sv=2023-11-03&sr=b&sig=canary")
    };
    let (read_only, ended) = (sas("r", 600), sas("rcw", -60));
    store.state().sas = Some(read_only.clone());
    let server = store.serve(|_, answer| answer).await;
    let right = blob(server.addr, "a");
    let missing = Container::at(&format!("http://{}", server.addr), ACCOUNT, "missing").unwrap();
    for (blob, words) in [
        (right.clone().with_access(AccountKey::new(ACCOUNT, "d3Jvbmc=").unwrap()), "check account and key"),
        (Blob::new(missing, "a", store::key()).unwrap(), "no such container"),
        (right.clone().with_access(Access::Anonymous), "give an account key or a SAS"),
        (right.clone().with_access(Access::sas(&read_only).unwrap()), "needs create and write (cw)"),
        (
            right.clone().with_access(Access::sas(&sas("rcw", 600).replace("canary", "canary2")).unwrap()),
            "copy it whole",
        ),
        (right.with_access(Access::sas(&ended).unwrap()), "expired"),
    ] {
        let (_, line) = refusal(blob).await;
        assert!(line.contains(words), "{words}: {line}");
        assert!(!line.contains('\n') && !line.contains("canary"), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u8_an_upload_that_must_not_replace_anything_does_not() {
    let store = Store::new();
    let server = store.serve(|_, answer| answer).await;
    let client = client();
    let only = || Headers::new().with("If-None-Match", "*").unwrap();
    for size in [0, 10, 3 * PART as usize] {
        let name = size.to_string();
        let upload = upload(blob(server.addr, &name)).with_headers(only()).unwrap();
        run(&client, from_bytes(upload.clone(), &content(size, 1))).await.unwrap();
        let error = run(&client, from_bytes(upload, &content(size, 2))).await.unwrap_err();
        assert!(matches!(&error, Error::Server(fault) if fault.kind == ServerFaultKind::Conflict), "{error}");
        assert!(store.state().blobs[&name].content == content(size, 1));
    }
}

/// The commit took effect and its answer was lost; the next one finds its own blob in the way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u8_ones_own_blob_is_no_conflict_and_anothers_is() {
    for (own, size) in [(true, 10), (true, 3 * PART as usize), (false, 10), (false, 3 * PART as usize)] {
        let (store, first) = (Store::new(), once());
        let other = store.clone();
        let server = store
            .serve(move |request, answer| {
                if !is_commit(request) || !first() {
                    return answer;
                }
                if !own && let Some(blob) = other.state().blobs.get_mut("a") {
                    blob.blocks = vec![("b3RoZXI=".into(), blob.content.len())];
                    blob.content.fill(0);
                }
                answer.cut(0, Then::Fin)
            })
            .await;
        let only = Headers::new().with("If-None-Match", "*").unwrap();
        let upload = upload(blob(server.addr, "a")).with_headers(only).unwrap();
        let done = run(&client(), from_bytes(upload, &content(size, 5))).await;
        if own {
            assert!(done.is_ok(), "{size}: {done:?}");
        } else {
            let conflict = matches!(&done, Err(Error::Server(fault)) if fault.kind == ServerFaultKind::Conflict);
            assert!(conflict, "{size}: {done:?}");
            assert!(store.state().blobs["a"].content == vec![0; size], "{size}: nothing was replaced");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_a_fault_of_the_moment_on_every_request_is_overcome() {
    let (store, requests) = (Store::new(), AtomicUsize::new(0));
    let server = store
        .serve(move |request, answer| {
            let unlucky = requests.fetch_add(1, Ordering::SeqCst).is_multiple_of(3);
            if unlucky && is_block(request) { error(503, "ServerBusy", "") } else { answer }
        })
        .await;
    run(&client(), from_bytes(upload(blob(server.addr, "a")), &content(20 * PART as usize, 4))).await.unwrap();
    assert!(store.state().blobs["a"].content == content(20 * PART as usize, 4));
}
