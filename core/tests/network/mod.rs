//! A network in virtual time: a round trip before each answer, a rate per connection, a link that they share evenly, and a server that
//! for a while refuses what is too much.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use longhaul_core::error::{BuildError, ServerFault, ServerFaultKind};
use longhaul_core::event::{End, EventKind};
use longhaul_core::intent::{Body, Disposition, FileOp, FileReply, Moved, Outcome as Done};
use longhaul_core::provider::{Context, Head, Object, Profile, Provider, Reply, Step, Validator, Verdict};
use longhaul_core::range::RangeSet;
use longhaul_core::spec::{Parallel, TransferKey};
use longhaul_core::{ByteRange, Config, Direction, Engine, Intent, Now, OpId, Spec, TaskId, Time, Wall};

pub(crate) const MIB: u64 = 1 << 20;
/// Virtual time goes on by this much, in milliseconds.
const STEP: u64 = 5;
/// Requests tell how far they are this often, as the driver has them do.
const TICK: u64 = 200;
/// More than any test takes.
const END: u64 = 120_000;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Network {
    /// Before each answer, in milliseconds.
    pub(crate) round_trip: u64,
    /// Bytes per second of a connection.
    pub(crate) each: u64,
    /// Of the first connection instead.
    pub(crate) first: Option<u64>,
    /// Of all together.
    pub(crate) link: u64,
    /// From when on, in milliseconds, it has this rate.
    pub(crate) slower: Option<(u64, u64)>,
    /// Between one transfer and the next, in milliseconds.
    pub(crate) apart: u64,
    /// Requests in all.
    pub(crate) requests: usize,
    /// From when to when, in milliseconds, the server answers two requests and refuses the others.
    pub(crate) storm: Option<(u64, u64)>,
    /// Until when, in milliseconds, which bytes cannot be had.
    pub(crate) broken: Option<(u64, ByteRange)>,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            round_trip: 50,
            each: 1 << 30,
            first: None,
            link: 1 << 40,
            slower: None,
            apart: 0,
            requests: 64,
            storm: None,
            broken: None,
        }
    }
}

/// What became of a download.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) millis: u64,
    /// When each of them ended, in milliseconds, in the order they did.
    pub(crate) ends: Vec<u64>,
    /// Bytes that were written more than once.
    pub(crate) twice: u64,
    /// Requests that were given up.
    pub(crate) cancelled: u32,
    /// Bytes by step.
    moved: Vec<u64>,
    /// Bytes of each, up to each step.
    shares: Vec<Vec<u64>>,
}

impl Outcome {
    /// Jain's index of what each had after this time, in milliseconds, in hundredths: 100 where all had as much.
    pub(crate) fn evenness_at(&self, millis: u64) -> u128 {
        let step = usize::try_from(millis / STEP).expect("small");
        let shares: Vec<u128> =
            self.shares.get(step).expect("so long").iter().map(|&bytes| u128::from(bytes)).collect();
        let (sum, squares) = (shares.iter().sum::<u128>(), shares.iter().map(|share| share * share).sum::<u128>());
        100 * sum * sum / (shares.len() as u128 * squares)
    }

    /// Bytes that came in this time, in milliseconds.
    pub(crate) fn moved_between(&self, from: u64, to: u64) -> u64 {
        let step = |millis: u64| usize::try_from(millis / STEP).expect("small");
        self.moved.iter().take(step(to)).skip(step(from)).sum()
    }
}

/// A request in flight.
struct Flight {
    task: TaskId,
    asked: ByteRange,
    /// The first connection that is free, or a new one: the lowest number.
    connection: u64,
    /// When the answer begins, in milliseconds.
    answered: u64,
    told: u64,
    /// Where the answer's bytes go, once there is a head.
    body: Option<ByteRange>,
    written: u64,
}

struct Run {
    network: Network,
    engine: Engine,
    millis: u64,
    flights: BTreeMap<OpId, Flight>,
    written: BTreeMap<TaskId, RangeSet>,
    outcome: Outcome,
}

impl Network {
    /// Downloads `total` bytes, with so many requests or with as many as turn out useful.
    pub(crate) fn download(self, total: u64, parallel: Option<u32>) -> Outcome {
        self.downloads(1, total, parallel)
    }

