//! What an earlier run recorded is read when the transfer begins: not before, and not while it is paused.

use std::sync::Arc;

use crate::common::most;
use crate::hand::Hand;
use http::Method;
use longhaul_core::error::{Error, FileFault, FileFaultKind};
use longhaul_core::event::{End, EventKind};
use longhaul_core::intent::{Fingerprint, JournalOp};
use longhaul_core::layout::PartSize;
use longhaul_core::{Config, Direction, TaskId};
use longhaul_sim::provider::StoreProvider;

fn upload(hand: &mut Hand) -> TaskId {
    let provider = Arc::new(StoreProvider::new("store", "key"));
    hand.submit_with(provider, Direction::Upload, |spec| {
        (spec.recall, spec.journal, spec.parallel) = (true, true, most(1));
    })
}

/// A source that nobody touches.
fn hand() -> Hand {
    let mut hand = Hand::new(Config::default());
    hand.fingerprint = Some(Fingerprint { len: 30_000, modified: 1, changed: 1, file: 1 });
    hand
}

/// The record of an upload with its first part there.
fn record() -> bytes::Bytes {
    let mut hand = hand();
    let task = upload(&mut hand);
    hand.pump();
    hand.recalled(Ok(None));
    let (op, _) = hand.request();
    hand.answer(op, 200, &[], "session");
    let (op, _) = hand.request();
    hand.answer(op, 200, &[("etag", "\"1\"")], "");
    hand.engine.checkpoint(task).expect("at work").encode()
}

#[test]
fn u4_what_was_recorded_is_gone_on_with() {
    let mut hand = hand();
    let task = upload(&mut hand);
    assert!(hand.requests().is_empty(), "nothing is done before it is known what there is");
    hand.recalled(Ok(Some(record())));
    let (list, request) = hand.request();
    assert_eq!((request.method(), request.uri().query()), (&Method::GET, Some("session=session&after=0")));
    hand.answer(list, 200, &[], "1 0 10000 \"1\"\n");
    let (_, request) = hand.request();
    assert!(request.uri().query().is_some_and(|query| query.contains("part=2")), "{}", request.uri());
    let progress = hand.engine.progress(task).expect("there");
    assert_eq!((progress.reused, progress.acknowledged), (10_000, 10_000));
}

/// The store was still committing when it was asked the first time; the session is gone because of that.
#[test]
fn u6_a_commit_that_takes_effect_after_it_was_asked_about_is_found() {
    for own in [true, false] {
        let (mut before, mut hand) = (hand(), hand());
        let task = upload(&mut before);
        before.pump();
        before.recalled(Ok(None));
        let (op, _) = before.request();
        before.answer(op, 200, &[], "session");
        for _ in 0..3 {
            let (op, _) = before.request();
            before.answer(op, 200, &[("etag", "\"t\"")], "");
        }
        assert_eq!(before.request().1.method(), Method::POST, "the commit");
        let record = before.engine.checkpoint(task).expect("at work").encode();

        let task = upload(&mut hand);
        hand.pump();
        hand.recalled(Ok(Some(record)));
        for (method, status) in [(Method::HEAD, 404), (Method::GET, 404)] {
            let (op, request) = hand.request();
            assert_eq!(request.method(), &method);
            hand.answer(op, status, &[], "");
        }
        let (op, request) = hand.request();
        assert_eq!(request.method(), &Method::HEAD, "asked once more");
        if own {
            hand.answer(op, 200, &[("x-session", "session"), ("etag", "\"o\"")], "");
            hand.pump();
            assert!(matches!(hand.engine.end(task), Some(End::Completed(_))), "{:?}", hand.engine.end(task));
        } else {
            hand.answer(op, 404, &[], "");
            assert_eq!(hand.request().1.uri().query(), Some("open"), "all of it goes up again");
        }
    }
}

#[test]
fn c1_nothing_is_read_while_it_is_paused() {
    let mut hand = hand();
    let task = upload(&mut hand);
    hand.engine.pause(task, hand.now).expect("there");
    hand.pump();
    assert!(hand.recalls.is_empty());
    hand.engine.resume(task, hand.now).expect("there");
    hand.pump();
    assert_eq!(hand.recalls.len(), 1);
    // Paused while it is being read.
    hand.engine.pause(task, hand.now).expect("there");
    hand.recalled(Ok(None));
    assert!(hand.requests().is_empty());
    hand.engine.resume(task, hand.now).expect("there");
    assert_eq!(hand.request().1.method(), Method::POST);
}

#[test]
fn d9_a_record_that_cannot_be_read_is_told_of_and_the_upload_begins_anew() {
    let fault = FileFault::new(FileFaultKind::Io, "");
    for (reply, unusable) in [(Err(fault), false), (Ok(Some(bytes::Bytes::from_static(b"what"))), true)] {
        let mut hand = hand();
        upload(&mut hand);
        hand.pump();
        hand.recalled(reply);
        let (_, request) = hand.request();
        assert_eq!((request.method(), request.uri().query()), (&Method::POST, Some("open")));
        let told = hand.events.iter().any(|(_, kind)| match kind {
            EventKind::CheckpointUnusable(_) => unusable,
            EventKind::CheckpointFailed(Error::Disk(_)) => !unusable,
            _ => false,
        });
        assert!(told, "{:?}", hand.events);
    }
}

