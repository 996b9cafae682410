//! Transfers by presigned plans, described: a draft of somebody else's, the policy it is held against, and who is asked for fresh
//! URLs.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use longhaul_core::error::{BuildError, ServerFault};
use longhaul_core::intent::{Answer, Question, UrlsWanted};
use longhaul_core::spec::{Direction, Spec, TransferKey};
use longhaul_core::{Provider, Wall};
use longhaul_driver::Job;
use longhaul_driver::memory::{MemorySource, MemoryTarget};
use longhaul_driver::storage::Storage;
use longhaul_driver::stream::StreamReader;
use longhaul_presigned::{
    BodyBuilder, DownloadDraft, DownloadPlan, Policy, PresignedDownload, PresignedUpload, UploadDraft, UploadPlan,
};

use crate::targets;

type Ask<Q, D> = Arc<dyn Fn(Q) -> BoxFuture<'static, Result<D, String>> + Send + Sync>;

/// An upload by a plan. Where from is said last and makes a [`Job`] of it; what else there is to say (retries, deadlines, how many
/// requests at once) is said to [`Job::spec_mut`].
///
/// ```no_run
/// # async fn fetch(_: &longhaul::core::intent::UrlsWanted) -> Result<Vec<u8>, String> { Ok(Vec::new()) }
/// # async fn example(json: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
/// use longhaul::PlannedUpload;
/// use longhaul::core::plan::{HostRule, Hosts};
/// use longhaul::presigned::{Policy, json};
///
/// let policy = Policy::new(Hosts::These(vec![HostRule::Below("amazonaws.com".into())]));
/// let upload = PlannedUpload::new(json::upload_draft(json)?, policy).asking(|wanted| async move {
///     // Ask the backend for fresh URLs: of `wanted.parts`, or of the request that `wanted.step` says.
///     let answer = fetch(&wanted).await?;
///     json::upload_draft(&answer).map_err(|error| error.to_string())
/// });
/// let client = longhaul::client()?;
/// client.submit(upload.from("big.iso", "/var/lib/me/uploads")?).await?.await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "an upload is described until `from…` makes a job of it"]
pub struct PlannedUpload {
    draft: UploadDraft,
    policy: Policy,
    ask: Option<Ask<UrlsWanted, UploadDraft>>,
    completion: Option<Arc<dyn BodyBuilder>>,
    abort: Option<Arc<dyn BodyBuilder>>,
}

impl PlannedUpload {
    /// An upload by `draft`, as far as `policy` lets it.
    pub const fn new(draft: UploadDraft, policy: Policy) -> Self {
        Self { draft, policy, ask: None, completion: None, abort: None }
    }

    /// Asks for fresh URLs before those there are expire, when they are refused, and where the plan leaves some out: a batch at a
    /// time ([`Policy::with_batch`]), missing parts only. The answer is a plan of the same upload, with at least what was asked for
    /// first; or words that say why there is none, without any secret.
    pub fn asking<F, R>(mut self, ask: F) -> Self
    where
        F: Fn(UrlsWanted) -> R + Send + Sync + 'static,
        R: Future<Output = Result<UploadDraft, String>> + Send + 'static,
    {
        self.policy = self.policy.refreshable(true);
        self.ask = Some(Arc::new(move |wanted| ask(wanted).boxed()));
        self
    }

    /// A body of the application's own for the completion, in place of the one that the plan names.
    pub fn completion(mut self, builder: Arc<dyn BodyBuilder>) -> Self {
        self.completion = Some(builder);
        self
    }

    /// A body of the application's own for the abort.
    pub fn abort(mut self, builder: Arc<dyn BodyBuilder>) -> Self {
        self.abort = Some(builder);
        self
    }

    /// From any storage; `source` names it, to tell duplicates. Without a journal ([`Job::with_journal`]) a killed upload starts
    /// anew, and its plan's abort is sent when it fails.
    ///
    /// # Errors
    /// When the plan does not hold: part, field and what to do about it.
    pub fn from_storage(self, storage: Arc<dyn Storage>, source: &str) -> Result<Job, BuildError> {
        let provider = self.provider(&self.draft)?;
        let key = TransferKey::new(Direction::Upload, source, provider.object());
        let mut spec = Spec::new(Direction::Upload, provider, key);
        spec.journal = false;
        let job = Job::new(spec, storage);
        let Some(ask) = self.ask.clone() else { return Ok(job) };
        let this = Arc::new(self);
        Ok(job.with_refresher(move |question: Question| {
            let (ask, this) = (Arc::clone(&ask), Arc::clone(&this));
            async move {
                let Question::Urls(wanted) = question else { return Answer::Refused(String::new()) };
                match ask(wanted).await {
                    Ok(draft) => answer(this.provider(&draft)),
                    Err(why) => Answer::Refused(why),
                }
            }
            .boxed()
        }))
    }

    /// From memory.
    ///
    /// # Errors
    /// As [`PlannedUpload::from_storage`].
    pub fn from_bytes(self, content: impl Into<Bytes>) -> Result<Job, BuildError> {
        let content = content.into();
        let name = format!("memory {:p} {}", content.as_ptr(), content.len());
        self.from_storage(Arc::new(MemorySource::new(content)), &name)
    }

    fn provider(&self, draft: &UploadDraft) -> Result<Arc<dyn Provider>, BuildError> {
        let mut upload = PresignedUpload::new(UploadPlan::new(draft, &self.policy, wall())?);
        if let Some(builder) = &self.completion {
            upload = upload.with_completion(Arc::clone(builder));
        }
        if let Some(builder) = &self.abort {
            upload = upload.with_abort(Arc::clone(builder));
        }
        Ok(Arc::new(upload))
    }
}

