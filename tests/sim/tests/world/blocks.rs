//! Uploads to a store of blocks: no session, nothing to abort, and a commit that must be sent (cases U1, U4, U6–U9).

use crate::common::*;
use http::Method;
use longhaul_core::error::{Error, ServerFaultKind};
use longhaul_core::event::EventKind;
use longhaul_core::spec::Start;
use longhaul_core::{Phase, Time};
use longhaul_sim::content::Content;
use longhaul_sim::disk::Edit;
use longhaul_sim::server::condition::Condition;
use longhaul_sim::{Act, Fate, Rule, World};

const LEN: u64 = 60_000;
const KEY: &str = "/blocks0";

fn job(world: &mut World) -> usize {
    blocks(world, LEN)
}

/// What another program had stored under the same name.
fn old() -> Content {
    Content::version(77, 1_000)
}

fn stored(world: &World) -> Option<&Content> {
    world.blocks.blobs.get(KEY).map(|blob| &blob.content)
}

#[test]
fn blocks_of_any_number_become_one_blob() {
    for len in [0, 1, 8_191, 8_192, 8_193, LEN, 400_000] {
        let mut world = world();
        let job = blocks(&mut world, len);
        go(&mut world, job);
        done(&world, job);
        assert_eq!((world.blocks.commits, world.blocks.received), (1, len));
        assert!(world.blocks.staged.is_empty() && !world.journals.contains_key(&job));
    }
}

#[test]
fn u1_a_source_touched_between_two_runs_goes_up_again_under_other_names() {
    for edit in Edit::ALL.into_iter().filter(|edit| *edit != Edit::Remove) {
        for at in (0..=steps(job)).step_by(3) {
            for seed in 0..3 {
                let (mut world, job) = after(job, at, seed);
                let committed = world.blocks.commits > 0;
                let former: Vec<String> =
                    world.blocks.staged.values().flat_map(|blocks| blocks.keys().cloned()).collect();
                // What was on its way may arrive after the crash, with the former bytes.
                world.crash(true);
                world.edit_source(job, edit);
                world.finish();
                done(&world, job);
                let names = world.blocks.blobs[KEY].blocks.iter().map(|(name, _)| name);
                assert!(committed || !names.clone().any(|name| former.contains(name)), "{edit:?} at {at}");
            }
        }
    }
}

#[test]
fn u4_blocks_of_a_former_run_are_committed_and_not_sent_again() {
    let mut world = world();
    let job = job(&mut world);
    world.rules.0.push_back(Rule::new(Act::Status(400, None)).url("blocklist").method(Method::PUT).times(1));
    go(&mut world, job);
    assert!(world.error(job).is_some(), "the commit was refused");
    assert_eq!((world.blocks.received, world.blocks.commits), (LEN, 0));
    world.arrived.clear();
    go(&mut world, job);
    done(&world, job);
    assert_eq!((arrived(&world, Method::PUT, "comp=block&"), world.blocks.commits), (0, 1));
}

#[test]
fn u6_a_commit_whose_answer_is_lost_is_reconciled_by_asking() {
    for fate in [Fate::Lost, Fate::StallHead, Fate::ResetSending(3), Fate::ResetBody(0), Fate::ShortBody(0)] {
        for times in [1, 3] {
            let mut world = world();
            let job = job(&mut world);
            let rule = Rule::new(Act::Net(fate)).url("blocklist").method(Method::PUT).times(times);
            world.rules.0.push_back(rule);
            go(&mut world, job);
            done(&world, job);
            assert_eq!((world.blocks.commits, world.blocks.received), (1, LEN), "{fate:?}");
        }
    }
    let mut world = world();
    let job = job(&mut world);
    world.blocks.mute = 1;
    go(&mut world, job);
    done(&world, job);
    assert_eq!(world.blocks.commits, 1, "an error after the effect is no reason to commit again");
}

#[test]
fn u7_blocks_that_are_gone_go_up_again_under_other_names() {
    for at in 0..=steps(job) {
        let (mut world, job) = after(job, at, 1);
        world.blocks.forget();
        end(&mut world, job);
        done(&world, job);
        let names: Vec<&str> = world.blocks.blobs[KEY].blocks.iter().map(|(name, _)| &name[..32]).collect();
        assert!(names.windows(2).all(|two| two[0] == two[1]), "one upload's blocks: {names:?}");
    }
}

