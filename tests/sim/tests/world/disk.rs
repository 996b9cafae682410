//! The disk misbehaves: reads, writes and syncs that fail, room that runs out, files that vanish, are cut or replaced at any step
//! (cases D10, D12, U1).

use crate::common::*;
use crate::many::each;
use longhaul_core::error::{Error, FileFaultKind};
use longhaul_core::rng::Rng;
use longhaul_core::spec::Start;
use longhaul_core::{Checkpoint, Time};
use longhaul_sim::content::Content;
use longhaul_sim::disk::Edit;
use longhaul_sim::{Style, World};

const LEN: u64 = 60_000;

fn get(world: &mut World) -> usize {
    download(world, LEN, Style::GOOD)
}

fn fails_with(world: &World, job: usize, kinds: &[FileFaultKind]) -> bool {
    matches!(world.error(job), Some(Error::Disk(fault)) if kinds.contains(&fault.kind))
}

/// Somebody does something to the temporary file while it is written to. It is noticed, never published, and costs no more than
/// the file.
#[test]
fn d10_d12_a_temporary_file_that_is_cut_replaced_or_gone_at_any_step_is_noticed() {
    let mut noticed = 0;
    for edit in [Edit::Remove, Edit::Cut, Edit::Replace, Edit::Grow] {
        for at in 0..=steps(get) {
            let (mut world, job) = after(get, at, 2);
            world.edit_temporary(job, edit);
            end(&mut world, job);
            if !world.jobs[job].is_done() {
                assert!(fails_with(&world, job, &[FileFaultKind::Lost]), "{edit:?} {at}: {:?}", world.jobs[job].end);
                noticed += 1;
                go(&mut world, job);
            }
            done(&world, job);
            assert_eq!(world.disk.file("target0").map(|file| &file.content), Some(&Content::version(1, LEN)));
        }
    }
    assert!(noticed > 30, "{noticed}");
}

#[test]
fn u1_a_source_that_vanishes_or_changes_at_any_step_is_never_committed_mixed() {
    let mut missed = 0;
    for make in &KINDS[1..] {
        for edit in Edit::ALL {
            for at in 0..=steps(*make) {
                let (mut world, job) = after(*make, at, 2);
                world.edit_source(job, edit);
                end(&mut world, job);
                if edit == Edit::Remove && !world.jobs[job].is_done() {
                    assert!(fails_with(&world, job, &[FileFaultKind::NotFound]), "{at}: {:?}", world.jobs[job].end);
                    missed += 1;
                    world.edit_source(job, edit);
                }
                world.finish();
                sound(&world);
            }
        }
    }
    assert!(missed > 30, "{missed}");
}

/// Room runs out, and there is some again: at any moment, any number of times.
#[test]
fn d12_no_room_at_any_step_loses_nothing_that_was_stored() {
    for at in 0..=steps(get) {
        let (mut world, job) = after(get, at, 3);
        world.disk.full = true;
        end(&mut world, job);
        let full = !world.jobs[job].is_done();
        if full {
            assert!(fails_with(&world, job, &[FileFaultKind::Full]), "{at}: {:?}", world.jobs[job].end);
        }
        let recorded = world.journals.get(&job).and_then(|journal| Checkpoint::decode(journal).ok());
        let stored = recorded.map_or(0, |checkpoint| checkpoint.stored());
        let before = world.jobs[job].received;
        world.disk.full = false;
        if full {
            go(&mut world, job);
            assert!(world.jobs[job].received - before <= LEN - stored, "{at}: what was recorded is not fetched again");
        }
        done(&world, job);
    }
}

#[test]
fn d12_a_folder_that_turns_read_only_at_any_step_costs_nothing_that_was_stored() {
    for at in 0..=steps(get) {
        let (mut world, job) = after(get, at, 3);
        world.disk.read_only = true;
        end(&mut world, job);
        if !world.jobs[job].is_done() {
            assert!(fails_with(&world, job, &[FileFaultKind::ReadOnly]), "{at}: {:?}", world.jobs[job].end);
            world.disk.read_only = false;
            go(&mut world, job);
            assert!(world.jobs[job].received <= LEN + 8_192, "{at}: {}", world.jobs[job].received);
        }
        done(&world, job);
    }
}

/// Reads, writes, syncs and renames fail now and then; power goes now and then: every journal keeps its word (I12), and with a
/// disk that is well again everything ends whole.
#[test]
fn d12_a_failing_disk_never_makes_a_journal_promise_what_is_not_there() {
    each(3_000, |seed| {
        let mut rng = Rng::new(seed);
        let mut world = seeded(seed);
        let job = KINDS[usize::try_from(rng.up_to(3)).expect("small")](&mut world);
        world.jobs[job].parallel = most(4);
        for _ in 0..=rng.up_to(5) {
            world.weather.disk = u8::try_from(rng.up_to(90)).expect("small");
            world.weather.full = u8::try_from(rng.up_to(20)).expect("small");
            world.weather.rate = (20_000, 400_000);
            world.submit(job, Start::Now);
            world.settle();
            for _ in 0..rng.up_to(90) {
                world.step(Time::NEVER);
            }
            if rng.up_to(1) == 0 {
                world.crash(rng.up_to(1) == 0);
            }
        }
        world.finish();
        done(&world, job);
    });
}
