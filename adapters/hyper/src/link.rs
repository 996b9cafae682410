//! One connection, and what its exchanges have to know about it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use futures::task::AtomicWaker;
use hyper::rt::{Read, ReadBufCursor, Write};
use longhaul_driver::storage::Pipe;
use longhaul_driver::transport::Moved;

use crate::body::Upload;
use crate::bridge::read_counted;
use crate::drive::Handover;
use crate::net::Io;
use crate::spans::{ByKernel, Spans, is_placeholder};

/// Turns of a task within which runtimes look for what has come; tokio's do every 61.
const TURNS: u32 = 128;

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
    /// Parts of files for the kernel to send, on a connection where it can.
    pub(crate) spans: Option<Spans>,
    /// Somebody may want the connection as it is, without HTTP.
    pub(crate) handover: Handover,
    /// Bytes wait to be written.
    blocked: AtomicBool,
    /// How often a write has failed.
    broken: AtomicU32,
    /// It has carried an answer before.
    used: AtomicBool,
    /// Bytes received.
    received: AtomicU64,
    /// It fails from now on.
    cut: AtomicBool,
    /// Of the task that drives it.
    pub(crate) waker: AtomicWaker,
}

impl Wire {
    pub(crate) fn new(http2: bool, proxied: bool, spans: Option<Spans>) -> Arc<Self> {
        Arc::new(Self { http2, proxied, spans, ..Self::default() })
    }

    /// Whether all that was to be written is written.
    pub(crate) fn is_flushed(&self) -> bool {
        !self.blocked.load(Ordering::Relaxed)
    }

    /// Takes note of whether a write has to wait. That the other end has hung up is told some turns later: what it said before, an
    /// early refusal say, is there, but the runtime may not have seen it yet.
    fn wrote(&self, cx: &Context<'_>, wrote: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.blocked.store(wrote.is_pending(), Ordering::Relaxed);
        let gone = [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset];
        if let Poll::Ready(Err(error)) = &wrote
            && gone.contains(&error.kind())
            && self.broken.fetch_add(1, Ordering::Relaxed) < TURNS
        {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        wrote
    }

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
    /// `by_kernel`: what the kernel may do of its own; `None`: nothing.
    pub(crate) fn new(
        mut io: Box<dyn Io>,
        proxied: bool,
        http2: bool,
        by_kernel: Option<Arc<ByKernel>>,
    ) -> (Self, Arc<Wire>) {
        let spans = by_kernel.filter(|_| !http2 && is_socket(&mut *io)).map(Spans::new);
        let wire = Wire::new(http2, proxied, spans);
        (Self { io, wire: Arc::clone(&wire) }, wire)
    }

    /// Moves what has come to the pipe, without a look at it.
    pub(crate) fn poll_receive(&mut self, cx: &mut Context<'_>, pipe: &Pipe, most: usize) -> Poll<io::Result<Moved>> {
        #[cfg(target_os = "linux")]
        {
            crate::kernel::poll_receive(&mut *self.io, cx, pipe, most)
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = (cx, pipe, most);
            Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
        }
    }

    /// Sends of the part of a file that a placeholder of `len` bytes stands for.
    fn poll_send_span(&mut self, cx: &mut Context<'_>, len: usize) -> Poll<io::Result<usize>> {
        #[cfg(target_os = "linux")]
        if let Some(spans) = &self.wire.spans {
            return crate::kernel::poll_send(&mut *self.io, cx, spans, len);
        }
        let _ = (cx, len);
        Poll::Ready(Err(io::Error::other("a file's bytes were left to a connection that cannot send them")))
    }
}

/// Whether the kernel can be told to move bytes to it.
fn is_socket(io: &mut dyn Io) -> bool {
    #[cfg(target_os = "linux")]
    let is = io.socket().is_some() && io.is_write_vectored();
    #[cfg(not(target_os = "linux"))]
    let is = {
        let _ = io;
        false
    };
    is
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
        let wrote = if is_placeholder(bytes) {
            self.poll_send_span(cx, bytes.len())
        } else {
            Pin::new(&mut self.io).poll_write(cx, bytes)
        };
        self.wire.wrote(cx, wrote)
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
        let slices = match slices.iter().position(|slice| is_placeholder(slice)) {
            Some(0) => {
                let wrote = self.poll_send_span(cx, slices[0].len());
                return self.wire.wrote(cx, wrote);
            }
            Some(placeholder) => &slices[..placeholder],
            None => slices,
        };
        let wrote = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        self.wire.wrote(cx, wrote)
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

    /// What the kernel may do on its connection, when nothing more is to be sent there.
    pub(crate) fn by_kernel(&self) -> Option<(&Arc<Wire>, &ByKernel)> {
        let wire = self.wire.as_ref().filter(|_| self.upload.is_through())?;
        Some((wire, wire.spans.as_ref()?.by_kernel()))
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

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::future::poll_fn;

    use futures::FutureExt;
    use futures::io::Cursor;
    use longhaul_driver::storage::Span;

    use super::*;
    use crate::bridge::FuturesIo;

    /// What becomes of these slices on a link that cannot send files.
    fn write(slices: &[&[u8]]) -> io::Result<usize> {
        let (mut link, wire) =
            Link::new(Box::new(FuturesIo(Cursor::new(vec![0; 100]))), false, false, Some(Arc::default()));
        assert!(wire.spans.is_none());
        let slices: Vec<_> = slices.iter().map(|slice| IoSlice::new(slice)).collect();
        let vectored = poll_fn(|cx| Pin::new(&mut link).poll_write_vectored(cx, &slices)).now_or_never().unwrap();
        let single = poll_fn(|cx| Pin::new(&mut link).poll_write(cx, &slices[0])).now_or_never().unwrap();
        assert_eq!(vectored.is_ok(), single.is_ok());
        vectored
    }

    #[test]
    fn what_stands_for_a_file_never_goes_out_itself() {
        let file = Arc::new(File::open(std::env::current_exe().unwrap()).unwrap());
        let spans = Spans::new(Arc::default());
        let placeholder = spans.push(Span { file, offset: 0, len: 10 }, 100);
        assert!(write(&[&placeholder]).is_err());
        assert!(write(&[&placeholder[9..], b"abc"]).is_err(), "nor does a part of it");
        assert_eq!(write(&[b"ab", b"c"]).unwrap(), 3);
        assert_eq!(write(&[b"ab", b"c", &placeholder, b"d"]).unwrap(), 3, "only what lies before it");
        assert_eq!(write(&[&[0; 10]]).unwrap(), 10, "zeroes are not it");
    }
}
