//! Exchanges that break: at every byte (truncation, reset), by status (D5), by silence (R1), by a connection that dies between
//! two requests (R4).
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use futures::StreamExt;
use longhaul::core::error::{Deadline, FaultKind};
use longhaul::core::spec::Probing;
use longhaul::{Deadlines, Error, EventKind, Restart};
use support::raw::{Answer, Object, Raw, Request, Then};
use support::{Folder, client, content, download, impatient, quick, run, run_told};

/// Bytes of a slow answer.
const SLOW: usize = 150;

/// Small enough that every byte has its turn.
const LEN: usize = 48;

/// Which answer is broken.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Which {
    Head,
    FirstRange,
    SecondRange,
}

impl Which {
    fn number(self) -> usize {
        match self {
            Self::Head => 0,
            Self::FirstRange => 1,
            Self::SecondRange => 2,
        }
    }
}

/// One download whose answer `which` ends after `at` bytes.
async fn broken_at(which: Which, at: usize, then: Then) -> Result<(), String> {
    let good = content(LEN, 1);
    let server = Raw::object(Object::new(good.clone()), move |request, right| {
        if request.number == which.number() { right.cut(at, then) } else { right }
    })
    .await;
    let folder = Folder::new();
    let target = folder.join("target");
    let job = download(&server.url("/object"), 24).parts(1.try_into().unwrap()).deadlines(impatient());
    let (outcome, told, transfer) = run_told(&client(), job.to(&target)).await;
    let check = |holds: bool, what: &str| if holds { Ok(()) } else { Err(format!("{what}: {outcome:?} {told:?}")) };
    check(outcome.is_ok(), "not completed")?;
    check(std::fs::read(&target).ok().as_deref() == Some(&good[..]), "another content")?;
    check(folder.names() == ["target"], "something is left behind")?;
    let progress = transfer.progress();
    check(progress.resent == 0, "a byte that had arrived came again")?;
    check(progress.moved == LEN as u64 && progress.acknowledged == LEN as u64, "miscounted")?;
    check(server.requests() <= 5, "more requests than needed")
}

async fn every_byte(which: Which, then: Then) {
    let whole = {
        let object = Object::new(content(LEN, 1));
        let mut request = sample_request(if which == Which::Head { "HEAD" } else { "GET" });
        if which != Which::Head {
            request.headers.push(("Range".into(), "bytes=0-23".into()));
        }
        object.answer(&request).bytes().len()
    };
    let failed: Vec<String> = futures::stream::iter(0..whole)
        .map(|at| async move { broken_at(which, at, then).await.map_err(|why| format!("at byte {at}: {why}")) })
        .buffer_unordered(16)
        .filter_map(|outcome| async { outcome.err() })
        .collect()
        .await;
    assert!(failed.is_empty(), "{which:?} {then:?}: {} of {whole}, e.g. {}", failed.len(), failed[0]);
}

fn sample_request(method: &str) -> Request {
    Request {
        method: method.into(),
        target: "/object".into(),
        headers: Vec::new(),
        body: Vec::new(),
        number: 0,
        connection: 0,
        on_connection: 0,
        at: Instant::now(),
    }
}

async fn d5_an_answer_that_ends_at_any_byte_is_continued_there() {
    for which in [Which::Head, Which::FirstRange, Which::SecondRange] {
        every_byte(which, Then::Fin).await;
    }
}

async fn d5_a_connection_that_is_reset_at_any_byte_is_replaced() {
    for which in [Which::Head, Which::FirstRange, Which::SecondRange] {
        every_byte(which, Then::Reset).await;
    }
}

