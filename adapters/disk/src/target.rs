//! A file to receive.

use std::fs::File;
use std::io;
use std::path::PathBuf;
#[cfg(target_os = "linux")]
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use futures::future::BoxFuture;
use futures::lock::Mutex as Turn;
use longhaul_core::error::{FileFault, FileFaultKind};
use longhaul_core::intent::{FileOp, FileReply};
use longhaul_core::time::Wall;
use longhaul_driver::blocking::{blocking, copying};
use longhaul_driver::cancel::Cancel;
use longhaul_driver::hash::Hasher;
#[cfg(target_os = "linux")]
use longhaul_driver::storage::Pipe;
use longhaul_driver::storage::{Batch, Chunk, Storage};

use crate::content::{digests, hash_and_clear};
use crate::fault::{fault, unsupported};
#[cfg(target_os = "linux")]
use crate::line::Line;
use crate::names::folder;
use crate::open::Open;
use crate::reserve::{Naming, Overwrite, Permit, Place, permit, prepare, published};
use crate::sys;
use crate::temporary::{Found, Temporary, candidates};

/// In memory so many bytes are written at once, by whoever has them: they are still in that processor's cache.
const QUICK: usize = 256 << 10;

/// A regular file as the target of a download.
///
/// Content goes to a hidden temporary file in the same folder (`.NAME.longhaul`), which is locked: one transfer, of whatever
/// process, works on a target at a time. The target itself is not touched before its new content is complete; then it is
/// replaced in one step. A broken download leaves the temporary file for the next run to continue.
#[derive(Clone, Debug)]
pub struct FileTarget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    place: Place,
    overwrite: Overwrite,
    /// Held shared while bytes are written or read, alone while the file is opened, renamed or let go of: a write whose caller
    /// has gone can never reach a published file.
    open: RwLock<Option<Open>>,
    /// The file system wants what it writes from memory, and not from pipes.
    #[cfg(target_os = "linux")]
    from_memory: AtomicBool,
    /// Writes from pipes, once there are any.
    #[cfg(target_os = "linux")]
    line: OnceLock<Line>,
    /// It lies in a file system of memory, where a write waits for nothing.
    of_memory: AtomicBool,
    /// Writes there take turns: the system lets one thread at a time write to a file, and others that try burn their time.
    turn: Turn<()>,
    /// Target and temporary file as last reserved. Apart, because the lock above may be held for as long as a disk takes.
    paths: Mutex<Option<(PathBuf, PathBuf)>>,
}

impl FileTarget {
    /// The file at `path`. Symbolic links are followed: what they point to is replaced, not they.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self::at(Overwrite::default(), Place::File(path.into()))
    }

    /// A file in `folder` by the name the server suggests, or by the name `fallback` where it suggests none.
    ///
    /// `naming` makes suggestions safe, or refuses them. Whatever it returns is checked again: a name that is not a single
    /// ordinary path component is never used.
    pub fn in_folder(
        folder: impl Into<PathBuf>,
        fallback: impl Into<String>,
        naming: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let naming: Naming = Arc::new(naming);
        Self::at(Overwrite::default(), Place::Folder { folder: folder.into(), fallback: fallback.into(), naming })
    }

    /// What to do when the target exists. Default [`Overwrite::Always`].
    #[must_use]
    pub fn overwrite(self, overwrite: Overwrite) -> Self {
        Self::at(overwrite, self.0.place.clone())
    }

    fn at(overwrite: Overwrite, place: Place) -> Self {
        Self(Arc::new(Inner {
            place,
            overwrite,
            open: RwLock::default(),
            #[cfg(target_os = "linux")]
            from_memory: AtomicBool::new(false),
            #[cfg(target_os = "linux")]
            line: OnceLock::default(),
            of_memory: AtomicBool::new(false),
            turn: Turn::default(),
            paths: Mutex::default(),
        }))
    }

    /// Where the file is or will be: once reserved for sure, before that as far as it can be told (not in a folder, where the
    /// server has a say).
    #[must_use]
    pub fn path(&self) -> Option<PathBuf> {
        self.paths().0
    }

    /// Where the temporary file is or, before it is reserved, should be: the place to keep a journal beside.
    #[must_use]
    pub fn temporary(&self) -> Option<PathBuf> {
        self.paths().1
    }

    /// Both at one look: where the file is or will be, and its temporary file.
    #[must_use]
    pub fn paths(&self) -> (Option<PathBuf>, Option<PathBuf>) {
        if let Some((target, temporary)) = self.0.paths() {
            return (Some(target), Some(temporary));
        }
        let target = self.0.expected();
        let temporary = target.as_deref().and_then(|target| Some(candidates(target).ok()?.into_first()));
        (target, temporary)
    }

    /// The folder the file will be in, as it was given.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        match &self.0.place {
            Place::File(path) => folder(path).to_path_buf(),
            Place::Folder { folder, .. } => folder.clone(),
        }
    }
}

