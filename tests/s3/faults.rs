//! A store that fails, lies, stalls and forgets: the object is there or it is not, and it is known which (U5, U6, U8, R3, R5, O7).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use longhaul::core::intent::Answer as Reply;
use longhaul::http::Headers;
use longhaul::{Error, ServerFaultKind};
use longhaul_s3::{AccessKey, Bucket, Integrity, Object};

use crate::store::{self, BUCKET, REGION, Store, access};
use crate::support::raw::{Answer, Request, Then};
use crate::support::{client, content, run};
use crate::{PART, from_bytes, object, upload};

fn is_part(request: &Request) -> bool {
    request.method == "PUT" && request.target.contains("partNumber=")
}

fn is_commit(request: &Request) -> bool {
    request.method == "POST" && request.target.contains("uploadId=")
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
    for code in ["SlowDown", "InternalError"] {
        let (store, first) = (Store::new(PART as usize), once());
        let before = store.clone();
        let server = store
            .serve(move |request, answer| {
                if is_commit(request) && first() {
                    // As if it had not been asked: the session is put back.
                    let mut state = before.state();
                    state.objects.clear();
                    state.sessions = state.before.clone();
                    return store::error(if code == "SlowDown" { 503 } else { 200 }, code, "");
                }
                answer
            })
            .await;
        run(&client(), from_bytes(upload(object(server.addr, "a")), &bytes())).await.unwrap();
        assert!(store.state().objects["a"].content == bytes());
        let log = server.log();
        assert_eq!(log.iter().filter(|request| is_part(request)).count(), 4, "{code}: no part went up twice");
        assert_eq!(log.iter().filter(|request| is_commit(request)).count(), 2, "{code}");
    }
}

