//! Checkpoints as small files.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::future::BoxFuture;
use longhaul_core::error::{FileFault, FileFaultKind};
use longhaul_core::intent::JournalOp;
use longhaul_driver::blocking::blocking;
use longhaul_driver::journal::{Journal, JournalName};

use crate::fault::fault;
use crate::names::{Candidates, folder};
use crate::sys;

/// What journals in a folder end with.
const SUFFIX: &str = "journal";

/// Largest journal that is read, in bytes. The engine rewrites them long before.
const LARGEST: u64 = 64 << 20;

/// Keeps each journal in a file that only its owner can read: all in one folder, or downloads' beside their temporary file.
#[derive(Clone, Debug)]
pub struct FileJournal {
    folder: PathBuf,
    beside: bool,
}

impl FileJournal {
    /// Journals in `folder`, which is made when the first is written.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), beside: false }
    }

    /// Journals beside the file their name gives; those whose name gives none in `folder`.
    pub fn beside_or_in(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), beside: true }
    }

    /// Where journals without a file to be beside are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The ids of all journals in the folder, in order. Those beside files are not found.
    ///
    /// # Errors
    /// When the folder cannot be read. A folder that is not there has none.
    pub async fn list(&self) -> Result<Vec<String>, FileFault> {
        let folder = self.folder.clone();
        blocking(move || {
            let entries = match std::fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
                Err(error) => return Err(fault("read", &folder, &error)),
            };
            let mut ids = Vec::new();
            for entry in entries {
                let name = entry.map_err(|error| fault("read", &folder, &error))?.file_name();
                let id =
                    name.to_str().and_then(|name| name.strip_suffix(SUFFIX)).and_then(|name| name.strip_suffix('.'));
                ids.extend(id.filter(|id| is_id(id)).map(String::from));
            }
            ids.sort_unstable();
            Ok(ids)
        })
        .await
    }

    fn place(&self, name: &JournalName) -> Result<Place, FileFault> {
        if !is_id(&name.id) {
            return Err(FileFault::new(FileFaultKind::Unusable, format!("{:?} is not a journal's id", name.id)));
        }
        match name.beside.as_deref().filter(|_| self.beside) {
            Some(file) => {
                let candidates = Candidates::companion(file, SUFFIX).ok_or_else(|| {
                    FileFault::new(FileFaultKind::Unusable, format!("{} does not end with a file name", file.display()))
                })?;
                Ok(Place::Beside(candidates))
            }
            None => Ok(Place::Folder(self.folder.clone(), self.folder.join(format!("{}.{SUFFIX}", name.id)))),
        }
    }
}

/// Safe as a file name on any system, as [`JournalName::id`] promises.
fn is_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Where one journal may be.
enum Place {
    Folder(PathBuf, PathBuf),
    /// The first of these that nobody else's file occupies.
    Beside(Candidates),
}

/// The first of `candidates` that nobody else's file occupies. Only files of our own, never links, are taken for existing.
fn beside(candidates: &Candidates) -> Result<(PathBuf, Option<File>), FileFault> {
    for path in candidates.iter() {
        match sys::open_own(&path) {
            Ok(file) => return Ok((path, Some(file))),
            // Elsewhere a link that leads nowhere looks the same.
            Err(error) if cfg!(unix) && error.kind() == io::ErrorKind::NotFound => return Ok((path, None)),
            Err(_) if std::fs::symlink_metadata(&path).is_err() => return Ok((path, None)),
            Err(_) => {}
        }
    }
    let words = format!("{} and the names after it belong to somebody else", candidates.first().display());
    Err(FileFault::new(FileFaultKind::Denied, words))
}

impl Place {
    /// The path to use.
    fn path(&self) -> Result<PathBuf, FileFault> {
        match self {
            Self::Folder(_, path) => Ok(path.clone()),
            Self::Beside(candidates) => beside(candidates).map(|(path, _)| path),
        }
    }