async fn d5_a_whole_answer_without_a_length_that_ends_early_is_never_taken_for_the_object() {
    // Its size is known from HEAD alone; the connection's end is the body's end.
    for at in [0, 1, LEN / 2, LEN - 1] {
        let good = content(LEN, 1);
        let server = Raw::object(Object::new(good.clone()).validators(None, None), move |request, right| {
            if request.is_head() {
                return right;
            }
            let endless = right.without("Content-Length").set("Connection", "close");
            if request.number == 1 { endless.cut_body(at, Then::Fin) } else { endless.cut_body(LEN, Then::Fin) }
        })
        .await;
        let folder = Folder::new();
        let (outcome, told, _) =
            run_told(&client(), download(&server.url("/object"), 24).to(folder.join("target"))).await;
        assert!(outcome.is_ok(), "at {at}: {outcome:?}");
        assert_eq!(std::fs::read(folder.join("target")).unwrap(), good, "at {at}");
        let started_over = told.iter().any(|kind| matches!(kind, EventKind::Restarted(Restart::Unpinned)));
        assert_eq!(started_over, at > 0, "at {at}: {told:?}");
    }
}

async fn r1_silence_at_any_place_is_noticed_within_its_deadline_and_what_came_is_kept() {
    let good = content(LEN, 1);
    let head = {
        let mut request = sample_request("GET");
        request.headers.push(("Range".into(), "bytes=0-47".into()));
        Object::new(good.clone()).answer(&request).head().len()
    };
    // Bytes of the answer, the deadline that notices.
    let places = [
        (0, Deadline::FirstByte),
        (1, Deadline::FirstByte),
        (head - 1, Deadline::FirstByte),
        (head, Deadline::Idle),
        (head + 1, Deadline::Idle),
        (head + LEN / 2, Deadline::Idle),
        (head + LEN - 1, Deadline::Idle),
    ];
    let each = places.map(|(at, deadline)| {
        let good = good.clone();
        async move {
            let server = Raw::object(Object::new(good.clone()), move |request, right| {
                if request.number == 1 { right.cut(at, Then::Silence) } else { right }
            })
            .await;
            let folder = Folder::new();
            let job = download(&server.url("/object"), 1 << 20).deadlines(impatient()).to(folder.join("target"));
            let begun = Instant::now();
            let (outcome, told, transfer) = run_told(&client(), job).await;
            assert!(outcome.is_ok(), "{at}: {outcome:?}");
            assert_eq!(std::fs::read(folder.join("target")).unwrap(), good, "{at}");
            let reasons: Vec<_> = told
                .iter()
                .filter_map(|kind| match kind {
                    EventKind::Retrying { reason: Error::Network(fault), .. } => Some(fault.kind),
                    _ => None,
                })
                .collect();
            assert_eq!(reasons, [FaultKind::Timeout(deadline)], "{at}: {told:?}");
            assert!(begun.elapsed() >= Duration::from_millis(400), "{at}: sooner than the deadline");
            assert_eq!(transfer.progress().resent, 0, "{at}");
            let again = server.log().last().unwrap().range().unwrap();
            assert_eq!(again.0, at.saturating_sub(head).min(LEN), "{at}: goes on where it was");
        }
    });
    futures::future::join_all(each).await;
}

async fn r1_a_silent_probe_and_a_silent_server_end_in_a_network_fault_that_names_the_deadline() {
    let server = Raw::object(Object::new(content(LEN, 1)), |_, right| right.cut(0, Then::Silence)).await;
    let folder = Folder::new();
    let job = download(&server.url("/object"), 24).deadlines(impatient()).retry(quick().with_retries(2));
    let error = run(&client(), job.to(folder.join("target"))).await.unwrap_err();
    let Error::Network(fault) = &error else { panic!("{error:?}") };
    assert_eq!(fault.kind, FaultKind::Timeout(Deadline::FirstByte));
    assert!(error.may_succeed_later());
    assert_eq!(server.requests(), 3, "the first try and two more");
}

async fn r1_a_slow_but_steady_answer_is_no_silence() {
    // Every byte far within the idle time, also on a busy machine; all of them far beyond it.

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let good = content(SLOW, 1);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    let sent = good.clone();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await.unwrap();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {SLOW}\r\nETag: \"a\"\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        for byte in sent {
            tokio::time::sleep(Duration::from_millis(40)).await;
            stream.write_all(&[byte]).await.unwrap();
        }
        let _ = stream.read(&mut [0; 1]).await.unwrap();
    });
    let patience = Some(Duration::from_secs(2));
    let deadlines = Deadlines::default().with_idle(patience).with_first_byte(patience);
    let folder = Folder::new();
    let job = download(&format!("http://{addr}/x"), 1 << 20).deadlines(deadlines).probing(Probing::FirstRange);
    let (outcome, told, _) = run_told(&client(), job.to(folder.join("target"))).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    assert!(!told.iter().any(|kind| matches!(kind, EventKind::Retrying { .. })), "{told:?}");
    assert_eq!(std::fs::read(folder.join("target")).unwrap(), good);
}

