//! The seam to the local end of one transfer: a file, memory, a stream.

use std::fs::File;
use std::io::{self, ErrorKind, PipeReader, PipeWriter};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use longhaul_core::TaskId;
use longhaul_core::error::{FileFault, FileFaultKind};
use longhaul_core::event::End;
use longhaul_core::intent::{FileOp, FileReply};

use crate::cancel::Cancel;
use crate::hash::Hasher;
use crate::mailbox::{Mailbox, Note};

/// The local end of one transfer. Called from many tasks at once; never blocks the calling thread.
pub trait Storage: Send + Sync + 'static {
    /// Does `op` and replies as its documentation says. Long work (digests) looks at `cancel` every few megabytes and gives up
    /// with [`FileFaultKind::Cancelled`]. The client's loop polls the future itself, except for [`FileOp::Digest`] and
    /// [`FileOp::Fill`]: whatever takes its time is done elsewhere and awaited here.
    fn run(&self, op: FileOp, cancel: Cancel) -> BoxFuture<'static, Result<FileReply, FileFault>>;

    /// Fills `chunk.buffer` with the source's bytes from `offset` on, up to its capacity, short only at the source's end, and
    /// feeds the hasher with them. What is there at once may be read when the future is polled first, as long as that takes no
    /// longer than to hand the bytes to a socket; what has to be waited for must not keep the thread.
    fn read(&self, offset: u64, chunk: Chunk) -> BoxFuture<'static, Result<Chunk, FileFault>>;

    /// At most `len` bytes of the source from `offset` on that the kernel can send by itself, now and without waiting for a disk.
    /// Looks whether anybody has written to the file, as [`Self::read`] does. `None`: they are to be read, which also tells what is
    /// wrong with them. Must not block.
    fn span(&self, offset: u64, len: usize) -> Option<Span> {
        let _ = (offset, len);
        None
    }

    /// Writes the frames one after another from `offset` of the target on, feeds the hasher with them, and gives the batch back
    /// with its frames cleared. All or error; on an error nothing is known about the bytes. What waits for nothing may be written
    /// when the future is polled first, as long as that takes no longer than to take the bytes from a socket; what has to be waited for
    /// must not keep the thread.
    fn write(&self, offset: u64, batch: Batch) -> BoxFuture<'static, Result<Batch, FileFault>>;

    /// An empty pipe whose bytes [`Self::write_piped`] writes, so that nobody reads them; asked for where no digest of them is wanted.
    /// `None`: bytes are to come by [`Self::write`]. Must not block.
    fn pipe(&self) -> Option<Pipe> {
        None
    }

    /// Writes the first `len` bytes in a pipe of [`Self::pipe`] from `offset` of the target on and gives the pipe back with the others.
    /// All or error, as with [`Self::write`].
    fn write_piped(&self, offset: u64, pipe: Pipe, len: usize) -> BoxFuture<'static, Result<Pipe, FileFault>> {
        let _ = (offset, pipe, len);
        Box::pin(async { Err(FileFault::new(FileFaultKind::Unusable, "this target takes nothing from pipes")) })
    }

    /// What to wait for before bytes up to `end` of the target may be written; `None`: nothing. A write itself must not wait
    /// for a slow consumer, because it cannot be given up half-way; this can.
    fn room(&self, end: u64) -> Option<BoxFuture<'static, ()>> {
        let _ = end;
        None
    }

    /// Bytes to gather before a write; `None`: the client's setting.
    fn write_batch(&self) -> Option<usize> {
        None
    }

    /// Called once when the transfer is accepted. A target that hands its content on keeps the link to tell how far that is.
    fn attach(&self, link: Link) {
        drop(link);
    }

    /// Called once when the transfer is over. Must not block.
    fn ended(&self, end: &End) {
        let _ = end;
    }
}

/// A buffer to read into and the hasher that sees its bytes.
#[derive(Debug, Default)]
pub struct Chunk {
    /// Read into from its start to its capacity.
    pub buffer: BytesMut,
    /// Fed with what was read.
    pub hasher: Option<Hasher>,
}

