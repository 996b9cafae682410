//! An object of a store, described: to be downloaded or uploaded. What is the same for all stores; what each of them adds is in
//! its own module.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use longhaul_core::error::BuildError;
use longhaul_core::intent::{Answer, Deadlines, Question};
use longhaul_core::layout::PartSize;
use longhaul_core::retry::RetryPolicy;
use longhaul_core::spec::{Direction, OnChange, Parallel, Spec, TransferKey};
use longhaul_core::{Digest, Provider};
use longhaul_driver::Job;
use longhaul_driver::memory::{MemorySource, MemoryTarget};
use longhaul_driver::storage::Storage;
use longhaul_driver::stream::StreamReader;

use crate::credentials::{Credentials, Rights};
use crate::targets;

/// What a store makes of an object: providers for both directions. Implemented by the stores of this crate only.
pub trait Store: Clone + fmt::Debug + Send + Sync + sealed::Sealed + 'static {
    /// Who asks: what is renewed when it has expired.
    type Access: Rights;

    /// The object's URL, without secrets.
    #[doc(hidden)]
    fn url(&self) -> &str;

    /// A safe file name made of the object's.
    #[doc(hidden)]
    fn file_name(&self) -> Option<&str>;

    /// With which rights it is asked for.
    #[doc(hidden)]
    fn access(&self) -> &Self::Access;

    /// The same object asked for with other rights.
    #[doc(hidden)]
    fn with_access(self, access: Self::Access) -> Self;

    /// What downloads the object; `refreshable` where its rights can be renewed.
    #[doc(hidden)]
    fn download(&self, refreshable: bool) -> Result<Arc<dyn Provider>, BuildError>;

    /// What uploads the object.
    #[doc(hidden)]
    fn upload(&self, refreshable: bool) -> Arc<dyn Provider>;
}

pub(crate) mod sealed {
    /// Keeps [`Store`](super::Store) free to grow.
    pub trait Sealed {}
}

/// An object of a store and how to move it; where to or from is said last and makes a [`Job`] of it.
#[derive(Clone)]
#[must_use = "an object is described until `to…` or `from…` makes a job of it"]
pub struct StoreObject<S: Store> {
    pub(crate) store: S,
    credentials: Option<Credentials<S::Access>>,
    expected: Vec<Digest>,
    on_change: OnChange,
    parallel: Option<NonZeroU32>,
    hedge: Option<bool>,
    part_size: PartSize,
    retry: RetryPolicy,
    deadlines: Deadlines,
}

impl<S: Store> StoreObject<S> {
    /// The object as its store describes it, moved by defaults.
    pub fn of(store: S) -> Self {
        Self {
            store,
            credentials: None,
            expected: Vec::new(),
            on_change: OnChange::default(),
            parallel: None,
            hedge: None,
            part_size: PartSize::default(),
            retry: RetryPolicy::default(),
            deadlines: Deadlines::default(),
        }
    }

    /// Asks `credentials` for fresh rights when the store says that these have expired, or when it is known beforehand.
    pub fn renewed_by(mut self, credentials: &Credentials<S::Access>) -> Self {
        self.credentials = Some(credentials.clone());
        self
    }

    /// The digest downloaded content must have. May be given for several algorithms.
    pub fn checksum(mut self, digest: Digest) -> Self {
        self.expected.push(digest);
        self
    }

    /// What to do when the object changes while it is downloaded. Default: start over.
    pub fn on_change(mut self, policy: OnChange) -> Self {
        self.on_change = policy;
        self
    }

    /// At most this many requests at once. Default: as many as turn out useful.
    pub fn parts(mut self, most: NonZeroU32) -> Self {
        self.parallel = Some(most);
        self
    }

    /// Whether a slow request at the end is given up and what it lacks is moved by another one. Default: for downloads; see
    /// [`Spec::hedge`].
    pub fn hedge(mut self, hedge: bool) -> Self {
        self.hedge = Some(hedge);
        self
    }

    /// Bytes per request. Default [`PartSize::Auto`].
    pub fn part_size(mut self, size: PartSize) -> Self {
        self.part_size = size;
        self
    }

    /// How often what fails is tried again.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// The clocks that run on each request.
    pub fn deadlines(mut self, deadlines: Deadlines) -> Self {
        self.deadlines = deadlines;
        self
    }

    /// A download into any storage; `destination` names it, to tell duplicates.
    ///
    /// # Errors
    /// When a header field or the version is not one for a download.
    pub fn into_storage(self, storage: Arc<dyn Storage>, destination: &str) -> Result<Job, BuildError> {
        let provider = self.store.download(self.credentials.is_some())?;
        let key = TransferKey::new(Direction::Download, self.store.url(), destination);
        let mut spec = Spec::new(Direction::Download, provider, key);
        spec.expected.clone_from(&self.expected);
        spec.on_change = self.on_change;
        Ok(self.job(spec, storage, |store| store.download(true)))
    }

