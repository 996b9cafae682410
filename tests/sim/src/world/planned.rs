//! The application and its back end: plans of presigned URLs, and answers to questions for fresh ones.

use std::collections::BTreeSet;
use std::sync::Arc;

use longhaul_core::error::{Error, ServerFaultKind};
use longhaul_core::event::End;
use longhaul_core::intent::{Answer, Question};
use longhaul_core::layout::PartSize;
use longhaul_core::{Direction, Provider};
use longhaul_presigned::{DownloadPlan, PresignedDownload, PresignedUpload, UploadPlan};

use super::{Job, JobKind, World};
use crate::check::Invariant;
use crate::server::presigner::{Presigner, SIGNED};

impl Job {
    /// Whether it works by presigned URLs, which expire.
    pub(crate) fn is_planned(&self) -> bool {
        match &self.kind {
            JobKind::Plan { .. } => true,
            JobKind::Get { host, .. } => *host == SIGNED,
            _ => false,
        }
    }

    /// Whether it ended because the upload that its plan was for is gone: it needs another.
    pub(crate) fn has_lost_its_plan(&self) -> bool {
        matches!(
            &self.end,
            Some(End::Failed(Error::Issuer(fault) | Error::Server(fault))) if fault.kind == ServerFaultKind::NotFound
        )
    }
}

impl World {
    /// The provider a job begins with.
    pub(crate) fn first_provider(&mut self, at: usize) -> Option<Arc<dyn Provider>> {
        let (grant, flavour) = (self.grant(), self.store.flavour);
        let job = self.jobs.get(at)?;
        if job.is_planned() {
            let first = self.presigner.first;
            return self.planned(at, (1..=first).collect());
        }
        job.provider(grant, flavour)
    }

    /// A provider with a URL for its object or with URLs for these parts, issued now.
    fn planned(&self, at: usize, numbers: BTreeSet<u64>) -> Option<Arc<dyn Provider>> {
        let (job, wall) = (self.jobs.get(at)?, self.moment().wall);
        if let JobKind::Get { path, .. } = &job.kind {
            let draft = self.presigner.download(path, wall);
            let plan = DownloadPlan::new(&draft, &self.presigner.policy(), wall).ok()?;
            return Some(Arc::new(PresignedDownload::new(plan).ok()?));
        }
        let JobKind::Plan { source } = &job.kind else { return None };
        let total = self.disk.file(job.file())?.content.len();
        let PartSize::Bytes(size) = job.part_size else { return None };
        let draft = self.presigner.draft(&format!("/{source}"), job.plan.as_deref()?, total, size, &numbers, wall);
        let plan = UploadPlan::new(&draft, &self.presigner.policy(), wall).ok()?;
        Some(Arc::new(PresignedUpload::new(plan)))
    }

    /// The application's answer to a question.
    pub(crate) fn answer(&mut self, at: usize, question: &Question) -> Answer {
        let planned = self.jobs.get(at).is_some_and(Job::is_planned);
        let parts = match question {
            Question::Urls(wanted) if planned => wanted.parts.clone(),
            // A URL was refused: another one takes its place.
            _ if self.jobs.get(at).is_some_and(|job| job.is_planned() && job.direction() == Direction::Download) => {
                Vec::new()
            }
            _ => return self.fresh(at),
        };
        self.presigner.answers += 1;
        let numbers: BTreeSet<u64> = parts.iter().copied().collect();
        if numbers.len() != parts.len() || numbers.len() > self.presigner.batch.0 as usize {
            self.broken(Invariant::AttemptsBounded, format!("job {at} asks for {parts:?}"));
        }
        self.presigner.asked.push(parts);
        let provider = self.planned(at, numbers).filter(|_| self.refreshes);
        provider.map_or_else(|| Answer::Refused(String::from("there is none")), Answer::Provider)
    }

    /// A request is about to go out: nothing that has expired may.
    pub(crate) fn watch_expiry(&mut self, uri: &http::Uri) {
        // A client whose clock is wrong, or not the server's, cannot know.
        let right = self.wall_off.abs() < 30 && self.clocks.get("presigned").is_none_or(|off| off.abs() < 30);
        if right && Presigner::is_expired(uri, self.moment().wall) {
            self.broken(Invariant::Unexpired, format!("{} has expired and is sent", uri.path()));
        }
    }
}
