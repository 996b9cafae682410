//! The world around one engine: time, servers, network, disk, journals and an application, all of them values.
//!
//! A world is a function of its seed and of the [`Transition`](crate::Transition)s applied to it. Nothing in it reads a clock or
//! draws from anything but its own generator, so a run can be repeated, cut and shrunk.

mod act;
mod app;
mod consumer;
mod counts;
mod exchange;
mod finish;
mod intents;
mod job;
mod local;
mod own;
mod place;
mod planned;
mod process;
mod records;
mod remote;
mod timely;
mod watch;

use std::collections::BTreeMap;

use longhaul_core::intent::{FileOp, JournalOp, Question};
use longhaul_core::rng::Rng;
use longhaul_core::spec::Limits;
use longhaul_core::{Config, Engine, Now, OpId, TaskId, Time, Wall};

use crate::check::{Books, Invariant, Violation};
use crate::disk::Disk;
use crate::net::Exchange;
use crate::server::Rules;
use crate::server::blocks::Blocks;
use crate::server::form::Form;
use crate::server::own::Server;
use crate::server::presigner::Presigner;
use crate::server::ranged::Ranged;
use crate::server::store::Store;
use crate::trace::Trace;
use crate::weather::Weather;
use crate::wire::{Moment, WireRequest};

use process::Process;
use records::Compared;

pub use consumer::Consumer;
pub use job::{Job, JobKind, Wish};
pub use process::{FIRST, OTHER};

/// Civil time at the beginning: 2026-01-01.
pub const EPOCH: i64 = 1_767_225_600;

/// Most intents between two moments: more of them is a loop without end.
const MOST_INTENTS: usize = 100_000;

/// A file operation, journal write or question that is being carried out.
#[derive(Clone, Debug)]
pub(crate) struct Local {
    pub(crate) task: TaskId,
    pub(crate) job: usize,
    pub(crate) work: Work,
    pub(crate) cancelled: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// With the pending writes there were when it began.
    File(FileOp, usize),
    Journal(JournalOp),
    Recall,
    Ask(Question),
}

/// Something that will happen.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// An exchange goes on.
    Net(OpId),
    /// A stopped exchange ends.
    NetStopped(OpId),
    /// A request arrives whose sender has given up.
    Ghost(Box<WireRequest>, Time),
    /// A local operation ends.
    Local(OpId),
    /// A job's consumer, of this run, takes what is there.
    Gulp(usize, u64),
    /// The disk has room again.
    Room,
}

/// The world.
#[derive(Debug)]
pub struct World {
    /// The engine under test.
    pub engine: Engine,
    /// How bad things are.
    pub weather: Weather,
    /// Answers with content that the servers give at a time; to more requests they say 503.
    pub at_a_time: usize,
    /// Faults arranged for certain requests.
    pub rules: Rules,
    /// Hosts `origin` and `mirror`.
    pub ranged: Ranged,
    /// Host `form`.
    pub form: Form,
    /// Host `store`.
    pub store: Store,
    /// Host `blocks`.
    pub blocks: Blocks,
    /// Host `presigned`: the store, by URLs that the application's back end issues.
    pub presigner: Presigner,
    /// The embedder's own hosts.
    pub(crate) hosts: BTreeMap<String, Box<dyn Server>>,
    /// The disk.
    pub disk: Disk,
    /// Journals by job, as they survive.
    pub journals: BTreeMap<usize, Vec<u8>>,
    /// What the application wants moved.
    pub jobs: Vec<Job>,
    /// What happened.
    pub trace: Trace,
    /// Requests that arrived at servers, in order, where [`World::keep_requests`] is set.
    pub arrived: Vec<(Time, WireRequest)>,
    /// Keep arrived requests.
    pub keep_requests: bool,
    /// Least and most a journal write takes, in microseconds.
    pub journal_takes: (u64, u64),
    /// Whether the application is able to give fresh providers.
    pub refreshes: bool,
    /// Whether credentials say how long they last.
    pub tells_lifetime: bool,
    pub(crate) config: Config,
    pub(crate) rng: Rng,
    pub(crate) now: Time,
    /// What the client's civil clock is off.
    pub(crate) wall_off: i64,
    /// What servers' civil clocks are off, by host, in seconds.
    pub clocks: BTreeMap<&'static str, i64>,
    /// What will happen, and in which process.
    pub(crate) queue: BTreeMap<(Time, u64), (usize, Event)>,
    pub(crate) queued: u64,
    pub(crate) exchanges: BTreeMap<OpId, Exchange>,
    pub(crate) locals: BTreeMap<OpId, Local>,
    pub(crate) books: Books,
    /// How often servers have forgotten something.
    pub(crate) forgets: u64,
    /// Which job a task of the present engine is.
    pub(crate) owners: BTreeMap<TaskId, usize>,
    pub(crate) violation: Option<Violation>,
    pub(crate) closed: bool,
    /// The process at work, and the other one.
    pub(crate) present: usize,
    pub(crate) aside: Option<Box<Process>>,
    /// Requests that arrived at servers.
    pub(crate) requests: u64,
    /// What of a job's journal and file was compared and has not changed since.
    pub(crate) compared: Compared,
}

