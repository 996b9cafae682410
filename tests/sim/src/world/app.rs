//! The application: what it wants moved, and how it goes about it.

use std::num::NonZeroU32;
use std::sync::Arc;

use longhaul_core::checkpoint::Checkpoint;

use longhaul_core::event::{End, EventKind};
use longhaul_core::layout::PartSize;
use longhaul_core::spec::{Durability, Parallel, Start, SubmitError, TransferKey};
use longhaul_core::{Direction, Engine, Provider, Spec, TaskId};
use longhaul_http::{HttpDownload, HttpUpload};

use super::{Event, World};
use crate::check::{Books, Invariant};
use crate::content::Content;
use crate::provider::{BlocksProvider, Grant, StoreProvider};
use crate::server::condition::Condition;
use crate::server::flavour::Flavour;

/// What moves, from where to where.
#[derive(Clone, Debug)]
pub enum JobKind {
    /// `http://host/path` to the file `target`.
    Get {
        /// `origin` or `mirror`.
        host: &'static str,
        /// The object's path.
        path: String,
        /// The file.
        target: String,
    },
    /// The file `source` by the default upload protocol.
    Form {
        /// The file, and its name on the server.
        source: String,
    },
    /// The file `source` to the multipart store.
    Store {
        /// The file, and the object's key.
        source: String,
    },
    /// The file `source` to the multipart store, by presigned URLs.
    Plan {
        /// The file, and the object's key.
        source: String,
    },
    /// The file `source` to the store of blocks.
    Blocks {
        /// The file, and the blob's name.
        source: String,
    },
    /// By a provider of the embedder's own, from or to a server of its own ([`World::host`]).
    Own {
        /// Which way.
        direction: Direction,
        /// The provider; it names the server and the object.
        provider: Arc<dyn Provider>,
        /// The local file.
        file: String,
    },
}

/// What the application wants of a job at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Wish {
    /// Not begun.
    #[default]
    Nothing,
    /// That it gets done.
    Done,
    /// That it rests.
    Paused,
    /// That it is gone.
    Gone,
}

/// A job: survives engines.
#[derive(Clone, Debug)]
pub struct Job {
    /// What moves.
    pub kind: JobKind,
    /// The transfer in the present engine, while it has not ended.
    pub task: Option<TaskId>,
    /// What is wanted.
    pub wish: Wish,
    /// How it last ended.
    pub end: Option<End>,
    /// Requests in flight it may have.
    pub parallel: Parallel,
    /// Part size.
    pub part_size: PartSize,
    /// Retries of one piece of work.
    pub retries: u32,
    /// What must survive.
    pub durability: Durability,
    /// Whether a journal is kept.
    pub journal: bool,
    /// More to set on the spec, for scenarios.
    pub tune: Option<fn(&mut Spec)>,
    /// Events that speak of a session that may be or is left open.
    pub orphans_told: u32,
    /// Its temporary file was edited while a run was using it: that run's result proves nothing.
    pub disturbed: bool,
    /// What a store's object must be before it is replaced.
    pub condition: Condition,
    /// The session of its plan, where the application's back end opens sessions.
    pub plan: Option<String>,
    /// Whether the storage can tell that a source was touched (uploads).
    pub fingerprints: bool,
    /// What its source has been, in order (uploads).
    pub sources: Vec<Content>,
    /// The journal could not be written at some time.
    pub unrecorded: bool,
    /// Its present run has written a journal of its own.
    pub recorded: bool,
    /// All events of all runs, in order.
    pub events: Vec<EventKind>,
    /// Content bytes received for it (downloads), over all runs.
    pub received: u64,
    /// Completed runs.
    pub completions: u32,
}

impl Job {
    /// A job with every choice at its default.
    #[must_use]
    pub const fn new(kind: JobKind) -> Self {
        Self {
            kind,
            task: None,
            wish: Wish::Nothing,
            end: None,
            parallel: Parallel::Auto,
            part_size: PartSize::Bytes(8 << 10),
            retries: 8,
            durability: Durability::Power,
            journal: true,
            tune: None,
            orphans_told: 0,
            disturbed: false,
            condition: Condition::None,
            plan: None,
            fingerprints: true,
            sources: Vec::new(),
            unrecorded: false,
            recorded: false,
            events: Vec::new(),
            received: 0,
            completions: 0,
        }
    }

