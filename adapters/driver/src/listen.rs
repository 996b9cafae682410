//! Listeners and callbacks: run one after another outside the loop, so that a slow, panicking or re-entrant one delays only the
//! next callback, never a transfer.
//!
//! Bounds: progress is kept once per transfer (the latest), the end once per transfer, other events up to a capacity, beyond
//! which the oldest is dropped. No thread waits while there is nothing to tell: work is spawned when something comes.

use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use longhaul_core::event::{Completed, End, Progress};
use longhaul_core::{Error, Event, EventKind, TaskId};

use crate::ids::IdMap;
use crate::runtime::Spawn;

/// Hears of every transfer of a client. A closure over [`&Event`](Event) is one that ignores progress.
///
/// Called from a thread where blocking is allowed, one call at a time. A panic is caught and traced.
pub trait Listener: Send + Sync + 'static {
    /// Something happened. The end of a transfer is told exactly once, and last.
    fn event(&self, event: &Event) {
        let _ = event;
    }

    /// A transfer moved on; a few times per second, the latest only.
    fn progress(&self, task: TaskId, progress: &Progress) {
        let _ = (task, progress);
    }
}

impl<F: Fn(&Event) + Send + Sync + 'static> Listener for F {
    fn event(&self, event: &Event) {
        self(event);
    }
}

/// Names a listener, to remove it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ListenerId(u64);

/// One transfer's progress callback.
pub(crate) type OnProgress = Arc<dyn Fn(TaskId, &Progress) + Send + Sync>;
/// One transfer's completion callback.
pub(crate) type OnEnd = Box<dyn FnOnce(TaskId, &Result<Completed, Error>) + Send>;

/// Replaced as a whole when it changes, so that callbacks run on a copy.
type Listeners = Arc<Vec<(ListenerId, Arc<dyn Listener>)>>;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Whether the calling thread is in the middle of a callback.
pub(crate) fn inside_callback() -> bool {
    INSIDE.get()
}

/// Where the loop leaves what is to be told.
pub(crate) struct Board {
    inner: Mutex<Inner>,
    spawn: Arc<dyn Spawn>,
    capacity: usize,
}

#[derive(Default)]
struct Inner {
    listeners: Listeners,
    next_id: u64,
    items: VecDeque<Item>,
    /// How many of `items` may be dropped.
    events: usize,
    progress: IdMap<TaskId, (Progress, Option<OnProgress>)>,
    working: bool,
    idle: Vec<Waker>,
}

enum Item {
    Event(Event),
    /// The latest is in `progress`.
    Progress(TaskId),
    End(Event, Option<OnEnd>),
}

/// Callbacks in a row before the thread is given back.
const TURN: usize = 64;

impl Board {
    pub(crate) fn new(spawn: Arc<dyn Spawn>, capacity: usize) -> Self {
        Self { inner: Mutex::default(), spawn, capacity }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, listener: Arc<dyn Listener>) -> ListenerId {
        let mut inner = self.lock();
        inner.next_id += 1;
        let id = ListenerId(inner.next_id);
        Arc::make_mut(&mut inner.listeners).push((id, listener));
        id
    }

    pub(crate) fn remove(&self, id: ListenerId) -> bool {
        let mut inner = self.lock();
        let listeners = Arc::make_mut(&mut inner.listeners);
        let place = listeners.iter().position(|(known, _)| *known == id);
        let removed = place.map(|place| listeners.remove(place));
        drop(inner); // before the listener: its drop is the application's code
        removed.is_some()
    }

    pub(crate) fn clear(&self) {
        let listeners = std::mem::take(&mut self.lock().listeners);
        drop(listeners);
    }

    /// Tells an event that is not an end.
    pub(crate) fn event(self: &Arc<Self>, event: &Event) {
        let mut inner = self.lock();
        if inner.listeners.is_empty() {
            return;
        }
        if inner.events >= self.capacity
            && let Some(oldest) = inner.items.iter().position(|item| matches!(item, Item::Event(_)))
        {
            inner.items.remove(oldest);
            inner.events -= 1;
        }
        inner.events += 1;
        inner.items.push_back(Item::Event(event.clone()));
        self.work(inner);
    }

