//! A driver that does everything wrong, drawn from a seed, and a provider whose answers mean anything.

#![expect(clippy::panic, reason = "it is a test")]

mod provider;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use longhaul_core::digest::{Algorithm, Digest};
use longhaul_core::error::{Fault, FaultKind, FileFault, FileFaultKind, Sent};
use longhaul_core::event::State;
use longhaul_core::intent::{Answer, FileReply, Fingerprint, MinimumRate, Moved, Outcome};
use longhaul_core::layout::PartSize;
use longhaul_core::provider::Head;
use longhaul_core::rng::Rng;
use longhaul_core::spec::{Direction, Durability, OnChange, Parallel, Probing, Start, TransferKey};
use longhaul_core::{Checkpoint, Config, Engine, EventKind, Intent, Now, OpId, Spec, TaskId, Time, Wall};
use provider::Whim;

/// What an operation in flight is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Http,
    File,
    Journal,
    Recall,
    Ask,
}

/// More than any honest burst of intents, of which each is answered before the next.
const BURST: usize = 2_000;

/// Answers after which all must have ended; after half of them it is cancelled.
const ROUNDS: usize = 2_000;

pub(crate) struct Wild {
    seed: u64,
    rng: Rng,
    engine: Engine,
    now: Now,
    tasks: Vec<TaskId>,
    flying: BTreeMap<OpId, Kind>,
    past: Vec<OpId>,
    ended: BTreeSet<TaskId>,
}

