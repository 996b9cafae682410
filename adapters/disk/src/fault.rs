//! System errors as faults of the local end: the kind that decides what happens next, and words for people.

use std::io::{Error, ErrorKind};
use std::path::Path;

use longhaul_core::error::{FileFault, FileFaultKind};

/// `error`, met while trying to `act` (an infinitive) on `path`.
pub(crate) fn fault(act: &str, path: &Path, error: &Error) -> FileFault {
    FileFault::new(kind(error), format!("cannot {act} {}: {error}", path.display()))
}

/// A fault of `kind` at `path`, in our own words.
pub(crate) fn at(kind: FileFaultKind, path: &Path, words: &str) -> FileFault {
    FileFault::new(kind, format!("{} {words}", path.display()))
}

/// Stopped as asked.
pub(crate) fn cancelled() -> FileFault {
    FileFault::new(FileFaultKind::Cancelled, "")
}

/// An operation that this kind of storage does not have.
pub(crate) fn unsupported(what: &str) -> FileFault {
    FileFault::new(FileFaultKind::Unusable, what)
}

fn kind(error: &Error) -> FileFaultKind {
    match error.kind() {
        ErrorKind::NotFound => FileFaultKind::NotFound,
        ErrorKind::PermissionDenied => FileFaultKind::Denied,
        ErrorKind::ReadOnlyFilesystem => FileFaultKind::ReadOnly,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => FileFaultKind::Full,
        ErrorKind::AlreadyExists => FileFaultKind::Exists,
        // Too large for the file system or a limit: nothing that waiting or freeing space would mend.
        ErrorKind::FileTooLarge
        | ErrorKind::IsADirectory
        | ErrorKind::NotADirectory
        | ErrorKind::InvalidFilename
        | ErrorKind::InvalidInput => FileFaultKind::Unusable,
        ErrorKind::StaleNetworkFileHandle => FileFaultKind::Lost,
        _ => FileFaultKind::Io,
    }
}