/// A download by a plan. Where to is said last and makes a [`Job`] of it; what else there is to say (checksums, retries, how many
/// requests at once) is said to [`Job::spec_mut`].
#[derive(Clone)]
#[must_use = "a download is described until `to…` makes a job of it"]
pub struct PlannedDownload {
    draft: DownloadDraft,
    policy: Policy,
    ask: Option<Ask<Option<ServerFault>, DownloadDraft>>,
}

impl PlannedDownload {
    /// A download by `draft`, as far as `policy` lets it.
    pub const fn new(draft: DownloadDraft, policy: Policy) -> Self {
        Self { draft, policy, ask: None }
    }

    /// Asks for a fresh URL of the same object before the one there is expires, and when it is refused: then what the server said
    /// is told.
    pub fn asking<F, R>(mut self, ask: F) -> Self
    where
        F: Fn(Option<ServerFault>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<DownloadDraft, String>> + Send + 'static,
    {
        self.policy = self.policy.refreshable(true);
        self.ask = Some(Arc::new(move |refused| ask(refused).boxed()));
        self
    }

    /// Into any storage; `destination` names it, to tell duplicates.
    ///
    /// # Errors
    /// When the plan does not hold: field and what to do about it.
    pub fn into_storage(self, storage: Arc<dyn Storage>, destination: &str) -> Result<Job, BuildError> {
        let (provider, total) = self.provider(&self.draft)?;
        let key = TransferKey::new(Direction::Download, provider.object(), destination);
        let mut spec = Spec::new(Direction::Download, provider, key);
        spec.declared_size = total;
        let job = Job::new(spec, storage);
        let Some(ask) = self.ask.clone() else { return Ok(job) };
        let this = Arc::new(self);
        Ok(job.with_refresher(move |question: Question| {
            let (ask, this) = (Arc::clone(&ask), Arc::clone(&this));
            let refused = match question {
                Question::Refresh(fault) => Some(fault),
                Question::Urls(wanted) => wanted.refused,
                _ => None,
            };
            async move {
                match ask(refused).await {
                    Ok(draft) => answer(this.provider(&draft).map(|(provider, _)| provider)),
                    Err(why) => Answer::Refused(why),
                }
            }
            .boxed()
        }))
    }

    /// Into memory, at most `most` bytes.
    ///
    /// # Errors
    /// As [`PlannedDownload::into_storage`].
    pub fn to_memory(self, most: usize) -> Result<(Job, MemoryTarget), BuildError> {
        targets::memory(most, |storage, name| self.into_storage(storage, name))
    }

    /// As an ordered stream of bytes (also [`futures::io::AsyncRead`]), at most `window` bytes ahead of its reader.
    ///
    /// # Errors
    /// As [`PlannedDownload::into_storage`].
    pub fn to_stream(self, window: u64) -> Result<(Job, StreamReader), BuildError> {
        targets::stream(window, |storage, name| self.into_storage(storage, name))
    }

    fn provider(&self, draft: &DownloadDraft) -> Result<(Arc<dyn Provider>, Option<u64>), BuildError> {
        let plan = DownloadPlan::new(draft, &self.policy, wall())?;
        let total = plan.total();
        Ok((Arc::new(PresignedDownload::new(plan)?), total))
    }
}

fn answer(provider: Result<Arc<dyn Provider>, BuildError>) -> Answer {
    provider.map_or_else(|error| Answer::Refused(error.to_string()), Answer::Provider)
}

/// What this machine's clock shows.
fn wall() -> Wall {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Wall::from_unix(i64::try_from(since).unwrap_or(i64::MAX))
}

/// Without secrets.
impl fmt::Debug for PlannedUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlannedUpload")
            .field("draft", &self.draft)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// Without secrets.
impl fmt::Debug for PlannedDownload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlannedDownload")
            .field("draft", &self.draft)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "files")]
mod files {
    use std::path::PathBuf;

    use longhaul_core::error::BuildError;
    use longhaul_disk::FileTarget;
    use longhaul_driver::Job;

    use super::{PlannedDownload, PlannedUpload};
    use crate::files::{download, upload};

    impl PlannedUpload {
        /// From the file `path`. Confirmed parts are recorded in the folder `journals`: after a crash, a plan of the same upload,
        /// submitted with the same folder, goes on where this one was.
        ///
        /// # Errors
        /// As [`PlannedUpload::from_storage`].
        pub fn from(self, path: impl Into<PathBuf>, journals: impl Into<PathBuf>) -> Result<Job, BuildError> {
            upload(path.into(), journals.into(), |storage, source| self.from_storage(storage, source))
        }
    }

    impl PlannedDownload {
        /// Into the file `path`, replacing what is there once the new content is complete. Checkpoints are kept in hidden files
        /// beside it: after a crash, a plan of the same object goes on where this one was.
        ///
        /// # Errors
        /// As [`PlannedDownload::into_storage`].
        pub fn to(self, path: impl Into<PathBuf>) -> Result<Job, BuildError> {
            self.to_target(FileTarget::new(path))
        }

        /// Into a file target with settings of its own. Checkpoints are kept beside it.
        ///
        /// # Errors
        /// As [`PlannedDownload::into_storage`].
        pub fn to_target(self, target: FileTarget) -> Result<Job, BuildError> {
            download(target, |storage, destination| self.into_storage(storage, destination))
        }
    }
}
