//! The application: how it goes about what it wants moved.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use longhaul_core::checkpoint::Checkpoint;
use longhaul_core::event::{End, EventKind};
use longhaul_core::spec::{Start, SubmitError};
use longhaul_core::{Direction, Engine, Spec, TaskId};

use super::process::{FIRST, OTHER};
use super::{Event, Job, Wish, World};
use crate::check::{Books, Invariant};

impl World {
    /// Adds a job; returns its number.
    pub fn add(&mut self, mut job: Job) -> usize {
        if job.direction() == Direction::Upload
            && let Some(file) = self.disk.file(job.file())
        {
            job.sources.push(file.content.clone());
        }
        self.jobs.push(job);
        self.jobs.len() - 1
    }

    /// Submits a job with what its journal says, if it is not in the engine.
    pub fn submit(&mut self, at: usize, start: Start) -> Option<TaskId> {
        if self.jobs.get(at).is_none_or(|job| job.task.is_some() && job.wish != Wish::Gone) {
            return None;
        }
        self.enter_of(at);
        self.take_plan(at);
        let journal = self.journal(at).map(<[u8]>::to_vec).unwrap_or_default();
        let checkpoint = Checkpoint::decode(&journal).ok();
        let (now, provider) = (self.now(), self.first_provider(at)?);
        let job = self.jobs.get_mut(at)?;
        // What a cancelled run still holds is not for its successor.
        let checkpoint = checkpoint.filter(|_| job.task.is_none());
        let mut spec = Spec::new(job.direction(), provider, job.key());
        spec.start = start;
        spec.parallel = job.parallel;
        spec.part_size = job.part_size;
        spec.retry = spec.retry.with_retries(job.retries);
        spec.durability = job.durability;
        spec.journal = job.journal;
        spec.recall = job.recall;
        spec.checkpoint = checkpoint.filter(|_| !job.recall).map(Box::new);
        spec.window = job.consumer.map(|consumer| consumer.window);
        if let Some(tune) = job.tune {
            tune(&mut spec);
        }
        let submitted = self.engine.submit(spec, now);
        self.trace.note(self.now, format_args!("submit {at} {start:?}: {submitted:?}"));
        match submitted {
            Ok(task) => {
                self.owners.insert(task, at);
                job.task = Some(task);
                job.recorded = false;
                job.held = false;
                job.former = journal;
                job.piped_in = 0;
                job.end = None;
                job.wish = if start == Start::Now { Wish::Done } else { Wish::Paused };
                self.open_consumer(at);
                Some(task)
            }
            Err(SubmitError::Closed) => None,
            Err(error) => {
                self.broken(Invariant::CountsAgree, format!("submit of {at}: {error}"));
                None
            }
        }
    }

    /// Pauses a job.
    pub fn pause(&mut self, at: usize) {
        self.enter_of(at);
        let now = self.now();
        if let Some(task) = self.job_task(at)
            && self.engine.pause(task, now).is_ok()
        {
            self.trace.note(self.now, format_args!("pause {at}"));
            self.set_wish(at, Wish::Paused);
        }
    }

    /// Resumes a job.
    pub fn resume(&mut self, at: usize) {
        self.enter_of(at);
        let now = self.now();
        if let Some(task) = self.job_task(at)
            && self.engine.resume(task, now).is_ok()
        {
            self.trace.note(self.now, format_args!("resume {at}"));
            self.set_wish(at, Wish::Done);
        }
    }

    /// Cancels a job.
    pub fn cancel(&mut self, at: usize) {
        self.enter_of(at);
        let now = self.now();
        if let Some(task) = self.job_task(at)
            && self.engine.cancel(task, now).is_ok()
        {
            self.trace.note(self.now, format_args!("cancel {at}"));
            self.set_wish(at, Wish::Gone);
        }
    }

    /// Changes a job's weight.
    pub fn weigh(&mut self, at: usize, weight: NonZeroU32) {
        self.enter_of(at);
        if let Some(task) = self.job_task(at) {
            let _ = self.engine.set_weight(task, weight);
        }
    }

    /// Closes the engine of the first process.
    pub fn close(&mut self) {
        self.enter(FIRST);
        let now = self.now();
        self.closed = true;
        self.trace.note(self.now, format_args!("close"));
        self.engine.shutdown(now);
    }

    /// The first process dies, and with `power` the machine: what is in flight may or may not have had its effect.
    pub fn crash(&mut self, power: bool) {
        self.trace.note(self.now, format_args!("crash {power}"));
        self.enter(FIRST);
        if power {
            self.in_each_process(Self::crash_process);
            self.disk.crash(true, |_| true, &mut self.rng);
        } else {
            self.crash_process();
        }
    }

