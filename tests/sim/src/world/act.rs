//! What can be done to a world: the one set of transitions that scenarios, property tests and fuzzers share.

use std::num::NonZeroU32;

use longhaul_core::spec::{Limits, Start};
use longhaul_core::{Direction, Wall};

use super::process::FIRST;
use super::{JobKind, World};
use crate::content::Fill;
use crate::disk::{Edit, temporary};
use crate::server::ranged::Style;
use crate::transition::Transition;
use crate::weather::Weather;

impl World {
    /// Does it. What makes no sense at the moment has no effect.
    pub fn apply(&mut self, transition: &Transition) {
        self.trace.note(self.now, format_args!("> {transition:?}"));
        let jobs = self.jobs.len().max(1);
        match *transition {
            Transition::Submit { job, paused } => {
                let start = if paused { Start::Paused } else { Start::Now };
                self.submit(job % jobs, start);
            }
            Transition::Pause { job } => self.pause(job % jobs),
            Transition::Resume { job } => self.resume(job % jobs),
            Transition::Cancel { job } => self.cancel(job % jobs),
            Transition::Weigh { job, weight } => {
                let weight = NonZeroU32::new(u32::from(weight)).unwrap_or(NonZeroU32::MIN);
                self.weigh(job % jobs, weight);
            }
            Transition::Limit { active, requests, per_authority, per_task, kibibytes } => {
                self.limit(active, requests, per_authority, per_task, kibibytes)
            }
            Transition::Close => self.close(),
            Transition::Reopen => {
                self.enter(FIRST);
                // A polite application waits until all is drained.
                if self.closed && self.engine.is_drained() {
                    self.restart_engine();
                }
            }
            Transition::Crash { power } => self.crash(power),
            Transition::CrashOther => self.crash_other(),
            Transition::Change { job } => {
                if let Some(JobKind::Get { path, .. }) = self.jobs.get(job % jobs).map(|job| job.kind.clone()) {
                    self.change_object(&path);
                }
            }
            Transition::EditSource { job, edit } => self.edit_source(job % jobs, edit),
            Transition::EditTemporary { job, edit } => self.edit_temporary(job % jobs, edit),
            Transition::Harm { job, harm } => self.harm(job % jobs, harm),
            Transition::Move { job, way } => self.carry(job % jobs, way),
            Transition::Full { full } => self.disk.full = full,
            Transition::ReadOnly { on } => self.disk.read_only = on,
            Transition::Weather { seed } => {
                let mut rng = longhaul_core::rng::Rng::new(seed);
                self.weather = Weather::draw(&mut rng);
            }
            Transition::JumpWall { seconds } => {
                self.wall_off = self.wall_off.saturating_add(i64::from(seconds));
            }
            Transition::Forget => {
                self.forgets += 1;
                self.store.forget();
                self.blocks.forget();
                self.hosts.values_mut().for_each(|host| host.forget());
                self.form.forget(100);
            }
            Transition::Stale { op } => self.stale(op),
            Transition::Run { millis } => self.run_for(u64::from(millis) * 1_000),
        }
        self.settle();
    }

    fn limit(&mut self, active: u8, requests: u8, per_authority: u8, per_task: u8, kib: u8) {
        let mut limits = Limits::default();
        limits.uploads = usize::from(active).max(1);
        limits.downloads = usize::from(active).max(1);
        limits.requests = usize::from(requests).max(1);
        limits.per_authority = usize::from(per_authority).max(1);
        limits.per_task = usize::from(per_task).max(1);
        limits.bytes_in_flight = match kib {
            0 => u64::MAX,
            kib => u64::from(kib) << 10,
        };
        self.set_limits(limits);
    }

    /// Changes the bounds.
    pub fn set_limits(&mut self, limits: Limits) {
        self.config.limits = limits;
        let now = self.now();
        self.in_each_process(|world| {
            world.keep_places();
            world.engine.set_limits(limits, now);
            world.settle();
        });
    }

    /// The object at `path` becomes another one.
    pub fn change_object(&mut self, path: &str) {
        let Some(object) = self.ranged.object(path) else {
            return;
        };
        let len = match self.rng.up_to(2) {
            0 => object.len,
            1 => object.len / 2,
            _ => object.len + self.rng.up_to(4096),
        };
        let wall = self.moment_at("origin").wall;
        self.ranged.change(path, len, wall);
    }

    /// Another program edits a job's source. One that was removed comes back.
    pub fn edit_source(&mut self, at: usize, edit: Edit) {
        let Some(job) = self.jobs.get(at) else {
            return;
        };
        // What a pipe gave is the transfer's own.
        if job.direction() == Direction::Download || job.piped {
            return;
        }
        if self.restore_source(at) {
            return;
        }
        let Some(job) = self.jobs.get(at) else {
            return;
        };
        let name = job.file().to_owned();
        // No two sources have a version in common.
        let version = u32::try_from(job.sources.len() + 100 * (at + 1)).unwrap_or(0);
        self.disk.edit(&name, edit, Fill::Version(version), &mut self.rng);
        if let Some(file) = self.disk.file(&name)
            && let Some(job) = self.jobs.get_mut(at)
        {
            job.sources.push(file.content.clone());
        }
    }

    /// A source that somebody removed is put back, as another file. Whether there was need to.
    pub(crate) fn restore_source(&mut self, at: usize) -> bool {
        let Some(job) = self.jobs.get(at).filter(|job| self.disk.file(job.file()).is_none()) else {
            return false;
        };
        if let Some(last) = job.sources.last() {
            self.disk.put(job.file(), last.clone());
        }
        true
    }

    /// Another program edits a job's temporary file. While a run works on it, only in ways that can be seen without reading all
    /// of it: bytes that are written by two at once are nobody's.
    pub fn edit_temporary(&mut self, at: usize, edit: Edit) {
        let Some(job) = self.jobs.get(at) else {
            return;
        };
        // What waits for a consumer is in nobody else's reach.
        if !matches!(job.kind, JobKind::Get { .. }) || job.consumer.is_some() {
            return;
        }
        let name = temporary(job.file());
        if self.disk.is_held(job.file()) && matches!(edit, Edit::Flip | Edit::Stealth) {
            return;
        }
        let noise = Fill::Noise(self.rng.next_u64());
        self.disk.edit(&name, edit, noise, &mut self.rng);
    }

    /// An answer nobody asked for, or asked for long ago.
    fn stale(&mut self, op: u64) {
        self.enter(FIRST);
        // The same one wherever this runs, whatever the size of a usize there.
        let nth = usize::try_from(op % (self.books.issued.len() as u64).max(1)).unwrap_or(0);
        let Some(id) = self.books.issued.iter().nth(nth).copied() else {
            return;
        };
        if self.exchanges.contains_key(&id) || self.locals.contains_key(&id) {
            return;
        }
        let now = self.now();
        self.books.stale += 1;
        let moved = longhaul_core::intent::Moved::default();
        self.engine.handle_done(id, longhaul_core::intent::Outcome::Cancelled { moved }, now);
    }

    /// A file of `len` bytes as a source.
    pub fn put_source(&mut self, name: &str, len: u64) {
        let content = crate::content::Content::version(7, len);
        self.disk.put(name, content);
    }

    /// An object of `len` bytes at `path` of `origin` and `mirror`.
    pub fn add_object(&mut self, path: &str, len: u64, style: Style) {
        let long_ago = Wall::from_unix(super::EPOCH - 86_400);
        self.ranged.add(path, len, long_ago, style);
    }
}
