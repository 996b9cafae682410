//! A run goes on elsewhere: at another path, on another machine, with or without what was stored; and what it does with a journal
//! that somebody has harmed (cases D9, D10, U7).

use crate::common::*;
use longhaul_core::Time;
use longhaul_core::error::{Error, FileFaultKind};
use longhaul_core::spec::Start;
use longhaul_sim::transition::{Harm, Way};
use longhaul_sim::{JobKind, Style, World};

const LEN: u64 = 120_000;

fn get(world: &mut World) -> usize {
    download(world, LEN, Style::GOOD)
}

fn put(world: &mut World) -> usize {
    store(world, LEN)
}

/// Content that crossed the network.
fn crossed(world: &World) -> u64 {
    world.jobs[0].received + world.store.received + world.blocks.received + world.form.received
}

/// A run is killed when about so much has crossed the network, and its job goes elsewhere.
fn carried(make: fn(&mut World) -> usize, bytes: u64, way: Way, seed: u64) -> (World, usize) {
    let mut world = seeded(seed);
    let job = make(&mut world);
    world.jobs[job].parallel = most(2);
    world.submit(job, Start::Now);
    world.settle();
    while crossed(&world) < bytes && world.step(Time::NEVER) {}
    world.crash(false);
    world.carry(job, way);
    (world, job)
}

#[test]
fn d8_u7_with_its_file_a_transfer_goes_on_at_another_path_and_on_another_machine() {
    for make in [get, put] {
        for way in [Way::Path, Way::Machine] {
            for seed in 0..10 {
                let (mut world, job) = carried(make, 90_000, way, seed);
                go(&mut world, job);
                done(&world, job);
                // What was in flight, and two intervals, as after any crash.
                assert!(crossed(&world) <= LEN + 2 * 8_192 + 2 * 16_384, "{way:?} {}", crossed(&world));
                assert!(
                    world.disk.file("target0").is_none() && world.disk.file("store0").is_none(),
                    "not where it was"
                );
            }
        }
    }
}

#[test]
fn d10_the_checkpoint_alone_brings_a_download_back_from_its_first_byte() {
    for bytes in [1, 30_000, 90_000, LEN] {
        let (mut world, job) = carried(get, bytes, Way::Alone, 1);
        go(&mut world, job);
        done(&world, job);
        assert!(world.jobs[job].received >= LEN);
    }
}

/// Another file under the checkpoint of an upload: nothing of it is joined to what is there, and the error says what to do.
#[test]
fn u1_another_file_with_the_same_bytes_is_not_taken_for_the_source() {
    let (mut world, job) = carried(put, 60_000, Way::Alone, 1);
    go(&mut world, job);
    assert!(matches!(world.error(job), Some(Error::Disk(fault)) if fault.kind == FileFaultKind::Changed));
    world.finish();
    done(&world, job);
    assert!(world.store.sessions.is_empty(), "what was given up is gone");
}

#[test]
fn d8_u7_killed_and_carried_at_any_step_every_transfer_ends_whole() {
    for make in KINDS {
        for at in 0..=steps(make) {
            for way in Way::ALL {
                let (mut world, job) = after(make, at, 5);
                world.crash(true);
                world.carry(job, way);
                world.submit(job, Start::Now);
                world.run_for(30_000);
                world.crash(true);
                world.carry(job, Way::Path);
                world.finish();
                done(&world, job);
            }
        }
    }
}

#[test]
fn d9_a_harmed_journal_costs_time_and_never_a_byte() {
    for make in KINDS {
        for at in (0..=steps(make)).step_by(2) {
            for harm in Harm::ALL {
                let (mut world, job) = after(make, at, 3);
                world.crash(true);
                world.harm(job, harm);
                world.submit(job, Start::Now);
                world.run_for(40_000);
                world.crash(false);
                world.harm(job, harm);
                world.finish();
                done(&world, job);
            }
        }
    }
}

/// Of a journal whose end is lost the rest is the former generation, and counts.
#[test]
fn d9_a_torn_journal_is_believed_up_to_the_tear() {
    let (mut world, job) = after(get, 60, 1);
    world.crash(false);
    let whole = world.journals.get(&job).expect("there is one").clone();
    let stored =
        |journal: &[u8]| longhaul_core::Checkpoint::decode(journal).map_or(0, |checkpoint| checkpoint.stored());
    assert!(stored(&whole) > 10_000, "{}", stored(&whole));
    let mut last = 0;
    for len in 0..=whole.len() {
        let now = stored(&whole[..len]);
        assert!(now >= last, "more of it is never less");
        last = now;
    }
    world.journals.insert(job, whole[..whole.len() - 1].to_vec());
    let before = world.jobs[job].received;
    go(&mut world, job);
    done(&world, job);
    assert!(world.jobs[job].received - before < LEN - 10_000, "the rest of it counted");
}

/// A damaged end takes the word with it that says what the parts before it are worth.
#[test]
fn d9_u1_parts_are_not_believed_without_what_they_belong_to() {
    let record = |world: &mut World| {
        let job = blocks(world, 30_000);
        world.jobs[job].part_size = longhaul_core::layout::PartSize::Bytes(1 << 10);
        world.submit(job, Start::Now);
        while world.blocks.received < 20_000 && world.step(Time::NEVER) {}
        let task = world.jobs[job].task.expect("at work");
        world.engine.checkpoint(task).expect("it has begun").encode()
    };
    let whole = record(&mut seeded(1)).len();
    for len in (0..whole).rev().step_by(3) {
        let mut world = seeded(1);
        let journal = record(&mut world);
        world.crash(false);
        world.journals.insert(0, journal[..len].to_vec());
        world.edit_source(0, longhaul_sim::disk::Edit::Replace);
        go(&mut world, 0);
        done(&world, 0);
    }
}

#[test]
fn d9_what_a_newer_version_wrote_is_left_alone_and_the_transfer_starts_afresh() {
    let (mut world, job) = after(get, 40, 1);
    world.crash(false);
    world.harm(job, Harm::Newer);
    let journal = world.journals.get(&job).expect("there is one");
    let refused = longhaul_core::Checkpoint::decode(journal);
    assert!(matches!(refused, Err(longhaul_core::checkpoint::CheckpointError::Newer(2))), "{refused:?}");
    go(&mut world, job);
    done(&world, job);
    assert!(matches!(world.jobs[job].kind, JobKind::Get { .. }) && world.jobs[job].received >= LEN);
}
