//! Uploads in one request whose answer is lost, where nothing may be replaced: what they made themselves is no conflict (case U6).

use std::sync::Arc;

use crate::common::*;
use crate::hand::{Hand, made_up};
use crate::ways_out::{broken, expect};
use http::Method;
use longhaul_core::error::{Error, FaultKind, FileFaultKind, Sent, ServerFaultKind};
use longhaul_core::event::End;
use longhaul_core::intent::{Fingerprint, Moved, Outcome};
use longhaul_core::spec::Start;
use longhaul_core::{Algorithm, ByteRange, Config, Direction, OpId, TaskId, Time};
use longhaul_sim::content::Content;
use longhaul_sim::disk::Edit;
use longhaul_sim::provider::StoreProvider;
use longhaul_sim::server::condition::Condition;
use longhaul_sim::server::flavour::Flavour;
use longhaul_sim::server::store::Stored;
use longhaul_sim::{Act, Fate, Rule, World};

const LEN: u64 = 9_000;
const KEY: &str = "/store0";

/// What keeps an answer back although the object is made.
const LOST: [Act; 4] = [Act::Net(Fate::Lost), Act::Net(Fate::LostStale), Act::Net(Fate::StallHead), Act::Say(500, "")];

/// A world with an upload of `len` bytes that may not replace anything, and what happens to its first request.
fn careful(flavour: Flavour, len: u64, first: Act) -> (World, usize) {
    let mut world = world();
    world.store.flavour = flavour;
    let job = store(&mut world, len);
    world.jobs[job].condition = Condition::Absent;
    world.rules.0.push_back(Rule::new(first).method(Method::PUT).times(1));
    (world, job)
}

fn is_conflict(world: &World, job: usize) -> bool {
    matches!(world.error(job), Some(Error::Server(fault)) if fault.kind == ServerFaultKind::Conflict)
}

/// Until it asks whose the object is.
fn confirming(world: &mut World) {
    let asks = |world: &World| world.trace.lines().iter().any(|line| line.contains("Phase(Confirming)"));
    assert!(world.run_until(Time::from_micros(600_000_000), asks), "{}", tail(world));
}

#[test]
fn u6_what_an_upload_in_one_request_made_itself_is_no_conflict() {
    for flavour in [Flavour::S3, Flavour::OSS] {
        for (first, len) in LOST.into_iter().flat_map(|act| [(act.clone(), LEN), (act, 0)]) {
            let (mut world, job) = careful(flavour, len, first.clone());
            go(&mut world, job);
            done(&world, job);
            assert_eq!((world.store.commits, arrived(&world, Method::HEAD, "")), (1, 1), "{first:?}");
        }
    }
}

#[test]
fn u6_somebody_elses_object_is_a_conflict_whatever_became_of_an_earlier_try() {
    for (first, len, asks) in [
        (Act::Status(500, None), LEN, 1),
        (Act::Net(Fate::StallHead), LEN, 1),
        (Act::Status(500, None), LEN + 1, 1),
        // What refused for the moment has made nothing.
        (Act::Status(429, None), LEN, 0),
        (Act::Net(Fate::ResetSending(LEN - 1)), LEN, 0),
        (Act::Net(Fate::ConnectFails), LEN, 0),
    ] {
        let (mut world, job) = careful(Flavour::S3, LEN, first.clone());
        let content = Content::version(77, len);
        let theirs = Stored { content: content.clone(), session: None, tag: "\"theirs\"".into() };
        world.store.objects.insert(KEY.into(), theirs);
        go(&mut world, job);
        assert!(is_conflict(&world, job), "{first:?}: {:?}", world.jobs[job].end);
        assert_eq!(arrived(&world, Method::HEAD, ""), asks, "{first:?}");
        assert_eq!(world.store.objects[KEY].content, content);
    }
}

#[test]
fn u1_a_source_that_changed_since_the_lost_answer_is_told_of() {
    let (mut world, job) = careful(Flavour::S3, LEN, Act::Net(Fate::Lost));
    world.submit(job, Start::Now);
    assert!(world.run_until(Time::from_micros(600_000_000), |world| world.store.commits == 1));
    world.edit_source(job, Edit::Flip);
    end(&mut world, job);
    let changed = matches!(world.error(job), Some(Error::Disk(fault)) if fault.kind == FileFaultKind::Changed);
    assert!(changed, "{:?}", world.jobs[job].end);
    assert_eq!(world.store.objects[KEY].content, Content::version(7, LEN), "what it was at one moment");
}

