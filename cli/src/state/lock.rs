//! A lock file that lasts as long as its process, and leaves nothing behind.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// How often the file may be removed under us by who had it before.
const ATTEMPTS: u32 = 16;

/// A locked file. The lock goes with it.
#[derive(Debug)]
pub(super) struct Lock {
    /// Held for its lock.
    _file: File,
    path: PathBuf,
}

impl Lock {
    /// Locks `path`; `None` when somebody else has it.
    pub(super) fn take(path: &Path) -> io::Result<Option<Self>> {
        for _ in 0..ATTEMPTS {
            let file = File::options().write(true).create(true).truncate(false).open(path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                // A file system without locks: nothing guards there.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
            if is_there(&file, path) {
                return Ok(Some(Self { _file: file, path: path.to_owned() }));
            }
        }
        Ok(None)
    }

    /// Removes the file; the lock stays until this is dropped.
    pub(super) fn remove(&self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether `path` still names `file`.
#[cfg(unix)]
fn is_there(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// Whether `path` still names `file`: elsewhere, a file that is open keeps its name.
#[cfg(not(unix))]
fn is_there(_: &File, path: &Path) -> bool {
    path.exists()
}
