//! A disk with a memory of its own: what was written is there, what was synced stays there.
//!
//! A loss of power keeps, loses or tears each write since the last sync, by the seed; a crash of the process keeps all. Other
//! programs edit, cut, replace and remove files. The target's name changes only by publishing.
//!
//! One run at a time holds a target; `hold` says what it may rely on.

mod hold;

use std::collections::BTreeMap;

use longhaul_core::error::{FileFault, FileFaultKind};
use longhaul_core::intent::Fingerprint;
use longhaul_core::rng::Rng;
use longhaul_core::{Algorithm, ByteRange, Digest};

use crate::content::{Content, Fill};
use hold::Hold;

/// A file.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// What a reader sees.
    pub content: Content,
    /// What survives a loss of power for sure.
    pub synced: Content,
    /// Written since.
    pending: Vec<(ByteRange, Fill)>,
    /// Where either half has changed, in order.
    touched: Vec<ByteRange>,
    /// Whether its name survives.
    named: bool,
    /// What it looks like.
    pub print: Fingerprint,
}

const EVERYWHERE: ByteRange = ByteRange::at(0, u64::MAX);

impl File {
    /// Where its content, or what of it is safe, has changed since it was made, in order.
    #[must_use]
    pub fn touched(&self) -> &[ByteRange] {
        &self.touched
    }
}

/// What another program does to a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Edit {
    /// A few bytes change.
    Flip,
    /// The end is cut off.
    Cut,
    /// Something is added.
    Grow,
    /// Another file takes its place, of the same size.
    Replace,
    /// It is removed.
    Remove,
    /// Some bytes change; size and modification time are put back.
    Stealth,
}

impl Edit {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Flip, Self::Cut, Self::Grow, Self::Replace, Self::Remove, Self::Stealth];
}

/// The disk.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    files: BTreeMap<String, File>,
    /// Targets at work.
    holds: BTreeMap<String, Hold>,
    clock: i64,
    /// No space is left.
    pub full: bool,
    /// Nothing may be created or renamed.
    pub read_only: bool,
}

/// The name of a target's temporary file.
#[must_use]
pub fn temporary(target: &str) -> String {
    format!(".{target}.part")
}

fn fault(kind: FileFaultKind) -> FileFault {
    FileFault::new(kind, "")
}

