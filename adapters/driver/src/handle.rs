//! The handle of one transfer: a stream of its events and a future of its outcome.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures::Stream;
use longhaul_core::event::{Completed, End, Progress, State};
use longhaul_core::spec::CommandError;
use longhaul_core::{Error, Event, EventKind, TaskId};

use crate::client::Client;
use crate::listen::outcome;
use crate::mailbox::Control;
use crate::rate::Rate;
use crate::throttle::Limiter;

/// One transfer of a [`Client`].
///
/// As a [`Stream`] it gives the transfer's events, the last of which is its end. As a [`Future`] it gives its outcome; both can
/// be used one after another, and the outcome can be awaited again. Events nobody reads are kept up to
/// [`event_capacity`](crate::config::ClientConfigBuilder::event_capacity), then the oldest are dropped; the end never is.
///
/// Dropping the handle does not stop the transfer. The transfer's id stays valid until the handle is dropped, also after its
/// end.
///
/// A handle keeps its client going: the client closes by itself when the last clone of it *and* the last handle are gone.
#[must_use = "dropping the handle loses the outcome; the transfer goes on"]
pub struct Transfer {
    shared: Arc<Shared>,
    limiter: Arc<Limiter>,
    client: Client,
}

impl Transfer {
    pub(crate) fn new(shared: Arc<Shared>, limiter: Arc<Limiter>, client: Client) -> Self {
        Self { shared, limiter, client }
    }

    /// The transfer's id.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.shared.id
    }

    /// The client it belongs to.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What it is doing, as of the loop's last look at it.
    #[must_use]
    pub fn status(&self) -> State {
        self.shared.status()
    }

    /// Where it stands, in bytes, as of the loop's last look at it: a few times per second while bytes move.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.shared.progress()
    }

    /// Its outcome, once it has one.
    #[must_use]
    pub fn outcome(&self) -> Option<Result<Completed, Error>> {
        self.shared.lock().end.as_ref().map(outcome)
    }

    /// Events that were dropped because nobody read them.
    #[must_use]
    pub fn events_lost(&self) -> u64 {
        self.shared.lock().lost
    }

    /// Stops what is in flight and waits for [`resume`](Self::resume). Ready when accepted; the event
    /// [`Paused`](EventKind::Paused) tells when nothing is in flight any more.
    ///
    /// # Errors
    /// When the transfer or the client is over.
    pub async fn pause(&self) -> Result<(), CommandError> {
        self.client.control(self.id(), Control::Pause).await
    }

    /// Goes on.
    ///
    /// # Errors
    /// When the transfer or the client is over.
    pub async fn resume(&self) -> Result<(), CommandError> {
        self.client.control(self.id(), Control::Resume).await
    }

    /// Gives the transfer up, here and on the server. Ready when accepted; the end comes when everything is cleaned up.
    ///
    /// # Errors
    /// When the transfer or the client is over.
    pub async fn cancel(&self) -> Result<(), CommandError> {
        self.client.control(self.id(), Control::Cancel).await
    }

    /// Changes its share where transfers compete.
    ///
    /// # Errors
    /// When the transfer or the client is over.
    pub async fn set_weight(&self, weight: NonZeroU32) -> Result<(), CommandError> {
        self.client.control(self.id(), Control::Weight(weight)).await
    }

    /// Changes its own rate limit at once; `None` removes it.
    pub fn set_rate(&self, rate: Option<Rate>) {
        self.limiter.set(rate);
    }
}

impl Stream for Transfer {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut inner = self.shared.lock();
        if let Some(event) = inner.events.pop_front() {
            return Poll::Ready(Some(event));
        }
        if inner.told {
            return Poll::Ready(None);
        }
        match inner.end.clone() {
            Some(end) => {
                inner.told = true;
                Poll::Ready(Some(Event { task: self.shared.id, kind: EventKind::Ended(end) }))
            }
            None => wait(&mut inner.for_events, cx),
        }
    }
}

impl Future for Transfer {
    type Output = Result<Completed, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut inner = self.shared.lock();
        match &inner.end {
            Some(end) => Poll::Ready(outcome(end)),
            None => wait(&mut inner.for_outcome, cx),
        }
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        self.client.let_go(&self.shared);
    }
}

impl fmt::Debug for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transfer").field("id", &self.id()).field("status", &self.status()).finish_non_exhaustive()
    }
}

/// What loop and handle share.
#[derive(Debug)]
pub(crate) struct Shared {
    id: TaskId,
    capacity: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: State,
    progress: Progress,
    events: VecDeque<Event>,
    lost: u64,
    end: Option<End>,
    /// Whether the stream gave the end.
    told: bool,
    /// Who waits for the next event.
    for_events: Option<Waker>,
    /// Who waits for the end, and is not woken for less.
    for_outcome: Option<Waker>,
}

/// Most transfers have no more events.
const USUAL: usize = 8;

fn wait<T>(slot: &mut Option<Waker>, cx: &Context<'_>) -> Poll<T> {
    match slot {
        Some(waker) => waker.clone_from(cx.waker()),
        empty => *empty = Some(cx.waker().clone()),
    }
    Poll::Pending
}

