//! What the engine asks for is begun.

use longhaul_core::intent::{Answer, Body, Deadlines, FileOp, Intent, JournalOp, Piece};
use longhaul_core::spec::Parallel;
use longhaul_core::{Algorithm, OpId, TaskId};

use super::{Event, Local, Work, World};
use crate::check::Invariant;
use crate::net::{Exchange, Fate, Stage};
use crate::server::Act;
use crate::weather::happens;
use crate::wire::WireRequest;

/// What a request without a known length counts, as in the engine.
pub(super) const OPEN_COST: u64 = 64 << 20;

impl World {
    pub(crate) fn carry_out(&mut self, intent: Intent) {
        match intent {
            Intent::Http { op, task, request, digest, deadlines } => {
                self.begin_http(op, task, request, digest, deadlines);
            }
            Intent::File { op, task, action } => {
                self.trace.note(self.now, format_args!("{op} {task} file {action:?}"));
                self.issue(op);
                self.begin_file(op, task, action);
            }
            Intent::Journal { op, task, action } => {
                self.trace.note(self.now, format_args!("{op} {task} journal {}", kind(&action)));
                self.issue(op);
                self.begin_local(op, task, Work::Journal(action), self.journal_takes);
            }
            Intent::Recall { op, task } => {
                self.trace.note(self.now, format_args!("{op} {task} recall"));
                self.issue(op);
                self.begin_local(op, task, Work::Recall, self.journal_takes);
            }
            Intent::Ask { op, task, question } => {
                self.trace.note(self.now, format_args!("{op} {task} ask {question:?}"));
                self.issue(op);
                self.watch_question(task);
                self.begin_local(op, task, Work::Ask(question), (1_000, 200_000));
            }
            Intent::Cancel { op } => self.begin_cancel(op),
            other => self.broken(Invariant::AnsweredOnce, format!("unknown intent {other:?}")),
        }
    }

    fn issue(&mut self, op: OpId) {
        if !self.books.issued.insert(op) {
            self.broken(Invariant::AnsweredOnce, format!("{op} was issued before"));
        }
    }

    fn begin_http(
        &mut self,
        op: OpId,
        task: TaskId,
        request: http::Request<Body>,
        digest: Option<Algorithm>,
        deadlines: Deadlines,
    ) {
        let (head, body) = request.into_parts();
        let host = head.uri.authority().map_or("", |authority| authority.as_str()).to_owned();
        let range = head.headers.get("range").and_then(|range| range.to_str().ok()).unwrap_or("").to_owned();
        self.trace.note(self.now, format_args!("{op} {task} {} {} {range}", head.method, head.uri));
        self.issue(op);
        let body_len = body.len();
        let content_len = content_of(&body);
        let cost = self.cost_of(task, &head.method, &range, &body);
        self.watch_request(task, &head.method, &head.uri, &range, &body);
        self.watch_window(task, &range);
        let probe = WireRequest {
            method: head.method.clone(),
            uri: head.uri.clone(),
            headers: head.headers.clone(),
            body: Vec::new(),
        };
        let answer_len = if cost == OPEN_COST { 64 << 10 } else { cost };
        let fate = Fate::draw(&self.weather, &mut self.rng, body_len, answer_len);
        // Rules about the network look at the head and at the words of the body.
        let mut worded = probe;
        worded.body = words(&body);
        let fate = match self.rules.strike_net(&worded) {
            Some(Act::Net(fate)) => fate,
            _ => fate,
        };
        let mut exchange = Exchange {
            task,
            host,
            method: head.method,
            uri: head.uri,
            headers: head.headers,
            body: body.into_pieces(),
            body_len,
            cost,
            digest,
            fate,
            stage: Stage::Connecting,
            sent: 0,
            wire: Vec::new(),
            answer: None,
            disposition: None,
            come: 0,
            wrote: Vec::new(),
            collected: Vec::new(),
            rate: 1,
            latency: 0,
            content_len,
            told: 0,
            deadlines,
            begun: self.now,
            heard: self.now,
            cancelled: false,
            held: false,
        };
        exchange.set_pace(&self.weather, &mut self.rng);
        let latency = exchange.latency;
        self.exchanges.insert(op, exchange);
        self.count_begin(op);
        self.check_limits(op);
        self.schedule(latency, Event::Net(op));
    }