/// A download whose second range meets `refusal` once, or its bytes break off.
async fn after(refusal: impl Fn() -> Answer + Send + Sync + 'static) -> (Duration, usize) {
    let good = content(3000, 1);
    let met = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&met);
    let server = Raw::object(Object::new(good.clone()), move |request, right| {
        let hit = request.range().is_some_and(|(start, _)| start == 1000);
        if hit && counted.fetch_add(1, Ordering::SeqCst) == 0 { refusal() } else { right }
    })
    .await;
    let folder = Folder::new();
    let job = download(&server.url("/object"), 1000).parts(1.try_into().unwrap()).to(folder.join("target"));
    let (outcome, told, transfer) = run_told(&client(), job).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_eq!(std::fs::read(folder.join("target")).unwrap(), good);
    assert_eq!(transfer.progress().moved, 3000, "nothing is fetched twice");
    assert!(!told.iter().any(|kind| matches!(kind, EventKind::Restarted(_))), "{told:?}");
    let times: Vec<_> = server
        .log()
        .into_iter()
        .filter(|request| request.range().is_some_and(|(start, _)| start == 1000))
        .map(|request| request.at)
        .collect();
    (times[1] - times[0], met.load(Ordering::SeqCst))
}

async fn d5_statuses_of_the_moment_on_a_range_are_retried() {
    for status in ["408 X", "425 X", "429 X", "500 X", "502 X", "503 X", "504 X", "529 X", "599 X"] {
        let (_, asked) = after(move || Answer::with_body(status, "later")).await;
        assert_eq!(asked, 2, "{status}");
    }
}

async fn d5_r2_retry_after_is_honoured_in_seconds_and_as_a_date() {
    let date = |ahead: u64| {
        // The last whole second counts from where the clock stands in it.
        let at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() + ahead;
        http_date(at)
    };
    let seconds = after(|| Answer::with_body("503 X", "").set("Retry-After", "1"));
    let dated = after(move || Answer::with_body("429 X", "").set("Retry-After", &date(3)));
    let past = after(|| Answer::with_body("503 X", "").set("Retry-After", "Wed, 01 Jan 2020 00:00:00 GMT"));
    let nonsense = after(|| Answer::with_body("503 X", "").set("Retry-After", "soon"));
    let ((seconds, _), (dated, _), (past, _), (nonsense, _)) =
        futures::future::join4(seconds, dated, past, nonsense).await;
    assert!(seconds >= Duration::from_secs(1), "{seconds:?}");
    assert!(dated >= Duration::from_secs(2), "{dated:?}");
    assert!(past < Duration::from_secs(1) && nonsense < Duration::from_secs(1), "{past:?} {nonsense:?}");
}

/// An IMF-fixdate; days are counted as in Howard Hinnant's `civil_from_days`.
fn http_date(unix: u64) -> String {
    let (days, rest) = (i64::try_from(unix / 86400).unwrap(), unix % 86400);
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let week = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][usize::try_from(days % 7).unwrap()];
    let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let name = names[usize::try_from(month - 1).unwrap()];
    format!("{week}, {day:02} {name} {year} {:02}:{:02}:{:02} GMT", rest / 3600, rest / 60 % 60, rest % 60)
}

async fn r4_connections_that_die_between_requests_are_replaced_at_once_and_not_counted() {
    // Each connection answers once, in full, without a word about closing, and closes.
    let good = content(20_000, 1);
    let server = Raw::object(Object::new(good.clone()), |_, right| {
        let all = right.bytes().len();
        right.cut(all, Then::Fin)
    })
    .await;
    let folder = Folder::new();
    // Without a single retry allowed.
    let job = download(&server.url("/object"), 1000).retry(quick().with_retries(0)).parts(1.try_into().unwrap());
    let (outcome, told, _) = run_told(&client(), job.to(folder.join("target"))).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    assert!(!told.iter().any(|kind| matches!(kind, EventKind::Retrying { .. })), "{told:?}");
    assert_eq!(std::fs::read(folder.join("target")).unwrap(), good);
}

