//! A request's body on its way to the connection.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::task::AtomicWaker;
use hyper::body::{Body, Frame, SizeHint};
use longhaul_driver::transport::{SendBody, SourceGone};

use crate::link::Wire;

/// How far the sending of a body is, for those who may have to end it.
#[derive(Debug, Default)]
pub(crate) struct Upload {
    /// All of it is with the connection.
    through: AtomicBool,
    given_up: AtomicBool,
    waker: AtomicWaker,
}

impl Upload {
    /// Whether all of it is with the connection.
    pub(crate) fn is_through(&self) -> bool {
        self.through.load(Ordering::Acquire)
    }

    /// Ends the body if it is not through; returns whether that was so.
    pub(crate) fn give_up(&self) -> bool {
        let open = !self.is_through();
        if open {
            self.given_up.store(true, Ordering::Release);
            self.waker.wake();
        }
        open
    }
}

/// A body of known length. What is taken from it is counted where it comes from.
pub(crate) struct Outgoing {
    body: SendBody,
    /// The connection that carries it.
    wire: Option<Arc<Wire>>,
    /// Bytes not handed over yet.
    left: u64,
    upload: Arc<Upload>,
}

impl Outgoing {
    pub(crate) fn new(body: SendBody) -> Self {
        let upload = Arc::new(Upload { through: body.is_empty().into(), ..Upload::default() });
        Self { left: body.len(), body, wire: None, upload }
    }

    /// Takes note of the connection that is to carry it, which decides about what it gives.
    pub(crate) fn carried_by(&mut self, wire: &Arc<Wire>) {
        self.wire = Some(Arc::clone(wire));
    }

    /// What comes next: a placeholder where the kernel sends the bytes, else the bytes.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, SourceGone>>> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        if let Some(spans) = self.wire.as_ref().and_then(|wire| wire.spans.as_ref()).filter(|spans| spans.wanted())
            && let Some(span) = ready!(self.body.poll_span(cx))
        {
            return Poll::Ready(Some(Ok(spans.push(span, most))));
        }
        // Never more than announced: the rest would be read as the next request.
        self.body.poll_frame(cx).map_ok(|mut frame| {
            frame.truncate(most);
            frame
        })
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
        let frame = match ready!(self.poll_next(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(gone)) => return Poll::Ready(Some(Err(gone))),
            None => return Poll::Ready(Some(Err(SourceGone))),
        };
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

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::future::poll_fn;

    use futures::stream::{self, BoxStream, StreamExt};
    use futures::{FutureExt, Stream};
    use longhaul_driver::meter::Meter;
    use longhaul_driver::storage::Span;
    use longhaul_driver::transport::Spans as FileSpans;

    use super::*;
    use crate::spans::{Spans, is_placeholder};

    /// A file of which ten bytes are next, again and again, as a span or as bytes.
    struct Endless(Arc<File>, BoxStream<'static, Result<Bytes, SourceGone>>);

    impl Stream for Endless {
        type Item = Result<Bytes, SourceGone>;
        fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            self.1.poll_next_unpin(cx)
        }
    }

    impl FileSpans for Endless {
        fn poll_span(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Span>> {
            Poll::Ready(Some(Span { file: Arc::clone(&self.0), offset: 0, len: 10 }))
        }
    }

    fn next(body: &mut Outgoing) -> Option<Bytes> {
        let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).now_or_never().expect("does not wait");
        frame.map(|frame| frame.unwrap().into_data().unwrap())
    }

    #[test]
    fn the_connection_that_carries_it_now_decides_whether_a_file_is_read() {
        let file = Arc::new(File::open(std::env::current_exe().unwrap()).unwrap());
        let bytes = stream::repeat(Ok(Bytes::from_static(b"0123456789"))).boxed();
        let endless = Endless(file, bytes);
        let mut body = Outgoing::new(SendBody::with_spans(45, Box::pin(endless), Arc::new(Meter::default())));
        let by_kernel = Arc::<crate::spans::ByKernel>::default();
        let sends = || Wire::new(false, false, Some(Spans::new(Arc::clone(&by_kernel))));
        let waiting = |wire: &Wire| wire.spans.as_ref().unwrap().first(100).map(|span| span.len);

        assert_eq!(next(&mut body).unwrap(), "0123456789");
        let first = sends();
        body.carried_by(&first);
        assert!(is_placeholder(&next(&mut body).unwrap()));
        body.carried_by(&Wire::new(false, false, None));
        assert_eq!(next(&mut body).unwrap(), "0123456789");
        let second = sends();
        body.carried_by(&second);
        assert!(is_placeholder(&next(&mut body).unwrap()));
        // Never more than announced.
        assert_eq!(next(&mut body).unwrap().len(), 5);
        assert_eq!(next(&mut body), None);
        second.spans.as_ref().unwrap().sent(10);
        assert_eq!((waiting(&first), waiting(&second), by_kernel.sent()), (Some(10), Some(5), 10));
    }
}
