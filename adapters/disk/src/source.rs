//! A file to send.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;
use longhaul_core::error::{FileFault, FileFaultKind};
use longhaul_core::intent::{FileOp, FileReply, Fingerprint};
use longhaul_driver::blocking::{blocking, copying};
use longhaul_driver::cancel::Cancel;
#[cfg(target_os = "linux")]
use longhaul_driver::hash::Hasher;
#[cfg(target_os = "linux")]
use longhaul_driver::storage::Span;
use longhaul_driver::storage::{Batch, Chunk, Storage};

use crate::content::{digests, fill};
use crate::fault::{at, fault, unsupported};
use crate::sys;

/// A regular file as the source of an upload.
///
/// Nothing is opened before the transfer asks for the first time. Every look at the file opens it anew, unless what lies there is
/// the very file that is open, as it was when it was opened; reads go to the file last looked at, so that a file replaced in the meantime shows in the fingerprint and is never mixed with the former one. After
/// each read the open file is looked at again: bytes are only handed on while nobody has written to it, whatever it pretends its
/// modification time to be. Who writes through a shared memory map is not noticed before the system has written the pages back: only
/// then do the file's times change. A protocol that compares digests notices it, and so does a storage around this one that does.
#[derive(Clone, Debug)]
pub struct FileSource(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    opened: Mutex<Option<Arc<Opened>>>,
}

#[derive(Debug)]
struct Opened {
    file: Arc<File>,
    /// Its file system is memory: nothing has to be waited for.
    #[cfg(target_os = "linux")]
    of_memory: bool,
    #[cfg(target_os = "linux")]
    identity: sys::Identity,
    /// What it looked like when it was opened.
    fingerprint: Fingerprint,
}

/// No more than this is read by whoever asks: as much as it gives to a socket at once.
#[cfg(target_os = "linux")]
const QUICK: usize = 256 << 10;

#[cfg(target_os = "linux")]
impl Opened {
    /// Whether a range can be had without waiting, as far as samples of it tell.
    fn is_in_memory(&self, offset: u64, len: usize) -> bool {
        self.of_memory || sys::is_in_memory(&self.file, offset, len)
    }
}

/// File systems keep time in steps of up to this size. A write within the same step as a look would go unnoticed, so a file that
/// was touched just now is given time to grow older.
const TIME_STEP: Duration = Duration::from_millis(20);

impl FileSource {
    /// The file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(Arc::new(Inner { path: path.into(), opened: Mutex::new(None) }))
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }
}

impl Inner {
    /// Says what the file looks like, and opens it if that is not what is open.
    fn stat(&self) -> Result<FileReply, FileFault> {
        if let Some(fingerprint) = self.unchanged() {
            return Ok(FileReply::Source { len: Some(fingerprint.len), fingerprint: Some(fingerprint) });
        }
        let path = &self.path;
        let failed = |error: io::Error| fault("open", path, &error);
        // Looked at first: opening a device or a pipe can do things.
        regular(path, &std::fs::metadata(path).map_err(failed)?)?;
        let file = sys::open_source(path).map_err(failed)?;
        let mut metadata = file.metadata().map_err(failed)?;
        regular(path, &metadata)?;
        if touched_just_now(&sys::fingerprint(&metadata)) {
            grow_older();
            metadata = file.metadata().map_err(failed)?;
        }
        let fingerprint = sys::fingerprint(&metadata);
        self.set(Some(Arc::new(Opened {
            #[cfg(target_os = "linux")]
            of_memory: sys::is_of_memory(&file),
            #[cfg(target_os = "linux")]
            identity: sys::identity(&metadata),
            file: Arc::new(file),
            fingerprint,
        })));
        Ok(FileReply::Source { len: Some(fingerprint.len), fingerprint: Some(fingerprint) })
    }

    /// What the open file looks like, if it still lies there and nobody has written to it.
    #[cfg(target_os = "linux")]
    fn unchanged(&self) -> Option<Fingerprint> {
        let opened = self.current()?;
        let there = sys::look_anew(&self.path).ok()?;
        (there == (opened.identity, opened.fingerprint)).then_some(opened.fingerprint)
    }

    #[cfg(not(target_os = "linux"))]
    fn unchanged(&self) -> Option<Fingerprint> {
        None
    }

    fn opened(&self) -> Result<Arc<Opened>, FileFault> {
        if let Some(opened) = self.current() {
            return Ok(opened);
        }
        self.stat()?;
        self.current().ok_or_else(|| at(FileFaultKind::Changed, &self.path, "was let go of"))
    }

