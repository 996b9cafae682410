//! What the application wants moved, and what it remembers of it from run to run.

use std::sync::Arc;

use longhaul_core::event::{End, EventKind};
use longhaul_core::layout::PartSize;
use longhaul_core::spec::{Durability, Parallel, TransferKey};
use longhaul_core::{Direction, Provider, Spec, TaskId};
use longhaul_http::{HttpDownload, HttpUpload};

use super::Consumer;
use super::process::FIRST;
use crate::content::Content;
use crate::provider::{BlocksProvider, Grant, StoreProvider};
use crate::server::condition::Condition;
use crate::server::flavour::Flavour;
use crate::server::presigner::SIGNED;

/// What moves, from where to where.
#[derive(Clone, Debug)]
pub enum JobKind {
    /// `http://host/path` to the file `target`.
    Get {
        /// `origin` or `mirror`; at [`SIGNED`] by URLs that the application's back end issues.
        host: &'static str,
        /// The object's path.
        path: String,
        /// The file.
        target: String,
    },
    /// The file `source` by the default upload protocol.
    Form {
        /// The file, and its name on the server.
        source: String,
    },
    /// The file `source` to the multipart store.
    Store {
        /// The file, and the object's key.
        source: String,
    },
    /// The file `source` to the multipart store, by presigned URLs.
    Plan {
        /// The file, and the object's key.
        source: String,
    },
    /// The file `source` to the store of blocks.
    Blocks {
        /// The file, and the blob's name.
        source: String,
    },
    /// By a provider of the embedder's own, from or to a server of its own ([`World::host`](super::World::host)).
    Own {
        /// Which way.
        direction: Direction,
        /// The provider; it names the server and the object.
        provider: Arc<dyn Provider>,
        /// The local file.
        file: String,
    },
}

/// What the application wants of a job at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Wish {
    /// Not begun.
    #[default]
    Nothing,
    /// That it gets done.
    Done,
    /// That it rests.
    Paused,
    /// That it is gone.
    Gone,
}

/// A job: survives engines.
#[derive(Clone, Debug)]
pub struct Job {
    /// What moves.
    pub kind: JobKind,
    /// The transfer in the present engine, while it has not ended.
    pub task: Option<TaskId>,
    /// What is wanted.
    pub wish: Wish,
    /// How it last ended.
    pub end: Option<End>,
    /// Requests in flight it may have.
    pub parallel: Parallel,
    /// Part size.
    pub part_size: PartSize,
    /// Retries of one piece of work.
    pub retries: u32,
    /// What must survive.
    pub durability: Durability,
    /// Whether a journal is kept.
    pub journal: bool,
    /// Whether the engine asks for what it says, instead of being told.
    pub recall: bool,
    /// More to set on the spec, for scenarios.
    pub tune: Option<fn(&mut Spec)>,
    /// Events that speak of a session that may be or is left open.
    pub orphans_told: u32,
    /// Its temporary file was edited while a run was using it: that run's result proves nothing.
    pub disturbed: bool,
    /// The process that runs it.
    pub process: usize,
    /// The job whose target, and so whose journal, this one has too: the same transfer in another process.
    pub shares: Option<usize>,
    /// Where its file is by now, if not where its kind says.
    pub place: Option<String>,
    /// Who takes the bytes of a download in order.
    pub consumer: Option<Consumer>,
    /// Its source is a pipe: how much there is can only be told by reading it all.
    pub piped: bool,
    /// So much of the pipe was read in this run.
    pub(crate) piped_in: u64,
    /// Its journal as its last run found it.
    pub(crate) former: Vec<u8>,
    /// Its present run has had its target to itself.
    pub(crate) held: bool,
    /// Its journal was harmed: what it named may be nobody's by now.
    pub harmed: bool,
    /// What a store's object must be before it is replaced.
    pub condition: Condition,
    /// The session of its plan, where the application's back end opens sessions.
    pub plan: Option<String>,
    /// Whether the storage can tell that a source was touched (uploads).
    pub fingerprints: bool,
    /// What its source has been, in order (uploads).
    pub sources: Vec<Content>,
    /// The journal could not be written at some time.
    pub unrecorded: bool,
    /// Its present run has written a journal of its own.
    pub recorded: bool,
    /// All events of all runs, in order.
    pub events: Vec<EventKind>,
    /// Content bytes received for it (downloads), over all runs.
    pub received: u64,
    /// Completed runs.
    pub completions: u32,
}

