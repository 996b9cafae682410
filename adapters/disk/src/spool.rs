//! A nameless file to spool to.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use longhaul_core::error::{FileFault, FileFaultKind};
use longhaul_core::intent::{FileOp, FileReply};
use longhaul_driver::blocking::{blocking, copying};
use longhaul_driver::cancel::Cancel;
use longhaul_driver::storage::{Batch, Chunk, Storage};

use crate::content::{digests, fill, hash_and_clear};
use crate::fault::{at, fault, unsupported};
use crate::sys;

/// A private file without a name: written and read again by one upload, gone with it or with the process.
///
/// To upload what has no known length, give it to a [`SpooledSource`](longhaul_driver::spool::SpooledSource).
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
        blocking(move || inner.run(op, &cancel))
    }

    fn read(&self, offset: u64, mut chunk: Chunk) -> BoxFuture<'static, Result<Chunk, FileFault>> {
        let inner = Arc::clone(&self.0);
        copying(chunk.buffer.capacity(), move || {
            chunk.buffer.clear();
            let filled = fill(&*inner.there()?, offset, &mut chunk.buffer);
            filled.map_err(|error| fault("read the spool in", &inner.folder, &error))?;
            if let Some(hasher) = &mut chunk.hasher {
                hasher.update(&chunk.buffer);
            }
            Ok(chunk)
        })
    }

    fn write(&self, offset: u64, mut batch: Batch) -> BoxFuture<'static, Result<Batch, FileFault>> {
        let inner = Arc::clone(&self.0);
        copying(batch.len(), move || {
            sys::write_all(&*inner.open()?, offset, &batch.frames)
                .map_err(|error| fault("spool to", &inner.folder, &error))?;
            hash_and_clear(&mut batch);
            Ok(batch)
        })
    }
}
