//! What every store must do, by case id, against its real server: what goes wrong on the way is the transport's doing.

use std::fs::{File, FileTimes};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::request::Parts;
use longhaul::core::Provider;
use longhaul::http::Headers;
use longhaul::{Error, EventKind, Job};

use crate::counted::Counted;
use crate::counterpart::{Counterpart, Notices};
use crate::support::jobs::{from_bytes, from_file, from_storage};
use crate::support::{content, run, run_told, until, within};
use crate::tampered::{self, Fate, Log};

/// The code of a condition that did not hold.
const CONFLICT: u16 = 308;

/// Parts of the objects in these cases.
const PARTS: usize = 6;

/// A store in these cases: how it is asked, and how its requests are told apart.
pub(crate) trait Store {
    /// An upload in parts.
    type Upload: Provider + 'static;
    /// Whether uploads are sessions that somebody must give up.
    const SESSIONS: bool = true;

    /// Where it is, and its SDK.
    fn counterpart(&self) -> &Counterpart;
    /// An upload to `key`.
    fn upload(&self, key: &str) -> Self::Upload;
    /// An upload to `key` that may not replace anything.
    fn careful(&self, key: &str) -> Self::Upload;
    /// An upload to `key` with what the server notices damage by.
    fn compared(&self, key: &str) -> Self::Upload {
        self.upload(key)
    }
    /// Whether a request brings a part; unless told otherwise as on S3.
    fn is_part(method: &str, target: &str) -> bool {
        method == "PUT" && target.contains("partNumber=")
    }
    /// Whether a request makes an object of parts; unless told otherwise as on S3.
    fn is_commit(method: &str, target: &str) -> bool {
        method == "POST" && target.contains("uploadId=")
    }
}

/// Every case for one store.
pub(crate) async fn every_case<S: Store>(store: &S) {
    u1_a_source_that_changes_under_way_is_never_committed(store).await;
    u2_the_source_is_read_at_most_once_more_than_sent(store).await;
    u3_a_redirect_is_no_success(store).await;
    u4_with_every_part_there_the_commit_is_still_sent(store).await;
    u5_a_commit_refused_for_a_moment_is_the_only_thing_repeated(store).await;
    u6_a_commit_nobody_heard_of_is_found_to_have_happened(store).await;
    u6_what_it_made_itself_unheard_is_not_in_its_way_and_what_others_made_is(store).await;
    u7_a_dropped_client_is_followed_by_one_that_sends_what_is_missing(store).await;
    u8_two_writers_of_one_key_end_as_exactly_one_of_them(store).await;
    u9_c5_a_cancelled_upload_leaves_the_object_that_was_there(store).await;
    u10_an_abort_that_fails_is_told(store).await;
    r5_k1_a_refusal_ends_it_at_once_and_says_who_said_what(store).await;
    d13_a_byte_changed_on_its_way_is_noticed(store).await;
}

/// What says that nothing may be replaced, where a header field does.
pub(crate) fn only_new() -> Headers {
    let mut headers = Headers::new();
    headers.add_line("If-None-Match: *").unwrap();
    headers
}

fn bytes<S: Store>(store: &S, version: u64) -> Vec<u8> {
    content((PARTS - 1) * store.counterpart().part as usize + 7, version)
}

fn is_part<S: Store>(parts: &Parts) -> bool {
    S::is_part(parts.method.as_str(), target(parts))
}

fn is_commit<S: Store>(parts: &Parts) -> bool {
    S::is_commit(parts.method.as_str(), target(parts))
}

fn is_small(parts: &Parts) -> bool {
    parts.headers["content-length"] == "7"
}

fn target(parts: &Parts) -> &str {
    parts.uri.path_and_query().map_or("/", |target| target.as_str())
}

fn parts_sent<S: Store>(log: &Log) -> usize {
    log.count(S::is_part)
}

fn job<S: Store>(store: &S, key: &str, source: &Path) -> Job {
    let counterpart = store.counterpart();
    from_file(store.upload(key), source, &counterpart.folder.join("journals"), counterpart.part)
}

/// True for the first so many calls.
fn first(times: usize) -> impl Fn() -> bool + Send + Sync + 'static {
    let calls = AtomicUsize::new(0);
    move || calls.fetch_add(1, Ordering::SeqCst) < times
}

