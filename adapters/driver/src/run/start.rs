//! Intents become futures, each of which answers exactly once: spawned, or polled by the loop where they only wait for a thread.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use futures::future::{Either, FutureExt, select};
use http::Request;
use longhaul_core::error::FileFault;
use longhaul_core::intent::{Answer, Body, FileOp, FileReply, Intent, JournalOp, Question};
use longhaul_core::{Algorithm, OpId, TaskId};

use super::local::{Local, Work, begin, panicked};
use super::{Loop, Op, Task};
use crate::cancel::Cancel;
use crate::exchange::{Controls, Exchange};
use crate::mailbox::{Mailbox, Reply};

impl Loop {
    pub(super) fn start(&mut self, intent: Intent) {
        match intent {
            Intent::Http { op, task, request, digest, deadlines: _ } => self.http(op, task, request, digest),
            Intent::File { op, task, action } => self.file(op, task, action),
            Intent::Journal { op, task, action } => self.journal(op, task, action),
            Intent::Recall { op, task } => self.recall(op, task),
            Intent::Ask { op, task, question } => self.ask(op, task, question),
            Intent::Cancel { op } => {
                // One that has answered meanwhile is unknown here already, or will be in the next turn.
                if let Some(op) = self.ops.get(&op) {
                    op.cancel.iter().for_each(Cancel::set);
                    self.touched.push(op.task);
                }
            }
            other => tracing::error!(?other, "an intent this driver does not know"),
        }
    }

    fn http(&mut self, op: OpId, id: TaskId, request: Request<Body>, digest: Option<Algorithm>) {
        let controls = Controls::default();
        let task = self.task(id);
        tracing::trace!(parent: &task.span, %op, method = %request.method(), body = request.body().len(), "request");
        let exchange = Exchange {
            op,
            request,
            digest,
            storage: Arc::clone(&task.storage),
            send: task.send.clone(),
            receive: task.receive.clone(),
            transport: Arc::clone(&self.seams.transport),
            read_chunk: self.config.read_chunk,
            write_batch: task.storage.write_batch().unwrap_or(self.config.write_batch).max(1),
            controls: controls.clone(),
            mailbox: Arc::clone(&self.mailbox),
        };
        let measured = Some(task.measured.request(&*self.seams.timer));
        let cancel = Some(controls.cancel.clone());
        self.register(op, Op { task: id, cancel, controls: Some(controls), local: None, measured });
        if self.exchanges == 1 {
            self.next_tick = self.seams.timer.now().mono + self.config.tick;
        }
        self.seams.run(exchange.run());
    }

    fn file(&mut self, op: OpId, id: TaskId, action: FileOp) {
        let task = self.task(id);
        tracing::trace!(parent: &task.span, %op, ?action, "file");
        let cancel = Cancel::default();
        // What takes its time, or runs the application's code, is not for the loop to poll.
        if matches!(action, FileOp::Digest { .. } | FileOp::Fill { .. }) {
            let (storage, asked) = (Arc::clone(&task.storage), cancel.clone());
            self.run_apart(op, id, cancel, async move { storage.run(action, asked).await });
        } else {
            let work = begin(|| task.storage.run(action, cancel.clone()));
            self.run_local(op, id, Some(cancel), Work::File(work));
        }
    }

    fn journal(&mut self, op: OpId, id: TaskId, action: JournalOp) {
        let task = self.task(id);
        let work = begin(|| match &task.journal {
            Some((journal, name)) => journal.run(name, action, task.durable),
            None => std::future::ready(Ok(())).boxed(),
        });
        self.run_local(op, id, None, Work::Journal(work));
    }

    fn recall(&mut self, op: OpId, id: TaskId) {
        let task = self.task(id);
        let work = begin(|| match &task.journal {
            Some((journal, name)) => journal.load(name),
            None => std::future::ready(Ok(None)).boxed(),
        });
        self.run_local(op, id, None, Work::Recall(work));
    }

    fn ask(&mut self, op: OpId, id: TaskId, question: Question) {
        let cancel = Cancel::default();
        let task = self.task(id);
        tracing::debug!(parent: &task.span, %op, "asking the application");
        let refresher = task.refresher.clone();
        self.register(op, Op::apart(id, cancel.clone()));
        let obligation = Obligation::new(&self.mailbox, move |answer: Option<Answer>| {
            let answer = answer.unwrap_or_else(|| Answer::Refused("the application's answer panicked".into()));
            Reply::Ask { op, answer }
        });
        self.seams.run(async move {
            let answer = async move {
                match refresher {
                    Some(refresher) => refresher(question).await,
                    None => Answer::Refused("there is nobody to ask".into()),
                }
            };
            let answer = AssertUnwindSafe(answer).catch_unwind();
            obligation.keep(match select(cancel, pin!(answer)).await {
                Either::Left(_) => Some(Answer::Refused("no longer wanted".into())),
                Either::Right((answer, _)) => answer.ok(),
            });
        });
    }

    /// Polls local work for the first time, and keeps it where that is not its end.
    fn run_local(&mut self, op: OpId, task: TaskId, cancel: Option<Cancel>, work: Work) {
        let mut local = Local::new(op, &self.mailbox, work);
        let local = match local.poll() {
            Some(reply) => {
                self.mailbox.reply(reply);
                None
            }
            None => Some(local),
        };
        self.register(op, Op { task, cancel, controls: None, local, measured: None });
    }

    /// Spawns local work and its answer.
    fn run_apart(
        &mut self,
        op: OpId,
        task: TaskId,
        cancel: Cancel,
        work: impl Future<Output = Result<FileReply, FileFault>> + Send + 'static,
    ) {
        self.register(op, Op::apart(task, cancel));
        let obligation = Obligation::new(&self.mailbox, move |done: Option<_>| {
            let reply = done.unwrap_or_else(|| Err(panicked()));
            Reply::File { op, reply }
        });
        self.seams.run(async move { obligation.keep(AssertUnwindSafe(work).catch_unwind().await.ok()) });
    }

    /// # Panics
    /// When the engine names a transfer it never issued, which it cannot.
    fn task(&self, id: TaskId) -> &Task {
        self.tasks.get(&id).expect("the engine asks only for transfers it accepted and was not told to forget")
    }
}

impl Op {
    /// One with a task of its own, for `task`.
    const fn apart(task: TaskId, cancel: Cancel) -> Self {
        Self { task, cancel: Some(cancel), controls: None, local: None, measured: None }
    }
}

/// The duty to answer, kept by `Drop` when the future that has it is dropped.
struct Obligation<T, F: FnOnce(Option<T>) -> Reply> {
    mailbox: Arc<Mailbox>,
    reply: Option<F>,
    answer: std::marker::PhantomData<fn(T)>,
}

impl<T, F: FnOnce(Option<T>) -> Reply> Obligation<T, F> {
    fn new(mailbox: &Arc<Mailbox>, reply: F) -> Self {
        Self { mailbox: Arc::clone(mailbox), reply: Some(reply), answer: std::marker::PhantomData }
    }

    fn keep(mut self, answer: Option<T>) {
        self.give(answer);
    }

    fn give(&mut self, answer: Option<T>) {
        if let Some(reply) = self.reply.take() {
            self.mailbox.reply(reply(answer));
        }
    }
}

impl<T, F: FnOnce(Option<T>) -> Reply> Drop for Obligation<T, F> {
    fn drop(&mut self) {
        self.give(None);
    }
}
