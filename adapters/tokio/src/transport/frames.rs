//! An answer's body as the driver reads it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::Stream;
use hyper::body::Body;
use longhaul_core::error::Fault;

use super::fault;

/// Data frames; trailers are passed over. Dropped before its end, it closes the connection (HTTP/1.1) or resets the stream.
pub(super) struct Incoming(hyper::body::Incoming);

impl Incoming {
    pub(super) fn new(body: hyper::body::Incoming) -> Self {
        Self(body)
    }
}

impl Stream for Incoming {
    type Item = Result<Bytes, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            return Poll::Ready(match ready!(Pin::new(&mut self.0).poll_frame(cx)) {
                None => None,
                Some(Err(error)) => Some(Err(fault::of_answer(&error))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) if !bytes.is_empty() => Some(Ok(bytes)),
                    _ => continue,
                },
            });
        }
    }
}