async fn u1_a_source_that_changes_under_way_is_never_committed<S: Store>(store: &S) {
    let counterpart = store.counterpart();
    let (old, new) = (bytes(store, 1), bytes(store, 2));
    for how in ["edited", "truncated", "grown", "replaced"] {
        let key = format!("u1 {how}");
        let source = counterpart.folder.file("changing", &old);
        let other = counterpart.folder.file("other", &new);
        let (path, len, seen) = (source.clone(), old.len() as u64, AtomicUsize::new(0));
        let (client, _) = tampered::client(move |parts| {
            if is_part::<S>(parts) && seen.fetch_add(1, Ordering::SeqCst) == 2 {
                change(&path, &other, how, len);
            }
            Fate::Through
        });
        let done = run(&client, job(store, &key, &source)).await;
        assert!(matches!(done, Err(Error::Disk(_))), "{key}: {done:?}");
        assert!(counterpart.look(&key).is_null(), "{key}: nothing was made of it");
        // Cancelled, nothing is left of what it was; submitted again, it is what the source is now.
        let (client, _) = tampered::client(|_| Fate::Through);
        let stopped = client.submit(job(store, &key, &source).paused()).await.unwrap();
        stopped.cancel().await.unwrap();
        assert!(within(stopped).await.is_err());
        assert!(!S::SESSIONS || counterpart.open(&key) == 0, "{key}: nothing is left behind");
        run(&client, job(store, &key, &source)).await.unwrap();
        counterpart.holds(&key, &std::fs::read(&source).unwrap());
    }
}

/// Changes a source and, where that is possible, sets its time back.
fn change(source: &Path, other: &Path, how: &str, len: u64) {
    let modified = std::fs::metadata(source).unwrap().modified().unwrap();
    let file = File::options().write(true).open(source).unwrap();
    match how {
        "edited" => std::fs::write(source, std::fs::read(other).unwrap()).unwrap(),
        "truncated" => file.set_len(len - 1).unwrap(),
        "grown" => file.set_len(len + 1).unwrap(),
        _ => std::fs::rename(other, source).unwrap(),
    }
    File::options().write(true).open(source).unwrap().set_times(FileTimes::new().set_modified(modified)).unwrap();
}

async fn u2_the_source_is_read_at_most_once_more_than_sent<S: Store>(store: &S) {
    let counterpart = store.counterpart();
    let bytes = bytes(store, 3);
    let source = counterpart.folder.file("counted", &bytes);
    let (client, log) = tampered::client(|_| Fate::Through);
    let counted = Arc::new(Counted::new(&source));
    let upload = from_storage(store.upload("u2"), Arc::clone(&counted) as _, counterpart.part);
    run(&client, upload).await.unwrap();
    assert_eq!(parts_sent::<S>(&log), PARTS);
    let whole = bytes.len() as u64;
    assert!([whole, 2 * whole].contains(&counted.read()), "read once, and once more where a checksum goes first");
    counterpart.holds("u2", &bytes);
}

async fn u3_a_redirect_is_no_success<S: Store>(store: &S) {
    let elsewhere: &[(&str, &str)] = &[("location", "http://127.0.0.1:9/elsewhere")];
    for status in [302, 307, 308] {
        let key = format!("u3 {status}");
        let (client, log) =
            tampered::client(
                move |parts| {
                    if is_part::<S>(parts) { Fate::Answer(status, elsewhere, "") } else { Fate::Through }
                },
            );
        let done = run(&client, from_bytes(store.upload(&key), &bytes(store, 1), store.counterpart().part)).await;
        assert!(done.is_err(), "{key}: {done:?}");
        assert_eq!(log.count(|_, target| target.contains("elsewhere")), 0, "{key}: not followed");
        assert!(store.counterpart().look(&key).is_null(), "{key}");
    }
}

async fn u4_with_every_part_there_the_commit_is_still_sent<S: Store>(store: &S) {
    let counterpart = store.counterpart();
    let bytes = bytes(store, 4);
    let source = counterpart.folder.file("u4", &bytes);
    let (client, log) = tampered::client(|parts| if is_commit::<S>(parts) { Fate::Silence } else { Fate::Through });
    let transfer = client.submit(job(store, "u4", &source)).await.unwrap();
    until("the commit is asked for", || log.count(S::is_commit) == 1).await;
    within(client.close()).await;
    drop(transfer);
    let (client, log) = tampered::client(|_| Fate::Through);
    run(&client, job(store, "u4", &source)).await.unwrap();
    assert_eq!((parts_sent::<S>(&log), log.count(S::is_commit)), (0, 1));
    counterpart.holds("u4", &bytes);
}

