//! I16: whatever is due, and has room, has begun once all intents were polled.
//!
//! The world works out by itself what a transfer has left to do and whether a limit, a delay or an operation under way keeps it
//! from doing it. Where only the engine can know, as of the place at which its concurrency controller stands, it assumes the
//! least: the floor.

use longhaul_core::event::{EventKind, State};
use longhaul_core::layout::PartSize;
use longhaul_core::{Direction, Phase, TaskId};

use super::{Job, JobKind, World};
use crate::check::Invariant;
use crate::net::Exchange;
use crate::server::presigner::SIGNED;
use crate::server::ranged::Style;

impl World {
    /// After all intents were polled: is anything late?
    pub(crate) fn check_timely(&mut self, states: &[(TaskId, State)]) {
        self.check_clocks();
        for &(task, state) in states {
            let (State::Active(phase) | State::Waiting(phase)) = state else {
                self.rests(task);
                continue;
            };
            if self.could_send(task, phase) {
                let now = self.now;
                let late = self.books.accounts.entry(task).or_default().idles(now);
                if late {
                    self.broken(Invariant::Timely, format!("{task} is {state:?}, could send a request and does not"));
                }
            } else {
                self.rests(task);
            }
            self.check_saved(task, phase);
        }
        self.check_places();
    }

    fn rests(&mut self, task: TaskId) {
        if let Some(account) = self.books.accounts.get_mut(&task) {
            account.could_since = None;
        }
    }

    /// Whether a request's clock has run out and nobody stopped it.
    fn check_clocks(&mut self) {
        let late = self.exchanges.iter().find(|(_, one)| !one.cancelled && one.due().is_some_and(|due| self.now > due));
        if let Some((op, one)) = late {
            let text = format!("{op} in {:?} should have been stopped at {:?}", one.stage, one.due());
            self.broken(Invariant::Timely, text);
        }
    }

    /// Whether something is stored, the interval has passed, and no checkpoint was begun.
    fn check_saved(&mut self, task: TaskId, phase: Phase) {
        let (Some(account), Some(job)) =
            (self.books.accounts.get(&task), self.job_of(task).and_then(|at| self.jobs.get(at)))
        else {
            return;
        };
        // Of an upload in order the server knows how far it is.
        let keeps = job.journal && !account.unsaveable && !account.serial && !matches!(job.kind, JobKind::Form { .. });
        let Some(since) = account.unsaved_since.filter(|_| keeps && phase == Phase::Moving) else {
            return;
        };
        let due = since.max(account.saved_at) + self.config.interval.time;
        if self.now > due && !self.works_locally(task) && !self.stops(task) {
            self.broken(Invariant::Timely, format!("{task}: a checkpoint was due at {due:?} and was not begun"));
        }
    }

    fn works_locally(&self, task: TaskId) -> bool {
        self.locals.values().any(|local| local.task == task)
    }

    /// Whether requests of a task are being stopped: it waits for their end.
    fn stops(&self, task: TaskId) -> bool {
        self.exchanges.values().any(|one| one.task == task && one.cancelled)
    }

    /// Whether a task has something to send, and room for it, and no reason to wait that can be seen from outside.
    fn could_send(&self, task: TaskId, phase: Phase) -> bool {
        let Some(job) = self.job_of(task).and_then(|at| self.jobs.get(at)) else {
            return false;
        };
        let mine: Vec<&Exchange> = self.exchanges.values().filter(|one| one.task == task).collect();
        let held = self.works_locally(task) || self.stops(task) || self.waits_for_consumer(task);
        !held && self.has_room(job) && (mine.is_empty() || (phase == Phase::Moving && self.has_more(task, job, &mine)))
    }

