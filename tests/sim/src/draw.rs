//! Worlds drawn from a seed: limits, weather, jobs, and the habits of the servers they deal with.

use std::num::NonZeroU32;

use longhaul_core::layout::PartSize;
use longhaul_core::rng::Rng;
use longhaul_core::spec::{Direction, Durability, Parallel};
use longhaul_core::{Config, Wall};

use crate::content::Content;
use crate::server::condition::Condition;
use crate::server::flavour::Flavour;
use crate::server::form::Talk;
use crate::server::gate::Gate;
use crate::server::presigner::{MARGIN, SIGNED};
use crate::server::ranged::{HeadStyle, Ranges, Style, Tag};
use crate::server::store::Habits;
use crate::weather::{Weather, happens, pick};
use crate::world::{Consumer, EPOCH, Job, JobKind, OTHER, World};

/// Worlds of seeds from here on are small: the same habits, weather and bounds with objects of a few parts, for a fuzzer, to which
/// many runs are worth more than long ones.
pub(crate) const SMALL: u64 = 1 << 63;
/// Most jobs of a small world.
const FEW: u64 = 3;

/// How much there is to move.
#[derive(Clone, Copy)]
struct Scale {
    /// Lengths, and the bytes between checkpoints, are divided by two so many times.
    halved: u32,
    /// Most answers that an object comes in.
    answers: u64,
}

impl Scale {
    const fn of(seed: u64) -> Self {
        if seed < SMALL { Self { halved: 0, answers: 2_000 } } else { Self { halved: 3, answers: 40 } }
    }
}

/// A world drawn from a seed, with jobs, not yet begun.
#[must_use]
pub fn draw_world(seed: u64, keep: bool) -> World {
    let scale = Scale::of(seed);
    let mut rng = Rng::new(seed ^ 0x0DD5_EED5);
    let mut config = Config::default();
    config.interval.bytes = 4 << 10 >> scale.halved << rng.up_to(6);
    config.concurrency.initial = u32::try_from(1 + rng.up_to(8)).unwrap_or(1);
    if rng.up_to(1) == 0 {
        config.limits.requests = usize::try_from(1 + rng.up_to(9)).unwrap_or(1);
        config.limits.per_authority = usize::try_from(1 + rng.up_to(5)).unwrap_or(1);
        config.limits.per_task = usize::try_from(1 + rng.up_to(5)).unwrap_or(1);
        config.limits.downloads = usize::try_from(1 + rng.up_to(2)).unwrap_or(1);
        config.limits.uploads = usize::try_from(1 + rng.up_to(2)).unwrap_or(1);
    }
    if rng.up_to(3) == 0 {
        config.limits.bytes_in_flight = 1 << 10 << rng.up_to(6);
    }
    let mut world = World::new(seed, config, keep);
    if rng.up_to(7) > 0 {
        world.weather = Weather::draw(&mut rng);
    }
    world.form.terse = rng.up_to(2) == 0;
    world.form.verifies = rng.up_to(1) == 0;
    draw_servers(&mut world, &mut rng);
    let jobs = 1 + rng.up_to(4);
    for at in 0..if seed < SMALL { jobs } else { jobs.min(FEW) } {
        let job = draw_job(&mut world, &mut rng, at, scale);
        let job = world.add(job);
        if rng.up_to(5) == 0 {
            draw_rival(&mut world, &mut rng, job, scale);
        }
    }
    draw_clocks(&mut world, &mut rng);
    world
}

/// Another process has the same target, or writes the same object from a source of its own (D11, U8).
fn draw_rival(world: &mut World, rng: &mut Rng, job: usize, scale: Scale) {
    let Some(mut rival) = world.jobs.get(job).cloned() else {
        return;
    };
    rival.process = OTHER;
    rival.sources.clear();
    match &rival.kind {
        JobKind::Get { .. } if rival.consumer.is_none() => rival.shares = Some(job),
        JobKind::Store { source } | JobKind::Blocks { source } => {
            let place = format!("{source}.rival");
            let len = if rng.up_to(1) == 0 {
                draw_len(rng, scale)
            } else {
                world.disk.file(source).map_or(0, |file| file.content.len())
            };
            world.disk.put(&place, Content::version(8, len));
            rival.place = Some(place);
        }
        _ => return,
    }
    world.add(rival);
}

