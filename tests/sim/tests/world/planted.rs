//! What planted bugs showed to be untested (see `tests/mutants`): mostly the engine alone, answered by hand.

use std::sync::Arc;

use crate::common::*;
use crate::hand::Hand;
use http::{HeaderValue, Request};
use longhaul_core::error::{BuildError, Error, ServerFault, ServerFaultKind};
use longhaul_core::event::EventKind;
use longhaul_core::intent::{Answer, Body, Disposition, FileReply};
use longhaul_core::layout::PartSize;
use longhaul_core::provider::{Context, Head, Profile, Provider, Reply, Step, Verdict};
use longhaul_core::spec::{Limits, Start};
use longhaul_core::{Config, Direction, Now, TaskId, Wall};
use longhaul_http::HttpDownload;
use longhaul_sim::Style;
use longhaul_sim::provider::StoreProvider;

#[test]
fn i1_an_answer_of_another_kind_is_stale_and_changes_nothing() {
    let mut hand = Hand::new(Config::default());
    let task = hand.get("https://origin/a");
    let (op, _) = hand.request();
    hand.engine.handle_file(op, Ok(FileReply::Done), hand.now);
    hand.engine.handle_journal(op, Ok(()), hand.now);
    hand.engine.handle_recalled(op, Ok(None), hand.now);
    hand.engine.handle_answer(op, Answer::Refused(String::new()), hand.now);
    let snapshot = hand.engine.snapshot();
    assert_eq!((snapshot.stale_answers, snapshot.requests), (4, 1));
    hand.answer(op, 404, &[], "");
    assert_eq!(hand.engine.snapshot().stale_answers, 4);
    assert!(matches!(hand.error(task), Some(Error::Server(fault)) if fault.kind == ServerFaultKind::NotFound));
}

#[test]
fn i1_the_head_of_an_answer_nobody_waits_for_is_counted_and_closed() {
    let mut hand = Hand::new(Config::default());
    hand.get("https://origin/a");
    let (op, _) = hand.request();
    hand.answer(op, 404, &[], "");
    assert_eq!(hand.head(op, 200, &[]), Disposition::Close);
    assert_eq!(hand.engine.snapshot().stale_answers, 1);
}

#[test]
fn s1_places_go_to_those_who_wait_longest() {
    let mut config = Config::default();
    config.limits.downloads = 1;
    let mut hand = Hand::new(config);
    let tasks: Vec<TaskId> =
        ["a", "b", "c", "d"].iter().map(|name| hand.get(&format!("https://origin/{name}"))).collect();
    let mut order = Vec::new();
    for _ in &tasks {
        let requests = hand.requests();
        let [(op, task, _)] = requests.as_slice() else {
            panic!("{} at once", requests.len());
        };
        order.push(*task);
        hand.answer(*op, 404, &[], "");
    }
    assert_eq!(order, tasks);
}

#[test]
fn s2_at_a_full_server_nobody_starves() {
    let mut world = world();
    let mut limits = Limits::default();
    limits.per_authority = 1;
    world.set_limits(limits);
    world.weather.rate = (1 << 20, 1 << 20);
    let jobs: Vec<usize> = (0..5)
        .map(|_| {
            let job = download(&mut world, 4 << 30, Style::GOOD);
            world.jobs[job].part_size = PartSize::Bytes(256 << 10);
            world.jobs[job].journal = false;
            world.submit(job, Start::Now);
            job
        })
        .collect();
    world.run_for(120_000_000);
    sound(&world);
    let all: u64 = jobs.iter().map(|&job| world.jobs[job].received).sum();
    for job in jobs {
        let share = world.jobs[job].received * 1_000 / all;
        assert!((180..=220).contains(&share), "{share} ‰");
    }
}

