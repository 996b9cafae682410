//! What the engine tells when it is asked: progress, snapshot, checkpoint.

use std::sync::Arc;

use crate::common::most;
use crate::hand::Hand;
use longhaul_core::error::{Error, Fault, FaultKind, Sent, ServerFaultKind};
use longhaul_core::intent::{Disposition, Intent, Moved, Outcome};
use longhaul_core::layout::PartSize;
use longhaul_core::spec::{Spec, Start, TransferKey};
use longhaul_core::{Config, Direction, TaskId};
use longhaul_http::HttpDownload;
use longhaul_sim::provider::StoreProvider;

const RANGED: [(&str, &str); 3] = [("content-length", "30000"), ("etag", "\"a\""), ("accept-ranges", "bytes")];

fn counted(hand: &Hand, task: TaskId) -> (u64, u64) {
    let progress = hand.engine.progress(task).expect("there");
    (progress.requests, progress.retries)
}

fn one_by_one(hand: &mut Hand) -> TaskId {
    let provider = Arc::new(HttpDownload::new("https://origin/a").expect("a URL"));
    hand.submit_with(provider, Direction::Download, |spec| {
        (spec.parallel, spec.part_size) = (most(1), PartSize::Auto);
    })
}

fn breaks(hand: &mut Hand, op: longhaul_core::OpId, kind: FaultKind) {
    let fault = Fault::new(kind, Sent::No, "");
    hand.engine.handle_done(op, Outcome::Broken { moved: Moved::default(), fault }, hand.now);
}

#[test]
fn c12_requests_and_those_among_them_that_repeat_one_are_counted() {
    let mut hand = Hand::new(Config::default());
    let task = one_by_one(&mut hand);
    let (op, _) = hand.request();
    assert_eq!(counted(&hand, task), (1, 0), "the first is no repetition");
    hand.answer(op, 503, &[], "");
    let (op, _) = hand.request();
    assert_eq!(counted(&hand, task), (2, 1));
    hand.answer(op, 200, &RANGED, "");
    let (op, _) = hand.request();
    assert_eq!(counted(&hand, task), (3, 1), "another request, for the first time");
    breaks(&mut hand, op, FaultKind::Stale);
    let (op, _) = hand.request();
    assert_eq!(counted(&hand, task), (4, 2));
    breaks(&mut hand, op, FaultKind::Reset);
    let _ = hand.request();
    assert_eq!(counted(&hand, task), (5, 3));
}

#[test]
fn c11_a_snapshot_counts_transfers_requests_and_bytes() {
    let mut config = Config::default();
    config.limits.uploads = 2;
    let mut hand = Hand::new(config);
    let upload = |hand: &mut Hand, name: &str, start| {
        let provider = Arc::new(StoreProvider::new("store", name));
        hand.submit_with(provider, Direction::Upload, |spec: &mut Spec| {
            (spec.start, spec.parallel) = (start, most(2));
        })
    };
    let active = [upload(&mut hand, "a", Start::Now), upload(&mut hand, "b", Start::Now)];
    let queued = [upload(&mut hand, "c", Start::Now), upload(&mut hand, "d", Start::Now)];
    let paused = [upload(&mut hand, "e", Start::Paused), upload(&mut hand, "f", Start::Paused)];
    for (op, ..) in hand.requests() {
        hand.answer(op, 200, &[], "session");
    }
    assert_eq!(hand.requests().len(), 4);
    let snapshot = hand.engine.snapshot();
    assert_eq!((snapshot.active, snapshot.queued, snapshot.paused), (2, 2, 2));
    assert_eq!((snapshot.requests, snapshot.bytes_in_flight, snapshot.stale_answers), (4, 40_000, 0));
    let told: Vec<_> = snapshot.tasks.iter().map(|task| (task.task, task.in_flight)).collect();
    let all = active.map(|id| (id, 2)).into_iter().chain(queued.map(|id| (id, 0))).chain(paused.map(|id| (id, 0)));
    assert_eq!(told, all.collect::<Vec<_>>());
}

#[test]
fn a_checkpoint_can_be_had_at_any_time_between_begin_and_end() {
    let mut hand = Hand::new(Config::default());
    let provider = Arc::new(StoreProvider::new("store", "key"));
    let task = hand.submit_with(provider, Direction::Upload, |spec| {
        (spec.start, spec.parallel) = (Start::Paused, most(1));
    });
    assert_eq!(hand.engine.checkpoint(task), None, "it has not begun");
    hand.engine.resume(task, hand.now).expect("there");
    let (op, _) = hand.request();
    hand.answer(op, 200, &[], "session");
    for stored in [0, 10_000, 20_000] {
        let checkpoint = hand.engine.checkpoint(task).expect("at work");
        assert_eq!(
            (checkpoint.total(), checkpoint.stored(), checkpoint.session()),
            (Some(30_000), stored, Some("session"))
        );
        let (op, _) = hand.request();
        hand.answer(op, 200, &[("etag", "\"t\"")], "");
    }
    let (op, _) = hand.request();
    hand.answer(op, 200, &[], "committed \"all\"");
    hand.pump();
    assert!(hand.engine.end(task).is_some());
    assert_eq!(hand.engine.checkpoint(task), None, "it is over");
}

#[test]
fn i1_the_head_of_what_is_no_request_is_counted_and_closed() {
    let mut hand = Hand::new(Config::default());
    let key = TransferKey::new(Direction::Upload, "key", "key");
    let spec = Spec::new(Direction::Upload, Arc::new(StoreProvider::new("store", "key")), key);
    hand.engine.submit(spec, hand.now).expect("submitted");
    let op = loop {
        match hand.engine.poll_intent(hand.now).expect("the source is looked at") {
            Intent::File { op, .. } => break op,
            Intent::Recall { op, .. } => hand.engine.handle_recalled(op, Ok(None), hand.now),
            _ => {}
        }
    };
    for stale in 1..3 {
        assert!(matches!(hand.head(op, 200, &[]), Disposition::Close));
        assert_eq!(hand.engine.snapshot().stale_answers, stale);
    }
}

/// The words after the status line are lost: the refusal stands, and what was no refusal is a broken answer.
#[test]
fn r5_a_refusal_whose_words_are_lost_is_a_refusal() {
    let mut hand = Hand::new(Config::default());
    let task = hand.get("https://origin/a");
    let (op, _) = hand.request();
    let _ = hand.head(op, 404, &[]);
    breaks(&mut hand, op, FaultKind::Reset);
    let error = hand.error(task);
    assert!(matches!(&error, Some(Error::Server(fault)) if fault.kind == ServerFaultKind::NotFound), "{error:?}");

    let mut hand = Hand::new(Config::default());
    let task = hand.get("https://origin/a");
    let (op, _) = hand.request();
    let _ = hand.head(op, 200, &RANGED);
    breaks(&mut hand, op, FaultKind::Reset);
    let (op, request) = hand.request();
    assert_eq!((request.method().as_str(), counted(&hand, task)), ("HEAD", (2, 1)), "asked again");
    hand.answer(op, 200, &RANGED, "");
    assert!(hand.requests().iter().all(|(_, _, request)| request.method() == http::Method::GET));
}