/// Servers whose clocks are wrong, each in its own way.
fn draw_clocks(world: &mut World, rng: &mut Rng) {
    if rng.up_to(4) > 0 {
        return;
    }
    for host in ["origin", "form", "store", "blocks", "presigned"] {
        let off = pick(rng, &[0, 0, -1, 1, 90, -90, 700, -4_000, 4_000, -86_400, 86_400]).unwrap_or(0);
        world.clocks.insert(host, off);
    }
}

/// The servers of uploads: mostly good, each bad habit now and then.
fn draw_servers(world: &mut World, rng: &mut Rng) {
    world.form.talk = pick(rng, &[Talk::Plain, Talk::Plain, Talk::Wordy, Talk::Null]).unwrap_or_default();
    world.form.coy = rng.up_to(7) == 0;
    if rng.up_to(7) == 0 {
        world.form.most = Some(512 + rng.up_to(8_000));
    }
    world.store.page = usize::try_from(1 + rng.up_to(5)).unwrap_or(1);
    if rng.up_to(1) == 0 {
        world.store.flavour = pick(rng, &Flavour::ALL).unwrap_or(Flavour::PLAIN);
    }
    let every = |rng: &mut Rng| if rng.up_to(7) == 0 { 2 + rng.up_to(3) } else { 0 };
    world.store.habits = Habits {
        sour: every(rng),
        mute: every(rng),
        contended: every(rng),
        reluctant: every(rng).saturating_sub(1),
        lingering: rng.up_to(2) == 0,
    };
    world.blocks.mute = every(rng);
    let mut gate = Gate::default();
    if rng.up_to(1) == 0 {
        gate.clock = Some(900);
    }
    if rng.up_to(5) == 0 {
        gate.lifetime = Some(i64::try_from(20 + rng.up_to(600)).unwrap_or(600));
    }
    if rng.up_to(7) == 0 {
        gate.rate = u32::try_from(2 + rng.up_to(20)).ok();
    }
    if rng.up_to(2) == 0 {
        world.presigner.lifetime = i64::from(MARGIN) + 10 + i64::try_from(rng.up_to(300)).unwrap_or(0);
        world.presigner.first = rng.up_to(6);
    }
    world.store.gate = gate.clone();
    world.blocks.gate = gate;
}

fn draw_len(rng: &mut Rng, scale: Scale) -> u64 {
    match rng.up_to(9) {
        0 => 0,
        1 => 1,
        2 => rng.up_to(4096),
        3 => rng.up_to(400 << 10) >> scale.halved,
        _ => rng.up_to(120 << 10) >> scale.halved,
    }
}

