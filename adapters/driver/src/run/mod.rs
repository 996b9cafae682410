//! The loop: one task that owns the engine.
//!
//! A turn: answers, notes and commands → the due timer → the tick → intents until none → views and events → sleep until the
//! engine's next deadline, the tick, or a message. Nothing in a turn waits, so a turn is short whatever peers and callbacks do.

mod command;
mod engine;
mod guard;
mod local;
mod start;
mod tell;

use std::sync::Arc;

use futures::channel::oneshot;
use futures::future::{BoxFuture, FutureExt};
use longhaul_core::provider::Head;
use longhaul_core::time::{Now, Time};
use longhaul_core::{Event, OpId, TaskId};

use crate::blocking::within;
use crate::cancel::Cancel;
use crate::client::{Hub, WeakClient};
use crate::config::ClientConfig;
use crate::exchange::Controls;
use crate::handle::Shared;
use crate::ids::IdMap;
use crate::job::Refresher;
use crate::journal::{Journal, JournalName};
use crate::listen::{OnEnd, OnProgress};
use crate::mailbox::{Mail, Mailbox, Note, Reply};
use crate::measure;
use crate::runtime::{Spawn, Timer};
use crate::storage::Storage;
use crate::threads::Threads;
use crate::throttle::Throttle;
use crate::trace::Trace;
use crate::transport::Transport;
use engine::Heard;
use local::Local;

/// What a runtime and an HTTP client bring.
pub(crate) struct Seams {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) timer: Arc<dyn Timer>,
    pub(crate) spawn: Arc<dyn Spawn>,
    pub(crate) threads: Arc<Threads>,
}

impl Seams {
    /// Runs `task` in the background.
    fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.spawn.spawn(Box::pin(within(Arc::clone(&self.threads), task)));
    }
}

/// The owner of the engine.
pub(crate) struct Loop {
    engine: Heard,
    config: ClientConfig,
    seams: Seams,
    mailbox: Arc<Mailbox>,
    hub: Arc<Hub>,
    client: WeakClient,
    /// Boxed: a map that grows moves what is in it.
    tasks: IdMap<TaskId, Box<Task>>,
    ops: IdMap<OpId, Op>,
    /// How many of `ops` are exchanges.
    exchanges: usize,
    next_tick: Time,
    /// Transfers whose view may be out of date.
    touched: Vec<TaskId>,
    /// What is about to be told.
    events: Vec<Event>,
    closing: bool,
    /// Dropped at the very end: whoever waits for the end is woken by that.
    _end: oneshot::Sender<()>,
}

/// One transfer, as the loop knows it.
struct Task {
    storage: Arc<dyn Storage>,
    journal: Option<(Arc<dyn Journal>, JournalName)>,
    durable: bool,
    refresher: Option<Refresher>,
    send: Throttle,
    receive: Throttle,
    shared: Arc<Shared>,
    on_progress: Option<OnProgress>,
    on_end: Option<OnEnd>,
    span: tracing::Span,
    measured: measure::Transfer,
    /// The handle is gone.
    abandoned: bool,
}

/// One operation in flight.
struct Op {
    task: TaskId,
    /// Not for what is over too soon.
    cancel: Option<Cancel>,
    /// Only for an exchange.
    controls: Option<Controls>,
    /// Only for what the loop polls itself.
    local: Option<Local>,
    measured: Option<measure::Request>,
}

impl Loop {
    pub(crate) fn new(
        config: ClientConfig,
        seams: Seams,
        mailbox: Arc<Mailbox>,
        hub: Arc<Hub>,
        client: WeakClient,
        end: oneshot::Sender<()>,
        trace: Option<Box<dyn Trace>>,
    ) -> Self {
        Self {
            engine: Heard::new(config.core, config.seed, trace),
            config,
            seams,
            mailbox,
            hub,
            client,
            tasks: IdMap::default(),
            ops: IdMap::default(),
            exchanges: 0,
            next_tick: Time::NEVER,
            touched: Vec::new(),
            events: Vec::new(),
            closing: false,
            _end: end,
        }
    }