    /// The same so many times side by side.
    pub(crate) fn downloads(self, count: u64, total: u64, parallel: Option<u32>) -> Outcome {
        let mut config = Config::default();
        config.concurrency.initial = parallel.unwrap_or(config.concurrency.initial);
        let limits = &mut config.limits;
        (limits.requests, limits.per_authority) = (self.requests, self.requests.min(limits.per_authority));
        limits.downloads = limits.downloads.max(usize::try_from(count).expect("few"));
        let engine = Engine::new(config, 1);
        let (flights, written) = (BTreeMap::new(), BTreeMap::new());
        let mut run = Run { network: self, engine, millis: 0, flights, written, outcome: Outcome::default() };
        for number in 0..count {
            let key = TransferKey::new(Direction::Download, "object", &number.to_string());
            let mut spec = Spec::new(Direction::Download, Arc::new(Served { total }), key);
            if let Some(most) = parallel.and_then(NonZeroU32::new) {
                spec.parallel = Parallel::Most(most);
            }
            let task = run.engine.submit(spec, run.now()).expect("none like it");
            run.written.insert(task, RangeSet::new());
            let next = run.millis + self.apart;
            while run.millis < next {
                run.step();
            }
        }
        while run.outcome.ends.len() < run.written.len() {
            run.step();
            assert!(run.millis < END, "it ends");
        }
        assert!(run.written.values().all(|written| written.len() == total));
        run.outcome.millis = run.millis;
        run.outcome
    }
}

impl Run {
    fn now(&self) -> Now {
        Now::new(Time::from_micros(self.millis * 1000), Wall::from_unix(1_800_000_000))
    }

    fn step(&mut self) {
        let now = self.now();
        if self.engine.poll_timeout().is_some_and(|due| due <= now.mono) {
            self.engine.handle_timeout(now);
        }
        while let Some(intent) = self.engine.poll_intent(now) {
            self.perform(intent, now);
        }
        while let Some(event) = self.engine.poll_event() {
            if let EventKind::Ended(end) = event.kind {
                assert!(matches!(end, End::Completed(_)), "{end:?}");
                self.outcome.ends.push(self.millis);
            }
        }
        self.answer(now);
        self.carry(now);
        self.millis += STEP;
    }

    fn perform(&mut self, intent: Intent, now: Now) {
        match intent {
            Intent::Http { op, task, request, .. } => {
                let taken = |number: &u64| self.flights.values().any(|flight| flight.connection == *number);
                let connection = (0..).find(|number| !taken(number)).expect("there are enough numbers");
                let answered = self.millis + self.network.round_trip;
                let asked = request.extensions().get().copied().unwrap_or_default();
                let flight = Flight { task, asked, connection, answered, told: self.millis, body: None, written: 0 };
                self.flights.insert(op, flight);
            }
            Intent::File { op, action, .. } => {
                let reply = match action {
                    FileOp::Reserve { .. } => FileReply::Reserved { kept: false },
                    FileOp::Publish { .. } => FileReply::Published { path: String::new() },
                    _ => FileReply::Done,
                };
                self.engine.handle_file(op, Ok(reply), now);
            }
            Intent::Journal { op, .. } => self.engine.handle_journal(op, Ok(()), now),
            Intent::Cancel { op } => {
                if let Some(flight) = self.flights.remove(&op) {
                    self.outcome.cancelled += 1;
                    // Its connection is gone with it, and the next one is as good as any.
                    self.network.first = self.network.first.filter(|_| flight.connection != 0);
                    let moved = self.store(&flight);
                    self.engine.handle_done(op, Done::Cancelled { moved }, now);
                }
            }
            other => unreachable!("nobody is asked for {other:?}"),
        }
    }

    /// Answers begin, or are refused.
    fn answer(&mut self, now: Now) {
        let storm = self.network.storm.is_some_and(|(from, to)| (from..to).contains(&self.millis));
        let due: Vec<OpId> = self
            .flights
            .iter()
            .filter(|(_, flight)| flight.body.is_none() && flight.answered <= self.millis)
            .map(|(&op, _)| op)
            .collect();
        for op in due {
            let busy = self.flights.values().filter(|flight| flight.body.is_some()).count();
            let asked = self.flights.get(&op).map_or(ByteRange::default(), |flight| flight.asked);
            let out_of = |(until, hole): (u64, ByteRange)| {
                self.millis < until && asked.start() < hole.end() && hole.start() < asked.end()
            };
            let status = match () {
                () if storm && busy >= 2 => StatusCode::SERVICE_UNAVAILABLE,
                () if self.network.broken.is_some_and(out_of) => StatusCode::INTERNAL_SERVER_ERROR,
                () => StatusCode::PARTIAL_CONTENT,
            };
            let head = Head { status, headers: &HeaderMap::new() };
            match self.engine.handle_head(op, head, now) {
                Disposition::WriteAt { offset, len, .. } => {
                    if let Some(flight) = self.flights.get_mut(&op) {
                        flight.body = Some(ByteRange::at(offset, len));
                    }
                }
                _ => {
                    self.flights.remove(&op);
                    let moved = Moved { connected: true, ..Moved::default() };
                    self.engine.handle_done(op, Done::Complete { moved, body: Bytes::new() }, now);
                }
            }
        }
    }