fn draw_job(world: &mut World, rng: &mut Rng, at: u64, scale: Scale) -> Job {
    let len = draw_len(rng, scale);
    let kind = match rng.up_to(7) {
        0..=2 => {
            let path = format!("/object{at}");
            let mut style = draw_style(rng);
            // A byte at a time is as telling for a small object, and a large one would take minutes.
            style.most = style.most.map(|most| most.max(len / scale.answers));
            world.ranged.add(&path, len, Wall::from_unix(EPOCH - 1_000), style);
            // A plan's policy lets nobody send it elsewhere.
            let host = if style.redirect.is_none() && rng.up_to(3) == 0 { SIGNED } else { "origin" };
            JobKind::Get { host, path, target: format!("target{at}") }
        }
        3 => {
            let source = format!("form{at}");
            world.put_source(&source, len);
            JobKind::Form { source }
        }
        4 | 5 => {
            let source = format!("store{at}");
            world.put_source(&source, len);
            JobKind::Store { source }
        }
        6 => {
            let source = format!("plan{at}");
            world.put_source(&source, len);
            JobKind::Plan { source }
        }
        _ => {
            let source = format!("blocks{at}");
            world.put_source(&source, len);
            if rng.up_to(2) == 0 {
                // Never the very same: between two empty blobs there is no difference.
                world.blocks.put(&format!("/{source}"), Content::version(77, len / 2 + 1));
            }
            JobKind::Blocks { source }
        }
    };
    let mut job = Job::new(kind);
    match job.kind {
        JobKind::Get { .. } if rng.up_to(7) == 0 => {
            let window = 1 << 10 << rng.up_to(7);
            job.consumer = Some(Consumer::new(window, 1 + rng.up_to(window), 1_000 << rng.up_to(7)));
        }
        JobKind::Form { .. } | JobKind::Store { .. } | JobKind::Blocks { .. } => job.piped = rng.up_to(9) == 0,
        _ => {}
    }
    let least = if matches!(job.kind, JobKind::Store { .. } | JobKind::Plan { .. }) {
        world.store.flavour.parts.min
    } else {
        1 << 10
    };
    let size = (1 << 10 << (rng.up_to(5) >> u32::from(scale.halved > 0))).max(least);
    // Whoever issues a plan knows how many parts the store takes; a source may have grown by then.
    let fewest = if matches!(job.kind, JobKind::Plan { .. }) { 8 << 10 } else { 0 };
    job.part_size = PartSize::Bytes(size.max(fewest));
    if matches!(job.kind, JobKind::Store { .. } | JobKind::Blocks { .. }) && rng.up_to(5) == 0 {
        job.condition = Condition::Absent;
    }
    if rng.up_to(1) == 0 {
        let most = u32::try_from(1 + rng.up_to(5)).unwrap_or(1);
        job.parallel = Parallel::Most(NonZeroU32::new(most).unwrap_or(NonZeroU32::MIN));
    }
    job.retries = u32::try_from(2 + rng.up_to(8)).unwrap_or(2);
    job.journal = rng.up_to(7) > 0;
    job.recall = job.journal && job.retries.is_multiple_of(2);
    if rng.up_to(3) == 0 {
        job.tune = Some(|spec| spec.probing = longhaul_core::spec::Probing::FirstRange);
    }
    if job.direction() == Direction::Upload && job.journal {
        job.tune = Some(|spec| spec.hedge = true);
    }
    if rng.up_to(5) == 0 {
        job.durability = Durability::Process;
    }
    if job.consumer.is_some() {
        // What was handed on cannot be gone back to: there is nothing to record.
        job.journal = false;
        job.durability = Durability::Process;
    }
    job
}

/// A server's habits: usually good, each bad one now and then.
fn draw_style(rng: &mut Rng) -> Style {
    let mut style = Style::GOOD;
    let chance = pick(rng, &[0, 0, 40, 120]).unwrap_or(0);
    if happens(rng, chance) {
        style.tag = pick(rng, &[Tag::Weak, Tag::None, Tag::PerNode]).unwrap_or(Tag::None);
    }
    style.dates = !happens(rng, chance);
    if happens(rng, chance) {
        style.ranges = pick(rng, &[Ranges::Silent, Ranges::No, Ranges::Refused]).unwrap_or(Ranges::No);
    }
    if happens(rng, chance) {
        let refused = [HeadStyle::Refused(405), HeadStyle::Refused(403), HeadStyle::Refused(501), HeadStyle::NoLength];
        style.head = pick(rng, &refused).unwrap_or(HeadStyle::Fine);
    }
    style.star = happens(rng, chance);
    if happens(rng, chance) {
        style.most = Some(1 + rng.up_to(3000));
    }
    if happens(rng, chance) {
        style.early = rng.up_to(100);
    }
    style.digest = happens(rng, chance);
    style.chunked = happens(rng, chance);
    if happens(rng, chance) {
        style.redirect = Some("mirror");
    }
    style.wordy = happens(rng, chance);
    style
}
