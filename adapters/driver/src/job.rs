//! What an application submits: a spec and the local things that belong to it.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use longhaul_core::checkpoint::CheckpointError;
use longhaul_core::error::FileFault;
use longhaul_core::event::{Completed, Progress};
use longhaul_core::intent::{Answer, Question};
use longhaul_core::spec::Start;
use longhaul_core::{Checkpoint, Error, Spec, TaskId};

use crate::journal::{Journal, JournalName};
use crate::listen::{OnEnd, OnProgress};
use crate::rate::Rate;
use crate::storage::Storage;

/// Answers the engine's questions: fresh URLs and credentials.
pub(crate) type Refresher = Arc<dyn Fn(Question) -> BoxFuture<'static, Answer> + Send + Sync>;

/// One transfer to be: what ([`Spec`]), the local end ([`Storage`]), and what else belongs to it.
#[must_use = "a job does nothing until it is submitted"]
pub struct Job {
    pub(crate) spec: Spec,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) journal: Option<(Arc<dyn Journal>, JournalName)>,
    pub(crate) refresher: Option<Refresher>,
    pub(crate) on_progress: Option<OnProgress>,
    pub(crate) on_end: Option<OnEnd>,
    pub(crate) rate: Option<Rate>,
}

impl Job {
    /// A transfer without journal, callbacks or a rate limit of its own.
    pub fn new(spec: Spec, storage: Arc<dyn Storage>) -> Self {
        Self { spec, storage, journal: None, refresher: None, on_progress: None, on_end: None, rate: None }
    }

    /// Keeps checkpoints in `journal` under `name`, and goes on from what an earlier run left there, which is read when the
    /// transfer begins ([`Spec::recall`], [`Spec::journal`]: set again what is not wanted). Without a journal nothing is kept.
    pub fn with_journal(mut self, journal: Arc<dyn Journal>, name: JournalName) -> Self {
        self.spec.recall = true;
        self.journal = Some((journal, name));
        self
    }

    /// Asks `refresher` for a fresh provider when URLs or credentials are refused or have expired. Without one the transfer
    /// fails then.
    pub fn with_refresher<F>(mut self, refresher: F) -> Self
    where
        F: Fn(Question) -> BoxFuture<'static, Answer> + Send + Sync + 'static,
    {
        self.refresher = Some(Arc::new(refresher));
        self
    }

    /// Calls `callback` a few times per second while bytes move, and once more before the end. See [`Listener`](crate::Listener)
    /// for where it runs.
    pub fn on_progress(mut self, callback: impl Fn(TaskId, &Progress) + Send + Sync + 'static) -> Self {
        self.on_progress = Some(Arc::new(callback));
        self
    }

    /// Calls `callback` once, when the transfer is over, whatever its end.
    pub fn on_end(mut self, callback: impl FnOnce(TaskId, &Result<Completed, Error>) + Send + 'static) -> Self {
        self.on_end = Some(Box::new(callback));
        self
    }

    /// Limits this transfer's rate.
    pub fn with_rate(mut self, rate: Option<Rate>) -> Self {
        self.rate = rate;
        self
    }

    /// Waits for `resume`; until then nothing is done for it, not even looking at a file.
    pub fn paused(mut self) -> Self {
        self.spec.start = Start::Paused;
        self
    }

    /// What is to be done.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// What is to be done, to be changed.
    #[must_use]
    pub fn spec_mut(&mut self) -> &mut Spec {
        &mut self.spec
    }

    /// Reads now what an earlier run left in the journal. Not needed to resume: a transfer with a journal does this as its first
    /// step. It is for those who want to know beforehand, or to decide by it.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn recall(&mut self) -> Result<Recalled, FileFault> {
        let Some((journal, name)) = &self.journal else {
            return Ok(Recalled::Nothing);
        };
        let Some(bytes) = journal.load(name).await? else {
            return Ok(Recalled::Nothing);
        };
        match Checkpoint::decode(&bytes) {
            Ok(checkpoint) => {
                self.spec.checkpoint = Some(Box::new(checkpoint));
                Ok(Recalled::Checkpoint)
            }
            Err(error) => Ok(Recalled::Unusable(error)),
        }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("spec", &self.spec).finish_non_exhaustive()
    }
}

/// What [`Job::recall`] found.
#[derive(Clone, PartialEq, Debug)]
#[must_use]
pub enum Recalled {
    /// No journal, or nothing in it.
    Nothing,
    /// A checkpoint to go on from.
    Checkpoint,
    /// Something that cannot be used.
    Unusable(CheckpointError),
}
