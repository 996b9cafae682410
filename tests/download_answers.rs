//! What each kind of answer to a download does: wrong ones have their defined result and shift no byte (D2), odd but legal ones
//! work (D3, D4, D6), refusals end it at once (R5).
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use longhaul::core::error::FaultKind;
use longhaul::{Error, EventKind, OnChange, Restart, ServerFaultKind};
use support::raw::{Answer, Object, Raw, Request, Then};
use support::{Folder, client, content, download, run, run_told};

const LEN: usize = 4000;
const PART: u64 = 1000;

/// What comes of a defect.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Result {
    /// All the same, without starting over.
    Whole,
    /// The object counts as changed: the download starts over, or fails where that is not wanted.
    Changed,
    /// The answer breaks the protocol: the end.
    Protocol,
    /// Not even HTTP.
    Network,
}

type Spoil = fn(&Request, Answer) -> Answer;

/// Every way an answer to `Range: bytes=1000-1999` of 4000 can be wrong.
const DEFECTS: &[(&str, Result, Spoil)] = &[
    ("200 for a range", Result::Changed, |_, a| {
        let mut whole = a.status("200 OK").without("Content-Range").set("Content-Length", "4000");
        whole.body = content(LEN, 1);
        whole
    }),
    ("an earlier start", Result::Whole, |_, a| {
        let mut early = a.set("Content-Range", "bytes 900-1999/4000").set("Content-Length", "1100");
        early.body = content(LEN, 1)[900..2000].to_vec();
        early
    }),
    ("a later start", Result::Protocol, |_, a| {
        let mut late = a.set("Content-Range", "bytes 1100-1999/4000").set("Content-Length", "900");
        late.body = content(LEN, 1)[1100..2000].to_vec();
        late
    }),
    ("a later end", Result::Protocol, |_, a| {
        let mut long = a.set("Content-Range", "bytes 1000-2999/4000").set("Content-Length", "2000");
        long.body = content(LEN, 1)[1000..3000].to_vec();
        long
    }),
    ("another range altogether", Result::Protocol, |_, a| a.set("Content-Range", "bytes 0-999/4000")),
    ("an end beyond the total", Result::Protocol, |_, a| a.set("Content-Range", "bytes 1000-1999/1500")),
    ("another total", Result::Changed, |_, a| a.set("Content-Range", "bytes 1000-1999/5000")),
    ("another ETag", Result::Changed, |_, a| a.set("ETag", "\"v2\"")),
    ("a weak ETag where a strong one was", Result::Whole, |_, a| a.set("ETag", "W/\"v1\"")),
    ("no validator any more", Result::Changed, |_, a| a.without("ETag").without("Last-Modified")),
    ("a reversed range", Result::Protocol, |_, a| a.set("Content-Range", "bytes 1999-1000/4000")),
    ("another unit", Result::Protocol, |_, a| a.set("Content-Range", "items 1000-1999/4000")),
    ("no unit", Result::Protocol, |_, a| a.set("Content-Range", "1000-1999/4000")),
    ("no Content-Range", Result::Protocol, |_, a| a.without("Content-Range")),
    ("an unsatisfied Content-Range", Result::Protocol, |_, a| a.set("Content-Range", "bytes */4000")),
    ("numbers no machine holds", Result::Protocol, |_, a| {
        a.set("Content-Range", "bytes 1000-99999999999999999999999/4000")
    }),
    ("an encoded body", Result::Protocol, |_, a| a.set("Content-Encoding", "gzip")),
    ("an identity coding", Result::Whole, |_, a| a.set("Content-Encoding", "identity")),
    ("two Content-Ranges that differ", Result::Protocol, |_, a| a.add("Content-Range", "bytes 0-999/4000")),
    ("two Content-Ranges that agree", Result::Whole, |_, a| a.add("Content-Range", "bytes 1000-1999/4000")),
    ("two ETags that differ", Result::Protocol, |_, a| a.add("ETag", "\"v2\"")),
    ("two codings that differ", Result::Protocol, |_, a| {
        a.add("Content-Encoding", "identity").add("Content-Encoding", "gzip")
    }),
    ("two lengths that differ", Result::Network, |_, a| a.add("Content-Length", "999")),
    ("a length that is not the range's", Result::Protocol, |_, a| a.set("Content-Length", "999")),
    ("several parts", Result::Protocol, |_, a| a.set("Content-Type", "multipart/byteranges; boundary=x")),
    ("204", Result::Protocol, |_, a| Answer::new("204 No Content").set("ETag", &etag(&a))),
    ("304", Result::Protocol, |_, a| Answer::new("304 Not Modified").set("ETag", &etag(&a))),
    ("412", Result::Changed, |_, _| Answer::with_body("412 Precondition Failed", "")),
    ("416 inside the object", Result::Protocol, |_, _| {
        Answer::with_body("416 Range Not Satisfiable", "").set("Content-Range", "bytes */4000")
    }),
    ("416 and a smaller object", Result::Changed, |_, _| {
        Answer::with_body("416 Range Not Satisfiable", "").set("Content-Range", "bytes */700")
    }),
];

