//! Writes to one file by one thread at a time.
//!
//! The system lets one thread at a time write to a file; others that try burn a processor's time until it is their turn. Where bytes are
//! not even read, that would be more than what is left to do. So writes wait here, and the thread that is at it takes up the next.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::BoxFuture;
use longhaul_core::error::{FileFault, FileFaultKind};
use longhaul_driver::blocking::copying;

type Work = Box<dyn FnOnce() + Send>;

/// What is to be written to one file.
#[derive(Clone, Default)]
pub(crate) struct Line(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    waiting: VecDeque<Work>,
    /// A thread is at it, or asked for.
    busy: bool,
}

impl Line {
    /// Runs `write`, of so many `bytes`, after those that came before, from the first poll of the future on. Dropping it stops nothing.
    pub(crate) fn run<T, F>(&self, bytes: usize, write: F) -> BoxFuture<'static, Result<T, FileFault>>
    where
        F: FnOnce() -> Result<T, FileFault> + Send + 'static,
        T: Send + 'static,
    {
        let line = self.clone();
        Box::pin(async move {
            let (answer, done) = oneshot::channel();
            // Nobody waits any more, perhaps.
            if line.join(Box::new(move || drop(answer.send(write())))) {
                let turn = Turn { line, over: false };
                let mut thread = copying(bytes, move || {
                    turn.work();
                    Ok(())
                });
                // Once it has begun nobody has to wait for its end.
                let _ = thread.poll_unpin(&mut Context::from_waker(Waker::noop()));
            }
            let gone =
                |_| Err(FileFault::new(FileFaultKind::Io, "a file worker panicked, or its runtime is shutting down"));
            done.await.unwrap_or_else(gone)
        })
    }

    /// Whether somebody has to begin.
    fn join(&self, work: Work) -> bool {
        let mut state = self.state();
        state.waiting.push_back(work);
        !std::mem::replace(&mut state.busy, true)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}

/// Of the thread that does what waits.
struct Turn {
    line: Line,
    over: bool,
}

impl Turn {
    fn work(mut self) {
        loop {
            let mut state = self.line.state();
            let Some(work) = state.waiting.pop_front() else {
                state.busy = false;
                drop(state);
                self.over = true;
                return;
            };
            drop(state);
            // Whoever waits for it learns it by its answer's end.
            let _ = catch_unwind(AssertUnwindSafe(work));
        }
    }
}

impl Drop for Turn {
    /// Where the runtime has dropped it instead of running it, nothing that waits will be done.
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let mut state = self.line.state();
        let left = std::mem::take(&mut state.waiting);
        state.busy = false;
        drop(state);
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;

    use super::*;

    #[tokio::test]
    async fn one_at_a_time_in_the_order_they_came_and_a_panic_is_its_own() {
        let line = Line::default();
        let (at_work, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let writes = (0..50).map(|number| {
            let (at_work, done) = (Arc::clone(&at_work), Arc::clone(&done));
            line.run(1 << 20, move || {
                assert_eq!(at_work.fetch_add(1, Ordering::SeqCst), 0);
                std::thread::yield_now();
                done.lock().unwrap().push(number);
                at_work.fetch_sub(1, Ordering::SeqCst);
                if number % 10 == 3 { panic!("on purpose") } else { Ok(number) }
            })
        });
        for (number, written) in join_all(writes).await.into_iter().enumerate() {
            match written {
                Ok(written) => assert_eq!(written, number),
                Err(fault) => assert_eq!((number % 10, fault.kind), (3, FileFaultKind::Io), "{fault}"),
            }
        }
        assert!(done.lock().unwrap().iter().copied().eq(0..50));
        // Nobody is left at it, and the next one begins anew.
        for _ in 0..100 {
            assert_eq!(line.run(1, || Ok(7)).await, Ok(7));
        }
    }

    #[tokio::test]
    async fn a_write_that_nobody_waits_for_is_made_all_the_same() {
        let line = Line::default();
        let (tell, told) = oneshot::channel();
        let (go, gone) = std::sync::mpsc::sync_channel(1);
        let mut write = line.run(1 << 20, move || {
            gone.recv().unwrap();
            tell.send(()).map_err(|()| unreachable!("somebody listens"))
        });
        assert!((&mut write).now_or_never().is_none());
        drop(write);
        go.send(()).unwrap();
        told.await.unwrap();
    }

    #[test]
    fn what_a_runtime_drops_is_told_to_those_who_wait() {
        let line = Line::default();
        let (answer, mut done) = oneshot::channel::<()>();
        assert!(line.join(Box::new(move || answer.send(()).unwrap_or(()))));
        drop(Turn { line: line.clone(), over: false });
        assert!(done.try_recv().is_err(), "gone");
        assert!(line.join(Box::new(|| {})), "and somebody else begins");
    }
}