impl Wild {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed ^ 0x5eed);
        let config = config(&mut rng);
        let engine = Engine::new(config, seed);
        let now = Now::new(Time::from_micros(1 << 40), Wall::from_unix(1_800_000_000));
        let (tasks, flying, past, ended) = Default::default();
        Self { seed, rng, engine, now, tasks, flying, past, ended }
    }

    pub(crate) fn run(&mut self) {
        for _ in 0..self.upto(4) + 1 {
            self.submit();
        }
        for _ in 0..150 {
            self.step();
            self.check();
        }
        self.settle();
    }

    fn upto(&mut self, most: u64) -> u64 {
        self.rng.up_to(most)
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.rng.up_to(n - 1) == 0
    }

    /// A number from the edges, or from anywhere.
    fn number(&mut self) -> u64 {
        number(&mut self.rng)
    }

    fn submit(&mut self) {
        let name = ["a", "b", "c"][self.upto(2) as usize];
        let direction = if self.one_in(2) { Direction::Download } else { Direction::Upload };
        let whim = Whim::draw(&mut self.rng, name, direction);
        let mut spec = Spec::new(direction, Arc::new(whim), TransferKey::new(direction, name, name));
        spec.start = if self.one_in(6) { Start::Paused } else { Start::Now };
        spec.weight = NonZeroU32::new(u32::try_from(self.number()).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN);
        if let Some(most) = NonZeroU32::new(self.upto(3) as u32) {
            spec.parallel = Parallel::Most(most);
        }
        if self.one_in(2) {
            spec.part_size = PartSize::Bytes(self.number());
        }
        spec.retry.retries = [0, 2, 8, 20][self.upto(3) as usize];
        spec.retry.restarts = self.upto(3) as u32;
        if self.one_in(4) {
            // Whoever asks for more patience than that gets it.
            let mut hours = || span(number(&mut self.rng) % 10_000_000_000);
            spec.retry = spec.retry.with_delays(hours(), hours());
            spec.retry.retry_after_cap = hours();
        }
        let mut deadlines = spec.deadlines;
        if self.one_in(3) {
            deadlines = deadlines
                .with_idle(Some(span(self.number())))
                .with_connect(Some(span(self.number())))
                .with_total(Some(span(self.number())))
                .with_minimum_rate(Some(MinimumRate { bytes: self.number(), window: span(self.number()) }));
        }
        spec.deadlines = deadlines;
        spec.probing = if self.one_in(3) { Probing::FirstRange } else { Probing::Head };
        spec.declared_size = if self.one_in(3) { Some(self.number()) } else { None };
        spec.on_change = if self.one_in(3) { OnChange::Fail } else { OnChange::Restart };
        spec.durability = if self.one_in(2) { Durability::Process } else { Durability::Power };
        spec.window = if self.one_in(5) { Some(self.number()) } else { None };
        spec.keep_on_cancel = self.one_in(3);
        spec.recall = self.one_in(2);
        spec.journal = !self.one_in(4);
        if self.one_in(4) {
            spec.checkpoint = self.record().map(Box::new);
        }
        if self.one_in(8) {
            spec.expected = vec![digest(&mut self.rng)];
        }
        if let Ok(id) = self.engine.submit(spec, self.now) {
            self.tasks.push(id);
        }
    }

    /// What some transfer, perhaps of the other direction, would have recorded.
    fn record(&mut self) -> Option<Checkpoint> {
        let id = self.task()?;
        self.engine.checkpoint(id)
    }

    fn task(&mut self) -> Option<TaskId> {
        let most = self.tasks.len().checked_sub(1)? as u64;
        let at = self.upto(most) as usize;
        self.tasks.get(at).copied()
    }

    /// An operation: mostly one in flight, else one that is over, else one of another engine.
    fn op(&mut self) -> Option<OpId> {
        if !self.one_in(8) {
            let most = self.flying.len().checked_sub(1)? as u64;
            let at = self.upto(most) as usize;
            return self.flying.keys().nth(at).copied();
        }
        let most = self.past.len().checked_sub(1)? as u64;
        let at = self.upto(most) as usize;
        self.past.get(at).copied()
    }

    fn step(&mut self) {
        match self.upto(31) {
            0..=7 => {
                for _ in 0..self.upto(6) {
                    self.poll();
                }
            }
            8..=19 => {
                if let Some(op) = self.op() {
                    let kind = self.flying.get(&op).copied().filter(|_| !self.one_in(12));
                    let kind = kind.unwrap_or_else(|| {
                        [Kind::Http, Kind::File, Kind::Journal, Kind::Recall, Kind::Ask][self.upto(4) as usize]
                    });
                    self.tell(op, kind);
                }
            }
            20 => self.submit(),
            21 => self.go(),
            22 | 23 => {
                let id = self.task();
                if let Some(id) = id {
                    for _ in 0..[1, 1, 1, 50][self.upto(3) as usize] {
                        self.command(id);
                    }
                }
            }
            24 => {
                let limits = config(&mut self.rng).limits;
                self.engine.set_limits(limits, self.now);
            }
            25 => {
                if let Some(id) = self.task() {
                    let upto = self.number();
                    self.engine.handle_consumed(id, upto, self.now);
                }
            }
            26 => {
                if let Some(id) = self.task().filter(|_| self.one_in(2)) {
                    self.engine.forget(id);
                }
            }
            27 => self.now.wall = Wall::from_unix(self.number() as i64),
            28 => self.now.mono = Time::from_micros(self.now.mono.as_micros().saturating_sub(self.number() >> 20)),
            29 if self.one_in(20) => self.engine.shutdown(self.now),
            _ => {
                self.go();
                self.engine.handle_timeout(self.now);
            }
        }
    }

    fn go(&mut self) {
        let on = match self.upto(4) {
            0 => 0,
            1 => 1,
            2 => 1_000_000,
            3 => 3_600_000_000,
            _ => self.number() >> 22,
        };
        self.now.mono = Time::from_micros(self.now.mono.as_micros().saturating_add(on));
    }

    fn command(&mut self, id: TaskId) {
        let _ = match self.upto(7) {
            0..=2 => self.engine.pause(id, self.now),
            3..=5 => self.engine.resume(id, self.now),
            6 if self.one_in(3) => self.engine.cancel(id, self.now),
            _ => {
                let weight = NonZeroU32::new(self.upto(u64::from(u32::MAX)) as u32).unwrap_or(NonZeroU32::MIN);
                self.engine.set_weight(id, weight)
            }
        };
    }

    fn poll(&mut self) -> bool {
        let Some(intent) = self.engine.poll_intent(self.now) else { return false };
        let (op, kind) = match intent {
            Intent::Http { op, .. } => (op, Kind::Http),
            Intent::File { op, .. } => (op, Kind::File),
            Intent::Journal { op, .. } => (op, Kind::Journal),
            Intent::Recall { op, .. } => (op, Kind::Recall),
            Intent::Ask { op, .. } => (op, Kind::Ask),
            Intent::Cancel { op } => {
                assert!(self.flying.contains_key(&op), "seed {}: cancels {op}, which is not in flight", self.seed);
                return true;
            }
            other => panic!("seed {}: {other:?}", self.seed),
        };
        assert!(self.flying.insert(op, kind).is_none(), "seed {}: {op} again", self.seed);
        true
    }

    /// Says something about an operation, right or wrong.
    fn tell(&mut self, op: OpId, kind: Kind) {
        match kind {
            Kind::Http if self.one_in(2) => {
                let (status, headers) = provider::head(&mut self.rng);
                self.engine.handle_head(op, Head { status, headers: &headers }, self.now);
                return;
            }
            Kind::Http if self.one_in(3) => {
                let moved = self.moved();
                self.engine.handle_progress(op, moved, self.now);
                return;
            }
            Kind::Http => {
                let outcome = self.outcome();
                self.engine.handle_done(op, outcome, self.now);
            }
            Kind::File => {
                let reply = self.reply();
                self.engine.handle_file(op, reply, self.now);
            }
            Kind::Journal => {
                let reply = if self.one_in(4) { Err(self.file_fault()) } else { Ok(()) };
                self.engine.handle_journal(op, reply, self.now);
            }
            Kind::Recall => {
                let record = self.record().map(|record| record.encode());
                let record = record.map(|whole| whole.slice(..whole.len() - self.upto(3) as usize));
                let reply = if self.one_in(5) { Err(self.file_fault()) } else { Ok(record) };
                self.engine.handle_recalled(op, reply, self.now);
            }
            Kind::Ask => {
                let name = ["a", "b", "c"][self.upto(2) as usize];
                let answer = if self.one_in(2) {
                    let direction = if self.one_in(2) { Direction::Download } else { Direction::Upload };
                    Answer::Provider(Arc::new(Whim::draw(&mut self.rng, name, direction)))
                } else {
                    Answer::Refused(String::new())
                };
                self.engine.handle_answer(op, answer, self.now);
            }
        }
        // Of another kind than the question it is no answer.
        if self.flying.get(&op) == Some(&kind) {
            self.flying.remove(&op);
            self.past.push(op);
        }
    }

    fn moved(&mut self) -> Moved {
        Moved {
            connected: self.one_in(2),
            sent: self.number(),
            written: self.number(),
            digest: self.one_in(3).then(|| digest(&mut self.rng)),
            held: self.one_in(6),
        }
    }

    fn outcome(&mut self) -> Outcome {
        let moved = self.moved();
        match self.upto(5) {
            0..=2 => Outcome::Complete { moved, body: bytes::Bytes::new() },
            3 => {
                let sent = if self.one_in(2) { Sent::Maybe } else { Sent::No };
                let kind = if self.one_in(2) { FaultKind::Reset } else { FaultKind::Stale };
                Outcome::Broken { moved, fault: Fault::new(kind, sent, "") }
            }
            4 if self.one_in(3) => Outcome::Local { moved, fault: self.file_fault() },
            _ => Outcome::Cancelled { moved },
        }
    }

    fn file_fault(&mut self) -> FileFault {
        let kinds = [FileFaultKind::Busy, FileFaultKind::Cancelled, FileFaultKind::Io, FileFaultKind::Lost];
        FileFault::new(kinds[self.upto(3) as usize], "")
    }

    fn reply(&mut self) -> Result<FileReply, FileFault> {
        Ok(match self.upto(12) {
            0 | 1 => FileReply::Source { len: Some(self.number()), fingerprint: self.fingerprint() },
            2 => FileReply::Source { len: None, fingerprint: None },
            3 => FileReply::Filled { len: self.number(), end: self.one_in(2) },
            4 | 5 => FileReply::Reserved { kept: self.one_in(2) },
            6 => FileReply::Unchanged,
            7 | 8 => {
                let many = self.upto(4);
                FileReply::Digests((0..many).map(|_| self.one_in(2).then(|| digest(&mut self.rng))).collect())
            }
            9 => FileReply::Published { path: String::from("there") },
            10 | 11 => FileReply::Done,
            _ => return Err(self.file_fault()),
        })
    }

    fn fingerprint(&mut self) -> Option<Fingerprint> {
        let modified = i64::try_from(self.upto(1)).unwrap_or(0);
        self.one_in(2).then(|| Fingerprint { len: 1, modified, ..Fingerprint::default() })
    }

    fn check(&mut self) {
        let seed = self.seed;
        while let Some(event) = self.engine.poll_event() {
            assert!(!self.ended.contains(&event.task), "seed {seed}: {event:?} after the end");
            if matches!(event.kind, EventKind::Ended(_)) {
                self.ended.insert(event.task);
            }
        }
        let requests = self.flying.values().filter(|kind| **kind == Kind::Http).count();
        let snapshot = self.engine.snapshot();
        assert_eq!(snapshot.requests, requests, "seed {seed}");
        assert!(requests > 0 || snapshot.bytes_in_flight == 0, "seed {seed}: {} bytes", snapshot.bytes_in_flight);
    }

    /// From now on everything is answered, though never well, and time goes where the engine asks: all ends.
    fn settle(&mut self) {
        let seed = self.seed;
        self.engine.set_limits(Config::default().limits, self.now);
        for round in 0..ROUNDS {
            if round == ROUNDS / 2 {
                // Whoever has a million ranges to ask for in vain is still at it.
                for &id in &self.tasks {
                    let _ = self.engine.cancel(id, self.now);
                }
            }
            for burst in 0.. {
                assert!(burst < BURST, "seed {seed}: intents without end");
                if !self.poll() {
                    break;
                }
            }
            self.check();
            if let Some((&op, &kind)) = self.flying.first_key_value() {
                self.end(op, kind);
                continue;
            }
            for id in self.tasks.clone() {
                self.engine.handle_consumed(id, u64::MAX, self.now);
                let _ = self.engine.resume(id, self.now);
            }
            if self.poll() {
                continue;
            }
            if self.tasks.iter().all(|&id| matches!(self.engine.status(id), None | Some(State::Ended))) {
                break;
            }
            assert!(round < ROUNDS - 1, "seed {seed}: no end: {:?}", self.engine.snapshot());
            let Some(next) = self.engine.poll_timeout() else {
                panic!("seed {seed}: nothing will ever happen to {:?}", self.engine.snapshot().tasks);
            };
            self.now.mono = self.now.mono.max(next);
            self.engine.handle_timeout(self.now);
        }
        self.check();
        assert!(self.flying.is_empty() && self.engine.poll_timeout().is_none(), "seed {seed}: {:?}", self.flying);
        self.engine.shutdown(self.now);
        assert!(self.engine.is_drained(), "seed {seed}");
    }

    /// Ends an operation without success.
    fn end(&mut self, op: OpId, kind: Kind) {
        match kind {
            Kind::Http => {
                let fault = Fault::new(FaultKind::Reset, Sent::Maybe, "");
                self.engine.handle_done(op, Outcome::Broken { moved: Moved::default(), fault }, self.now);
            }
            Kind::File => self.engine.handle_file(op, Err(FileFault::new(FileFaultKind::Io, "")), self.now),
            Kind::Journal => self.engine.handle_journal(op, Ok(()), self.now),
            Kind::Recall => self.engine.handle_recalled(op, Ok(None), self.now),
            Kind::Ask => self.engine.handle_answer(op, Answer::Refused(String::new()), self.now),
        }
        self.flying.remove(&op);
    }
}

