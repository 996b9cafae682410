//! What may have been done on the server: asked about, told of, never interrupted.

use std::sync::Arc;

use crate::common::most;
use crate::hand::Hand;
use crate::ways_out::{broken, committing, expect, orphans, stopped, upload};
use http::Method;
use longhaul_core::error::{Error, Fault, FaultKind, FileFaultKind, Sent};
use longhaul_core::event::End;
use longhaul_core::intent::{Answer, Fingerprint, Moved, Outcome};
use longhaul_core::retry::RetryPolicy;
use longhaul_core::{Config, Direction, OpId, TaskId};
use longhaul_http::HttpUpload;
use longhaul_sim::provider::StoreProvider;

/// An upload whose session is open; its first part.
pub(crate) fn part_of(hand: &mut Hand) -> (TaskId, OpId) {
    let task = upload(hand, true);
    let (op, _) = hand.request();
    hand.answer(op, 200, &[], "session");
    (task, expect(hand, &Method::PUT))
}

#[test]
fn u6_a_conflict_after_a_commit_without_effect_is_asked_about() {
    let mut hand = Hand::new(Config::default());
    let (task, commit) = committing(&mut hand, true);
    broken(&mut hand, commit, Sent::Maybe);
    let confirm = expect(&mut hand, &Method::HEAD);
    hand.answer(confirm, 404, &[], "");
    let commit = expect(&mut hand, &Method::POST);
    hand.answer(commit, 412, &[], "");
    let confirm = expect(&mut hand, &Method::HEAD);
    hand.answer(confirm, 200, &[("x-session", "session"), ("etag", "\"o\"")], "");
    hand.pump();
    assert!(matches!(hand.engine.end(task), Some(End::Completed(_))), "{:?}", hand.engine.end(task));
}

#[test]
fn u10_only_an_opening_that_may_have_left_something_is_told_of() {
    // Refused for the moment.
    let mut hand = Hand::new(Config::default());
    upload(&mut hand, true);
    let (op, _) = hand.request();
    hand.answer(op, 503, &[], "");
    assert_eq!(orphans(&mut hand), 0);
    // What breaks is no opening.
    let mut hand = Hand::new(Config::default());
    let (_, commit) = committing(&mut hand, true);
    broken(&mut hand, commit, Sent::Maybe);
    let confirm = expect(&mut hand, &Method::HEAD);
    broken(&mut hand, confirm, Sent::Maybe);
    assert_eq!(orphans(&mut hand), 0);
    // What is opened leaves nothing behind.
    for cancelled in [false, true] {
        let mut hand = Hand::new(Config::default());
        let provider = Arc::new(HttpUpload::new("https://form/up", "a").expect("a URL"));
        let task = hand.submit(provider, Direction::Upload);
        let (op, _) = hand.request();
        if cancelled {
            hand.engine.cancel(task, hand.now).expect("there");
        }
        broken(&mut hand, op, Sent::Maybe);
        assert_eq!(orphans(&mut hand), 0, "{cancelled}");
    }
}

#[test]
fn r7_a_commit_without_effect_is_repeated_as_often_as_the_policy_says() {
    let mut hand = Hand::new(Config::default());
    let (task, mut commit) = committing(&mut hand, true);
    let mut commits = 1;
    loop {
        broken(&mut hand, commit, Sent::Maybe);
        let confirm = expect(&mut hand, &Method::HEAD);
        hand.answer(confirm, 404, &[], "");
        if hand.error(task).is_some() {
            break;
        }
        commits += 1;
        assert!(commits < 100, "without end");
        commit = expect(&mut hand, &Method::POST);
    }
    assert_eq!(commits, RetryPolicy::default().retries + 1);
}

