//! Local ends in memory: a source over bytes, a target that becomes bytes, and a journal. For small things and for tests.
//!
//! The target keeps a file's rules: content is written in any order, and nothing is there before it is published.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt, ready};
use longhaul_core::ByteRange;
use longhaul_core::digest::{Algorithm, Digest};
use longhaul_core::error::{FileFault, FileFaultKind};
use longhaul_core::intent::{FileOp, FileReply, JournalOp};

use crate::cancel::Cancel;
use crate::hash::Hasher;
use crate::journal::{Journal, JournalName};
use crate::storage::{Batch, Chunk, Storage};

type Reply<T> = Result<T, FileFault>;

/// An upload's source: bytes that cannot change.
#[derive(Clone, Debug)]
pub struct MemorySource(Bytes);

impl MemorySource {
    /// Over `content`.
    #[must_use]
    pub fn new(content: impl Into<Bytes>) -> Self {
        Self(content.into())
    }
}

impl Storage for MemorySource {
    fn run(&self, op: FileOp, _: Cancel) -> BoxFuture<'static, Reply<FileReply>> {
        let len = self.0.len() as u64;
        ready(match op {
            FileOp::Stat => Ok(FileReply::Source { len: Some(len), fingerprint: None }),
            FileOp::Fill { .. } => Ok(FileReply::Filled { len, end: true }),
            FileOp::Digest { algorithm, ranges } => Ok(digests(&self.0, algorithm, &ranges)),
            FileOp::Remove | FileOp::Release | FileOp::Sync => Ok(FileReply::Done),
            _ => Err(unusable("a source in memory cannot be a target")),
        })
        .boxed()
    }

    fn read(&self, offset: u64, chunk: Chunk) -> BoxFuture<'static, Reply<Chunk>> {
        ready(Ok(fill(&self.0, offset, chunk))).boxed()
    }

    fn write(&self, _: u64, _: Batch) -> BoxFuture<'static, Reply<Batch>> {
        ready(Err(unusable("a source in memory cannot be written"))).boxed()
    }
}

/// A download's target: becomes [`content`](Self::content) when it is published. Clones are one target.
#[derive(Clone, Debug)]
pub struct MemoryTarget(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    most: usize,
    /// What a temporary file would hold.
    draft: Option<Vec<u8>>,
    published: Option<Bytes>,
}

impl MemoryTarget {
    /// For at most `most` bytes; a larger object fails as on a full disk.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Mutex::new(Inner { most, draft: None, published: None })))
    }

    /// The content, once it is published.
    #[must_use]
    pub fn content(&self) -> Option<Bytes> {
        self.lock().published.clone()
    }

    /// Bytes written up to now, gaps included.
    #[must_use]
    pub fn draft_len(&self) -> usize {
        self.lock().draft.as_ref().map_or(0, Vec::len)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn run(&mut self, op: FileOp) -> Reply<FileReply> {
        match op {
            FileOp::Reserve { total, keep, .. } => {
                self.check(total.unwrap_or(0))?;
                let kept = keep && self.draft.is_some();
                if !kept {
                    self.draft = Some(Vec::new());
                }
                Ok(FileReply::Reserved { kept })
            }
            FileOp::Digest { algorithm, ranges } => {
                Ok(digests(self.draft.as_deref().unwrap_or_default(), algorithm, &ranges))
            }
            FileOp::Publish { len, .. } => {
                let mut draft = self.draft.take().ok_or_else(lost)?;
                // An object may end before what was reserved, never after what was written.
                let len = usize::try_from(len).ok().filter(|&len| len <= draft.len()).ok_or_else(lost)?;
                draft.truncate(len);
                self.published = Some(draft.into());
                Ok(FileReply::Published { path: String::new() })
            }
            FileOp::Remove => {
                self.draft = None;
                Ok(FileReply::Done)
            }
            FileOp::Sync | FileOp::Release => Ok(FileReply::Done),
            _ => Err(unusable("a target in memory cannot be a source")),
        }
    }

    fn check(&self, end: u64) -> Reply<usize> {
        usize::try_from(end)
            .ok()
            .filter(|&end| end <= self.most)
            .ok_or_else(|| FileFault::new(FileFaultKind::Full, format!("{end} bytes into a memory of {}", self.most)))
    }

    fn write(&mut self, offset: u64, mut batch: Batch) -> Reply<Batch> {
        let end = self.check(offset.saturating_add(batch.len() as u64))?;
        let draft = self.draft.as_mut().ok_or_else(lost)?;
        if draft.len() < end {
            draft.resize(end, 0);
        }
        let mut at = end - batch.len();
        for frame in batch.frames.drain(..) {
            if let Some(hasher) = &mut batch.hasher {
                hasher.update(&frame);
            }
            if let Some(place) = draft.get_mut(at..at + frame.len()) {
                place.copy_from_slice(&frame);
            }
            at += frame.len();
        }
        Ok(batch)
    }
}

