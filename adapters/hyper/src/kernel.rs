//! Linux: a file's bytes to a socket, and a socket's to a pipe, without a look at them (`sendfile(2)`, `splice(2)`).

use std::io;
use std::task::{Context, Poll, ready};

use longhaul_driver::storage::{Pipe, is_refusal};
use longhaul_driver::transport::Moved;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::pipe::{SpliceFlags, splice};

use crate::net::Io;
use crate::spans::Spans;

/// Sends of the span that is next, at most `most` bytes; how many.
pub(crate) fn poll_send(io: &mut dyn Io, cx: &mut Context<'_>, spans: &Spans, most: usize) -> Poll<io::Result<usize>> {
    let (Some(span), Some(socket)) = (spans.first(most), io.socket()) else {
        return Poll::Ready(Err(io::Error::other("there is no file to send from")));
    };
    let sent = ready!(socket.poll_write_with(cx, &mut |socket| {
        let mut offset = span.offset;
        Ok(retry_on_intr(|| rustix::fs::sendfile(socket, &*span.file, Some(&mut offset), span.len))?)
    }));
    Poll::Ready(match sent {
        Ok(0) => Err(io::Error::other("the file has become shorter")),
        Ok(sent) => {
            spans.sent(sent);
            Ok(sent)
        }
        Err(error) => {
            // Not with this file system, or not in this sandbox.
            if is_refusal(&error) {
                spans.refused();
            }
            Err(error)
        }
    })
}

/// Moves what has come to the pipe, at most `most` bytes. The end is that of the connection.
pub(crate) fn poll_receive(io: &mut dyn Io, cx: &mut Context<'_>, pipe: &Pipe, most: usize) -> Poll<io::Result<Moved>> {
    let Some(socket) = io.socket() else {
        return Poll::Ready(Err(Errno::OPNOTSUPP.into()));
    };
    let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
    let mut full = false;
    let moved = ready!(socket.poll_read_with(cx, &mut |socket| {
        match retry_on_intr(|| splice(socket, None, &pipe.writer, None, most, flags)) {
            // Nobody would wake us for room in the pipe.
            Err(Errno::AGAIN) if pipe.len > 0 && is_full(pipe) => {
                full = true;
                Ok(0)
            }
            moved => Ok(moved?),
        }
    }))?;
    Poll::Ready(Ok(match moved {
        0 if full => Moved::Full,
        0 => Moved::End,
        moved => Moved::Bytes(moved),
    }))
}

/// Whether nothing more goes into the pipe, as far as can be told: it has so many places, whatever their bytes are together. One that
/// is taken for full is written out, which harms nothing; one that is full unnoticed would wait for bytes that have long come.
fn is_full(pipe: &Pipe) -> bool {
    !matches!(poll(&mut [PollFd::new(&pipe.writer, PollFlags::OUT)], Some(&Timespec::default())), Ok(1..))
}
