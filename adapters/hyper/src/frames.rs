//! An answer's body as the driver reads it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::Stream;
use hyper::body::Body;
use longhaul_core::error::Fault;

use crate::fault;
use crate::link::Exchange;
use crate::pool::Lease;

/// Data frames; trailers are passed over. Dropped before its end, it closes the connection (HTTP/1.1) or resets the stream.
pub(crate) struct Incoming {
    body: hyper::body::Incoming,
    exchange: Exchange,
    /// Until the end.
    lease: Option<Lease>,
}

impl Incoming {
    pub(crate) fn new(body: hyper::body::Incoming, exchange: Exchange, lease: Lease) -> Self {
        Self { body, exchange, lease: Some(lease) }
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
        loop {
            return Poll::Ready(match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => {
                    self.lease = None;
                    None
                }
                Some(Err(error)) => Some(Err(fault::of_answer(&error))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) if !bytes.is_empty() => Some(Ok(bytes)),
                    _ => continue,
                },
            });
        }
    }
}
