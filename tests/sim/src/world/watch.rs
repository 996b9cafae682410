//! The invariants, asserted where they can break.

use http::{Method, Uri};
use longhaul_core::event::{Completed, EventKind, State};
use longhaul_core::intent::Body;
use longhaul_core::{ByteRange, Direction, Event, OpId, Phase, TaskId};

use super::{JobKind, Work, World};
use crate::check::Invariant;
use crate::content::Content;
use crate::disk::temporary;

/// Attempts at one piece of work with nothing else done: retries times restarts, with room for redirects and stale connections.
const MOST_ATTEMPTS: u32 = 200;

impl World {
    /// A request is about to go out.
    pub(crate) fn watch_request(&mut self, task: TaskId, method: &Method, uri: &Uri, range: &str, body: &Body) {
        self.check_quiet(task);
        self.watch_expiry(uri);
        let others = self.in_flight(task);
        if *method == Method::DELETE && others > 0 {
            self.broken(Invariant::AbortAlone, format!("{task} aborts with {others} requests in flight"));
        }
        let piece = format!("{method} {uri} {range} {} {:?}", body.len(), super::intents::words(body));
        let attempts = self.books.attempts.entry((task, piece)).or_insert(0);
        *attempts += 1;
        if *attempts > MOST_ATTEMPTS {
            self.broken(Invariant::AttemptsBounded, format!("{task} {method} {uri} {range} again and again"));
        }
    }

    /// A local operation is about to begin.
    pub(crate) fn watch_local(&mut self, task: TaskId, _: &Work) {
        self.check_quiet(task);
    }

    /// A question is about to go out: could the request that it is for?
    pub(crate) fn watch_question(&mut self, task: TaskId) {
        let Some(job) = self.job_of(task).and_then(|at| self.jobs.get(at)) else {
            return;
        };
        let limits = self.limits();
        let most = limits.per_authority.min(self.config.concurrency.ceiling as usize).max(1);
        let here = |host: &&str| self.exchanges.values().filter(|one| one.host == *host).count() >= most;
        let full = self.exchanges.len() >= limits.requests.max(1) || job.hosts().iter().all(here);
        if full && self.in_flight(task) == 0 {
            self.broken(Invariant::AskedInTurn, format!("{task} asks, and nothing of it could be sent"));
        }
    }

    fn check_quiet(&mut self, task: TaskId) {
        if let Some(State::Paused(phase)) = self.engine.status(task) {
            self.broken(Invariant::PausedQuiet, format!("{task} is paused in {phase} and does something"));
        }
    }

    fn in_flight(&self, task: TaskId) -> usize {
        self.exchanges.values().filter(|exchange| exchange.task == task).count()
    }

    /// The exchange `op` was just begun: are all limits still kept?
    pub(crate) fn check_limits(&mut self, op: OpId) {
        let limits = self.limits();
        let Some(exchange) = self.exchanges.get(&op) else {
            return;
        };
        let (task, cost, host) = (exchange.task, exchange.cost, exchange.host.clone());
        let all = self.exchanges.len();
        if all > limits.requests.max(1) {
            self.broken(Invariant::LimitRequests, format!("{all} in flight"));
        }
        let here = self.exchanges.values().filter(|other| other.host == host).count();
        let most = limits.per_authority.min(self.config.concurrency.ceiling as usize).max(1);
        if here > most {
            self.broken(Invariant::LimitAuthority, format!("{here} to {host}"));
        }
        let mine = self.in_flight(task);
        if mine > limits.per_task.min(self.own_limit(task)).max(1) {
            self.broken(Invariant::LimitTask, format!("{mine} of {task}"));
        }
        let bytes: u64 = self.exchanges.values().map(|other| other.cost).sum();
        if bytes > limits.bytes_in_flight && bytes > cost {
            self.broken(Invariant::LimitBytes, format!("{bytes} bytes in flight"));
        }
    }

    /// An event came.
    pub(crate) fn watch_event(&mut self, event: &Event) {
        let task = event.task;
        if self.books.ended.contains(&task) {
            self.broken(Invariant::OneEnd, format!("{task} has ended and says {:?}", event.kind));
        }
        match &event.kind {
            EventKind::Ended(_) => {
                self.books.ended.insert(task);
                self.books.attempts.retain(|(of, _), _| *of != task);
                let open = self.in_flight(task) + self.locals.values().filter(|local| local.task == task).count();
                if open > 0 {
                    self.broken(Invariant::OneEnd, format!("{task} ended with {open} operations in flight"));
                }
            }
            EventKind::Restarted(_) | EventKind::Moving { .. } | EventKind::Resumed => {
                self.books.progress.remove(&task);
                self.books.attempts.retain(|(of, _), _| *of != task);
            }
            _ => {}
        }
        if matches!(event.kind, EventKind::Started | EventKind::Resumed | EventKind::Paused | EventKind::Ended(_)) {
            self.check_active(task);
        }
    }

    /// Limits are about to change: who has a place keeps it.
    pub(crate) fn keep_places(&mut self) {
        for direction in [Direction::Download, Direction::Upload] {
            let placed = self.placed(direction);
            self.books.kept.insert(direction, placed);
        }
    }

    /// A task has been given a place, or let go of one. Beyond the limit there are only those who had theirs before it was lowered.
    fn check_active(&mut self, task: TaskId) {
        let Some(direction) = self.job_of(task).and_then(|at| Some(self.jobs.get(at)?.direction())) else {
            return;
        };
        let limit = match direction {
            Direction::Download => self.limits().downloads,
            Direction::Upload => self.limits().uploads,
        };
        let placed = self.placed(direction);
        let kept = self.books.kept.entry(direction).or_default();
        let most = limit.max(1).max(*kept);
        *kept = placed.min(*kept);
        if placed > most {
            self.broken(Invariant::LimitActive, format!("{placed} of {direction:?} at work"));
        }
    }

