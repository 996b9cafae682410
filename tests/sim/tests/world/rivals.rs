//! Two processes: one target (case D11), one object (case U8).

use crate::common::*;
use crate::many::each;
use longhaul_core::error::{Error, FileFaultKind};
use longhaul_core::rng::Rng;
use longhaul_core::spec::Start;
use longhaul_core::{Checkpoint, Time};
use longhaul_sim::content::Content;
use longhaul_sim::server::flavour::Flavour;
use longhaul_sim::server::store::Habits;
use longhaul_sim::world::OTHER;
use longhaul_sim::{JobKind, Style, Weather, World};

const LEN: u64 = 120_000;

/// The same download in two processes: same URL, same target, same journal.
fn twins(seed: u64) -> World {
    let mut world = seeded(seed);
    let job = download(&mut world, LEN, Style::GOOD);
    let mut twin = world.jobs[job].clone();
    twin.process = OTHER;
    twin.shares = Some(job);
    world.add(twin);
    world
}

fn is_busy(world: &World, job: usize) -> bool {
    matches!(world.error(job), Some(Error::Disk(fault)) if fault.kind == FileFaultKind::Busy)
}

/// The first has begun to write.
fn begun(seed: u64) -> World {
    let mut world = twins(seed);
    world.weather.rate = (50_000, 50_000);
    world.submit(0, Start::Now);
    assert!(world.run_until(Time::from_micros(60_000_000), |world| world.jobs[0].received > 60_000));
    world
}

#[test]
fn d11_of_two_processes_one_gets_a_clean_busy_and_leaves_the_other_alone() {
    let mut world = begun(1);
    let there = world.journals.get(&0).cloned();
    world.submit(1, Start::Now);
    end(&mut world, 1);
    assert!(is_busy(&world, 1), "{:?}", world.jobs[1].end);
    assert!(there.is_some() && world.disk.is_held("target0"));
    end(&mut world, 0);
    done(&world, 0);
    assert!(world.jobs[0].received < LEN + 20_000, "nothing was fetched again: {}", world.jobs[0].received);
    // By now nobody is at work.
    go(&mut world, 1);
    done(&world, 1);
}

/// Whoever is refused and then cancelled takes nothing along: neither the other's file nor its record.
#[test]
fn d11_cancelling_the_refused_run_costs_the_other_nothing() {
    for at in 0..12 {
        let mut world = begun(at);
        world.submit(1, Start::Now);
        for _ in 0..at {
            world.step(Time::NEVER);
        }
        world.cancel(1);
        end(&mut world, 1);
        assert!(world.jobs[1].events.iter().all(|event| !format!("{event:?}").contains("CheckpointFailed")));
        let before = world.jobs[0].received;
        let recorded = world.journals.get(&0).and_then(|journal| Checkpoint::decode(journal).ok());
        let stored = recorded.map_or(0, |checkpoint| checkpoint.stored());
        assert!(stored > 5_000, "its record is still there: {stored}");
        world.crash(false);
        go(&mut world, 0);
        done(&world, 0);
        assert!(world.jobs[0].received <= LEN + before - stored, "and is gone on from");
    }
}

#[test]
fn d11_a_crash_lets_go_of_the_target() {
    for seed in 0..20 {
        let mut world = begun(seed);
        world.crash(false);
        assert!(!world.disk.is_held("target0"));
        let before = world.jobs[0].received;
        // The other one finds the record of the first and goes on from it.
        go(&mut world, 1);
        done(&world, 1);
        assert!(before + world.jobs[1].received < LEN + 60_000, "{before} and {}", world.jobs[1].received);
    }
    let mut world = begun(1);
    world.submit(1, Start::Now);
    world.crash_other();
    end(&mut world, 0);
    done(&world, 0);
}

/// Both at any time, with crashes of either: the target is absent or whole, and both get done in the end.
#[test]
fn d11_two_processes_and_every_interleaving_end_with_one_whole_file() {
    each(2_000, |seed| {
        let mut rng = Rng::new(seed);
        let mut world = twins(seed);
        world.weather.rate = (20_000, 400_000);
        for _ in 0..12 {
            let job = usize::try_from(rng.up_to(1)).expect("small");
            match rng.up_to(7) {
                0..=2 => drop(world.submit(job, Start::Now)),
                3 => world.cancel(job),
                4 => world.pause(job),
                5 => world.resume(job),
                6 => world.crash(rng.up_to(1) == 0),
                _ => world.crash_other(),
            }
            world.run_for(rng.up_to(800_000));
            let file = world.disk.file("target0");
            assert!(file.is_none_or(|file| file.content == Content::version(1, LEN)), "seed {seed}");
        }
        world.finish();
        sound(&world);
    });
}