/// Sixteen transfers to a server that at first is trusted with eight requests at once, and then says that it is too much.
#[test]
fn r2_a_server_that_is_overloaded_gets_half_as_much_from_all_transfers_together() {
    let mut config = Config::default();
    config.limits.downloads = 16;
    let mut hand = Hand::new(config);
    for number in 0..16 {
        hand.get(&format!("https://origin/{number}"));
    }
    let requests = hand.requests();
    assert_eq!(requests.len(), 8, "the controller's first target");
    let (last, others) = requests.split_last().expect("eight");
    hand.answer(last.0, 503, &[("retry-after", "100")], "");
    for (op, ..) in others {
        assert_eq!(hand.requests().len(), 0, "four and more are in flight");
        if hand.engine.snapshot().requests == 4 {
            break;
        }
        hand.answer(*op, 404, &[], "");
    }
    assert_eq!(hand.engine.snapshot().requests, 4);
    hand.answer(others[3].0, 404, &[], "");
    assert_eq!((hand.requests().len(), hand.engine.snapshot().requests), (1, 4));
}

#[test]
fn u3_a_success_told_before_the_whole_part_was_sent_is_none() {
    let mut hand = Hand::new(Config::default());
    let task = hand.submit(Arc::new(StoreProvider::new("store", "a")), Direction::Upload);
    let (op, _) = hand.request();
    hand.answer(op, 200, &[], "session");
    let parts = hand.requests();
    let (op, _, request) = parts.first().expect("a part");
    hand.answer_after(request.body().len() - 1, *op, 200, &[("etag", "\"a\"")], "");
    hand.pump();
    let retried = |(_, kind): &(TaskId, EventKind)| matches!(kind, EventKind::Retrying { .. });
    assert!(hand.events.iter().any(retried), "{:?}", hand.events);
    assert_eq!(hand.engine.progress(task).map(|progress| progress.acknowledged), Some(0));
}

#[test]
fn r3_a_fresh_url_must_be_for_the_same_object() {
    let mut hand = Hand::new(Config::default());
    let task = hand.get("https://origin/a?key=1");
    let (op, _) = hand.request();
    hand.answer(op, 401, &[], "");
    assert!(hand.requests().is_empty());
    let question = hand.asked.pop().expect("a fresh URL is asked for");
    let other = HttpDownload::new("https://origin/b?key=2").expect("a URL");
    hand.engine.handle_answer(question, Answer::Provider(Arc::new(other)), hand.now);
    assert!(matches!(hand.error(task), Some(Error::Issuer(_))));
}

#[test]
fn r3_a_fresh_url_is_the_one_that_is_used() {
    let mut hand = Hand::new(Config::default());
    hand.get("https://origin/a?key=1");
    let (op, request) = hand.request();
    assert_eq!(request.uri().query(), Some("key=1"));
    hand.answer(op, 401, &[], "");
    assert!(hand.requests().is_empty());
    let question = hand.asked.pop().expect("a fresh URL is asked for");
    let fresh = HttpDownload::new("https://origin/a?key=2").expect("a URL");
    hand.engine.handle_answer(question, Answer::Provider(Arc::new(fresh)), hand.now);
    assert_eq!(hand.request().1.uri().query(), Some("key=2"));
}

/// Three parts are refused, two of them after the fresh URL came: they were sent with the old one.
#[test]
fn r3_what_was_sent_before_the_fresh_url_came_is_no_second_refusal() {
    let mut hand = Hand::new(Config::default());
    let task = hand.get("https://origin/a?key=1");
    let (op, _) = hand.request();
    hand.answer(op, 200, &[("content-length", "30000"), ("accept-ranges", "bytes"), ("etag", "\"v1\"")], "");
    let parts = hand.requests();
    assert_eq!(parts.len(), 3);
    hand.answer(parts[0].0, 403, &[], "");
    assert!(hand.requests().is_empty());
    let question = hand.asked.pop().expect("a fresh URL is asked for");
    let fresh = HttpDownload::new("https://origin/a?key=2").expect("a URL").refreshable(true);
    hand.engine.handle_answer(question, Answer::Provider(Arc::new(fresh)), hand.now);
    for (op, ..) in &parts[1..] {
        hand.answer(*op, 403, &[], "");
    }
    let again = hand.requests();
    assert_eq!((again.len(), hand.asked.len(), hand.error(task)), (3, 0, None));
    assert!(again.iter().all(|(_, _, request)| request.uri().query() == Some("key=2")));
}

