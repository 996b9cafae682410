//! One transfer: from its first request to its end, as a state machine that is told what happened and asked what to do.
//!
//! `phase` says what may follow what; `download`, `upload` and `ending` say what each phase does, `ranges` and `sending` how content
//! moves meanwhile; `requests` judges answers and schedules retries; `keeper` decides when facts become durable. A transfer never
//! sees another one and never decides whether it may send: the engine asks it for one request at a time, under all limits.

mod command;
mod download;
mod ending;
mod keeper;
mod local;
pub(crate) mod parts;
pub(crate) mod phase;
mod presigned;
mod ranges;
mod rate;
mod requests;
pub(crate) mod segments;
mod sending;
mod sessionless;
mod state;
#[cfg(test)]
mod tests;
mod upload;
mod whole;

use alloc::boxed::Box;
use alloc::vec::Vec;

use http::Uri;
use uuid::Uuid;

pub use phase::Phase;

use crate::checkpoint::{Checkpoint, Stage};
use crate::digest::Verification;
use crate::engine::events::Events;
use crate::error::{Error, Fault, FileFault};
use crate::event::{Completed, End, EventKind, Progress, Restart};
use crate::id::{OpId, TaskId};
use crate::intent::{FileOp, JournalOp, Moved, Question};
use crate::layout::Layout;
use crate::provider::{Begin, Context, Profile, Reply, Step, UploadedPart, Validator, Verdict};
use crate::rng::Rng;
use crate::spec::{Config, Direction, Durability, Spec};
use crate::time::{Now, Time};
use keeper::Keeper;
use parts::{Allowance, Parts, Tries};
use phase::Signal;
use rate::Rate;
use state::{Recall, Refresh, Remote, Session, Single, Source};

/// What surrounds one call.
pub(crate) struct Cx<'a> {
    pub(crate) now: Now,
    pub(crate) config: &'a Config,
    pub(crate) events: &'a mut Events,
}

/// Whether the transfer is to work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Run {
    Running,
    Pausing,
    Paused,
}

/// Why a transfer is on its way out.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Stop {
    /// The caller does not want it any more.
    Cancel,
    /// The engine goes; everything is kept.
    Close,
    /// It failed. `discard` when what is stored is worthless.
    Fail { error: Error, discard: bool },
    /// It is done.
    Done(Completed),
}

/// How an exchange ended, as the engine understood it.
#[derive(Debug)]
pub(crate) enum Exchange {
    /// The answer was read and judged.
    Judged(Result<Reply, Verdict>),
    /// All accepted bytes were written.
    Moved,
    /// It broke.
    Broken(Fault),
    /// The local end failed.
    Local(FileFault),
    /// It was stopped.
    Cancelled,
}

/// One request to make now.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) step: Step,
    pub(crate) retry: bool,
}

/// Something local to do now.
#[derive(Debug)]
pub(crate) enum Local {
    Recall,
    File(FileOp),
    Journal(JournalOp),
    Ask(Question),
}

/// Whether a request could go out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Want {
    Nothing,
    Request {
        bytes: u64,
        retry: bool,
    },
    /// Nothing is in flight, and what the next request of so many bytes needs is to be asked for.
    Question {
        bytes: u64,
    },
}

#[derive(Debug)]
pub(crate) struct Transfer {
    pub(crate) id: TaskId,
    pub(crate) spec: Spec,
    pub(crate) run: Run,
    /// What it has in flight, in virtual time.
    pub(crate) flying: u64,
    /// None of its requests' clocks runs out before. Looked at anew only when that comes: most clocks are put back again and again.
    pub(crate) clocks: Time,
    /// Waits for the retry budget of its authority.
    pub(crate) blocked: Option<Time>,
    /// Has no request in flight and would have one: when others are to make room.
    pub(crate) starves_at: Option<Time>,
    /// Operations to stop, collected by the engine after every call.
    pub(crate) cancels: Vec<OpId>,
    pub(crate) progress: Progress,
    pub(crate) rate: Rate,
    pub(crate) end: Option<End>,
    /// Why it waits, for the snapshot.
    pub(crate) reason: Option<Error>,
    phase: Phase,
    started: bool,
    recall: Recall,
    stop: Option<Stop>,
    profile: Profile,
    rng: Rng,
    nonce: Uuid,
    skew: i64,
    skew_learned: bool,
    /// The store does not know the checksums that go along.
    plain: bool,
    location: Option<Uri>,
    hops: u32,
    /// Redirects followed, fresh providers taken and clocks learned, in all: tells a request sent since from an earlier one.
    way: u64,
    refresh: Refresh,
    single: Single,
    parts: Parts,
    /// A file operation in flight.
    file: Option<OpId>,
    keeper: Keeper,
    restarts: u32,
    restart: Option<Restart>,
    reused_told: bool,
    verification: Verification,
    remote: Remote,
    source: Source,
    session: Session,
    cleaning: ending::Cleaning,
    commit_sent: bool,
}

