//! The first answers of a download: what they are held against, and what follows when they end early.

use std::sync::Arc;

use crate::common::most;
use crate::hand::Hand;
use crate::windowed::RANGED;
use http::{Method, Request};
use longhaul_core::error::{Fault, FaultKind, Sent};
use longhaul_core::event::{EventKind, Restart};
use longhaul_core::intent::{Body, Disposition, Moved, Outcome};
use longhaul_core::layout::PartSize;
use longhaul_core::spec::{Probing, Spec};
use longhaul_core::{Config, Direction, OpId, TaskId};
use longhaul_http::HttpDownload;

fn get(hand: &mut Hand, wish: impl FnOnce(&mut Spec)) -> TaskId {
    let provider = Arc::new(HttpDownload::new("https://origin/a").expect("a URL"));
    hand.submit_with(provider, Direction::Download, |spec| {
        spec.parallel = most(1);
        wish(spec);
    })
}

fn ends(hand: &mut Hand, op: OpId, written: u64) {
    let moved = Moved { connected: true, written, ..Moved::default() };
    hand.engine.handle_done(op, Outcome::Complete { moved, body: bytes::Bytes::new() }, hand.now);
}

fn restarts(hand: &mut Hand, right: impl Fn(&Restart) -> bool) -> usize {
    hand.pump();
    hand.events.iter().filter(|(_, kind)| matches!(kind, EventKind::Restarted(why) if right(why))).count()
}

fn range(request: &Request<Body>) -> Option<&str> {
    request.headers().get("range").map(|range| range.to_str().expect("printable"))
}

#[test]
fn d1_a_declared_size_spares_the_probe_and_is_held_against_the_first_answer() {
    let part: &[(&str, &str)] =
        &[("content-range", "bytes 0-9999/30000"), ("content-length", "10000"), ("etag", "\"a\"")];
    let whole: &[(&str, &str)] = &[("content-length", "30000"), ("etag", "\"a\"")];
    for (declared, accepted) in [(30_000, true), (20_000, false)] {
        for (status, fields) in [(206, part), (200, whole)] {
            let mut hand = Hand::new(Config::default());
            get(&mut hand, |spec| spec.declared_size = Some(declared));
            let (op, request) = hand.request();
            assert_eq!((request.method(), range(&request)), (&Method::GET, Some("bytes=0-9999")));
            let told = hand.head(op, status, fields);
            assert_eq!(matches!(told, Disposition::WriteAt { .. }), accepted, "{declared} {status} {told:?}");
        }
    }
}

#[test]
fn d3_a_whole_answer_beside_other_ranges_is_not_taken() {
    let mut hand = Hand::new(Config::default());
    get(&mut hand, |spec| spec.parallel = most(2));
    let (probe, _) = hand.request();
    hand.answer(probe, 200, &RANGED, "");
    let requests = hand.requests();
    assert_eq!(requests.len(), 2);
    let told = hand.head(requests[0].0, 200, &[("content-length", "30000"), ("etag", "\"a\"")]);
    assert!(matches!(told, Disposition::Close), "{told:?}");
}

#[test]
fn d4_a_single_answer_that_breaks_is_dropped_and_told_of_if_something_came() {
    let mut hand = Hand::new(Config::default());
    let task = get(&mut hand, |_| ());
    let (probe, _) = hand.request();
    hand.answer(probe, 200, &[("content-length", "30000")], "");
    for (written, told, resent) in [(0, 0, 0), (5_000, 1, 5_000), (0, 1, 5_000)] {
        let (op, request) = hand.request();
        assert_eq!(range(&request), None);
        let _ = hand.head(op, 200, &[("content-length", "30000")]);
        let moved = Moved { connected: true, written, ..Moved::default() };
        let fault = Fault::new(FaultKind::Reset, Sent::Maybe, "");
        hand.engine.handle_done(op, Outcome::Broken { moved, fault }, hand.now);
        assert_eq!(restarts(&mut hand, |why| *why == Restart::Unpinned), told);
        let progress = hand.engine.progress(task).expect("there");
        assert_eq!((progress.acknowledged, progress.resent), (0, resent));
    }
}

#[test]
fn d5_a_range_cut_short_twice_by_as_much_is_asked_on() {
    let mut hand = Hand::new(Config::default());
    get(&mut hand, |spec| spec.part_size = PartSize::Bytes(30_000));
    let (probe, _) = hand.request();
    hand.answer(probe, 200, &RANGED, "");
    for (len, told) in [("30000", "bytes 0-29999/30000"), ("26000", "bytes 4000-29999/30000")] {
        let (op, _) = hand.request();
        let _ = hand.head(op, 206, &[("content-range", told), ("content-length", len), ("etag", "\"a\"")]);
        ends(&mut hand, op, 4_000);
    }
    assert_eq!(range(&hand.request().1), Some("bytes=8000-29999"));
    assert_eq!(restarts(&mut hand, |_| true), 0);
}

/// Nothing but the probe tells how long it is: the first early end may be an accident.
#[test]
fn d2_an_answer_of_unknown_length_that_ends_early_twice_at_the_same_byte_is_another_object() {
    let mut hand = Hand::new(Config::default());
    get(&mut hand, |_| ());
    let (probe, _) = hand.request();
    hand.answer(probe, 200, &[("content-length", "30000")], "");
    for changed in [0, 1] {
        let (op, _) = hand.request();
        let _ = hand.head(op, 200, &[]);
        ends(&mut hand, op, 20_000);
        assert_eq!(restarts(&mut hand, |why| matches!(why, Restart::Changed(_))), changed);
    }
}

#[test]
fn d1_what_fails_beside_a_start_over_does_not_end_the_download() {
    let mut hand = Hand::new(Config::default());
    get(&mut hand, |spec| spec.parallel = most(2));
    let (probe, _) = hand.request();
    hand.answer(probe, 200, &RANGED, "");
    let requests = hand.requests();
    assert_eq!(requests.len(), 2);
    let other = [("content-range", "bytes 0-9999/30000"), ("content-length", "10000"), ("etag", "\"b\"")];
    assert!(matches!(hand.head(requests[0].0, 206, &other), Disposition::Close));
    hand.engine.handle_done(requests[0].0, Outcome::Cancelled { moved: Moved::default() }, hand.now);
    let fault = Fault::new(FaultKind::Tls, Sent::No, "");
    hand.engine.handle_done(requests[1].0, Outcome::Broken { moved: Moved::default(), fault }, hand.now);
    assert_eq!(hand.request().1.method(), Method::HEAD);
}

/// All of it in one answer to a range, of which nothing says the version: what is cut off of it may be another version's by now.
#[test]
fn d4_the_rest_of_a_range_that_nothing_pins_is_not_asked_for_alone() {
    let mut hand = Hand::new(Config::default());
    get(&mut hand, |spec| (spec.probing, spec.part_size) = (Probing::FirstRange, PartSize::Bytes(30_000)));
    let (op, request) = hand.request();
    assert_eq!(range(&request), Some("bytes=0-29999"));
    let _ = hand.head(op, 206, &[("content-range", "bytes 0-29999/30000"), ("content-length", "30000")]);
    let moved = Moved { connected: true, written: 5_000, ..Moved::default() };
    let fault = Fault::new(FaultKind::Reset, Sent::Maybe, "");
    hand.engine.handle_done(op, Outcome::Broken { moved, fault }, hand.now);
    assert_eq!(range(&hand.request().1), None);
    assert_eq!(restarts(&mut hand, |why| *why == Restart::Unpinned), 1);
}
