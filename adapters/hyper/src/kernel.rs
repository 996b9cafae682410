//! Linux: a file's bytes to a socket without a look at them (`sendfile(2)`).

use std::io;
use std::task::{Context, Poll, ready};

use rustix::io::{Errno, retry_on_intr};

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
            let refused = [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP, Errno::PERM, Errno::ACCESS];
            if Errno::from_io_error(&error).is_some_and(|error| refused.contains(&error)) {
                spans.refused();
            }
            Err(error)
        }
    })
}
