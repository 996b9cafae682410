//! A request that nothing good is there for is not sent: the application is asked first, whichever request it is.

use core::fmt::Debug;
use std::sync::Arc;

use crate::common::most;
use crate::hand::Hand;
use http::{Method, Request};
use longhaul_core::error::{BuildError, Error, Fault, FaultKind, Sent};
use longhaul_core::intent::{Answer, Body, Moved, Outcome};
use longhaul_core::provider::{Context, Head, Profile, Provider, Reply, Step, StepKind, Verdict};
use longhaul_core::{Config, Direction, Now, TaskId, Wall};
use longhaul_http::HttpDownload;
use longhaul_sim::provider::{Grant, StoreProvider};

const RANGED: [(&str, &str); 3] = [("content-length", "30000"), ("etag", "\"a\""), ("accept-ranges", "bytes")];

/// Has something good for some requests, or for a time.
struct Gated<P, F>(P, F);

impl<P: Debug, F> Debug for Gated<P, F> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

impl<P: Provider, F: Fn(StepKind, Wall) -> bool + Send + Sync> Provider for Gated<P, F> {
    fn authority(&self) -> &str {
        self.0.authority()
    }
    fn object(&self) -> &str {
        self.0.object()
    }
    fn profile(&self) -> Profile {
        self.0.profile()
    }
    fn build(&self, step: &Step, cx: &Context<'_>, now: Now) -> Result<Request<Body>, BuildError> {
        assert!(self.is_ready(step, now.wall), "nothing expired is sent");
        self.0.build(step, cx, now)
    }
    fn interpret(
        &self,
        step: &Step,
        cx: &Context<'_>,
        head: Head<'_>,
        body: &[u8],
        now: Now,
    ) -> Result<Reply, Verdict> {
        self.0.interpret(step, cx, head, body, now)
    }
    fn is_ready(&self, step: &Step, wall: Wall) -> bool {
        self.1(step.kind(), wall)
    }
}

/// One that has nothing good for `kind`.
fn download(kind: Option<StepKind>) -> Arc<dyn Provider> {
    gated_download(move |step, _| kind != Some(step))
}

fn gated_download(good: impl Fn(StepKind, Wall) -> bool + Send + Sync + 'static) -> Arc<dyn Provider> {
    Arc::new(Gated(HttpDownload::new("https://origin/a").expect("a URL").refreshable(true), good))
}

/// One that has nothing good for `kind`.
fn upload(kind: Option<StepKind>) -> Arc<dyn Provider> {
    Arc::new(Gated(StoreProvider::new("store", "key"), move |step, _: Wall| kind != Some(step)))
}

fn submit(hand: &mut Hand, provider: Arc<dyn Provider>, direction: Direction) -> TaskId {
    hand.submit_with(provider, direction, |spec| spec.parallel = most(1))
}

/// Nothing goes out; the one question is answered; the request goes out.
#[track_caller]
fn asks(hand: &mut Hand, fresh: Arc<dyn Provider>, method: &Method) -> longhaul_core::OpId {
    assert!(hand.requests().is_empty());
    assert_eq!(hand.asked.len(), 1, "one question");
    let question = hand.asked.remove(0);
    hand.engine.handle_answer(question, Answer::Provider(fresh), hand.now);
    let (op, request) = hand.request();
    assert_eq!(request.method(), method);
    op
}

#[test]
fn r6_a_download_asks_before_it_probes_and_before_it_fetches() {
    let mut hand = Hand::new(Config::default());
    submit(&mut hand, download(Some(StepKind::Probe)), Direction::Download);
    asks(&mut hand, download(None), &Method::HEAD);

    let mut hand = Hand::new(Config::default());
    submit(&mut hand, download(Some(StepKind::GetRange)), Direction::Download);
    let (op, _) = hand.request();
    hand.answer(op, 200, &RANGED, "");
    asks(&mut hand, download(None), &Method::GET);
}

#[test]
fn r6_an_upload_asks_before_it_commits_confirms_or_aborts() {
    for kind in [StepKind::Commit, StepKind::Confirm, StepKind::Abort] {
        let mut hand = Hand::new(Config::default());
        let task = submit(&mut hand, upload(Some(kind)), Direction::Upload);
        let (op, _) = hand.request();
        hand.answer(op, 200, &[], "session");
        let (part, _) = hand.request();
        if kind == StepKind::Abort {
            hand.engine.cancel(task, hand.now).expect("there");
            hand.pump();
            hand.engine.handle_done(part, Outcome::Cancelled { moved: Moved::default() }, hand.now);
            let abort = asks(&mut hand, upload(None), &Method::DELETE);
            hand.answer(abort, 204, &[], "");
            assert_eq!(hand.error(task), Some(Error::Cancelled));
            continue;
        }
        hand.answer(part, 200, &[("etag", "\"1\"")], "");
        for _ in 0..2 {
            let (part, _) = hand.request();
            hand.answer(part, 200, &[("etag", "\"t\"")], "");
        }
        if kind == StepKind::Commit {
            asks(&mut hand, upload(None), &Method::POST);
        } else {
            let (commit, _) = hand.request();
            let fault = Fault::new(FaultKind::Reset, Sent::Maybe, "");
            hand.engine.handle_done(commit, Outcome::Broken { moved: Moved::default(), fault }, hand.now);
            asks(&mut hand, upload(None), &Method::HEAD);
        }
    }
}