impl Transfer {
    pub(crate) fn new(id: TaskId, mut spec: Spec, mut rng: Rng, now: Time) -> Box<Self> {
        let profile = spec.provider.profile();
        let nonce = rng.uuid();
        let checkpoint = spec.checkpoint.take();
        let mut transfer = Box::new(Self {
            id,
            keeper: Keeper::new(spec.journal, spec.durability == Durability::Power, now),
            spec,
            run: Run::Running,
            flying: 0,
            clocks: Time::NEVER,
            blocked: None,
            starves_at: None,
            cancels: Vec::new(),
            progress: Progress::default(),
            rate: Rate::new(now),
            end: None,
            reason: None,
            phase: Phase::Queued,
            started: false,
            recall: Recall::Done,
            stop: None,
            profile,
            rng,
            nonce,
            skew: 0,
            skew_learned: false,
            plain: false,
            location: None,
            hops: 0,
            way: 0,
            refresh: Refresh::default(),
            single: Single::default(),
            parts: Parts::default(),
            file: None,
            restarts: 0,
            restart: None,
            reused_told: false,
            verification: Verification::NotProvided,
            remote: Remote::default(),
            source: Source::default(),
            session: Session::default(),
            cleaning: ending::Cleaning::default(),
            commit_sent: false,
        });
        if !transfer.records() {
            transfer.keeper.disable();
        }
        match checkpoint {
            Some(checkpoint) => transfer.adopt(*checkpoint),
            None if transfer.spec.recall => transfer.recall = Recall::Wanted,
            None => {}
        }
        transfer
    }

    /// Takes over what an earlier run recorded. It is believed only after server and disk have been asked.
    fn adopt(&mut self, checkpoint: Checkpoint) {
        let foreign = checkpoint.direction != self.spec.direction
            || checkpoint.object != crate::spec::object_mark(self.spec.provider.as_ref());
        if foreign || !self.is_of_plan(&checkpoint) {
            return;
        }
        match self.spec.direction {
            Direction::Download => {
                self.nonce = checkpoint.nonce;
                // Without a version to hold it against, what is stored cannot be continued.
                if checkpoint.validator.pins() && checkpoint.total.is_some() && checkpoint.segments.total() > 0 {
                    self.remote.object.total = checkpoint.total;
                    self.remote.object.validator = checkpoint.validator;
                    self.keeper.found(&checkpoint.segments);
                    self.remote.segments = checkpoint.segments;
                }
            }
            Direction::Upload => {
                self.source.total = checkpoint.total;
                self.source.fingerprint = checkpoint.fingerprint;
                self.source.digest = checkpoint.content_digest;
                self.source.layout = checkpoint.total.and_then(|total| Layout::recorded(total, checkpoint.part_size));
                self.session.id = checkpoint.session;
                self.session.stage = checkpoint.stage;
                self.session.resumed = checkpoint.stage != Stage::Fresh;
                self.session.untold = self.profile.begin == Begin::Creates
                    && self.session.id.is_none()
                    && checkpoint.stage != Stage::Fresh;
                // What became of the names and parts of a record whose stage is lost, nobody knows.
                if checkpoint.stage == Stage::Fresh {
                    return;
                }
                self.nonce = checkpoint.nonce;
                // Only parts of this very layout: anything else comes from a damaged or foreign record.
                let layout = self.source.layout;
                let fits = |part: &UploadedPart| {
                    let index = part.number.checked_sub(1);
                    !part.range.is_empty()
                        && layout.zip(index).map(|(layout, index)| layout.part(index)) == Some(part.range)
                };
                for (number, (part, digest)) in checkpoint.parts {
                    if !fits(&part) {
                        continue;
                    }
                    self.session.parts.insert(number, part);
                    if let Some(digest) = digest {
                        self.session.digests.insert(number, digest);
                    }
                }
            }
        }
    }

