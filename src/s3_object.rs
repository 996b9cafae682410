//! An object of an S3-style store, described: to be downloaded or uploaded.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::future::BoxFuture;
use longhaul_core::error::BuildError;
use longhaul_core::intent::{Answer, Deadlines, Question};
use longhaul_core::layout::PartSize;
use longhaul_core::retry::RetryPolicy;
use longhaul_core::spec::{Direction, OnChange, Parallel, Spec, TransferKey};
use longhaul_core::{Digest, Provider};
use longhaul_driver::Job;
use longhaul_driver::memory::{MemorySource, MemoryTarget};
use longhaul_driver::storage::Storage;
use longhaul_http::Headers;
use longhaul_s3::{Access, AccessKey, Bucket, Integrity, Object, Payload, S3Download, S3Upload};

/// Tells one target in memory from the next.
static TARGETS: AtomicU64 = AtomicU64::new(0);

/// Gives a fresh access key, or says why there is none.
type Renew = Arc<dyn Fn() -> BoxFuture<'static, Result<AccessKey, String>> + Send + Sync>;

/// An object and how to move it; where to or from is said last and makes a [`Job`] of it.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use longhaul::s3::{AccessKey, Bucket};
/// use longhaul::S3Object;
///
/// let bucket = Bucket::amazon("eu-central-1", "my-bucket")?;
/// let key = AccessKey::new("AKIDEXAMPLE", std::env::var("AWS_SECRET_ACCESS_KEY")?);
/// let client = longhaul::client()?;
/// let object = S3Object::new(bucket, "backup/big.iso", key)?;
/// client.submit(object.clone().from("big.iso", "/var/lib/me/uploads")).await?.await?;
/// client.submit(object.to("copy.iso")?).await?.await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "an object is described until `to…` or `from…` makes a job of it"]
pub struct S3Object {
    object: Object,
    upload: S3Upload,
    headers: Headers,
    version: Option<String>,
    renew: Option<Renew>,
    expected: Vec<Digest>,
    on_change: OnChange,
    parallel: Option<NonZeroU32>,
    part_size: PartSize,
    retry: RetryPolicy,
    deadlines: Deadlines,
}

impl S3Object {
    /// The object `key` of `bucket`, asked for with `access`: an [`AccessKey`] or [`Access::Anonymous`].
    ///
    /// # Errors
    /// When the key is not usable; the message says what to change.
    pub fn new(bucket: Bucket, key: &str, access: impl Into<Access>) -> Result<Self, BuildError> {
        let object = Object::new(bucket, key, access)?;
        Ok(Self {
            upload: S3Upload::new(object.clone()),
            object,
            headers: Headers::new(),
            version: None,
            renew: None,
            expected: Vec::new(),
            on_change: OnChange::default(),
            parallel: None,
            part_size: PartSize::default(),
            retry: RetryPolicy::default(),
            deadlines: Deadlines::default(),
        })
    }

    /// Header fields. For an upload: content type, metadata (`x-amz-meta-…`), tags, encryption, storage class, conditions
    /// (`If-None-Match: *` to replace nothing). For a download: a customer's encryption key, the payer.
    ///
    /// # Errors
    /// When one of them is longhaul's to set.
    pub fn headers(mut self, headers: Headers) -> Result<Self, BuildError> {
        self.upload = self.upload.with_headers(headers.clone())?;
        self.headers = headers;
        Ok(self)
    }

    /// Downloads one version, by its id.
    pub fn version(mut self, id: &str) -> Self {
        self.version = Some(id.to_owned());
        self
    }

    /// Asks for a fresh access key when the store says that this one has expired.
    pub fn renewing<F>(mut self, renew: F) -> Self
    where
        F: Fn() -> BoxFuture<'static, Result<AccessKey, String>> + Send + Sync + 'static,
    {
        self.renew = Some(Arc::new(renew));
        self.upload = self.upload.refreshable(true);
        self
    }

    /// Checksums that go along with an upload. Default [`Integrity::Returned`].
    pub fn integrity(mut self, integrity: Integrity) -> Self {
        self.upload = self.upload.with_integrity(integrity);
        self
    }

    /// Whether signatures cover content. Default [`Payload::Unsigned`].
    pub fn payload(mut self, payload: Payload) -> Self {
        self.upload = self.upload.with_payload(payload);
        self
    }

    /// Uploads of up to this many bytes take one request. Default [`longhaul_s3::upload::SINGLE`].
    pub fn single_up_to(mut self, bytes: u64) -> Self {
        self.upload = self.upload.single_up_to(bytes);
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
        let mut download = S3Download::new(self.object.clone())?.refreshable(self.renew.is_some());
        download = download.with_headers(self.headers.clone())?;
        if let Some(version) = &self.version {
            download = download.with_version(version)?;
        }
        let key = TransferKey::new(Direction::Download, self.object.url(), destination);
        let mut spec = Spec::new(Direction::Download, Arc::new(download.clone()), key);
        spec.expected.clone_from(&self.expected);
        spec.on_change = self.on_change;
        Ok(self.job(spec, storage, move |key| Arc::new(download.clone().with_access(key))))
    }

