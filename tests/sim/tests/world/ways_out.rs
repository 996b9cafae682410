//! How uploads end: what was refused, what may have been done, what is given up, what is left for a later run.

use std::sync::Arc;

use crate::common::most;
use crate::hand::Hand;
use http::{Method, Request};
use longhaul_core::error::{Error, Fault, FaultKind, Sent, ServerFaultKind};
use longhaul_core::event::{End, EventKind};
use longhaul_core::intent::{Body, Moved, Outcome};
use longhaul_core::{Config, Direction, OpId, TaskId};
use longhaul_sim::provider::StoreProvider;

/// An upload of three parts to a store.
pub(crate) fn upload(hand: &mut Hand, journal: bool) -> TaskId {
    let provider = Arc::new(StoreProvider::new("store", "key"));
    hand.submit_with(provider, Direction::Upload, |spec| {
        (spec.journal, spec.parallel) = (journal, most(1));
    })
}

/// An upload whose parts are all there; its commit.
pub(crate) fn committing(hand: &mut Hand, journal: bool) -> (TaskId, OpId) {
    let task = upload(hand, journal);
    let (op, _) = hand.request();
    hand.answer(op, 200, &[], "session");
    for _ in 0..3 {
        let (op, request) = hand.request();
        assert_eq!(request.method(), Method::PUT);
        hand.answer(op, 200, &[("etag", "\"t\"")], "");
    }
    (task, expect(hand, &Method::POST))
}

#[track_caller]
pub(crate) fn expect(hand: &mut Hand, method: &Method) -> OpId {
    let (op, request) = hand.request();
    assert_eq!(request.method(), method, "{}", request.uri());
    op
}

pub(crate) fn broken(hand: &mut Hand, op: OpId, sent: Sent) {
    broken_by(hand, op, FaultKind::Reset, sent);
}

fn broken_by(hand: &mut Hand, op: OpId, kind: FaultKind, sent: Sent) {
    let moved = Moved { connected: true, sent: u64::MAX >> 1, ..Moved::default() };
    let fault = Fault::new(kind, sent, "");
    hand.engine.handle_done(op, Outcome::Broken { moved, fault }, hand.now);
}

pub(crate) fn stopped(hand: &mut Hand, parts: Vec<(OpId, TaskId, Request<Body>)>) {
    for (op, ..) in parts {
        hand.engine.handle_done(op, Outcome::Cancelled { moved: Moved::default() }, hand.now);
    }
}

pub(crate) fn orphans(hand: &mut Hand) -> usize {
    hand.pump();
    hand.events.iter().filter(|(_, kind)| matches!(kind, EventKind::MaybeOrphan { .. })).count()
}

fn failure(hand: &mut Hand, task: TaskId) -> Option<ServerFaultKind> {
    match hand.error(task) {
        Some(Error::Server(fault)) => Some(fault.kind),
        _ => None,
    }
}

/// Nobody could find the session again; as the object is not there, it can be given up.
#[test]
fn u10_a_commit_refused_at_the_first_try_is_known_not_to_be_one() {
    let mut hand = Hand::new(Config::default());
    let (task, commit) = committing(&mut hand, false);
    hand.answer(commit, 400, &[], "");
    let abort = expect(&mut hand, &Method::DELETE);
    hand.answer(abort, 204, &[], "");
    assert_eq!((failure(&mut hand, task), orphans(&mut hand)), (Some(ServerFaultKind::Refused), 0));

    let mut hand = Hand::new(Config::default());
    let (task, commit) = committing(&mut hand, true);
    hand.answer(commit, 400, &[], "");
    assert!(hand.requests().is_empty(), "a later run has the record of it");
    assert_eq!((failure(&mut hand, task), orphans(&mut hand)), (Some(ServerFaultKind::Refused), 0));
}

/// The first try may have taken effect after all: its session is not given up beside it, and the application is told.
#[test]
fn u10_a_commit_refused_at_a_later_try_may_have_been_one() {
    let mut hand = Hand::new(Config::default());
    let (task, commit) = committing(&mut hand, false);
    hand.answer(commit, 503, &[], "");
    let again = expect(&mut hand, &Method::POST);
    hand.answer(again, 400, &[], "");
    assert!(hand.requests().is_empty(), "no abort");
    assert_eq!((failure(&mut hand, task), orphans(&mut hand)), (Some(ServerFaultKind::Refused), 1));
}

