//! The rest of an answer that is not read but moved by the kernel.
//!
//! hyper reads the head, and what comes with it. Then its connection is taken from it, with what it has read and not given out; the kernel
//! moves the rest, to the byte that `Content-Length` says; and hyper has the connection back.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::FutureExt;
use futures::channel::oneshot;
use hyper::client::conn::http1::Parts;
use longhaul_core::error::Fault;
use longhaul_driver::storage::Pipe;
use longhaul_driver::transport::{Moved, Splice};

use crate::fault;
use crate::link::{Link, Wire};
use crate::pool::Lease;

/// What an answer's frames and the kernel's part of it share.
pub(crate) struct Rest {
    wire: Arc<Wire>,
    /// Whether the connection may serve again.
    reuse: bool,
    state: Mutex<State>,
}

enum State {
    /// It may be asked for.
    Offered,
    /// On its way.
    Asked(oneshot::Receiver<Parts<Link>>),
    /// So many bytes are left to move. The lease: where the connection goes after that.
    Here { link: Link, left: u64, lease: Option<Lease> },
    /// All is moved, or nothing is to be.
    Over,
}

impl Rest {
    /// Of an answer on the connection of `wire`.
    pub(crate) fn new(wire: Arc<Wire>, reuse: bool) -> Arc<Self> {
        Arc::new(Self { wire, reuse, state: Mutex::new(State::Offered) })
    }

    /// The frames are at their end: takes the connection if it comes. `left` bytes of the body are missing; those of them that were read
    /// already are given back, if it comes, and the lease goes with it.
    pub(crate) fn poll_take(&self, cx: &mut Context<'_>, left: u64, lease: &mut Option<Lease>) -> Poll<Option<Bytes>> {
        let mut state = self.state();
        let State::Asked(given) = &mut *state else {
            *state = State::Over;
            return Poll::Ready(None);
        };
        let Ok(Parts { io: link, mut read_buf, .. }) = ready!(given.poll_unpin(cx)) else {
            *state = State::Over;
            return Poll::Ready(None);
        };
        // More than the body: whatever it is, the connection is not used again.
        let lease = lease.take().filter(|_| self.reuse && read_buf.len() as u64 <= left);
        read_buf.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        *state = State::Here { link, left: left - read_buf.len() as u64, lease };
        finish(&mut state);
        Poll::Ready(Some(read_buf))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives the connection back when nothing is left.
fn finish(state: &mut State) {
    if matches!(state, State::Here { left: 0, .. })
        && let State::Here { link, lease: Some(lease), .. } = std::mem::replace(state, State::Over)
    {
        lease.revive(link);
    }
}

impl Splice for Rest {
    fn begin(&self) {
        let mut state = self.state();
        if matches!(*state, State::Offered) {
            *state = State::Asked(self.wire.ask());
        }
    }

    fn poll_move(&self, cx: &mut Context<'_>, pipe: &Pipe, most: usize) -> Poll<Result<Moved, Fault>> {
        let mut state = self.state();
        let State::Here { link, left, .. } = &mut *state else {
            return Poll::Ready(Ok(Moved::End));
        };
        let most = usize::try_from(*left).unwrap_or(usize::MAX).min(most);
        let moved = match ready!(link.poll_receive(cx, pipe, most)) {
            // As hyper says it.
            Ok(Moved::End) => {
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, "end of file before message length reached"))
            }
            moved => moved,
        };
        let by_kernel = self.wire.spans.as_ref().map(|spans| spans.by_kernel());
        match moved {
            Ok(moved) => {
                if let Moved::Bytes(bytes) = moved {
                    *left -= bytes as u64;
                    if let Some(by_kernel) = by_kernel {
                        by_kernel.has_received(bytes);
                    }
                    finish(&mut state);
                }
                Poll::Ready(Ok(moved))
            }
            Err(error) => {
                *state = State::Over;
                Poll::Ready(Err(fault::of_splice(&error, by_kernel)))
            }
        }
    }
}
