//! Random schedules of all bounds at once (case R7, S1, S2): none is exceeded, none waits for another for ever, shares are kept.
//!
//! The bounds of the engine are here: requests, connections to one server, bytes in flight, transfers at work. The rate limit is
//! the driver's; its schedules are in `longhaul-driver`, beside its bucket.

use std::num::NonZeroU32;

use crate::common::*;
use crate::many::each;
use longhaul_core::Config;
use longhaul_core::layout::PartSize;
use longhaul_core::rng::Rng;
use longhaul_core::spec::{Durability, Limits, Start};
use longhaul_sim::weather::pick;
use longhaul_sim::{Job, JobKind, Style, World};

/// Bounds from none to the tightest there are.
fn bounds(rng: &mut Rng) -> Limits {
    let mut some = |most: u64| usize::try_from(1 + rng.up_to(most - 1)).expect("small");
    let mut limits = Limits::default();
    (limits.uploads, limits.downloads) = (some(4), some(4));
    (limits.requests, limits.per_authority, limits.per_task) = (some(8), some(6), some(4));
    if rng.up_to(1) == 0 {
        limits.bytes_in_flight = 1 + rng.up_to(6 << 10);
    }
    limits
}

/// A few transfers of a few parts, in both directions.
fn populate(world: &mut World, rng: &mut Rng) {
    for at in 0..2 + rng.up_to(3) {
        let len = rng.up_to(6 << 10);
        let name = format!("{at}");
        let kind = match rng.up_to(3) {
            0 | 1 => {
                world.add_object(&format!("/{name}"), len, Style::GOOD);
                let host = if rng.up_to(1) == 0 { "origin" } else { "mirror" };
                JobKind::Get { host, path: format!("/{name}"), target: name }
            }
            2 => {
                world.put_source(&name, len);
                JobKind::Form { source: name }
            }
            _ => {
                world.put_source(&name, len);
                JobKind::Store { source: name }
            }
        };
        let mut job = Job::new(kind);
        job.part_size = PartSize::Bytes(1 << 10);
        job.journal = rng.up_to(3) == 0;
        job.durability = Durability::Process;
        let job = world.add(job);
        world.submit(job, if rng.up_to(7) == 0 { Start::Paused } else { Start::Now });
    }
}

#[test]
fn r7_limits_never_hold_each_other_up_and_none_is_exceeded() {
    each(100_000, |seed| {
        let mut rng = Rng::new(seed);
        let mut config = Config::default();
        config.limits = bounds(&mut rng);
        config.concurrency.initial = u32::try_from(1 + rng.up_to(7)).expect("small");
        let mut world = World::new(seed, config, false);
        world.weather.latency = (100, 4_000);
        // Down to a rate at which one part takes longer than the others' whole transfer.
        world.weather.rate = pick(&mut rng, &[(300, 3_000), (4_000, 400_000), (1 << 20, 1 << 20)]).expect("some");
        world.weather.throttle = pick(&mut rng, &[0, 0, 20]).expect("some");
        populate(&mut world, &mut rng);
        for _ in 0..rng.up_to(5) {
            world.run_for(rng.up_to(30_000));
            let job = usize::try_from(rng.up_to(3)).expect("small");
            match rng.up_to(7) {
                0 => world.pause(job),
                1 => world.resume(job),
                2 => world.cancel(job),
                3 => world.weigh(job, NonZeroU32::new(3).expect("not zero")),
                _ => {
                    let limits = bounds(&mut rng);
                    world.set_limits(limits);
                }
            }
            world.settle();
        }
        world.finish();
        let verdict = world.verdict();
        assert!(verdict.is_ok(), "{verdict:?}");
    });
}

/// Two downloads without end under random bounds: the parts of the first in a thousand.
fn share(seed: u64, weights: (u32, u32)) -> u64 {
    let mut rng = Rng::new(seed);
    let mut config = Config::default();
    config.limits = bounds(&mut rng);
    config.limits.downloads = 2;
    // A bound on one transfer below its share would be a share of its own.
    config.limits.per_task = config.limits.requests;
    config.limits.bytes_in_flight = pick(&mut rng, &[u64::MAX, 64 << 10, 200 << 10]).expect("some");
    let mut world = World::new(seed, config, false);
    world.weather.latency = (1_000, 1_000);
    world.weather.rate = (1 << 20, 1 << 20);
    let jobs = [weights.0, weights.1].map(|weight| {
        let job = download(&mut world, 4 << 30, Style::GOOD);
        world.jobs[job].part_size = PartSize::Bytes(64 << 10);
        world.jobs[job].parallel = most(16);
        world.jobs[job].journal = false;
        world.submit(job, Start::Now);
        world.weigh(job, NonZeroU32::new(weight).expect("a weight"));
        job
    });
    world.run_for(1_000_000);
    let before = jobs.map(|job| world.jobs[job].received);
    let parts = 1_200 * (64 << 10);
    let moved = |world: &World| [0, 1].map(|at| world.jobs[jobs[at]].received - before[at]);
    let limit = longhaul_core::Time::from_micros(world.time().as_micros() + 600_000_000);
    assert!(world.run_until(limit, |world| moved(world).iter().sum::<u64>() >= parts), "it moves");
    assert!(world.verdict().is_ok(), "{:?}", world.verdict());
    let [a, b] = moved(&world);
    a * 1_000 / (a + b)
}

#[test]
fn s2_shares_follow_weights_within_two_percent_under_any_bounds() {
    each(200, |seed| {
        let share = share(seed, (3, 1));
        assert!(share.abs_diff(750) <= 20, "{share} ‰ in place of 750");
    });
}
