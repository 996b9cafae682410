//! Death at any step: what survives, and how little is done again (cases D8, U7).

use crate::common::*;
use crate::many::each;
use longhaul_core::Phase;
use longhaul_core::Time;
use longhaul_core::event::EventKind;
use longhaul_core::rng::Rng;
use longhaul_core::spec::{Durability, Start};
use longhaul_sim::{JobKind, Style, World};

const LEN: u64 = 120_000;
/// Checkpoints are written at least this often, in bytes.
const INTERVAL: u64 = 16 << 10;
/// A request is for this many.
const PART: u64 = 8 << 10;

fn get(world: &mut World) -> usize {
    download(world, LEN, Style::GOOD)
}

fn put_form(world: &mut World) -> usize {
    form(world, LEN)
}

fn put_store(world: &mut World) -> usize {
    store(world, LEN)
}

fn put_blocks(world: &mut World) -> usize {
    blocks(world, LEN)
}

/// Content that crossed the network for the one job of this world.
fn crossed(world: &World) -> u64 {
    match world.jobs[0].kind {
        JobKind::Get { .. } => world.jobs[0].received,
        JobKind::Form { .. } => world.form.received,
        JobKind::Store { .. } | JobKind::Plan { .. } => world.store.received,
        JobKind::Blocks { .. } => world.blocks.received,
        JobKind::Own { .. } => unreachable!("none of them"),
    }
}

fn kill(make: fn(&mut World) -> usize, seed: u64, power: bool, durability: Durability) {
    let mut rng = Rng::new(seed);
    let mut world = seeded(seed);
    let job = make(&mut world);
    world.jobs[job].durability = durability;
    let requests = 1 + rng.up_to(3);
    world.jobs[job].parallel = most(u32::try_from(requests).expect("small"));
    world.weather.rate = (8_000, 400_000);
    world.submit(job, Start::Now);
    world.settle();
    let mut allowed = 0;
    for _ in 0..=rng.up_to(3) {
        for _ in 0..rng.up_to(60) {
            world.step(Time::NEVER);
        }
        if world.jobs[job].task.is_none() {
            break;
        }
        // What was in flight, and an interval.
        allowed += requests * PART + INTERVAL;
        let phase = world.jobs[job].events.iter().rev().find(|event| matches!(event, EventKind::Phase(_)));
        let cleaning = phase == Some(&EventKind::Phase(Phase::Cleaning));
        world.crash(power);
        if cleaning && !world.journals.contains_key(&job) {
            // All that was left to do was to say so; whoever submits it again wants it again.
            sound(&world);
            return;
        }
        if let JobKind::Get { target, .. } = &world.jobs[job].kind {
            let there = world.disk.file(target);
            assert!(there.is_none_or(|file| file.content.pure() == Some(1) && file.content.len() == LEN));
        }
        world.submit(job, Start::Now);
        world.settle();
    }
    world.finish();
    done(&world, job);
    let all = crossed(&world);
    assert!(all <= LEN + allowed, "seed {seed}: {all} bytes for {LEN}\n{}", tail(&world));
}

#[test]
fn d8_killed_at_any_step_a_download_ends_whole_and_fetches_little_again() {
    each(10_000, |seed| {
        let (power, durability) = match seed % 3 {
            0 => (true, Durability::Power),
            1 => (false, Durability::Power),
            _ => (false, Durability::Process),
        };
        kill(get, seed, power, durability);
    });
}

fn put_undigested(world: &mut World) -> usize {
    let job = put_store(world);
    world.jobs[job].tune = Some(|spec| spec.recheck = false);
    job
}

/// As long as nobody touches the source, its parts are believed without digests; of a download's stretches nothing is.
#[test]
fn d8_u7_without_digests_an_upload_goes_on_and_a_download_begins_anew() {
    each(5_000, |seed| kill(put_undigested, seed, seed % 2 == 0, Durability::Power));
    let get_undigested = |world: &mut World| {
        let job = get(world);
        world.jobs[job].tune = Some(|spec| spec.recheck = false);
        job
    };
    for at in 0..=steps(get_undigested) {
        let (mut world, job) = after(get_undigested, at, 3);
        world.crash(at % 2 == 0);
        world.finish();
        done(&world, job);
        let reused = world.jobs[job].events.iter().all(|event| !matches!(event, EventKind::Moving { reused: 1.., .. }));
        assert!(reused, "{at}");
    }
}

#[test]
fn u7_killed_at_any_step_an_upload_ends_whole_and_sends_little_again() {
    each(10_000, |seed| {
        let make = [put_form, put_store, put_blocks][usize::try_from(seed % 3).expect("small")];
        kill(make, seed, seed % 2 == 0, Durability::Power);
    });
}

/// Every step, once, and no other fault: nothing hides behind a seed.
#[test]
fn d8_u7_every_single_step_can_be_the_last() {
    for make in KINDS {
        for at in 0..=steps(make) {
            for power in [false, true] {
                let (mut world, job) = after(make, at, 11);
                world.crash(power);
                world.finish();
                done(&world, job);
            }
        }
    }
}

/// A journal slower than the network: what must be recorded first is waited for.
#[test]
fn u7_a_slow_journal_loses_no_session() {
    for at in 0..80 {
        for seed in 0..4 {
            let mut world = seeded(seed);
            world.journal_takes = (100_000, 400_000);
            let job = put_store(&mut world);
            world.submit(job, Start::Now);
            world.settle();
            for _ in 0..at {
                world.step(Time::NEVER);
            }
            world.crash(true);
            world.finish();
            done(&world, job);
            assert!(world.store.commits == 1, "committed once");
        }
    }
}

/// A checkpoint belongs to the object, not to the machine: another engine on another disk continues what the record and the
/// file say.
#[test]
fn a_record_without_its_file_starts_over_cleanly() {
    let (mut world, job) = after(get, 30, 1);
    world.crash(false);
    world.disk.remove(".target0.part");
    world.finish();
    done(&world, job);
}

/// A run died while it opened a session: whoever cancels it unseen is told that there may be one.
#[test]
fn a_session_that_may_be_open_is_told_of_when_its_record_goes() {
    let mut orphans = 0;
    for at in 0..=steps(put_store) {
        for seed in 0..4 {
            let (mut world, job) = after(put_store, at, seed);
            world.crash(true);
            world.submit(job, Start::Paused);
            world.cancel(job);
            world.finish();
            sound(&world);
            orphans += world.store.sessions.len();
        }
    }
    assert!(orphans > 0, "the case still occurs");
}