    /// Which way it moves.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        match self.kind {
            JobKind::Own { direction, .. } => direction,
            JobKind::Get { .. } => Direction::Download,
            JobKind::Form { .. } | JobKind::Store { .. } | JobKind::Plan { .. } | JobKind::Blocks { .. } => {
                Direction::Upload
            }
        }
    }

    /// The local file: target or source.
    #[must_use]
    pub fn file(&self) -> &str {
        match &self.kind {
            JobKind::Get { target: file, .. } | JobKind::Own { file, .. } => file,
            JobKind::Form { source }
            | JobKind::Store { source }
            | JobKind::Plan { source }
            | JobKind::Blocks { source } => source,
        }
    }

    /// Whether it has been completed.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self.end, Some(End::Completed(_)))
    }

    pub(crate) fn provider(&self, grant: Grant, flavour: Flavour) -> Option<Arc<dyn Provider>> {
        let condition = self.condition.clone();
        Some(match &self.kind {
            JobKind::Get { host, path, .. } => {
                Arc::new(HttpDownload::new(&format!("http://{host}{path}?key=secret")).ok()?.refreshable(true))
            }
            JobKind::Form { source } => Arc::new(HttpUpload::new("http://form/up", source).ok()?.refreshable(true)),
            JobKind::Store { source } => {
                let provider = StoreProvider::new("store", source).to(flavour, self.plan.as_deref());
                Arc::new(provider.granted(grant).when(condition))
            }
            // Its URLs are issued for the moment.
            JobKind::Plan { .. } => return None,
            JobKind::Blocks { source } => {
                Arc::new(BlocksProvider::new("blocks", source).granted(grant).when(condition))
            }
            JobKind::Own { provider, .. } => Arc::clone(provider),
        })
    }

    fn key(&self) -> TransferKey {
        let (from, to) = match &self.kind {
            JobKind::Get { host, path, target } => (format!("{host}{path}"), target.clone()),
            JobKind::Form { source } => (source.clone(), format!("form {source}")),
            JobKind::Store { source } => (source.clone(), format!("store {source}")),
            JobKind::Plan { source } => (source.clone(), format!("plan {source}")),
            JobKind::Blocks { source } => (source.clone(), format!("blocks {source}")),
            JobKind::Own { provider, file, .. } => (file.clone(), provider.object().into()),
        };
        TransferKey::new(self.direction(), &from, &to)
    }
}

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
        self.take_plan(at);
        let checkpoint = self.journals.get(&at).and_then(|journal| Checkpoint::decode(journal).ok());
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
        spec.checkpoint = checkpoint;
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
                job.end = None;
                job.wish = if start == Start::Now { Wish::Done } else { Wish::Paused };
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
        if let Some(task) = self.job_task(at) {
            let _ = self.engine.set_weight(task, weight);
        }
    }

    /// Closes the engine.
    pub fn close(&mut self) {
        let now = self.now();
        self.closed = true;
        self.trace.note(self.now, format_args!("close"));
        self.engine.shutdown(now);
    }

    /// The process dies, and with `power` the machine: what is in flight may or may not have had its effect.
    pub fn crash(&mut self, power: bool) {
        self.trace.note(self.now, format_args!("crash {power}"));
        self.crash_locals(power);
        self.crash_exchanges();
        self.disk.crash(power, &mut self.rng);
        self.restart_engine();
    }

    /// A new engine in place of the present one.
    pub fn restart_engine(&mut self) {
        self.engine = Engine::new(self.config, self.rng.next_u64());
        self.books = Books { requests: self.books.requests, ..Books::default() };
        self.closed = false;
        self.owners.clear();
        // Ids begin anew: what was to happen to the old ones must not happen to theirs.
        self.queue.retain(|_, event| matches!(event, Event::Ghost(_)));
        for job in &mut self.jobs {
            // Without a journal nothing is known of what its run had opened.
            job.unrecorded |= job.task.is_some() && !job.journal;
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
        self.engine.status(self.job_task(at)?)
    }

    /// How far a job is.
    #[must_use]
    pub fn progress(&self, at: usize) -> Option<longhaul_core::event::Progress> {
        self.engine.progress(self.job_task(at)?)
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
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Requests in flight.
    #[must_use]
    pub fn requests_in_flight(&self) -> usize {
        self.exchanges.len()
    }

    /// Why the engine refuses a job at the moment, if it does; one that it takes is cancelled again.
    pub fn refusal(&mut self, at: usize) -> Option<SubmitError> {
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
