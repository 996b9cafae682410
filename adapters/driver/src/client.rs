//! The client: where transfers are submitted and controlled.

use std::fmt;
use std::future::Future;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::channel::oneshot;
use futures::future::{FutureExt, Shared as SharedFuture, select};
use longhaul_core::TaskId;
use longhaul_core::event::{Progress, Snapshot, State};
use longhaul_core::spec::{self, CommandError, Limits};

use crate::blocking::within;
use crate::config::ClientConfig;
use crate::handle::{Shared, Transfer};
use crate::ids::IdMap;
use crate::job::Job;
use crate::listen::{Board, Listener, ListenerId, inside_callback};
use crate::mailbox::{Command, Control, Mailbox, Note, Refused, Submission};
use crate::rate::Rates;
use crate::run::{self, Seams};
use crate::runtime::{Spawn, Timer};
use crate::threads::Threads;
use crate::throttle::Limiter;
use crate::trace::Trace;
use crate::transport::Transport;

/// Why a job was not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SubmitError {
    /// The same transfer is there already.
    Duplicate(TaskId),
    /// The client is closed.
    Closed,
    /// There are 2³² transfers.
    Full,
    /// The command queue is full ([`Client::try_submit`] only).
    Busy,
}

impl fmt::Display for SubmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate(id) => spec::SubmitError::Duplicate(*id).fmt(f),
            Self::Closed => spec::SubmitError::Closed.fmt(f),
            Self::Full => spec::SubmitError::Full.fmt(f),
            Self::Busy => f.write_str("the command queue is full; wait, or use submit, which does"),
        }
    }
}

impl std::error::Error for SubmitError {}

impl From<spec::SubmitError> for SubmitError {
    fn from(error: spec::SubmitError) -> Self {
        match error {
            spec::SubmitError::Duplicate(id) => Self::Duplicate(id),
            spec::SubmitError::Closed => Self::Closed,
            _ => Self::Full,
        }
    }
}

/// Submits and controls transfers. Cheap to clone; all clones are one client.
///
/// The client's loop ends by [`close`](Self::close), or when the last clone and the last [`Transfer`] are dropped. Transfers that
/// are then unfinished end with [`Error::Closed`](longhaul_core::Error::Closed) and can be resumed from their journals.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

pub(crate) struct Inner {
    hub: Arc<Hub>,
    mailbox: Arc<Mailbox>,
    timer: Arc<dyn Timer>,
    ended: SharedFuture<oneshot::Receiver<()>>,
    config: ClientConfig,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.mailbox.close();
    }
}

/// What client and loop share besides the mailbox.
pub(crate) struct Hub {
    pub(crate) board: Arc<Board>,
    pub(crate) total: Arc<Limiter>,
    pub(crate) download: Arc<Limiter>,
    pub(crate) upload: Arc<Limiter>,
    transfers: Mutex<IdMap<TaskId, Arc<Shared>>>,
}

