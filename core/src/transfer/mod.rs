//! One transfer: from its first request to its end, as a state machine that is told what happened and asked what to do.
//!
//! `phase` says what may follow what; `download`, `upload` and `ending` say what each phase does; `requests` judges answers and
//! schedules retries; `keeper` decides when facts become durable. A transfer never sees another one and never decides whether
//! it may send: the engine asks it for one request at a time, under all limits.

mod download;
mod ending;
mod keeper;
pub(crate) mod parts;
pub(crate) mod phase;
mod rate;
mod requests;
pub(crate) mod segments;
mod upload;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use http::Uri;
use uuid::Uuid;

pub use phase::Phase;

use crate::checkpoint::{Checkpoint, Stage};
use crate::digest::{Digest, Verification};
use crate::engine::events::Events;
use crate::error::{Error, Fault, FileFault, ServerFault};
use crate::event::{Completed, End, EventKind, Progress, Restart};
use crate::id::{OpId, TaskId};
use crate::intent::{Answer, FileOp, FileReply, Fingerprint, JournalOp, Moved, Question};
use crate::layout::Layout;
use crate::provider::{Begin, Context, Object, Profile, Reply, Step, UploadedPart, Validator, Verdict};
use crate::rng::Rng;
use crate::spec::{Config, Direction, Durability, Spec};
use crate::time::{Now, Time};
use keeper::Keeper;
use parts::{Flight, Parts, Tries};
use phase::Signal;
use rate::Rate;
use segments::Segments;

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
    Request { bytes: u64, retry: bool },
}

/// The state of the phases that consist of one request at a time.
#[derive(Debug, Default)]
struct Single {
    op: Option<OpId>,
    /// Whose answer must not be lost: it may name a session nobody else knows of.
    opens: bool,
    tries: Tries,
    due: Option<Time>,
}

/// Reading what an earlier run recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Recall {
    Wanted,
    InFlight(OpId),
    Done,
}

/// Fresh credentials or URLs from the application.
#[derive(Debug, Default)]
struct Refresh {
    wanted: Option<ServerFault>,
    op: Option<OpId>,
    /// Refusals since the last success: the second one is terminal.
    refusals: u32,
}

#[derive(Debug)]
pub(crate) struct Transfer {
    pub(crate) id: TaskId,
    pub(crate) spec: Spec,
    pub(crate) run: Run,
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
    location: Option<Uri>,
    hops: u32,
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

/// What is known of the remote object (downloads).
#[derive(Debug, Default)]
struct Remote {
    object: Object,
    /// Size and validator are latched.
    known: bool,
    by_range: bool,
    /// Ranges turned out to be of no use with this server.
    force_serial: bool,
    /// One response without a range, because nothing pins a version or ranges are not served.
    serial: bool,
    /// A 206 has been seen.
    ranged: bool,
    segments: Segments,
    /// Bytes the consumer of an ordered target has taken.
    consumed: u64,
    verified: usize,
    path: Option<String>,
    /// Digests the whole must have: the caller's, else the server's strongest.
    expected: Vec<Digest>,
}

/// What is known of the source (uploads).
#[derive(Debug, Default)]
struct Source {
    total: Option<u64>,
    fingerprint: Option<Fingerprint>,
    digest: Option<Digest>,
    layout: Option<Layout>,
    /// Its length is only known when all of it has been read.
    endless: bool,
    /// Everything goes up in one request, which is still to be made.
    whole: bool,
}

/// What is known of the upload on the server.
#[derive(Debug, Default)]
struct Session {
    id: Option<String>,
    parts: BTreeMap<u64, UploadedPart>,
    /// CRC-64/NVME of each confirmed part as it was sent.
    digests: BTreeMap<u64, Digest>,
    stage: Stage,
    marker: Option<String>,
    listed: BTreeMap<u64, UploadedPart>,
    /// Next byte under `Order::ServerOffset`.
    cursor: u64,
    /// Farthest the server ever confirmed.
    high: u64,
    rewinds: u32,
    /// A former run left this session, or had sent requests for it.
    resumed: bool,
    /// How often a confirmation said that the commit had not taken effect.
    commits: u32,
    known_uncommitted: bool,
    /// The commit failed for good: its outcome is not waited for any longer.
    given_up: bool,
    /// Recorded parts must be compared with the source before they are believed.
    recheck: bool,
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
            location: None,
            hops: 0,
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
        match checkpoint {
            Some(checkpoint) => transfer.adopt(checkpoint),
            None if transfer.spec.recall => transfer.recall = Recall::Wanted,
            None => {}
        }
        transfer
    }

