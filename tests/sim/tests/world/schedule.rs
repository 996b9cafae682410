//! Scheduling: limits, shares, and many transfers (cases S1–S3).

use std::num::NonZeroU32;

use crate::common::*;
use longhaul_core::spec::{Limits, Spec, Start, TransferKey};
use longhaul_core::{Config, Direction, Engine, Now};
use longhaul_http::HttpDownload;
use longhaul_sim::{Style, World};

#[test]
fn s1_every_limit_is_reached_and_none_is_exceeded() {
    let mut limits = Limits::default();
    limits.downloads = 3;
    limits.requests = 7;
    limits.per_authority = 6;
    limits.per_task = 2;
    let mut world = world();
    world.set_limits(limits);
    world.weather.rate = (8_000, 8_000);
    for _ in 0..6 {
        let job = download(&mut world, 200_000, Style::GOOD);
        world.submit(job, Start::Now);
    }
    world.settle();
    let mut seen = (0, 0);
    for _ in 0..4_000 {
        world.step(longhaul_core::Time::NEVER);
        seen = (seen.0.max(world.requests_in_flight()), seen.1.max(world.engine.snapshot().active));
    }
    sound(&world);
    assert_eq!(seen, (6, 3), "two of each of three, all to one authority");
    world.finish();
    sound(&world);
}

/// Bytes moved by two endless downloads in a while, the second with the weights given.
fn shares(weights: (u32, u32), late: bool) -> (u64, u64) {
    let mut world = world();
    let mut limits = Limits::default();
    limits.per_authority = 4;
    world.set_limits(limits);
    world.weather.rate = (1 << 20, 1 << 20);
    world.weather.latency = (1_000, 1_000);
    let jobs: Vec<usize> = (0..2)
        .map(|_| {
            let job = download(&mut world, 4 << 30, Style::GOOD);
            world.jobs[job].part_size = longhaul_core::layout::PartSize::Bytes(256 << 10);
            world.jobs[job].parallel = most(8);
            world.jobs[job].journal = false;
            job
        })
        .collect();
    world.submit(jobs[0], Start::Now);
    world.weigh(jobs[0], NonZeroU32::new(weights.0).expect("a weight"));
    if late {
        world.run_for(60_000_000);
    }
    world.submit(jobs[1], Start::Now);
    world.weigh(jobs[1], NonZeroU32::new(weights.1).expect("a weight"));
    world.run_for(2_000_000);
    let before = [world.jobs[jobs[0]].received, world.jobs[jobs[1]].received];
    world.run_for(120_000_000);
    sound(&world);
    (world.jobs[jobs[0]].received - before[0], world.jobs[jobs[1]].received - before[1])
}

#[test]
fn s2_shares_follow_weights_within_two_percent() {
    for (weights, late) in [((3, 1), false), ((1, 1), false), ((1, 3), true), ((1, 1), true)] {
        let (a, b) = shares(weights, late);
        let share = a * 1_000 / (a + b);
        let wanted = u64::from(weights.0 * 1_000 / (weights.0 + weights.1));
        assert!(share.abs_diff(wanted) <= 20, "{weights:?} late {late}: {share} ‰ of {}", a + b);
    }
}

/// A hundred thousand transfers that rest cost nothing but memory: no intent, no timer, no event.
#[test]
fn s3_idle_transfers_cause_no_work() {
    let mut engine = Engine::new(Config::default(), 1);
    let provider = std::sync::Arc::new(HttpDownload::new("http://origin/one").expect("a URL"));
    for number in 0..100_000 {
        let key = TransferKey::new(Direction::Download, "one", &format!("{number}"));
        let mut spec = Spec::new(Direction::Download, provider.clone(), key);
        spec.start = Start::Paused;
        engine.submit(spec, Now::default()).expect("room");
    }
    assert!(engine.poll_intent(Now::default()).is_none());
    assert!(engine.poll_event().is_none() && engine.poll_timeout().is_none());
    assert_eq!(engine.snapshot().paused, 100_000);
}

/// One server that is full does not hold up transfers from another.
#[test]
fn a_full_server_is_its_own_affair() {
    let mut world = world();
    let mut limits = Limits::default();
    limits.per_authority = 1;
    limits.downloads = 3;
    world.set_limits(limits);
    world
        .rules
        .0
        .push_back(longhaul_sim::Rule::new(longhaul_sim::Act::Net(longhaul_sim::Fate::StallHead)).url("http://origin"));
    let stuck: Vec<usize> = (0..2).map(|_| download(&mut world, 10_000, Style::GOOD)).collect();
    let other = download(&mut world, 10_000, Style::GOOD);
    if let longhaul_sim::JobKind::Get { host, .. } = &mut world.jobs[other].kind {
        *host = "mirror";
    }
    for &job in stuck.iter().chain([&other]) {
        world.submit(job, Start::Now);
    }
    world.run_for(3_000_000);
    done(&world, other);
    let waits = |world: &World| stuck.iter().all(|&job| !world.jobs[job].is_done());
    assert!(waits(&world));
    world.finish();
    sound(&world);
}
