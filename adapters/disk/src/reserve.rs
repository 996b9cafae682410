//! Before the first byte: where a download goes, whether it may, and room for it.

use std::fs::Metadata;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{fmt, io};

use longhaul_core::error::{FileFault, FileFaultKind};
use longhaul_core::time::Wall;

use crate::fault::{at, fault};
use crate::names::{folder, is_component};
use crate::sys;
use crate::temporary::Temporary;

/// What to do about a target that exists.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Overwrite {
    /// Fail with [`FileFaultKind::Exists`], before anything is fetched.
    Never,
    /// Do nothing when it has the object's size and time; replace it otherwise, or where the server tells neither.
    IfChanged,
    /// Replace it, once the new content is complete and verified.
    #[default]
    Always,
}

/// Turns the name a server suggests into one to use, or refuses it.
pub(crate) type Naming = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Where a target is to be.
#[derive(Clone)]
pub(crate) enum Place {
    /// Exactly there.
    File(PathBuf),
    /// In this folder, by the name the server suggests if it is usable, else by `fallback`.
    Folder { folder: PathBuf, fallback: String, naming: Naming },
}

impl Place {
    /// The path for an object that the server calls `name`, symbolic links followed, and what is there: two names of one file meet
    /// in one.
    pub(crate) fn resolve(&self, name: Option<&str>) -> Result<(PathBuf, Option<Metadata>), FileFault> {
        let path = match self {
            Self::File(path) => path.clone(),
            Self::Folder { folder, fallback, naming } => {
                let suggested = name.and_then(|name| naming(name)).filter(|name| is_component(name));
                let name = suggested.as_deref().unwrap_or(fallback);
                if !is_component(name) {
                    return Err(FileFault::new(
                        FileFaultKind::Unusable,
                        format!("{name:?} is not a file name; give one"),
                    ));
                }
                folder.join(name)
            }
        };
        follow(path)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Folder { folder, fallback, .. } => {
                f.debug_struct("Folder").field("folder", folder).field("fallback", fallback).finish_non_exhaustive()
            }
        }
    }
}

/// Follows symbolic links at the end of `path`, also to where nothing is yet.
fn follow(mut path: PathBuf) -> Result<(PathBuf, Option<Metadata>), FileFault> {
    // As many as Linux follows.
    for _ in 0..40 {
        match look(&path)? {
            Some(metadata) if metadata.is_symlink() => {
                let to = std::fs::read_link(&path).map_err(|error| fault("follow", &path, &error))?;
                path = folder(&path).join(to);
            }
            there => return Ok((path, there)),
        }
    }
    Err(at(FileFaultKind::Unusable, &path, "is a symbolic link that leads in a circle"))
}

/// What is at `path`, if anything is.
fn look(path: &Path) -> Result<Option<Metadata>, FileFault> {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(fault("look at", path, &error)),
    }
}

/// What is at `target`: nothing, or a file that may be replaced one day.
pub(crate) fn existing(target: &Path) -> Result<Option<Metadata>, FileFault> {
    replaceable(target, look(target)?)
}

fn replaceable(target: &Path, there: Option<Metadata>) -> Result<Option<Metadata>, FileFault> {
    match there {
        Some(metadata) if metadata.is_dir() => {
            Err(at(FileFaultKind::Unusable, target, "is a folder; name a file in it"))
        }
        Some(metadata) if !metadata.is_file() => {
            let what = sys::describe_special(&metadata);
            Err(at(FileFaultKind::Unusable, target, &format!("is {what}; only a regular file can be a target")))
        }
        there => Ok(there),
    }
}

/// Whether the policy lets an object be fetched at all.
pub(crate) enum Permit {
    /// Go on; this is what will be replaced.
    Fetch(Option<Metadata>),
    /// The target has it already.
    Unchanged,
}

