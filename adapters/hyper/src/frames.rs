//! An answer's body as the driver reads it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::Stream;
use hyper::body::Body;
use longhaul_core::error::Fault;
use longhaul_driver::causes::find;

use crate::fault;
use crate::link::Exchange;
use crate::pool::Lease;
use crate::unread::Rest;

/// Data frames; trailers are passed over. Dropped before its end, it closes the connection (HTTP/1.1) or resets the stream.
pub(crate) struct Incoming {
    body: hyper::body::Incoming,
    exchange: Exchange,
    /// Until the end.
    lease: Option<Lease>,
    /// What the kernel may have instead.
    offered: Option<Offered>,
}

/// A body that the kernel may have the rest of.
struct Offered {
    rest: Arc<Rest>,
    /// What it lacks.
    left: u64,
    /// How the frames ended, while the connection is on its way.
    end: Option<Option<hyper::Error>>,
}

impl Incoming {
    pub(crate) fn new(body: hyper::body::Incoming, exchange: Exchange, lease: Lease) -> Self {
        Self { body, exchange, lease: Some(lease), offered: None }
    }

    /// The body for the kernel, if that can and is worth its while; `reuse`: whether the connection may serve again after it.
    pub(crate) fn offer(&mut self, reuse: bool) -> Option<Arc<Rest>> {
        let left = self.body.size_hint().exact()?;
        let (wire, by_kernel) = self.exchange.by_kernel()?;
        if left == 0 || !by_kernel.wants(left) {
            return None;
        }
        let rest = Rest::new(Arc::clone(wire), reuse);
        self.offered = Some(Offered { rest: Arc::clone(&rest), left, end: None });
        Some(rest)
    }

    /// The frames have ended: for good, or because the connection was taken from hyper.
    fn poll_end(&mut self, cx: &mut Context<'_>, end: Option<hyper::Error>) -> Poll<Option<Result<Bytes, Fault>>> {
        // What the system says of the connection has nothing to do with its being taken.
        let taken = end.as_ref().is_none_or(|error| find::<io::Error>(error).is_none());
        if let Some(mut offered) = self.offered.take().filter(|_| taken) {
            match offered.rest.poll_take(cx, offered.left, &mut self.lease) {
                Poll::Pending => {
                    offered.end = Some(end);
                    self.offered = Some(offered);
                    return Poll::Pending;
                }
                Poll::Ready(Some(read)) => return Poll::Ready((!read.is_empty()).then_some(Ok(read))),
                Poll::Ready(None) => {}
            }
        }
        Poll::Ready(match end {
            None => {
                self.lease = None;
                None
            }
            Some(error) => Some(Err(fault::of_answer(&error))),
        })
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.exchange.give_up();
    }
}

impl Stream for Incoming {
    type Item = Result<Bytes, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Some(end) = this.offered.as_mut().and_then(|offered| offered.end.take()) {
            return this.poll_end(cx, end);
        }
        loop {
            match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                None => return this.poll_end(cx, None),
                Some(Err(error)) => return this.poll_end(cx, Some(error)),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) if !bytes.is_empty() => {
                        if let Some(offered) = &mut this.offered {
                            offered.left = offered.left.saturating_sub(bytes.len() as u64);
                        }
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                    _ => continue,
                },
            }
        }
    }
}
