//! An upload from a stream whose length nobody knows: it is read as far as parts are needed, into a spool that can be read
//! again when a part has to be repeated.
//!
//! The spool is any [`Storage`] that reads what was written to it: an adapter's temporary file, or a
//! [`MemoryTarget`](crate::memory::MemoryTarget). Memory stays bounded by one batch; the stream is asked for more only when the
//! engine asks ([`FileOp::Fill`]). A later run cannot continue such an upload, so a spool on disk should have no name, or lose it
//! when it is dropped.

use std::fmt;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::{BoxFuture, Either, FutureExt, select};
use futures::lock::Mutex;
use futures::stream::{BoxStream, Stream, StreamExt};
use longhaul_core::error::{FileFault, FileFaultKind};
use longhaul_core::intent::{FileOp, FileReply};

use crate::cancel::Cancel;
use crate::storage::{Batch, Chunk, Link, Storage};

/// Bytes gathered before they go to the spool.
const BATCH: u64 = 512 << 10;

/// An upload's source: a stream, read once, and its spool.
pub struct SpooledSource {
    spool: Arc<dyn Storage>,
    feed: Arc<Mutex<Feed>>,
}

struct Feed {
    stream: BoxStream<'static, io::Result<Bytes>>,
    /// Whether the spool is ready to be written.
    reserved: bool,
    /// Bytes in the spool.
    filled: u64,
    /// Taken from the stream, not yet in the spool.
    gathered: Vec<Bytes>,
    gathered_len: u64,
    end: bool,
    /// A stream that failed has no more to give.
    failed: Option<FileFault>,
}

impl SpooledSource {
    /// Reads `stream` into `spool`, which this source alone may use.
    #[must_use]
    pub fn new(stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static, spool: Arc<dyn Storage>) -> Self {
        let feed = Feed {
            stream: stream.boxed(),
            reserved: false,
            filled: 0,
            gathered: Vec::new(),
            gathered_len: 0,
            end: false,
            failed: None,
        };
        Self { spool, feed: Arc::new(Mutex::new(feed)) }
    }
}

impl Feed {
    async fn fill(&mut self, spool: &dyn Storage, upto: u64, cancel: &Cancel) -> Result<FileReply, FileFault> {
        if !self.reserved {
            let op = FileOp::Reserve { total: None, keep: false, name: None, modified: None };
            spool.run(op, cancel.clone()).await?;
            self.reserved = true;
        }
        while self.filled < upto && !(self.end && self.gathered.is_empty()) {
            if let Some(fault) = &self.failed {
                return Err(fault.clone());
            }
            self.gather(upto, cancel).await?;
            self.store(spool).await?;
        }
        Ok(FileReply::Filled { len: self.filled, end: self.end && self.gathered.is_empty() })
    }

    /// Takes frames until a batch is full or `upto` is reached. Cancelled, what was taken stays for the next time.
    async fn gather(&mut self, upto: u64, cancel: &Cancel) -> Result<(), FileFault> {
        while !self.end && self.gathered_len < BATCH && self.filled + self.gathered_len < upto {
            match select(cancel.clone(), self.stream.next()).await {
                Either::Left(_) => return Err(FileFault::new(FileFaultKind::Cancelled, "")),
                Either::Right((Some(Ok(frame)), _)) => {
                    self.gathered_len += frame.len() as u64;
                    self.gathered.push(frame);
                }
                Either::Right((Some(Err(error)), _)) => {
                    let fault = FileFault::new(FileFaultKind::Io, format!("the source's stream: {error}"));
                    self.failed = Some(fault.clone());
                    return Err(fault);
                }
                Either::Right((None, _)) => self.end = true,
            }
        }
        Ok(())
    }

    async fn store(&mut self, spool: &dyn Storage) -> Result<(), FileFault> {
        if self.gathered_len == 0 {
            self.gathered.clear();
            return Ok(());
        }
        // Bytes are cheap to clone; a write that fails (disk full) can be tried again.
        let batch = Batch { frames: self.gathered.clone(), hasher: None };
        spool.write(self.filled, batch).await?;
        self.filled += self.gathered_len;
        self.gathered_len = 0;
        self.gathered.clear();
        Ok(())
    }
}

impl Storage for SpooledSource {
    fn run(&self, op: FileOp, cancel: Cancel) -> BoxFuture<'static, Result<FileReply, FileFault>> {
        let (spool, feed) = (Arc::clone(&self.spool), Arc::clone(&self.feed));
        async move {
            match op {
                FileOp::Stat => {
                    let feed = feed.lock().await;
                    let len = (feed.end && feed.gathered.is_empty()).then_some(feed.filled);
                    Ok(FileReply::Source { len, fingerprint: None })
                }
                FileOp::Fill { upto } => feed.lock().await.fill(&*spool, upto, &cancel).await,
                FileOp::Digest { .. } => spool.run(op, cancel).await,
                FileOp::Remove => spool.run(op, cancel).await,
                FileOp::Release | FileOp::Sync => Ok(FileReply::Done),
                _ => Err(FileFault::new(FileFaultKind::Unusable, "a stream cannot be a target")),
            }
        }
        .boxed()
    }

    fn read(&self, offset: u64, chunk: Chunk) -> BoxFuture<'static, Result<Chunk, FileFault>> {
        self.spool.read(offset, chunk)
    }

    fn write(&self, _: u64, _: Batch) -> BoxFuture<'static, Result<Batch, FileFault>> {
        futures::future::ready(Err(FileFault::new(FileFaultKind::Unusable, "a stream cannot be a target"))).boxed()
    }

    fn attach(&self, link: Link) {
        self.spool.attach(link);
    }

    fn ended(&self, end: &longhaul_core::event::End) {
        self.spool.ended(end);
    }
}

impl fmt::Debug for SpooledSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpooledSource").finish_non_exhaustive()
    }
}
