//! What a cancel leaves where the application wants to go on later, and what an earlier run left (cases C5, C9, D8).

use crate::common::*;
use http::Method;
use longhaul_core::error::Error;
use longhaul_core::spec::Start;
use longhaul_core::{Phase, Time};
use longhaul_sim::disk::temporary;
use longhaul_sim::{Style, World};

const LEN: u64 = 100_000;

/// Cancelled half-way, to be gone on with.
fn cancelled(make: fn(&mut World) -> usize) -> (World, usize) {
    let mut world = world();
    let job = make(&mut world);
    world.jobs[job].parallel = most(1);
    world.jobs[job].tune = Some(|spec| spec.keep_on_cancel = true);
    world.weather.rate = (16 << 10, 16 << 10);
    world.submit(job, Start::Now);
    world.run_for(4_000_000);
    world.cancel(job);
    end(&mut world, job);
    assert_eq!(world.error(job), Some(&Error::Cancelled));
    (world, job)
}

#[test]
fn c5_a_cancelled_download_that_is_kept_is_gone_on_with() {
    let (mut world, job) = cancelled(|world| download(world, LEN, Style::GOOD));
    assert!(world.journals.contains_key(&job) && world.disk.file(&temporary("target0")).is_some());
    assert!(world.disk.file("target0").is_none());
    let before = world.jobs[job].received;
    assert!(before > LEN / 3 && before < LEN, "{before}");
    go(&mut world, job);
    done(&world, job);
    assert_eq!(world.jobs[job].received, LEN, "no byte is fetched twice");
}

#[test]
fn c5_a_cancelled_upload_that_is_kept_is_gone_on_with_in_the_same_session() {
    let (mut world, job) = cancelled(|world| store(world, LEN));
    assert!(world.journals.contains_key(&job));
    assert_eq!((world.store.sessions.len(), world.store.aborts, world.jobs[job].orphans_told), (1, 0, 0));
    go(&mut world, job);
    done(&world, job);
    assert_eq!((arrived(&world, Method::POST, "?open"), world.store.commits), (1, 1));
    // At most the part that was under way.
    assert!(world.store.received <= LEN + (8 << 10), "{}", world.store.received);
}

/// Without a record nobody could go on with it.
#[test]
fn c5_a_cancelled_upload_without_a_record_is_given_up_all_the_same() {
    let (world, _) = cancelled(|world| {
        let job = store(world, LEN);
        world.jobs[job].journal = false;
        job
    });
    assert_eq!((world.store.sessions.len(), world.store.aborts), (0, 1));
}

/// What an earlier run recorded is not forgotten before the disk was looked at: who asks then is told of it.
#[test]
fn d8_a_resumed_download_tells_what_is_recorded_before_it_is_compared() {
    let mut world = world();
    let job = download(&mut world, LEN, Style::GOOD);
    world.jobs[job].parallel = most(1);
    world.weather.rate = (16 << 10, 16 << 10);
    world.submit(job, Start::Now);
    world.run_for(4_000_000);
    world.crash(false);
    let recorded = |world: &World| {
        let journal = world.journals.get(&job).expect("a record");
        longhaul_core::Checkpoint::decode(journal).expect("a record").stored()
    };
    let before = recorded(&world);
    assert!(before > 0);
    let task = world.submit(job, Start::Now).expect("submitted");
    world.settle();
    let mut seen = Vec::new();
    while world.state(job) != Some(longhaul_core::event::State::Active(Phase::Moving)) {
        assert!(world.step(Time::NEVER), "it begins to move");
        let Some(checkpoint) = world.engine.checkpoint(task) else { continue };
        assert_eq!((checkpoint.stored(), recorded(&world)), (before, before), "{:?}", world.state(job));
        seen.extend(world.state(job));
    }
    assert!(seen.len() > 2, "{seen:?}");
    end(&mut world, job);
    done(&world, job);
}