/// Signs with the time it is told, and is refused where that is not the server's.
#[derive(Debug)]
struct Signed(HttpDownload);

/// What the server's clock is ahead of ours, in seconds.
const AHEAD: i64 = 4_000;

impl Provider for Signed {
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
        let mut request = self.0.build(step, cx, now)?;
        request.headers_mut().insert("x-time", HeaderValue::from(now.wall.as_unix() + cx.skew));
        Ok(request)
    }
    fn interpret(&self, step: &Step, _: &Context<'_>, head: Head<'_>, _: &[u8], now: Now) -> Result<Reply, Verdict> {
        let status = Some(head.status.as_u16());
        let fault = ServerFault::new(ServerFaultKind::Denied, step.kind(), status, "the clock is wrong");
        Err(Verdict::Skew { server: Wall::from_unix(now.wall.as_unix() + AHEAD), fault })
    }
}

#[test]
fn r3_the_servers_clock_is_learned_once_and_exactly() {
    let mut hand = Hand::new(Config::default());
    let provider = Signed(HttpDownload::new("https://origin/a").expect("a URL"));
    let task = hand.submit(Arc::new(provider), Direction::Download);
    let mut times = Vec::new();
    while hand.error(task).is_none() && times.len() < 10 {
        let (op, request) = hand.request();
        times.push(request.headers()["x-time"].to_str().expect("digits").to_owned());
        hand.answer(op, 403, &[], "");
    }
    assert_eq!(times, ["1000000", "1004000"], "and the second refusal is final");
}

#[test]
fn redirects_are_followed_as_often_as_the_policy_says() {
    let config = Config::default();
    let mut hand = Hand::new(config);
    let task = hand.get("https://origin/a");
    let mut followed = 0;
    while hand.error(task).is_none() && followed < 100 {
        let (op, _) = hand.request();
        followed += 1;
        hand.answer(op, 302, &[("location", "https://origin/round")], "");
    }
    assert_eq!(followed, config.redirects.most + 1);
    assert!(matches!(hand.error(task), Some(Error::Server(fault)) if fault.kind == ServerFaultKind::Redirected));
}

#[test]
fn redirects_never_lead_into_the_clear_unless_the_policy_allows_it() {
    for way in [&["http://mirror/a"][..], &["https://mirror/a", "http://mirror/a"]] {
        for allowed in [false, true] {
            let mut config = Config::default();
            config.redirects.downgrade = allowed;
            let mut hand = Hand::new(config);
            let task = hand.get("https://origin/a");
            for location in way {
                let (op, request) = hand.request();
                assert_eq!(request.uri().scheme_str(), Some("https"));
                hand.answer(op, 302, &[("location", location)], "");
            }
            if allowed {
                assert_eq!(hand.request().1.uri().scheme_str(), Some("http"));
            } else {
                let refused = hand.error(task);
                assert!(matches!(refused, Some(Error::Server(fault)) if fault.kind == ServerFaultKind::Redirected));
            }
        }
    }
}

/// `If-Match` is an offer: a server that overlooks it shows by its tag what it sends.
#[test]
fn d1_a_part_of_another_version_is_not_written_although_the_server_sends_it() {
    let mut hand = Hand::new(Config::default());
    hand.get("https://origin/a");
    let (op, _) = hand.request();
    hand.answer(op, 200, &[("content-length", "30000"), ("accept-ranges", "bytes"), ("etag", "\"v1\"")], "");
    let parts = hand.requests();
    assert_eq!(parts.len(), 3);
    let fields = |tag| [("content-length", "10000"), ("content-range", "bytes 0-9999/30000"), ("etag", tag)];
    assert!(matches!(
        hand.head(parts[0].0, 206, &fields("\"v1\"")),
        Disposition::WriteAt { offset: 0, len: 10_000, .. }
    ));
    let fields = [("content-length", "10000"), ("content-range", "bytes 10000-19999/30000"), ("etag", "\"v2\"")];
    assert_eq!(hand.head(parts[1].0, 206, &fields), Disposition::Close);
}