/// Nothing of it is recorded: the next run finds an object, and leaves it alone.
#[test]
fn u7_a_crash_while_it_is_asked_whose_the_object_is_leaves_it_whole() {
    let (mut world, job) = careful(Flavour::S3, LEN, Act::Net(Fate::Lost));
    world.submit(job, Start::Now);
    confirming(&mut world);
    world.crash(true);
    go(&mut world, job);
    assert!(is_conflict(&world, job) && world.store.commits == 1, "{:?}", world.jobs[job].end);
    assert_eq!(world.store.objects[KEY].content, Content::version(7, LEN));
}

#[test]
fn c5_a_cancel_or_pause_waits_for_the_answer_whose_the_object_is() {
    for cancel in [false, true] {
        let (mut world, job) = careful(Flavour::S3, LEN, Act::Net(Fate::Lost));
        world.submit(job, Start::Now);
        confirming(&mut world);
        if cancel {
            world.cancel(job);
            end(&mut world, job);
            assert_eq!(world.error(job), Some(&Error::Cancelled));
        } else {
            world.pause(job);
            world.run_for(5_000_000);
            world.resume(job);
            end(&mut world, job);
            done(&world, job);
        }
        assert_eq!(world.store.commits, 1);
    }
}

/// An upload of 30,000 bytes by hand that may not replace anything; its request.
fn by_hand(hand: &mut Hand) -> (TaskId, OpId) {
    let mut provider = StoreProvider::new("store", "key").when(Condition::Absent);
    (provider.profile.single, provider.profile.sent_digest) = (Some(30_000), Some(Algorithm::Crc64Nvme));
    let task = hand.submit(Arc::new(provider), Direction::Upload);
    (task, expect(hand, &Method::PUT))
}

/// All was sent, with its digest, and then it broke.
fn lost(hand: &mut Hand, op: OpId) {
    let digest = made_up(Algorithm::Crc64Nvme, ByteRange::at(0, 30_000));
    let moved = Moved { connected: true, sent: 30_000, digest, ..Moved::default() };
    let fault = longhaul_core::error::Fault::new(FaultKind::Reset, Sent::Maybe, "");
    hand.engine.handle_done(op, Outcome::Broken { moved, fault }, hand.now);
}

/// The digest of the try that was lost is the one that counts, also when a later one was cut short; and it went up once for good.
#[test]
fn u6_the_object_is_compared_with_what_the_lost_try_sent() {
    let ours = made_up(Algorithm::Crc64Nvme, ByteRange::at(0, 30_000)).expect("a digest").hex();
    for (told, own) in [(ours.as_str(), true), ("0123456789abcdef", false)] {
        for printed in [false, true] {
            let mut hand = Hand::new(Config::default());
            hand.fingerprint = printed.then(|| Fingerprint { len: 30_000, ..Fingerprint::default() });
            let (task, put) = by_hand(&mut hand);
            lost(&mut hand, put);
            let put = expect(&mut hand, &Method::PUT);
            hand.answer_after(10_000, put, 412, &[], "");
            let ask = expect(&mut hand, &Method::HEAD);
            hand.answer(ask, 200, &[("content-length", "30000"), ("x-digest", told), ("etag", "\"o\"")], "");
            hand.pump();
            let end = hand.engine.end(task).expect("it is over");
            assert_eq!(
                matches!(end, End::Completed(done) if done.receipt.etag.as_deref() == Some("\"o\"")),
                own,
                "{end:?}"
            );
            let progress = hand.engine.progress(task).expect("there");
            assert_eq!((progress.moved, progress.resent), (40_000, if own { 10_000 } else { 40_000 }));
        }
    }
}

/// A store that cannot be asked says what it said.
#[test]
fn u6_without_a_question_to_ask_the_refusal_stands() {
    let mut hand = Hand::new(Config::default());
    let mut provider = StoreProvider::new("store", "key").when(Condition::Absent);
    (provider.profile.single, provider.profile.confirm) = (Some(30_000), false);
    let task = hand.submit(Arc::new(provider), Direction::Upload);
    let put = expect(&mut hand, &Method::PUT);
    broken(&mut hand, put, Sent::Maybe);
    let put = expect(&mut hand, &Method::PUT);
    hand.answer(put, 412, &[], "");
    assert!(hand.requests().is_empty());
    assert!(matches!(hand.error(task), Some(Error::Server(fault)) if fault.kind == ServerFaultKind::Conflict));
}
