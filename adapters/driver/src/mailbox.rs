//! The one queue into the loop: answers, notes and commands, taken all at once.
//!
//! Bounds: an operation has at most two answers (its head and its end) and one note here, a transfer at most one note of each
//! kind, and commands wait outside until one of `capacity` places is free. So nothing here grows without a bound, and only commands ever
//! wait: an answer is put down by a guard's `Drop`, which cannot.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures::channel::oneshot;
use http::response::Parts;
use longhaul_core::error::FileFault;
use longhaul_core::event::Snapshot;
use longhaul_core::intent::{Answer, Disposition, FileReply, Outcome};
use longhaul_core::spec::{CommandError, Limits};
use longhaul_core::{OpId, TaskId};

use crate::client::SubmitError;
use crate::handle::Transfer;
use crate::job::Job;
use crate::storage::LinkState;

/// What an operation says.
#[derive(Debug)]
pub(crate) enum Reply {
    /// The head of an answer came.
    Head { op: OpId, head: Parts, disposition: oneshot::Sender<Disposition> },
    /// An exchange is over.
    Done { op: OpId, outcome: Outcome },
    /// A file operation is over.
    File { op: OpId, reply: Result<FileReply, FileFault> },
    /// A journal operation is over.
    Journal { op: OpId, reply: Result<(), FileFault> },
    /// The journal was read.
    Recall { op: OpId, reply: Result<Option<Bytes>, FileFault> },
    /// The application answered.
    Ask { op: OpId, answer: Answer },
}

/// What needs no answer and never waits.
#[derive(Debug)]
pub(crate) enum Note {
    /// The handle of a transfer is gone.
    Dropped(TaskId),
    /// The consumer of a stream took something.
    Consumed(Arc<LinkState>),
    /// A local operation can go on.
    Woken(OpId),
}

/// What a client or handle asks for.
pub(crate) enum Command {
    /// Accept these jobs, in order.
    Submit(Vec<Submission>),
    /// Do something with one transfer.
    Control(TaskId, Control, oneshot::Sender<Result<(), CommandError>>),
    /// Set the engine's limits.
    SetLimits(Limits, oneshot::Sender<()>),
    /// Tell everything.
    Snapshot(oneshot::Sender<Snapshot>),
}

/// A job and where its handle goes.
pub(crate) struct Submission {
    pub(crate) job: Job,
    pub(crate) reply: oneshot::Sender<Result<Transfer, SubmitError>>,
}

/// What to do with one transfer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Control {
    Pause,
    Resume,
    Cancel,
    Weight(NonZeroU32),
}

/// Why a command was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refused {
    Full,
    Closed,
}

/// Everything that came since the loop looked last.
#[derive(Default)]
pub(crate) struct Mail {
    pub(crate) replies: Vec<Reply>,
    pub(crate) notes: Vec<Note>,
    pub(crate) commands: VecDeque<Command>,
    pub(crate) closed: bool,
}

pub(crate) struct Mailbox {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    mail: Mail,
    capacity: usize,
    /// Who waits for a place, in the order they came.
    waiting: BTreeMap<u64, Waker>,
    next_ticket: u64,
    receiver: Option<Waker>,
    /// Nobody will look any more.
    deserted: bool,
}

impl Mailbox {
    /// With room for `capacity` commands.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { inner: Mutex::new(Inner { capacity, ..Inner::default() }) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts down an answer.
    pub(crate) fn reply(&self, reply: Reply) {
        self.put(|mail| mail.replies.push(reply));
    }

    /// Puts down a note.
    pub(crate) fn note(&self, note: Note) {
        self.put(|mail| mail.notes.push(note));
    }

    /// Takes no more commands; those that are in are still served.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.mail.closed = true;
        let waiting = std::mem::take(&mut inner.waiting);
        let receiver = inner.receiver.take();
        drop(inner);
        waiting.into_values().chain(receiver).for_each(Waker::wake);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().mail.closed
    }

    /// Puts down a command, or fails at once.
    pub(crate) fn try_command(&self, command: Command) -> Result<(), Refused> {
        let mut inner = self.lock();
        if inner.mail.closed {
            return Err(Refused::Closed);
        }
        if inner.free() <= inner.waiting.len() {
            return Err(Refused::Full);
        }
        inner.push(command);
        Ok(())
    }

    /// Puts down a command as soon as there is room, first come, first served.
    pub(crate) fn command(&self, command: Command) -> Push<'_> {
        Push { mailbox: self, command: Some(command), ticket: None }
    }

    /// Exchanges an empty `mail` for what has come; ready when there is something, or when closed for the first time.
    pub(crate) fn poll_take(&self, mail: &mut Mail, cx: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.lock();
        let waiting = &inner.mail;
        if waiting.replies.is_empty()
            && waiting.notes.is_empty()
            && waiting.commands.is_empty()
            && waiting.closed == mail.closed
        {
            match &mut inner.receiver {
                Some(waker) => waker.clone_from(cx.waker()),
                empty => *empty = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        }
        mail.closed = inner.mail.closed;
        std::mem::swap(&mut inner.mail, mail);
        let woken = inner.admissible();
        drop(inner);
        woken.into_iter().for_each(Waker::wake);
        Poll::Ready(())
    }

    /// Nobody will look any more: throws away what is in and what still comes. Whoever waits for an answer learns from that
    /// that the client is closed.
    pub(crate) fn desert(&self) {
        let mut inner = self.lock();
        inner.deserted = true;
        let mail = std::mem::take(&mut inner.mail);
        inner.mail.closed = true;
        drop(inner);
        drop(mail);
    }

    fn put(&self, put: impl FnOnce(&mut Mail)) {
        let mut inner = self.lock();
        if inner.deserted {
            return;
        }
        put(&mut inner.mail);
        let receiver = inner.receiver.take();
        drop(inner);
        receiver.into_iter().for_each(Waker::wake);
    }
}