/// Bytes of an open file that nobody has to read to send them.
#[derive(Clone, Debug)]
pub struct Span {
    /// Stays open for as long as one of its spans is about.
    pub file: Arc<File>,
    /// Where they begin in it.
    pub offset: u64,
    /// How many.
    pub len: usize,
}

impl Span {
    /// Takes the first `len` bytes off, or all.
    #[must_use]
    pub fn split_to(&mut self, len: usize) -> Self {
        let first = Self { file: Arc::clone(&self.file), offset: self.offset, len: len.min(self.len) };
        self.offset += first.len as u64;
        self.len -= first.len;
        first
    }
}

/// Bytes on their way to a target, in the kernel's hands.
#[derive(Debug)]
pub struct Pipe {
    /// Where they come out.
    pub reader: PipeReader,
    /// Where they go in.
    pub writer: PipeWriter,
    /// How many are in it.
    pub len: usize,
    /// How many it holds at most; fewer where they come in pages that are not full.
    pub size: usize,
    /// Whoever makes pipes counts those that are about by these.
    pub counted: Arc<()>,
}

/// Whether `error` says that the kernel will not move bytes between these two at all (`splice`, `sendfile`: another kind of file or
/// file system, a sandbox), so that they are to go through memory. Any other is a fault of what it moves.
#[must_use]
pub fn is_refusal(error: &io::Error) -> bool {
    // EINVAL; ENOSYS and EOPNOTSUPP; EPERM and EACCES.
    matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported | ErrorKind::PermissionDenied)
}

/// Frames to write and the hasher that sees them.
#[derive(Debug, Default)]
pub struct Batch {
    /// To be written in order.
    pub frames: Vec<Bytes>,
    /// Fed with what was written.
    pub hasher: Option<Hasher>,
}

impl Batch {
    /// Bytes in all frames.
    #[must_use]
    pub fn len(&self) -> usize {
        self.frames.iter().map(Bytes::len).sum()
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.iter().all(Bytes::is_empty)
    }
}

/// From a target that hands its content on to the engine: how far the consumer is.
#[derive(Clone, Debug)]
pub struct Link {
    state: Arc<LinkState>,
    mailbox: Weak<Mailbox>,
}

/// The consumer's place, and whether the loop is about to look at it.
#[derive(Debug)]
pub(crate) struct LinkState {
    pub(crate) task: TaskId,
    upto: AtomicU64,
    told: AtomicBool,
}

impl Link {
    pub(crate) fn new(task: TaskId, mailbox: &Arc<Mailbox>) -> Self {
        let state = LinkState { task, upto: AtomicU64::new(0), told: AtomicBool::new(false) };
        Self { state: Arc::new(state), mailbox: Arc::downgrade(mailbox) }
    }

    /// The consumer has taken everything before `upto`. Never waits; calls between two looks of the loop become one.
    pub fn consumed(&self, upto: u64) {
        self.state.upto.fetch_max(upto, Ordering::AcqRel);
        if !self.state.told.swap(true, Ordering::AcqRel)
            && let Some(mailbox) = self.mailbox.upgrade()
        {
            mailbox.note(Note::Consumed(Arc::clone(&self.state)));
        }
    }
}

impl LinkState {
    /// How far the consumer is; later calls of [`Link::consumed`] are told anew.
    pub(crate) fn take(&self) -> u64 {
        self.told.swap(false, Ordering::AcqRel);
        self.upto.load(Ordering::Acquire)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_kernel_will_not_do_at_all_is_a_refusal() {
        // ENOSYS, EINVAL, EOPNOTSUPP, EPERM, EACCES; EIO, ENOSPC, EPIPE, ECONNRESET, ENOMEM, EBADF.
        for (number, refusal) in [(38, true), (22, true), (95, true), (1, true), (13, true)]
            .into_iter()
            .chain([5, 28, 32, 104, 12, 9].map(|number| (number, false)))
        {
            let error = io::Error::from_raw_os_error(number);
            assert_eq!(is_refusal(&error), refusal, "{error}");
        }
    }
}