    /// How many have a place.
    fn placed(&self, direction: Direction) -> usize {
        self.count(direction, |state| matches!(state, State::Active(_) | State::Waiting(_) | State::Pausing(_)))
    }

    fn count(&self, direction: Direction, right: impl Fn(&State) -> bool) -> usize {
        self.owners
            .iter()
            .filter(|&(&task, &at)| {
                self.jobs.get(at).is_some_and(|job| job.direction() == direction)
                    && self.engine.status(task).is_some_and(|state| right(&state))
            })
            .count()
    }

    /// Everything that can be seen from outside, after all intents were polled.
    pub(crate) fn check(&mut self) {
        let snapshot = self.engine.snapshot();
        if snapshot.requests != self.exchanges.len() {
            let seen = self.exchanges.len();
            self.broken(
                Invariant::CountsAgree,
                format!("the engine counts {} requests, {seen} are there", snapshot.requests),
            );
        }
        if snapshot.stale_answers != self.books.stale {
            self.broken(Invariant::AnsweredOnce, format!("{} answers were taken for stale", snapshot.stale_answers));
        }
        for task in &snapshot.tasks {
            self.check_task(task.task, &task.state);
            self.check_progress(task.task, &task.state, task.progress);
            self.check_counts(task.task, &task.state, task.progress);
        }
        let states: Vec<_> = snapshot.tasks.iter().map(|task| (task.task, task.state)).collect();
        self.check_timely(&states);
    }

    /// Whether a task that does nothing has a reason to.
    fn check_task(&mut self, task: TaskId, state: &State) {
        let open = self.in_flight(task) + self.locals.values().filter(|local| local.task == task).count();
        let timer = self.engine.poll_timeout();
        match state {
            State::Paused(phase) if open > 0 => {
                self.broken(Invariant::PausedQuiet, format!("{task} is paused in {phase} with {open} in flight"))
            }
            State::Active(phase) if open == 0 && self.exchanges.is_empty() && !self.waits_for_consumer(task) => {
                self.broken(Invariant::Timely, format!("{task} in {phase} could start something and does not"))
            }
            State::Pausing(phase) if open == 0 => {
                self.broken(Invariant::Timely, format!("{task} is pausing in {phase} and waits for nothing"))
            }
            State::Waiting(_) | State::Ending
                if open == 0 && timer.is_none() && self.exchanges.is_empty() && !self.waits_for_another(task) =>
            {
                self.broken(Invariant::Timely, format!("{task} is {state:?} and nothing will ever happen to it"))
            }
            _ => {}
        }
    }

    /// Whether another transfer of the same job is not over: what is recorded is in its hands.
    fn waits_for_another(&self, task: TaskId) -> bool {
        let job = self.owners.get(&task);
        self.owners.iter().any(|(&other, at)| other != task && Some(at) == job)
    }

    fn check_progress(&mut self, task: TaskId, state: &State, progress: longhaul_core::event::Progress) {
        if progress.total.is_some_and(|total| progress.acknowledged > total) {
            self.broken(Invariant::Progress, format!("{task} {progress:?}"));
        }
        let moving = matches!(state, State::Active(Phase::Moving) | State::Waiting(Phase::Moving));
        if !moving {
            return;
        }
        if let Some(before) = self.books.progress.insert(task, progress)
            && (progress.acknowledged < before.acknowledged
                || progress.moved < before.moved
                || progress.resent < before.resent)
        {
            self.broken(Invariant::Progress, format!("{task} fell from {before:?} to {progress:?}"));
        }
    }

    /// A file is about to get its name.
    pub(crate) fn check_publish(&mut self, at: usize, len: u64) {
        let Some(job) = self.jobs.get(at) else {
            return;
        };
        let JobKind::Get { path, .. } = &job.kind else {
            return;
        };
        let Some(file) = self.disk.file(&temporary(job.file())) else {
            return;
        };
        let mut content = file.content.clone();
        content.set_len(len);
        let whole = self.is_version_of(path, &content);
        if !whole && !job.disturbed {
            let pieces = content.pieces(ByteRange::at(0, u64::MAX));
            self.broken(Invariant::NeverMixed, format!("job {at} publishes {len} bytes: {pieces:?}"));
        }
    }

    fn is_version_of(&self, path: &str, content: &Content) -> bool {
        self.ranged.object(path).is_some_and(|object| {
            object.history.iter().any(|&(version, len)| content.len() == len && content.is_version(version))
        })
    }

    /// A job says that it is done.
    pub(crate) fn check_completed(&mut self, at: usize, completed: &Completed) {
        let Some(job) = self.jobs.get(at) else {
            return;
        };
        let right = match &job.kind {
            JobKind::Own { direction, provider, .. } => {
                self.own_is_right(job, *direction, &**provider) || job.disturbed
            }
            JobKind::Get { path, .. } => {
                let file = self.disk.file(job.file());
                file.is_some_and(|file| self.is_version_of(path, &file.content) || job.disturbed)
            }
            JobKind::Form { source } => self.form.finished(source).any(|upload| job.sources.contains(&upload.stored)),
            JobKind::Store { .. } | JobKind::Plan { .. } | JobKind::Blocks { .. } => {
                self.stored(job).is_some_and(|stored| self.is_some_source(job, stored))
            }
        };
        if !right {
            self.broken(
                Invariant::ObjectIsSource,
                format!("job {at} is completed ({completed:?}) and its result is something else"),
            );
        }
    }
}