fn etag(answer: &Answer) -> String {
    let field = answer.headers.iter().find(|(name, _)| name == "ETag");
    field.map(|(_, value)| value.clone()).unwrap_or_default()
}

fn is_spoiled(request: &Request) -> bool {
    request.header("range") == Some("bytes=1000-1999")
}

fn matches(result: Result, error: &Error) -> bool {
    match (result, error) {
        (Result::Changed, Error::Changed(_)) | (Result::Network, Error::Network(_)) => true,
        (Result::Protocol, Error::Server(fault)) => fault.kind == ServerFaultKind::Protocol,
        _ => false,
    }
}

async fn d2_a_wrong_answer_to_every_request_of_a_range_has_its_defined_end_and_leaves_the_target_alone() {
    let good = content(LEN, 1);
    for (what, result, spoil) in DEFECTS {
        let server =
            Raw::object(
                Object::new(good.clone()),
                |request, right| {
                    if is_spoiled(request) { spoil(request, right) } else { right }
                },
            )
            .await;
        let folder = Folder::new();
        let target = folder.file("target", b"what was there before");
        let job = download(&server.url("/object"), PART).on_change(OnChange::Fail).to(&target);
        let outcome = run(&client(), job).await;
        match (result, outcome) {
            (Result::Whole, Ok(_)) => assert_eq!(std::fs::read(&target).unwrap(), good, "{what}"),
            (result, Err(error)) if matches(*result, &error) => {
                assert_eq!(std::fs::read(&target).unwrap(), b"what was there before", "{what}");
            }
            (result, outcome) => panic!("{what}: not {result:?} but {outcome:?}"),
        }
    }
}

async fn d2_an_object_that_seems_to_change_once_is_fetched_anew_and_never_mixed() {
    let good = content(LEN, 1);
    for (what, result, spoil) in DEFECTS.iter().filter(|(_, result, _)| matches!(result, Result::Changed)) {
        let once = std::sync::atomic::AtomicBool::new(true);
        let server = Raw::object(Object::new(good.clone()), move |request, right| {
            let spoiled = is_spoiled(request) && once.swap(false, std::sync::atomic::Ordering::SeqCst);
            if spoiled { spoil(request, right) } else { right }
        })
        .await;
        let folder = Folder::new();
        let target = folder.join("target");
        let (outcome, told, _) = run_told(&client(), download(&server.url("/object"), PART).to(&target)).await;
        assert!(outcome.is_ok(), "{what}: not {result:?} but {outcome:?}");
        assert_eq!(std::fs::read(&target).unwrap(), good, "{what}");
        let restarts = told.iter().filter(|kind| matches!(kind, EventKind::Restarted(Restart::Changed(_)))).count();
        assert_eq!(restarts, 1, "{what}: {told:?}");
        assert_eq!(folder.names(), ["target"], "{what}: nothing is left behind");
    }
}

async fn d2_wrong_answers_to_the_first_request_never_become_a_file() {
    for (what, result, spoil) in DEFECTS {
        // As it would be for the first range: the numbers of the table are those of the second.
        let server = Raw::object(Object::new(content(LEN, 1)), |request, right| match request.range() {
            Some((0, _)) if !request.is_head() => spoil(request, right.set("Content-Range", "bytes 0-999/4000")),
            _ => right,
        })
        .await;
        let folder = Folder::new();
        let target = folder.join("target");
        let job = download(&server.url("/object"), PART).on_change(OnChange::Fail).to(&target);
        match run(&client(), job).await {
            Ok(_) => assert_eq!(std::fs::read(&target).unwrap(), content(LEN, 1), "{what}, {result:?}"),
            Err(_) => assert!(!target.exists(), "{what}"),
        }
    }
}

async fn d1_an_object_that_changes_between_two_requests_is_one_version_or_the_other() {
    for change_at in 0..6 {
        let (old, new) = (Object::new(content(LEN, 1)), {
            let mut new = Object::new(content(LEN, 2));
            new.etag = Some("\"v2\"".into());
            new
        });
        let server = Raw::start(move |request| {
            let object = if request.number <= change_at { &old } else { &new };
            match request.header("if-match") {
                Some(wanted) if Some(wanted) != object.etag.as_deref() => {
                    Answer::with_body("412 Precondition Failed", "")
                }
                _ => object.answer(request),
            }
        })
        .await;
        let folder = Folder::new();
        let target = folder.join("target");
        run(&client(), download(&server.url("/object"), PART).to(&target)).await.unwrap();
        let got = std::fs::read(&target).unwrap();
        assert!(got == content(LEN, 1) || got == content(LEN, 2), "a mix, changed after request {change_at}");
    }
}