    /// Bytes come, as many as connections and link carry in a step.
    fn carry(&mut self, now: Now) {
        let mut carried = 0;
        let slower = self.network.slower.filter(|&(from, _)| from <= self.millis);
        let (mut link, mut sharers) = (slower.map_or(self.network.link, |(_, rate)| rate) * STEP / 1000, 0);
        let network = self.network;
        let own = |connection: u64| network.first.filter(|_| connection == 0).unwrap_or(network.each) * STEP / 1000;
        let mut moving: Vec<(u64, OpId)> = Vec::new();
        for (&op, flight) in self.flights.iter().filter(|(_, flight)| flight.body.is_some()) {
            moving.push((own(flight.connection), op));
            sharers += 1;
        }
        // Those who can take least take it first; what they leave is shared by the others.
        moving.sort_unstable();
        for (most, op) in moving {
            let Some(flight) = self.flights.get_mut(&op) else {
                continue;
            };
            let bytes = most.min(link / sharers).min(flight.body.map_or(0, ByteRange::len) - flight.written);
            (link, sharers) = (link - bytes, sharers - 1);
            flight.written += bytes;
            carried += bytes;
            if flight.body.is_some_and(|body| body.len() == flight.written) {
                let flight = self.flights.remove(&op).expect("it flies");
                let moved = self.store(&flight);
                self.engine.handle_done(op, Done::Complete { moved, body: Bytes::new() }, now);
            } else if flight.told + TICK <= self.millis {
                flight.told = self.millis;
                let moved = Moved { connected: true, written: flight.written, ..Moved::default() };
                self.engine.handle_progress(op, moved, now);
            }
        }
        self.outcome.moved.push(carried);
        let flying = |task: TaskId| self.flights.values().filter(move |flight| flight.task == task);
        let bytes = |(&task, written): (&TaskId, &RangeSet)| {
            written.len() + flying(task).map(|flight| flight.written).sum::<u64>()
        };
        self.outcome.shares.push(self.written.iter().map(bytes).collect());
    }

    /// What a request that is over has written.
    fn store(&mut self, flight: &Flight) -> Moved {
        let place = flight.body.map(|body| ByteRange::at(body.start(), flight.written)).unwrap_or_default();
        let written = self.written.entry(flight.task).or_default();
        self.outcome.twice += place.len() - written.insert(place);
        Moved { connected: true, written: flight.written, ..Moved::default() }
    }
}

/// An object that is served in ranges.
#[derive(Debug)]
struct Served {
    total: u64,
}

impl Provider for Served {
    fn authority(&self) -> &str {
        "example.org:443"
    }

    fn object(&self) -> &str {
        "https://example.org/file"
    }

    fn profile(&self) -> Profile {
        Profile::download()
    }

    fn build(&self, step: &Step, _: &Context<'_>, _: Now) -> Result<Request<Body>, BuildError> {
        let mut request = Request::new(Body::Empty);
        request.extensions_mut().insert(step.range().unwrap_or_default());
        Ok(request)
    }

    fn interpret(&self, step: &Step, _: &Context<'_>, head: Head<'_>, _: &[u8], _: Now) -> Result<Reply, Verdict> {
        if head.status.is_server_error() {
            let kind = ServerFaultKind::Unavailable;
            let fault = ServerFault::new(kind, step.kind(), Some(head.status.as_u16()), "");
            return Err(Verdict::Retry { fault, after: None });
        }
        let mut object = Object::default();
        object.total = Some(self.total);
        object.validator = Validator { etag: Some("\"1\"".to_owned()), modified: None };
        object.ranges = Some(true);
        Ok(match step {
            Step::GetRange { range } => Reply::Range { range: *range, object },
            _ => Reply::Object(object),
        })
    }
}
