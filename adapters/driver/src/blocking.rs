//! Work that blocks, run where its client's runtime allows it.
//!
//! A storage or a journal is made before anybody knows which client it will serve. So it does not hold threads: while a client's
//! task is polled, [`blocking`] knows whose it is and asks for that client's; a request's body, which a transport's task polls, takes
//! its `Home` along. Called from elsewhere (an application that lists its journals), the work gets a thread of its own.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::channel::oneshot;
use futures::future::BoxFuture;
use longhaul_core::error::{FileFault, FileFaultKind};
use pin_project_lite::pin_project;

use crate::threads::Threads;

thread_local! {
    /// Of the client whose task this thread is polling.
    static CURRENT: RefCell<Option<Arc<Threads>>> = const { RefCell::new(None) };
}

/// So many bytes are copied longer than it takes to wake a thread (a hundred microseconds).
const BULK: usize = 128 << 10;

/// Runs `work` on the blocking threads of the client whose task polls the future first. It may wait a moment for other such work:
/// a thread does what comes while it is awake. Dropping the future does not stop work that has begun.
pub fn blocking<T, F>(work: F) -> BoxFuture<'static, Result<T, FileFault>>
where
    F: FnOnce() -> Result<T, FileFault> + Send + 'static,
    T: Send + 'static,
{
    on_threads(work, false)
}

/// The same for work that copies so many `bytes`: with many it waits for no other.
pub fn copying<T, F>(bytes: usize, work: F) -> BoxFuture<'static, Result<T, FileFault>>
where
    F: FnOnce() -> Result<T, FileFault> + Send + 'static,
    T: Send + 'static,
{
    on_threads(work, bytes >= BULK)
}

fn on_threads<T, F>(work: F, at_once: bool) -> BoxFuture<'static, Result<T, FileFault>>
where
    F: FnOnce() -> Result<T, FileFault> + Send + 'static,
    T: Send + 'static,
{
    Box::pin(async move {
        let gone = |_| Err(FileFault::new(FileFaultKind::Cancelled, "the runtime is shutting down"));
        let (answer, done) = oneshot::channel();
        let work = Box::new(move || {
            let panicked = |_| Err(FileFault::new(FileFaultKind::Io, "a file worker panicked"));
            // Nobody waits any more, perhaps.
            let _ = answer.send(catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(panicked));
        });
        match CURRENT.with_borrow(Clone::clone) {
            Some(threads) => threads.run(work, at_once),
            None => {
                let thread = std::thread::Builder::new().name("longhaul-blocking".into()).spawn(work);
                drop(thread.map_err(|error| FileFault::new(FileFaultKind::Io, format!("no thread: {error}")))?);
            }
        }
        done.await.unwrap_or_else(gone)
    })
}

/// `task`, with the blocking work that it asks for going to `threads`.
pub(crate) fn within<F: Future>(threads: Arc<Threads>, task: F) -> Within<F> {
    Within { home: Home(Some(threads)), task }
}

pin_project! {
    /// See [`within`].
    pub(crate) struct Within<F> {
        home: Home,
        #[pin]
        task: F,
    }
}

impl<F: Future> Future for Within<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.home.poll(|| this.task.poll(cx))
    }
}

/// A client, to whose threads blocking work goes although it is asked for in somebody else's task.
pub(crate) struct Home(Option<Arc<Threads>>);

impl Home {
    /// That of the task that is being polled.
    pub(crate) fn here() -> Self {
        Self(CURRENT.with_borrow(Clone::clone))
    }

    /// Polls something with the blocking work that it asks for going there.
    pub(crate) fn poll<T>(&mut self, poll: impl FnOnce() -> T) -> T {
        let _entered = Entered::new(&mut self.0);
        poll()
    }
}

/// While a task is polled its client is the current one, and the one before is kept in its place. They change back also when the task
/// panics: the thread lives on.
struct Entered<'a>(&'a mut Option<Arc<Threads>>);

impl<'a> Entered<'a> {
    fn new(other: &'a mut Option<Arc<Threads>>) -> Self {
        CURRENT.with_borrow_mut(|current| std::mem::swap(current, other));
        Self(other)
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        CURRENT.with_borrow_mut(|current| std::mem::swap(current, self.0));
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::FutureExt;

    use super::*;
    use crate::common::Runtime;
    use crate::runtime::Spawn;

    /// Counts what it is asked to run, and runs it elsewhere or not at all.
    struct Counting {
        runtime: Option<Arc<Runtime>>,
        asked: AtomicUsize,
    }

    impl Spawn for Counting {
        fn spawn(&self, _: BoxFuture<'static, ()>) {}

        fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if let Some(runtime) = &self.runtime {
                runtime.spawn_blocking(work);
            }
        }
    }

    /// What `work` comes to in a task of a client on `spawn`.
    fn inside<T: Send + 'static>(
        spawn: &Arc<Counting>,
        work: impl FnOnce() -> Result<T, FileFault> + Send + 'static,
    ) -> Result<T, FileFault> {
        let (answer, outcome) = oneshot::channel();
        let task = async move {
            let _ = answer.send(blocking(work).await);
        };
        let threads = Threads::new(Arc::clone(spawn) as _, Runtime::new());
        crate::common::run(within(threads, task));
        outcome.now_or_never().expect("answered").expect("answered")
    }

    #[test]
    fn it_runs_on_the_threads_of_the_client_whose_task_asks() {
        let spawn = Arc::new(Counting { runtime: Some(Runtime::new()), asked: AtomicUsize::new(0) });
        let here = std::thread::current().id();
        assert_eq!(inside(&spawn, move || Ok(std::thread::current().id() != here)), Ok(true));
        assert_eq!(spawn.asked.load(Ordering::SeqCst), 1);

        // Asked for in somebody else's task, for what began in the client's.
        let (answer, home) = oneshot::channel();
        let task = async move { drop(answer.send(Home::here())) };
        crate::common::run(within(Threads::new(Arc::clone(&spawn) as _, Runtime::new()), task));
        let mut home: Home = home.now_or_never().expect("answered").expect("answered");
        let mut work = blocking(|| Ok(()));
        assert_eq!(crate::common::run(poll_fn(|cx| home.poll(|| work.poll_unpin(cx)))), Ok(()));
        assert_eq!(spawn.asked.load(Ordering::SeqCst), 2);

        // Nobody's task: a thread of its own.
        let name = crate::common::run(blocking(|| Ok(std::thread::current().name().map(String::from))));
        assert_eq!(name.unwrap().as_deref(), Some("longhaul-blocking"));
        assert_eq!(spawn.asked.load(Ordering::SeqCst), 2, "the task before is over");
    }

    #[test]
    fn a_panic_and_a_runtime_that_ends_are_faults() {
        let spawn = Arc::new(Counting { runtime: Some(Runtime::new()), asked: AtomicUsize::new(0) });
        let panicked = inside(&spawn, || -> Result<(), FileFault> { panic!("the test's own panic") });
        assert_eq!(panicked.unwrap_err().kind, FileFaultKind::Io);
        let over = Arc::new(Counting { runtime: None, asked: AtomicUsize::new(0) });
        assert_eq!(inside(&over, || Ok(())).unwrap_err().kind, FileFaultKind::Cancelled);
    }
}