    /// A download into memory, of at most `most` bytes.
    ///
    /// # Errors
    /// As [`S3Object::into_storage`].
    pub fn to_memory(self, most: usize) -> Result<(Job, MemoryTarget), BuildError> {
        let target = MemoryTarget::new(most);
        let name = format!("memory {}", TARGETS.fetch_add(1, Ordering::Relaxed));
        Ok((self.into_storage(Arc::new(target.clone()), &name)?, target))
    }

    /// An upload from any storage; `source` names it, to tell duplicates. Without a journal
    /// ([`Job::with_journal`]) a killed upload starts anew and leaves its parts on the server.
    pub fn from_storage(self, storage: Arc<dyn Storage>, source: &str) -> Job {
        let key = TransferKey::new(Direction::Upload, source, self.object.url());
        let upload = self.upload.clone();
        let mut spec = Spec::new(Direction::Upload, Arc::new(upload.clone()), key);
        // What nobody records must not stay on the server when the upload fails.
        spec.journal = false;
        self.job(spec, storage, move |key| Arc::new(upload.clone().with_access(key)))
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
        renewed: impl Fn(AccessKey) -> Arc<dyn Provider> + Send + Sync + 'static,
    ) -> Job {
        spec.part_size = self.part_size;
        spec.retry = self.retry;
        spec.deadlines = self.deadlines;
        if let Some(most) = self.parallel {
            spec.parallel = Parallel::Most(most);
        }
        let job = Job::new(spec, storage);
        let Some(renew) = self.renew else { return job };
        let renewed = Arc::new(renewed);
        job.with_refresher(move |_: Question| {
            let (key, renewed) = (renew(), Arc::clone(&renewed));
            Box::pin(async move {
                match key.await {
                    Ok(key) => Answer::Provider(renewed(key)),
                    Err(why) => Answer::Refused(why),
                }
            })
        })
    }
}

impl std::fmt::Debug for S3Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3Object").field("object", &self.object).field("upload", &self.upload).finish_non_exhaustive()
    }
}

#[cfg(feature = "tokio")]
mod files {
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use longhaul_core::error::BuildError;
    use longhaul_driver::Job;
    use longhaul_driver::journal::JournalName;
    use longhaul_http::read::safe_file_name;
    use longhaul_tokio::{FileJournal, FileSource, FileTarget, Overwrite};

    use super::S3Object;

    impl S3Object {
        /// Downloads into the file `path`, replacing what is there once the new content is complete. Checkpoints are kept in
        /// hidden files beside it: submitted again after a crash, the download goes on where it was.
        ///
        /// # Errors
        /// When a header field or the version is not one for a download.
        pub fn to(self, path: impl Into<PathBuf>) -> Result<Job, BuildError> {
            self.to_target(FileTarget::new(path).overwrite(Overwrite::Always))
        }

        /// Downloads into `folder`, by the last segment of the key.
        ///
        /// # Errors
        /// As [`S3Object::to`].
        pub fn to_folder(self, folder: impl Into<PathBuf>) -> Result<Job, BuildError> {
            let name = self.object.file_name().unwrap_or("download").to_owned();
            self.to_target(FileTarget::in_folder(folder, name, safe_file_name))
        }

        /// Downloads into a file target with settings of its own. Checkpoints are kept beside it.
        ///
        /// # Errors
        /// As [`S3Object::to`].
        pub fn to_target(self, target: FileTarget) -> Result<Job, BuildError> {
            let path = target.path().unwrap_or_default();
            let beside = target.temporary();
            let folder = path.parent().unwrap_or(Path::new(".")).to_path_buf();
            let job = self.into_storage(Arc::new(target), &path.to_string_lossy())?;
            let id = format!("{:?}", job.spec().key);
            Ok(job.with_journal(Arc::new(FileJournal::beside_or_in(folder)), JournalName { id, beside }))
        }

        /// Uploads the file `path`. What the server holds is recorded in the folder `journals`: submitted again after a crash,
        /// with the same folder, the upload goes on where it was, and no part stays on the server unnoticed.
        pub fn from(self, path: impl Into<PathBuf>, journals: impl Into<PathBuf>) -> Job {
            let path = path.into();
            let name = path.to_string_lossy().into_owned();
            let mut job = self.from_storage(Arc::new(FileSource::new(path)), &name);
            job.spec_mut().journal = true;
            let id = format!("{:?}", job.spec().key);
            job.with_journal(Arc::new(FileJournal::in_folder(journals)), JournalName { id, beside: None })
        }
    }
}