/// The session that an earlier run left is given up although this run had not begun.
#[test]
fn c5_a_cancel_before_the_record_is_read_still_gives_up_what_it_names() {
    for asked in [false, true] {
        let mut hand = hand();
        let task = upload(&mut hand);
        if asked {
            hand.pump();
        }
        hand.engine.cancel(task, hand.now).expect("there");
        hand.pump();
        hand.recalled(Ok(Some(record())));
        let (abort, request) = hand.request();
        assert_eq!((request.method(), request.uri().query()), (&Method::DELETE, Some("session=session")));
        hand.answer(abort, 204, &[], "");
        assert_eq!(hand.error(task), Some(Error::Cancelled), "{asked}");
        assert!(hand.dropped, "and so is its record");
    }
}

#[test]
fn u7_an_upload_goes_on_with_the_parts_it_was_cut_into() {
    let mut hand = hand();
    let provider = Arc::new(StoreProvider::new("store", "key"));
    hand.submit_with(provider, Direction::Upload, |spec| {
        (spec.recall, spec.journal, spec.parallel) = (true, true, most(1));
        spec.part_size = PartSize::Bytes(7_000);
    });
    hand.pump();
    hand.recalled(Ok(Some(record())));
    let (list, _) = hand.request();
    hand.answer(list, 200, &[], "1 0 10000 \"1\"\n");
    let (_, request) = hand.request();
    assert_eq!(request.uri().query(), Some("session=session&part=2&at=10000"));
    assert_eq!(request.body().len(), 10_000);
}

/// A record put together of two: it tells of parts, and not of the session they are in (world 455442).
#[test]
fn u7_parts_without_the_name_of_their_session_are_in_none_that_is_opened_now() {
    let mut config = Config::default();
    config.interval.bytes = 1;
    let mut former = Hand::new(config);
    former.fingerprint = hand().fingerprint;
    upload(&mut former);
    former.pump();
    former.recalled(Ok(None));
    let (op, _) = former.request();
    former.answer(op, 200, &[], "session");
    let (op, _) = former.request();
    former.answer(op, 200, &[("etag", "\"1\"")], "");
    former.pump();
    let frames = |op: &JournalOp| match op {
        JournalOp::Replace(frames) | JournalOp::Append(frames) => frames.clone(),
        _ => bytes::Bytes::new(),
    };
    let [opening, .., part] = former.journal.as_slice() else { panic!("{:?}", former.journal) };
    let record = [frames(opening), frames(part)].concat();
    let read = longhaul_core::Checkpoint::decode(&record).expect("a record");
    assert_eq!((read.session(), read.stored()), (None, 10_000));

    let mut hand = hand();
    let task = upload(&mut hand);
    hand.pump();
    hand.recalled(Ok(Some(record.into())));
    let (op, request) = hand.request();
    assert_eq!((request.method(), request.uri().query()), (&Method::POST, Some("open")));
    hand.answer(op, 200, &[], "another");
    let (_, request) = hand.request();
    assert_eq!(request.uri().query(), Some("session=another&part=1&at=0"));
    let progress = hand.engine.progress(task).expect("there");
    assert_eq!((progress.reused, progress.acknowledged), (0, 0));
    let orphans = hand.events.iter().filter(|(_, kind)| matches!(kind, EventKind::MaybeOrphan { .. })).count();
    assert_eq!(orphans, 1, "the session that it does not name");
}

/// The session that a former run may have opened is not gone on with, and the source goes up whole now (world 844117).
#[test]
fn u10_an_opening_in_doubt_is_told_of_also_where_nothing_is_opened_any_more() {
    let mut former = hand();
    upload(&mut former);
    former.pump();
    former.recalled(Ok(None));
    former.request();
    let Some(JournalOp::Replace(record)) = former.journal.last().cloned() else { panic!("{:?}", former.journal) };

    let mut hand = hand();
    hand.fingerprint = Some(Fingerprint { len: 0, modified: 2, changed: 2, file: 1 });
    let task = upload(&mut hand);
    hand.pump();
    hand.recalled(Ok(Some(record)));
    let (op, request) = hand.request();
    assert_eq!((request.method(), request.uri().query()), (&Method::PUT, None));
    hand.answer(op, 200, &[("etag", "\"o\"")], "");
    hand.pump();
    assert!(hand.engine.end(task).is_some(), "and nothing is left to tell of it later");
    let orphans = hand.events.iter().filter(|(_, kind)| matches!(kind, EventKind::MaybeOrphan { .. })).count();
    assert_eq!(orphans, 1);
}
