//! A nameless file to spool to.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use futures::stream::{self, Stream};
use longhaul_core::error::{FileFault, FileFaultKind};
use longhaul_core::intent::{FileOp, FileReply};
use longhaul_driver::cancel::Cancel;
use longhaul_driver::spool::SpooledSource;
use longhaul_driver::storage::{Batch, Chunk, Storage};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::fault::{at, fault, unsupported};
use super::{blocking, digests, fill};
use crate::sys;

/// How much is read from an `AsyncRead` at once.
const READ: usize = 256 << 10;

/// A private file without a name: written and read again by one upload, gone with it or with the process.
///
/// To upload what has no known length: [`SpoolFile::source`].
#[derive(Clone, Debug)]
pub struct SpoolFile(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    file: Mutex<Option<Arc<File>>>,
}

impl Default for SpoolFile {
    /// In the system's folder for temporary files.
    fn default() -> Self {
        Self::in_folder(std::env::temp_dir())
    }
}

impl SpoolFile {
    /// On the file system of `folder`. Nothing is created before something is to be stored.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self(Arc::new(Inner { folder: folder.into(), file: Mutex::default() }))
    }

    /// The source of an upload of what `reader` gives until its end, spooled here as far as the upload needs it.
    pub fn source(self, reader: impl AsyncRead + Send + 'static) -> SpooledSource {
        SpooledSource::new(frames(reader), Arc::new(self))
    }
}

/// What `reader` gives, in frames, until its end or first error.
fn frames(reader: impl AsyncRead + Send + 'static) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    stream::unfold(Some(Box::pin(reader)), |reader| async {
        let mut reader = reader?;
        let mut buffer = BytesMut::with_capacity(READ);
        match reader.read_buf(&mut buffer).await {
            Ok(0) => None,
            Ok(_) => Some((Ok(buffer.freeze()), Some(reader))),
            Err(error) => Some((Err(error), None)),
        }
    })
}

impl Inner {
    /// The file, created when there is none.
    fn open(&self) -> Result<Arc<File>, FileFault> {
        let mut slot = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &*slot {
            return Ok(Arc::clone(file));
        }
        let file =
            sys::create_unnamed(&self.folder).map_err(|error| fault("create a file in", &self.folder, &error))?;
        Ok(Arc::clone(slot.insert(Arc::new(file))))
    }

    fn there(&self) -> Result<Arc<File>, FileFault> {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner).clone();
        file.ok_or_else(|| at(FileFaultKind::Lost, &self.folder, "holds no spool"))
    }

    fn run(&self, op: FileOp, cancel: &Cancel) -> Result<FileReply, FileFault> {
        match op {
            FileOp::Reserve { total, .. } => {
                let file = self.open()?;
                let failed = |error: io::Error| fault("reserve space in", &self.folder, &error);
                file.set_len(0).map_err(failed)?;
                if let Some(total) = total.filter(|&total| total > 0) {
                    sys::reserve(&file, total).map_err(failed)?;
                }
                Ok(FileReply::Reserved { kept: false })
            }
            FileOp::Digest { algorithm, ranges } => {
                digests(&*self.there()?, &self.folder, algorithm, &ranges, cancel).map(FileReply::Digests)
            }
            FileOp::Remove => {
                *self.file.lock().unwrap_or_else(PoisonError::into_inner) = None;
                Ok(FileReply::Done)
            }
            // There is nothing a later run could continue with.
            FileOp::Sync | FileOp::Release => Ok(FileReply::Done),
            _ => Err(unsupported("a spool has no name and no end of its own")),
        }
    }
}

impl Storage for SpoolFile {
    fn run(&self, op: FileOp, cancel: Cancel) -> BoxFuture<'static, Result<FileReply, FileFault>> {
        let inner = Arc::clone(&self.0);
        Box::pin(blocking(move || inner.run(op, &cancel)))
    }

    fn read(&self, offset: u64, mut chunk: Chunk) -> BoxFuture<'static, Result<Chunk, FileFault>> {
        let inner = Arc::clone(&self.0);
        Box::pin(blocking(move || {
            chunk.buffer.clear();
            let filled = fill(&*inner.there()?, offset, &mut chunk.buffer);
            filled.map_err(|error| fault("read the spool in", &inner.folder, &error))?;
            if let Some(hasher) = &mut chunk.hasher {
                hasher.update(&chunk.buffer);
            }
            Ok(chunk)
        }))
    }

    fn write(&self, offset: u64, mut batch: Batch) -> BoxFuture<'static, Result<Batch, FileFault>> {
        let inner = Arc::clone(&self.0);
        Box::pin(blocking(move || {
            sys::write_all(&*inner.open()?, offset, &batch.frames)
                .map_err(|error| fault("spool to", &inner.folder, &error))?;
            super::hash_and_clear(&mut batch);
            Ok(batch)
        }))
    }
}
