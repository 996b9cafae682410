//! Questions for fresh URLs: asked in a transfer's turn, so that what is issued can be used before it expires (I28).

use crate::common::*;
use http::Method;
use longhaul_core::layout::PartSize;
use longhaul_core::spec::{Config, Start};
use longhaul_sim::{Act, Job, JobKind, Rule, World};

const PART: u64 = 8 << 10;

/// An upload of a new file by presigned URLs of which it has none yet, not yet submitted.
fn plan(world: &mut World, parts: u64) -> usize {
    world.presigner.first = 0;
    let source = format!("plan{}", world.jobs.len());
    world.put_source(&source, parts * PART);
    let mut job = Job::new(JobKind::Plan { source });
    job.part_size = PartSize::Bytes(PART);
    world.add(job)
}

fn puts(world: &World) -> usize {
    arrived(world, Method::PUT, "http://presigned")
}

/// The only place is taken for longer than URLs last: none is asked for meanwhile, and then once.
#[test]
fn r6_nobody_is_asked_while_the_places_are_taken() {
    for bound in 0..3 {
        let mut world = world();
        let mut limits = Config::default().limits;
        match bound {
            0 => limits.requests = 1,
            1 => limits.per_authority = 1,
            _ => limits.bytes_in_flight = PART,
        }
        world.set_limits(limits);
        world.presigner.lifetime = 100;
        world.weather.rate = (PART / 80, PART / 80);
        let (first, second) = (plan(&mut world, 1), plan(&mut world, 1));
        world.submit(first, Start::Now);
        world.run_for(1_000_000);
        world.submit(second, Start::Now);
        world.run_for(70_000_000);
        sound(&world);
        let seen = (asked(&world), puts(&world));
        assert_eq!(seen, (1, 0), "bound {bound}: one is on its way, the other in line\n{}", tail(&world));
        assert!(world.run_to_end(second, 3_600));
        done(&world, first);
        done(&world, second);
        // URLs for a part and for the completion of each; a place that is free for two at once goes to one of them.
        assert!(asked(&world) <= 5, "bound {bound}\n{}", tail(&world));
    }
}

#[test]
fn r6_nobody_is_asked_for_what_is_paused_or_waits_for_its_retry() {
    let mut world = world();
    let job = plan(&mut world, 1);
    world.submit(job, Start::Paused);
    world.run_for(60_000_000);
    assert_eq!(asked(&world), 0);
    world.rules.0.push_back(Rule::new(Act::Status(503, Some("250"))).method(Method::PUT).times(1));
    world.presigner.lifetime = 100;
    world.resume(job);
    world.run_for(240_000_000);
    assert_eq!((asked(&world), puts(&world)), (1, 1), "{}", tail(&world));
    end(&mut world, job);
    done(&world, job);
    assert_eq!((asked(&world), world.presigner.expired), (2, 0), "{}", tail(&world));
}