impl Hub {
    pub(crate) fn transfers(&self) -> MutexGuard<'_, IdMap<TaskId, Arc<Shared>>> {
        self.transfers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Client {
    /// Starts a client: its loop is spawned at once.
    #[must_use]
    pub fn new(
        config: ClientConfig,
        transport: Arc<dyn Transport>,
        timer: Arc<dyn Timer>,
        spawn: Arc<dyn Spawn>,
    ) -> Self {
        Self::start(config, transport, timer, spawn, None)
    }

    /// The same, with `trace` listening to all that passes between its loop and the engine.
    #[must_use]
    pub fn traced(
        config: ClientConfig,
        transport: Arc<dyn Transport>,
        timer: Arc<dyn Timer>,
        spawn: Arc<dyn Spawn>,
        trace: Box<dyn Trace>,
    ) -> Self {
        Self::start(config, transport, timer, spawn, Some(trace))
    }

    fn start(
        config: ClientConfig,
        transport: Arc<dyn Transport>,
        timer: Arc<dyn Timer>,
        spawn: Arc<dyn Spawn>,
        trace: Option<Box<dyn Trace>>,
    ) -> Self {
        let mailbox = Arc::new(Mailbox::new(config.command_capacity));
        let hub = Arc::new(Hub {
            board: Arc::new(Board::new(Arc::clone(&spawn), config.listener_capacity)),
            total: Arc::new(Limiter::new(config.rates.total)),
            download: Arc::new(Limiter::new(config.rates.download)),
            upload: Arc::new(Limiter::new(config.rates.upload)),
            transfers: Mutex::default(),
        });
        let (end, ended) = oneshot::channel();
        let threads = Threads::new(Arc::clone(&spawn), Arc::clone(&timer));
        let seams =
            Seams { transport, timer: Arc::clone(&timer), spawn: Arc::clone(&spawn), threads: Arc::clone(&threads) };
        let inner = Arc::new(Inner {
            hub: Arc::clone(&hub),
            mailbox: Arc::clone(&mailbox),
            timer,
            ended: ended.shared(),
            config: config.clone(),
        });
        crate::measure::describe();
        let task = run::Loop::new(config, seams, mailbox, hub, Arc::downgrade(&inner).into(), end, trace).run();
        spawn.spawn(Box::pin(within(threads, task)));
        Self(inner)
    }

    /// The settings it was made with.
    #[must_use]
    pub fn config(&self) -> &ClientConfig {
        &self.0.config
    }

    /// Submits a job, waiting for a place in the command queue. Dropped before the job is in the queue, it withdraws the job;
    /// later the transfer goes on without a handle.
    ///
    /// # Errors
    /// When the transfer is there already, or the client is closed.
    pub async fn submit(&self, job: Job) -> Result<Transfer, SubmitError> {
        let (reply, handle) = oneshot::channel();
        let submission = Submission { job, reply };
        self.0.mailbox.command(Command::Submit(vec![submission])).await?;
        handle.await.unwrap_or(Err(SubmitError::Closed))
    }

    /// Submits a job if there is a place in the command queue now.
    ///
    /// # Errors
    /// [`SubmitError::Busy`] when there is none, otherwise as [`submit`](Self::submit).
    pub async fn try_submit(&self, job: Job) -> Result<Transfer, SubmitError> {
        let (reply, handle) = oneshot::channel();
        let submission = Submission { job, reply };
        self.0.mailbox.try_command(Command::Submit(vec![submission]))?;
        handle.await.unwrap_or(Err(SubmitError::Closed))
    }

    /// Submits many jobs as one command, in order; one result per job. One refused job does not hinder the others.
    pub async fn submit_all(&self, jobs: impl IntoIterator<Item = Job>) -> Vec<Result<Transfer, SubmitError>> {
        let (submissions, handles): (Vec<_>, Vec<_>) = jobs
            .into_iter()
            .map(|job| {
                let (reply, handle) = oneshot::channel();
                (Submission { job, reply }, handle)
            })
            .unzip();
        // When refused, the submissions are dropped, and every handle says so.
        let _ = self.0.mailbox.command(Command::Submit(submissions)).await;
        let mut results = Vec::with_capacity(handles.len());
        for handle in handles {
            results.push(handle.await.unwrap_or(Err(SubmitError::Closed)));
        }
        results
    }

    /// As [`Transfer::pause`].
    ///
    /// # Errors
    /// When the transfer or the client is over.
    pub async fn pause(&self, id: TaskId) -> Result<(), CommandError> {
        self.control(id, Control::Pause).await
    }

    /// As [`Transfer::resume`].
    ///
    /// # Errors
    /// When the transfer or the client is over.
    pub async fn resume(&self, id: TaskId) -> Result<(), CommandError> {
        self.control(id, Control::Resume).await
    }

    /// As [`Transfer::cancel`].
    ///
    /// # Errors
    /// When the transfer or the client is over.
    pub async fn cancel(&self, id: TaskId) -> Result<(), CommandError> {
        self.control(id, Control::Cancel).await
    }

    /// As [`Transfer::set_weight`].
    ///
    /// # Errors
    /// When the transfer or the client is over.
    pub async fn set_weight(&self, id: TaskId, weight: NonZeroU32) -> Result<(), CommandError> {
        self.control(id, Control::Weight(weight)).await
    }

    pub(crate) async fn control(&self, id: TaskId, control: Control) -> Result<(), CommandError> {
        let (reply, answer) = oneshot::channel();
        match self.0.mailbox.command(Command::Control(id, control, reply)).await {
            Ok(()) => answer.await.unwrap_or(Err(CommandError::Closed)),
            Err(_) => Err(CommandError::Closed),
        }
    }

    /// Changes the engine's limits while it runs. Without effect on a closed client.
    ///
    /// What is at work keeps its place. A limit of 0, which no configuration may have, counts as 1: something always goes on, and what
    /// shall not is paused.
    pub async fn set_limits(&self, limits: Limits) {
        let (reply, answer) = oneshot::channel();
        if self.0.mailbox.command(Command::SetLimits(limits, reply)).await.is_ok() {
            // The only error is that the client was closed meanwhile.
            let _ = answer.await;
        }
    }

    /// Changes the rate limits at once.
    pub fn set_rates(&self, rates: Rates) {
        let hub = &self.0.hub;
        hub.total.set(rates.total);
        hub.download.set(rates.download);
        hub.upload.set(rates.upload);
    }

    /// What transfer `id` is doing; `None` once its end and the drop of its handle have passed.
    #[must_use]
    pub fn status(&self, id: TaskId) -> Option<State> {
        self.0.hub.transfers().get(&id).map(|transfer| transfer.status())
    }

    /// Where transfer `id` stands, in bytes.
    #[must_use]
    pub fn progress(&self, id: TaskId) -> Option<Progress> {
        self.0.hub.transfers().get(&id).map(|transfer| transfer.progress())
    }

    /// Everything at one moment. Empty once the client is closed.
    pub async fn snapshot(&self) -> Snapshot {
        let (reply, answer) = oneshot::channel();
        match self.0.mailbox.command(Command::Snapshot(reply)).await {
            Ok(()) => answer.await.unwrap_or_default(),
            Err(_) => Snapshot::default(),
        }
    }

    /// Adds a listener to all transfers.
    pub fn add_listener(&self, listener: impl Listener) -> ListenerId {
        self.0.hub.board.add(Arc::new(listener))
    }

    /// Removes a listener; it may still be in the middle of a call. Returns whether it was there.
    pub fn remove_listener(&self, id: ListenerId) -> bool {
        self.0.hub.board.remove(id)
    }

    /// Removes all listeners.
    pub fn clear_listeners(&self) {
        self.0.hub.board.clear();
    }

    /// Whether the client takes no more work.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.mailbox.is_closed()
    }

