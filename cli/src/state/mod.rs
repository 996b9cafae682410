//! The state folder: one record per unfinished transfer, the journals of uploads, and the locks that keep two processes from
//! one transfer.
//!
//! Records are written whole or not at all, readable by their owner only, and hold no secret.

mod lock;
mod record;

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::exit::{Code, Failure};
use crate::request::Request;
use crate::shown;
use lock::Lock;
pub(crate) use record::{Kind, Record};

/// What records end with.
const SUFFIX: &str = "json";
/// What locks end with.
const LOCK: &str = "lock";
/// What a record ends with while it is written.
const DRAFT: &str = "new";
/// Largest record that is read, in bytes.
const LARGEST: u64 = 256 << 10;

/// Where unfinished transfers are kept.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// None: there is no place, and no transfer is recorded.
    folder: Option<PathBuf>,
    /// Named by the user: then it must work.
    named: bool,
}

impl State {
    /// The folder that was named, or the system's.
    pub(crate) fn new(named: Option<&Path>) -> Result<Self, Failure> {
        let folder = match named {
            Some(folder) if folder.as_os_str().is_empty() => {
                return Err(Failure::usage("--state (or LONGHAUL_STATE) is empty: name a folder, or leave it out"));
            }
            Some(folder) => Some(std::path::absolute(folder).map_err(|error| Failure::disk("find", folder, &error))?),
            None => etcetera::choose_base_strategy()
                .ok()
                .map(|places| places.state_dir().unwrap_or_else(|| places.data_dir()).join("longhaul")),
        };
        folder.iter().for_each(|folder| sweep(folder));
        Ok(Self { folder, named: named.is_some() })
    }

    /// The folder as it has to be named in a command, if it has to.
    pub(crate) fn named(&self) -> Option<&Path> {
        self.folder.as_deref().filter(|_| self.named)
    }

    /// Where journals without a better place are.
    pub(crate) fn journals(&self) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join("journals"))
    }

    /// The entry of `request`, which nobody else has from now on. Only a folder nobody named may be unusable: then nothing is
    /// recorded, and the second value says why.
    pub(crate) fn enter(&self, request: &Request) -> Result<(Option<Entry>, Option<String>), Failure> {
        if !request.is_repeatable() {
            return Ok((None, None));
        }
        let Some(folder) = &self.folder else {
            let words = "there is no home folder to record transfers in; name a folder with --state, or `resume` will not know this one";
            return Ok((None, Some(words.to_owned())));
        };
        match Entry::open(folder, request) {
            Ok(entry) => Ok((Some(entry), None)),
            Err(Refusal::Busy(failure)) => Err(failure),
            Err(Refusal::Unusable(failure)) if self.named => Err(failure),
            Err(Refusal::Unusable(failure)) => {
                let words =
                    format!("{failure}; name another folder with --state, or `resume` will not know this transfer");
                Ok((None, Some(words)))
            }
        }
    }

    /// Every record, the oldest first, and in words what cannot be read.
    pub(crate) fn records(&self) -> Result<(Vec<Record>, Vec<String>), Failure> {
        let Some(folder) = &self.folder else {
            return Err(Failure::usage("there is no home folder to look for records in: name a folder with --state"));
        };
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), Vec::new())),
            Err(error) => return Err(Failure::disk("read", folder, &error)),
        };
        let (mut records, mut trouble) = (Vec::new(), Vec::new());
        for entry in entries {
            let path = entry.map_err(|error| Failure::disk("read", folder, &error))?.path();
            if path.extension().is_none_or(|extension| extension != SUFFIX) {
                continue;
            }
            match read(&path) {
                Ok(record) => records.extend(record),
                Err(words) => {
                    trouble.push(format!("{} is not a usable record ({words}): remove it", shown::path(&path)))
                }
            }
        }
        records.sort_by(|one, other| (one.started, &one.id).cmp(&(other.started, &other.id)));
        Ok((records, trouble))
    }
}

/// The record at `path`; `None` when it has gone meanwhile.
fn read(path: &Path) -> Result<Option<Record>, String> {
    // Opening a pipe would wait for ever.
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err("it is no file".to_owned());
    }
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LARGEST {
        return Err("it is too large".to_owned());
    }
    let id = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    Record::decode(&bytes, id).map(Some)
}

/// Removes locks and half-written records of processes that were killed. What belongs to one at work is locked, and stays.
fn sweep(folder: &Path) {
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let is_id = |id: &str| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let ours = path.file_stem().and_then(|stem| stem.to_str()).is_some_and(is_id);
        if ours
            && path.extension().is_some_and(|extension| extension == LOCK)
            && let Some(lock) = Lock::take_left(&path)
        {
            let _ = fs::remove_file(path.with_extension(DRAFT));
            lock.remove();
        }
    }
}

enum Refusal {
    Busy(Failure),
    Unusable(Failure),
}

/// One transfer's place in the state folder, locked.
#[derive(Debug)]
pub(crate) struct Entry {
    path: PathBuf,
    recorded: bool,
    lock: Lock,
}

impl Entry {
    fn open(folder: &Path, request: &Request) -> Result<Self, Refusal> {
        create_private(folder).map_err(|error| Refusal::Unusable(Failure::disk("create", folder, &error)))?;
        let id = request.id();
        let lock_path = folder.join(format!("{id}.{LOCK}"));
        let lock = match Lock::take(&lock_path) {
            Ok(Some(lock)) => lock,
            Ok(None) => {
                let what = request.path().map(shown::path).unwrap_or_default();
                let words =
                    format!("another process is at work on this {} ({what}): wait for it, or stop it", request.kind());
                return Err(Refusal::Busy(Failure::new(Code::Disk, words)));
            }
            Err(error) => return Err(Refusal::Unusable(Failure::disk("lock", &lock_path, &error))),
        };
        let path = folder.join(format!("{id}.{SUFFIX}"));
        let recorded = path.exists();
        Ok(Self { path, recorded, lock })
    }

    /// Whether an earlier run left a record.
    pub(crate) const fn recorded(&self) -> bool {
        self.recorded
    }

    /// Refuses to go on with an upload whose object the store was told something else of.
    pub(crate) fn check(&self, request: &Request) -> Result<(), Failure> {
        // A record that cannot be read says nothing; it is written anew.
        match read(&self.path) {
            Ok(Some(record)) if !record.agrees(request)? => Err(Failure::usage(
                "an upload of this file to this object began with other headers, metadata, media type or storage class, which \
                 cannot be changed any more: repeat that command, or `longhaul cancel` it first",
            )),
            _ => Ok(()),
        }
    }

    /// Records the transfer.
    pub(crate) fn record(&mut self, request: &Request) -> Result<(), Failure> {
        let failed = |error: &io::Error| Failure::disk("record the transfer in", &self.path, error);
        let bytes = Record::of(request).encode();
        // Private from its first byte on, and never half there. Under one name, which the lock guards: what a killed process leaves the
        // next one finds.
        let draft = self.path.with_extension(DRAFT);
        let _ = fs::remove_file(&draft);
        let written = create_private_file(&draft)
            .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&draft, &self.path));
        if let Err(error) = written {
            let _ = fs::remove_file(&draft);
            return Err(failed(&error));
        }
        self.recorded = true;
        Ok(())
    }

    /// Forgets the transfer.
    pub(crate) fn forget(&mut self) {
        if self.recorded
            && let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.path.display(), %error, "cannot remove a record");
        }
        self.recorded = false;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.lock.remove();
    }
}

fn create_private_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create_new(true).open(path)
}

#[cfg(unix)]
fn create_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn create_private(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}
