//! The way out: wait until nothing is in flight, give the session up where that was asked, let go of local things.

use crate::checkpoint::Stage;
use crate::error::{Error, FileFault, FileFaultKind};
use crate::event::{End, EventKind};
use crate::id::OpId;
use crate::intent::{FileOp, Moved};
use crate::spec::Direction;
use crate::transfer::phase::Signal;
use crate::transfer::{Cx, Exchange, Phase, Stop, Transfer};

/// What is left to do locally.
#[derive(Debug, Default)]
pub(super) struct Cleaning {
    file: Option<FileOp>,
    /// The session could not be given up: its record must stay.
    keep_record: bool,
}

impl Transfer {
    pub(super) fn settle_ending(&mut self, cx: &mut Cx<'_>) {
        let asking = self.refresh.op.is_some();
        let unsaved =
            self.phase == Phase::Ending && self.keeps_stored() && (self.keeper.has_unsynced() || self.keeper.is_busy());
        let idle = self.in_flight() == 0 && self.file.is_none() && !asking && !self.keeper.is_in_flight();
        if !idle || unsaved {
            return;
        }
        match self.phase {
            Phase::Committing | Phase::Confirming | Phase::Publishing if self.commit_is_over() => {
                self.parts.clear();
                self.signal(Signal::Quiet, cx);
                self.settle_ending(cx);
            }
            Phase::Ending if self.abort_wanted() => self.signal(Signal::AbortWanted, cx),
            Phase::Ending => {
                // A session that is neither given up nor recorded is nobody's any more.
                let open = self.is_abortable() || core::mem::take(&mut self.session.untold);
                if open && !(self.spec.journal && self.keeps_stored()) {
                    self.maybe_orphan(cx);
                }
                self.signal(Signal::Quiet, cx);
                self.settle_ending(cx);
            }
            Phase::Cleaning if self.cleaning.file.is_none() && !self.keeper.is_busy() => {
                self.signal(Signal::Cleaned, cx);
            }
            _ => {}
        }
    }

    /// Whether a later run shall find what is stored.
    pub(super) const fn keeps_stored(&self) -> bool {
        match &self.stop {
            Some(Stop::Close | Stop::Fail { discard: false, .. }) => true,
            Some(Stop::Cancel) => self.spec.keep_on_cancel,
            _ => false,
        }
    }

    /// Nothing of a commit is under way, and it is not worth another request.
    fn commit_is_over(&self) -> bool {
        match &self.stop {
            // It goes on to its answer: that answer decides whether the cancel came too late.
            Some(Stop::Cancel) => {
                self.phase == Phase::Publishing
                    || self.session.known_uncommitted
                    || self.session.given_up
                    || (self.phase == Phase::Committing
                        && self.single.tries.failed == 0
                        && !self.session.resumed
                        && !self.commit_sent)
            }
            Some(Stop::Close | Stop::Fail { .. }) => true,
            Some(Stop::Done(_)) | None => false,
        }
    }

    fn abort_wanted(&self) -> bool {
        let unknown = self.session.stage == Stage::Committing && !self.session.known_uncommitted && self.commit_sent;
        let given_up = match &self.stop {
            Some(Stop::Cancel) => !(self.spec.keep_on_cancel && self.spec.journal),
            // Nobody could ever find the session again.
            Some(Stop::Fail { .. }) => !self.spec.journal,
            _ => false,
        };
        given_up && !unknown && self.is_abortable()
    }

    /// The request just planned as `op` could not be made: the same would happen to the next one.
    pub(crate) fn unbuildable(&mut self, op: OpId, step: &crate::provider::Step, error: Error, cx: &mut Cx<'_>) {
        self.on_http(op, step, Moved::default(), Exchange::Cancelled, cx);
        self.give_up(error, cx);
        self.settle(cx);
    }

    /// What the present phase asks for cannot be had: the transfer fails, and what it was stopped for is not held up any longer.
    pub(super) fn give_up(&mut self, error: Error, cx: &mut Cx<'_>) {
        if self.phase == Phase::Aborting {
            self.give_up_abort(error, cx);
            return;
        }
        // A cancel that waits for this commit must not wait for another one.
        self.session.given_up = self.phase.is_committing();
        self.fail(error, cx);
    }