impl Inner {
    fn read(&self) -> RwLockReadGuard<'_, Option<Open>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Option<Open>> {
        self.open.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn paths(&self) -> Option<(PathBuf, PathBuf)> {
        self.paths.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn expected(&self) -> Option<PathBuf> {
        match &self.place {
            Place::File(_) => self.place.resolve(None).ok().map(|(path, _)| path),
            Place::Folder { .. } => None,
        }
    }

    /// Runs `work` on the open file, next to others that do the same.
    fn with<T>(&self, work: impl FnOnce(&Open) -> Result<T, FileFault>) -> Result<T, FileFault> {
        work(self.read().as_ref().ok_or_else(not_reserved)?)
    }

    fn reserve(
        &self,
        total: Option<u64>,
        keep: bool,
        name: Option<&str>,
        modified: Option<Wall>,
    ) -> Result<FileReply, FileFault> {
        let mut slot = self.write();
        let (target, there) = self.place.resolve(name)?;
        let replaced = match permit(self.overwrite, &target, there, total, modified)? {
            Permit::Fetch(replaced) => replaced,
            Permit::Unchanged => return Ok(FileReply::Unchanged),
        };
        let former = slot.take().map(|open| (open.temporary.check(), open));
        let (temporary, found) = match former {
            Some((Ok(len), open)) if open.target == target => (open.temporary, Found { len, blank: false }),
            former => {
                let former = former.map(|(_, open)| open);
                // The server now has another name for it: what lies under the former one is of no use to anybody.
                if let Some(open) = former.filter(|open| open.target != target) {
                    open.temporary.remove()?;
                }
                Temporary::open(&target, true)?.ok_or_else(not_reserved)?
            }
        };
        // Of what an earlier run reserved nothing is known.
        let room = if found.blank { total.unwrap_or(0) } else { u64::MAX };
        let published = published(&target, replaced.as_ref(), total, modified);
        let of_memory = sys::is_of_memory(&temporary.file);
        let folder = folder(&target);
        let opened = if of_memory { Ok(None) } else { sys::Folder::open(folder).map(Some) };
        let opened = opened.map_err(|error| fault("open", folder, &error));
        let prepared = || prepare(&temporary, found.len, replaced.as_ref(), published, total, keep);
        match opened.and_then(|folder| Ok((folder, prepared()?))) {
            Ok((folder, kept)) => {
                let paths = (target.clone(), temporary.path.clone());
                *self.paths.lock().unwrap_or_else(PoisonError::into_inner) = Some(paths);
                self.of_memory.store(of_memory, Ordering::Relaxed);
                let (longest, replaces) = (AtomicU64::new(kept), replaced.is_some());
                *slot = Some(Open { temporary, target, folder, longest, replaces, room });
                Ok(FileReply::Reserved { kept: kept > 0 })
            }
            Err(failed) => {
                // Nothing worth keeping is left behind, least of all on a full disk.
                if !keep || temporary.len().is_ok_and(|len| len == 0) {
                    let _ = temporary.remove();
                }
                Err(failed)
            }
        }
    }

    /// Whether a write takes less than to have a thread do it, which has to fetch the bytes from this one's processor.
    fn is_quick(&self, batch: &Batch) -> bool {
        self.of_memory.load(Ordering::Relaxed)
            && batch.hasher.as_ref().is_none_or(Hasher::is_quick)
            && batch.len() <= 2 * QUICK
    }

    /// Whether to publish waits for nothing: nothing is to be synced, and no former content to be let go of.
    fn only_appears(&self) -> bool {
        let open = || self.open.try_read().is_ok_and(|slot| slot.as_ref().is_some_and(|open| !open.replaces));
        self.of_memory.load(Ordering::Relaxed) && open()
    }

    fn write_batch(&self, offset: u64, mut batch: Batch) -> Result<Batch, FileFault> {
        self.write_by(offset, batch.len(), |file| sys::write_all(file, offset, &batch.frames))?;
        hash_and_clear(&mut batch);
        Ok(batch)
    }

    #[cfg(target_os = "linux")]
    fn write_piped(&self, offset: u64, mut pipe: Pipe, len: usize) -> Result<Pipe, FileFault> {
        let len = len.min(pipe.len);
        self.write_by(offset, len, |file| match sys::write_from_pipe(file, offset, &pipe, len) {
            Err(sys::Unwritten::Refused(left)) => {
                self.from_memory.store(true, Ordering::Relaxed);
                sys::copy_from_pipe(file, offset + (len - left) as u64, &pipe, left)
            }
            Err(sys::Unwritten::Failed(error)) => Err(error),
            Ok(()) => Ok(()),
        })?;
        pipe.len -= len;
        Ok(pipe)
    }

    /// Has `len` bytes written at `offset`, unless somebody has cut the file.
    fn write_by(&self, offset: u64, len: usize, write: impl FnOnce(&File) -> io::Result<()>) -> Result<(), FileFault> {
        self.with(|open| {
            // What has no bytes yet has none to be cut off.
            if open.longest.load(Ordering::Acquire) > 0 {
                open.uncut(Temporary::len)?;
            }
            write(&open.temporary.file).map_err(|error| fault("write", &open.temporary.path, &error))?;
            open.longest.fetch_max(offset.saturating_add(len as u64), Ordering::AcqRel);
            Ok(())
        })
    }

    fn sync(&self) -> Result<FileReply, FileFault> {
        self.with(|open| {
            open.uncut(Temporary::check)?;
            open.temporary.file.sync_data().map_err(|error| fault("sync", &open.temporary.path, &error))?;
            Ok(FileReply::Done)
        })
    }

    fn publish(&self, len: u64, modified: Option<Wall>, durable: bool) -> Result<FileReply, FileFault> {
        let mut slot = self.write();
        let open = slot.as_ref().ok_or_else(not_reserved)?;
        open.publish(self.overwrite, len, modified, durable)?;
        let path = open.target.display().to_string();
        *slot = None;
        Ok(FileReply::Published { path })
    }

    fn remove(&self) -> Result<FileReply, FileFault> {
        let mut slot = self.write();
        match slot.take() {
            Some(open) => open.temporary.remove()?,
            // Cancelled before it was reserved in this run: what an earlier run left goes as well.
            None => {
                let left = self.expected().map(|target| Temporary::open(&target, false)).transpose();
                match left.map(Option::flatten) {
                    Ok(Some((temporary, _))) => temporary.remove()?,
                    Ok(None) => {}
                    Err(failed) if failed.kind == FileFaultKind::NotFound => {}
                    Err(failed) => return Err(failed),
                }
            }
        }
        Ok(FileReply::Done)
    }
}

fn not_reserved() -> FileFault {
    FileFault::new(FileFaultKind::Lost, "the target is not reserved")
}

impl Storage for FileTarget {
    fn run(&self, op: FileOp, cancel: Cancel) -> BoxFuture<'static, Result<FileReply, FileFault>> {
        let inner = Arc::clone(&self.0);
        if let FileOp::Publish { len, modified, durable } = op
            && inner.only_appears()
        {
            return Box::pin(async move { inner.publish(len, modified, durable) });
        }
        blocking(move || match op {
            FileOp::Reserve { total, keep, name, modified } => inner.reserve(total, keep, name.as_deref(), modified),
            FileOp::Digest { algorithm, ranges } => inner
                .with(|open| digests(&open.temporary.file, &open.temporary.path, algorithm, &ranges, &cancel))
                .map(FileReply::Digests),
            FileOp::Sync => inner.sync(),
            FileOp::Publish { len, modified, durable } => inner.publish(len, modified, durable),
            FileOp::Remove => inner.remove(),
            FileOp::Release => {
                *inner.write() = None;
                Ok(FileReply::Done)
            }
            _ => Err(unsupported("a target file cannot be sent")),
        })
    }

