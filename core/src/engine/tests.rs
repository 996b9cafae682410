//! Places, pauses, cancels and the end, of an engine whose requests nobody carries out.

use super::*;
use crate::error::{Fault, FaultKind, Sent};
use crate::event::{End, EventKind, State};
use crate::intent::{FileReply, Intent, Moved, Outcome};
use crate::spec::Direction;
use alloc::sync::Arc;
use bytes::Bytes;

mod misled;

#[derive(Debug)]
struct Nowhere;

impl crate::Provider for Nowhere {
    fn authority(&self) -> &str {
        "nowhere:80"
    }
    fn object(&self) -> &str {
        "http://nowhere/"
    }
    fn profile(&self) -> crate::provider::Profile {
        crate::provider::Profile::download()
    }
    fn build(
        &self,
        _: &crate::provider::Step,
        _: &crate::provider::Context<'_>,
        _: Now,
    ) -> Result<http::Request<crate::intent::Body>, crate::error::BuildError> {
        Ok(http::Request::new(crate::intent::Body::Empty))
    }
    fn interpret(
        &self,
        _: &crate::provider::Step,
        _: &crate::provider::Context<'_>,
        _: crate::provider::Head<'_>,
        _: &[u8],
        _: Now,
    ) -> Result<crate::provider::Reply, crate::provider::Verdict> {
        Ok(crate::provider::Reply::Aborted)
    }
}

#[test]
fn s3_pausing_and_resuming_a_queued_transfer_leaves_nothing_in_the_queue() {
    let mut config = Config::default();
    config.limits.downloads = 1;
    let mut engine = Engine::new(config, 1);
    let ids: Vec<TaskId> = ["a", "b"]
        .into_iter()
        .map(|name| {
            let key = TransferKey::new(Direction::Download, name, name);
            engine.submit(Spec::new(Direction::Download, Arc::new(Nowhere), key), Now::default()).expect("new")
        })
        .collect();
    for _ in 0..1000 {
        engine.pause(ids[1], Now::default()).expect("there");
        engine.resume(ids[1], Now::default()).expect("there");
    }
    assert_eq!(engine.queues.of(Direction::Download).waiting.len(), 1);
    engine.cancel(ids[1], Now::default()).expect("there");
    assert!(engine.queues.of(Direction::Download).waiting.is_empty());
}

fn engine(downloads: usize) -> Engine {
    let mut config = Config::default();
    config.limits.downloads = downloads;
    Engine::new(config, 1)
}

fn submit(engine: &mut Engine, name: &str, wish: impl FnOnce(&mut Spec)) -> TaskId {
    let mut spec = Spec::new(Direction::Download, Arc::new(Nowhere), TransferKey::new(Direction::Download, name, name));
    wish(&mut spec);
    engine.submit(spec, Now::default()).expect("new")
}

fn events(engine: &mut Engine) -> Vec<EventKind> {
    core::iter::from_fn(|| engine.poll_event()).map(|event| event.kind).collect()
}

#[test]
fn c5_a_transfer_that_never_began_is_cancelled_without_a_word_to_the_disk() {
    let mut engine = engine(1);
    let id = submit(&mut engine, "a", |spec| spec.start = Start::Paused);
    engine.cancel(id, Now::default()).expect("there");
    assert!(matches!(engine.end(id), Some(End::Failed(Error::Cancelled))));
    assert!(engine.poll_intent(Now::default()).is_none());
}

#[test]
fn c9_drained_is_what_is_closed_and_has_nothing_left() {
    let (mut engine, now) = (engine(1), Now::default());
    assert!(!engine.is_drained(), "it is not closed");
    submit(&mut engine, "a", |_| ());
    let Some(Intent::Http { op, .. }) = engine.poll_intent(now) else { panic!("a probe") };
    engine.shutdown(now);
    assert!(!engine.is_drained(), "a request is in flight");
    engine.handle_done(op, Outcome::Cancelled { moved: Moved::default() }, now);
    assert!(!engine.is_drained(), "the target is still to be released");
    while let Some(intent) = engine.poll_intent(now) {
        match intent {
            Intent::File { op, .. } => engine.handle_file(op, Ok(FileReply::Done), now),
            Intent::Journal { op, .. } => engine.handle_journal(op, Ok(()), now),
            _ => {}
        }
    }
    assert!(engine.is_drained());
}

#[test]
fn s3_places_go_to_those_who_came_first() {
    let (mut engine, now) = (engine(1), Now::default());
    let [a, b, c] = ["a", "b", "c"].map(|name| submit(&mut engine, name, |_| ()));
    engine.pause(b, now).expect("there");
    engine.resume(b, now).expect("there");
    engine.pause(a, now).expect("there");
    assert!(matches!(engine.status(c), Some(State::Active(_))), "{:?}", engine.status(c));
    assert_eq!(engine.status(b), Some(State::Queued));
    engine.resume(a, now).expect("there");
    assert_eq!(engine.status(a), Some(State::Queued), "its place is taken");
}