impl Storage for MemoryTarget {
    fn run(&self, op: FileOp, _: Cancel) -> BoxFuture<'static, Reply<FileReply>> {
        let reply = self.lock().run(op);
        ready(reply).boxed()
    }

    /// Reads what was written: a target in memory can be the spool of a [`SpooledSource`](crate::spool::SpooledSource).
    fn read(&self, offset: u64, chunk: Chunk) -> BoxFuture<'static, Reply<Chunk>> {
        let inner = self.lock();
        let chunk = fill(inner.draft.as_deref().unwrap_or_default(), offset, chunk);
        ready(Ok(chunk)).boxed()
    }

    fn write(&self, offset: u64, batch: Batch) -> BoxFuture<'static, Reply<Batch>> {
        let reply = self.lock().write(offset, batch);
        ready(reply).boxed()
    }
}

/// Checkpoints kept as long as this value, or a clone of it, lives.
#[derive(Clone, Debug, Default)]
pub struct MemoryJournal(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl MemoryJournal {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The names under which something is kept.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for MemoryJournal {
    fn run(&self, name: &JournalName, op: JournalOp, _: bool) -> BoxFuture<'static, Reply<()>> {
        let mut kept = self.lock();
        let done = match op {
            JournalOp::Replace(frames) => {
                kept.insert(name.id.clone(), frames.into());
                Ok(())
            }
            JournalOp::Append(frames) => {
                kept.entry(name.id.clone()).or_default().extend_from_slice(&frames);
                Ok(())
            }
            JournalOp::Remove => {
                kept.remove(&name.id);
                Ok(())
            }
            _ => Err(unusable("the journal does not know this operation")),
        };
        ready(done).boxed()
    }

    fn load(&self, name: &JournalName) -> BoxFuture<'static, Reply<Option<Bytes>>> {
        let kept = self.lock().get(&name.id).cloned().map(Bytes::from);
        ready(Ok(kept)).boxed()
    }
}

/// The bytes of `range`, if they are all there.
fn slice(content: &[u8], range: ByteRange) -> Option<&[u8]> {
    content.get(usize::try_from(range.start()).ok()?..usize::try_from(range.end()).ok()?)
}

fn digests(content: &[u8], algorithm: Algorithm, ranges: &[ByteRange]) -> FileReply {
    let digest = |range: &ByteRange| -> Option<Digest> {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(slice(content, *range)?);
        hasher.digest()
    };
    FileReply::Digests(ranges.iter().map(digest).collect())
}

fn fill(content: &[u8], offset: u64, mut chunk: Chunk) -> Chunk {
    let rest = usize::try_from(offset).ok().and_then(|offset| content.get(offset..)).unwrap_or_default();
    let bytes = rest.get(..chunk.buffer.capacity()).unwrap_or(rest);
    chunk.buffer.clear();
    chunk.buffer.extend_from_slice(bytes);
    if let Some(hasher) = &mut chunk.hasher {
        hasher.update(bytes);
    }
    chunk
}

fn unusable(what: &str) -> FileFault {
    FileFault::new(FileFaultKind::Unusable, what)
}

fn lost() -> FileFault {
    FileFault::new(FileFaultKind::Lost, "nothing has been reserved, or less than was to be published")
}
