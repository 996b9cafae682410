//! A lock file that lasts as long as its process. Whoever has it removes it at the end; what a killed process left the next command
//! sweeps away. A name may so change hands while somebody waits for it: who has got a lock looks whether the name still means that file.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often the file may be removed under us by who had it before.
const ATTEMPTS: u32 = 16;

/// How often, and after which time, a lock is tried again before its owner is believed to be at work: whoever sweeps holds it for a moment.
const PATIENCE: (u32, Duration) = (20, Duration::from_millis(25));

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
        let (times, pause) = PATIENCE;
        for _ in 0..times {
            if let Some(lock) = Self::take_now(path, true)? {
                return Ok(Some(lock));
            }
            std::thread::sleep(pause);
        }
        Self::take_now(path, true)
    }

    /// Locks what a dead process left at `path`; `None` where nothing is, or somebody has it. Not on Windows, where it cannot be told
    /// whether a name still means a file.
    pub(super) fn take_left(path: &Path) -> Option<Self> {
        if cfg!(unix) { Self::take_now(path, false).ok().flatten() } else { None }
    }

    fn take_now(path: &Path, create: bool) -> io::Result<Option<Self>> {
        for _ in 0..ATTEMPTS {
            let file = File::options().write(true).create(create).truncate(false).open(path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                // A file system without locks: nothing guards there, so nothing is taken for left.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported && create => {}
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

#[cfg(all(test, unix))]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use super::*;

    #[test]
    fn what_is_swept_is_never_somebodys_and_nobody_is_turned_away_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let (inside, over) = (AtomicU32::new(0), AtomicBool::new(false));
        // What holds for one who sweeps holds for one who works.
        let alone = |lock: Lock| {
            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two have it");
            std::thread::yield_now();
            assert_eq!(inside.fetch_sub(1, Ordering::SeqCst), 1);
            lock.remove();
        };
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !over.load(Ordering::SeqCst) {
                        Lock::take_left(&path).into_iter().for_each(&alone);
                        // Who does nothing else would win every other time.
                        std::thread::sleep(Duration::from_micros(200));
                    }
                });
            }
            // As left behind half of the time.
            let took = (0..300).all(|round| {
                if round % 2 == 0 {
                    drop(File::options().write(true).create(true).truncate(false).open(&path));
                }
                Lock::take(&path).unwrap().map(&alone).is_some()
            });
            over.store(true, Ordering::SeqCst);
            assert!(took, "nobody is at work");
        });
    }
}