/// A second writer of the same object, from a source of its own, in a process of its own.
fn writers(seed: u64, kind: JobKind, len: u64) -> World {
    let mut world = seeded(seed);
    let (JobKind::Store { source } | JobKind::Blocks { source }) = &kind else {
        unreachable!("only these have keys of one's own choice");
    };
    let (file, other) = (source.clone(), format!("{source}.other"));
    world.put_source(&file, LEN);
    world.disk.put(&other, Content::version(8, len));
    let first = world.add(longhaul_sim::Job::new(kind));
    let mut second = world.jobs[first].clone();
    second.process = OTHER;
    second.place = Some(other);
    second.sources.clear();
    world.add(second);
    world
}

fn ends_as_one_of_both(seed: u64, kind: JobKind) {
    let mut rng = Rng::new(seed);
    let len = if rng.up_to(1) == 0 { LEN } else { rng.up_to(LEN) };
    let mut world = writers(seed, kind, len);
    world.store.flavour =
        [Flavour::PLAIN, Flavour::S3, Flavour::R2, Flavour::OSS][usize::try_from(rng.up_to(3)).expect("small")];
    if rng.up_to(2) == 0 {
        world.weather = Weather::draw(&mut rng);
        world.store.habits = Habits {
            sour: rng.up_to(3),
            mute: rng.up_to(3),
            contended: rng.up_to(3),
            reluctant: 0,
            lingering: rng.up_to(1) == 0,
        };
        world.blocks.mute = rng.up_to(3);
    }
    for _ in 0..8 {
        let job = usize::try_from(rng.up_to(1)).expect("small");
        match rng.up_to(9) {
            0..=5 => drop(world.submit(job, Start::Now)),
            6 => world.cancel(job),
            7 => world.crash(false),
            8 => world.crash_other(),
            _ => world.run_for(3_000_000),
        }
        world.run_for(rng.up_to(60_000));
    }
    world.submit(0, Start::Now);
    world.submit(1, Start::Now);
    world.finish();
    sound(&world);
    let stored = match &world.jobs[0].kind {
        JobKind::Blocks { source } => world.blocks.blobs.get(&format!("/{source}")).map(|blob| &blob.content),
        JobKind::Store { source } => world.store.objects.get(&format!("/{source}")).map(|object| &object.content),
        _ => None,
    };
    let stored = stored.expect("somebody has written it");
    let both = [Content::version(7, LEN), Content::version(8, len)];
    assert!(both.contains(stored), "seed {seed}: {stored:?}");
}

#[test]
fn u8_two_writers_of_one_key_end_as_exactly_one_source() {
    each(1_000, |seed| ends_as_one_of_both(seed, JobKind::Store { source: "key".into() }));
}

#[test]
fn u8_two_writers_of_one_blob_end_as_exactly_one_source() {
    each(1_000, |seed| ends_as_one_of_both(seed, JobKind::Blocks { source: "key".into() }));
}

/// What a record names was written anew by another run, which synced nothing of it: it is read back right, and not safe (world
/// 775372).
#[test]
fn d1_what_is_found_again_is_synced_before_it_is_recorded_again() {
    let mut world = seeded(1);
    let job = download(&mut world, LEN, Style::GOOD);
    let mut other = world.jobs[job].clone();
    other.journal = false;
    let other = world.add(other);
    world.weather.rate = (50_000, 50_000);
    for job in [job, other] {
        world.submit(job, Start::Now);
        assert!(world.run_until(Time::from_micros(60_000_000), |world| world.jobs[job].received > 60_000));
        world.crash(false);
    }
    world.submit(job, Start::Now);
    world.run_for(2_000_000);
    sound(&world);
    // Nor is anything lost of what the record had.
    world.crash(true);
    go(&mut world, job);
    done(&world, job);
}