    /// Closes the client: new work is refused from the moment of the call, requests are broken off, unfinished transfers end with
    /// [`Error::Closed`](longhaul_core::Error::Closed) and keep what they need to be resumed. The future ends when nothing is in
    /// flight and every callback has been called (waiting for slow ones no longer than
    /// [`callback_grace`](crate::config::ClientConfigBuilder::callback_grace)); it need not be awaited. May be called many times, side
    /// by side, and from a callback, where it does not wait for callbacks.
    pub fn close(&self) -> impl Future<Output = ()> + Send + 'static {
        let within = inside_callback();
        let inner = Arc::clone(&self.0);
        inner.mailbox.close();
        async move {
            // Either way the loop is gone: it said so, or was dropped with its runtime.
            let _ = inner.ended.clone().await;
            if !within {
                let patience = inner.timer.now().mono + inner.config.callback_grace;
                select(Box::pin(inner.hub.board.idle()), inner.timer.sleep_until(patience)).await;
            }
        }
    }

    /// A handle is gone: an ended transfer's id is unknown from now on, another's once it ends.
    pub(crate) fn let_go(&self, transfer: &Shared) {
        if transfer.status() == State::Ended {
            self.0.hub.transfers().remove(&transfer.id());
        }
        self.0.mailbox.note(Note::Dropped(transfer.id()));
    }
}

impl From<Refused> for SubmitError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Full => Self::Busy,
            Refused::Closed => Self::Closed,
        }
    }
}

/// A client that the loop can hand to handles without keeping it alive.
pub(crate) struct WeakClient(std::sync::Weak<Inner>);

impl From<std::sync::Weak<Inner>> for WeakClient {
    fn from(inner: std::sync::Weak<Inner>) -> Self {
        Self(inner)
    }
}

impl WeakClient {
    pub(crate) fn upgrade(&self) -> Option<Client> {
        self.0.upgrade().map(Client)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}
