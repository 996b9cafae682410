//! Between hyper's reads and writes and others': tokio's, which TLS is written against, and those of futures-io. No byte is copied.
//!
//! hyper-util's `TokioIo` does the former, behind a feature that turns on tokio's runtime; an application on smol must not have that.
//!
//! Both kinds of cursor stand for memory that need not be initialised, of which a read initialises a prefix. That takes the crate's
//! only unsafe code: a copy of every byte, or zeroes in 256 KiB before every read, would be the safe ways.
#![allow(unsafe_code, reason = "cursors over uninitialised memory change hands here, and only here")]

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::net::Io;

/// One kind of stream as the other.
#[derive(Debug)]
pub(crate) struct Bridge<T>(pub(crate) T);

impl<T: AsyncRead + Unpin> Read for Bridge<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        // SAFETY: tokio's buffer is only given initialised bytes to write over the cursor's, and never makes any uninitialised.
        let mut buffer = tokio::io::ReadBuf::uninit(unsafe { cursor.as_mut() });
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut buffer))?;
        let read = buffer.filled().len();
        // SAFETY: `buffer` lies over the cursor's memory from its start, and its first `read` bytes are filled.
        unsafe { cursor.advance(read) };
        Poll::Ready(Ok(()))
    }
}

impl<T: Read + Unpin> AsyncRead for Bridge<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        target: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // SAFETY: hyper's buffer never makes an initialised byte uninitialised.
        let mut buffer = ReadBuf::uninit(unsafe { target.unfilled_mut() });
        ready!(Pin::new(&mut self.0).poll_read(cx, buffer.unfilled()))?;
        let read = buffer.filled().len();
        // SAFETY: `buffer` lies over the unfilled part of `target` from its start, and its first `read` bytes are filled.
        unsafe { target.assume_init(read) };
        target.advance(read);
        Poll::Ready(Ok(()))
    }
}

/// A stream of futures-io as hyper reads and writes it.
#[derive(Debug)]
pub struct FuturesIo<T>(pub T);

impl<T: futures::io::AsyncRead + Unpin> Read for FuturesIo<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        // There is no memory but initialised one there. hyper asks for about as much as came last time, so what is zeroed is in
        // proportion to what is read.
        let target = cursor.initialize_unfilled();
        let len = target.len();
        let read = ready!(Pin::new(&mut self.0).poll_read(cx, target))?;
        assert!(read <= len, "a stream claims to have read more than it was given room for");
        // SAFETY: all of the cursor is initialised, and holds more than `read` bytes or as many.
        unsafe { cursor.advance(read) };
        Poll::Ready(Ok(()))
    }
}

impl<T: futures::io::AsyncWrite + Unpin> Write for FuturesIo<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }

    /// Sockets have it; a stream that has not takes the first slice.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }
}

/// A read that also tells how many bytes it gave; 0 at the end.
pub(crate) fn read_counted(
    io: &mut dyn Io,
    cx: &mut Context<'_>,
    mut cursor: ReadBufCursor<'_>,
) -> Poll<io::Result<usize>> {
    // SAFETY: as above.
    let mut buffer = ReadBuf::uninit(unsafe { cursor.as_mut() });
    ready!(Pin::new(io).poll_read(cx, buffer.unfilled()))?;
    let read = buffer.filled().len();
    // SAFETY: `buffer` lies over the cursor's memory from its start, and its first `read` bytes are filled.
    unsafe { cursor.advance(read) };
    Poll::Ready(Ok(read))
}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for Bridge<T> {}

impl<T: futures::io::AsyncRead + futures::io::AsyncWrite + Send + Unpin> Io for FuturesIo<T> {}

impl<T: AsyncWrite + Unpin> Write for Bridge<T> {
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

impl<T: Write + Unpin> AsyncWrite for Bridge<T> {
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

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures::FutureExt;
    use futures::io::Cursor;
    use tokio::io::AsyncReadExt;

    use super::*;

    /// What one read gives into a buffer of 10 bytes that already holds two.
    fn read(io: &mut dyn Io) -> Vec<u8> {
        let mut memory = [std::mem::MaybeUninit::uninit(); 10];
        let mut buffer = ReadBuf::uninit(&mut memory);
        buffer.unfilled().put_slice(b"ab");
        let read = poll_fn(|cx| read_counted(io, cx, buffer.unfilled())).now_or_never().unwrap().unwrap();
        assert_eq!(buffer.filled().len(), 2 + read);
        buffer.filled().to_vec()
    }

    #[test]
    fn reads_fill_what_is_left_and_tell_how_much_whatever_they_pass_through() {
        let content = || FuturesIo(Cursor::new(b"0123456789xyz".to_vec()));
        let mut plain = content();
        let mut nested = Bridge(Bridge(content()));
        for _ in 0..2 {
            assert_eq!(read(&mut plain), b"ab01234567");
            assert_eq!(read(&mut plain), b"ab89xyz");
            assert_eq!(read(&mut plain), b"ab");
            assert_eq!(read(&mut nested), b"ab01234567");
            assert_eq!(read(&mut nested), b"ab89xyz");
            assert_eq!(read(&mut nested), b"ab");
            (plain, nested) = (content(), Bridge(Bridge(content())));
        }
        let mut all = Vec::with_capacity(5);
        let len = Bridge(content()).read_to_end(&mut all).now_or_never().unwrap().unwrap();
        assert_eq!((len, all.as_slice()), (13, b"0123456789xyz".as_slice()));
    }
}
