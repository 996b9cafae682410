//! A TCP socket of tokio's as hyper reads and writes it, and as the kernel is told to.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use longhaul_hyper::Io;
use tokio::net::TcpStream;

/// A connection.
pub(crate) struct Socket(TokioIo<TcpStream>);

impl Socket {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self(TokioIo::new(stream))
    }
}

impl Read for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, cursor: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, cursor)
    }
}

impl Write for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }
}

impl Io for Socket {
    #[cfg(target_os = "linux")]
    fn socket(&mut self) -> Option<&mut dyn longhaul_hyper::Socket> {
        Some(self)
    }
}

#[cfg(target_os = "linux")]
impl longhaul_hyper::Socket for Socket {
    fn poll_write_with(
        &mut self,
        cx: &mut Context<'_>,
        write: longhaul_hyper::WithSocket<'_>,
    ) -> Poll<io::Result<usize>> {
        use std::os::fd::AsFd;
        let stream = self.0.inner();
        loop {
            std::task::ready!(stream.poll_write_ready(cx))?;
            match stream.try_io(tokio::io::Interest::WRITABLE, || write(stream.as_fd())) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }

    fn poll_read_with(
        &mut self,
        cx: &mut Context<'_>,
        read: longhaul_hyper::WithSocket<'_>,
    ) -> Poll<io::Result<usize>> {
        use std::os::fd::AsFd;
        let stream = self.0.inner();
        loop {
            std::task::ready!(stream.poll_read_ready(cx))?;
            match stream.try_io(tokio::io::Interest::READABLE, || read(stream.as_fd())) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }
}
