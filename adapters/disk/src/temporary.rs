//! The hidden file that a download is written to: found or made, locked, and known to be still there.

use std::fs::{File, Metadata, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use longhaul_core::error::{FileFault, FileFaultKind};

use crate::fault::{at, fault};
use crate::names::Candidates;
use crate::sys::{self, Identity};

/// What hidden files beside a target end with.
const SUFFIX: &str = "longhaul";

/// How often a name may change hands under us before we call it busy.
const ATTEMPTS: u32 = 16;

/// A temporary file, open and locked. The lock goes with it.
#[derive(Debug)]
pub(crate) struct Temporary {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
    identity: Identity,
}

/// The names a temporary file for `target` may have.
pub(crate) fn candidates(target: &Path) -> Result<Candidates, FileFault> {
    Candidates::hidden(target, SUFFIX)
        .ok_or_else(|| at(FileFaultKind::Unusable, target, "does not end with a file name"))
}

impl Temporary {
    /// Opens and locks the temporary file for `target`, or makes it when `create`. `None`: there is none.
    ///
    /// Names that hold something that is not ours to write (another user's file, a link, a folder) are passed over. Ours but
    /// locked is another transfer at work.
    pub(crate) fn open(target: &Path, create: bool) -> Result<Option<(Self, Found)>, FileFault> {
        let candidates = candidates(target)?;
        for path in candidates.iter() {
            match Self::open_at(&path, create)? {
                Opened::Locked(temporary, found) => return Ok(Some((temporary, found))),
                Opened::Missing => return Ok(None),
                Opened::Occupied => {}
            }
        }
        Err(at(FileFaultKind::Denied, candidates.first(), "and the names after it belong to somebody else"))
    }

    fn open_at(path: &Path, create: bool) -> Result<Opened, FileFault> {
        for _ in 0..ATTEMPTS {
            let opened = if create { sys::open_or_create_own(path) } else { sys::open_own(path) };
            let file = match opened {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound && !create => {
                    return Ok(Opened::Missing);
                }
                Err(_) if std::fs::symlink_metadata(path).is_ok() => return Ok(Opened::Occupied),
                Err(error) => return Err(fault(if create { "create" } else { "open" }, path, &error)),
            };
            let metadata = metadata(&file, path)?;
            // A second name might be one that somebody cares about.
            if !metadata.is_file() || sys::names(&metadata) > 1 {
                return Ok(Opened::Occupied);
            }
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(at(FileFaultKind::Busy, path, "is locked by the transfer that writes it"));
                }
                // A file system without locks: nothing guards against a second transfer there.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
                Err(TryLockError::Error(error)) => return Err(fault("lock", path, &error)),
            }
            let temporary = Self { identity: sys::identity(&metadata), file, path: path.to_path_buf() };
            // Whoever held the lock before may have renamed or removed the file.
            if let Ok(len) = temporary.check() {
                let found = Found { len, blank: len == 0 && sys::is_blank(&metadata) };
                return Ok(Opened::Locked(temporary, found));
            }
        }
        Err(at(FileFaultKind::Busy, path, "keeps changing hands"))
    }

    /// Size in bytes.
    pub(crate) fn len(&self) -> Result<u64, FileFault> {
        Ok(metadata(&self.file, &self.path)?.len())
    }

    /// Whether the path still names this file; if not, whatever is written to it is lost. Gives its size in bytes.
    pub(crate) fn check(&self) -> Result<u64, FileFault> {
        match std::fs::symlink_metadata(&self.path) {
            Ok(there) if sys::identity(&there) == self.identity => Ok(there.len()),
            Ok(_) => Err(at(FileFaultKind::Lost, &self.path, "is another file now")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(at(FileFaultKind::Lost, &self.path, "is gone"))
            }
            Err(error) => Err(fault("find", &self.path, &error)),
        }
    }

    /// Removes the file, unless it is no longer there.
    pub(crate) fn remove(self) -> Result<(), FileFault> {
        if self.check().is_err() {
            return Ok(());
        }
        std::fs::remove_file(&self.path).map_err(|error| fault("remove", &self.path, &error))
    }
}

impl Drop for Temporary {
    /// Not left to closing: a process forked meanwhile holds a copy of the handle, and with it the lock, until it runs its own
    /// program.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

/// What a temporary file was when it was locked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    /// Size in bytes.
    pub(crate) len: u64,
    /// No room is reserved in it either.
    pub(crate) blank: bool,
}

enum Opened {
    Locked(Temporary, Found),
    Missing,
    Occupied,
}

fn metadata(file: &File, path: &Path) -> Result<Metadata, FileFault> {
    file.metadata().map_err(|error| fault("look at", path, &error))
}