fn number(rng: &mut Rng) -> u64 {
    let edges = [0, 1, 2, 10, 100, 1 << 20, 1 << 40, 1 << 63, u64::MAX - 1, u64::MAX];
    match rng.up_to(15) {
        at @ 0..=9 => edges[at as usize],
        10 => rng.next_u64(),
        _ => rng.up_to(120),
    }
}

fn span(number: u64) -> Duration {
    if number == u64::MAX { Duration::MAX } else { Duration::from_micros(number) }
}

fn digest(rng: &mut Rng) -> Digest {
    let algorithm = if rng.up_to(1) == 0 { Algorithm::Crc64Nvme } else { Algorithm::Md5 };
    let bytes = vec![rng.up_to(1) as u8; algorithm.len()];
    Digest::new(algorithm, &bytes).expect("of its length")
}

fn config(rng: &mut Rng) -> Config {
    let mut config = Config::default();
    let few = |rng: &mut Rng| [0, 1, 2, 3, usize::MAX][rng.up_to(4) as usize];
    config.limits.uploads = few(rng);
    config.limits.downloads = few(rng);
    config.limits.requests = few(rng);
    config.limits.per_authority = few(rng);
    config.limits.per_task = few(rng);
    config.limits.bytes_in_flight = number(rng);
    config.concurrency.floor = rng.up_to(3) as u32;
    config.concurrency.initial = rng.up_to(9) as u32;
    config.concurrency.ceiling = [0, 1, 8, u32::MAX][rng.up_to(3) as usize];
    config.interval.bytes = number(rng);
    config.interval.time = span(number(rng));
    config.redirects.most = [0, 2, u32::MAX][rng.up_to(2) as usize];
    config
}