async fn d3_shorter_ranges_are_continued_and_a_star_for_the_total_is_fine() {
    let good = content(LEN, 1);
    let server = Raw::object(Object::new(good.clone()), |request, right| match request.range() {
        Some((start, end)) => {
            let end = end.min(start + 300);
            let mut short = right.set("Content-Range", &format!("bytes {start}-{}/*", end - 1));
            short.body.truncate(end - start);
            let length = short.body.len().to_string();
            short.set("Content-Length", &length)
        }
        None => right,
    })
    .await;
    let folder = Folder::new();
    let (outcome, told, transfer) =
        run_told(&client(), download(&server.url("/object"), PART).to(folder.join("target"))).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_eq!(std::fs::read(folder.join("target")).unwrap(), good);
    assert!(!told.iter().any(|kind| matches!(kind, EventKind::Retrying { .. } | EventKind::Restarted(_))), "{told:?}");
    assert_eq!(transfer.progress().resent, 0);
}

async fn d4_weak_or_missing_validators_still_download_and_never_splice() {
    let date = "Wed, 01 Jan 2020 00:00:00 GMT";
    let kinds: [(&str, Option<&str>, Option<&str>, bool); 4] = [
        ("a date alone", None, Some(date), true),
        ("a weak tag and a date", Some("W/\"w\""), Some(date), true),
        ("a weak tag alone", Some("W/\"w\""), None, false),
        ("nothing", None, None, false),
    ];
    for (what, etag, modified, pinned) in kinds {
        // The object becomes another of the same size in the middle, and the connection breaks there.
        let versions =
            [content(LEN, 1), content(LEN, 2)].map(|content| Object::new(content).validators(etag, modified));
        let broken = std::sync::atomic::AtomicBool::new(false);
        let server = Raw::start(move |request| {
            let later = broken.load(std::sync::atomic::Ordering::SeqCst);
            // A date that stays the same cannot show a change; so the content stays, too.
            let answer = versions[usize::from(later && !pinned)].answer(request);
            if request.is_head() || later {
                return answer;
            }
            broken.store(true, std::sync::atomic::Ordering::SeqCst);
            answer.cut_body(500, Then::Reset)
        })
        .await;
        let folder = Folder::new();
        let job = download(&server.url("/object"), PART).to(folder.join("target"));
        let (outcome, told, _) = run_told(&client(), job).await;
        assert!(outcome.is_ok(), "{what}: {outcome:?}");
        let got = std::fs::read(folder.join("target")).unwrap();
        assert_eq!(got, content(LEN, if pinned { 1 } else { 2 }), "{what}");
        let ranged = server.log().iter().filter(|request| request.range().is_some()).count();
        assert_eq!(ranged > 1, pinned, "{what}: {ranged} requests for a range");
        let restarted = told.iter().any(|kind| matches!(kind, EventKind::Restarted(Restart::Unpinned)));
        assert!(pinned || restarted, "{what}: {told:?}");
    }
}

async fn d6_where_head_is_refused_or_says_nothing_a_ranged_get_tells() {
    let refusals: [(&str, Spoil); 7] = [
        ("403", |_, _| Answer::with_body("403 Forbidden", "")),
        ("405", |_, _| Answer::with_body("405 Method Not Allowed", "").set("Allow", "GET")),
        ("501", |_, _| Answer::with_body("501 Not Implemented", "")),
        ("204", |_, _| Answer::new("204 No Content")),
        ("no length", |_, right| right.without("Content-Length")),
        ("a length of 0", |_, right| right.set("Content-Length", "0")),
        ("an encoded length", |_, right| right.set("Content-Encoding", "gzip").set("Content-Length", "77")),
    ];
    for (what, refuse) in refusals {
        let server =
            Raw::object(
                Object::new(content(LEN, 1)),
                move |request, right| {
                    if request.is_head() { refuse(request, right) } else { right }
                },
            )
            .await;
        let folder = Folder::new();
        run(&client(), download(&server.url("/object"), PART).to(folder.join("target")))
            .await
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(std::fs::read(folder.join("target")).unwrap(), content(LEN, 1), "{what}");
    }
}

async fn p4_empty_objects_become_empty_files_whatever_the_server_says_to_a_range() {
    let ways: [(&str, Spoil); 3] = [
        ("416", |_, right| right),
        ("200", |request, right| match request.range() {
            Some(_) => Answer::with_body("200 OK", "").set("ETag", &etag(&right)),
            None => right,
        }),
        (
            "HEAD refused",
            |request, right| {
                if request.is_head() { Answer::with_body("405 Method Not Allowed", "") } else { right }
            },
        ),
    ];
    for (what, way) in ways {
        let server = Raw::object(Object::new(Vec::new()), way).await;
        let folder = Folder::new();
        let done = run(&client(), download(&server.url("/empty"), PART).to(folder.join("target")))
            .await
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!((done.total, std::fs::read(folder.join("target")).unwrap().len()), (0, 0), "{what}");
    }
}

