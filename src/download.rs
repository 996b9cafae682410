//! A plain HTTP download, described.

use std::convert::Infallible;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use longhaul_core::error::BuildError;
use longhaul_core::intent::Deadlines;
use longhaul_core::layout::PartSize;
use longhaul_core::retry::RetryPolicy;
use longhaul_core::spec::{Direction, Durability, OnChange, Parallel, Probing, Spec, TransferKey};
use longhaul_core::{Digest, Provider};
use longhaul_driver::Job;
use longhaul_driver::memory::MemoryTarget;
use longhaul_driver::storage::Storage;
use longhaul_driver::stream::StreamReader;
use longhaul_http::{Headers, HttpDownload};

use crate::targets;

/// What to download and how; where to is said last and makes a [`Job`] of it.
#[derive(Clone)]
#[must_use = "a download is described until `to`, `to_folder`, `to_memory` or `to_stream` makes a job of it"]
pub struct Download {
    url: String,
    provider: Arc<HttpDownload>,
    spec: Spec,
}

impl Download {
    /// A download of what `url` (http or https) names.
    ///
    /// # Errors
    /// When the URL is not usable; the message says what to change.
    pub fn new(url: &str) -> Result<Self, BuildError> {
        let provider = Arc::new(HttpDownload::new(url)?);
        let key = TransferKey::new(Direction::Download, url, "");
        let spec = Spec::new(Direction::Download, Arc::clone(&provider) as Arc<dyn Provider>, key);
        Ok(Self { url: url.to_owned(), provider, spec })
    }

    /// Header fields for every request. Credentials among them stay with the URL's origin when a redirect leads elsewhere.
    ///
    /// # Errors
    /// When one of them is longhaul's to set.
    pub fn headers(mut self, headers: Headers) -> Result<Self, BuildError> {
        self.provider = Arc::new(Arc::unwrap_or_clone(self.provider).with_headers(headers)?);
        Ok(self)
    }

    /// The digest the content must have. May be given for several algorithms.
    pub fn checksum(mut self, digest: Digest) -> Self {
        self.spec.expected.push(digest);
        self
    }

    /// At most this many requests at once. Default: as many as turn out useful.
    pub fn parts(mut self, most: NonZeroU32) -> Self {
        self.spec.parallel = Parallel::Most(most);
        self
    }

    /// Bytes per request. Default [`PartSize::Auto`].
    pub fn part_size(mut self, size: PartSize) -> Self {
        self.spec.part_size = size;
        self
    }

    /// How often what fails is tried again.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.spec.retry = policy;
        self
    }

    /// The clocks that run on each request.
    pub fn deadlines(mut self, deadlines: Deadlines) -> Self {
        self.spec.deadlines = deadlines;
        self
    }

    /// What to do when the object changes under way. Default: start over.
    pub fn on_change(mut self, policy: OnChange) -> Self {
        self.spec.on_change = policy;
        self
    }

    /// What must survive a loss of power. Default [`Durability::Power`].
    pub fn durability(mut self, durability: Durability) -> Self {
        self.spec.durability = durability;
        self
    }

    /// Whether what arrives is digested and recorded, so that a later run goes on where this one ended. Without it a download that was
    /// killed begins anew, and the bytes of plain HTTP/1.1 need not be looked at (on Linux and tokio they are not). Default yes.
    pub fn recheck(mut self, recheck: bool) -> Self {
        self.spec.recheck = recheck;
        self
    }

    /// Whether a slow request at the end is given up and what it lacks is asked for by others. Default yes; see [`Spec::hedge`].
    pub fn hedge(mut self, hedge: bool) -> Self {
        self.spec.hedge = hedge;
        self
    }

    /// How the object is probed. [`Probing::FirstRange`] saves a request, at the cost of one request at a time until the first
    /// is answered. Default [`Probing::Head`].
    pub fn probing(mut self, probing: Probing) -> Self {
        self.spec.probing = probing;
        self
    }

    /// The object's size where it is known beforehand: no probe is made.
    pub fn size(mut self, bytes: u64) -> Self {
        self.spec.declared_size = Some(bytes);
        self
    }

    /// Whether a job's refresher can supply a fresh provider when this URL is refused. Default false.
    pub fn refreshable(mut self, refreshable: bool) -> Self {
        self.provider = Arc::new(Arc::unwrap_or_clone(self.provider).refreshable(refreshable));
        self
    }

    /// Into any storage; `destination` names it, to tell duplicates.
    pub fn into_storage(self, storage: Arc<dyn Storage>, destination: &str) -> Job {
        let mut spec = self.spec;
        spec.key = TransferKey::new(Direction::Download, &self.url, destination);
        spec.provider = self.provider;
        Job::new(spec, storage)
    }

    /// Into memory, at most `most` bytes.
    pub fn to_memory(self, most: usize) -> (Job, MemoryTarget) {
        let Ok::<_, Infallible>(made) = targets::memory(most, |storage, name| Ok(self.into_storage(storage, name)));
        made
    }

    /// As an ordered stream of bytes (also [`futures::io::AsyncRead`]), at most `window` bytes ahead of its reader.
    pub fn to_stream(self, window: u64) -> (Job, StreamReader) {
        let Ok::<_, Infallible>(made) = targets::stream(window, |storage, name| Ok(self.into_storage(storage, name)));
        made
    }
}

/// Without the URL's query and user information.
impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("provider", &self.provider).field("spec", &self.spec).finish_non_exhaustive()
    }
}

#[cfg(feature = "files")]
mod files {
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use longhaul_disk::{FileJournal, FileTarget};
    use longhaul_driver::Job;
    use longhaul_driver::journal::JournalName;
    use longhaul_http::read::safe_file_name;

    use super::Download;

    impl Download {
        /// Into the file `path`, replacing what is there once the new content is complete. Checkpoints are kept in hidden files
        /// beside it: submitted again after a crash, the download goes on where it was.
        pub fn to(self, path: impl Into<PathBuf>) -> Job {
            self.to_target(FileTarget::new(path))
        }

        /// Into `folder`, by the name the server suggests or else the last segment of the URL. Checkpoints are kept in a hidden
        /// file named after the latter.
        pub fn to_folder(self, folder: impl Into<PathBuf>) -> Job {
            let fallback = self.provider.url().file_name().unwrap_or("download").to_owned();
            let folder = folder.into();
            let beside = folder.join(format!(".{fallback}.longhaul"));
            let target = FileTarget::in_folder(&folder, fallback, safe_file_name);
            self.journaled(target, &beside, Some(beside.clone()))
        }

        /// Into a file target with settings of its own. Checkpoints are kept beside it.
        pub fn to_target(self, target: FileTarget) -> Job {
            let (path, beside) = target.paths();
            let path = path.unwrap_or_else(|| target.folder());
            self.journaled(target, &path, beside)
        }

        fn journaled(self, target: FileTarget, path: &Path, beside: Option<PathBuf>) -> Job {
            let folder = target.folder();
            let job = self.into_storage(Arc::new(target), &path.to_string_lossy());
            let name = JournalName { id: format!("{:?}", job.spec().key), beside };
            job.with_journal(Arc::new(FileJournal::beside_or_in(folder)), name)
        }
    }
}
