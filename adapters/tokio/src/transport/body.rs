//! A request's body on its way to the connection.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use hyper::body::{Body, Frame, SizeHint};
use longhaul_driver::meter::Meter;
use longhaul_driver::transport::{SendBody, SourceGone};

/// Most bytes handed over at once: how finely progress is told. A slow link must show progress within the idle deadline.
const PIECE: usize = 64 << 10;

/// A body of known length. What the connection takes is counted.
pub(super) struct Outgoing {
    frames: BoxStream<'static, Result<Bytes, SourceGone>>,
    /// The frame being handed over.
    frame: Bytes,
    /// Bytes not handed over yet.
    left: u64,
    meter: Arc<Meter>,
}

impl Outgoing {
    pub(super) fn new(body: SendBody) -> Self {
        Self {
            left: body.len(),
            meter: body.meter(),
            frames: body.into_frames(),
            frame: Bytes::new(),
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = SourceGone;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, SourceGone>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        while self.frame.is_empty() {
            match self.frames.poll_next_unpin(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(frame))) => self.frame = frame,
                Poll::Ready(Some(Err(gone))) => return Poll::Ready(Some(Err(gone))),
                Poll::Ready(None) => return Poll::Ready(Some(Err(SourceGone))),
            }
        }
        // Never more than announced: the rest would be read as the next request.
        let len = self
            .frame
            .len()
            .min(PIECE)
            .min(usize::try_from(self.left).unwrap_or(PIECE));
        let piece = self.frame.split_to(len);
        self.left -= len as u64;
        self.meter.sent(len as u64);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
