//! A consumer that takes the bytes in order, more slowly than they could come; and a source whose length nobody knows.

use crate::common::*;
use crate::many::each;
use longhaul_core::error::{Error, FileFaultKind};
use longhaul_core::rng::Rng;
use longhaul_core::spec::{Durability, Start};
use longhaul_core::{Phase, Time};
use longhaul_sim::server::ranged::{Ranges, Tag};
use longhaul_sim::world::Consumer;
use longhaul_sim::{Act, Fate, Rule, Style, World};

const LEN: u64 = 120_000;
/// The one who takes a quarter of its window every tenth of a second.
const SLOW: Consumer = Consumer::new(16 << 10, 4 << 10, 100_000);

fn stream(world: &mut World, style: Style, consumer: Consumer) -> usize {
    let job = download(world, LEN, style);
    world.jobs[job].consumer = Some(consumer);
    world.jobs[job].journal = false;
    world.jobs[job].durability = Durability::Process;
    job
}

fn pace(world: &mut World, job: usize, every: u64) {
    world.jobs[job].consumer.as_mut().expect("it has one").every = every;
}

const SERIAL: Style = Style { ranges: Ranges::No, ..Style::GOOD };

#[test]
fn a_slow_consumer_sets_the_pace_and_no_deadline_strikes() {
    for style in [Style::GOOD, SERIAL] {
        let mut world = world();
        let job = stream(&mut world, style, Consumer::new(16 << 10, 4 << 10, 12_000_000));
        go(&mut world, job);
        done(&world, job);
        assert!(world.time() > Time::from_micros(240_000_000), "as slow as it: {:?}", world.time());
        assert_eq!(world.jobs[job].received, LEN, "nothing had to come twice");
    }
}

#[test]
fn i26_no_seed_lets_a_download_run_farther_ahead_than_its_window() {
    each(1_000, |seed| {
        let mut rng = Rng::new(seed);
        let mut world = seeded(seed);
        if rng.up_to(1) == 0 {
            world.weather = longhaul_sim::Weather::draw(&mut rng);
        }
        let window = 64 << rng.up_to(11);
        let consumer = Consumer::new(window, 1 + rng.up_to(2 * window).min(64 << 10), 100 << rng.up_to(9));
        let style = if rng.up_to(2) == 0 { SERIAL } else { Style::GOOD };
        let job = download(&mut world, 1 + rng.up_to(20_000.min(window * 100)), style);
        world.jobs[job].consumer = Some(consumer);
        world.jobs[job].journal = false;
        world.jobs[job].durability = Durability::Process;
        world.submit(job, Start::Now);
        for _ in 0..rng.up_to(3) {
            world.run_for(rng.up_to(1_000_000));
            world.pause(job);
            world.run_for(rng.up_to(1_000_000));
            world.resume(job);
        }
        world.finish();
        done(&world, job);
    });
}

/// What was handed on cannot be taken back: a version that nothing pins is not joined to another (D1, D4).
#[test]
fn d1_what_was_handed_on_is_never_gone_on_with_by_another_version() {
    let loose = Style { tag: Tag::None, dates: false, ..Style::GOOD };
    let mut refused = 0;
    for style in [Style::GOOD, SERIAL, loose] {
        for at in [1, 5_000, 40_000, 119_999] {
            let mut world = world();
            let job = stream(&mut world, style, Consumer::new(16 << 10, 4 << 10, 1_000));
            world.rules.0.push_back(Rule::new(Act::Change).method(http::Method::GET).skip(1).times(1));
            world.rules.0.push_back(Rule::new(Act::Net(Fate::ResetBody(at))).method(http::Method::GET).times(1));
            world.weather.rate = (100_000, 100_000);
            go(&mut world, job);
            if !world.jobs[job].is_done() {
                let unusable = |fault: &longhaul_core::error::FileFault| fault.kind == FileFaultKind::Unusable;
                assert!(
                    matches!(world.error(job), Some(Error::Disk(fault)) if unusable(fault)),
                    "{:?}",
                    world.error(job)
                );
                refused += 1;
            }
            world.finish();
            done(&world, job);
        }
    }
    assert!(refused > 0, "the case occurs");
}

#[test]
fn a_consumer_that_pauses_holds_a_transfer_up_and_no_longer() {
    let mut world = world();
    let job = stream(&mut world, Style::GOOD, SLOW);
    world.submit(job, Start::Now);
    world.run_for(500_000);
    let ahead = world.jobs[job].received;
    assert!(ahead <= 20_480 + (16 << 10), "{ahead}");
    pace(&mut world, job, 600_000_000);
    world.run_for(500_000_000);
    assert!(world.jobs[job].received <= ahead + (20 << 10) && world.requests_in_flight() == 0, "it waits");
    assert_eq!(world.state(job), Some(longhaul_core::event::State::Active(Phase::Moving)));
    pace(&mut world, job, 1_000);
    end(&mut world, job);
    done(&world, job);
}

#[test]
fn a_source_of_unknown_length_is_read_to_its_end_and_goes_up_whole() {
    for make in &KINDS[1..] {
        for len in [0, 1, LEN] {
            let mut world = world();
            let job = make(&mut world);
            let name = world.jobs[job].file().to_owned();
            world.put_source(&name, len);
            world.jobs[job].sources = vec![longhaul_sim::content::Content::version(7, len)];
            world.jobs[job].piped = true;
            go(&mut world, job);
            done(&world, job);
        }
    }
}

#[test]
fn a_pipe_that_is_still_read_can_be_paused_and_cancelled_at_any_step() {
    for make in &KINDS[1..] {
        let piped = |world: &mut World| {
            let job = make(world);
            world.jobs[job].piped = true;
            job
        };
        for at in 0..40 {
            for cancel in [false, true] {
                let mut world = world();
                let job = piped(&mut world);
                world.submit(job, Start::Now);
                world.settle();
                for _ in 0..at {
                    world.step(Time::NEVER);
                }
                if cancel {
                    world.cancel(job);
                } else {
                    world.pause(job);
                }
                world.run_for(60_000_000);
                world.finish();
                sound(&world);
                assert!(cancel || world.jobs[job].is_done());
            }
        }
    }
}

/// The server falls silent after the head, so nothing was handed on yet: that is no pace of the consumer's.
#[test]
fn r1_a_silent_server_is_found_out_also_where_a_consumer_sets_the_pace() {
    let mut world = world();
    let job = stream(&mut world, SERIAL, SLOW);
    world.rules.0.push_back(Rule::new(Act::Net(Fate::StallBody(0))).method(http::Method::GET).times(1));
    go(&mut world, job);
    done(&world, job);
    assert!(world.time() < Time::from_micros(120_000_000), "found out within the idle deadline: {:?}", world.time());
    assert_eq!(arrived(&world, http::Method::GET, "object"), 2);
}
