//! Local operations in flight, which the loop polls itself.
//!
//! What they do is done elsewhere, on a thread or by a service; what is left is to begin it and to take its answer, and a task of
//! its own for that would cost a wake-up more each time. They are woken by a note in the mailbox, the one queue into the loop.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt};
use longhaul_core::OpId;
use longhaul_core::error::{FileFault, FileFaultKind};
use longhaul_core::intent::FileReply;

use crate::mailbox::{Mailbox, Note, Reply};

/// One operation under way.
pub(super) struct Local {
    work: Work,
    bell: Arc<Bell>,
    waker: Waker,
}

/// What it does.
pub(super) enum Work {
    File(Replying<FileReply>),
    Journal(Replying<()>),
    Recall(Replying<Option<Bytes>>),
}

type Replying<T> = BoxFuture<'static, Result<T, FileFault>>;

/// Begins something; a panic is a fault.
pub(super) fn begin<T: Send + 'static>(begin: impl FnOnce() -> Replying<T>) -> Replying<T> {
    catch_unwind(AssertUnwindSafe(begin)).unwrap_or_else(|_| std::future::ready(Err(panicked())).boxed())
}

/// Polls it; a panic is a fault.
fn poll<T>(work: &mut Replying<T>, cx: &mut Context<'_>) -> Poll<Result<T, FileFault>> {
    catch_unwind(AssertUnwindSafe(|| work.poll_unpin(cx))).unwrap_or_else(|_| Poll::Ready(Err(panicked())))
}

impl Local {
    pub(super) fn new(op: OpId, mailbox: &Arc<Mailbox>, work: Work) -> Self {
        let bell = Arc::new(Bell { op, rung: AtomicBool::new(false), mailbox: Arc::clone(mailbox) });
        Self { work, waker: Waker::from(Arc::clone(&bell)), bell }
    }

    /// The answer, if it is there: then the operation is over, and not to be polled again.
    pub(super) fn poll(&mut self) -> Option<Reply> {
        // Whatever rings from now on must be seen.
        self.bell.rung.store(false, Ordering::Release);
        let (op, cx) = (self.bell.op, &mut Context::from_waker(&self.waker));
        let reply = match &mut self.work {
            Work::File(work) => poll(work, cx).map(|reply| Reply::File { op, reply }),
            Work::Journal(work) => poll(work, cx).map(|reply| Reply::Journal { op, reply }),
            Work::Recall(work) => poll(work, cx).map(|reply| Reply::Recall { op, reply }),
        };
        match reply {
            Poll::Ready(reply) => Some(reply),
            Poll::Pending => None,
        }
    }
}

pub(super) fn panicked() -> FileFault {
    FileFault::new(FileFaultKind::Io, "the operation panicked, or its runtime dropped it")
}

/// Tells the loop that an operation wants to be polled, once until it is.
struct Bell {
    op: OpId,
    rung: AtomicBool,
    mailbox: Arc<Mailbox>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            self.mailbox.note(Note::Woken(self.op));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::channel::oneshot;
    use futures::task::noop_waker_ref;

    use super::*;
    use crate::mailbox::Mail;
    use crate::mailbox::tests::op;

    fn local(mailbox: &Arc<Mailbox>, work: impl FnOnce() -> Replying<()>) -> Local {
        Local::new(op(), mailbox, Work::Journal(begin(work)))
    }

    /// How many notes are in.
    fn notes(mailbox: &Mailbox) -> usize {
        let mut mail = Mail::default();
        let _ = mailbox.poll_take(&mut mail, &mut Context::from_waker(noop_waker_ref()));
        mail.notes.len()
    }

    #[test]
    fn it_rings_once_until_it_is_polled() {
        let mailbox = Arc::new(Mailbox::new(1));
        let (wakers, woken) = std::sync::mpsc::sync_channel::<Waker>(8);
        let (end, ended) = oneshot::channel::<()>();
        let mut local = local(&mailbox, move || {
            let mut ended = ended;
            let work = std::future::poll_fn(move |cx| {
                wakers.send(cx.waker().clone()).expect("the test is there");
                ended.poll_unpin(cx).map(|_| Ok(()))
            });
            work.boxed()
        });
        assert!(local.poll().is_none());
        let waker = woken.try_recv().expect("begun");
        for _ in 0..3 {
            assert_eq!(notes(&mailbox), 0);
            for _ in 0..3 {
                waker.wake_by_ref();
            }
            assert_eq!(notes(&mailbox), 1);
            assert!(local.poll().is_none());
        }
        end.send(()).expect("it waits");
        assert_eq!(notes(&mailbox), 1);
        assert!(matches!(local.poll(), Some(Reply::Journal { reply: Ok(()), .. })));
    }

    #[test]
    fn a_panic_is_an_answer() {
        let mailbox = Arc::new(Mailbox::new(1));
        let began = local(&mailbox, || panic!("the test's own panic")).poll();
        let later = local(&mailbox, || async { panic!("the test's own panic") }.boxed()).poll();
        for reply in [began, later] {
            let Some(Reply::Journal { reply: Err(fault), .. }) = reply else { panic!("{reply:?}") };
            assert_eq!(fault.kind, FileFaultKind::Io);
        }
    }
}
