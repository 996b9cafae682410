//! What a driver may get wrong, and what nobody expects: nothing is lost by it, and nothing spins.

use super::*;
use crate::error::{BuildError, FaultKind, FileFault, FileFaultKind};
use crate::intent::{Body, FileOp};
use crate::provider::{Context, Head, Object, Profile, Reply, Step, Validator, Verdict};
use http::{HeaderMap, StatusCode};

/// An object of so many bytes, on a server that gives whatever range is asked for.
#[derive(Debug)]
struct Ranged(u64);

impl crate::Provider for Ranged {
    fn authority(&self) -> &str {
        "ranged:80"
    }
    fn object(&self) -> &str {
        "http://ranged/"
    }
    fn profile(&self) -> Profile {
        Profile::download()
    }
    fn build(&self, _: &Step, _: &Context<'_>, _: Now) -> Result<http::Request<Body>, BuildError> {
        Ok(http::Request::new(Body::Empty))
    }
    fn interpret(&self, step: &Step, _: &Context<'_>, _: Head<'_>, _: &[u8], _: Now) -> Result<Reply, Verdict> {
        let validator = Validator { etag: Some("\"a\"".into()), modified: None };
        let object = Object { total: Some(self.0), validator, ranges: Some(true), ..Object::default() };
        Ok(match step.range() {
            Some(range) => Reply::Range { range, object },
            None => Reply::Object(object),
        })
    }
}

/// Submits a download of so many bytes in ranges of `part`, and brings it to where content moves: there is its first request.
fn moving(engine: &mut Engine, name: &str, total: u64, part: u64) -> TaskId {
    let id = submit(engine, name, |spec| {
        spec.provider = Arc::new(Ranged(total));
        spec.part_size = crate::layout::PartSize::Bytes(part);
        spec.journal = false;
    });
    let probe = request(engine).expect("a probe");
    head(engine, probe);
    done(engine, probe, 0);
    let Some(Intent::File { op, action: FileOp::Reserve { .. }, .. }) = engine.poll_intent(Now::default()) else {
        panic!("the target")
    };
    engine.handle_file(op, Ok(FileReply::Reserved { kept: false }), Now::default());
    id
}

/// The next intent, where it is a request.
fn request(engine: &mut Engine) -> Option<OpId> {
    match engine.poll_intent(Now::default()) {
        Some(Intent::Http { op, .. }) => Some(op),
        _ => None,
    }
}

fn head(engine: &mut Engine, op: OpId) -> crate::intent::Disposition {
    let head = Head { status: StatusCode::PARTIAL_CONTENT, headers: &HeaderMap::new() };
    engine.handle_head(op, head, Now::default())
}

fn done(engine: &mut Engine, op: OpId, written: u64) {
    let moved = Moved { connected: true, written, ..Moved::default() };
    engine.handle_done(op, Outcome::Complete { moved, body: Bytes::new() }, Now::default());
}

#[test]
fn c2_a_range_that_a_pause_closed_at_its_head_is_asked_for_again_whatever_its_end_is_called() {
    let (mut engine, now) = (engine(1), Now::default());
    let id = moving(&mut engine, "a", 10, 10);
    let op = request(&mut engine).expect("the range");
    engine.pause(id, now).expect("there");
    assert_eq!(head(&mut engine, op), crate::intent::Disposition::Close);
    done(&mut engine, op, 0);
    engine.resume(id, now).expect("there");
    assert!(matches!(engine.poll_intent(now), Some(Intent::Http { .. })), "{:?}", engine.snapshot());
}

#[test]
fn r1_an_exchange_that_ends_without_an_answer_has_failed() {
    let (mut engine, now) = (engine(1), Now::default());
    let id = submit(&mut engine, "a", |spec| spec.provider = Arc::new(Ranged(10)));
    let probe = request(&mut engine).expect("a probe");
    done(&mut engine, probe, 0);
    let told = events(&mut engine);
    let failed = |kind: &EventKind| match kind {
        EventKind::Retrying { reason: Error::Network(fault), .. } => fault.kind == FaultKind::Protocol,
        _ => false,
    };
    assert!(told.iter().any(failed), "{told:?}");
    assert!(matches!(engine.status(id), Some(State::Waiting(_))) && engine.poll_intent(now).is_none());
}

