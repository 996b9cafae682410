//! A request's body on its way to the connection.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use futures::task::AtomicWaker;
use hyper::body::{Body, Frame, SizeHint};
use longhaul_driver::transport::{SendBody, SourceGone};

/// How far the sending of a body is, for those who may have to end it.
#[derive(Debug, Default)]
pub(crate) struct Upload {
    /// All of it is with the connection.
    through: AtomicBool,
    given_up: AtomicBool,
    waker: AtomicWaker,
}

impl Upload {
    /// Ends the body if it is not through; returns whether that was so.
    pub(crate) fn give_up(&self) -> bool {
        let open = !self.through.load(Ordering::Acquire);
        if open {
            self.given_up.store(true, Ordering::Release);
            self.waker.wake();
        }
        open
    }
}

/// A body of known length. What is taken from it is counted where it comes from.
pub(crate) struct Outgoing {
    frames: BoxStream<'static, Result<Bytes, SourceGone>>,
    /// Bytes not handed over yet.
    left: u64,
    upload: Arc<Upload>,
}

impl Outgoing {
    pub(crate) fn new(body: SendBody) -> Self {
        let upload = Arc::new(Upload { through: body.is_empty().into(), ..Upload::default() });
        Self { left: body.len(), frames: body.into_frames(), upload }
    }

    pub(crate) fn upload(&self) -> Arc<Upload> {
        Arc::clone(&self.upload)
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = SourceGone;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, SourceGone>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.upload.waker.register(cx.waker());
        if self.upload.given_up.load(Ordering::Acquire) {
            return Poll::Ready(Some(Err(SourceGone)));
        }
        let mut frame = match ready!(self.frames.poll_next_unpin(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(gone)) => return Poll::Ready(Some(Err(gone))),
            None => return Poll::Ready(Some(Err(SourceGone))),
        };
        // Never more than announced: the rest would be read as the next request.
        frame.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= frame.len() as u64;
        if self.left == 0 {
            self.upload.through.store(true, Ordering::Release);
        }
        Poll::Ready(Some(Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
