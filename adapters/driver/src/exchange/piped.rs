//! Bytes of an answer that nobody looks at: the transport has the kernel move them to a pipe, the storage has it move them on. Two pipes
//! take turns, so that one is filled while the other one's bytes are written.

use std::task::{Context, Poll, ready};

use longhaul_core::error::Fault;

use crate::storage::{Pipe, Storage};
use crate::transport::{Moved, Unread};

/// The rest of a body.
pub(super) struct Piped {
    /// Until it is at its end, or nobody wants more of it.
    unread: Option<Unread>,
    /// What was read before has been given.
    next: bool,
    /// What is being filled.
    pipe: Option<Pipe>,
    /// Empty ones.
    spare: Option<Pipe>,
    /// More will not be asked for.
    both: bool,
    /// The pipe that is away with a write brings bytes back, which come before all others.
    first: bool,
    /// How many bytes each pipe holds at least.
    size: usize,
}

impl Piped {
    /// Asks for the rest of the body to be left unread.
    pub(super) fn begin(unread: Unread, pipe: Pipe) -> Self {
        unread.begin();
        let size = pipe.size;
        Self { unread: Some(unread), next: false, pipe: Some(pipe), spare: None, both: false, first: false, size }
    }

    /// Bytes to gather before a write, which for most files is a hop to another thread. Fewer than a pipe holds, because pages that are not
    /// full make it full with less in it, and to be told so costs two calls.
    pub(super) const fn batch(&self) -> usize {
        self.size - (self.size >> 3)
    }

    /// Whether what comes next is what is left unread.
    pub(super) fn is_next(&self) -> bool {
        self.next && self.unread.is_some()
    }

    /// What was read before has been given.
    pub(super) fn frames_ended(&mut self) {
        self.next = true;
    }

    /// Nobody wants more.
    pub(super) fn stop(&mut self) {
        self.unread = None;
    }

    /// The pipe to fill; `None` until one comes back.
    pub(super) fn pipe(&mut self, storage: &dyn Storage) -> Option<&Pipe> {
        if self.pipe.is_none() && !self.first {
            self.pipe = self.spare.take();
            if self.pipe.is_none() && !self.both {
                // Tried once: where there is none of that size, the other one will do.
                self.both = true;
                self.pipe = storage.pipe().filter(|pipe| pipe.size >= self.size);
            }
        }
        self.pipe.as_ref()
    }

    /// Moves at most `most` bytes to that pipe, which holds fewer than a batch.
    pub(super) fn poll_move(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<Result<Moved, Fault>> {
        let (Some(unread), Some(pipe)) = (&self.unread, &mut self.pipe) else {
            return Poll::Pending;
        };
        let most = most.min(pipe.size.saturating_sub(pipe.len));
        let moved = ready!(unread.poll_move(cx, pipe, most));
        if let Ok(Moved::Bytes(bytes)) = moved {
            pipe.len += bytes;
        }
        Poll::Ready(moved)
    }

    /// The pipe, for a write of its first `len` bytes. `None`: nothing has come that way.
    pub(super) fn take(&mut self, len: usize) -> Option<Pipe> {
        let pipe = self.pipe.take_if(|pipe| pipe.len > 0)?;
        self.first = pipe.len > len;
        Some(pipe)
    }

    /// The pipe comes back from a write.
    pub(super) fn back(&mut self, pipe: Pipe) {
        self.first = false;
        if pipe.len > 0 {
            self.pipe = Some(pipe);
        } else {
            self.spare = Some(pipe);
        }
    }
}