async fn r4_a_connection_reset_just_as_the_next_request_is_written_is_not_counted() {
    // The second request on every connection is read and answered with a reset: the client's view of losing the race.
    let good = content(6000, 1);
    let server = Raw::object(Object::new(good.clone()), |request, right| {
        if request.on_connection == 1 { right.cut(0, Then::Reset) } else { right }
    })
    .await;
    let folder = Folder::new();
    let job = download(&server.url("/object"), 1000).retry(quick().with_retries(0)).parts(1.try_into().unwrap());
    let (outcome, told, transfer) = run_told(&client(), job.to(folder.join("target"))).await;
    assert!(outcome.is_ok(), "{outcome:?} {told:?}");
    assert!(!told.iter().any(|kind| matches!(kind, EventKind::Retrying { .. })), "{told:?}");
    assert_eq!(std::fs::read(folder.join("target")).unwrap(), good);
    assert_eq!(transfer.progress().resent, 0);
}

async fn d5_a_server_that_never_answers_well_ends_after_bounded_tries_and_a_later_run_goes_on() {
    // One range beyond the good ones: two of them would be tried in turn.
    let good = content(3000, 1);
    let dead = Arc::new(AtomicUsize::new(1));
    let state = Arc::clone(&dead);
    let server = Raw::object(Object::new(good.clone()), move |request, right| match request.range() {
        Some((start, _)) if start >= 2000 && state.load(Ordering::SeqCst) == 1 => right.cut_body(0, Then::Reset),
        _ => right,
    })
    .await;
    let folder = Folder::new();
    let job = || {
        let download = download(&server.url("/object"), 1000).retry(quick().with_retries(3));
        download.parts(1.try_into().unwrap()).to(folder.join("target"))
    };
    let (outcome, told, _) = run_told(&client(), job()).await;
    assert!(matches!(outcome, Err(Error::Network(_))), "{outcome:?}");
    let retries = told.iter().filter(|kind| matches!(kind, EventKind::Retrying { .. })).count();
    assert_eq!(retries, 3, "{told:?}");
    let asked = server.log().iter().filter(|request| request.range() == Some((2000, 3000))).count();
    assert_eq!(asked, 4, "the first try and three more: {outcome:?} {told:?}");
    assert!(!folder.join("target").exists());

    dead.store(0, Ordering::SeqCst);
    let (outcome, _, transfer) = run_told(&client(), job()).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_eq!(std::fs::read(folder.join("target")).unwrap(), good);
    // What was not recorded is fetched again.
    let unread = support::adapters::current() == Some(support::adapters::Adapter::Unread);
    let kept = if unread { (0, 3000) } else { (2000, 1000) };
    assert_eq!((transfer.progress().reused, transfer.progress().moved), kept);
}

support::adapters::on_every_adapter!(
    d5_an_answer_that_ends_at_any_byte_is_continued_there,
    d5_a_connection_that_is_reset_at_any_byte_is_replaced,
    d5_a_whole_answer_without_a_length_that_ends_early_is_never_taken_for_the_object,
    r1_silence_at_any_place_is_noticed_within_its_deadline_and_what_came_is_kept,
    r1_a_silent_probe_and_a_silent_server_end_in_a_network_fault_that_names_the_deadline,
    r1_a_slow_but_steady_answer_is_no_silence,
    d5_statuses_of_the_moment_on_a_range_are_retried,
    d5_r2_retry_after_is_honoured_in_seconds_and_as_a_date,
    r4_connections_that_die_between_requests_are_replaced_at_once_and_not_counted,
    r4_a_connection_reset_just_as_the_next_request_is_written_is_not_counted,
    d5_a_server_that_never_answers_well_ends_after_bounded_tries_and_a_later_run_goes_on,
);
