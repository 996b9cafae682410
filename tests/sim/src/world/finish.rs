//! The end of a run: the weather clears, and everything that was wanted must get done within bounded time.

use longhaul_core::Time;
use longhaul_core::error::{Error, FileFaultKind};
use longhaul_core::event::End;
use longhaul_core::spec::Start;

use super::process::FIRST;
use super::{Job, JobKind, Wish, World};
use crate::check::Invariant;
use crate::disk::{Disk, temporary};
use crate::server::ranged::{HeadStyle, Tag};
use crate::weather::Weather;

/// Longest time everything may take once the weather is fine: some Retry-After and some timeouts may still be running.
const PATIENCE: u64 = 3_600 * 1_000_000;
/// Runs a job may need in fine weather: one may find what bad weather left, one drop it, one do the work.
const RUNS: usize = 6;

impl World {
    /// Clears the weather and brings every job to its end; then looks at what is left.
    pub fn finish(&mut self) {
        self.trace.note(self.now, format_args!("finish"));
        self.weather = Weather::CALM;
        self.rules.0.clear();
        self.refreshes = true;
        self.disk.full = false;
        self.disk.read_only = false;
        self.ease_servers();
        for at in 0..self.jobs.len() {
            self.restore_source(at);
        }
        for consumer in self.jobs.iter_mut().filter_map(|job| job.consumer.as_mut()) {
            consumer.gulp = consumer.window;
        }
        for job in &self.jobs {
            if let JobKind::Get { path, .. } = &job.kind
                && let Some(object) = self.ranged.object_mut(path)
            {
                // A farm that gives every node its own tags can never be told from one that changes.
                if object.style.tag == Tag::PerNode {
                    object.style.tag = Tag::Strong;
                }
                if object.style.head == HeadStyle::Refused(404) {
                    object.style.head = HeadStyle::Fine;
                }
            }
        }
        let limit = Time::from_micros(self.now.as_micros() + PATIENCE);
        self.enter(FIRST);
        if self.closed {
            let drained = |world: &Self| world.engine_of(FIRST).is_some_and(longhaul_core::Engine::is_drained);
            if !self.run_until(limit, drained) {
                self.broken(Invariant::Liveness, "a closed engine is not drained");
                return;
            }
            self.enter(FIRST);
            self.restart_engine();
        }
        for _ in 0..RUNS {
            for at in 0..self.jobs.len() {
                self.urge(at);
            }
            let ended = |world: &Self| world.jobs.iter().all(|job| job.task.is_none());
            if !self.run_until(limit, ended) {
                let states: Vec<_> = self.owners.iter().map(|(task, at)| (at, self.engine.status(*task))).collect();
                self.broken(Invariant::Liveness, format!("not all ended: {states:?}"));
                return;
            }
            if self.jobs.iter().all(is_settled) {
                break;
            }
        }
        // Ghosts may still come.
        self.run_for(60_000_000);
        if let Some(at) = self.jobs.iter().position(|job| !is_settled(job)) {
            let end = self.jobs.get(at).and_then(|job| job.end.clone());
            self.broken(Invariant::Liveness, format!("job {at} fails in fine weather: {end:?}"));
        }
        self.check_left_over();
    }

    /// Makes a job go on, whatever it is at.
    fn urge(&mut self, at: usize) {
        let Some(job) = self.jobs.get(at) else {
            return;
        };
        if is_settled(job) {
            return;
        }
        if job.task.is_some() {
            self.resume(at);
            return;
        }
        let changed = matches!(
            &job.end,
            Some(End::Failed(Error::Disk(fault))) if fault.kind == FileFaultKind::Changed
        );
        if changed {
            // As the error says: cancel it to drop its session, then start anew.
            self.submit(at, Start::Paused);
            self.cancel(at);
            self.set_wish(at, Wish::Done);
        } else {
            self.submit(at, Start::Now);
        }
    }

    /// Everything has ended: nothing may be left behind.
    fn check_left_over(&mut self) {
        self.check_orphans();
        self.check_objects();
        for at in 0..self.jobs.len() {
            let Some(job) = self.jobs.get(at) else {
                continue;
            };
            if !job.is_done() {
                continue;
            }
            // A rival may have left something that nobody wants any more.
            let all_done = self.jobs.iter().filter(|other| other.file() == job.file()).all(Job::is_done);
            if all_done && self.journal(at).is_some() && self.is_recorded(at) {
                self.broken(Invariant::CheckpointDurable, format!("job {at} is done and its journal is still there"));
                return;
            }
            if all_done && self.disk.file(&temporary(job.file())).is_some() {
                self.broken(Invariant::TargetWhole, format!("job {at} is done and its temporary file is still there"));
                return;
            }
        }
    }

    /// The disk, to put files on it.
    pub const fn disk_mut(&mut self) -> &mut Disk {
        &mut self.disk
    }
}

fn is_settled(job: &Job) -> bool {
    match job.wish {
        Wish::Nothing => true,
        Wish::Gone => job.task.is_none(),
        Wish::Done | Wish::Paused => (job.is_done() || job.is_refused()) && job.task.is_none(),
    }
}
