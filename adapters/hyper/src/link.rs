//! One connection, and what its exchanges have to know about it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use futures::task::AtomicWaker;
use hyper::rt::{Read, ReadBufCursor, Write};

use crate::body::Upload;
use crate::bridge::read_counted;
use crate::net::Io;

/// A connection's bytes, under hyper.
pub(crate) struct Link {
    io: Box<dyn Io>,
    wire: Arc<Wire>,
}

/// What is known about a connection from outside, and what can be done to it.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    pub(crate) http2: bool,
    /// The other end is a proxy that wants whole URLs.
    pub(crate) proxied: bool,
    /// It has carried an answer before.
    used: AtomicBool,
    /// Bytes received.
    received: AtomicU64,
    /// It fails from now on.
    cut: AtomicBool,
    waker: AtomicWaker,
}

impl Wire {
    /// Ends the connection, whatever it waits for.
    fn cut(&self) {
        self.cut.store(true, Ordering::Release);
        self.waker.wake();
    }

    fn check(&self, cx: &Context<'_>) -> io::Result<()> {
        self.waker.register(cx.waker());
        if self.cut.load(Ordering::Acquire) { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }
}

impl Link {
    pub(crate) fn new(io: Box<dyn Io>, proxied: bool, http2: bool) -> (Self, Arc<Wire>) {
        let wire = Arc::new(Wire { http2, proxied, ..Wire::default() });
        (Self { io, wire: Arc::clone(&wire) }, wire)
    }
}

impl Read for Link {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, cursor: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        self.wire.check(cx)?;
        let read = ready!(read_counted(&mut *self.io, cx, cursor))?;
        self.wire.received.fetch_add(read as u64, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl Write for Link {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

/// One request and its answer on some connection.
#[derive(Debug)]
pub(crate) struct Exchange {
    upload: Arc<Upload>,
    wire: Option<Arc<Wire>>,
    reused: bool,
    /// Bytes the connection had received when the exchange got it.
    before: u64,
}

impl Exchange {
    /// One that sends `upload`.
    pub(crate) fn new(upload: Arc<Upload>) -> Self {
        Self { upload, wire: None, reused: false, before: 0 }
    }

    /// Takes note of the connection that carries it now.
    pub(crate) fn begin(&mut self, wire: &Arc<Wire>) {
        self.reused = wire.used.load(Ordering::Relaxed);
        self.before = wire.received.load(Ordering::Relaxed);
        self.wire = Some(Arc::clone(wire));
    }

    /// The head of the answer is there.
    pub(crate) fn answered(&self) {
        if let Some(wire) = &self.wire {
            wire.used.store(true, Ordering::Relaxed);
        }
    }

    /// Nobody wants more of it. An answer that is not at its end hyper takes care of; but a request that is still being sent,
    /// although its answer is complete, would hold source and connection for as long as the server likes.
    pub(crate) fn give_up(&self) {
        if self.upload.give_up()
            && let Some(wire) = self.wire.as_ref().filter(|wire| !wire.http2)
        {
            wire.cut();
        }
    }

    /// Whether it got a connection that had served before and gave not one byte since.
    pub(crate) fn was_stale(&self) -> bool {
        self.reused && self.wire.as_ref().is_some_and(|wire| wire.received.load(Ordering::Relaxed) == self.before)
    }
}