async fn u5_a_commit_refused_for_a_moment_is_the_only_thing_repeated<S: Store>(store: &S) {
    let (bytes, refuse) = (bytes(store, 5), first(1));
    let (client, log) =
        tampered::client(
            move |parts| {
                if is_commit::<S>(parts) && refuse() { Fate::Answer(503, &[], "") } else { Fate::Through }
            },
        );
    run(&client, from_bytes(store.upload("u5"), &bytes, store.counterpart().part)).await.unwrap();
    assert_eq!((parts_sent::<S>(&log), log.count(S::is_commit)), (PARTS, 2));
    store.counterpart().holds("u5", &bytes);
}

async fn u6_a_commit_nobody_heard_of_is_found_to_have_happened<S: Store>(store: &S) {
    let (bytes, cut) = (bytes(store, 6), first(1));
    let (client, log) =
        tampered::client(move |parts| if is_commit::<S>(parts) && cut() { Fate::Unheard } else { Fate::Through });
    run(&client, from_bytes(store.upload("u6"), &bytes, store.counterpart().part)).await.unwrap();
    assert_eq!(parts_sent::<S>(&log), PARTS, "no part went up twice");
    store.counterpart().holds("u6", &bytes);
}

/// Small enough for one request, where the store takes conditions with one, and in parts.
async fn u6_what_it_made_itself_unheard_is_not_in_its_way_and_what_others_made_is<S: Store>(store: &S) {
    let counterpart = store.counterpart();
    for len in [0, 1000, counterpart.part as usize + 1] {
        let key = format!("u6 careful {len}");
        let (mine, theirs) = (content(len, 61), content(len.max(1), 62));
        let makes = |parts: &Parts| is_commit::<S>(parts) || parts.method == "PUT" && !is_part::<S>(parts);
        let cut = first(1);
        let (client, log) =
            tampered::client(move |parts| if makes(parts) && cut() { Fate::Unheard } else { Fate::Through });
        run(&client, from_bytes(store.careful(&key), &mine, counterpart.part)).await.unwrap();
        assert!(log.count(|_, _| true) > 1, "{key}: it was cut off");
        counterpart.holds(&key, &mine);
        // Somebody else's is there, which an earlier try of this one cannot have made.
        let (client, _) = tampered::client(|_| Fate::Through);
        let done = run(&client, from_bytes(store.careful(&key), &theirs, counterpart.part)).await;
        if counterpart.server.conditions {
            assert_eq!(done.unwrap_err().code(), CONFLICT, "{key}");
            assert_eq!(counterpart.look(&key), Counterpart::told(&mine), "{key}");
        } else {
            done.unwrap();
            counterpart.holds(&key, &theirs);
        }
    }
}

async fn u7_a_dropped_client_is_followed_by_one_that_sends_what_is_missing<S: Store>(store: &S) {
    let counterpart = store.counterpart();
    let (bytes, through) = (bytes(store, 7), first(3));
    let source = counterpart.folder.file("u7", &bytes);
    let (client, _) =
        // The last part is a small one: not that.
        tampered::client(move |parts| {
            if is_part::<S>(parts) && (is_small(parts) || !through()) { Fate::Silence } else { Fate::Through }
        });
    let transfer = client.submit(job(store, "u7", &source)).await.unwrap();
    until("three parts are there", || transfer.progress().acknowledged >= 3 * counterpart.part).await;
    within(client.close()).await;
    drop(transfer);
    let (client, log) = tampered::client(|_| Fate::Through);
    run(&client, job(store, "u7", &source)).await.unwrap();
    assert_eq!(parts_sent::<S>(&log), PARTS - 3);
    counterpart.holds("u7", &bytes);
}

async fn u8_two_writers_of_one_key_end_as_exactly_one_of_them<S: Store>(store: &S) {
    let counterpart = store.counterpart();
    let (one, other) = (bytes(store, 8), bytes(store, 9));
    let (mine, _) = tampered::client(|_| Fate::Through);
    let (theirs, _) = tampered::client(|_| Fate::Through);
    let upload = |bytes: &[u8]| from_bytes(store.upload("u8"), bytes, counterpart.part);
    let (first, second) = futures::future::join(run(&mine, upload(&one)), run(&theirs, upload(&other))).await;
    assert!(first.is_ok() || second.is_ok(), "{first:?} {second:?}");
    let there = counterpart.look("u8");
    assert!([&one, &other].map(|bytes| Counterpart::told(bytes)).contains(&there), "{there}");
    assert!(!S::SESSIONS || counterpart.open("u8") == 0, "nothing is left behind");
}