    /// The session is given up. A part that was under way may still come in, and is stored, and paid for, until the session is
    /// aborted once more: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html>. Nobody can tell how
    /// long that takes, so it is told in place of waiting. What a former run had under way is not known.
    pub(super) fn session_aborted(&mut self, cx: &mut Cx<'_>) {
        if self.session.loose || self.session.resumed {
            self.maybe_orphan(cx);
        }
        self.signal(Signal::Aborted, cx);
    }

    /// The session stays on the server.
    pub(super) fn give_up_abort(&mut self, reason: Error, cx: &mut Cx<'_>) {
        let object = alloc::string::String::from(self.spec.provider.object());
        cx.events.push(self.id, EventKind::AbortFailed { object, reason });
        self.cleaning.keep_record = true;
        self.cancels.extend(self.single.op);
        self.signal(Signal::Aborted, cx);
    }

    pub(super) fn enter_cleaning(&mut self) {
        let download = self.spec.direction == Direction::Download;
        let (file, forget) = match &self.stop {
            Some(Stop::Done(completed)) => ((!download || completed.unchanged).then_some(FileOp::Release), true),
            Some(Stop::Cancel) if self.spec.keep_on_cancel => (Some(FileOp::Release), false),
            Some(Stop::Fail { discard: true, .. } | Stop::Cancel) if download => (Some(FileOp::Remove), true),
            Some(Stop::Fail { discard: true, .. } | Stop::Cancel) => (Some(FileOp::Release), true),
            _ => (Some(FileOp::Release), false),
        };
        self.cleaning.file = file;
        if forget && !self.cleaning.keep_record {
            self.keeper.drop_journal();
        }
    }

    pub(super) fn cleaning_file(&mut self) -> Option<FileOp> {
        self.cleaning.file.clone()
    }

    /// The file operation of the cleaning is over. Its failure does not change the outcome.
    pub(super) fn cleaned_file(&mut self, failed: Option<FileFault>) {
        self.cleaning.file = None;
        // Another run works on the target, and what is recorded of it is that run's (D11).
        if failed.is_some_and(|fault| fault.kind == FileFaultKind::Busy) {
            self.keeper.leave_journal();
        }
    }

    /// The last word, once.
    pub(super) fn finish(&mut self, cx: &mut Cx<'_>) {
        let end = match self.stop.take() {
            Some(Stop::Done(completed)) => End::Completed(completed),
            Some(Stop::Cancel) => End::Failed(Error::Cancelled),
            Some(Stop::Fail { error, .. }) => End::Failed(error),
            Some(Stop::Close) | None => End::Failed(Error::Closed),
        };
        self.stop = Some(match &end {
            End::Completed(completed) => Stop::Done(completed.clone()),
            End::Failed(error) => Stop::Fail { error: error.clone(), discard: false },
        });
        self.end = Some(end.clone());
        cx.events.push(self.id, EventKind::Ended(end));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Profile;

    #[test]
    fn c5_a_cancel_waits_for_every_commit_that_may_have_been_sent() {
        for case in 0..16 {
            let [sent, failed, resumed, confirming] = [1, 2, 4, 8].map(|bit| case & bit != 0);
            let mut transfer = crate::transfer::tests::transfer(Direction::Upload, Profile::download());
            transfer.stop = Some(Stop::Cancel);
            transfer.phase = if confirming { Phase::Confirming } else { Phase::Committing };
            (transfer.commit_sent, transfer.session.resumed) = (sent, resumed);
            transfer.single.tries.failed = u32::from(failed);
            assert_eq!(transfer.commit_is_over(), case == 0, "{sent} {failed} {resumed} {confirming}");
        }
        let mut transfer = crate::transfer::tests::transfer(Direction::Upload, Profile::download());
        (transfer.stop, transfer.phase, transfer.commit_sent) = (Some(Stop::Cancel), Phase::Committing, true);
        transfer.session.known_uncommitted = true;
        assert!(transfer.commit_is_over(), "it is known not to be one");
    }
}