    /// The other process dies, if there is one.
    pub fn crash_other(&mut self) {
        if self.jobs.iter().any(|job| job.process == OTHER) {
            self.enter(OTHER);
            self.crash_process();
        }
    }

    fn crash_process(&mut self) {
        self.crash_locals();
        self.crash_exchanges();
        let (jobs, present) = (&self.jobs, self.present);
        let gone = |at: usize| jobs.get(at).is_some_and(|job| job.process == present);
        self.disk.crash(false, gone, &mut self.rng);
        self.restart_engine();
    }

    /// A new engine in place of the present one.
    pub fn restart_engine(&mut self) {
        self.engine = Engine::new(self.config, self.rng.next_u64());
        self.books = Books::default();
        self.closed = false;
        let died: BTreeSet<usize> = core::mem::take(&mut self.owners).into_values().collect();
        let present = self.present;
        // Ids begin anew: what was to happen to the old ones must not happen to theirs.
        self.queue.retain(|_, (process, event)| *process != present || matches!(event, Event::Ghost(..) | Event::Room));
        for (at, job) in self.jobs.iter_mut().enumerate().filter(|(_, job)| job.process == present) {
            // Without a journal nothing is known of what its runs had opened, wanted or not.
            job.unrecorded |= died.contains(&at) && !job.journal;
            job.task = None;
        }
    }

    fn job_task(&self, at: usize) -> Option<TaskId> {
        self.jobs.get(at)?.task
    }

    pub(crate) fn set_wish(&mut self, at: usize, wish: Wish) {
        if let Some(job) = self.jobs.get_mut(at) {
            job.wish = wish;
        }
    }

    /// The job that a task is.
    #[must_use]
    pub fn job_of(&self, task: TaskId) -> Option<usize> {
        self.owners.get(&task).copied()
    }

    /// Takes an event in.
    pub(crate) fn notice(&mut self, event: longhaul_core::Event) {
        self.trace.note(self.now, format_args!("{} {:?}", event.task, event.kind));
        self.watch_event(&event);
        self.count_event(event.task, &event.kind);
        let Some(at) = self.job_of(event.task) else {
            return;
        };
        let Some(job) = self.jobs.get_mut(at) else {
            return;
        };
        let present = job.task == Some(event.task);
        job.events.push(event.kind.clone());
        match event.kind {
            EventKind::MaybeOrphan { .. } | EventKind::AbortFailed { .. } => job.orphans_told += 1,
            EventKind::CheckpointFailed(_) => job.unrecorded = true,
            EventKind::Ended(end) => {
                if present {
                    job.task = None;
                    job.end = Some(end.clone());
                }
                job.completions += u32::from(matches!(end, End::Completed(_)));
                if let End::Completed(completed) = &end {
                    self.check_completed(at, completed);
                }
                self.owners.remove(&event.task);
                self.engine.forget(event.task);
            }
            _ => {}
        }
    }
}

/// What can be asked of a job.
impl World {
    /// What the engine says a job is at.
    #[must_use]
    pub fn state(&self, at: usize) -> Option<longhaul_core::event::State> {
        self.engine_of(self.jobs.get(at)?.process)?.status(self.job_task(at)?)
    }

    /// How far a job is.
    #[must_use]
    pub fn progress(&self, at: usize) -> Option<longhaul_core::event::Progress> {
        self.engine_of(self.jobs.get(at)?.process)?.progress(self.job_task(at)?)
    }

    /// The error a job failed with.
    #[must_use]
    pub fn error(&self, at: usize) -> Option<&longhaul_core::Error> {
        match self.jobs.get(at)?.end.as_ref()? {
            End::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// Whether the engine was shut down and no other has taken its place.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed_of(FIRST)
    }

    /// Requests in flight.
    #[must_use]
    pub fn requests_in_flight(&self) -> usize {
        self.exchanges.len()
    }

    /// Why the engine refuses a job at the moment, if it does; one that it takes is cancelled again.
    pub fn refusal(&mut self, at: usize) -> Option<SubmitError> {
        self.enter_of(at);
        let job = self.jobs.get(at)?;
        let provider = job.provider(self.grant(), self.store.flavour)?;
        let mut spec = Spec::new(job.direction(), provider, job.key());
        spec.start = Start::Paused;
        let now = self.now();
        match self.engine.submit(spec, now) {
            Ok(task) => {
                let _ = self.engine.cancel(task, now);
                None
            }
            Err(error) => Some(error),
        }
    }

    /// Lets the world go on until a job has ended, for at most `seconds`. Whether it has.
    pub fn run_to_end(&mut self, at: usize, seconds: u64) -> bool {
        let limit = longhaul_core::Time::from_micros(self.now.as_micros() + seconds * 1_000_000);
        self.run_until(limit, |world| world.jobs.get(at).is_none_or(|job| job.task.is_none()))
    }
}