async fn u9_c5_a_cancelled_upload_leaves_the_object_that_was_there<S: Store>(store: &S) {
    let counterpart = store.counterpart();
    let old = content(1000, 10);
    for existing in [true, false] {
        let key = format!("u9 {existing}");
        if existing {
            let (client, _) = tampered::client(|_| Fate::Through);
            run(&client, from_bytes(store.upload(&key), &old, counterpart.part)).await.unwrap();
        }
        let through = first(2);
        let (client, log) = tampered::client(move |parts| {
            // The last part is a small one: not that.
            if is_part::<S>(parts) && (is_small(parts) || !through()) { Fate::Silence } else { Fate::Through }
        });
        let transfer =
            client.submit(from_bytes(store.upload(&key), &bytes(store, 10), counterpart.part)).await.unwrap();
        until("parts are there", || transfer.progress().acknowledged >= 2 * counterpart.part).await;
        transfer.cancel().await.unwrap();
        assert!(within(transfer).await.is_err());
        let there = if existing { Counterpart::told(&old) } else { serde_json::Value::Null };
        assert_eq!(counterpart.look(&key), there, "{key}");
        let aborts = log.count(|method, _| method == "DELETE");
        assert_eq!(aborts, usize::from(S::SESSIONS), "{key}: given up once, where there is something to give up");
        assert!(!S::SESSIONS || counterpart.open(&key) == 0, "{key}: nothing is left behind");
    }
}

async fn u10_an_abort_that_fails_is_told<S: Store>(store: &S) {
    if !S::SESSIONS {
        return;
    }
    for failures in [1, usize::MAX] {
        let (key, fail) = (format!("u10 {failures}"), first(failures));
        let (client, _) = tampered::client(move |parts| match parts.method.as_str() {
            "DELETE" if fail() => Fate::Answer(503, &[], ""),
            _ if is_part::<S>(parts) => Fate::Answer(403, &[], ""),
            _ => Fate::Through,
        });
        let upload = from_bytes(store.upload(&key), &bytes(store, 1), store.counterpart().part);
        let (done, told, _) = run_told(&client, upload).await;
        let stays = failures > 1;
        assert!(matches!(&done, Err(Error::Server(fault)) if fault.status == Some(403)), "the first reason: {done:?}");
        assert_eq!(told.iter().any(|event| matches!(event, EventKind::AbortFailed { .. })), stays, "{told:?}");
        assert_eq!(store.counterpart().open(&key), usize::from(stays), "{key}");
    }
}

async fn r5_k1_a_refusal_ends_it_at_once_and_says_who_said_what<S: Store>(store: &S) {
    let fields: &[(&str, &str)] =
        &[("x-amz-request-id", "REQ42"), ("x-oss-request-id", "REQ42"), ("x-ms-request-id", "REQ42")];
    let refusal = "<?xml version=\"1.0\"?><Error><Code>AccountProblem</Code><Message>no</Message></Error>";
    let (client, log) =
        tampered::client(
            move |parts| {
                if is_part::<S>(parts) { Fate::Answer(403, fields, refusal) } else { Fate::Through }
            },
        );
    let upload = from_bytes(store.upload("r5"), &bytes(store, 1), store.counterpart().part);
    let (done, told, transfer) = run_told(&client, upload).await;
    let error = done.unwrap_err();
    let Error::Server(fault) = &error else { panic!("{error:?}") };
    let said = (fault.status, fault.code.as_deref(), fault.request_id.as_deref());
    assert_eq!(said, (Some(403), Some("AccountProblem"), Some("REQ42")));
    assert!(parts_sent::<S>(&log) <= PARTS, "nothing was tried twice");
    for text in [format!("{error} {error:?}"), format!("{told:?}"), format!("{transfer:?} {client:?}")] {
        assert!(!text.contains(store.counterpart().server.secret), "{text}");
    }
}

async fn d13_a_byte_changed_on_its_way_is_noticed<S: Store>(store: &S) {
    let (counterpart, bytes, flip) = (store.counterpart(), bytes(store, 13), first(1));
    let (client, log) =
        tampered::client(move |parts| if is_part::<S>(parts) && flip() { Fate::Flipped } else { Fate::Through });
    run(&client, from_bytes(store.compared("d13"), &bytes, counterpart.part)).await.unwrap();
    if counterpart.server.notices == Notices::Nothing {
        assert_eq!(parts_sent::<S>(&log), PARTS);
        assert_ne!(counterpart.look("d13"), Counterpart::told(&bytes), "it notices damage: say so of this server");
        return;
    }
    assert_eq!(parts_sent::<S>(&log), PARTS + 1, "the damaged part went up again");
    counterpart.holds("d13", &bytes);
}
