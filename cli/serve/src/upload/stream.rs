//! An upload's body on its way to the multipart parser: shaped by faults, and bounded.
//!
//! The parser takes in all its stream has ready, and goes on for as long as it finds no boundary where one is due.
//! The first is little, because hyper hands out one frame each time the connection's task runs; the second is cut
//! off here.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use hyper::body::Incoming;

use crate::shape::{Gate, Shaper};

/// The most bytes the parser may take in without making anything of them.
const MAX_UNPARSED: u64 = 1 << 20;

/// Bytes the parser has taken in since it last gave something out.
#[derive(Clone, Debug, Default)]
pub(super) struct Unparsed(Arc<AtomicU64>);

impl Unparsed {
    /// The parser gave something out.
    pub(super) fn clear(&self) {
        self.0.store(0, Relaxed);
    }
}

pub(super) struct UploadBody {
    incoming: Incoming,
    /// Received, but not yet let through.
    ready: Bytes,
    shaper: Shaper,
    unparsed: Unparsed,
}

impl UploadBody {
    pub(super) fn new(incoming: Incoming, shaper: Shaper, unparsed: Unparsed) -> Self {
        Self { incoming, ready: Bytes::new(), shaper, unparsed }
    }
}

impl Body for UploadBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let most = match ready!(this.shaper.poll_gate(cx)) {
            Gate::Open(most) => most,
            Gate::Shut => return Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
        };
        while this.ready.is_empty() {
            match ready!(Pin::new(&mut this.incoming).poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(io::Error::other(error)))),
                Some(Ok(frame)) => this.ready = frame.into_data().unwrap_or_default(),
            }
        }
        let len = usize::try_from(most).unwrap_or(usize::MAX).min(this.ready.len());
        let data = this.ready.split_to(len);
        this.shaper.moved(len as u64);
        if this.unparsed.0.fetch_add(len as u64, Relaxed) > MAX_UNPARSED {
            return Poll::Ready(Some(Err(io::ErrorKind::InvalidData.into())));
        }
        Poll::Ready(Some(Ok(Frame::data(data))))
    }
}
