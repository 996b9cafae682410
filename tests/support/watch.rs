//! A storage that counts what is asked of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use longhaul::Storage;
use longhaul::core::error::FileFault;
use longhaul::core::intent::{FileOp, FileReply};
use longhaul::driver::cancel::Cancel;
use longhaul::driver::storage::{Batch, Chunk, Link, Span};

/// What was asked.
#[derive(Debug, Default)]
pub struct Counts {
    pub operations: AtomicU64,
    /// Bytes read to be sent.
    pub read: AtomicU64,
    /// Bytes read to be digested.
    pub digested: AtomicU64,
    pub written: AtomicU64,
}

impl Counts {
    pub fn all_read(&self) -> u64 {
        self.read.load(Ordering::SeqCst) + self.digested.load(Ordering::SeqCst)
    }

    pub fn calls(&self) -> u64 {
        self.operations.load(Ordering::SeqCst)
    }
}

type BeforeRead = Box<dyn Fn(u64) + Send + Sync>;

/// Counts, and lets a test act before each read.
pub struct Watched<S> {
    inner: S,
    pub counts: Arc<Counts>,
    before_read: BeforeRead,
}

impl<S: Storage> Watched<S> {
    pub fn new(inner: S) -> Self {
        Self { inner, counts: Arc::default(), before_read: Box::new(|_| {}) }
    }

    pub fn before_read(mut self, act: impl Fn(u64) + Send + Sync + 'static) -> Self {
        self.before_read = Box::new(act);
        self
    }
}

impl<S: Storage> Storage for Watched<S> {
    fn run(&self, op: FileOp, cancel: Cancel) -> BoxFuture<'static, Result<FileReply, FileFault>> {
        self.counts.operations.fetch_add(1, Ordering::SeqCst);
        if let FileOp::Digest { ranges, .. } = &op {
            let bytes: u64 = ranges.iter().map(|range| range.len()).sum();
            self.counts.digested.fetch_add(bytes, Ordering::SeqCst);
        }
        self.inner.run(op, cancel)
    }

    fn read(&self, offset: u64, chunk: Chunk) -> BoxFuture<'static, Result<Chunk, FileFault>> {
        (self.before_read)(offset);
        self.counts.operations.fetch_add(1, Ordering::SeqCst);
        let counts = Arc::clone(&self.counts);
        let reading = self.inner.read(offset, chunk);
        async move {
            let chunk = reading.await?;
            counts.read.fetch_add(chunk.buffer.len() as u64, Ordering::SeqCst);
            Ok(chunk)
        }
        .boxed()
    }

    fn span(&self, offset: u64, len: usize) -> Option<Span> {
        (self.before_read)(offset);
        self.inner.span(offset, len)
    }

    fn write(&self, offset: u64, batch: Batch) -> BoxFuture<'static, Result<Batch, FileFault>> {
        self.counts.operations.fetch_add(1, Ordering::SeqCst);
        self.counts.written.fetch_add(batch.len() as u64, Ordering::SeqCst);
        self.inner.write(offset, batch)
    }

    fn room(&self, end: u64) -> Option<BoxFuture<'static, ()>> {
        self.inner.room(end)
    }

    fn write_batch(&self) -> Option<usize> {
        self.inner.write_batch()
    }

    fn attach(&self, link: Link) {
        self.inner.attach(link);
    }

    fn ended(&self, end: &longhaul::core::event::End) {
        self.inner.ended(end);
    }
}