impl Disk {
    /// The file of that name.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&File> {
        self.files.get(name)
    }

    /// Puts a file there, synced.
    pub fn put(&mut self, name: &str, content: Content) {
        self.clock += 1;
        let print = Fingerprint {
            len: content.len(),
            modified: self.clock,
            changed: self.clock,
            file: self.clock.unsigned_abs(),
        };
        let file = File { synced: content.clone(), content, named: true, print, ..File::default() };
        self.files.insert(name.into(), file);
    }

    /// Makes the temporary file of `target` ready for the run `holder`; tells whether what was there is kept.
    ///
    /// # Errors
    /// As a disk has them, and when another run holds the target.
    pub fn reserve(&mut self, target: &str, holder: usize, total: Option<u64>, keep: bool) -> Result<bool, FileFault> {
        let name = temporary(target);
        if self.read_only {
            return Err(fault(FileFaultKind::ReadOnly));
        }
        // Its own run may reserve again, after a restart.
        self.may_hold(target, holder)?;
        // What a run published that did not live to say so is taken over, as a synced copy.
        let published = self.files.get(target).filter(|file| keep && Some(file.content.len()) == total);
        let published = published.map(|file| file.content.clone());
        let found = keep && self.files.contains_key(&name);
        let kept = found || published.is_some();
        if !found {
            if self.full {
                return Err(fault(FileFaultKind::Full));
            }
            self.put(&name, published.unwrap_or_default());
        }
        if let Some(file) = self.files.get_mut(&name) {
            if !kept {
                file.named = false;
            }
            if let Some(total) = total {
                file.content.set_len(total);
                file.touched.push(EVERYWHERE);
            }
        }
        self.hold(target, holder);
        Ok(kept)
    }

    /// The run `holder` writes to the temporary file of `target`.
    ///
    /// # Errors
    /// When it is not the file it reserved, or the disk is full.
    pub fn write(&mut self, target: &str, holder: usize, range: ByteRange, fill: Fill) -> Result<(), FileFault> {
        self.intact(target, holder)?;
        let full = self.full;
        let file = self.files.get_mut(&temporary(target)).ok_or_else(|| fault(FileFaultKind::Lost))?;
        if full {
            return Err(fault(FileFaultKind::Full));
        }
        file.content.write(range, fill);
        file.pending.push((range, fill));
        file.touched.push(range);
        self.grown(target, range.end());
        Ok(())
    }

    /// Writes made so far to the temporary file of `target`: what a sync that begins now will cover.
    #[must_use]
    pub fn mark(&self, target: &str) -> usize {
        self.files.get(&temporary(target)).map_or(0, |file| file.pending.len())
    }

    /// Syncs the first `upto` pending writes of the temporary file that the run `holder` reserved.
    ///
    /// # Errors
    /// When it is not that file.
    pub fn sync(&mut self, target: &str, holder: usize, upto: usize) -> Result<(), FileFault> {
        self.intact(target, holder)?;
        let file = self.files.get_mut(&temporary(target)).ok_or_else(|| fault(FileFaultKind::Lost))?;
        let upto = upto.min(file.pending.len());
        for (range, fill) in file.pending.drain(..upto) {
            file.synced.write(range, fill);
            file.touched.push(range);
        }
        let len = file.content.len().max(file.synced.len());
        file.synced.set_len(len);
        file.named = true;
        Ok(())
    }

    /// The same sync fails. What it was to write is still read back, and no later sync writes it: so Linux does.
    pub fn fail_sync(&mut self, target: &str, upto: usize) {
        if let Some(file) = self.files.get_mut(&temporary(target)) {
            file.pending.drain(..upto.min(file.pending.len()));
        }
    }

    /// Digests of ranges of a file.
    ///
    /// # Errors
    /// When there is none.
    pub fn digests(
        &self,
        name: &str,
        algorithm: Algorithm,
        ranges: &[ByteRange],
    ) -> Result<Vec<Option<Digest>>, FileFault> {
        let file = self.files.get(name).ok_or_else(|| fault(FileFaultKind::NotFound))?;
        let digest = |&range| file.content.digest(algorithm, range);
        Ok(ranges.iter().map(digest).collect())
    }

    /// Gives the temporary file that the run `holder` reserved its name.
    ///
    /// # Errors
    /// When it is not that file, or names cannot change.
    pub fn publish(&mut self, target: &str, holder: usize, len: u64, durable: bool) -> Result<(), FileFault> {
        if self.read_only {
            return Err(fault(FileFaultKind::ReadOnly));
        }
        self.intact(target, holder)?;
        let mut file = self.files.remove(&temporary(target)).ok_or_else(|| fault(FileFaultKind::Lost))?;
        file.content.set_len(len);
        if durable {
            file.synced = file.content.clone();
            file.pending.clear();
            file.named = true;
        }
        self.files.insert(target.into(), file);
        self.let_go(target, holder);
        Ok(())
    }

    /// The run `holder` lets go of the target; removes its temporary file or keeps it.
    ///
    /// # Errors
    /// When the file is to be removed and another run holds it.
    pub fn release(&mut self, target: &str, holder: usize, remove: bool) -> Result<(), FileFault> {
        if remove {
            self.may_hold(target, holder)?;
            self.files.remove(&temporary(target));
        }
        self.let_go(target, holder);
        Ok(())
    }

    /// A file is gone.
    pub fn remove(&mut self, name: &str) {
        self.files.remove(name);
    }

    /// A file gets another name on the same disk.
    pub fn rename(&mut self, from: &str, to: &str) {
        self.clock += 1;
        if let Some(mut file) = self.files.remove(from) {
            file.print.changed = self.clock;
            self.files.insert(to.into(), file);
        }
    }

    /// A file comes to another disk: the same bytes, and the same modification time if `faithful`.
    pub fn carry(&mut self, from: &str, to: &str, faithful: bool) {
        if let Some(file) = self.files.remove(from) {
            self.put(to, file.content);
            if let Some(carried) = self.files.get_mut(to).filter(|_| faithful) {
                carried.print.modified = file.print.modified;
            }
        }
    }

    /// The processes of the runs that are `gone` are, and with `power` what was not synced, as far as the seed wants.
    pub fn crash(&mut self, power: bool, gone: impl Fn(usize) -> bool, rng: &mut Rng) {
        self.holds.retain(|_, hold| !gone(hold.holder));
        if !power {
            return;
        }
        let lost: Vec<String> = self
            .files
            .iter()
            .filter(|(_, file)| !file.named && rng.up_to(1) == 0)
            .map(|(name, _)| name.clone())
            .collect();
        for name in lost {
            self.files.remove(&name);
        }
        for file in self.files.values_mut() {
            let mut left = core::mem::take(&mut file.synced);
            left.set_len(file.content.len().max(left.len()));
            for (range, fill) in file.pending.drain(..) {
                let kept = match rng.up_to(2) {
                    0 => range,
                    1 => ByteRange::at(range.start(), rng.up_to(range.len())),
                    _ => ByteRange::default(),
                };
                left.write(kept, fill);
            }
            file.synced = left.clone();
            file.content = left;
            file.touched.push(EVERYWHERE);
            file.named = true;
        }
    }

    /// Another program does something to a file. Sources are edited in versions: `version` is the one that comes in.
    pub fn edit(&mut self, name: &str, edit: Edit, fill: Fill, rng: &mut Rng) {
        if edit == Edit::Remove {
            self.files.remove(name);
            return;
        }
        self.clock += 1;
        let clock = self.clock;
        let Some(file) = self.files.get_mut(name) else {
            return;
        };
        let len = file.content.len();
        match edit {
            Edit::Flip | Edit::Stealth => {
                let start = rng.up_to(len.saturating_sub(1));
                let most = len - start;
                file.content.write(ByteRange::at(start, (1 + rng.up_to(64)).min(most)), fill);
            }
            Edit::Cut => file.content.set_len(rng.up_to(len)),
            Edit::Grow => file.content.write(ByteRange::at(len, 1 + rng.up_to(2048)), fill),
            Edit::Replace | Edit::Remove => {
                file.content = Content::empty();
                file.content.write(ByteRange::at(0, len), fill);
                file.print.file = clock.unsigned_abs();
            }
        }
        file.pending.clear();
        file.synced = file.content.clone();
        file.touched.push(EVERYWHERE);
        if edit != Edit::Stealth {
            file.print.modified = clock;
        }
        file.print.changed = clock;
        file.print.len = file.content.len();
    }
}
