//! What the application does with its stores, and what must be found in them at the end.

use longhaul_core::Checkpoint;
use longhaul_core::error::{Error, ServerFaultKind};
use longhaul_core::event::End;

use super::{Job, JobKind, World};
use crate::check::Invariant;
use crate::provider::Grant;
use crate::server::blocks::FOREIGN;
use crate::server::condition::Condition;
use crate::server::flavour::Opener;
use crate::server::store::Habits;

impl Job {
    /// Whether it ended because the object is not what it was to replace: no more can be done about it.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.condition != Condition::None
            && matches!(&self.end, Some(End::Failed(Error::Server(fault))) if fault.kind == ServerFaultKind::Conflict)
    }

    /// Whether the application was told that it is cancelled.
    fn is_cancelled(&self) -> bool {
        matches!(&self.end, Some(End::Failed(Error::Cancelled)))
    }
}

impl World {
    /// A credential issued now.
    pub(crate) fn grant(&self) -> Grant {
        Grant { issued: self.moment().wall }
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
        // An engine that is closed would refuse the upload, and the plan would be nobody's.
        if !planned || self.closed {
            return;
        }
        let key = format!("/{source}");
        let open = job.plan.as_ref().is_some_and(|plan| self.store.sessions.contains_key(plan));
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
        self.store.gate.ease();
        self.blocks.mute = 0;
        self.blocks.gate.ease();
        // Who looks at the clock to tell whether a URL is still good, and finds none, says that the clock is wrong: it is set.
        if self.jobs.iter().any(|job| matches!(job.kind, JobKind::Plan { .. })) {
            self.wall_off = 0;
        }
    }

    /// Sessions still open, and billed, must be known to somebody.
    pub fn check_orphans(&mut self) {
        for at in 0..self.jobs.len() {
            let Some(job) = self.jobs.get(at) else {
                continue;
            };
            let (JobKind::Store { source } | JobKind::Plan { source }) = &job.kind else {
                continue;
            };
            let recorded = self.journals.get(&at).and_then(|journal| Checkpoint::decode(journal).ok());
            let known = match &job.plan {
                // The application knows it, until it is told that the upload is cancelled.
                Some(plan) if !job.is_cancelled() || recorded.is_some() => Some(plan.as_str()),
                _ => recorded.as_ref().and_then(Checkpoint::session),
            };
            let bill = self.store.bill(&format!("/{source}"), known);
            let told = usize::try_from(job.orphans_told).unwrap_or(usize::MAX)
                + usize::from(recorded.as_ref().is_some_and(Checkpoint::opening));
            if bill.sessions > told && !job.unrecorded {
                let detail = format!("job {at} left {bill:?} and told of {told}");
                self.broken(Invariant::NoSilentOrphan, detail);
                return;
            }
        }
    }

    /// Whatever was committed is what its source was at one moment, and nobody removed what was there before.
    pub(crate) fn check_objects(&mut self) {
        let mixed = |job: &Job| match &job.kind {
            JobKind::Store { source } | JobKind::Plan { source } => {
                let object = self.store.objects.get(&format!("/{source}"));
                object.is_some_and(|object| !job.sources.contains(&object.content))
            }
            JobKind::Blocks { source } => {
                let blob = self.blocks.blobs.get(&format!("/{source}"));
                blob.is_some_and(|blob| blob.tag != FOREIGN && !job.sources.contains(&blob.content))
            }
            _ => false,
        };
        let at = self.jobs.iter().position(mixed);
        if let Some(at) = at {
            self.broken(Invariant::ObjectIsSource, format!("what job {at} committed is no moment of its source"));
        }
        if self.blocks.removed > 0 {
            self.broken(Invariant::ObjectIsSource, "a blob that was there before was removed");
        }
    }
}
