//! Multipart stores in all their flavours: limits, plans, conditions, clocks, credentials and bad habits (cases P2, U6, U7, U10, R3).

use std::collections::BTreeSet;

use crate::common::*;
use http::Method;
use longhaul_core::Time;
use longhaul_core::error::{Error, ServerFaultKind};
use longhaul_core::event::EventKind;
use longhaul_core::layout::PartSize;
use longhaul_core::spec::Start;
use longhaul_sim::server::condition::Condition;
use longhaul_sim::server::flavour::{Flavour, Opener};
use longhaul_sim::server::store::{Bill, Habits};
use longhaul_sim::{Act, Fate, Rule, Transition, World};

const LEN: u64 = 60_000;
const KEY: &str = "/store0";

/// A world whose store is of this flavour, with a job that uploads `len` bytes to it.
fn shop(flavour: Flavour, len: u64) -> (World, usize) {
    let mut world = world();
    world.store.flavour = flavour;
    let job = store(&mut world, len);
    (world, job)
}

#[test]
fn every_flavour_takes_objects_of_every_size() {
    for flavour in Flavour::ALL {
        for len in [0, 1, 8_191, 8_192, 8_193, LEN, 900_000] {
            let (mut world, job) = shop(flavour, len);
            go(&mut world, job);
            done(&world, job);
            // A part size that needs too many parts grows.
            assert_eq!((world.store.commits, world.store.received), (1, len), "{flavour:?}");
            let left = if flavour.opener == Opener::Plan && len == 0 { 1 } else { 0 };
            assert_eq!(world.store.bill(KEY, &BTreeSet::new()).sessions, left, "{flavour:?} {len}");
        }
    }
}

#[test]
fn p2_a_part_size_below_the_minimum_is_refused_before_the_first_request() {
    for flavour in [Flavour::S3, Flavour::R2, Flavour::OSS] {
        let (mut world, job) = shop(flavour, LEN);
        world.jobs[job].part_size = PartSize::Bytes(flavour.parts.min - 1);
        go(&mut world, job);
        assert!(matches!(world.error(job), Some(Error::Usage(_))), "{:?}", world.jobs[job].end);
        assert!(world.arrived.is_empty());
    }
}

#[test]
fn u7_killed_at_any_step_every_flavour_ends_whole() {
    for flavour in Flavour::ALL {
        for at in 0..90 {
            let (mut world, job) = shop(flavour, LEN);
            world.submit(job, Start::Now);
            world.settle();
            for _ in 0..at {
                world.step(Time::NEVER);
            }
            world.crash(at % 2 == 0);
            world.finish();
            done(&world, job);
        }
    }
}

#[test]
fn u6_errors_within_a_success_and_silence_after_one_are_told_apart() {
    for flavour in Flavour::ALL {
        for habits in [Habits { sour: 2, ..Habits::default() }, Habits { mute: 1, ..Habits::default() }] {
            let (mut world, job) = shop(flavour, LEN);
            world.store.habits = habits;
            // The second commit of the world is the one that sour habits strike.
            let rule = Rule::new(Act::Status(503, None)).method(Method::POST).text(" \"").times(1);
            world.rules.0.push_back(rule);
            go(&mut world, job);
            done(&world, job);
            assert_eq!((world.store.commits, world.store.received), (1, LEN), "{habits:?}");
        }
    }
}

#[test]
fn a_commit_beside_anothers_is_repeated() {
    let (mut world, job) = shop(Flavour::S3, LEN);
    world.store.habits.contended = 1;
    world.submit(job, Start::Now);
    world.run_for(5_000_000);
    assert!(world.jobs[job].task.is_some() && world.store.commits == 0, "{}", tail(&world));
    world.store.habits.contended = 0;
    end(&mut world, job);
    done(&world, job);
    assert_eq!(world.store.received, LEN);
}

#[test]
fn an_object_that_must_not_be_there_stops_the_commit_unless_it_is_ones_own() {
    for flavour in [Flavour::S3, Flavour::OSS, Flavour::PRESIGNED] {
        let (mut world, job) = shop(flavour, LEN);
        go(&mut world, job);
        world.jobs[job].condition = Condition::Absent;
        go(&mut world, job);
        let refused = matches!(world.error(job), Some(Error::Server(fault)) if fault.kind == ServerFaultKind::Conflict);
        assert!(refused && world.store.commits == 1, "{:?}", world.jobs[job].end);
        for times in 1..4 {
            let (mut world, job) = shop(flavour, LEN);
            world.jobs[job].condition = Condition::Absent;
            world.rules.0.push_back(Rule::new(Act::Net(Fate::Lost)).text(" \"").times(times));
            go(&mut world, job);
            done(&world, job);
            assert_eq!(world.store.commits, 1);
        }
    }
}

#[test]
fn u10_an_abort_that_is_refused_at_first_is_repeated_until_nothing_is_billed() {
    for flavour in Flavour::ALL {
        let (mut world, job) = shop(flavour, LEN);
        world.store.habits.reluctant = 3;
        world.weather.rate = (4_000, 4_000);
        world.submit(job, Start::Now);
        world.settle();
        while world.store.bill(KEY, &BTreeSet::new()).bytes == 0 {
            assert!(world.step(Time::NEVER), "parts come: {flavour:?}\n{}", tail(&world));
        }
        world.cancel(job);
        end(&mut world, job);
        assert_eq!((world.store.bill(KEY, &BTreeSet::new()), world.store.aborts), (Bill::default(), 1));
        assert_eq!(arrived(&world, Method::DELETE, ""), 4);
        let failed = |kind: &EventKind| matches!(kind, EventKind::AbortFailed { .. });
        assert!(!world.jobs[job].events.iter().any(failed));
    }
}

