//! One TCP connection: the bytes in and out, and how it ends.
//!
//! hyper owns the protocol; this type keeps the socket within reach, because a fault decides between an orderly
//! close and a reset, at an exact byte. A fault *arms* an ending; it takes effect at hyper's next flush, when
//! everything written before has gone to the socket, or at once when the service gives up.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read as HyperRead, ReadBufCursor, Write as HyperWrite};
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::shared::Shared;

/// How long a closed connection is still read from, so that unread bytes do not turn the close into a reset.
const LINGER: Duration = Duration::from_secs(2);
/// How long a reset holds back. It discards what has not left this machine, and a client at work takes what it was
/// sent within this time.
const BEFORE_RESET: Duration = Duration::from_millis(50);
/// The most bytes read from the socket at a time.
const READ_BLOCK: usize = 64 * 1024;

/// How a connection is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// FIN: the peer reads everything, then end of file.
    Close,
    /// RST: the peer gets an error.
    Reset,
}

const OPEN: u8 = 0;
const CLOSE: u8 = 1;
const RESET: u8 = 2;

/// The socket, shared by the connection's task, its bodies and the faults.
#[derive(Debug)]
pub(crate) struct Link {
    stream: TcpStream,
    shared: Arc<Shared>,
    ending: AtomicU8,
}

impl Link {
    pub(crate) fn new(stream: TcpStream, shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self { stream, shared, ending: AtomicU8::new(OPEN) })
    }

    /// Arms the ending. A reset stays a reset.
    pub(crate) fn end(&self, ending: Ending) {
        let code = match ending {
            Ending::Close => CLOSE,
            Ending::Reset => RESET,
        };
        self.ending.fetch_max(code, Relaxed);
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.ending.load(Relaxed) != OPEN
    }

    /// Resolves when the peer has closed or reset its side, even while nothing is read here.
    pub(crate) async fn peer_gone(&self) {
        const LOOK: Duration = Duration::from_millis(50);
        loop {
            // `ready` answers at once while unread bytes wait, so the looks are spaced by time.
            match self.stream.ready(Interest::READABLE).await {
                Ok(ready) if !ready.is_read_closed() => tokio::time::sleep(LOOK).await,
                _ => return,
            }
        }
    }

    /// Ends the connection once hyper has let go of it.
    pub(crate) async fn finish(self: Arc<Self>) {
        let socket = socket2::SockRef::from(&self.stream);
        if self.ending.load(Relaxed) == RESET {
            tokio::time::sleep(BEFORE_RESET).await;
            // With a linger time of zero, closing discards what is unsent and sends RST.
            if let Err(error) = socket.set_linger(Some(Duration::ZERO)) {
                tracing::debug!(%error, "reset falls back to an orderly close");
            }
            return;
        }
        if socket.shutdown(std::net::Shutdown::Write).is_ok() {
            let _ = tokio::time::timeout(LINGER, self.read_to_end()).await;
        }
    }

    async fn read_to_end(&self) {
        let mut scratch = vec![0; READ_BLOCK];
        while self.stream.readable().await.is_ok() {
            match self.stream.try_read(&mut scratch) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}

/// The side of a [`Link`] that hyper drives.
pub(crate) struct LinkIo {
    link: Arc<Link>,
    /// hyper's buffer may be uninitialised memory, which a shared socket cannot be read into without `unsafe`.
    scratch: Box<[u8]>,
}

impl LinkIo {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self { link, scratch: vec![0; READ_BLOCK].into_boxed_slice() }
    }
}

impl HyperRead for LinkIo {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, mut buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let Self { link, scratch } = self.get_mut();
        let want = buf.remaining().min(scratch.len());
        loop {
            ready!(link.stream.poll_read_ready(cx))?;
            match link.stream.try_read(&mut scratch[..want]) {
                Ok(n) => {
                    link.shared.counters.wire_received.fetch_add(n as u64, Relaxed);
                    buf.put_slice(&scratch[..n]);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl HyperWrite for LinkIo {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let link = &self.link;
        loop {
            ready!(link.stream.poll_write_ready(cx))?;
            match link.stream.try_write_vectored(bufs) {
                Ok(n) => {
                    link.shared.counters.wire_sent.fetch_add(n as u64, Relaxed);
                    return Poll::Ready(Ok(n));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// hyper flushes when its own buffers are empty: the moment at which an armed ending is exact.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.link.is_ending() {
            return Poll::Ready(Err(io::Error::other("the connection is ended by a fault")));
        }
        Poll::Ready(Ok(()))
    }

    /// The ending itself is [`Link::finish`]'s, after hyper has let go.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