    /// The path to use, and what is there to be read.
    fn open(&self) -> Result<(PathBuf, Option<File>), FileFault> {
        match self {
            Self::Folder(_, path) => match sys::open_source(path) {
                Ok(file) => Ok((path.clone(), Some(file))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((path.clone(), None)),
                Err(error) => Err(fault("open", path, &error)),
            },
            Self::Beside(candidates) => beside(candidates),
        }
    }

    fn folder(&self) -> &Path {
        match self {
            Self::Folder(folder, _) => folder,
            Self::Beside(candidates) => folder(candidates.first()),
        }
    }

    fn run(&self, op: &JournalOp, durable: bool) -> Result<(), FileFault> {
        match op {
            JournalOp::Append(frames) => self.append(frames, durable),
            JournalOp::Replace(frames) => self.replace(frames, durable),
            JournalOp::Remove => self.remove(durable),
            _ => Err(FileFault::new(FileFaultKind::Unusable, "an unknown journal operation")),
        }
    }

    fn append(&self, frames: &[u8], durable: bool) -> Result<(), FileFault> {
        let path = self.path()?;
        let (mut file, new) = match OpenOptions::new().append(true).open(&path) {
            Ok(file) => (file, false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (self.create(&path)?, true),
            Err(error) => return Err(fault("open", &path, &error)),
        };
        let before = file.metadata().map_err(|error| fault("look at", &path, &error))?.len();
        file.write_all(frames).map_err(|error| {
            // What follows a torn frame could not be read.
            let _ = file.set_len(before);
            fault("write", &path, &error)
        })?;
        if durable {
            file.sync_data().map_err(|error| fault("sync", &path, &error))?;
            if new {
                self.sync_folder()?;
            }
        }
        Ok(())
    }

    fn replace(&self, frames: &[u8], durable: bool) -> Result<(), FileFault> {
        let path = self.path()?;
        let mut fresh = path.clone().into_os_string();
        fresh.push(".new");
        let fresh = PathBuf::from(fresh);
        let written = (|| {
            let mut file = match self.create(&fresh) {
                // Left by a crash, or a link somebody put there: either goes.
                Err(taken) if taken.kind == FileFaultKind::Exists => {
                    std::fs::remove_file(&fresh).map_err(|error| fault("remove", &fresh, &error))?;
                    self.create(&fresh)?
                }
                file => file?,
            };
            file.write_all(frames).map_err(|error| fault("write", &fresh, &error))?;
            if durable {
                file.sync_all().map_err(|error| fault("sync", &fresh, &error))?;
            }
            std::fs::rename(&fresh, &path).map_err(|error| fault("replace", &path, &error))
        })();
        if written.is_err() {
            let _ = std::fs::remove_file(&fresh);
        }
        written?;
        if durable { self.sync_folder() } else { Ok(()) }
    }

    fn remove(&self, durable: bool) -> Result<(), FileFault> {
        let path = self.path()?;
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(fault("remove", &path, &error)),
            Ok(()) if durable => self.sync_folder(),
            Ok(()) => Ok(()),
        }
    }

    fn create(&self, path: &Path) -> Result<File, FileFault> {
        match sys::create(path, true) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && matches!(self, Self::Folder(..)) => {
                let folder = self.folder();
                std::fs::create_dir_all(folder).map_err(|error| fault("create", folder, &error))?;
                sys::create(path, true)
            }
            result => result,
        }
        .map_err(|error| fault("create", path, &error))
    }

    fn sync_folder(&self) -> Result<(), FileFault> {
        let folder = self.folder();
        sys::sync_folder(folder).map_err(|error| fault("sync", folder, &error))
    }

    fn load(&self) -> Result<Option<Bytes>, FileFault> {
        let (path, Some(file)) = self.open()? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| fault("read", &path, &error))?;
        if bytes.len() as u64 > LARGEST {
            let words = format!("{} is larger than any journal; remove it", path.display());
            return Err(FileFault::new(FileFaultKind::Unusable, words));
        }
        Ok(Some(bytes.into()))
    }
}

impl Journal for FileJournal {
    fn run(&self, name: &JournalName, op: JournalOp, durable: bool) -> BoxFuture<'static, Result<(), FileFault>> {
        let place = self.place(name);
        blocking(move || place?.run(&op, durable))
    }

    fn load(&self, name: &JournalName) -> BoxFuture<'static, Result<Option<Bytes>, FileFault>> {
        let place = self.place(name);
        blocking(move || place?.load())
    }
}