    /// Takes over what an earlier run recorded. It is believed only after server and disk have been asked.
    fn adopt(&mut self, checkpoint: Checkpoint) {
        let foreign = checkpoint.direction != self.spec.direction
            || checkpoint.object != crate::spec::object_mark(self.spec.provider.as_ref());
        if foreign {
            return;
        }
        self.nonce = checkpoint.nonce;
        match self.spec.direction {
            Direction::Download => {
                // Without a version to hold it against, what is stored cannot be continued.
                if checkpoint.validator.pins() && checkpoint.total.is_some() {
                    self.remote.object.total = checkpoint.total;
                    self.remote.object.validator = checkpoint.validator;
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
            content_digest: self.source.digest.as_ref(),
            location: self.location.as_ref(),
            nonce: self.nonce,
            skew: self.skew,
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
            Phase::Aborting => {
                self.session.stage = Stage::Aborting;
                self.keeper.stage(Stage::Aborting);
            }
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

    /// There is a place to work: begins, or goes on where a pause stopped it.
    pub(crate) fn start(&mut self, cx: &mut Cx<'_>) {
        if !core::mem::replace(&mut self.started, true) {
            cx.events.push(self.id, EventKind::Started);
        }
        self.begin(cx);
    }

    /// The first step of all, once it is known what an earlier run left.
    fn begin(&mut self, cx: &mut Cx<'_>) {
        if self.phase != Phase::Queued || self.recall != Recall::Done || self.run != Run::Running || !self.started {
            return;
        }
        match self.spec.direction {
            Direction::Download => self.start_download(cx),
            Direction::Upload => self.signal(Signal::Start, cx),
        }
    }

    // Commands.

    pub(crate) fn pause(&mut self, cx: &mut Cx<'_>) {
        if self.run == Run::Running && self.stop.is_none() {
            self.run = Run::Pausing;
            self.cancel_interruptible();
            self.settle(cx);
        }
    }

    pub(crate) fn resume(&mut self, cx: &mut Cx<'_>) {
        if self.run != Run::Running && self.stop.is_none() {
            let told = self.run == Run::Paused;
            self.run = Run::Running;
            self.parts.release_delayed();
            self.single.due = None;
            self.single.tries = Tries::default();
            if told {
                cx.events.push(self.id, EventKind::Resumed);
            }
            if self.spec.direction == Direction::Download {
                self.check_moved(cx);
            }
            self.begin(cx);
            self.settle(cx);
        }
    }

    /// Begins to end. The first reason stands, except that `Close` overrides a wish to clean up remotely.
    pub(crate) fn stop(&mut self, stop: Stop, cx: &mut Cx<'_>) {
        let closing = stop == Stop::Close;
        if self.stop.is_none() {
            self.stop = Some(stop);
            self.run = Run::Running;
            self.restart = None;
            self.refresh.wanted = None;
            if self.recall == Recall::Wanted && self.stop != Some(Stop::Cancel) {
                self.recall = Recall::Done;
            }
            self.obey_stop(cx);
        } else if closing && self.phase == Phase::Aborting {
            self.give_up_abort(Error::Closed, cx);
        }
        if closing {
            self.cancel_all();
        } else {
            self.cancel_interruptible();
        }
        self.settle(cx);
    }

    /// Takes the way out where the phase allows it. What an earlier run left must be known before it can be cleaned up.
    fn obey_stop(&mut self, cx: &mut Cx<'_>) {
        let known = self.recall == Recall::Done;
        if known && phase::next(self.spec.direction, self.phase, Signal::Stop).is_some() {
            self.parts.clear();
            self.signal(Signal::Stop, cx);
        }
    }

    pub(crate) fn fail(&mut self, error: Error, cx: &mut Cx<'_>) {
        self.stop(Stop::Fail { error, discard: false }, cx);
    }

    // What to do next.

    /// The next local operation, if one may start now.
    pub(crate) fn next_local(&mut self, cx: &mut Cx<'_>) -> Option<Local> {
        match self.recall {
            Recall::Wanted if self.run == Run::Running => return Some(Local::Recall),
            Recall::Wanted | Recall::InFlight(_) => return None,
            Recall::Done => {}
        }
        // While cleaning, the file goes before its record: a crash in between must leave something to find it by.
        if self.phase != Phase::Cleaning
            && let Some(journal) = self.next_journal(cx)
        {
            return Some(journal);
        }
        if self.refresh.op.is_none()
            && let Some(fault) = &self.refresh.wanted
            && self.works()
        {
            return Some(Local::Ask(Question::Refresh(fault.clone())));
        }
        if self.file.is_none()
            && let Some(file) = self.next_file(cx)
        {
            return Some(Local::File(file));
        }
        // What was just made ready, without needing a sync, can be recorded at once.
        let journal = self.next_journal(cx);
        if journal.is_none() {
            self.settle(cx);
        }
        journal
    }

    fn next_journal(&mut self, cx: &Cx<'_>) -> Option<Local> {
        if self.phase == Phase::Cleaning && (self.file.is_some() || self.cleaning_file().is_some()) {
            return None;
        }
        let flush = self.run != Run::Running || self.stop.is_some();
        let write = self.keeper.next(cx.now.mono, cx.config.interval, flush)?;
        Some(Local::Journal(match write {
            keeper::Write::Replace => JournalOp::Replace(self.to_checkpoint().encode()),
            keeper::Write::Append(frames) => JournalOp::Append(frames),
            keeper::Write::Remove => JournalOp::Remove,
        }))
    }

    /// Records the id under which what [`Self::next_local`] gave was issued.
    pub(crate) fn local_issued(&mut self, op: OpId, local: &Local, now: Time) {
        match local {
            Local::Recall => self.recall = Recall::InFlight(op),
            Local::File(_) => self.file = Some(op),
            Local::Journal(_) => self.keeper.issued(op, now),
            Local::Ask(_) => self.refresh.op = Some(op),
        }
    }

    fn next_file(&mut self, cx: &mut Cx<'_>) -> Option<FileOp> {
        if self.phase == Phase::Cleaning {
            return self.cleaning_file();
        }
        if self.phase.is_ending() {
            let last = self.phase == Phase::Ending && self.keeps_stored() && self.in_flight() == 0;
            return if last && self.keeper.has_unsynced() { self.begin_sync() } else { None };
        }
        match self.run {
            Run::Paused => None,
            // What was stored until now becomes a checkpoint before the pause is complete.
            Run::Pausing => {
                let settled = self.in_flight() == 0 && self.keeper.has_unsynced();
                if settled { self.begin_sync() } else { None }
            }
            Run::Running if self.phase == Phase::Moving => {
                let due = self.keeper.wants_sync(cx.now.mono, cx.config.interval);
                if due { self.begin_sync() } else { None }
            }
            Run::Running => match self.spec.direction {
                Direction::Download => self.download_file(),
                Direction::Upload => self.upload_file(),
            },
        }
    }

    /// Takes what is stored now for the next checkpoint; the sync to issue, if one is needed.
    fn begin_sync(&mut self) -> Option<FileOp> {
        let stored = self.remote.segments.iter();
        let moving = self.parts.flights.iter().filter(|flight| flight.accepted.is_some()).filter_map(Flight::written);
        let segments = stored.chain(moving).collect();
        self.keeper.sync_begins(segments).then_some(FileOp::Sync)
    }

    /// Whether the transfer goes about its business (and is not waiting, pausing or ending).
    fn works(&self) -> bool {
        self.run == Run::Running && self.restart.is_none() && (self.stop.is_none() || self.phase.is_committing())
    }

    /// Whether, and how big, a request could go out now.
    pub(crate) fn want(&self, now: Time, config: &Config, parallel: usize) -> Want {
        match self.peek(now, config, parallel) {
            None => Want::Nothing,
            Some((step, tries)) => Want::Request {
                bytes: step.range().map_or(0, |range| range.len()),
                // A stale connection costs nothing: only real failures ask the budget.
                retry: tries.failed > 0,
            },
        }
    }

    /// Makes the request that [`Self::want`] spoke of.
    pub(crate) fn plan(&mut self, op: OpId, now: Time, config: &Config, parallel: usize) -> Option<Planned> {
        let (step, tries) = self.peek(now, config, parallel)?;
        match step.range() {
            Some(range) => {
                self.parts.take_due(range);
                self.parts.launch(op, range, tries);
            }
            None => {
                self.single.op = Some(op);
                self.single.due = None;
                self.single.opens = matches!(step, Step::Begin) && self.profile.begin == Begin::Creates;
                if matches!(step, Step::Commit) {
                    self.commit_sent = true;
                    self.session.known_uncommitted = false;
                }
            }
        }
        self.progress.requests += 1;
        if tries.is_retry() {
            self.progress.retries += 1;
        }
        Some(Planned { step, retry: tries.failed > 0 })
    }

    fn peek(&self, now: Time, config: &Config, parallel: usize) -> Option<(Step, Tries)> {
        let held = self.keeper.holds() || self.refresh.wanted.is_some();
        let may = self.works() || self.phase == Phase::Aborting;
        if held || !may || self.file_blocks() {
            return None;
        }
        if self.phase == Phase::Moving {
            return match self.spec.direction {
                Direction::Download => self.peek_range(now, config, parallel),
                Direction::Upload => self.peek_part(now, config, parallel),
            };
        }
        if self.single.op.is_some() || self.single.due.is_some_and(|due| due > now) {
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
        Some((step, self.single.tries))
    }

    /// A file operation that must end before requests go on. Only a checkpoint's sync may run beside them.
    fn file_blocks(&self) -> bool {
        self.file.is_some() && self.phase != Phase::Moving
    }

    /// When the transfer wants to be asked again although nothing happens.
    pub(crate) fn deadline(&self, config: &Config) -> Option<Time> {
        if self.run == Run::Paused || self.is_over() {
            return None;
        }
        let retry = if self.phase == Phase::Moving { self.parts.next_due() } else { self.single.due };
        let save =
            (self.phase == Phase::Moving && self.file.is_none()).then(|| self.keeper.due(config.interval)).flatten();
        [retry, save].into_iter().flatten().min()
    }

    // Answers.

    pub(crate) fn on_file(&mut self, op: OpId, reply: Result<FileReply, FileFault>, cx: &mut Cx<'_>) {
        if self.file != Some(op) {
            return;
        }
        self.file = None;
        let saved = self.keeper.sync_ended(reply.is_ok());
        if self.phase == Phase::Cleaning {
            self.cleaned_file(reply.err());
        } else if self.phase.is_ending() {
            // Whatever it was, nothing depends on it any more.
        } else {
            match reply {
                Ok(_) if saved => {}
                Ok(reply) => match self.spec.direction {
                    Direction::Download => self.download_replied(reply, cx),
                    Direction::Upload => self.upload_replied(reply, cx),
                },
                // Stopped by a pause or restart, which may be over by now: it is simply asked for again.
                Err(fault) if fault.kind == crate::error::FileFaultKind::Cancelled => {}
                Err(fault) => self.fail(Error::Disk(fault), cx),
            }
        }
        self.settle(cx);
    }

    /// The journal was read.
    pub(crate) fn on_recalled(&mut self, op: OpId, reply: Result<Option<Bytes>, FileFault>, cx: &mut Cx<'_>) {
        if self.recall != Recall::InFlight(op) {
            return;
        }
        self.recall = Recall::Done;
        match reply.map(|journal| journal.map(|journal| Checkpoint::decode(&journal))) {
            Ok(None) => {}
            Ok(Some(Ok(checkpoint))) => self.adopt(checkpoint),
            Ok(Some(Err(error))) => cx.events.push(self.id, EventKind::CheckpointUnusable(error)),
            Err(fault) => cx.events.push(self.id, EventKind::CheckpointFailed(Error::Disk(fault))),
        }
        if self.stop.is_some() {
            self.obey_stop(cx);
        }
        self.begin(cx);
        self.settle(cx);
    }

    pub(crate) fn on_journal(&mut self, op: OpId, reply: Result<(), FileFault>, cx: &mut Cx<'_>) {
        if let Some(fault) = self.keeper.answered(op, reply) {
            cx.events.push(self.id, EventKind::CheckpointFailed(Error::Disk(fault)));
        }
        self.settle(cx);
    }

    pub(crate) fn on_answer(&mut self, op: OpId, answer: Answer, cancelled: bool, cx: &mut Cx<'_>) {
        if self.refresh.op != Some(op) {
            return;
        }
        self.refresh.op = None;
        // A question withdrawn by a pause is asked again; only a real refusal is one.
        if cancelled && matches!(answer, Answer::Refused(_)) {
            self.settle(cx);
            return;
        }
        if let Some(fault) = self.refresh.wanted.take() {
            match answer {
                Answer::Provider(provider) if provider.object() == self.spec.provider.object() => {
                    self.profile = provider.profile();
                    self.spec.provider = provider;
                    self.location = None;
                    self.parts.release_delayed();
                    self.single.due = None;
                }
                Answer::Provider(_) => {
                    let detail = String::from("the application's fresh URL or credentials are for another object");
                    self.fail(Error::Issuer(ServerFault { detail, ..fault }), cx);
                }
                Answer::Refused(why) => {
                    let detail = if why.is_empty() { fault.detail.clone() } else { why };
                    self.fail(Error::Issuer(ServerFault { detail, ..fault }), cx);
                }
            }
        }
        self.settle(cx);
    }

    pub(crate) fn on_consumed(&mut self, upto: u64) {
        self.remote.consumed = self.remote.consumed.max(upto);
    }

    /// A request in flight has come this far.
    pub(crate) fn on_moved(&mut self, op: OpId, moved: Moved, now: Time) {
        let download = self.spec.direction == Direction::Download;
        let Some(flight) = self.parts.flight(op) else {
            return;
        };
        let bytes = |moved: &Moved| if download { moved.written } else { moved.sent };
        let fresh = bytes(&moved).saturating_sub(bytes(&flight.moved)).min(flight.range.len());
        flight.moved = moved;
        self.account(fresh, now);
    }

    /// `fresh` more content bytes crossed the network.
    fn account(&mut self, fresh: u64, now: Time) {
        self.progress.moved += fresh;
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
        Progress { total, acknowledged, rate: self.rate.current(now), ..self.progress }
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
