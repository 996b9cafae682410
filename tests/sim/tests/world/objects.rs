//! Objects that change while they are downloaded (cases D1, D4): a new beginning or an error, never a file of two versions.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::common::*;
use crate::many::each;
use longhaul_core::event::EventKind;
use longhaul_core::layout::PartSize;
use longhaul_core::rng::Rng;
use longhaul_core::spec::{OnChange, Probing, Start};
use longhaul_sim::server::ranged::{Ranges, Tag};
use longhaul_sim::weather::pick;
use longhaul_sim::{Act, JobKind, Rule, Style, Weather, World};

/// How a server tells its versions apart. By date alone it can only within seconds, so changes are a second apart.
fn style(rng: &mut Rng) -> Style {
    let mut style = Style::GOOD;
    style.tag = pick(rng, &[Tag::Strong, Tag::Strong, Tag::Strong, Tag::Weak, Tag::None, Tag::PerNode]).expect("some");
    style.dates = rng.up_to(3) > 0;
    style.ranges = pick(rng, &[Ranges::Yes, Ranges::Yes, Ranges::Silent, Ranges::No]).expect("some");
    style.digest = rng.up_to(3) == 0;
    style.chunked = rng.up_to(7) == 0;
    style
}

/// A download by several requests side by side.
fn begin(world: &mut World, rng: &mut Rng) -> usize {
    let style = style(rng);
    let job = download(world, 1 + rng.up_to(80_000), style);
    world.jobs[job].part_size = PartSize::Bytes(1 << 10 << rng.up_to(3));
    world.jobs[job].parallel = most(2 + u32::try_from(rng.up_to(6)).expect("small"));
    world.jobs[job].tune = Some(match rng.up_to(3) {
        0 => |spec| spec.on_change = OnChange::Fail,
        1 => |spec| spec.probing = Probing::FirstRange,
        _ => |_| (),
    });
    world.weather.rate = (20_000, 400_000);
    world.submit(job, Start::Now);
    job
}

/// What is under the target's name, if anything is, is one version from end to end.
#[track_caller]
fn never_mixed(world: &World, job: usize) {
    let JobKind::Get { path, target, .. } = &world.jobs[job].kind else {
        unreachable!("a download");
    };
    let history = &world.ranged.object(path).expect("an object").history;
    if let Some(file) = world.disk.file(target) {
        let len = file.content.len();
        let whole =
            history.iter().any(|&(version, of)| of == len && (len == 0 || file.content.pure() == Some(version)));
        assert!(whole, "mixed: {:?} of {history:?}\n{}", file.content, tail(world));
    }
}

#[test]
fn d1_an_object_that_changes_between_any_two_requests_is_never_mixed() {
    let (changed, restarted) = (AtomicU64::new(0), AtomicU64::new(0));
    each(10_000, |seed| {
        let mut rng = Rng::new(seed);
        let mut world = seeded(seed);
        if rng.up_to(3) == 0 {
            world.weather = Weather::draw(&mut rng);
        }
        let job = begin(&mut world, &mut rng);
        let JobKind::Get { path, .. } = world.jobs[job].kind.clone() else {
            panic!("a download");
        };
        for _ in 0..=rng.up_to(2) {
            for _ in 0..rng.up_to(60) {
                world.step(longhaul_core::Time::NEVER);
            }
            never_mixed(&world, job);
            changed.fetch_add(u64::from(world.jobs[job].task.is_some()), Ordering::Relaxed);
            world.change_object(&path);
            match rng.up_to(9) {
                0 => world.crash(true),
                1 => world.pause(job),
                _ => {}
            }
            // A validator of whole seconds cannot see two changes within one.
            world.run_for(1_000_000 + rng.up_to(400_000));
            if rng.up_to(1) == 0 {
                world.resume(job);
                world.submit(job, Start::Now);
            }
        }
        world.finish();
        sound(&world);
        never_mixed(&world, job);
        let again = world.jobs[job].events.iter().any(|event| matches!(event, EventKind::Restarted(_)));
        restarted.fetch_add(u64::from(again), Ordering::Relaxed);
    });
    let (changed, restarted) = (changed.into_inner(), restarted.into_inner());
    println!("{changed} changes while it ran, {restarted} runs began anew");
    assert!(changed > 0 && restarted > 0, "the scenario still meets its subject");
}

/// What a server said of an object's length may be of another version than the one that comes.
#[test]
fn d4_a_length_told_by_a_probe_does_not_cut_what_comes_without_one() {
    let loose = Style { tag: Tag::None, dates: false, chunked: true, ..Style::GOOD };
    let mut longer = 0;
    for seed in 0..12 {
        let mut world = seeded(seed);
        let job = download(&mut world, 40_000, loose);
        world.rules.0.push_back(Rule::new(Act::Change).method(http::Method::GET).times(1));
        go(&mut world, job);
        done(&world, job);
        longer += u32::from(world.disk.file("target0").is_some_and(|file| file.content.len() > 40_000));
    }
    assert!(longer > 0, "the case occurs");
}

/// Every step, once, and no other fault.
#[test]
fn d1_a_change_at_every_single_step_is_seen() {
    let make = |world: &mut World| download(world, 60_000, Style::GOOD);
    for at in 0..=steps(make) {
        for fail in [false, true] {
            let mut world = world();
            let job = make(&mut world);
            if fail {
                world.jobs[job].tune = Some(|spec| spec.on_change = OnChange::Fail);
            }
            world.submit(job, Start::Now);
            world.settle();
            for _ in 0..at {
                world.step(longhaul_core::Time::NEVER);
            }
            world.change_object("/object0");
            end(&mut world, job);
            never_mixed(&world, job);
            let refused = matches!(world.error(job), Some(longhaul_core::Error::Changed(_)));
            assert!(world.jobs[job].is_done() || fail && refused, "{:?}", world.jobs[job].end);
        }
    }
}
