//! Downloads by presigned URLs: nothing expired is sent, fresh ones are asked for in time, and a changed object is still noticed
//! (cases D1, D8, R3, R6).

use crate::common::*;
use http::Method;
use longhaul_core::error::Error;
use longhaul_core::provider::StepKind;
use longhaul_core::rng::Rng;
use longhaul_core::spec::{Durability, Start};
use longhaul_core::{Time, Wall};
use longhaul_sim::server::presigner::SIGNED;
use longhaul_sim::transition::Transition;
use longhaul_sim::{Act, Job, JobKind, Rule, Style, World};

const LEN: u64 = 100_000;

/// A download of a new object by presigned URLs, not yet submitted.
fn plan_of(world: &mut World, style: Style) -> usize {
    let at = world.jobs.len();
    let path = format!("/object{at}");
    world.add_object(&path, LEN, style);
    world.add(Job::new(JobKind::Get { host: SIGNED, path, target: format!("target{at}") }))
}

fn plan(world: &mut World) -> usize {
    let job = plan_of(world, Style::GOOD);
    world.jobs[job].parallel = most(2);
    world.jobs[job].durability = Durability::Process;
    job
}

fn gets(world: &World) -> usize {
    arrived(world, Method::GET, "http://signed")
}

#[test]
fn a_plan_is_carried_out_by_get_alone_and_asks_nothing_while_its_url_is_good() {
    let mut world = world();
    let job = plan(&mut world);
    go(&mut world, job);
    done(&world, job);
    assert_eq!((asked(&world), arrived(&world, Method::HEAD, "")), (0, 0));
    assert_eq!(world.jobs[job].received, LEN);
}

#[test]
fn r6_a_url_that_expires_under_way_is_replaced_in_time_and_nothing_is_fetched_twice() {
    let mut world = world();
    let job = plan(&mut world);
    // Good for ten seconds beyond the margin; a minute at this rate.
    world.presigner.lifetime = 70;
    world.weather.rate = (850, 850);
    go(&mut world, job);
    done(&world, job);
    assert_eq!((world.presigner.expired, world.jobs[job].received), (0, LEN));
    let took = world.time().as_micros() / 1_000_000;
    assert!(took > 50, "{took} s");
    assert!((3..=took / 10 + 1).contains(&world.presigner.answers), "{} in {took} s", world.presigner.answers);
}

#[test]
fn r6_a_url_that_expires_while_a_transfer_is_paused_is_asked_for_again_before_anything_is_sent() {
    let mut world = world();
    let job = plan(&mut world);
    world.weather.rate = (8 << 10, 8 << 10);
    world.submit(job, Start::Now);
    world.run_for(2_500_000);
    world.pause(job);
    world.run_for(1_200_000_000);
    let before = world.jobs[job].received;
    assert!(before > 0 && before < LEN, "{before}");
    world.resume(job);
    end(&mut world, job);
    done(&world, job);
    assert_eq!((world.presigner.expired, world.presigner.answers, world.jobs[job].received), (0, 1, LEN));
}

#[test]
fn r3_a_withdrawn_url_is_replaced_once_and_a_second_refusal_is_final_and_blames_the_issuer() {
    for lasting in [false, true] {
        let mut world = world();
        let job = plan(&mut world);
        world.weather.rate = (8 << 10, 8 << 10);
        world.submit(job, Start::Now);
        world.run_for(3_000_000);
        match lasting {
            false => world.presigner.withdrawn = Some(Wall::from_unix(world.moment().wall.as_unix())),
            true => world.rules.0.push_back(Rule::new(Act::Status(403, None)).url("signed")),
        }
        end(&mut world, job);
        assert_eq!(world.presigner.answers, 1, "{}", tail(&world));
        if lasting {
            assert!(matches!(world.error(job), Some(Error::Issuer(_))), "{:?}", world.jobs[job].end);
        } else {
            done(&world, job);
            assert!(world.presigner.refused <= 2, "only what was in flight: {}", world.presigner.refused);
        }
    }
}

#[test]
fn r6_an_application_that_cannot_answer_ends_the_transfer_and_keeps_what_is_there() {
    let mut world = world();
    let job = plan(&mut world);
    world.presigner.lifetime = 70;
    world.weather.rate = (850, 850);
    world.refreshes = false;
    go(&mut world, job);
    assert!(matches!(world.error(job), Some(Error::Issuer(_))), "{:?}", world.jobs[job].end);
    world.finish();
    done(&world, job);
    assert_eq!((world.presigner.expired, world.jobs[job].received), (0, LEN), "nothing twice");
}

#[test]
fn a_clock_that_is_wrong_is_told() {
    let mut world = world();
    let job = plan(&mut world);
    world.apply(&Transition::JumpWall { seconds: 3_600 });
    go(&mut world, job);
    assert!(matches!(world.error(job), Some(Error::Issuer(fault)) if fault.detail.contains("clock")));
    assert!(world.time() < Time::from_micros(60_000_000) && gets(&world) == 0);
}

/// What the plan's policy was held against holds for where its server sends it, too.
#[test]
fn a_redirect_to_a_host_that_the_policy_does_not_name_is_not_followed() {
    let mut world = world();
    let job = plan_of(&mut world, Style { redirect: Some("mirror"), ..Style::GOOD });
    go(&mut world, job);
    assert!(matches!(world.error(job), Some(Error::Server(fault)) if fault.step == StepKind::Probe));
    assert_eq!((gets(&world), arrived(&world, Method::GET, "mirror")), (1, 0));
}

/// The object changes at any step, its URL stays: what comes of it is one version, all of it (I9, I10).
#[test]
fn d1_an_object_that_changes_at_any_step_is_fetched_as_one_version() {
    let mut anew = 0;
    for at in (0..=steps(plan)).step_by(2) {
        let (mut world, job) = after(plan, at, at as u64);
        world.presigner.lifetime = 70;
        world.change_object("/object0");
        world.settle();
        world.finish();
        done(&world, job);
        anew += u64::from(world.jobs[job].received > LEN * 5 / 4);
        assert_eq!(world.presigner.expired, 0);
    }
    assert!(anew > 0, "some were under way");
}

#[test]
fn d8_killed_at_any_step_and_long_after_a_download_goes_on_with_a_fresh_url() {
    for at in (0..=steps(plan)).step_by(3) {
        let (mut world, job) = after(plan, at, 3);
        if world.jobs[job].is_done() {
            break;
        }
        world.crash(false);
        // The next run would begin anew.
        if world.disk.file("target0").is_some() {
            continue;
        }
        world.run_for(7_200_000_000);
        world.finish();
        done(&world, job);
        let received = world.jobs[job].received;
        // Two requests in flight, one interval, and as much while a checkpoint was being written.
        assert!(received <= LEN + 2 * 8_192 + 2 * (16 << 10), "step {at}: {received}\n{}", tail(&world));
        assert_eq!(world.presigner.expired, 0);
    }
}

/// Any weather, crashes, pauses, withdrawn keys, changes: it ends, and nothing expired was sent (I24).
#[test]
fn r6_whatever_happens_nothing_expired_is_sent() {
    let asked: u64 = (0..150)
        .map(|seed| {
            let prepare = |world: &mut World, rng: &mut Rng| {
                world.presigner.lifetime = 70 + i64::try_from(rng.up_to(200)).expect("small");
                [plan(world), plan(world)]
            };
            expiring(seed, prepare, |world| world.change_object("/object1")).presigner.answers
        })
        .sum();
    assert!(asked > 40, "{asked}");
}