    /// Whether a task may have more requests in flight than it has, and content is left to ask for or to send.
    fn has_more(&self, task: TaskId, job: &Job, mine: &[&Exchange]) -> bool {
        let Some(account) = self.books.accounts.get(&task).filter(|account| !account.fuzzy) else {
            return false;
        };
        let many = match job.kind {
            JobKind::Get { .. } => account.shown && !account.serial && job.consumer.is_none(),
            JobKind::Store { .. } | JobKind::Plan { .. } | JobKind::Blocks { .. } => true,
            JobKind::Form { .. } | JobKind::Own { .. } => false,
        };
        let asked: u64 = mine.iter().map(|one| one.cost).sum();
        let left = account.total.is_some_and(|total| total > account.reused + account.gained + asked);
        let floor = self.config.concurrency.floor.max(1) as usize;
        let own = match job.parallel {
            longhaul_core::spec::Parallel::Most(most) => most.get() as usize,
            longhaul_core::spec::Parallel::Auto => floor,
        };
        many && left && mine.len() < own.min(self.limits().per_task.max(1))
    }

    /// Whether every limit but the task's own has room for a request of a job.
    fn has_room(&self, job: &Job) -> bool {
        let limits = self.limits();
        let places = limits.per_authority.min(self.config.concurrency.floor as usize).max(1);
        let free = |host: &&str| self.exchanges.values().filter(|one| one.host == *host).count() < places;
        let bytes: u64 = self.exchanges.values().map(|one| one.cost).sum();
        // Whoever is first in line holds the bytes' place for itself, however large its request is.
        let largest = self.jobs.iter().filter(|job| job.task.is_some()).map(|job| self.largest(job)).max();
        let fits = bytes == 0 || bytes.saturating_add(largest.unwrap_or(0)) <= limits.bytes_in_flight;
        self.exchanges.len() < limits.requests.max(1) && job.hosts().iter().all(free) && fits
    }

    /// The most that one request of a job may count.
    fn largest(&self, job: &Job) -> u64 {
        let PartSize::Bytes(part) = job.part_size else {
            return u64::MAX;
        };
        let restarted = job.events.iter().any(|event| matches!(event, EventKind::Restarted(_)));
        match &job.kind {
            // Its probe is a range already: where that was answered with everything, so is what follows.
            JobKind::Get { host, .. } if *host == SIGNED => super::intents::OPEN_COST,
            JobKind::Get { path, .. } => match self.ranged.object(path).map(|object| object.style) {
                // After one restart all may have to come in one answer.
                Some(style) if style == Style::GOOD && !restarted => part,
                _ => super::intents::OPEN_COST,
            },
            // What fits into one request goes up in one, however small its parts would be.
            JobKind::Store { .. } => part.max(self.store.flavour.single),
            _ => part,
        }
    }

    /// Whether somebody waits for a place while there is one.
    fn check_places(&mut self) {
        for direction in [Direction::Download, Direction::Upload] {
            let limit = match direction {
                Direction::Download => self.limits().downloads,
                Direction::Upload => self.limits().uploads,
            };
            let here: Vec<(TaskId, usize, State)> = self
                .owners
                .iter()
                .filter(|&(_, &at)| self.jobs.get(at).is_some_and(|job| job.direction() == direction))
                .filter_map(|(&task, &at)| Some((task, at, self.engine.status(task)?)))
                .collect();
            let holds = |state: &State| !matches!(state, State::Queued | State::Paused(_) | State::Ended);
            let active = here.iter().filter(|(_, _, state)| holds(state)).count();
            // One that follows a cancelled transfer of the same key waits for it.
            let follows = |&(task, at, _): &(TaskId, usize, State)| {
                here.iter().any(|&(other, of, state)| other != task && of == at && state != State::Ended)
            };
            let waits = here.iter().filter(|one| one.2 == State::Queued && !follows(one)).count();
            if waits > 0 && active < limit.max(1) && !self.closed {
                let text = format!("{waits} of {direction:?} wait with {active} of {limit} places taken");
                self.broken(Invariant::Timely, text);
            }
        }
    }
}
