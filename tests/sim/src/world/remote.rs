//! What the application does with its stores, and what must be found in them at the end.

use std::collections::{BTreeMap, BTreeSet};

use longhaul_core::Checkpoint;
use longhaul_core::error::{Error, ServerFaultKind};
use longhaul_core::event::End;

use super::{Job, JobKind, World};
use crate::check::Invariant;
use crate::content::Content;
use crate::provider::Grant;
use crate::server::blocks::FOREIGN;
use crate::server::condition::Condition;
use crate::server::flavour::Opener;
use crate::server::store::Habits;

/// What is known of the sessions at one key.
#[derive(Debug, Default)]
struct Known {
    sessions: BTreeSet<String>,
    told: usize,
    uncertain: bool,
}

impl Job {
    /// Whether it ended because the object is not what it was to replace: no more can be done about it.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.condition != Condition::None
            && matches!(&self.end, Some(End::Failed(Error::Server(fault))) if fault.kind == ServerFaultKind::Conflict)
    }

    /// The object it makes, by the server's name for it.
    fn object_name(&self) -> Option<(u8, &str)> {
        match &self.kind {
            JobKind::Store { source } | JobKind::Plan { source } => Some((0, source)),
            JobKind::Blocks { source } => Some((1, source)),
            _ => None,
        }
    }

    /// The key of its object in the store, if that is where it goes.
    fn store_key(&self) -> Option<String> {
        matches!(self.kind, JobKind::Store { .. } | JobKind::Plan { .. })
            .then(|| self.object_name())?
            .map(|(_, name)| format!("/{name}"))
    }

    /// Whether the application was told that it is cancelled.
    fn is_cancelled(&self) -> bool {
        matches!(&self.end, Some(End::Failed(Error::Cancelled)))
    }
}

impl World {
    /// A credential issued now.
    pub(crate) fn grant(&self) -> Grant {
        let lifetime = self.store.gate.lifetime.or(self.blocks.gate.lifetime).filter(|_| self.tells_lifetime);
        Grant { issued: self.moment().wall, lifetime }
    }

    /// Before a job is submitted to a store where others open the sessions: the plan it has, or a new one where that is used up.
    pub(crate) fn take_plan(&mut self, at: usize) {
        let Some(job) = self.jobs.get_mut(at) else {
            return;
        };
        let (source, planned) = match &job.kind {
            JobKind::Store { source } => (source, self.store.flavour.opener == Opener::Plan),
            JobKind::Plan { source } => (source, true),
            _ => return,
        };
        // An engine that is closed would refuse the upload, and nobody asks for a plan for what is not there: it would be nobody's.
        if !planned || self.closed || self.disk.file(job.file()).is_none() {
            return;
        }
        let key = format!("/{source}");
        let open = job.plan.as_ref().is_some_and(|plan| self.store.is_open(plan));
        let made = self.store.objects.get(&key).and_then(|object| object.session.as_ref());
        // A run that may have committed comes back to ask for it, unless it was told already that the plan is used up.
        let asks = self.journals.contains_key(&at) && job.plan.as_ref() == made;
        if !open && (!asks || job.has_lost_its_plan()) {
            job.plan = Some(self.store.plan(&key));
        }
    }

    /// The stores stop being difficult.
    pub(crate) fn ease_servers(&mut self) {
        self.store.habits = Habits::default();
        self.clocks.clear();
        self.store.gate.ease();
        self.blocks.mute = 0;
        self.blocks.gate.ease();
        // Who looks at the clock to tell whether a URL is still good, and finds none, says that the clock is wrong: it is set.
        if self.jobs.iter().any(Job::is_planned) {
            self.wall_off = 0;
        }
    }

    /// Sessions still open, and billed, must be known to somebody.
    pub fn check_orphans(&mut self) {
        let mut keys: BTreeMap<String, Known> = BTreeMap::new();
        for (at, job) in self.jobs.iter().enumerate() {
            let Some(key) = job.store_key() else {
                continue;
            };
            let recorded = self.journal(at).and_then(|journal| Checkpoint::decode(journal).ok());
            let known = match &job.plan {
                // The application knows it, until it is told that the upload is cancelled.
                Some(plan) if !job.is_cancelled() || recorded.is_some() => Some(plan.as_str()),
                _ => recorded.as_ref().and_then(Checkpoint::session),
            };
            let of = keys.entry(key).or_default();
            of.sessions.extend(known.map(String::from));
            of.told += usize::try_from(job.orphans_told).unwrap_or(usize::MAX);
            of.told += usize::from(recorded.as_ref().is_some_and(Checkpoint::opening));
            of.uncertain |= job.unrecorded || job.harmed;
        }
        for (key, known) in keys {
            let bill = self.store.bill(&key, &known.sessions);
            if bill.sessions > known.told && !known.uncertain {
                self.broken(Invariant::NoSilentOrphan, format!("{bill:?} at {key} and told of {}", known.told));
                return;
            }
        }
    }

    /// What is stored of an upload that makes an object of its own name.
    pub(crate) fn stored(&self, job: &Job) -> Option<&Content> {
        match &job.kind {
            JobKind::Store { source } | JobKind::Plan { source } => {
                self.store.objects.get(&format!("/{source}")).map(|object| &object.content)
            }
            JobKind::Blocks { source } => {
                let blob = self.blocks.blobs.get(&format!("/{source}")).filter(|blob| blob.tag != FOREIGN)?;
                Some(&blob.content)
            }
            _ => None,
        }
    }

    /// Whether this is what the source of a job was at one moment, or that of another writer of the same object (U8).
    pub(crate) fn is_some_source(&self, job: &Job, content: &Content) -> bool {
        let writers = self.jobs.iter().filter(|other| other.object_name() == job.object_name());
        writers.flat_map(|writer| &writer.sources).any(|source| source == content)
    }

    /// Whatever was committed is what its source was at one moment, and nobody removed what was there before.
    pub(crate) fn check_objects(&mut self) {
        let mixed = |job: &Job| self.stored(job).is_some_and(|stored| !self.is_some_source(job, stored));
        let at = self.jobs.iter().position(mixed);
        if let Some(at) = at {
            self.broken(Invariant::ObjectIsSource, format!("what job {at} committed is no moment of its source"));
        }
        if self.blocks.removed > 0 {
            self.broken(Invariant::ObjectIsSource, "a blob that was there before was removed");
        }
    }
}