async fn r5_refusals_end_it_at_once_with_status_code_and_request_id() {
    let statuses = [
        ("400 Bad Request", ServerFaultKind::Refused),
        ("401 Unauthorized", ServerFaultKind::Denied),
        ("403 Forbidden", ServerFaultKind::Denied),
        ("404 Not Found", ServerFaultKind::NotFound),
        ("409 Conflict", ServerFaultKind::Conflict),
        ("410 Gone", ServerFaultKind::NotFound),
        ("418 I'm a teapot", ServerFaultKind::Refused),
        ("451 Unavailable For Legal Reasons", ServerFaultKind::Refused),
        ("501 Not Implemented", ServerFaultKind::Refused),
        ("505 HTTP Version Not Supported", ServerFaultKind::Refused),
    ];
    for (status, kind) in statuses {
        for on_range in [false, true] {
            let server = Raw::object(Object::new(content(LEN, 1)), move |request, right| {
                let hit = if on_range { is_spoiled(request) } else { true };
                let refusal =
                    || Answer::with_body(status, "<Error><Code>NotToday</Code></Error>").set("x-request-id", "req-7");
                match (hit, request.is_head()) {
                    (true, true) => Answer { body: Vec::new(), ..refusal() },
                    (true, false) => refusal(),
                    (false, _) => right,
                }
            })
            .await;
            let folder = Folder::new();
            let target = folder.file("target", b"old");
            let (outcome, told, _) =
                run_told(&client(), download(&server.url("/object"), PART).parts(1.try_into().unwrap()).to(&target))
                    .await;
            let Err(Error::Server(fault)) = &outcome else { panic!("{status}: {outcome:?}") };
            assert_eq!(fault.kind, kind, "{status}: {fault}");
            assert_eq!(fault.status, status[..3].parse().ok(), "{status}: {fault}");
            if on_range {
                assert_eq!(fault.code.as_deref(), Some("NotToday"), "{status}: {fault}");
            }
            assert_eq!(fault.request_id.as_deref(), Some("req-7"), "{status}: {fault}");
            assert!(!told.iter().any(|kind| matches!(kind, EventKind::Retrying { .. })), "{status}: {told:?}");
            // HEAD may be refused where GET is not, so 401 to 501 of HEAD are asked again once by GET.
            let asked = server.log().iter().filter(|request| !on_range || is_spoiled(request)).count();
            assert!(asked <= 2, "{status}: asked {asked} times");
            assert_eq!(std::fs::read(&target).unwrap(), b"old", "{status}");
        }
    }
}

async fn what_is_no_http_at_all_is_a_network_fault_after_bounded_retries() {
    for garbage in
        ["", "SSH-2.0-OpenSSH_9\r\n", "HTTP/1.1 abc\r\n\r\n", "\0\0\0\0", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n"]
    {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let mut connections = 0;
            while let Ok((mut stream, _)) = listener.accept().await {
                connections += 1;
                let _ = stream.read(&mut [0; 1024]).await;
                let _ = stream.write_all(garbage.as_bytes()).await;
                if connections == 3 {
                    break;
                }
            }
            connections
        });
        let folder = Folder::new();
        let job = download(&format!("http://{addr}/x"), PART).retry(support::quick().with_retries(2));
        let error = run(&client(), job.to(folder.join("target"))).await.unwrap_err();
        let Error::Network(fault) = &error else { panic!("{garbage:?}: {error:?}") };
        assert!(!matches!(fault.kind, FaultKind::Stale), "{garbage:?}: {fault}");
        assert_eq!(server.await.unwrap(), 3, "{garbage:?}: the first try and two more");
        assert_eq!(folder.names(), Vec::<String>::new());
    }
}

support::adapters::on_every_adapter!(
    d2_a_wrong_answer_to_every_request_of_a_range_has_its_defined_end_and_leaves_the_target_alone,
    d2_an_object_that_seems_to_change_once_is_fetched_anew_and_never_mixed,
    d2_wrong_answers_to_the_first_request_never_become_a_file,
    d1_an_object_that_changes_between_two_requests_is_one_version_or_the_other,
    d3_shorter_ranges_are_continued_and_a_star_for_the_total_is_fine,
    d4_weak_or_missing_validators_still_download_and_never_splice,
    d6_where_head_is_refused_or_says_nothing_a_ranged_get_tells,
    p4_empty_objects_become_empty_files_whatever_the_server_says_to_a_range,
    r5_refusals_end_it_at_once_with_status_code_and_request_id,
    what_is_no_http_at_all_is_a_network_fault_after_bounded_retries,
);
