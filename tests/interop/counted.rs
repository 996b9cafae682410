//! A source that counts what is read of it, for whatever purpose.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use longhaul::core::error::FileFault;
use longhaul::core::intent::{FileOp, FileReply};
use longhaul::driver::cancel::Cancel;
use longhaul::driver::storage::{Batch, Chunk, Storage};
use longhaul::tokio::FileSource;

/// See the module.
pub(crate) struct Counted {
    inner: FileSource,
    read: Arc<AtomicU64>,
}

impl Counted {
    pub(crate) fn new(path: &Path) -> Self {
        Self { inner: FileSource::new(path), read: Arc::default() }
    }

    /// Bytes read so far.
    pub(crate) fn read(&self) -> u64 {
        self.read.load(Ordering::SeqCst)
    }
}

impl Storage for Counted {
    fn run(&self, op: FileOp, cancel: Cancel) -> BoxFuture<'static, Result<FileReply, FileFault>> {
        if let FileOp::Digest { ranges, .. } = &op {
            self.read.fetch_add(ranges.iter().map(|range| range.len()).sum(), Ordering::SeqCst);
        }
        self.inner.run(op, cancel)
    }

    fn read(&self, offset: u64, chunk: Chunk) -> BoxFuture<'static, Result<Chunk, FileFault>> {
        let (read, count) = (self.inner.read(offset, chunk), Arc::clone(&self.read));
        read.map(move |chunk| {
            if let Ok(chunk) = &chunk {
                count.fetch_add(chunk.buffer.len() as u64, Ordering::SeqCst);
            }
            chunk
        })
        .boxed()
    }

    fn write(&self, offset: u64, batch: Batch) -> BoxFuture<'static, Result<Batch, FileFault>> {
        self.inner.write(offset, batch)
    }
}