/// What stands in the way may be what an earlier try made: the store is asked whose it is.
#[test]
fn u6_a_conflict_after_an_earlier_try_is_asked_about_and_at_once_it_is_final() {
    for (earlier, own) in [(false, false), (true, true), (true, false)] {
        let mut hand = Hand::new(Config::default());
        let (task, mut commit) = committing(&mut hand, true);
        if earlier {
            hand.answer(commit, 503, &[], "");
            commit = expect(&mut hand, &Method::POST);
        }
        hand.answer(commit, 412, &[], "");
        if earlier {
            let confirm = expect(&mut hand, &Method::HEAD);
            hand.answer(confirm, 200, &[("x-session", if own { "session" } else { "another" }), ("etag", "\"o\"")], "");
        }
        assert!(hand.requests().is_empty());
        let completed = matches!(hand.engine.end(task), Some(End::Completed(_)));
        assert_eq!((completed, failure(&mut hand, task)), (own, (!own).then_some(ServerFaultKind::Conflict)));
    }
}

/// A commit that broke before it was sent is sent again; one that may have arrived is asked about first.
#[test]
fn u6_only_a_commit_that_may_have_arrived_is_asked_about() {
    for (sent, next) in [(Sent::No, Method::POST), (Sent::Maybe, Method::HEAD)] {
        let mut hand = Hand::new(Config::default());
        let (task, commit) = committing(&mut hand, true);
        broken(&mut hand, commit, sent);
        let op = expect(&mut hand, &next);
        if next == Method::HEAD {
            hand.answer(op, 404, &[], "");
            let commit = expect(&mut hand, &Method::POST);
            hand.answer(commit, 200, &[], "committed \"all\"");
        } else {
            hand.answer(op, 200, &[], "committed \"all\"");
        }
        hand.pump();
        assert!(matches!(hand.engine.end(task), Some(End::Completed(_))), "{sent:?}");
    }
}

/// The answer that told the session's name is lost: there may be one that nobody knows.
#[test]
fn u10_an_opening_that_may_have_arrived_is_told_of_as_a_possible_orphan() {
    for kind in [FaultKind::Reset, FaultKind::Stale] {
        for (sent, told) in [(Sent::No, 0), (Sent::Maybe, 1)] {
            let mut hand = Hand::new(Config::default());
            upload(&mut hand, true);
            let (op, _) = hand.request();
            broken_by(&mut hand, op, kind, sent);
            assert_eq!(orphans(&mut hand), told, "{kind:?} {sent:?}");
        }
    }
    let mut hand = Hand::new(Config::default());
    upload(&mut hand, true);
    let (op, _) = hand.request();
    hand.answer(op, 200, &[], "");
    assert_eq!(orphans(&mut hand), 1, "a success without a name");
}

/// A runtime that goes stops what it carries; the engine is not told by whom. That is no reason to forget what may have been done.
#[test]
fn u6_u10_what_somebody_else_stopped_may_have_had_effect() {
    let mut hand = Hand::new(Config::default());
    upload(&mut hand, true);
    let (op, _) = hand.request();
    stopped_by_another(&mut hand, op);
    assert_eq!(orphans(&mut hand), 1);
    expect(&mut hand, &Method::POST);

    let mut hand = Hand::new(Config::default());
    let (_, commit) = committing(&mut hand, true);
    stopped_by_another(&mut hand, commit);
    expect(&mut hand, &Method::HEAD);
}

/// A runtime that stops everything at once is not asked without end.
#[test]
fn r7_what_is_stopped_again_and_again_ends_within_its_budget() {
    let mut hand = Hand::new(Config::default());
    let task = hand.get("http://origin/object");
    let mut tries = 0;
    while hand.error(task).is_none() && tries < 100 {
        let (op, _) = hand.request();
        stopped_by_another(&mut hand, op);
        tries += 1;
    }
    assert_eq!(tries, 1 + longhaul_core::retry::RetryPolicy::default().retries);
}

fn stopped_by_another(hand: &mut Hand, op: OpId) {
    hand.engine.handle_done(op, Outcome::Cancelled { moved: Moved::default() }, hand.now);
}

/// The same, when the upload was cancelled while it was being opened.
#[test]
fn u10_an_opening_answered_after_the_cancel_is_given_up_or_told_of() {
    type Late = fn(&mut Hand, OpId);
    let cases: [(Late, bool, usize); 5] = [
        (|hand, op| hand.answer(op, 200, &[], "late"), true, 0),
        (|hand, op| hand.answer(op, 200, &[], ""), false, 1),
        (|hand, op| hand.answer(op, 400, &[], ""), false, 0),
        (|hand, op| broken(hand, op, Sent::No), false, 0),
        (|hand, op| broken(hand, op, Sent::Maybe), false, 1),
    ];
    for (at, (late, aborted, told)) in cases.into_iter().enumerate() {
        let mut hand = Hand::new(Config::default());
        let task = upload(&mut hand, true);
        let (op, _) = hand.request();
        hand.engine.cancel(task, hand.now).expect("there");
        assert!(hand.requests().is_empty() && hand.cancelled.is_empty(), "its answer must not be lost");
        late(&mut hand, op);
        if aborted {
            let (abort, request) = hand.request();
            assert_eq!((request.method(), request.uri().query()), (&Method::DELETE, Some("session=late")));
            hand.answer(abort, 204, &[], "");
        }
        assert!(hand.requests().is_empty(), "{at}");
        assert_eq!((orphans(&mut hand), hand.error(task)), (told, Some(Error::Cancelled)), "{at}");
    }
}