    pub(crate) const fn phase(&self) -> Phase {
        self.phase
    }

    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Ended)
    }

    pub(crate) const fn is_stopping(&self) -> bool {
        self.stop.is_some()
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.parts.flights.len() + usize::from(self.single.op.is_some())
    }

    /// Where requests go at the moment.
    pub(crate) fn authority(&self) -> &str {
        match &self.location {
            Some(uri) => uri.authority().map_or("", |authority| authority.as_str()),
            None => self.spec.provider.authority(),
        }
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            total: match self.spec.direction {
                Direction::Download => self.remote.object.total,
                Direction::Upload => self.source.total,
            },
            validator: &self.remote.object.validator,
            session: self.session.id.as_deref(),
            parts: &self.session.parts,
            digests: &self.session.digests,
            sent: None,
            content_digest: self.source.digest.as_ref().or_else(|| self.digest_in_doubt()),
            location: self.location.as_ref(),
            nonce: self.nonce,
            skew: self.skew,
            plain: self.plain,
        }
    }

    /// Takes one step of the table. A signal without a business here is a bug of ours; it is left without effect, and the
    /// simulator watches for it in debug builds.
    fn signal(&mut self, signal: Signal, cx: &mut Cx<'_>) {
        let Some(to) = phase::next(self.spec.direction, self.phase, signal) else {
            debug_assert!(false, "{signal:?} in {:?}", self.phase);
            return;
        };
        self.phase = to;
        self.single.tries = Tries::default();
        self.single.due = None;
        cx.events.push(self.id, EventKind::Phase(to));
        self.enter(cx);
    }

    /// What entering a phase brings with it.
    fn enter(&mut self, cx: &mut Cx<'_>) {
        match self.phase {
            Phase::Opening => self.enter_opening(),
            Phase::Committing => {
                self.session.stage = Stage::Committing;
                self.keeper.stage(Stage::Committing);
            }
            Phase::Aborting => self.record_abort(),
            Phase::Moving => match self.spec.direction {
                Direction::Download => self.enter_moving_download(cx),
                Direction::Upload => self.enter_moving_upload(cx),
            },
            Phase::Verifying => self.enter_verifying(cx),
            Phase::Cleaning => self.enter_cleaning(),
            Phase::Ended => self.finish(cx),
            _ => {}
        }
    }

    // What to do next.

    /// Whether a later run may find something to go on from. Of a download nothing is believed that has no digest.
    fn records(&self) -> bool {
        self.spec.journal && (self.spec.recheck || self.spec.direction == Direction::Upload)
    }

    /// Whether the transfer goes about its business (and is not waiting, pausing or ending).
    fn works(&self) -> bool {
        self.run == Run::Running && self.restart.is_none() && (self.stop.is_none() || self.phase.is_committing())
    }

    /// Whether, and how big, a request could go out now.
    pub(crate) fn want(&self, now: Now, config: &Config, may: Allowance) -> Want {
        match self.peek(now, config, may) {
            None if self.asks_in_turn() && self.has_question(now, config) => {
                Want::Question { bytes: self.question_bytes(now, config) }
            }
            None => Want::Nothing,
            Some((step, tries)) => {
                Want::Request { bytes: step.range().map_or(0, |range| range.len()), retry: tries.costs() }
            }
        }
    }

    /// Makes the request that [`Self::want`] spoke of.
    pub(crate) fn plan(&mut self, op: OpId, now: Now, config: &Config, may: Allowance) -> Option<Planned> {
        let (step, tries) = self.peek(now, config, may)?;
        match step.range() {
            Some(range) => {
                self.parts.take_due(range);
                self.parts.launch(op, range, Tries { way: self.way, ..tries }, now.mono);
            }
            None => {
                self.single.op = Some(op);
                self.single.tries.way = self.way;
                self.single.due = None;
                self.single.opens = matches!(step, Step::Begin) && self.profile.begin == Begin::Creates;
                if matches!(step, Step::Commit) {
                    self.commit_sent = true;
                    self.session.known_uncommitted = false;
                }
            }
        }
        self.refresh.unused = 0;
        self.progress.requests += 1;
        if tries.is_retry() {
            self.progress.retries += 1;
        }
        Some(Planned { step, retry: tries.costs() })
    }

    fn peek(&self, now: Now, config: &Config, may: Allowance) -> Option<(Step, Tries)> {
        let held = self.keeper.holds() || self.refresh.wanted.is_some();
        let works = self.works() || self.phase == Phase::Aborting;
        if held || !works || self.file_blocks() {
            return None;
        }
        if self.phase == Phase::Moving {
            return match self.spec.direction {
                Direction::Download => {
                    self.peek_range(now.mono, config, may).filter(|(step, _)| self.is_ready(step, now))
                }
                Direction::Upload => self.peek_part(now, may).filter(|(step, _)| self.is_ready(step, now)),
            };
        }
        if self.single.op.is_some() || self.single.due.is_some_and(|due| due > now.mono) || !may.pays(self.single.tries)
        {
            return None;
        }
        let step = match self.phase {
            Phase::Probing if self.remote.by_range => Step::ProbeRange,
            Phase::Probing => Step::Probe,
            Phase::Opening => Step::Begin,
            Phase::Reconciling => Step::ListParts { marker: self.session.marker.clone() },
            Phase::Committing => Step::Commit,
            Phase::Confirming => Step::Confirm,
            Phase::Aborting => Step::Abort,
            _ => return None,
        };
        self.is_ready(&step, now).then_some((step, self.single.tries))
    }

    /// A file operation that must end before requests go on. Only a checkpoint's sync may run beside them.
    fn file_blocks(&self) -> bool {
        self.file.is_some() && self.phase != Phase::Moving
    }

    /// When, after `now`, the transfer wants to be asked again although nothing happens. A retry that is due and waits for room
    /// hides no later deadline.
    pub(crate) fn deadline(&self, now: Time, config: &Config) -> Option<Time> {
        if self.run == Run::Paused || self.is_over() {
            return None;
        }
        let save =
            (self.phase == Phase::Moving && self.file.is_none()).then(|| self.keeper.due(config.interval)).flatten();
        let slow = self.can_relieve().then(|| self.slow_from()).into_iter().flatten().map(|(from, _)| from);
        self.retries_at(now).into_iter().chain(save).chain(slow).filter(|&at| at > now).min()
    }

    /// When, after `now`, the next retry is due.
    pub(crate) fn retries_at(&self, now: Time) -> Option<Time> {
        if self.phase == Phase::Moving { self.parts.next_due(now) } else { self.single.due.filter(|&due| due > now) }
    }

    // Answers.

    pub(crate) fn on_consumed(&mut self, upto: u64) {
        self.remote.consumed = self.remote.consumed.max(upto);
    }

    /// A request in flight has come this far.
    pub(crate) fn on_moved(&mut self, op: OpId, moved: Moved, now: Time) {
        let download = self.spec.direction == Direction::Download;
        let Some(flight) = self.parts.flight(op) else {
            return;
        };
        // A form's own words are sent too; only content counts.
        let len = flight.range.len();
        let bytes = |moved: &Moved| if download { moved.written } else { moved.sent }.min(len);
        let fresh = bytes(&moved).saturating_sub(bytes(&flight.moved));
        flight.moved = moved;
        self.account(fresh, now);
    }

    /// `fresh` more content bytes crossed the network.
    fn account(&mut self, fresh: u64, now: Time) {
        self.progress.moved = self.progress.moved.saturating_add(fresh);
        self.rate.add(fresh, now);
        if self.spec.direction == Direction::Download && !self.remote.serial {
            self.keeper.grew(fresh);
        }
    }

    /// The current progress, computed from what is stored and what is moving.
    pub(crate) fn progress(&self, now: Time) -> Progress {
        let acknowledged = match self.spec.direction {
            Direction::Download => {
                let flying: u64 =
                    self.parts.flights.iter().map(|flight| flight.moved.written.min(flight.range.len())).sum();
                self.remote.segments.total() + flying
            }
            Direction::Upload if self.profile.order == crate::provider::Order::ServerOffset => self.session.high,
            Direction::Upload => self.session.parts.values().map(|part| part.range.len()).sum(),
        };
        let total = self.context().total;
        let done = matches!(self.end, Some(End::Completed(_))) || matches!(self.stop, Some(Stop::Done(_)));
        let acknowledged = match total {
            Some(total) if done => total,
            Some(total) => acknowledged.min(total),
            None => acknowledged,
        };
        let expected = self.remote.hinted.filter(|&hinted| acknowledged <= hinted);
        Progress { total: total.or(expected), acknowledged, rate: self.rate.current(now), ..self.progress }
    }

    pub(crate) fn to_checkpoint(&self) -> Checkpoint {
        let (total, part_size) = match self.spec.direction {
            Direction::Download => (self.remote.object.total, 1),
            Direction::Upload => (self.source.total, self.source.layout.as_ref().map_or(1, Layout::part_size)),
        };
        let parts = self
            .session
            .parts
            .iter()
            .map(|(&number, part)| (number, (part.clone(), self.session.digests.get(&number).copied())));
        Checkpoint {
            direction: self.spec.direction,
            object: crate::spec::object_mark(self.spec.provider.as_ref()),
            nonce: self.nonce,
            total,
            part_size,
            validator: match self.spec.direction {
                Direction::Download => self.remote.object.validator.clone(),
                Direction::Upload => Validator::default(),
            },
            fingerprint: self.source.fingerprint,
            content_digest: self.source.digest,
            segments: self.keeper.durable(),
            parts: parts.collect(),
            session: self.session.id.clone(),
            stage: self.session.stage,
        }
    }
}