    /// Tells progress, or replaces what was not told yet.
    pub(crate) fn progress(self: &Arc<Self>, task: TaskId, progress: Progress, callback: Option<&OnProgress>) {
        let mut inner = self.lock();
        if inner.listeners.is_empty() && callback.is_none() {
            return;
        }
        if inner.progress.insert(task, (progress, callback.cloned())).is_none() {
            inner.items.push_back(Item::Progress(task));
        }
        self.work(inner);
    }

    /// Tells the end.
    pub(crate) fn end(self: &Arc<Self>, task: TaskId, end: &End, callback: Option<OnEnd>) {
        let mut inner = self.lock();
        if inner.listeners.is_empty() && callback.is_none() {
            return;
        }
        let event = Event { task, kind: EventKind::Ended(end.clone()) };
        inner.items.push_back(Item::End(event, callback));
        self.work(inner);
    }

    /// Ends when everything has been told and no callback runs.
    pub(crate) async fn idle(&self) {
        std::future::poll_fn(|cx| {
            let mut inner = self.lock();
            if inner.items.is_empty() && !inner.working {
                return Poll::Ready(());
            }
            if !inner.idle.iter().any(|waker| waker.will_wake(cx.waker())) {
                inner.idle.push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    fn work(self: &Arc<Self>, mut inner: MutexGuard<'_, Inner>) {
        if !inner.working {
            inner.working = true;
            drop(inner);
            let worker = Worker { board: Arc::clone(self), ran: false };
            self.spawn.spawn_blocking(Box::new(move || worker.run()));
        }
    }

    /// The next thing to tell, and whom.
    fn next(&self) -> Option<(Telling, Listeners)> {
        let mut inner = self.lock();
        let telling = match inner.items.pop_front()? {
            Item::Event(event) => {
                inner.events -= 1;
                Telling::Event(event)
            }
            Item::Progress(task) => {
                let (progress, callback) = inner.progress.remove(&task).unwrap_or_default();
                Telling::Progress(task, progress, callback)
            }
            Item::End(event, callback) => Telling::End(event, callback),
        };
        Some((telling, Arc::clone(&inner.listeners)))
    }
}

enum Telling {
    Event(Event),
    Progress(TaskId, Progress, Option<OnProgress>),
    End(Event, Option<OnEnd>),
}

/// Tells what there is. Only one exists at a time.
struct Worker {
    board: Arc<Board>,
    ran: bool,
}

impl Worker {
    fn run(mut self) {
        self.ran = true;
        for _ in 0..TURN {
            let Some((telling, listeners)) = self.board.next() else {
                return;
            };
            INSIDE.set(true);
            match telling {
                Telling::Event(event) => each(&listeners, |listener| listener.event(&event)),
                Telling::Progress(task, progress, callback) => {
                    if let Some(callback) = callback {
                        guarded(|| callback(task, &progress));
                    }
                    each(&listeners, |listener| listener.progress(task, &progress));
                }
                Telling::End(event, callback) => {
                    if let (Some(callback), EventKind::Ended(end)) = (callback, &event.kind) {
                        let result = outcome(end);
                        guarded(|| callback(event.task, &result));
                    }
                    each(&listeners, |listener| listener.event(&event));
                }
            }
            INSIDE.set(false);
        }
    }
}

impl Drop for Worker {
    /// Hands over to a fresh one if something is left, else says that all is told. One that the runtime dropped instead of
    /// running it means that there is no runtime any more, and nobody to tell anything.
    fn drop(&mut self) {
        let mut inner = self.board.lock();
        inner.working = false;
        if self.ran {
            INSIDE.set(false);
            if !inner.items.is_empty() {
                return self.board.work(inner);
            }
        }
        let untold = (std::mem::take(&mut inner.items), std::mem::take(&mut inner.progress));
        inner.events = 0;
        let idle = std::mem::take(&mut inner.idle);
        drop(inner);
        drop(untold);
        idle.into_iter().for_each(Waker::wake);
    }
}

fn each(listeners: &[(ListenerId, Arc<dyn Listener>)], tell: impl Fn(&dyn Listener)) {
    for (_, listener) in listeners {
        guarded(|| tell(&**listener));
    }
}

fn guarded(callback: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(callback)).is_err() {
        tracing::warn!("a callback of the application panicked; the transfer goes on");
    }
}

/// An end as a result.
pub(crate) fn outcome(end: &End) -> Result<Completed, Error> {
    match end {
        End::Completed(completed) => Ok(completed.clone()),
        End::Failed(error) => Err(error.clone()),
        // No other end exists today; one that is added is not a completion.
        _ => Err(Error::Closed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use futures::future::BoxFuture;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Keeps work until it is asked to run it, or drops it.
    #[derive(Default)]
    struct Later {
        work: Mutex<VecDeque<Box<dyn FnOnce() + Send>>>,
        over: bool,
    }

    impl Spawn for Later {
        fn spawn(&self, _: BoxFuture<'static, ()>) {}
        fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
            if !self.over {
                self.work.lock().expect("not poisoned").push_back(work);
            }
        }
    }

    impl Later {
        fn next(&self) -> Option<Box<dyn FnOnce() + Send>> {
            self.work.lock().expect("not poisoned").pop_front()
        }

        fn run(&self) -> usize {
            std::iter::from_fn(|| self.next().map(|work| work())).count()
        }
    }

    fn task() -> TaskId {
        let spec = crate::common::provider::Plain::download("a");
        let mut engine = longhaul_core::Engine::new(longhaul_core::Config::default(), 1);
        engine.submit(spec, longhaul_core::Now::default()).expect("accepted")
    }

    fn event(kind: EventKind) -> Event {
        Event { task: task(), kind }
    }

    fn ended() -> End {
        End::Failed(Error::Cancelled)
    }

    #[derive(Default)]
    struct Tape(Mutex<Vec<String>>);

    impl Listener for Arc<Tape> {
        fn event(&self, event: &Event) {
            self.0.lock().expect("not poisoned").push(format!("{:?}", event.kind));
        }
        fn progress(&self, _: TaskId, progress: &Progress) {
            self.0.lock().expect("not poisoned").push(format!("{}", progress.acknowledged));
        }
    }

    #[test]
    fn progress_is_told_once_with_the_latest_and_events_beyond_the_bound_lose_the_oldest() {
        let (later, tape) = (Arc::new(Later::default()), Arc::new(Tape::default()));
        let board = Arc::new(Board::new(later.clone(), 2));
        board.add(Arc::new(Arc::clone(&tape)));
        for acknowledged in 0..10 {
            let mut progress = Progress::default();
            progress.acknowledged = acknowledged;
            board.progress(task(), progress, None);
        }
        board.end(task(), &ended(), None);
        board.event(&event(EventKind::Started));
        board.event(&event(EventKind::Resumed));
        board.event(&event(EventKind::Paused));
        board.end(task(), &ended(), None);
        assert!(board.idle().now_or_never().is_none());
        assert_eq!(later.run(), 1, "one worker at a time");
        let end = "Ended(Failed(Cancelled))";
        assert_eq!(*tape.0.lock().expect("not poisoned"), ["9", end, "Resumed", "Paused", end]);
        assert!(board.idle().now_or_never().is_some());
    }

    #[test]
    fn long_work_is_handed_on_and_all_of_it_done() {
        let (later, count) = (Arc::new(Later::default()), Arc::new(AtomicUsize::new(0)));
        let board = Arc::new(Board::new(later.clone(), 1000));
        let counted = Arc::clone(&count);
        board.add(Arc::new(move |_: &Event| {
            assert!(inside_callback());
            counted.fetch_add(1, Ordering::SeqCst);
        }));
        (0..200).for_each(|_| board.event(&event(EventKind::Started)));
        assert_eq!((later.run(), count.load(Ordering::SeqCst)), (4, 200));
        assert!(!inside_callback());
    }

    #[test]
    fn without_a_runtime_nothing_is_told_and_nobody_waits() {
        let board = Arc::new(Board::new(Arc::new(Later { over: true, ..Later::default() }), 10));
        board.add(Arc::new(|_: &Event| {}));
        board.event(&event(EventKind::Started));
        board.end(task(), &ended(), Some(Box::new(|_, _| {})));
        assert!(board.idle().now_or_never().is_some());
    }
}
