//! Who works on a target, and what a run may rely on while it does: nobody else has reserved it, and its temporary file is the
//! one it reserved and no shorter than it made it.

use longhaul_core::error::{FileFault, FileFaultKind};

use super::{Disk, fault, temporary};

/// A target at work.
#[derive(Clone, Debug)]
pub(super) struct Hold {
    /// The run that has it.
    pub(super) holder: usize,
    /// The identity of the temporary file as it was reserved.
    file: u64,
    /// How long that file has been.
    longest: u64,
}

impl Disk {
    /// Whether the temporary file of `target` is the one that the run `holder` reserved.
    #[must_use]
    pub fn is_intact(&self, target: &str, holder: usize) -> bool {
        self.intact(target, holder).is_ok()
    }

    /// Whether a run works on `target`.
    #[must_use]
    pub fn is_held(&self, target: &str) -> bool {
        self.holds.contains_key(target)
    }

    /// Whether `holder` may work on `target`.
    pub(super) fn may_hold(&self, target: &str, holder: usize) -> Result<(), FileFault> {
        match self.holds.get(target) {
            Some(hold) if hold.holder != holder => Err(fault(FileFaultKind::Busy)),
            _ => Ok(()),
        }
    }

    pub(super) fn hold(&mut self, target: &str, holder: usize) {
        if let Some(file) = self.files.get(&temporary(target)) {
            let hold = Hold { holder, file: file.print.file, longest: file.content.len() };
            self.holds.insert(target.into(), hold);
        }
    }

    pub(super) fn let_go(&mut self, target: &str, holder: usize) {
        if self.may_hold(target, holder).is_ok() {
            self.holds.remove(target);
        }
    }

    /// A write of `holder` reached as far as `end`.
    pub(super) fn grown(&mut self, target: &str, end: u64) {
        if let Some(hold) = self.holds.get_mut(target) {
            hold.longest = hold.longest.max(end);
        }
    }

    pub(super) fn intact(&self, target: &str, holder: usize) -> Result<(), FileFault> {
        let hold = self.holds.get(target).filter(|hold| hold.holder == holder);
        let file = self.files.get(&temporary(target));
        let same = hold
            .zip(file)
            .is_some_and(|(hold, file)| file.print.file == hold.file && file.content.len() >= hold.longest);
        if same { Ok(()) } else { Err(fault(FileFaultKind::Lost)) }
    }
}
