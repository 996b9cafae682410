//! What the scenario files share.

use std::num::NonZeroU32;

use http::Method;
use longhaul_core::rng::Rng;
use longhaul_core::spec::{Config, Parallel, Start};
use longhaul_sim::{Job, JobKind, Style, Weather, World};

/// A world of fair weather that keeps its trace and the requests that arrived.
pub(crate) fn world() -> World {
    seeded(1)
}

/// The same from another seed.
pub(crate) fn seeded(seed: u64) -> World {
    let mut config = Config::default();
    config.interval.bytes = 16 << 10;
    let mut world = World::new(seed, config, true);
    world.keep_requests = true;
    world
}

/// A download of a new object of `len` bytes, not yet submitted.
pub(crate) fn download(world: &mut World, len: u64, style: Style) -> usize {
    let at = world.jobs.len();
    let path = format!("/object{at}");
    world.add_object(&path, len, style);
    world.add(Job::new(JobKind::Get { host: "origin", path, target: format!("target{at}") }))
}

/// An upload of a new file by the default protocol, not yet submitted.
pub(crate) fn form(world: &mut World, len: u64) -> usize {
    let source = format!("form{}", world.jobs.len());
    world.put_source(&source, len);
    world.add(Job::new(JobKind::Form { source }))
}

/// An upload of a new file to the store, not yet submitted.
pub(crate) fn store(world: &mut World, len: u64) -> usize {
    let source = format!("store{}", world.jobs.len());
    world.put_source(&source, len);
    world.add(Job::new(JobKind::Store { source }))
}

/// An upload of a new file to the store of blocks, not yet submitted.
pub(crate) fn blocks(world: &mut World, len: u64) -> usize {
    let source = format!("blocks{}", world.jobs.len());
    world.put_source(&source, len);
    world.add(Job::new(JobKind::Blocks { source }))
}

/// Every kind of job.
pub(crate) const KINDS: [fn(&mut World) -> usize; 4] = [
    |world| download(world, 60_000, Style::GOOD),
    |world| form(world, 60_000),
    |world| store(world, 60_000),
    |world| blocks(world, 60_000),
];

/// At most so many requests side by side.
pub(crate) fn most(many: u32) -> Parallel {
    Parallel::Most(NonZeroU32::new(many).expect("not zero"))
}

/// Submits and runs to the end.
#[track_caller]
pub(crate) fn go(world: &mut World, job: usize) {
    assert!(world.submit(job, Start::Now).is_some(), "submitted");
    end(world, job);
}

/// Runs to the end of a job.
#[track_caller]
pub(crate) fn end(world: &mut World, job: usize) {
    assert!(world.run_to_end(job, 7_200), "it ends");
    sound(world);
}

/// No invariant is broken.
#[track_caller]
pub(crate) fn sound(world: &World) {
    let verdict = world.verdict();
    assert!(verdict.is_ok(), "{verdict:?}\n{}", tail(world));
}

/// The job is done.
#[track_caller]
pub(crate) fn done(world: &World, job: usize) {
    sound(world);
    assert!(world.jobs[job].is_done(), "{:?}\n{}", world.jobs[job].end, tail(world));
}

/// The end of the trace.
pub(crate) fn tail(world: &World) -> String {
    let lines = world.trace.lines();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

/// Questions to the application.
pub(crate) fn asked(world: &World) -> usize {
    world.trace.lines().iter().filter(|line| line.contains(" ask ")).count()
}

/// Requests that arrived, by method and a text in their URL.
pub(crate) fn arrived(world: &World, method: Method, url: &str) -> usize {
    world
        .arrived
        .iter()
        .filter(|(_, request)| request.method == method && request.uri.to_string().contains(url))
        .count()
}

/// Steps a calm run of this kind takes from submit to end.
pub(crate) fn steps(make: fn(&mut World) -> usize) -> usize {
    let mut world = world();
    let job = make(&mut world);
    world.submit(job, Start::Now);
    world.settle();
    let mut steps = 0;
    while world.jobs[job].task.is_some() && world.step(longhaul_core::Time::NEVER) {
        steps += 1;
    }
    done(&world, job);
    steps
}

/// A world in which a job of this kind was submitted and `steps` things happened.
pub(crate) fn after(make: fn(&mut World) -> usize, steps: usize, seed: u64) -> (World, usize) {
    let mut world = seeded(seed);
    let job = make(&mut world);
    world.submit(job, Start::Now);
    world.settle();
    for _ in 0..steps {
        world.step(longhaul_core::Time::NEVER);
    }
    (world, job)
}

/// Two transfers by URLs that expire, in any weather: crashes, pauses, keys that are withdrawn, and what `more` does. They end, and
/// nothing expired was sent (I24).
#[track_caller]
pub(crate) fn expiring(
    seed: u64,
    prepare: impl FnOnce(&mut World, &mut Rng) -> [usize; 2],
    more: impl Fn(&mut World),
) -> World {
    let mut rng = Rng::new(seed);
    let mut world = World::new(seed, Config::default(), true);
    world.weather = Weather::draw(&mut rng);
    let jobs = prepare(&mut world, &mut rng);
    for job in jobs {
        world.jobs[job].parallel = most(1 + u32::try_from(rng.up_to(5)).expect("small"));
        world.submit(job, Start::Now);
    }
    for _ in 0..6 {
        world.run_for(rng.up_to(40_000_000));
        match rng.up_to(6) {
            0 => world.crash(rng.up_to(1) == 0),
            1 => world.pause(jobs[0]),
            2 => world.resume(jobs[0]),
            3 => world.presigner.withdrawn = Some(world.moment().wall),
            4 => more(&mut world),
            _ => {}
        }
        world.settle();
        for job in jobs {
            if world.jobs[job].task.is_none() && !world.jobs[job].is_done() {
                world.submit(job, Start::Now);
            }
        }
    }
    world.finish();
    let verdict = world.verdict();
    assert!(verdict.is_ok(), "seed {seed}: {verdict:?}\n{}", tail(&world));
    assert_eq!(world.presigner.expired, 0, "seed {seed}");
    world
}
