//! A reserved target: the temporary file while it is filled, and how it becomes the finished one.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use longhaul_core::error::{FileFault, FileFaultKind};
use longhaul_core::time::Wall;

use crate::fault::{at, fault};
use crate::names::folder;
use crate::reserve::{Overwrite, existing, system_time};
use crate::sys;
use crate::temporary::Temporary;

/// A temporary file with a place to go to.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) temporary: Temporary,
    pub(crate) target: PathBuf,
    /// Where both are. Open from the beginning: once the file has its name it is too late to find that this cannot be done.
    /// `None`: they are in memory, where nothing is to be synced.
    pub(crate) folder: Option<sys::Folder>,
    /// How long the file has been: it never becomes shorter by our doing before it is finished.
    pub(crate) longest: AtomicU64,
    /// Something bore the target's name when it was reserved.
    pub(crate) replaces: bool,
    /// Room may be reserved in it beyond so many bytes.
    pub(crate) room: u64,
}

impl Open {
    /// Bytes that somebody else cut off would come back as zeros with the next write behind them. `look` gives the length, and so
    /// does this.
    pub(crate) fn uncut(&self, look: impl FnOnce(&Temporary) -> Result<u64, FileFault>) -> Result<u64, FileFault> {
        // In this order: what was long enough before the look is so at the look, whatever others write in between.
        let longest = self.longest.load(Ordering::Acquire);
        let len = look(&self.temporary)?;
        if len < longest {
            return Err(at(FileFaultKind::Lost, &self.temporary.path, "was cut short by somebody else"));
        }
        Ok(len)
    }

    /// Makes the temporary file the finished one, of this length and time, by its name.
    pub(crate) fn publish(
        &self,
        overwrite: Overwrite,
        len: u64,
        modified: Option<Wall>,
        durable: bool,
    ) -> Result<(), FileFault> {
        let durable = self.folder.as_ref().filter(|_| durable);
        finish(self, len, modified)?;
        if self.replaces || !appear(self, durable.is_some())? {
            replace(self, overwrite, durable.is_some())?;
        }
        durable.map_or(Ok(()), sys::Folder::sync).map_err(|error| fault("sync", folder(&self.target), &error))
    }
}

/// Gives the temporary file length and time of the finished one.
fn finish(open: &Open, len: u64, modified: Option<Wall>) -> Result<(), FileFault> {
    let (file, path) = (&open.temporary.file, &open.temporary.path);
    let there = open.uncut(Temporary::check)?;
    if there < len {
        return Err(at(FileFaultKind::Lost, path, "was cut short by somebody else"));
    }
    // Also gives back what was reserved beyond the end.
    if there > len || open.room > len {
        file.set_len(len).map_err(|error| fault("set the length of", path, &error))?;
    }
    if let Some(time) = modified.and_then(system_time) {
        file.set_modified(time).map_err(|error| fault("set the time of", path, &error))?;
    }
    Ok(())
}

/// Gives the finished file its name, where nothing bears it. No: something does by now, or the system cannot tell in one step.
fn appear(open: &Open, durable: bool) -> Result<bool, FileFault> {
    sync(open, durable)?;
    let (from, to): (&Path, &Path) = (&open.temporary.path, &open.target);
    match sys::rename_absent(from, to) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        appeared => appeared.map_err(|error| unnamed(from, to, &error)),
    }
}

/// Gives the finished file, which was synced if nothing was to be replaced, its name and the permissions of what bears it.
fn replace(open: &Open, overwrite: Overwrite, durable: bool) -> Result<(), FileFault> {
    let (from, to): (&Path, &Path) = (&open.temporary.path, &open.target);
    let replaced = existing(to)?;
    if let Some(replaced) = &replaced {
        sys::adopt_permissions(replaced, &open.temporary.file, false)
            .map_err(|error| fault("set permissions of", from, &error))?;
    }
    if open.replaces || replaced.is_some() {
        sync(open, durable)?;
    }
    match overwrite {
        Overwrite::Never => sys::rename_new(from, to),
        Overwrite::IfChanged | Overwrite::Always => std::fs::rename(from, to),
    }
    .map_err(|error| unnamed(from, to, &error))
}

fn sync(open: &Open, durable: bool) -> Result<(), FileFault> {
    if durable {
        open.temporary.file.sync_all().map_err(|error| fault("sync", &open.temporary.path, &error))?;
    }
    Ok(())
}

fn unnamed(from: &Path, to: &Path, error: &io::Error) -> FileFault {
    fault(&format!("rename {} to", from.display()), to, error)
}