/// Asks `policy` about an object of `total` bytes from `modified`, with `there` at its place.
pub(crate) fn permit(
    policy: Overwrite,
    target: &Path,
    there: Option<Metadata>,
    total: Option<u64>,
    modified: Option<Wall>,
) -> Result<Permit, FileFault> {
    let Some(metadata) = replaceable(target, there)? else {
        return Ok(Permit::Fetch(None));
    };
    match policy {
        Overwrite::Never => Err(at(FileFaultKind::Exists, target, "is there already")),
        Overwrite::IfChanged
            if total == Some(metadata.len())
                && modified.is_some_and(|wall| {
                    metadata.modified().is_ok_and(|time| seconds(time) == Some(wall.as_unix()))
                }) =>
        {
            Ok(Permit::Unchanged)
        }
        _ => Ok(Permit::Fetch(Some(metadata))),
    }
}

/// Makes `temporary`, which has `there` bytes, ready for `total` bytes: with what an earlier run left when `keep`, else empty. Returns how
/// much was kept. `published` is what may be that run's, under the name it gave it before it died.
pub(crate) fn prepare(
    temporary: &Temporary,
    there: u64,
    replaced: Option<&Metadata>,
    published: Option<&Path>,
    total: Option<u64>,
    keep: bool,
) -> Result<u64, FileFault> {
    let (file, path) = (&temporary.file, temporary.path.as_path());
    // A private file's next version is private from its first byte on.
    if let Some(replaced) = replaced {
        sys::adopt_permissions(replaced, file, true).map_err(|error| fault("set permissions of", path, &error))?;
    }
    // A reserved file has its full length: a shorter one beside a published one is a copy that did not come to its end.
    let (len, kept) = match published.filter(|_| keep && total.is_some_and(|total| there < total)) {
        Some(target) => {
            let copied = copy(target, temporary, total.unwrap_or_default()).is_ok();
            let len = temporary.len()?;
            (len, copied || (there > 0 && len == there))
        }
        None => (there, keep),
    };
    if !kept && len > 0 {
        file.set_len(0).map_err(|error| fault("empty", path, &error))?;
    }
    if let Some(total) = total.filter(|&total| total > 0) {
        sys::reserve(file, total).map_err(|error| fault(&format!("reserve {total} bytes for"), path, &error))?;
    }
    Ok(if kept { len } else { 0 })
}

/// The file at `target`, if it has an object's size and time: then it may be what a run has published that did not live to say
/// so. The core looks at every byte before it believes it.
pub(crate) fn published<'a>(
    target: &'a Path,
    replaced: Option<&Metadata>,
    total: Option<u64>,
    modified: Option<Wall>,
) -> Option<&'a Path> {
    let metadata = replaced?;
    let time = metadata.modified().ok().and_then(seconds);
    let same = total == Some(metadata.len()) && modified.is_none_or(|wall| time == Some(wall.as_unix()));
    (same && metadata.len() > 0).then_some(target)
}

/// Copies what bears the target's name into the temporary file, as durable as a journal takes for granted.
fn copy(target: &Path, temporary: &Temporary, len: u64) -> io::Result<()> {
    let from = sys::open_own(target)?;
    let mut into = &temporary.file;
    into.rewind()?;
    into.set_len(0)?;
    // Somebody may be adding to it.
    io::copy(&mut from.take(len), &mut into)?;
    into.sync_all()?;
    sys::sync_folder(folder(&temporary.path))
}

/// Whole seconds since the epoch, as HTTP dates count.
fn seconds(time: SystemTime) -> Option<i64> {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).ok(),
        Err(before) => i64::try_from(before.duration().as_secs()).ok().map(|seconds| -seconds),
    }
}

/// The system's form of a point in civil time, where it has one.
pub(crate) fn system_time(wall: Wall) -> Option<SystemTime> {
    let span = Duration::from_secs(wall.as_unix().unsigned_abs());
    if wall.as_unix() < 0 { UNIX_EPOCH.checked_sub(span) } else { UNIX_EPOCH.checked_add(span) }
}