#[test]
fn c12_beginning_pausing_and_going_on_are_told_once_each() {
    let (mut engine, now) = (engine(1), Now::default());
    let id = submit(&mut engine, "a", |_| ());
    assert_eq!(events(&mut engine).first(), Some(&EventKind::Started));
    for _ in 0..2 {
        engine.pause(id, now).expect("there");
    }
    assert_eq!(events(&mut engine), [EventKind::Paused]);
    engine.resume(id, now).expect("there");
    assert_eq!(events(&mut engine), [EventKind::Resumed]);
}

#[test]
fn c12_a_cancel_that_waits_for_the_record_reads_as_ending() {
    let (mut engine, now) = (engine(1), Now::default());
    let id = submit(&mut engine, "a", |spec| spec.recall = true);
    assert!(engine.poll_intent(now).is_some(), "the record is asked for");
    engine.cancel(id, now).expect("there");
    assert_eq!(engine.status(id), Some(State::Ending));
}

#[test]
fn a_target_that_grew_lets_the_next_request_out_at_once() {
    let mut config = Config::default();
    config.concurrency.initial = 1;
    let (mut engine, now) = (Engine::new(config, 1), Now::default());
    for name in ["a", "b"] {
        submit(&mut engine, name, |_| ());
    }
    let Some(Intent::Http { op, task, .. }) = engine.poll_intent(now) else { panic!("a probe") };
    assert!(engine.poll_intent(now).is_none(), "one place");
    let later = Now::new(Time::from_micros(600_000), now.wall);
    engine.handle_progress(op, Moved { connected: true, written: 1 << 20, ..Moved::default() }, later);
    let next = engine.poll_intent(later);
    assert!(matches!(&next, Some(Intent::Http { task: other, .. }) if *other != task), "{next:?}");
}

#[test]
fn r2_one_that_is_blocked_goes_on_when_its_time_is_there_whoever_notices() {
    let at = |seconds: u64| Now::new(Time::from_micros(seconds * 1_000_000), Now::default().wall);
    for (when, sends) in [(59, false), (60, true), (61, true)] {
        let mut engine = engine(1);
        let id = submit(&mut engine, "a", |_| ());
        let Some(Intent::Http { op, .. }) = engine.poll_intent(at(1)) else { panic!("a probe") };
        let fault = Fault::new(FaultKind::Reset, Sent::Maybe, "");
        engine.handle_done(op, Outcome::Broken { moved: Moved::default(), fault }, at(1));
        engine.tasks.get_mut(id).and_then(Task::live_mut).expect("there").blocked = Some(at(60).mono);
        engine.handle_timeout(at(50));
        engine.handle_consumed(id, 0, at(50));
        assert!(engine.poll_intent(at(50)).is_none(), "it waits");
        assert_eq!(engine.poll_timeout(), Some(at(60).mono));
        // Something else happens to it, and nobody has called `handle_timeout`.
        engine.handle_consumed(id, 0, at(when));
        assert_eq!(engine.poll_intent(at(when)).is_some(), sends, "{when}");
    }
}

#[test]
fn a_task_remembers_what_is_in_flight_and_no_more() {
    let (mut engine, now) = (engine(1), Now::default());
    let id = submit(&mut engine, "a", |_| ());
    let Some(Intent::Http { op, .. }) = engine.poll_intent(now) else { panic!("a probe") };
    let held = |engine: &Engine| engine.tasks.get(id).expect("there").ops.clone();
    assert_eq!(held(&engine), [op]);
    engine.handle_done(op, Outcome::Cancelled { moved: Moved::default() }, now);
    assert!(held(&engine).is_empty());
}

#[test]
fn c2_a_request_that_a_pause_stopped_did_not_fail() {
    let (mut engine, now) = (engine(1), Now::default());
    let id = submit(&mut engine, "a", |_| ());
    let Some(Intent::Http { op, .. }) = engine.poll_intent(now) else { panic!("a probe") };
    engine.pause(id, now).expect("there");
    assert!(matches!(engine.poll_intent(now), Some(Intent::Cancel { op: stopped }) if stopped == op));
    engine.handle_done(op, Outcome::Cancelled { moved: Moved::default() }, now);
    engine.resume(id, now).expect("there");
    let told = events(&mut engine);
    assert!(!told.iter().any(|kind| matches!(kind, EventKind::Retrying { .. })), "{told:?}");
    assert!(matches!(engine.poll_intent(now), Some(Intent::Http { .. })), "it goes out again at once");
}
