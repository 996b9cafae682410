//! An engine with many tasks, some of which download for ever, and every call of it under a meter.
//!
//! What the loop around the calls needs (making up answers, dropping requests) is never metered.

mod meter;
mod provider;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::RANGE;
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use longhaul_core::error::FileFault;
use longhaul_core::intent::{Body, Disposition, FileOp, FileReply, Moved, Outcome};
use longhaul_core::layout::PartSize;
use longhaul_core::provider::Head;
use longhaul_core::spec::{CommandError, Config, Limits, Parallel, Start, TransferKey};
use longhaul_core::{
    Algorithm, ByteRange, Digest, Direction, Engine, Intent, Now, OpId, Provider, Spec, TaskId, Time, Wall,
};
use longhaul_http::HttpDownload;

use crate::allocator;
pub use meter::{Call, Meter};
use provider::{Plain, headers};

/// Tasks that download.
pub const ACTIVE: usize = 8;
/// Requests in flight, in all.
pub const IN_FLIGHT: usize = 64;
/// Tasks are submitted so many at a time.
pub const BATCH: usize = 1_000;

/// What a request asks for, in bytes.
pub const PART: u64 = 8 << 20;
/// How large an object is: more than is ever fetched.
const TOTAL: u64 = 1 << 50;

/// What the tasks do that are not active.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Idle {
    /// They wait for a place.
    Queued,
    /// They wait for nothing.
    Paused,
}

impl Idle {
    /// In tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Paused => "paused",
        }
    }
}

/// Whose requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Nobody's: the engine alone, without checkpoints.
    Plain,
    /// The same with checkpoints, as everybody has them.
    PlainJournal,
    /// The real thing, a provider per task, with checkpoints.
    Http,
}

impl Kind {
    /// In tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "trivial, no journal",
            Self::PlainJournal => "trivial",
            Self::Http => "longhaul-http",
        }
    }
}

/// How much there is, and how much of it is done.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Tasks that are not active.
    pub tasks: usize,
    /// What those do.
    pub idle: Idle,
    /// Tasks that download; they share [`IN_FLIGHT`].
    pub active: usize,
    /// Whose requests.
    pub kind: Kind,
    /// Parts that come, at least.
    pub parts: u64,
}

/// How often what was metered was done.
#[derive(Clone, Copy, Debug)]
pub struct Done {
    /// Parts that came.
    pub parts: u64,
    /// Idle tasks that were paused and resumed.
    pub commanded: u64,
    /// Requests that were overdue.
    pub overdue: u64,
    /// Bytes allocated for all idle tasks.
    pub bytes: u64,
    /// Bytes allocated more than after the first thousandth of the parts, when the last one had come.
    pub grown: u64,
}

/// A request in flight.
struct Flight {
    op: OpId,
    request: Request<Body>,
    headers: HeaderMap,
    status: StatusCode,
    written: u64,
}

/// Submits the tasks, moves the parts of the active ones, tries the commands on the idle ones, and ends in silence of the server.
pub fn run(load: &Load, meter: &mut impl Meter) -> Done {
    let mut engine = Engine::new(config(load.active), 1);
    let mut now = Now::new(Time::ZERO, Wall::from_unix(1_700_000_000));
    let shared: Arc<dyn Provider> =
        Arc::new(Plain { uri: Uri::from_static("https://files.example.org/some/folder/some-file.bin"), total: TOTAL });

    for n in 0..load.active {
        let _ = engine.submit(spec(load, &shared, load.tasks + n, Start::Now), now);
    }
    let before = allocator::live();
    let mut ids: Vec<TaskId> = Vec::with_capacity(load.tasks);
    let own = allocator::live();
    // A batch at a time, so that making the specs does not count.
    let mut batch = Vec::with_capacity(BATCH);
    for first in (0..load.tasks).step_by(BATCH) {
        let start = if load.idle == Idle::Paused { Start::Paused } else { Start::Now };
        batch.extend((first..load.tasks.min(first + BATCH)).map(|n| spec(load, &shared, n, start)));
        meter.of(Call::Submit, || ids.extend(batch.drain(..).filter_map(|spec| engine.submit(spec, now).ok())));
    }
    drop(batch);
    let bytes = allocator::live() - before - (own - before);

    let digest = Digest::new(Algorithm::Crc64Nvme, &[7; 8]);
    let mut flights: Vec<Flight> = Vec::with_capacity(IN_FLIGHT);
    let (mut parts, mut early) = (0, None);
    while parts < load.parts {
        parts += turn(&mut engine, &mut flights, &mut now, digest, meter);
        if parts >= load.parts / 1_000 {
            early.get_or_insert_with(allocator::live);
        }
    }
    let grown = early.map_or(0, |early| allocator::live().saturating_sub(early));

    let some: Vec<TaskId> = ids.iter().copied().step_by((ids.len() / 10_000).max(1)).collect();
    for _ in 0..2 {
        let order = if load.idle == Idle::Queued { [Call::Pause, Call::Resume] } else { [Call::Resume, Call::Pause] };
        for call in order {
            meter.of(call, || {
                all(&some, |id| if call == Call::Pause { engine.pause(id, now) } else { engine.resume(id, now) });
            });
        }
    }
    drop(meter.of(Call::Snapshot, || engine.snapshot()));
    let overdue = silence(&mut engine, &mut flights, &mut now, meter);
    Done { parts, commanded: 2 * some.len() as u64, overdue, bytes, grown }
}

fn all(ids: &[TaskId], mut command: impl FnMut(TaskId) -> Result<(), CommandError>) {
    for &id in ids {
        // Active ones are not among them, so none can be over.
        let _ = command(id);
    }
}