    /// A download into memory, of at most `most` bytes.
    ///
    /// # Errors
    /// As [`StoreObject::into_storage`].
    pub fn to_memory(self, most: usize) -> Result<(Job, MemoryTarget), BuildError> {
        targets::memory(most, |storage, name| self.into_storage(storage, name))
    }

    /// A download as an ordered stream of bytes (also [`futures::io::AsyncRead`]), at most `window` bytes ahead of its reader.
    ///
    /// # Errors
    /// As [`StoreObject::into_storage`].
    pub fn to_stream(self, window: u64) -> Result<(Job, StreamReader), BuildError> {
        targets::stream(window, |storage, name| self.into_storage(storage, name))
    }

    /// An upload from any storage; `source` names it, to tell duplicates. Without a journal ([`Job::with_journal`]) a killed
    /// upload starts anew and leaves its parts on the server.
    pub fn from_storage(self, storage: Arc<dyn Storage>, source: &str) -> Job {
        let key = TransferKey::new(Direction::Upload, source, self.store.url());
        let mut spec = Spec::new(Direction::Upload, self.store.upload(self.credentials.is_some()), key);
        // What nobody records must not stay on the server when the upload fails.
        spec.journal = false;
        self.job(spec, storage, |store| Ok(store.upload(true)))
    }

    /// An upload from memory.
    pub fn from_bytes(self, content: impl Into<Bytes>) -> Job {
        let content = content.into();
        let name = format!("memory {:p} {}", content.as_ptr(), content.len());
        self.from_storage(Arc::new(MemorySource::new(content)), &name)
    }

    fn job(
        self,
        mut spec: Spec,
        storage: Arc<dyn Storage>,
        provider: fn(&S) -> Result<Arc<dyn Provider>, BuildError>,
    ) -> Job {
        spec.part_size = self.part_size;
        spec.retry = self.retry;
        spec.deadlines = self.deadlines;
        if let Some(most) = self.parallel {
            spec.parallel = Parallel::Most(most);
        }
        if let Some(hedge) = self.hedge {
            spec.hedge = hedge;
        }
        let job = Job::new(spec, storage);
        let Some(credentials) = self.credentials else { return job };
        let store = self.store;
        let used = Arc::new(Mutex::new(store.access().clone()));
        job.with_refresher(move |_: Question| {
            let (credentials, store, used) = (credentials.clone(), store.clone(), Arc::clone(&used));
            Box::pin(async move {
                let former = used.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let renewed = match credentials.other_than(Some(&former)).await {
                    Ok(access) => {
                        used.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&access);
                        provider(&store.with_access(access)).map_err(|error| error.to_string())
                    }
                    Err(why) => Err(why.to_string()),
                };
                renewed.map_or_else(Answer::Refused, Answer::Provider)
            })
        })
    }
}

/// Without secrets.
impl<S: Store> fmt::Debug for StoreObject<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreObject").field("store", &self.store).finish_non_exhaustive()
    }
}

#[cfg(feature = "files")]
mod files {
    use std::convert::Infallible;
    use std::path::PathBuf;

    use longhaul_core::error::BuildError;
    use longhaul_disk::FileTarget;
    use longhaul_driver::Job;

    use super::{Store, StoreObject};
    use crate::files::{download, upload};

    impl<S: Store> StoreObject<S> {
        /// Downloads into the file `path`, replacing what is there once the new content is complete. Checkpoints are kept in
        /// hidden files beside it: submitted again after a crash, the download goes on where it was.
        ///
        /// # Errors
        /// When a header field or the version is not one for a download.
        pub fn to(self, path: impl Into<PathBuf>) -> Result<Job, BuildError> {
            self.to_target(FileTarget::new(path))
        }

        /// Downloads into `folder`, by the last segment of the object's name, as [`StoreObject::to`] does.
        ///
        /// # Errors
        /// As [`StoreObject::to`].
        pub fn to_folder(self, folder: impl Into<PathBuf>) -> Result<Job, BuildError> {
            let path = folder.into().join(self.store.file_name().unwrap_or("download"));
            self.to(path)
        }

        /// Downloads into a file target with settings of its own. Checkpoints are kept beside it.
        ///
        /// # Errors
        /// As [`StoreObject::to`].
        pub fn to_target(self, target: FileTarget) -> Result<Job, BuildError> {
            download(target, |storage, destination| self.into_storage(storage, destination))
        }

        /// Uploads the file `path`. What the server holds is recorded in the folder `journals`: submitted again after a crash,
        /// with the same folder, the upload goes on where it was, and no part stays on the server unnoticed.
        pub fn from(self, path: impl Into<PathBuf>, journals: impl Into<PathBuf>) -> Job {
            let make = |storage, source: &str| Ok::<_, Infallible>(self.from_storage(storage, source));
            let Ok(job) = upload(path.into(), journals.into(), make);
            job
        }
    }
}
