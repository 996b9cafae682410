//! A flag that asks work to stop.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;

/// Cloned between one who asks and one who stops. Awaiting it ends when it is set; one waiter at a time.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    set: AtomicBool,
    waker: AtomicWaker,
}

impl Cancel {
    /// Asks to stop.
    pub fn set(&self) {
        self.0.set.store(true, Ordering::Release);
        self.0.waker.wake();
    }

    /// Whether it was asked.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.set.load(Ordering::Acquire)
    }

    /// Ready once it was asked.
    pub(crate) fn poll_set(&self, cx: &Context<'_>) -> Poll<()> {
        self.0.waker.register(cx.waker());
        if self.is_set() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Future for Cancel {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_set(cx)
    }
}