/// While it waits for a retry nothing has to be good; when it is due, it has.
#[test]
fn r6_what_waits_for_its_retry_is_not_asked_for_before_it_is_due() {
    let mut hand = Hand::new(Config::default());
    submit(&mut hand, download(None), Direction::Download);
    let (op, _) = hand.request();
    hand.answer(op, 503, &[("retry-after", "20")], "");
    hand.pump();
    assert!(hand.asked.is_empty());
    let before = hand.now.mono;
    let _ = hand.request();
    assert!(hand.now.mono.since(before) >= std::time::Duration::from_secs(20) && hand.asked.is_empty());
}

/// What is in flight was good when it was sent.
#[test]
fn r6_what_is_in_flight_asks_for_nothing() {
    let mut hand = Hand::new(Config::default());
    let grant = Grant { issued: Wall::from_unix(1_000_000), lifetime: Some(60) };
    let provider = Arc::new(StoreProvider::new("store", "key").granted(grant));
    submit(&mut hand, provider, Direction::Upload);
    let (op, _) = hand.request();
    hand.now.wall = Wall::from_unix(1_000_100);
    hand.engine.handle_progress(op, Moved { connected: true, ..Moved::default() }, hand.now);
    hand.pump();
    assert!(hand.asked.is_empty());
    hand.answer(op, 200, &[], "session");
    hand.pump();
    assert_eq!(hand.asked.len(), 1, "what is sent next needs a fresh one");
}

/// An answer that is as bad as what there was is final: it would be asked for ever.
#[test]
fn r6_an_answer_without_what_was_asked_for_is_final() {
    for kind in [StepKind::Probe, StepKind::GetRange] {
        let mut hand = Hand::new(Config::default());
        let task = submit(&mut hand, download(Some(kind)), Direction::Download);
        if kind == StepKind::GetRange {
            let (op, _) = hand.request();
            hand.answer(op, 200, &RANGED, "");
        }
        hand.pump();
        let question = hand.asked.pop().expect("asked");
        hand.engine.handle_answer(question, Answer::Provider(download(Some(kind))), hand.now);
        assert!(matches!(hand.error(task), Some(Error::Issuer(_))), "{kind:?}");
        assert!(hand.requests().is_empty() && hand.asked.is_empty());
    }
}

#[test]
fn r3_an_application_that_refuses_is_quoted_and_where_it_says_nothing_the_server_is() {
    for (words, quoted) in [("the bucket was sold", "the bucket was sold"), ("", "old key")] {
        let mut hand = Hand::new(Config::default());
        let task = submit(&mut hand, upload(None), Direction::Upload);
        let (op, _) = hand.request();
        hand.answer(op, 403, &[], "old key");
        hand.pump();
        let question = hand.asked.pop().expect("asked");
        hand.engine.handle_answer(question, Answer::Refused(words.into()), hand.now);
        let error = hand.error(task);
        assert!(matches!(&error, Some(Error::Issuer(fault)) if fault.detail == quoted), "{error:?}");
    }
}

/// Rights that end after five minutes, and one range that takes an hour: they are renewed as often as it needs.
#[test]
fn r3_a_request_that_takes_long_outlives_many_rights() {
    let fresh = |until: i64| gated_download(move |_, wall| wall.as_unix() < until);
    let mut hand = Hand::new(Config::default());
    let start = hand.now.wall.as_unix();
    let task = submit(&mut hand, fresh(start + 300), Direction::Download);
    let (op, _) = hand.request();
    hand.answer(op, 200, &RANGED, "");
    let (op, _) = hand.request();
    let _ =
        hand.head(op, 206, &[("content-length", "10000"), ("etag", "\"a\""), ("content-range", "bytes 0-9999/30000")]);
    let mut moved = Moved { connected: true, ..Moved::default() };
    for seconds in (10..=3_600).step_by(10) {
        let wall = start + seconds;
        hand.now =
            Now::new(longhaul_core::Time::from_micros(1_000_000 * (1 + seconds.unsigned_abs())), Wall::from_unix(wall));
        moved.written += 1;
        hand.engine.handle_progress(op, moved, hand.now);
        hand.engine.handle_timeout(hand.now);
        hand.pump();
        for question in core::mem::take(&mut hand.asked) {
            hand.engine.handle_answer(question, Answer::Provider(fresh(wall + 300)), hand.now);
        }
        hand.pump();
        assert!(
            hand.engine.end(task).is_none() && hand.cancelled.is_empty(),
            "after {seconds} s: {:?}",
            hand.error(task)
        );
    }
}