    fn read(&self, offset: u64, mut chunk: Chunk) -> Result<Chunk, FileFault> {
        let opened = self.opened()?;
        chunk.buffer.clear();
        fill(&opened.file, offset, &mut chunk.buffer).map_err(|error| match error.kind() {
            io::ErrorKind::StaleNetworkFileHandle => at(FileFaultKind::Changed, &self.path, "was replaced"),
            _ => fault("read", &self.path, &error),
        })?;
        let now = opened.file.metadata().map_err(|error| fault("look at", &self.path, &error))?;
        if sys::fingerprint(&now) != opened.fingerprint {
            return Err(at(FileFaultKind::Changed, &self.path, "was written to or replaced"));
        }
        let promised = opened.fingerprint.len.saturating_sub(offset).min(chunk.buffer.capacity() as u64);
        if (chunk.buffer.len() as u64) < promised {
            return Err(at(FileFaultKind::Changed, &self.path, "has become shorter"));
        }
        if let Some(hasher) = &mut chunk.hasher {
            hasher.update(&chunk.buffer);
        }
        Ok(chunk)
    }

    /// Whether a read takes less than to have a thread do it, and to fetch what it read from that thread's processor.
    #[cfg(target_os = "linux")]
    fn is_quick(&self, offset: u64, chunk: &Chunk) -> bool {
        let Some(opened) = self.current() else { return false };
        let len = opened.fingerprint.len.saturating_sub(offset).min(chunk.buffer.capacity() as u64);
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        len <= QUICK && chunk.hasher.as_ref().is_none_or(Hasher::is_quick) && opened.is_in_memory(offset, len)
    }

    #[cfg(not(target_os = "linux"))]
    fn is_quick(&self, _: u64, _: &Chunk) -> bool {
        false
    }

    /// A range for the kernel to send, while all is well with it.
    #[cfg(target_os = "linux")]
    fn span(&self, offset: u64, len: usize) -> Option<Span> {
        let opened = self.current()?;
        let whole = offset.checked_add(len as u64).is_some_and(|end| end <= opened.fingerprint.len);
        if !whole || !opened.is_in_memory(offset, len) {
            return None;
        }
        let now = opened.file.metadata().ok()?;
        (sys::fingerprint(&now) == opened.fingerprint).then(|| Span { file: Arc::clone(&opened.file), offset, len })
    }

    fn current(&self) -> Option<Arc<Opened>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, opened: Option<Arc<Opened>>) {
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = opened;
    }
}

/// Whether a write that follows could bear the same times.
#[expect(clippy::disallowed_methods, reason = "compared with the file's own times, which are of this clock")]
fn touched_just_now(fingerprint: &Fingerprint) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let touched = Duration::from_nanos(u64::try_from(fingerprint.modified.max(fingerprint.changed)).unwrap_or(0));
    now.saturating_sub(touched) < TIME_STEP
}

#[expect(clippy::disallowed_methods, reason = "on a thread for blocking work, once per look at a file just written")]
fn grow_older() {
    std::thread::sleep(TIME_STEP);
}

fn regular(path: &Path, metadata: &std::fs::Metadata) -> Result<(), FileFault> {
    if metadata.is_file() {
        Ok(())
    } else if metadata.is_dir() {
        Err(at(FileFaultKind::Unusable, path, "is a folder; name a file"))
    } else {
        let what = sys::describe_special(metadata);
        Err(at(FileFaultKind::Unusable, path, &format!("is {what}; send its content as a stream instead")))
    }
}

impl Storage for FileSource {
    fn run(&self, op: FileOp, cancel: Cancel) -> BoxFuture<'static, Result<FileReply, FileFault>> {
        let inner = Arc::clone(&self.0);
        if matches!(op, FileOp::Sync | FileOp::Remove | FileOp::Release) {
            // A file that was only read is closed without waiting for anything: not worth waking a thread.
            if op != FileOp::Sync {
                inner.set(None);
            }
            return Box::pin(std::future::ready(Ok(FileReply::Done)));
        }
        blocking(move || match op {
            FileOp::Stat => inner.stat(),
            FileOp::Fill { .. } => Ok(FileReply::Filled { len: inner.opened()?.fingerprint.len, end: true }),
            FileOp::Digest { algorithm, ranges } => {
                let opened = inner.opened()?;
                digests(&opened.file, &inner.path, algorithm, &ranges, &cancel).map(FileReply::Digests)
            }
            _ => Err(unsupported("a source file cannot be written")),
        })
    }

    fn read(&self, offset: u64, chunk: Chunk) -> BoxFuture<'static, Result<Chunk, FileFault>> {
        let inner = Arc::clone(&self.0);
        if inner.is_quick(offset, &chunk) {
            return Box::pin(async move { inner.read(offset, chunk) });
        }
        copying(chunk.buffer.capacity(), move || inner.read(offset, chunk))
    }

    #[cfg(target_os = "linux")]
    fn span(&self, offset: u64, len: usize) -> Option<Span> {
        self.0.span(offset, len)
    }

    fn write(&self, _: u64, _: Batch) -> BoxFuture<'static, Result<Batch, FileFault>> {
        Box::pin(async { Err(unsupported("a source file cannot be written")) })
    }
}
