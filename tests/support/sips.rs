//! Connections on which the beginning of an answer is read in sips, so that little of its body is read with its head.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::future::BoxFuture;
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use longhaul::core::time::{Now, Time};
use longhaul::{Net, Spawn, Timer};
use longhaul_hyper::Io;

/// Bytes of a sip.
const SIP: usize = 4;

/// Bytes that are read so after each write: more than the longest head.
const SIPPED: usize = 2000;

/// A runtime with such connections.
pub(super) struct Sipping<R>(pub(super) R);

impl<R: Timer> Timer for Sipping<R> {
    fn now(&self) -> Now {
        self.0.now()
    }

    fn sleep_until(&self, at: Time) -> BoxFuture<'static, ()> {
        self.0.sleep_until(at)
    }
}

impl<R: Spawn> Spawn for Sipping<R> {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.0.spawn(task);
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        self.0.spawn_blocking(work);
    }
}

impl<R: Net> Net for Sipping<R> {
    fn resolve(&self, host: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        self.0.resolve(host, port)
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Io>>> {
        let connect = self.0.connect(address);
        Box::pin(async move { Ok(Box::new(Sips { io: connect.await?, read: 0 }) as _) })
    }
}

struct Sips {
    io: Box<dyn Io>,
    /// Since the last write.
    read: usize,
}

impl Read for Sips {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read > SIPPED {
            return Pin::new(&mut self.io).poll_read(cx, cursor);
        }
        let mut sip = [0; SIP];
        let most = SIP.min(cursor.remaining());
        let mut buffer = ReadBuf::new(&mut sip[..most]);
        ready!(Pin::new(&mut self.io).poll_read(cx, buffer.unfilled()))?;
        cursor.put_slice(buffer.filled());
        self.read += buffer.filled().len();
        Poll::Ready(Ok(()))
    }
}

impl Write for Sips {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.read = 0;
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.read = 0;
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }
}

impl Io for Sips {
    #[cfg(target_os = "linux")]
    fn socket(&mut self) -> Option<&mut dyn longhaul_hyper::Socket> {
        self.io.socket()
    }
}
