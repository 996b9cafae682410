//! What pauses, cancels and ends ask of the disk, and what they say.

use std::sync::Arc;

use crate::common::most;
use crate::hand::Hand;
use crate::in_doubt::part_of;
use crate::windowed::{RANGED, comes};
use http::Method;
use longhaul_core::error::Error;
use longhaul_core::event::{Completed, End, EventKind, State};
use longhaul_core::intent::{FileOp, Moved, Outcome};
use longhaul_core::layout::PartSize;
use longhaul_core::spec::Spec;
use longhaul_core::{Config, Direction, Phase, TaskId};
use longhaul_http::{HttpDownload, HttpPut};

/// A download whose size is known, one range at a time.
fn get(hand: &mut Hand, wish: impl FnOnce(&mut Spec)) -> TaskId {
    let provider = Arc::new(HttpDownload::new("https://origin/a").expect("a URL"));
    let task = hand.submit_with(provider, Direction::Download, |spec| {
        spec.parallel = most(1);
        wish(spec);
    });
    let (probe, _) = hand.request();
    hand.answer(probe, 200, &RANGED, "");
    task
}

fn completed(hand: &mut Hand, task: TaskId) -> Completed {
    hand.pump();
    let Some(End::Completed(completed)) = hand.engine.end(task) else {
        unreachable!("{:?}", hand.engine.end(task));
    };
    completed.clone()
}

#[test]
fn c5_a_cancelled_download_is_removed_or_synced_and_kept_as_the_caller_chose() {
    for keep in [false, true] {
        let mut hand = Hand::new(Config::default());
        let task = get(&mut hand, |spec| (spec.keep_on_cancel, spec.journal) = (keep, true));
        let (op, _) = hand.request();
        comes(&mut hand, op, 0, 10_000);
        let (op, _) = hand.request();
        hand.engine.cancel(task, hand.now).expect("there");
        hand.engine.handle_done(op, Outcome::Cancelled { moved: Moved::default() }, hand.now);
        assert_eq!(hand.error(task), Some(Error::Cancelled));
        let asked = [FileOp::Sync, FileOp::Release, FileOp::Remove].map(|op| hand.files.contains(&op));
        assert_eq!((asked, hand.dropped), ([keep, keep, !keep], !keep));
    }
}

#[test]
fn c5_a_cancelled_upload_lets_go_of_its_source_and_removes_nothing() {
    let mut hand = Hand::new(Config::default());
    let (task, part) = part_of(&mut hand);
    hand.engine.cancel(task, hand.now).expect("there");
    hand.engine.handle_done(part, Outcome::Cancelled { moved: Moved::default() }, hand.now);
    let (abort, request) = hand.request();
    assert_eq!(request.method(), Method::DELETE);
    hand.answer(abort, 204, &[], "");
    assert_eq!(hand.error(task), Some(Error::Cancelled));
    assert_eq!(hand.files.last(), Some(&FileOp::Release));
    assert!(!hand.files.contains(&FileOp::Remove));
}

#[test]
fn c12_an_upload_in_one_request_is_acknowledged_as_a_whole_and_its_source_released() {
    let mut hand = Hand::new(Config::default());
    let task = hand.submit(Arc::new(HttpPut::new("https://origin/a").expect("a URL")), Direction::Upload);
    let (op, _) = hand.request();
    hand.answer(op, 200, &[], "");
    assert!(!completed(&mut hand, task).unchanged);
    let progress = hand.engine.progress(task).expect("there");
    assert_eq!((progress.total, progress.acknowledged), (Some(30_000), 30_000));
    assert_eq!(hand.files.last(), Some(&FileOp::Release));
}

#[test]
fn c12_a_download_tells_once_that_it_moves_and_leaves_nothing_to_release() {
    let mut hand = Hand::new(Config::default());
    let task = get(&mut hand, |_| ());
    for from in [0, 10_000, 20_000] {
        let (op, _) = hand.request();
        comes(&mut hand, op, from, from + 10_000);
    }
    assert!(!completed(&mut hand, task).unchanged);
    assert!(matches!(hand.files.last(), Some(FileOp::Publish { .. })), "{:?}", hand.files);
    let moving: Vec<_> = hand.events.iter().filter(|(_, kind)| matches!(kind, EventKind::Moving { .. })).collect();
    assert_eq!(moving, [&(task, EventKind::Moving { total: Some(30_000), reused: 0 })]);
}

#[test]
fn c2_the_last_range_may_land_while_it_pauses() {
    let mut hand = Hand::new(Config::default());
    let task = get(&mut hand, |spec| spec.part_size = PartSize::Bytes(30_000));
    let (op, _) = hand.request();
    let fields = [("content-range", "bytes 0-29999/30000"), ("content-length", "30000"), ("etag", "\"a\"")];
    let _ = hand.head(op, 206, &fields);
    hand.engine.pause(task, hand.now).expect("there");
    let moved = Moved { connected: true, written: 30_000, ..Moved::default() };
    hand.engine.handle_done(op, Outcome::Complete { moved, body: bytes::Bytes::new() }, hand.now);
    hand.pump();
    assert_eq!(hand.engine.status(task), Some(State::Paused(Phase::Moving)));
    hand.engine.resume(task, hand.now).expect("there");
    assert_eq!(completed(&mut hand, task).total, 30_000);
}