impl World {
    /// An empty world of fair weather. `keep` to keep the trace's lines.
    #[must_use]
    pub fn new(seed: u64, config: Config, keep: bool) -> Self {
        let mut rng = Rng::new(seed);
        Self {
            engine: Engine::new(config, rng.next_u64()),
            weather: Weather::CALM,
            at_a_time: usize::MAX,
            rules: Rules::default(),
            ranged: Ranged::default(),
            form: Form::default(),
            store: Store::default(),
            blocks: Blocks::default(),
            presigner: Presigner::default(),
            hosts: BTreeMap::new(),
            disk: Disk::default(),
            journals: BTreeMap::new(),
            jobs: Vec::new(),
            trace: Trace::new(keep),
            arrived: Vec::new(),
            keep_requests: false,
            journal_takes: (10, 3_000),
            refreshes: true,
            tells_lifetime: false,
            config,
            rng,
            now: Time::from_micros(1_000_000),
            wall_off: 0,
            queue: BTreeMap::new(),
            queued: 0,
            exchanges: BTreeMap::new(),
            locals: BTreeMap::new(),
            books: Books::default(),
            forgets: 0,
            owners: BTreeMap::new(),
            violation: None,
            closed: false,
            present: FIRST,
            aside: None,
            requests: 0,
            clocks: BTreeMap::new(),
            compared: Compared::default(),
        }
    }

    /// The world's time.
    #[must_use]
    pub const fn time(&self) -> Time {
        self.now
    }

    /// Both clocks as the client reads them.
    #[must_use]
    pub fn now(&self) -> Now {
        Now::new(self.now, Wall::from_unix(self.true_wall() + self.wall_off))
    }

    /// The moment as the server at `host` sees it.
    #[must_use]
    pub fn moment_at(&self, host: &str) -> Moment {
        let off = self.clocks.get(host).copied().unwrap_or(0);
        Moment { at: self.now, wall: Wall::from_unix(self.true_wall().saturating_add(off)) }
    }

    /// The moment as it is.
    #[must_use]
    pub fn moment(&self) -> Moment {
        Moment { at: self.now, wall: Wall::from_unix(self.true_wall()) }
    }

    fn true_wall(&self) -> i64 {
        EPOCH + i64::try_from(self.now.as_micros() / 1_000_000).unwrap_or(0)
    }

    /// The bounds in force.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.config.limits
    }

    /// The first invariant that broke.
    ///
    /// # Errors
    /// When one has.
    pub fn verdict(&self) -> Result<(), Violation> {
        self.violation.clone().map_or(Ok(()), Err)
    }

    /// Records a broken invariant; the first one counts.
    pub(crate) fn broken(&mut self, invariant: Invariant, detail: impl Into<String>) {
        if self.violation.is_none() {
            let detail = detail.into();
            self.trace.note(self.now, format_args!("BROKEN {invariant:?}: {detail}"));
            self.violation = Some(Violation { invariant, at: self.now, detail });
        }
    }

    pub(crate) fn schedule(&mut self, after_micros: u64, event: Event) {
        self.queued += 1;
        let at = Time::from_micros(self.now.as_micros().saturating_add(after_micros));
        self.queue.insert((at, self.queued), (self.present, event));
    }

    /// Lets the world go on until `until` gives true, `limit` has passed, nothing is left to happen, or an invariant broke.
    /// Returns whether `until` came true.
    pub fn run_until(&mut self, limit: Time, mut until: impl FnMut(&Self) -> bool) -> bool {
        self.in_each_process(Self::settle);
        loop {
            if until(self) {
                return true;
            }
            if self.violation.is_some() || !self.step(limit) {
                return until(self);
            }
        }
    }

    /// Lets `micros` pass.
    pub fn run_for(&mut self, micros: u64) {
        let end = Time::from_micros(self.now.as_micros().saturating_add(micros));
        self.run_until(end, |_| false);
        self.now = self.now.max(end);
    }

    /// The next thing happens, if it happens before `limit`.
    pub fn step(&mut self, limit: Time) -> bool {
        let event = self.queue.first_key_value().map(|(&(at, _), _)| at);
        let timer = self.next_timeout();
        let Some(next) = event.into_iter().chain(timer.map(|(timer, _)| timer)).min() else {
            return false;
        };
        if next > limit {
            return false;
        }
        self.now = self.now.max(next);
        if let Some((_, process)) = timer.filter(|&(timer, _)| timer <= self.now) {
            self.enter(process);
            let now = self.now();
            self.engine.handle_timeout(now);
            self.settle();
            if self.engine.poll_timeout().is_some_and(|again| again <= self.now) {
                self.broken(
                    Invariant::NoBusyLoop,
                    "the timeout is due again after it was handled and all intents were polled",
                );
            }
        } else if let Some((_, (process, event))) = self.queue.pop_first() {
            self.enter(process);
            match event {
                Event::Net(op) => self.net_step(op),
                Event::NetStopped(op) => self.net_stopped(op),
                Event::Ghost(request, begun) => {
                    self.trace.note(self.now, format_args!("ghost {} {}", request.method, request.uri));
                    self.store.straggler = Some(begun);
                    self.serve(&request);
                    self.store.straggler = None;
                }
                Event::Local(op) => self.local_done(op),
                Event::Gulp(job, run) => self.gulp(job, run),
                Event::Room => self.disk.full = false,
            }
            self.settle();
        }
        true
    }

    /// Polls intents and events until there are none, then checks.
    pub fn settle(&mut self) {
        for round in 0.. {
            let now = self.now();
            let Some(intent) = self.engine.poll_intent(now) else {
                break;
            };
            if round > MOST_INTENTS {
                self.broken(Invariant::NoBusyLoop, "intents without end");
                return;
            }
            self.carry_out(intent);
        }
        while let Some(event) = self.engine.poll_event() {
            self.notice(event);
        }
        self.check();
    }
}