impl Inner {
    fn free(&self) -> usize {
        self.capacity.saturating_sub(self.mail.commands.len())
    }

    /// The wakers of those for whom there is room now.
    fn admissible(&self) -> Vec<Waker> {
        self.waiting.values().take(self.free()).cloned().collect()
    }

    /// Wakes the receiver under the lock: it is another task and only schedules.
    fn push(&mut self, command: Command) {
        self.mail.commands.push_back(command);
        self.receiver.take().into_iter().for_each(Waker::wake);
    }
}

/// See [`Mailbox::command`]. Dropped before it is ready, it withdraws the command.
pub(crate) struct Push<'a> {
    mailbox: &'a Mailbox,
    command: Option<Command>,
    ticket: Option<u64>,
}

impl Future for Push<'_> {
    type Output = Result<(), Refused>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut inner = this.mailbox.lock();
        if inner.mail.closed {
            return Poll::Ready(Err(Refused::Closed));
        }
        let free = inner.free();
        let ticket = *this.ticket.get_or_insert_with(|| {
            inner.next_ticket += 1;
            inner.next_ticket
        });
        if inner.waiting.range(..ticket).take(free).count() >= free {
            inner.waiting.insert(ticket, cx.waker().clone());
            return Poll::Pending;
        }
        inner.waiting.remove(&ticket);
        this.ticket = None;
        if let Some(command) = this.command.take() {
            inner.push(command);
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Push<'_> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let mut inner = self.mailbox.lock();
        inner.waiting.remove(&ticket);
        let woken = inner.admissible();
        drop(inner);
        woken.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use futures::FutureExt;
    use longhaul_core::intent::Intent;
    use longhaul_core::{Engine, Now};

    /// The id of some operation: only an engine makes them.
    pub(crate) fn op() -> OpId {
        let mut engine = Engine::new(longhaul_core::Config::default(), 1);
        let spec = crate::common::provider::Plain::download("a");
        engine.submit(spec, Now::default()).expect("accepted");
        match engine.poll_intent(Now::default()) {
            Some(Intent::Http { op, .. } | Intent::File { op, .. }) => op,
            other => panic!("{other:?}"),
        }
    }
    use futures::task::noop_waker_ref;

    fn command() -> Command {
        Command::Snapshot(oneshot::channel().0)
    }

    fn take(mailbox: &Mailbox) -> usize {
        let mut mail = Mail::default();
        let _ = mailbox.poll_take(&mut mail, &mut Context::from_waker(noop_waker_ref()));
        mail.commands.len()
    }

    #[test]
    fn c8_a_full_queue_refuses_at_once_or_waits_in_order_and_loses_nothing() {
        let mailbox = Mailbox::new(2);
        assert_eq!(mailbox.try_command(command()), Ok(()));
        assert_eq!(mailbox.command(command()).now_or_never(), Some(Ok(())));
        assert_eq!(mailbox.try_command(command()), Err(Refused::Full));
        let (mut first, mut second, mut third) =
            (mailbox.command(command()), mailbox.command(command()), mailbox.command(command()));
        assert_eq!((&mut first).now_or_never(), None);
        assert_eq!((&mut second).now_or_never(), None);
        assert_eq!((&mut third).now_or_never(), None);
        assert_eq!(take(&mailbox), 2);
        // Two places, three waiting: the last stays out, also when asked first.
        assert_eq!((&mut third).now_or_never(), None);
        assert_eq!(mailbox.try_command(command()), Err(Refused::Full));
        assert_eq!((&mut first).now_or_never(), Some(Ok(())));
        // One that gives up makes room for the next.
        drop(second);
        assert_eq!((&mut third).now_or_never(), Some(Ok(())));
        assert_eq!(take(&mailbox), 2);
        assert_eq!(mailbox.try_command(command()), Ok(()));
    }

    #[test]
    fn c9_closing_refuses_whoever_waits_and_keeps_what_is_in() {
        let mailbox = Mailbox::new(1);
        assert_eq!(mailbox.try_command(command()), Ok(()));
        let mut waiting = mailbox.command(command());
        assert_eq!((&mut waiting).now_or_never(), None);
        mailbox.close();
        assert_eq!(waiting.now_or_never(), Some(Err(Refused::Closed)));
        assert_eq!(mailbox.try_command(command()), Err(Refused::Closed));
        assert_eq!(take(&mailbox), 1);
    }
}