    /// What the request asks for counts as bytes in flight: its share of the content.
    fn cost_of(&self, task: TaskId, method: &http::Method, range: &str, body: &Body) -> u64 {
        let sent = content_of(body);
        let download = self
            .job_of(task)
            .and_then(|at| self.jobs.get(at))
            .is_some_and(|job| job.direction() == longhaul_core::Direction::Download);
        if !download || method != http::Method::GET {
            return sent;
        }
        let probing = matches!(
            self.engine.status(task),
            Some(longhaul_core::event::State::Active(longhaul_core::Phase::Probing))
        );
        match range.strip_prefix("bytes=").and_then(|range| range.split_once('-')) {
            _ if probing => 0,
            None => OPEN_COST,
            Some((first, last)) => {
                let first: u64 = first.parse().unwrap_or(0);
                last.parse().map_or(OPEN_COST, |last: u64| last + 1 - first)
            }
        }
    }

    fn begin_file(&mut self, op: OpId, task: TaskId, action: FileOp) {
        let mark = self.job_of(task).and_then(|at| self.jobs.get(at)).map_or(0, |job| self.disk.mark(job.file()));
        let takes = match &action {
            FileOp::Digest { .. } => (1_000, 300_000),
            FileOp::Sync | FileOp::Publish { .. } => (1_000, 100_000),
            _ => (10, 10_000),
        };
        self.begin_local(op, task, Work::File(action, mark), takes);
    }

    fn begin_local(&mut self, op: OpId, task: TaskId, work: Work, takes: (u64, u64)) {
        let Some(job) = self.job_of(task) else {
            self.broken(Invariant::CountsAgree, format!("{op} for unknown {task}"));
            return;
        };
        let cancelled = false;
        self.watch_local(task, &work);
        self.count_local(task, &work);
        let local = Local { task, job, work, cancelled };
        self.locals.insert(op, local);
        let delay = crate::weather::between(&mut self.rng, takes);
        self.schedule(delay, Event::Local(op));
    }

    fn begin_cancel(&mut self, op: OpId) {
        self.trace.note(self.now, format_args!("{op} cancel"));
        if let Some(exchange) = self.exchanges.get_mut(&op) {
            exchange.cancelled = true;
            let delay = self.rng.up_to(5_000);
            self.schedule(delay, Event::NetStopped(op));
        } else if let Some(local) = self.locals.get_mut(&op) {
            // Some work can be stopped, some runs to its end.
            local.cancelled = happens(&mut self.rng, 160) || matches!(local.work, Work::Ask(_));
        } else {
            self.broken(Invariant::AnsweredOnce, format!("{op} is to be cancelled and is not in flight"));
        }
    }

    /// A fresh provider for a job, or a refusal.
    pub(crate) fn fresh(&self, job: usize) -> Answer {
        let job = self.jobs.get(job).filter(|_| self.refreshes);
        let provider = job.and_then(|job| job.provider(self.grant(), self.store.flavour));
        provider.map_or_else(|| Answer::Refused(String::from("there is none")), Answer::Provider)
    }

    /// Requests a task may have in flight by its own wish.
    pub(crate) fn own_limit(&self, task: TaskId) -> usize {
        let job = self.job_of(task).and_then(|at| self.jobs.get(at));
        match job.map(|job| job.parallel) {
            Some(Parallel::Most(most)) => usize::try_from(most.get()).unwrap_or(usize::MAX),
            _ => usize::MAX,
        }
    }
}

/// Content bytes in a body.
fn content_of(body: &Body) -> u64 {
    let source = |piece: &Piece| if let Piece::Source(range) = piece { range.len() } else { 0 };
    body.clone().into_pieces().iter().map(source).sum()
}

pub(crate) fn words(body: &Body) -> Vec<crate::wire::WirePiece> {
    body.clone()
        .into_pieces()
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Inline(bytes) => Some(crate::wire::WirePiece::Bytes(bytes)),
            Piece::Source(_) => None,
        })
        .collect()
}

const fn kind(action: &JournalOp) -> &'static str {
    match action {
        JournalOp::Replace(_) => "replace",
        JournalOp::Append(_) => "append",
        JournalOp::Remove => "remove",
        _ => "other",
    }
}
