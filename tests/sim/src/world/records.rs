//! What journals promise (I12), and who may write them (I27).

use std::collections::BTreeMap;

use longhaul_core::spec::Durability;
use longhaul_core::{ByteRange, Checkpoint, Digest, Direction};

use super::{JobKind, World};
use crate::check::Invariant;
use crate::disk::temporary;

/// What was compared already, by job: looked at again only where the journal or the file has changed since.
pub(crate) type Compared = BTreeMap<usize, Comparison>;

/// What was compared of one job.
#[derive(Clone, Debug, Default)]
pub(crate) struct Comparison {
    journal: Vec<u8>,
    /// The file, and how much of what befell it was seen.
    file: u64,
    seen: usize,
    /// The stretches that were found there, by start.
    right: BTreeMap<u64, (ByteRange, Digest)>,
}

impl World {
    /// A journal was written, or a file: does the disk hold what the journal promises?
    pub(crate) fn check_journal(&mut self, at: usize) {
        let mut known = self.compared.remove(&at).unwrap_or_default();
        let Some(job) = self.jobs.get(at) else {
            return;
        };
        // Only while its own run holds the file: edits from outside are found when it is next used.
        let held = self.disk.is_intact(job.file(), at) && job.task.is_some() && job.recorded;
        if !held || job.disturbed || job.unrecorded || !matches!(job.kind, JobKind::Get { .. }) {
            return;
        }
        let (Some(journal), Some(file)) = (self.journal(at), self.disk.file(&temporary(job.file()))) else {
            return;
        };
        if known.file != file.print.file || known.seen > file.touched().len() {
            known = Comparison { file: file.print.file, ..Comparison::default() };
        }
        let touched = file.touched().get(known.seen..).unwrap_or_default();
        let before = known.right.len();
        if !touched.is_empty() {
            known.right.retain(|_, (range, _)| touched.iter().all(|touched| touched.intersect(*range).is_none()));
            known.seen = file.touched().len();
        }
        if known.journal == journal && known.right.len() == before {
            self.compared.insert(at, known);
            return;
        }
        known.journal = journal.to_vec();
        let content = match job.durability {
            Durability::Power => &file.synced,
            Durability::Process => &file.content,
        };
        let mut wrong = None;
        let promised = Checkpoint::decode(journal).ok();
        for (range, digest) in promised.iter().flat_map(Checkpoint::segments) {
            let Some(digest) = digest.filter(|digest| known.right.get(&range.start()) != Some(&(range, *digest)))
            else {
                continue;
            };
            if content.digest(digest.algorithm(), range) != Some(digest) {
                wrong = wrong.or(Some(range));
            }
            known.right.insert(range.start(), (range, digest));
        }
        self.compared.insert(at, known);
        if let Some(range) = wrong {
            let detail = format!("job {at}: bytes {range} are recorded and not on the disk");
            self.broken(Invariant::CheckpointDurable, detail);
        }
    }

    /// A job's run writes or drops its journal: one that never had its target must not, while another run has it.
    pub(crate) fn watch_journal(&mut self, at: usize) {
        let Some(job) = self.jobs.get(at).filter(|job| job.direction() == Direction::Download && !job.held) else {
            return;
        };
        if self.disk.is_held(job.file()) && !self.disk.is_intact(job.file(), at) {
            self.broken(
                Invariant::OneWriter,
                format!("job {at} writes the journal of a target that another run holds"),
            );
        }
    }
}
