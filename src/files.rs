//! Where the records of transfers with files are kept: what all kinds of transfers have in common.

use std::path::PathBuf;
use std::sync::Arc;

use longhaul_disk::{FileJournal, FileSource, FileTarget};
use longhaul_driver::Job;
use longhaul_driver::journal::JournalName;
use longhaul_driver::storage::Storage;

/// A download into a file target, with its checkpoints beside it. `make` gets the storage and the destination's name.
pub(crate) fn download<E>(
    target: FileTarget,
    make: impl FnOnce(Arc<dyn Storage>, &str) -> Result<Job, E>,
) -> Result<Job, E> {
    let (folder, (path, beside)) = (target.folder(), target.paths());
    let path = path.unwrap_or_else(|| folder.clone());
    let job = make(Arc::new(target), &path.to_string_lossy())?;
    let id = format!("{:?}", job.spec().key);
    Ok(job.with_journal(Arc::new(FileJournal::beside_or_in(folder)), JournalName { id, beside }))
}

/// An upload of a file, with its checkpoints in a folder. `make` gets the storage and the source's name.
pub(crate) fn upload<E>(
    path: PathBuf,
    journals: PathBuf,
    make: impl FnOnce(Arc<dyn Storage>, &str) -> Result<Job, E>,
) -> Result<Job, E> {
    let name = path.to_string_lossy().into_owned();
    let mut job = make(Arc::new(FileSource::new(path)), &name)?;
    job.spec_mut().journal = true;
    let id = format!("{:?}", job.spec().key);
    Ok(job.with_journal(Arc::new(FileJournal::in_folder(journals)), JournalName { id, beside: None }))
}
