//! An engine with many tasks, some of which download for ever.

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

use crate::clock::{counted, timed};
use crate::provider::{Plain, headers};

/// Tasks that download.
pub(crate) const ACTIVE: usize = 8;
/// Requests in flight, in all.
pub(crate) const IN_FLIGHT: usize = 64;

const PART: u64 = 8 << 20;
/// More than is ever fetched.
const TOTAL: u64 = 1 << 50;

/// What the tasks do that are not active.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Idle {
    Queued,
    Paused,
}

/// Whose requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Plain,
    /// With checkpoints, as everybody has them.
    PlainJournal,
    /// The real thing, a provider per task, with checkpoints.
    Http,
}

/// Nanoseconds, bytes and counts.
#[derive(Debug, Default)]
pub(crate) struct Costs {
    pub(crate) parts: u64,
    pub(crate) poll: u64,
    pub(crate) head: u64,
    pub(crate) progress: u64,
    pub(crate) done: u64,
    pub(crate) local: u64,
    pub(crate) allocations: u64,
    pub(crate) submit: u64,
    pub(crate) bytes: u64,
    pub(crate) paused: u64,
    pub(crate) pause: u64,
    pub(crate) resume: u64,
    pub(crate) snapshot: u64,
}

/// A request in flight.
struct Flight {
    op: OpId,
    request: Request<Body>,
    headers: HeaderMap,
    status: StatusCode,
    written: u64,
}

/// Submits `tasks`, moves `parts` parts of the active ones, and tries the commands on the idle ones.
pub(crate) fn measure(tasks: usize, idle: Idle, kind: Kind, parts: u64) -> Costs {
    let mut costs = Costs::default();
    let mut engine = Engine::new(config(), 1);
    let mut now = Now::new(Time::ZERO, Wall::from_unix(1_700_000_000));
    let shared: Arc<dyn Provider> =
        Arc::new(Plain { uri: Uri::from_static("https://files.example.org/some/folder/some-file.bin"), total: TOTAL });

    for n in 0..ACTIVE {
        let _ = engine.submit(spec(kind, &shared, tasks + n, Start::Now), now);
    }
    let before = crate::alloc::live();
    let mut ids: Vec<TaskId> = Vec::with_capacity(tasks);
    let own = crate::alloc::live();
    // A batch at a time, so that making the specs does not count.
    let mut batch = Vec::with_capacity(1000);
    for first in (0..tasks).step_by(1000) {
        let start = if idle == Idle::Paused { Start::Paused } else { Start::Now };
        batch.extend((first..tasks.min(first + 1000)).map(|n| spec(kind, &shared, n, start)));
        timed(&mut costs.submit, || ids.extend(batch.drain(..).filter_map(|spec| engine.submit(spec, now).ok())));
    }
    drop(batch);
    costs.bytes = crate::alloc::live() - before - (own - before);

    let digest = Digest::new(Algorithm::Crc64Nvme, &[7; 8]);
    let mut flights: Vec<Flight> = Vec::with_capacity(IN_FLIGHT);
    while costs.parts < parts {
        turn(&mut engine, &mut flights, &mut now, digest, &mut costs);
    }

    let some: Vec<TaskId> = ids.iter().copied().step_by((ids.len() / 10_000).max(1)).collect();
    costs.paused = some.len() as u64;
    for _ in 0..2 {
        let (pause, resume) = if idle == Idle::Queued { (0, 1) } else { (1, 0) };
        for turn in 0..2 {
            if turn == pause {
                timed(&mut costs.pause, || all(&some, |id| engine.pause(id, now)));
            } else if turn == resume {
                timed(&mut costs.resume, || all(&some, |id| engine.resume(id, now)));
            }
        }
    }
    costs.pause /= 2;
    costs.resume /= 2;
    drop(timed(&mut costs.snapshot, || engine.snapshot()));
    costs
}

fn all(ids: &[TaskId], mut command: impl FnMut(TaskId) -> Result<(), CommandError>) {
    for &id in ids {
        // Active ones are not among them, so none can be over.
        let _ = command(id);
    }
}

fn config() -> Config {
    let mut limits = Limits::default();
    limits.downloads = ACTIVE;
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

fn spec(kind: Kind, shared: &Arc<dyn Provider>, n: usize, start: Start) -> Spec {
    let url = format!("https://files.example.org/some/folder/file-{n:07}.bin");
    let key = TransferKey::new(Direction::Download, &url, "/home/somebody/downloads/file.bin");
    let provider = match kind {
        Kind::Plain | Kind::PlainJournal => Arc::clone(shared),
        Kind::Http => match HttpDownload::new(&url) {
            Ok(provider) => Arc::new(provider),
            Err(_) => Arc::clone(shared),
        },
    };
    let mut spec = Spec::new(Direction::Download, provider, key);
    spec.start = start;
    spec.part_size = PartSize::Bytes(PART);
    spec.parallel = Parallel::Most(NonZeroU32::MIN.saturating_add(u32::try_from(IN_FLIGHT / ACTIVE - 1).unwrap_or(0)));
    spec.journal = kind != Kind::Plain;
    spec
}

/// Everything that may start is started and answered.
fn turn(engine: &mut Engine, flights: &mut Vec<Flight>, now: &mut Now, digest: Option<Digest>, costs: &mut Costs) {
    start(engine, flights, *now, costs);
    for flight in flights.iter_mut() {
        (flight.status, flight.headers) = head(&flight.request);
    }
    counted(&mut costs.head, &mut costs.allocations, || {
        for flight in flights.iter_mut() {
            let head = Head { status: flight.status, headers: &flight.headers };
            if let Disposition::WriteAt { len, .. } = engine.handle_head(flight.op, head, *now) {
                flight.written = len;
            }
        }
    });
    for half in 1..=2 {
        now.mono = now.mono + Duration::from_millis(5);
        counted(&mut costs.progress, &mut costs.allocations, || {
            for flight in flights.iter().filter(|flight| flight.written > 0) {
                let moved = Moved { connected: true, written: flight.written * half / 2, digest, ..Moved::default() };
                engine.handle_progress(flight.op, moved, *now);
            }
        });
    }
    counted(&mut costs.done, &mut costs.allocations, || {
        for flight in flights.iter() {
            let moved = Moved { connected: true, written: flight.written, digest, ..Moved::default() };
            engine.handle_done(flight.op, Outcome::Complete { moved, body: Bytes::new() }, *now);
        }
        while engine.poll_event().is_some() {}
    });
    costs.parts += flights.iter().filter(|flight| flight.written > 0).count() as u64;
    flights.clear();
}

/// Takes all intents. Those that are no requests are answered at once.
fn start(engine: &mut Engine, flights: &mut Vec<Flight>, now: Now, costs: &mut Costs) {
    loop {
        let local = counted(&mut costs.poll, &mut costs.allocations, || {
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
            Some(intent) => counted(&mut costs.local, &mut costs.allocations, || answer(engine, intent, now)),
        }
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