    fn read(&self, _: u64, _: Chunk) -> BoxFuture<'static, Result<Chunk, FileFault>> {
        Box::pin(async { Err(unsupported("a target file cannot be sent")) })
    }

    fn write(&self, offset: u64, batch: Batch) -> BoxFuture<'static, Result<Batch, FileFault>> {
        let inner = Arc::clone(&self.0);
        if inner.is_quick(&batch) {
            return Box::pin(async move {
                let _turn = inner.turn.lock().await;
                inner.write_batch(offset, batch)
            });
        }
        copying(batch.len(), move || inner.write_batch(offset, batch))
    }

    fn write_batch(&self) -> Option<usize> {
        self.0.of_memory.load(Ordering::Relaxed).then_some(QUICK)
    }

    #[cfg(target_os = "linux")]
    fn pipe(&self) -> Option<Pipe> {
        if self.0.from_memory.load(Ordering::Relaxed) { None } else { sys::pipe() }
    }

    #[cfg(target_os = "linux")]
    fn write_piped(&self, offset: u64, pipe: Pipe, len: usize) -> BoxFuture<'static, Result<Pipe, FileFault>> {
        let inner = Arc::clone(&self.0);
        if inner.of_memory.load(Ordering::Relaxed) {
            return Box::pin(async move {
                let _turn = inner.turn.lock().await;
                inner.write_piped(offset, pipe, len)
            });
        }
        self.0.line.get_or_init(Line::default).run(len, move || inner.write_piped(offset, pipe, len))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::Write;

    use super::*;

    #[tokio::test]
    async fn a_file_system_that_takes_nothing_from_pipes_gets_it_from_memory_and_the_rest_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let target = FileTarget::new(folder.path().join("a"));
        let reserve = FileOp::Reserve { total: None, keep: false, name: None, modified: None };
        target.run(reserve, Cancel::default()).await.unwrap();
        let content: Vec<u8> = (0..1_000_000_u32).map(|at| (at % 251) as u8).collect();
        let write = async |at: usize| {
            let mut pipe = target.pipe()?;
            (&pipe.writer).write_all(&content[at..]).unwrap();
            pipe.len = content.len() - at;
            Some(target.write_piped(at as u64, pipe, 400_000).await.unwrap().len)
        };
        let Some(left) = write(0).await else { return };
        assert_eq!(left, 600_000);
        // Such files are refused as well.
        let append = |file: &File| Ok(rustix::fs::fcntl_setfl(file, rustix::fs::OFlags::APPEND)?);
        target.0.write_by(0, 0, append).unwrap();
        assert_eq!(write(400_000).await, Some(200_000));
        assert!(target.pipe().is_none(), "nor is it asked again");
        assert!(std::fs::read(target.temporary().unwrap()).unwrap() == content[..800_000]);
    }
}