/// All of a part is there and its answer is not when the upload is cancelled: the store keeps it, the session with it, and nobody
/// would ever know. Where nothing was under way there is nothing to tell.
#[test]
fn u10_a_part_that_comes_in_after_the_abort_is_told_of() {
    for flavour in [Flavour::S3, Flavour::PRESIGNED] {
        for under_way in [true, false] {
            let (mut world, job) = shop(flavour, LEN);
            world.store.habits.lingering = true;
            world.weather.latency = (200_000, 200_000);
            world.weather.rate = if under_way { (64 << 20, 64 << 20) } else { (2_000, 2_000) };
            // What is stopped on its way arrives nevertheless.
            world.weather.ghost = u8::MAX;
            world.submit(job, Start::Now);
            world.settle();
            let least = if under_way { 5 << 10 } else { 1 };
            let sent = |world: &World| world.progress(job).is_some_and(|progress| progress.moved >= least);
            assert!(world.run_until(Time::from_micros(60_000_000), sent), "{}", tail(&world));
            world.cancel(job);
            end(&mut world, job);
            world.run_for(10_000_000);
            let told =
                world.jobs[job].events.iter().filter(|kind| matches!(kind, EventKind::MaybeOrphan { .. })).count();
            let left = world.store.bill(KEY, &BTreeSet::new()).sessions;
            assert_eq!((told, left), if under_way { (1, 1) } else { (0, 0) }, "{flavour:?}\n{}", tail(&world));
            world.check_orphans();
            sound(&world);
        }
    }
}

#[test]
fn r3_a_clock_that_is_off_is_learned_once() {
    for seconds in [-86_400, -3_600, 3_600, 86_400] {
        for kind in [store as fn(&mut World, u64) -> usize, blocks] {
            let mut world = world();
            world.store.gate.clock = Some(900);
            world.blocks.gate.clock = Some(900);
            let job = kind(&mut world, LEN);
            world.jobs[job].parallel = most(3);
            world.apply(&Transition::JumpWall { seconds });
            go(&mut world, job);
            done(&world, job);
            let (skewed, may) = (world.store.gate.skewed + world.blocks.gate.skewed, 3);
            assert!((1..=may).contains(&skewed), "{seconds}: {skewed} requests with the wrong time");
            assert!(world.store.gate.skewed <= 1, "a session is opened by one request");
        }
    }
}

#[test]
fn r3_a_credential_that_expires_is_replaced_once_for_all_requests() {
    for kind in [store as fn(&mut World, u64) -> usize, blocks] {
        let mut world = world();
        world.store.gate.lifetime = Some(10);
        world.blocks.gate.lifetime = Some(10);
        world.weather.rate = (6_000, 6_000);
        let job = kind(&mut world, LEN * 4);
        world.jobs[job].parallel = most(3);
        go(&mut world, job);
        done(&world, job);
        let asked = world.trace.lines().iter().filter(|line| line.contains(" ask ")).count() as u64;
        let expired = world.store.gate.expired + world.blocks.gate.expired;
        assert!(asked >= 1 && expired >= asked && expired <= 3 * asked, "{asked} asked, {expired} expired");
    }
}

/// Where the end is known, nothing is sent with what has ended, whatever the upload is at when it does.
#[test]
fn r3_a_credential_whose_end_is_known_is_replaced_before_it_is_refused() {
    for kind in [store as fn(&mut World, u64) -> usize, blocks] {
        for later in 0..24 {
            let mut world = world();
            world.tells_lifetime = true;
            world.store.gate.lifetime = Some(20);
            world.blocks.gate.lifetime = Some(20);
            world.weather.rate = (20_000, 20_000);
            let job = kind(&mut world, LEN * 12);
            world.jobs[job].parallel = most(3);
            world.submit(job, Start::Now);
            world.run_for(later * 1_500_000);
            // Taken up again by another run, which lies paused until its credential has ended.
            world.crash(false);
            world.submit(job, Start::Paused);
            world.run_for(30_000_000);
            world.resume(job);
            end(&mut world, job);
            done(&world, job);
            assert_eq!(world.store.gate.expired + world.blocks.gate.expired, 0, "{later}");
            assert!(world.trace.lines().iter().any(|line| line.contains(" ask ")), "{later}: it had to ask");
        }
    }
}

#[test]
fn a_store_that_takes_few_requests_a_second_is_served_slowly() {
    for kind in [store as fn(&mut World, u64) -> usize, blocks] {
        let mut world = world();
        world.store.gate.rate = Some(2);
        world.blocks.gate.rate = Some(2);
        let job = kind(&mut world, LEN);
        go(&mut world, job);
        done(&world, job);
        assert!(world.store.gate.throttled + world.blocks.gate.throttled > 0);
        assert_eq!(world.store.commits + world.blocks.commits, 1);
    }
}

#[test]
fn c5_a_plan_that_is_cancelled_before_it_began_is_given_up_on_the_server() {
    for started in [false, true] {
        let (mut world, job) = shop(Flavour::PRESIGNED, LEN);
        world.submit(job, if started { Start::Now } else { Start::Paused });
        world.run_for(if started { 1 } else { 1_000_000 });
        assert_eq!(world.store.bill(KEY, &BTreeSet::new()).sessions, 1);
        world.cancel(job);
        end(&mut world, job);
        assert_eq!((world.error(job), world.store.aborts), (Some(&Error::Cancelled), 1));
        assert_eq!(world.store.bill(KEY, &BTreeSet::new()), Bill::default());
        assert!(!world.journals.contains_key(&job));
    }
}
