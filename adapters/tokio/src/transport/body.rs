//! A request's body on its way to the connection.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use hyper::body::{Body, Frame, SizeHint};
use longhaul_driver::transport::{SendBody, SourceGone};

/// A body of known length. What is taken from it is counted where it comes from.
pub(super) struct Outgoing {
    frames: BoxStream<'static, Result<Bytes, SourceGone>>,
    /// Bytes not handed over yet.
    left: u64,
}

impl Outgoing {
    pub(super) fn new(body: SendBody) -> Self {
        Self { left: body.len(), frames: body.into_frames() }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = SourceGone;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, SourceGone>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let mut frame = match ready!(self.frames.poll_next_unpin(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(gone)) => return Poll::Ready(Some(Err(gone))),
            None => return Poll::Ready(Some(Err(SourceGone))),
        };
        // Never more than announced: the rest would be read as the next request.
        frame.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= frame.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
