//! The seam to the local end of one transfer: a file, memory, a stream.

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use longhaul_core::error::FileFault;
use longhaul_core::intent::{FileOp, FileReply};

use crate::cancel::Cancel;
use crate::hash::Hasher;

/// The local end of one transfer. Called from many tasks at once; never blocks the calling thread.
pub trait Storage: Send + Sync + 'static {
    /// Does `op` and replies as its documentation says. Long work (digests) looks at `cancel` every few megabytes and gives up
    /// with [`FileFaultKind::Cancelled`](longhaul_core::error::FileFaultKind::Cancelled).
    fn run(&self, op: FileOp, cancel: Cancel) -> BoxFuture<'static, Result<FileReply, FileFault>>;

    /// Fills `chunk.buffer` with the source's bytes from `offset` on, up to its capacity, short only at the source's end, and
    /// feeds the hasher with them.
    fn read(&self, offset: u64, chunk: Chunk) -> BoxFuture<'static, Result<Chunk, FileFault>>;

    /// Writes the frames one after another from `offset` of the target on, feeds the hasher with them, and gives the batch back
    /// with its frames cleared. All or error; on an error nothing is known about the bytes.
    fn write(&self, offset: u64, batch: Batch) -> BoxFuture<'static, Result<Batch, FileFault>>;
}

/// A buffer to read into and the hasher that sees its bytes.
#[derive(Debug, Default)]
pub struct Chunk {
    /// Read into from its start to its capacity.
    pub buffer: BytesMut,
    /// Fed with what was read.
    pub hasher: Option<Hasher>,
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