#[test]
fn c9_closing_waits_for_no_abort() {
    // Its abort is under way.
    let mut hand = Hand::new(Config::default());
    let (task, commit) = committing(&mut hand, true);
    hand.answer(commit, 503, &[], "");
    hand.pump();
    hand.engine.cancel(task, hand.now).expect("there");
    // Whether the first try took effect is not known yet.
    let commit = expect(&mut hand, &Method::POST);
    hand.engine.shutdown(hand.now);
    hand.pump();
    hand.engine.handle_done(commit, Outcome::Cancelled { moved: Moved::default() }, hand.now);
    assert!(hand.requests().is_empty(), "no abort");
    assert!(hand.engine.end(task).is_some() && hand.engine.is_drained());

    let mut hand = Hand::new(Config::default());
    let task = upload(&mut hand, true);
    let (op, _) = hand.request();
    hand.answer(op, 200, &[], "session");
    let parts = hand.requests();
    hand.engine.cancel(task, hand.now).expect("there");
    stopped(&mut hand, parts);
    let abort = expect(&mut hand, &Method::DELETE);
    hand.engine.shutdown(hand.now);
    hand.pump();
    assert_eq!(hand.cancelled.last(), Some(&abort));
    let told = |(_, kind): &(TaskId, EventKind)| matches!(kind, EventKind::AbortFailed { reason: Error::Closed, .. });
    assert_eq!(hand.events.iter().filter(|event| told(event)).count(), 1);
    assert!(!hand.engine.is_drained(), "it is still to be answered");
    hand.engine.handle_done(abort, Outcome::Cancelled { moved: Moved::default() }, hand.now);
    hand.pump();
    assert!(hand.engine.end(task).is_some() && hand.engine.is_drained());
}

/// Cancelled and closed at once: there is no time for the abort, and the record of the session stays for a later run.
#[test]
fn c9_a_cancel_that_has_not_come_to_its_abort_is_left_to_a_later_run() {
    let mut hand = Hand::new(Config::default());
    let task = upload(&mut hand, true);
    let (op, _) = hand.request();
    hand.answer(op, 200, &[], "session");
    let parts = hand.requests();
    hand.engine.cancel(task, hand.now).expect("there");
    hand.engine.shutdown(hand.now);
    stopped(&mut hand, parts);
    assert!(hand.requests().is_empty(), "no abort");
    assert_eq!(hand.error(task), Some(Error::Closed));
    assert!(!hand.dropped, "the record stays");
    assert_eq!(orphans(&mut hand), 0);
}

/// Without a record nobody finds the session again: the application is told.
#[test]
fn c9_closing_an_upload_without_a_record_tells_of_its_session() {
    for (journal, told) in [(true, 0), (false, 1)] {
        let mut hand = Hand::new(Config::default());
        let task = upload(&mut hand, journal);
        let (op, _) = hand.request();
        hand.answer(op, 200, &[], "session");
        let parts = hand.requests();
        hand.engine.shutdown(hand.now);
        stopped(&mut hand, parts);
        assert_eq!((orphans(&mut hand), hand.error(task)), (told, Some(Error::Closed)));
    }
}

/// What was waiting or paused is closed as well, and what is closed takes no more commands.
#[test]
fn c9_closing_ends_what_has_not_begun() {
    let mut config = Config::default();
    config.limits.uploads = 1;
    let mut hand = Hand::new(config);
    upload(&mut hand, true);
    let provider = Arc::new(StoreProvider::new("store", "other"));
    let waiting = hand.submit_with(provider, Direction::Upload, |_| ());
    assert_eq!(hand.requests().len(), 1);
    hand.engine.shutdown(hand.now);
    assert_eq!(hand.error(waiting), Some(Error::Closed));
    assert!(!hand.engine.is_drained());
}

#[test]
fn r7_a_session_gone_at_every_commit_ends_within_its_budget() {
    let mut hand = Hand::new(Config::default());
    let (task, mut commit) = committing(&mut hand, true);
    let mut restarts = 0;
    while hand.error(task).is_none() && restarts < 20 {
        hand.answer(commit, 404, &[], "");
        let confirm = expect(&mut hand, &Method::HEAD);
        hand.answer(confirm, 404, &[], "");
        hand.pump();
        if hand.error(task).is_some() {
            break;
        }
        restarts += 1;
        let (open, _) = hand.request();
        hand.answer(open, 200, &[], "session");
        for _ in 0..3 {
            let (op, _) = hand.request();
            hand.answer(op, 200, &[("etag", "\"t\"")], "");
        }
        commit = expect(&mut hand, &Method::POST);
    }
    assert_eq!(restarts, longhaul_core::retry::RetryPolicy::default().restarts);
}