#[test]
fn c5_neither_pause_nor_cancel_interrupts_a_commit_or_its_confirmation() {
    for cancel in [false, true] {
        for confirming in [false, true] {
            let mut hand = Hand::new(Config::default());
            let (task, commit) = committing(&mut hand, true);
            if confirming {
                broken(&mut hand, commit, Sent::Maybe);
                expect(&mut hand, &Method::HEAD);
            }
            if cancel {
                hand.engine.cancel(task, hand.now).expect("there");
            } else {
                hand.engine.pause(task, hand.now).expect("there");
            }
            hand.pump();
            assert!(hand.cancelled.is_empty(), "{cancel} {confirming}");
        }
    }
}

#[test]
fn r3_an_abort_refused_for_its_credentials_asks_for_fresh_ones() {
    let mut hand = Hand::new(Config::default());
    let task = upload(&mut hand, true);
    let (op, _) = hand.request();
    hand.answer(op, 200, &[], "session");
    let parts = hand.requests();
    hand.engine.cancel(task, hand.now).expect("there");
    stopped(&mut hand, parts);
    let abort = expect(&mut hand, &Method::DELETE);
    hand.answer(abort, 403, &[], "");
    hand.pump();
    let op = hand.asked.pop().expect("it is asked for");
    hand.engine.handle_answer(op, Answer::Provider(Arc::new(StoreProvider::new("store", "key"))), hand.now);
    let abort = expect(&mut hand, &Method::DELETE);
    hand.answer(abort, 204, &[], "");
    assert_eq!(hand.error(task), Some(Error::Cancelled));
}

#[test]
fn u1_a_source_rewritten_to_the_same_length_is_not_committed() {
    let mut hand = Hand::new(Config::default());
    let print = |modified| Some(Fingerprint { len: 30_000, modified, changed: 1, file: 1 });
    hand.fingerprint = print(1);
    let (task, part) = part_of(&mut hand);
    hand.answer(part, 200, &[("etag", "\"t\"")], "");
    let part = expect(&mut hand, &Method::PUT);
    hand.answer(part, 200, &[("etag", "\"t\"")], "");
    let part = expect(&mut hand, &Method::PUT);
    hand.fingerprint = print(2);
    hand.answer(part, 200, &[("etag", "\"t\"")], "");
    assert!(hand.requests().is_empty(), "no commit");
    let error = hand.error(task);
    assert!(matches!(&error, Some(Error::Disk(fault)) if fault.kind == FileFaultKind::Changed), "{error:?}");
}

#[test]
fn r5_a_success_that_breaks_before_its_words_is_no_answer_yet() {
    let mut hand = Hand::new(Config::default());
    let (task, part) = part_of(&mut hand);
    let _ = hand.head(part, 200, &[]);
    broken(&mut hand, part, Sent::Maybe);
    assert_eq!(hand.error(task), None);
    expect(&mut hand, &Method::PUT);
}

#[test]
fn c5_a_cancel_whose_commit_fails_is_a_cancel_all_the_same() {
    let mut hand = Hand::new(Config::default());
    let (task, commit) = committing(&mut hand, true);
    hand.engine.cancel(task, hand.now).expect("there");
    hand.pump();
    hand.answer(commit, 400, &[], "");
    let abort = expect(&mut hand, &Method::DELETE);
    hand.answer(abort, 204, &[], "");
    // All that is left is local: closing changes nothing about it.
    hand.engine.shutdown(hand.now);
    assert_eq!(hand.error(task), Some(Error::Cancelled));
    assert!(hand.dropped, "nothing is left to go on with");
}

#[test]
fn u8_what_fails_beside_a_lost_session_does_not_end_the_upload() {
    let mut hand = Hand::new(Config::default());
    let provider = Arc::new(StoreProvider::new("store", "key"));
    hand.submit_with(provider, Direction::Upload, |spec| spec.parallel = most(2));
    let (op, _) = hand.request();
    hand.answer(op, 200, &[], "session");
    let parts = hand.requests();
    assert_eq!(parts.len(), 2);
    hand.answer(parts[0].0, 404, &[], "");
    let fault = Fault::new(FaultKind::Tls, Sent::No, "");
    hand.engine.handle_done(parts[1].0, Outcome::Broken { moved: Moved::default(), fault }, hand.now);
    assert_eq!(hand.request().1.uri().query(), Some("open"));
}