#[test]
fn d11_file_work_that_somebody_else_stopped_is_not_asked_for_for_ever() {
    for (pauses, again) in [(true, true), (false, false)] {
        let (mut engine, now) = (engine(1), Now::default());
        let id = submit(&mut engine, "a", |spec| spec.direction = Direction::Upload);
        let Some(Intent::File { op, action: FileOp::Stat, .. }) = engine.poll_intent(now) else { panic!("the source") };
        if pauses {
            engine.pause(id, now).expect("there");
            assert!(matches!(engine.poll_intent(now), Some(Intent::Cancel { .. })));
        }
        engine.handle_file(op, Err(FileFault::new(FileFaultKind::Cancelled, "the runtime goes")), now);
        let _ = engine.resume(id, now);
        let asked = matches!(engine.poll_intent(now), Some(Intent::File { action: FileOp::Stat, .. }));
        assert_eq!(asked, again);
    }
}

#[test]
fn s2_the_same_weight_is_the_same_share_however_large_it_is() {
    let mut config = Config::default();
    config.limits.requests = 1;
    let mut engine = Engine::new(config, 1);
    let ids = ["a", "b"].map(|name| moving(&mut engine, name, 1000, 10));
    for id in ids {
        engine.set_weight(id, NonZeroU32::MAX).expect("there");
    }
    let mut served = Vec::new();
    for _ in 0..20 {
        let Some(Intent::Http { op, task, .. }) = engine.poll_intent(Now::default()) else { panic!("a range") };
        served.push(task);
        head(&mut engine, op);
        done(&mut engine, op, 10);
    }
    assert_eq!(ids.map(|id| served.iter().filter(|&&task| task == id).count()), [10, 10]);
}

#[test]
fn r7_bytes_in_flight_are_counted_however_many_they_are() {
    let mut engine = engine(2);
    for name in ["a", "b"] {
        moving(&mut engine, name, u64::MAX - 1, u64::MAX - 1);
    }
    let first = request(&mut engine).expect("a range of nearly all that can be counted");
    assert!(request(&mut engine).is_none(), "no second one beside it");
    done(&mut engine, first, 0);
    assert_eq!((engine.snapshot().bytes_in_flight, engine.snapshot().requests), (0, 0));
    assert!(request(&mut engine).is_some(), "now the other");
}

#[test]
fn c9_absurd_numbers_are_numbers() {
    let (mut engine, now) = (engine(1), Now::default());
    let id = moving(&mut engine, "a", u64::MAX - 1, u64::MAX - 1);
    let op = request(&mut engine).expect("a range");
    head(&mut engine, op);
    let all = Moved { connected: true, sent: u64::MAX, written: u64::MAX, held: true, ..Moved::default() };
    for moved in [all, Moved::default(), all] {
        engine.handle_progress(op, moved, Now::new(engine.now.mono + core::time::Duration::from_secs(9), now.wall));
    }
    assert!(engine.progress(id).is_some_and(|progress| progress.acknowledged < u64::MAX));
    engine.handle_done(op, Outcome::Cancelled { moved: all }, now);
}

/// What the second one would clean up is the first one's until that is gone; a third one waits for both.
#[test]
fn c8_a_successor_that_is_cancelled_leaves_alone_what_its_predecessor_still_works_on() {
    let (mut engine, now) = (engine(3), Now::default());
    let first = submit(&mut engine, "a", |_| ());
    let probe = request(&mut engine).expect("a probe");
    engine.cancel(first, now).expect("there");
    assert!(matches!(engine.poll_intent(now), Some(Intent::Cancel { .. })));
    let second = submit(&mut engine, "a", |spec| spec.recall = true);
    engine.cancel(second, now).expect("there");
    assert_eq!((engine.status(second), engine.cancel(second, now)), (Some(State::Ending), Err(CommandError::Over)));
    let third = submit(&mut engine, "a", |_| ());
    assert!(engine.poll_intent(now).is_none(), "the first one's request is still in flight");
    engine.handle_done(probe, Outcome::Cancelled { moved: Moved::default() }, now);
    let mut order = Vec::new();
    while let Some(intent) = engine.poll_intent(now) {
        match intent {
            Intent::File { op, task, .. } => {
                order.push(task);
                engine.handle_file(op, Ok(FileReply::Done), now);
            }
            Intent::Recall { op, task } => {
                order.push(task);
                engine.handle_recalled(op, Ok(None), now);
            }
            Intent::Journal { op, task, .. } => {
                order.push(task);
                engine.handle_journal(op, Ok(()), now);
            }
            Intent::Http { task, .. } => order.push(task),
            other => panic!("{other:?}"),
        }
    }
    assert!(order.is_sorted_by_key(|task| [first, second, third].iter().position(|id| id == task)), "{order:?}");
    assert_eq!(order.last(), Some(&third), "and then the third one begins");
    for id in [first, second] {
        assert!(matches!(engine.end(id), Some(End::Failed(Error::Cancelled))), "{:?}", engine.end(id));
    }
}