impl Job {
    /// A job with every choice at its default.
    #[must_use]
    pub const fn new(kind: JobKind) -> Self {
        Self {
            kind,
            task: None,
            wish: Wish::Nothing,
            end: None,
            parallel: Parallel::Auto,
            part_size: PartSize::Bytes(8 << 10),
            retries: 8,
            durability: Durability::Power,
            journal: true,
            recall: false,
            tune: None,
            orphans_told: 0,
            disturbed: false,
            process: FIRST,
            shares: None,
            place: None,
            consumer: None,
            piped: false,
            piped_in: 0,
            former: Vec::new(),
            held: false,
            harmed: false,
            condition: Condition::None,
            plan: None,
            fingerprints: true,
            sources: Vec::new(),
            unrecorded: false,
            recorded: false,
            events: Vec::new(),
            received: 0,
            completions: 0,
        }
    }

    /// Which way it moves.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        match self.kind {
            JobKind::Own { direction, .. } => direction,
            JobKind::Get { .. } => Direction::Download,
            JobKind::Form { .. } | JobKind::Store { .. } | JobKind::Plan { .. } | JobKind::Blocks { .. } => {
                Direction::Upload
            }
        }
    }

    /// The local file: target or source.
    #[must_use]
    pub fn file(&self) -> &str {
        if let Some(place) = &self.place {
            return place;
        }
        match &self.kind {
            JobKind::Get { target: file, .. } | JobKind::Own { file, .. } => file,
            JobKind::Form { source }
            | JobKind::Store { source }
            | JobKind::Plan { source }
            | JobKind::Blocks { source } => source,
        }
    }

    /// The servers it may be in touch with.
    pub(crate) fn hosts(&self) -> Vec<&str> {
        match &self.kind {
            JobKind::Get { host, .. } if *host == SIGNED => vec![SIGNED],
            JobKind::Get { .. } => vec!["origin", "mirror"],
            JobKind::Form { .. } => vec!["form"],
            JobKind::Store { .. } => vec!["store"],
            JobKind::Plan { .. } => vec!["presigned"],
            JobKind::Blocks { .. } => vec!["blocks"],
            JobKind::Own { provider, .. } => vec![provider.authority()],
        }
    }

    /// Whether it has been completed.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self.end, Some(End::Completed(_)))
    }

    pub(crate) fn provider(&self, grant: Grant, flavour: Flavour) -> Option<Arc<dyn Provider>> {
        let condition = self.condition.clone();
        Some(match &self.kind {
            // Its URLs are issued for the moment.
            JobKind::Get { host, .. } if *host == SIGNED => return None,
            JobKind::Get { host, path, .. } => {
                Arc::new(HttpDownload::new(&format!("http://{host}{path}?key=secret")).ok()?.refreshable(true))
            }
            JobKind::Form { source } => Arc::new(HttpUpload::new("http://form/up", source).ok()?.refreshable(true)),
            JobKind::Store { source } => {
                let provider = StoreProvider::new("store", source).to(flavour, self.plan.as_deref());
                Arc::new(provider.granted(grant).when(condition))
            }
            // Its URLs are issued for the moment.
            JobKind::Plan { .. } => return None,
            JobKind::Blocks { source } => {
                Arc::new(BlocksProvider::new("blocks", source).granted(grant).when(condition))
            }
            JobKind::Own { provider, .. } => Arc::clone(provider),
        })
    }

    pub(crate) fn key(&self) -> TransferKey {
        let file = String::from(self.file());
        let (from, to) = match &self.kind {
            JobKind::Get { host, path, .. } => (format!("{host}{path}"), file),
            JobKind::Form { source } => (file, format!("form {source}")),
            JobKind::Store { source } => (file, format!("store {source}")),
            JobKind::Plan { source } => (file, format!("plan {source}")),
            JobKind::Blocks { source } => (file, format!("blocks {source}")),
            JobKind::Own { provider, .. } => (file, provider.object().into()),
        };
        TransferKey::new(self.direction(), &from, &to)
    }
}
