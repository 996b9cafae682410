//! Death at every single step of a run, one after another: how little is done again (cases D8, U1, U4, U7, U8).

use crate::common::*;
use longhaul_core::event::State;
use longhaul_core::spec::Durability;
use longhaul_sim::disk::Edit;
use longhaul_sim::{Style, World};

const LEN: u64 = 120_000;
/// Two requests in flight, one interval, and as much while a checkpoint was being written.
const ALLOWED: u64 = 2 * 8_192 + 2 * (16 << 10);

fn put(world: &mut World) -> usize {
    let job = store(world, LEN);
    world.jobs[job].parallel = most(2);
    job
}

/// Also in the last steps: what was verified is not fetched again because its record went too early.
#[test]
fn d8_killed_at_every_single_step_a_download_fetches_little_again() {
    let make = |world: &mut World| {
        let job = download(world, LEN, Style { digest: true, ..Style::GOOD });
        world.jobs[job].parallel = most(2);
        world.jobs[job].durability = Durability::Process;
        job
    };
    for at in 0..=steps(make) {
        let (mut world, job) = after(make, at, 3);
        // Done; the next run would begin anew.
        if world.disk.file("target0").is_some() {
            break;
        }
        world.crash(false);
        world.finish();
        done(&world, job);
        let received = world.jobs[job].received;
        assert!(received <= LEN + ALLOWED, "step {at}: {received}\n{}", tail(&world));
    }
}

/// The same for uploads: also when all that was left was the commit, or its answer.
#[test]
fn u4_u7_killed_or_paused_at_every_single_step_an_upload_sends_little_again() {
    for at in 0..=steps(put) {
        for paused in [false, true] {
            let (mut world, job) = after(put, at, 3);
            if paused {
                world.pause(job);
                world.run_for(5_000_000);
            }
            // Done, and the record may be gone.
            if !world.store.objects.is_empty() && matches!(world.state(job), None | Some(State::Ending)) {
                continue;
            }
            world.crash(false);
            world.finish();
            done(&world, job);
            let received = world.store.received;
            assert!(received <= LEN + ALLOWED, "step {at}: {received}\n{}", tail(&world));
            assert_eq!(world.store.objects.len(), 1);
        }
    }
}

/// What the server says of its parts wins over the record, whenever it is asked.
#[test]
fn u8_parts_lost_or_replaced_on_the_server_are_sent_again() {
    let mut told = 0;
    for at in 0..=steps(put) {
        for lost in [false, true] {
            let (mut world, job) = after(put, at, 3);
            world.pause(job);
            world.run_for(5_000_000);
            world.crash(false);
            for session in world.store.sessions.values_mut() {
                if lost {
                    session.parts.pop_first();
                } else if let Some(mut part) = session.parts.first_entry() {
                    part.get_mut().tag = "\"other\"".into();
                }
                told += session.parts.len();
            }
            world.finish();
            done(&world, job);
        }
    }
    assert!(told > 0, "there were parts");
}

/// Edits that keep size and time, all over the file: what was sent before and what is sent after must not become one object.
#[test]
fn u1_a_source_edited_stealthily_between_two_runs_is_uploaded_anew() {
    for at in 0..=steps(put) {
        let (mut world, job) = after(put, at, 3);
        world.pause(job);
        world.run_for(5_000_000);
        world.crash(false);
        for _ in 0..40 {
            world.edit_source(job, Edit::Stealth);
        }
        world.finish();
        done(&world, job);
    }
}