impl Shared {
    pub(crate) fn new(id: TaskId, capacity: usize, state: State, progress: Progress) -> Self {
        let (events, for_events, for_outcome) = Default::default();
        let inner = Inner { state, progress, events, lost: 0, end: None, told: false, for_events, for_outcome };
        Self { id, capacity, inner: Mutex::new(inner) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn id(&self) -> TaskId {
        self.id
    }

    pub(crate) fn status(&self) -> State {
        self.lock().state
    }

    pub(crate) fn progress(&self) -> Progress {
        self.lock().progress
    }

    /// What the getters say from now on. That it is over is only said with its end.
    pub(crate) fn look(&self, state: Option<State>, progress: Option<Progress>) {
        let mut inner = self.lock();
        if let Some(state) = state
            && state != State::Ended
            && inner.end.is_none()
        {
            inner.state = state;
        }
        if let Some(progress) = progress {
            inner.progress = progress;
        }
    }

    /// An event that is not the end.
    pub(crate) fn event(&self, event: Event) {
        let mut inner = self.lock();
        if inner.events.len() >= self.capacity {
            inner.events.pop_front();
            inner.lost += 1;
        }
        if inner.events.capacity() == 0 {
            inner.events.reserve(self.capacity.min(USUAL));
        }
        inner.events.push_back(event);
        let waker = inner.for_events.take();
        drop(inner);
        waker.into_iter().for_each(Waker::wake);
    }

    /// The end. Only the first one counts.
    pub(crate) fn end(&self, end: End) {
        let mut inner = self.lock();
        if inner.end.is_some() {
            return;
        }
        inner.end = Some(end);
        inner.state = State::Ended;
        let wakers = [inner.for_events.take(), inner.for_outcome.take()];
        drop(inner);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use futures::StreamExt;
    use std::time::Duration;

    use crate::common::{World, content, run};

    #[test]
    fn unread_events_are_dropped_oldest_first_and_the_end_never() {
        let capacity = std::num::NonZeroUsize::new(3).expect("not zero");
        let world = World::with(crate::ClientConfig::builder().event_capacity(capacity));
        let transfer = run(world.client.submit(World::download("none").0.paused())).expect("accepted");
        let shared = Arc::clone(&transfer.shared);
        for retry in 0..10 {
            let reason = Error::Cancelled;
            let step = longhaul_core::provider::StepKind::Probe;
            let kind = EventKind::Retrying { step, attempt: retry, delay: Duration::ZERO, reason };
            shared.event(Event { task: transfer.id(), kind });
        }
        shared.end(End::Failed(Error::Closed));
        shared.end(End::Failed(Error::Cancelled));
        assert_eq!(transfer.events_lost(), 7);
        let events: Vec<_> = run(StreamExt::map(transfer, |event| event.kind).collect());
        assert!(matches!(events[0], EventKind::Retrying { attempt: 7, .. }), "{events:?}");
        assert_eq!(events.len(), 4);
        assert_eq!(events[3], EventKind::Ended(End::Failed(Error::Closed)), "the first end stands");
        world.close();
    }

    #[test]
    fn who_waits_for_the_outcome_is_not_woken_for_events() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        #[derive(Default)]
        struct Woken(AtomicUsize);
        impl futures::task::ArcWake for Woken {
            fn wake_by_ref(woken: &Arc<Self>) {
                woken.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        let world = World::new();
        let mut transfer = run(world.client.submit(World::download("none").0.paused())).expect("accepted");
        let shared = Arc::clone(&transfer.shared);
        let (by_event, by_outcome) = (Arc::new(Woken::default()), Arc::new(Woken::default()));
        let (first, second) =
            (futures::task::waker(Arc::clone(&by_event)), futures::task::waker(Arc::clone(&by_outcome)));
        let count = || (by_event.0.load(Ordering::SeqCst), by_outcome.0.load(Ordering::SeqCst));
        while transfer.poll_next_unpin(&mut Context::from_waker(&first)).is_ready() {}
        assert!(transfer.poll_unpin(&mut Context::from_waker(&second)).is_pending());
        shared.event(Event { task: transfer.id(), kind: EventKind::Phase(longhaul_core::Phase::Probing) });
        assert_eq!(count(), (1, 0));
        assert!(transfer.poll_next_unpin(&mut Context::from_waker(&first)).is_ready());
        assert!(transfer.poll_next_unpin(&mut Context::from_waker(&first)).is_pending());
        shared.end(End::Failed(Error::Closed));
        assert_eq!(count(), (2, 1));
        world.close();
    }

    #[test]
    fn the_outcome_wakes_whoever_waits_and_stays() {
        let world = World::new();
        world.server.put("a", content(10));
        let mut transfer = run(world.client.submit(World::download("a").0)).expect("accepted");
        assert!(run(&mut transfer).is_ok());
        assert!((&mut transfer).now_or_never().is_some());
        assert!(transfer.outcome().is_some_and(|outcome| outcome.is_ok()));
        world.close();
    }
}
