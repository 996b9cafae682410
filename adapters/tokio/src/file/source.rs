//! A file to send.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use longhaul_core::error::{FileFault, FileFaultKind};
use longhaul_core::intent::{FileOp, FileReply};
use longhaul_driver::cancel::Cancel;
use longhaul_driver::storage::{Batch, Chunk, Storage};

use super::fault::{at, fault, unsupported};
use super::{blocking, digests, fill};
use crate::sys;

/// A regular file as the source of an upload.
///
/// Nothing is opened before the transfer asks for the first time. Every look at the file opens it anew and reads go to the file
/// last looked at, so that a file replaced in the meantime shows in the fingerprint and is never mixed with the former one.
#[derive(Clone, Debug)]
pub struct FileSource(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    opened: Mutex<Option<Arc<Opened>>>,
}

#[derive(Debug)]
struct Opened {
    file: File,
    /// Size when it was opened.
    len: u64,
}

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
    /// Opens the file anew and says what it looks like.
    fn stat(&self) -> Result<FileReply, FileFault> {
        let path = &self.path;
        let failed = |error: io::Error| fault("open", path, &error);
        // Looked at first: opening a device or a pipe can do things.
        regular(path, &std::fs::metadata(path).map_err(failed)?)?;
        let file = sys::open_source(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        regular(path, &metadata)?;
        let fingerprint = sys::fingerprint(&metadata);
        self.set(Some(Arc::new(Opened { file, len: metadata.len() })));
        Ok(FileReply::Source { len: Some(metadata.len()), fingerprint: Some(fingerprint) })
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
        let promised = opened.len.saturating_sub(offset).min(chunk.buffer.capacity() as u64);
        if (chunk.buffer.len() as u64) < promised {
            return Err(at(FileFaultKind::Changed, &self.path, "has become shorter"));
        }
        if let Some(hasher) = &mut chunk.hasher {
            hasher.update(&chunk.buffer);
        }
        Ok(chunk)
    }

    fn current(&self) -> Option<Arc<Opened>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, opened: Option<Arc<Opened>>) {
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = opened;
    }
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
        Box::pin(blocking(move || match op {
            FileOp::Stat => inner.stat(),
            FileOp::Fill { .. } => Ok(FileReply::Filled { len: inner.opened()?.len, end: true }),
            FileOp::Digest { algorithm, ranges } => {
                let opened = inner.opened()?;
                digests(&opened.file, &inner.path, algorithm, &ranges, &cancel).map(FileReply::Digests)
            }
            FileOp::Sync => Ok(FileReply::Done),
            FileOp::Remove | FileOp::Release => {
                inner.set(None);
                Ok(FileReply::Done)
            }
            _ => Err(unsupported("a source file cannot be written")),
        }))
    }

    fn read(&self, offset: u64, chunk: Chunk) -> BoxFuture<'static, Result<Chunk, FileFault>> {
        let inner = Arc::clone(&self.0);
        Box::pin(blocking(move || inner.read(offset, chunk)))
    }

    fn write(&self, _: u64, _: Batch) -> BoxFuture<'static, Result<Batch, FileFault>> {
        Box::pin(async { Err(unsupported("a source file cannot be written")) })
    }
}