    /// Runs until closed and drained.
    pub(crate) async fn run(mut self) {
        let mut mail = Mail::default();
        let mut sleep: Option<(Time, BoxFuture<'static, ()>)> = None;
        loop {
            let now = self.seams.timer.now();
            self.engine.turn(now);
            self.receive(&mut mail, now);
            // What moved is told before any clock of silence is looked at, however late this turn comes.
            self.tick(now);
            if self.engine.poll_timeout().is_some_and(|due| due <= now.mono) {
                self.engine.handle_timeout(now);
            }
            while let Some(intent) = self.engine.poll_intent(now) {
                self.start(intent);
            }
            self.tell();
            if self.closing && self.ops.is_empty() && self.engine.is_drained() {
                break;
            }

            let due = self.engine.poll_timeout().unwrap_or(Time::NEVER).min(self.next_tick);
            // An earlier alarm than needed costs one idle turn; a new one for every turn would cost a timer each.
            if sleep.as_ref().is_none_or(|(at, _)| due < *at || *at <= now.mono) {
                sleep = (due != Time::NEVER).then(|| (due, self.seams.timer.sleep_until(due)));
            }
            std::future::poll_fn(|cx| {
                let mail = self.mailbox.poll_take(&mut mail, cx);
                let alarm = sleep.as_mut().is_some_and(|(_, sleep)| sleep.poll_unpin(cx).is_ready());
                if alarm {
                    sleep = None;
                }
                if alarm || mail.is_ready() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
            })
            .await;
        }
    }

    fn receive(&mut self, mail: &mut Mail, now: Now) {
        for reply in mail.replies.drain(..) {
            self.answer(reply, now);
        }
        for note in mail.notes.drain(..) {
            match note {
                Note::Dropped(task) => self.abandon(task),
                Note::Consumed(link) => {
                    let upto = link.take();
                    self.engine.handle_consumed(link.task, upto, now);
                    self.touched.push(link.task);
                }
                Note::Woken(op) => {
                    if let Some(reply) = self.ops.get_mut(&op).and_then(|op| op.local.as_mut()).and_then(Local::poll) {
                        self.answer(reply, now);
                    }
                }
            }
        }
        while let Some(command) = mail.commands.pop_front() {
            self.command(command, now);
        }
        if mail.closed && !self.closing {
            self.closing = true;
            tracing::debug!(in_flight = self.ops.len(), "closing");
            self.engine.shutdown(now);
        }
    }

    fn answer(&mut self, reply: Reply, now: Now) {
        match reply {
            Reply::Head { op, head, disposition } => {
                if let Some(known) = self.ops.get(&op) {
                    tracing::trace!(parent: self.span(known.task), %op, status = head.status.as_u16(), "head");
                    known.measured.iter().for_each(|request| request.head(now.mono));
                    self.touched.push(known.task);
                }
                let answer = self.engine.handle_head(op, Head { status: head.status, headers: &head.headers }, now);
                // An exchange that was cancelled meanwhile wants it no more.
                let _ = disposition.send(answer);
            }
            Reply::Done { op, outcome } => {
                if let Some(known) = self.over(op) {
                    let moved = outcome.moved();
                    tracing::trace!(parent: self.span(known.task), %op, sent = moved.sent, written = moved.written, "done");
                    known.measured.iter().for_each(|request| request.done(&outcome, now.mono));
                }
                self.engine.handle_done(op, outcome, now);
            }
            Reply::File { op, reply } => {
                self.over(op);
                self.engine.handle_file(op, reply, now);
            }
            Reply::Journal { op, reply } => {
                self.over(op);
                self.engine.handle_journal(op, reply, now);
            }
            Reply::Recall { op, reply } => {
                self.over(op);
                self.engine.handle_recalled(op, reply, now);
            }
            Reply::Ask { op, answer } => {
                self.over(op);
                self.engine.handle_answer(op, answer, now);
            }
        }
    }

    /// Notes that `op` is in flight.
    fn register(&mut self, op: OpId, known: Op) {
        self.exchanges += usize::from(known.controls.is_some());
        self.touched.push(known.task);
        self.ops.insert(op, known);
    }

    /// Notes that `op` has answered.
    fn over(&mut self, op: OpId) -> Option<Op> {
        let known = self.ops.remove(&op)?;
        self.exchanges -= usize::from(known.controls.is_some());
        self.touched.push(known.task);
        Some(known)
    }

    /// Reads the meters, if it is time.
    fn tick(&mut self, now: Now) {
        if now.mono < self.next_tick {
            return;
        }
        self.next_tick = Time::NEVER;
        for (&id, op) in &self.ops {
            let Some(controls) = &op.controls else {
                continue;
            };
            // What has come so far is written and told at the next tick, however much a batch holds: progress is smooth, and goodput
            // is known to a tick.
            controls.nudge.set();
            self.engine.handle_progress(id, controls.meter.look(), now);
            self.touched.push(op.task);
            self.next_tick = now.mono + self.config.tick;
        }
        self.look(true);
    }

    fn span(&self, task: TaskId) -> &tracing::Span {
        static NONE: tracing::Span = tracing::Span::none();
        self.tasks.get(&task).map_or(&NONE, |task| &task.span)
    }
}
