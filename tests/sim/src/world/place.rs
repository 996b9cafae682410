//! What befalls the local side of a job from outside: its journal is harmed, and all of it is carried elsewhere between two runs.

use longhaul_core::Direction;

use super::{JobKind, World};
use crate::disk::temporary;
use crate::transition::{Harm, Way};

impl World {
    /// A job's journal is harmed.
    pub fn harm(&mut self, at: usize, harm: Harm) {
        let slot = self.journal_of(at);
        let other = self.journals.iter().find(|&(&of, _)| of != slot).map(|(_, journal)| journal.clone());
        let former = self.jobs.get(slot).map(|job| job.former.clone()).unwrap_or_default();
        let Some(journal) = self.journals.get_mut(&slot) else {
            return;
        };
        let place = |rng: &mut longhaul_core::rng::Rng, len: usize| {
            usize::try_from(rng.up_to((len as u64).saturating_sub(1))).unwrap_or(0)
        };
        match harm {
            Harm::Cut => journal.truncate(place(&mut self.rng, journal.len())),
            Harm::Zero => {
                let from = place(&mut self.rng, journal.len());
                journal.iter_mut().skip(from).for_each(|byte| *byte = 0);
            }
            Harm::Flip => {
                let byte = place(&mut self.rng, journal.len());
                let bit = self.rng.up_to(7);
                journal.iter_mut().skip(byte).take(1).for_each(|byte| *byte ^= 1 << bit);
            }
            Harm::Foreign => *journal = other.unwrap_or_else(|| b"[settings]\ncolour = yes\n".to_vec()),
            Harm::Newer => newer(journal),
            Harm::Former => *journal = former,
        }
        for (at, job) in self.jobs.iter_mut().enumerate() {
            // What it names until its run writes it anew is not that run's word.
            job.recorded &= job.shares.unwrap_or(at) != slot;
        }
        if let Some(job) = self.jobs.get_mut(slot) {
            job.harmed = true;
        }
    }

    /// A job that is at rest goes elsewhere, with its journal.
    pub fn carry(&mut self, at: usize, way: Way) {
        let at_work = self.is_at_work(at);
        let Some(job) = self.jobs.get(at) else {
            return;
        };
        let shared = job.shares.is_some() || self.jobs.iter().any(|other| other.shares == Some(at));
        if at_work || shared || matches!(job.kind, JobKind::Own { .. }) {
            return;
        }
        let from = job.file().to_owned();
        let base = from.split('@').next().unwrap_or_default();
        let to = format!("{base}@{}", self.rng.up_to(u64::from(u32::MAX)));
        match (job.direction(), way) {
            (Direction::Upload, Way::Path) => self.disk.rename(&from, &to),
            (Direction::Upload, _) => self.disk.carry(&from, &to, way == Way::Machine),
            (Direction::Download, Way::Path) => self.disk.rename(&temporary(&from), &temporary(&to)),
            (Direction::Download, Way::Machine) => self.disk.carry(&temporary(&from), &temporary(&to), true),
            (Direction::Download, Way::Alone) => self.disk.remove(&temporary(&from)),
        }
        if let Some(job) = self.jobs.get_mut(at) {
            job.place = Some(to);
        }
    }

    /// Whose journal a job's run reads and writes.
    pub(crate) fn journal_of(&self, at: usize) -> usize {
        self.jobs.get(at).and_then(|job| job.shares).unwrap_or(at)
    }

    /// Whether all was written that a job's journal was to hold, and nobody else has laid hands on it.
    pub(crate) fn is_recorded(&self, at: usize) -> bool {
        let slot = self.journal_of(at);
        let mut sharers = self.jobs.iter().enumerate().filter(|&(at, job)| job.shares.unwrap_or(at) == slot);
        sharers.all(|(_, job)| !job.unrecorded && !job.harmed)
    }

    /// What a job's journal holds.
    pub(crate) fn journal(&self, at: usize) -> Option<&[u8]> {
        self.journals.get(&self.journal_of(at)).map(Vec::as_slice)
    }
}

/// Raises the version in the first frame: `length u32 · CRC-32C u32 · magic · version u16 …`, as docs/checkpoint-format.md has it.
fn newer(journal: &mut [u8]) {
    let Some(len) = journal.first_chunk::<4>().and_then(|len| usize::try_from(u32::from_le_bytes(*len)).ok()) else {
        return;
    };
    if let Some(version) = journal.get_mut(12) {
        *version += 1;
    }
    let mut crc = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi);
    crc.update(journal.get(..4).unwrap_or_default());
    crc.update(journal.get(8..8 + len).unwrap_or_default());
    let sum = crc.finalize().to_le_bytes();
    journal.iter_mut().skip(4).zip(sum.into_iter().take(4)).for_each(|(to, from)| *to = from);
}