/// Found by a seed: the parts that were acknowledged in the same run are gone when it asks for them after its commit failed.
#[test]
fn u7_c12_blocks_that_are_gone_after_a_commit_without_effect_are_told_of_and_counted_once() {
    let (mut world, job) = after(job, 20, 1);
    world.crash(false);
    world.submit(job, Start::Now);
    let commits = |world: &World| world.jobs[job].events.contains(&EventKind::Phase(Phase::Committing));
    assert!(world.run_until(Time::NEVER, commits));
    let reset = Rule::new(Act::Net(Fate::ResetSending(0))).method(Method::PUT).url("comp=blocklist");
    world.rules.0.push_back(reset.times(1));
    world.blocks.forget();
    end(&mut world, job);
    done(&world, job);
    let told = world.jobs[job].events.iter().filter(|event| matches!(event, EventKind::Restarted(_))).count();
    assert_eq!(told, 1, "{}", tail(&world));
}

#[test]
fn u8_two_writers_on_one_blob_end_as_exactly_one_source() {
    for at in 0..=steps(job) {
        let (mut world, job) = after(job, at, 1);
        if world.blocks.commits > 0 {
            break;
        }
        // The other one commits: whatever is staged is gone.
        world.blocks.put(KEY, old());
        world.blocks.forget();
        end(&mut world, job);
        done(&world, job);
        assert_eq!(stored(&world), Some(&Content::version(7, LEN)), "at {at}");
    }
}

#[test]
fn u9_a_cancel_at_any_step_leaves_an_existing_blob_untouched() {
    for at in 0..=steps(job) {
        let mut world = world();
        let job = job(&mut world);
        world.blocks.put(KEY, old());
        world.submit(job, Start::Now);
        world.settle();
        for _ in 0..at {
            world.step(Time::NEVER);
        }
        world.cancel(job);
        end(&mut world, job);
        assert_eq!((world.blocks.removed, arrived(&world, Method::DELETE, "")), (0, 0));
        let expected = if world.blocks.commits == 0 { old() } else { Content::version(7, LEN) };
        assert_eq!(stored(&world), Some(&expected), "at {at}");
        assert_eq!(world.jobs[job].is_done(), world.blocks.commits > 0, "at {at}: {:?}", world.jobs[job].end);
        assert!(!world.journals.contains_key(&job));
    }
}

#[test]
fn u9_before_the_commit_the_blob_is_what_it_was() {
    let mut world = world();
    let job = job(&mut world);
    world.blocks.put(KEY, old());
    world.submit(job, Start::Now);
    while world.blocks.commits == 0 && world.step(Time::NEVER) {
        assert!(world.blocks.commits > 0 || stored(&world) == Some(&old()));
    }
    end(&mut world, job);
    done(&world, job);
}

#[test]
fn a_blob_that_must_not_be_there_stops_the_commit_unless_it_is_ones_own() {
    let refused = |condition: Condition| {
        let mut world = world();
        let job = job(&mut world);
        world.blocks.put(KEY, old());
        world.jobs[job].condition = condition;
        go(&mut world, job);
        assert_eq!(stored(&world) == Some(&old()), world.error(job).is_some());
        matches!(world.error(job), Some(Error::Server(fault)) if fault.kind == ServerFaultKind::Conflict)
    };
    assert!(refused(Condition::Absent) && refused(Condition::Tag("0x9".into())));
    assert!(!refused(Condition::Tag("0x0".into())) && !refused(Condition::None));
    // A stale connection is repeated without being counted, and may have carried the commit all the same.
    for (fate, times) in [(Fate::Lost, 1), (Fate::Lost, 2), (Fate::Lost, 3), (Fate::LostStale, 1), (Fate::LostStale, 5)]
    {
        let mut world = world();
        let job = job(&mut world);
        world.jobs[job].condition = Condition::Absent;
        world.rules.0.push_back(Rule::new(Act::Net(fate)).url("blocklist").times(times));
        go(&mut world, job);
        done(&world, job);
        assert_eq!(world.blocks.commits, 1);
    }
}
