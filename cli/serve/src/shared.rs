//! What all connections of one server share.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::digest::DigestCache;
use crate::fault::Faults;
use crate::path::HIDDEN;
use crate::plan::{Ask, FaultSet, Plan};
use crate::stats::Counters;
use crate::upload::Uploads;
use crate::{ServeConfig, file};

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: ServeConfig,
    /// The root without symbolic links.
    pub(crate) root: PathBuf,
    pub(crate) counters: Counters,
    pub(crate) digests: DigestCache,
    pub(crate) uploads: Uploads,
    faults: Mutex<FaultSet>,
    work: Arc<Work>,
}

impl Shared {
    pub(crate) fn new(config: ServeConfig) -> io::Result<Self> {
        let root = file::canonical_folder(&config.root)?;
        Ok(Self {
            uploads: Uploads::new(root.join(HIDDEN)),
            faults: Mutex::new(FaultSet::new(config.faults.clone())),
            root,
            config,
            counters: Counters::default(),
            digests: DigestCache::default(),
            work: Arc::default(),
        })
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner) = FaultSet::new(faults);
    }

    pub(crate) fn plan(&self, ask: &Ask<'_>) -> Plan {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).plan(ask)
    }

    /// Runs file work on a blocking thread. It goes on when the caller is dropped; [`Shared::work_ends`] waits for it.
    pub(crate) fn start<T: Send + 'static>(&self, job: impl FnOnce(&Halt) -> T + Send + 'static) -> JoinHandle<T> {
        let halt = Halt(Arc::clone(&self.work));
        let counted = Job::new(&self.work);
        tokio::task::spawn_blocking(move || {
            let _counted = counted;
            job(&halt)
        })
    }

    /// [`Shared::start`], awaited.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Halt) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        self.start(job).await.map_err(io::Error::other)?
    }

    /// Tells long file work to stop, and waits until none is left.
    pub(crate) async fn work_ends(&self) {
        self.work.halted.store(true, Ordering::Relaxed);
        loop {
            let idle = self.work.idle.notified();
            if self.work.running.load(Ordering::Acquire) == 0 {
                return;
            }
            idle.await;
        }
    }
}

/// File work on blocking threads.
#[derive(Debug, Default)]
struct Work {
    running: AtomicUsize,
    idle: Notify,
    halted: AtomicBool,
}

/// Tells a long job that the server stops.
pub(crate) struct Halt(Arc<Work>);

impl Halt {
    /// An error once the server stops; for use between blocks.
    pub(crate) fn check(&self) -> io::Result<()> {
        if self.0.halted.load(Ordering::Relaxed) {
            return Err(io::Error::other("the server is stopping"));
        }
        Ok(())
    }
}

/// One running job. Also counts down when the job was never run.
struct Job(Arc<Work>);

impl Job {
    fn new(work: &Arc<Work>) -> Self {
        work.running.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(work))
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if self.0.running.fetch_sub(1, Ordering::Release) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}