/// The store made the object and its answer broke off, at every byte of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u6_a_commit_whose_answer_is_cut_anywhere_is_found_to_have_happened() {
    let client = client();
    for cut in (0..700).step_by(23) {
        let (store, first) = (Store::new(PART as usize), once());
        let server = store
            .serve(move |request, answer| {
                let length = answer.bytes().len();
                if is_commit(request) && cut < length && first() { answer.cut(cut, Then::Fin) } else { answer }
            })
            .await;
        let done = run(&client, from_bytes(upload(object(server.addr, "a")), &bytes())).await;
        assert!(done.is_ok(), "{cut}: {done:?}");
        assert!(store.state().objects["a"].content == bytes(), "{cut}");
        assert_eq!(server.log().iter().filter(|request| is_part(request)).count(), 4, "{cut}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u6_no_such_upload_after_success_is_success_and_before_it_is_none() {
    // The store answers 500 although it made the object: the next commit finds no session.
    let (store, first) = (Store::new(PART as usize), once());
    let server = store
        .serve(
            move |request, answer| {
                if is_commit(request) && first() { store::error(500, "InternalError", "") } else { answer }
            },
        )
        .await;
    let done = run(&client(), from_bytes(upload(object(server.addr, "a")), &bytes())).await;
    assert!(done.is_ok(), "{done:?}");
    // Somebody else's object of the same size is not mistaken for ours.
    let store = Store::new(PART as usize);
    let other = store.clone();
    let server = store
        .serve(move |request, answer| {
            if !is_commit(request) {
                return answer;
            }
            let mut state = other.state();
            state.sessions.clear();
            if let Some(object) = state.objects.get_mut("a") {
                object.etag = "\"ffffffffffffffffffffffffffffffff-4\"".into();
                object.content.fill(0);
            }
            store::error(404, "NoSuchUpload", "")
        })
        .await;
    let done = run(&client(), from_bytes(upload(object(server.addr, "a")), &bytes())).await;
    assert!(done.is_err(), "{done:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d13_a_part_damaged_on_its_way_is_sent_again() {
    let (store, first) = (Store::new(PART as usize), once());
    let server = store
        .serve(move |request, answer| {
            if is_part(request) && first() { answer.set("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=") } else { answer }
        })
        .await;
    run(&client(), from_bytes(upload(object(server.addr, "a")), &bytes())).await.unwrap();
    assert_eq!(server.log().iter().filter(|request| is_part(request)).count(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_a_clock_twenty_minutes_off_is_learned_once() {
    for skew in [-1200, 1200] {
        let store = Store::new(PART as usize);
        store.state().skew = skew;
        let server = store.serve(|_, answer| answer).await;
        run(&client(), from_bytes(upload(object(server.addr, "a")), &bytes())).await.unwrap();
        let refused = server.requests() - 6;
        assert_eq!(refused, 1, "{skew}: create, four parts, complete, and one refusal");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_expired_credentials_are_renewed_once_for_all_requests() {
    let store = Store::new(PART as usize);
    store.state().token = Some("old".into());
    let (expire, first) = (store.clone(), once());
    let server = store
        .serve(move |request, answer| {
            // The token runs out when the first part has arrived.
            if is_part(request) && first() {
                expire.state().token = Some("new".into());
            }
            answer
        })
        .await;
    let with = |token: &str| {
        upload(object(server.addr, "a").with_access(access().with_session_token(token))).refreshable(true)
    };
    let asked = Arc::new(AtomicUsize::new(0));
    let (count, fresh) = (Arc::clone(&asked), with("new"));
    let job = from_bytes(with("old"), &content(40 * PART as usize, 3)).with_refresher(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        let fresh = fresh.clone();
        async move { Reply::Provider(Arc::new(fresh)) }.boxed()
    });
    run(&client(), job).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert!(store.state().objects["a"].content == content(40 * PART as usize, 3));
}

/// A key that is known to have expired goes out with no request, where there is another one to be had.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r6_a_key_known_to_have_expired_is_renewed_before_anything_is_sent() {
    let ended = || access().with_session_token("old").with_expiry(1_000_000_000);
    for size in [10, 3 * PART as usize] {
        let store = Store::new(PART as usize);
        store.state().token = Some("new".into());
        let server = store.serve(|_, answer| answer).await;
        let object = object(server.addr, "a");
        let asked = Arc::new(AtomicUsize::new(0));
        let (count, fresh) = (Arc::clone(&asked), object.clone().with_access(access().with_session_token("new")));
        let old = upload(object.clone().with_access(ended())).refreshable(true);
        let job = from_bytes(old, &content(size, 1)).with_refresher(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            let fresh = upload(fresh.clone());
            async move { Reply::Provider(Arc::new(fresh)) }.boxed()
        });
        run(&client(), job).await.unwrap();
        assert!(store.state().objects["a"].content == content(size, 1));
        assert_eq!(asked.load(Ordering::SeqCst), 1, "{size}: asked once");
        let refused =
            server.log().iter().filter(|request| request.header("x-amz-security-token") == Some("old")).count();
        assert_eq!(refused, 0, "{size}: the old one was not sent");
        // With nobody to ask the store decides.
        let error =
            run(&client(), from_bytes(upload(object.with_access(ended())), &content(size, 1))).await.unwrap_err();
        assert!(error.to_string().contains("token has expired"), "{error}");
    }
}

async fn refusal(object: Object) -> (ServerFaultKind, String) {
    match run(&client(), from_bytes(upload(object), &bytes())).await {
        Err(Error::Server(fault) | Error::Issuer(fault)) => (fault.kind, fault.to_string()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o7_what_is_set_wrong_is_named_in_one_line() {
    let store = Store::new(PART as usize);
    let server = store.serve(|_, answer| answer).await;
    let right = object(server.addr, "a");
    let at = |region: &str, bucket: &str| {
        Bucket::at(&format!("http://{}", server.addr), region, bucket).unwrap().with_rules(right.bucket().rules())
    };
    let expired = store.clone();
    for (object, words) in [
        (right.clone().with_access(AccessKey::new("TESTAK", "wrong-secret")), "check the secret"),
        (Object::new(at("us-east-1", BUCKET), "a", access()).unwrap(), "region eu-test-1, not us-east-1"),
        (Object::new(at(REGION, "missing"), "a", access()).unwrap(), "no such bucket"),
        (right.with_access(longhaul_s3::Access::Anonymous), "access is denied"),
    ] {
        let (_, line) = refusal(object).await;
        assert!(line.contains(words), "{line}");
        assert!(!line.contains('\n') && !line.contains("canary") && line.contains("REQ1"), "{line}");
    }
    expired.state().token = Some("other".into());
    let (_, line) = refusal(object(server.addr, "a").with_access(access().with_session_token("old"))).await;
    assert!(line.contains("session token has expired"), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u8_an_upload_that_must_not_replace_anything_does_not() {
    let store = Store::new(PART as usize);
    let server = store.serve(|_, answer| answer).await;
    let client = client();
    let only = || Headers::new().with("If-None-Match", "*").unwrap();
    for size in [10, 3 * PART as usize] {
        let key = size.to_string();
        let upload = upload(object(server.addr, &key)).with_headers(only()).unwrap();
        run(&client, from_bytes(upload.clone(), &content(size, 1))).await.unwrap();
        let error = run(&client, from_bytes(upload, &content(size, 2))).await.unwrap_err();
        assert!(matches!(&error, Error::Server(fault) if fault.kind == ServerFaultKind::Conflict), "{error}");
        assert!(store.state().objects[&key].content == content(size, 1));
        assert!(store.state().sessions.is_empty(), "a refused upload leaves nothing behind");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_a_fault_of_the_moment_on_every_request_is_overcome() {
    let (store, requests) = (Store::new(PART as usize), AtomicUsize::new(0));
    let server = store
        .serve(move |request, answer| {
            // Every third request is refused before it is done; a commit is let through.
            let unlucky = requests.fetch_add(1, Ordering::SeqCst) % 3 == 0;
            if unlucky && is_part(request) { store::error(503, "SlowDown", "") } else { answer }
        })
        .await;
    run(&client(), from_bytes(upload(object(server.addr, "a")), &content(20 * PART as usize, 4))).await.unwrap();
    assert!(store.state().objects["a"].content == content(20 * PART as usize, 4));
}

/// The commit took effect and its answer said otherwise; the next one finds its own object in the way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u8_ones_own_object_is_no_conflict_and_anothers_is() {
    for own in [true, false] {
        let (store, commits) = (Store::new(PART as usize), AtomicUsize::new(0));
        let other = store.clone();
        let server = store
            .serve(move |request, answer| {
                if !is_commit(request) {
                    return answer;
                }
                if !own && let Some(object) = other.state().objects.get_mut("a") {
                    object.etag = "\"ffffffffffffffffffffffffffffffff\"".into();
                    object.content.fill(0);
                }
                match commits.fetch_add(1, Ordering::SeqCst) {
                    0 => store::error(500, "InternalError", ""),
                    _ => store::error(412, "PreconditionFailed", ""),
                }
            })
            .await;
        let only = Headers::new().with("If-None-Match", "*").unwrap();
        let upload = upload(object(server.addr, "a")).with_headers(only).unwrap();
        let done = run(&client(), from_bytes(upload, &bytes())).await;
        if own {
            assert!(done.is_ok(), "{done:?}");
        } else {
            assert!(matches!(&done, Err(Error::Server(fault)) if fault.kind == ServerFaultKind::Conflict), "{done:?}");
        }
    }
}

/// A store that does not know the checksum that goes along is asked once more without it; one that refuses then too is not asked again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u12_a_checksum_that_the_store_does_not_know_is_left_out_once() {
    fn carries(request: &Request) -> bool {
        let names = ["x-amz-checksum-crc32c", "x-amz-checksum-algorithm", "x-amz-checksum-type"];
        names.iter().any(|name| request.header(name).is_some())
    }
    let refusal = |status: &str, words: &str| {
        Answer::with_body(status, format!("<Error><Code>NotImplemented</Code><Message>{words}</Message></Error>"))
    };
    for (status, words) in [("501 Not Implemented", "no"), ("400 Bad Request", "x-amz-checksum-crc32c is not known")] {
        for bytes in [bytes(), content(10, 1)] {
            let store = Store::new(PART as usize);
            let server = store
                .serve(move |request, answer| if carries(request) { refusal(status, words) } else { answer })
                .await;
            let upload = upload(object(server.addr, "a")).with_integrity(Integrity::Crc32c);
            run(&client(), from_bytes(upload, &bytes)).await.unwrap();
            assert!(store.state().objects["a"].content == bytes);
            assert_eq!(server.log().iter().filter(|request| carries(request)).count(), 1, "{status}");
        }
    }
    let store = Store::new(PART as usize);
    let server = store.serve(|_, _| store::error(501, "NotImplemented", "")).await;
    let upload = upload(object(server.addr, "a")).with_integrity(Integrity::Crc32c);
    let error = run(&client(), from_bytes(upload, &bytes())).await.unwrap_err();
    assert!(matches!(&error, Error::Server(fault) if fault.status == Some(501)), "{error}");
    assert_eq!(server.requests(), 2, "once with, once without");
}