fn config(active: usize) -> Config {
    let mut limits = Limits::default();
    limits.downloads = active;
    limits.requests = IN_FLIGHT;
    limits.per_authority = IN_FLIGHT;
    let mut config = Config::default();
    config.limits = limits;
    // The controller is part of what is measured, its decisions are not.
    config.concurrency.initial = u32::try_from(IN_FLIGHT).unwrap_or(u32::MAX);
    config.concurrency.ceiling = config.concurrency.initial;
    config.concurrency.floor = config.concurrency.initial;
    config
}

fn spec(load: &Load, shared: &Arc<dyn Provider>, n: usize, start: Start) -> Spec {
    let url = format!("https://files.example.org/some/folder/file-{n:07}.bin");
    let key = TransferKey::new(Direction::Download, &url, "/home/somebody/downloads/file.bin");
    let provider = match load.kind {
        Kind::Plain | Kind::PlainJournal => Arc::clone(shared),
        Kind::Http => match HttpDownload::new(&url) {
            Ok(provider) => Arc::new(provider),
            Err(_) => Arc::clone(shared),
        },
    };
    let mut spec = Spec::new(Direction::Download, provider, key);
    spec.start = start;
    spec.part_size = PartSize::Bytes(PART);
    let share = u32::try_from(IN_FLIGHT / load.active.max(1)).unwrap_or(u32::MAX);
    spec.parallel = Parallel::Most(NonZeroU32::new(share).unwrap_or(NonZeroU32::MIN));
    spec.journal = load.kind != Kind::Plain;
    spec
}

/// Everything that may start is started and answered: how many parts came.
fn turn(
    engine: &mut Engine,
    flights: &mut Vec<Flight>,
    now: &mut Now,
    digest: Option<Digest>,
    meter: &mut impl Meter,
) -> u64 {
    start(engine, flights, *now, meter);
    for flight in flights.iter_mut() {
        (flight.status, flight.headers) = head(&flight.request);
    }
    meter.of(Call::Head, || {
        for flight in flights.iter_mut() {
            let head = Head { status: flight.status, headers: &flight.headers };
            if let Disposition::WriteAt { len, .. } = engine.handle_head(flight.op, head, *now) {
                flight.written = len;
            }
        }
    });
    for half in 1..=2 {
        now.mono = now.mono + Duration::from_millis(5);
        meter.of(Call::Progress, || {
            for flight in flights.iter().filter(|flight| flight.written > 0) {
                let moved = Moved { connected: true, written: flight.written * half / 2, digest, ..Moved::default() };
                engine.handle_progress(flight.op, moved, *now);
            }
        });
    }
    meter.of(Call::Done, || {
        for flight in flights.iter() {
            let moved = Moved { connected: true, written: flight.written, digest, ..Moved::default() };
            engine.handle_done(flight.op, Outcome::Complete { moved, body: Bytes::new() }, *now);
        }
        while engine.poll_event().is_some() {}
    });
    let parts = flights.iter().filter(|flight| flight.written > 0).count() as u64;
    flights.clear();
    parts
}

/// Takes all intents. Those that are no requests are answered at once.
fn start(engine: &mut Engine, flights: &mut Vec<Flight>, now: Now, meter: &mut impl Meter) {
    loop {
        let local = meter.of(Call::Poll, || {
            while let Some(intent) = engine.poll_intent(now) {
                let Intent::Http { op, request, .. } = intent else {
                    return Some(intent);
                };
                flights.push(Flight { op, request, headers: HeaderMap::new(), status: StatusCode::OK, written: 0 });
            }
            None
        });
        match local {
            None => return,
            Some(intent) => meter.of(Call::Local, || answer(engine, intent, now)),
        }
    }
}

/// No request is answered until its time is over: how many there were.
fn silence(engine: &mut Engine, flights: &mut Vec<Flight>, now: &mut Now, meter: &mut impl Meter) -> u64 {
    start(engine, flights, *now, &mut Unmetered);
    let mut overdue = 0;
    // The first call may find clocks that have been put back since.
    for _ in 0..4 {
        meter.of(Call::Timer, || {
            // All were asked for at once, by tasks that have nothing else to wait for.
            if let Some(due) = engine.poll_timeout() {
                now.mono = now.mono.max(due);
                engine.handle_timeout(*now);
            }
        });
        while let Some(intent) = engine.poll_intent(*now) {
            if matches!(intent, Intent::Cancel { .. }) {
                overdue += 1;
            }
        }
        if overdue > 0 {
            break;
        }
    }
    overdue
}

struct Unmetered;

impl Meter for Unmetered {
    fn of<T>(&mut self, _: Call, work: impl FnOnce() -> T) -> T {
        work()
    }
}

/// What a server would say.
fn head(request: &Request<Body>) -> (StatusCode, HeaderMap) {
    let asked =
        request.headers().get(RANGE).and_then(|value| value.to_str().ok()?.strip_prefix("bytes=")?.split_once('-'));
    let range = asked.and_then(|(first, last)| ByteRange::new(first.parse().ok()?, last.parse::<u64>().ok()? + 1));
    let status = if request.method() == Method::HEAD { StatusCode::OK } else { StatusCode::PARTIAL_CONTENT };
    (status, headers(range, TOTAL))
}

fn answer(engine: &mut Engine, intent: Intent, now: Now) {
    let reply = |action: &FileOp| -> Result<FileReply, FileFault> {
        Ok(match action {
            FileOp::Reserve { .. } => FileReply::Reserved { kept: false },
            _ => FileReply::Done,
        })
    };
    match intent {
        Intent::File { op, action, .. } => engine.handle_file(op, reply(&action), now),
        Intent::Journal { op, .. } => engine.handle_journal(op, Ok(()), now),
        _ => {}
    }
}
