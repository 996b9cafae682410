//! What an upload does in each phase. Its parts on their way are in `sending`.

use alloc::string::String;
use alloc::vec::Vec;

use crate::checkpoint::{Fact, Stage};
use crate::digest::Digest;
use crate::error::{Error, FileFault, FileFaultKind, Usage};
use crate::event::{EventKind, Restart};
use crate::intent::{FileOp, FileReply, Fingerprint};
use crate::layout::Layout;
use crate::provider::{Begin, Order, Receipt, StepKind, UploadedPart};
use crate::range::ByteRange;
use crate::transfer::phase::Signal;
use crate::transfer::requests::protocol;
use crate::transfer::{Cx, Phase, Transfer};

impl Transfer {
    /// The file operation the present phase consists of.
    pub(super) fn upload_file(&mut self) -> Option<FileOp> {
        match self.phase {
            Phase::Inspecting if self.source.endless => Some(FileOp::Fill { upto: u64::MAX }),
            Phase::Inspecting | Phase::Checking => Some(FileOp::Stat),
            Phase::Hashing => {
                let ranges = alloc::vec![ByteRange::at(0, self.source.total?)];
                Some(FileOp::Digest { algorithm: self.profile.content_digest?, ranges })
            }
            Phase::Rechecking => {
                let ranges = self.session.parts.values().map(|part| part.range).collect();
                Some(FileOp::Digest { algorithm: self.recorded(), ranges })
            }
            _ => None,
        }
    }

    pub(super) fn upload_replied(&mut self, reply: FileReply, cx: &mut Cx<'_>) {
        match (self.phase, reply) {
            (Phase::Inspecting, FileReply::Source { len: None, .. }) if !self.source.endless => {
                self.source.endless = true;
            }
            (Phase::Inspecting, FileReply::Source { len: Some(len), fingerprint }) => {
                self.inspected(len, fingerprint, cx);
            }
            (Phase::Inspecting, FileReply::Filled { len, end: true }) => self.inspected(len, None, cx),
            (Phase::Inspecting, FileReply::Filled { .. }) => {}
            (Phase::Hashing, FileReply::Digests(found)) => match found.first().copied().flatten() {
                Some(digest) => {
                    self.source.digest = Some(digest);
                    self.source_known(Signal::Hashed, cx);
                }
                None => self.source_changed("it became shorter while it was read", cx),
            },
            (Phase::Rechecking, FileReply::Digests(found)) => self.rechecked_parts(&found, cx),
            (Phase::Moving, FileReply::Digests(found)) => self.digested_ahead(found.first().copied().flatten(), cx),
            (Phase::Checking, FileReply::Source { len, fingerprint }) => {
                let same =
                    len.is_none_or(|len| Some(len) == self.source.total) && fingerprint == self.source.fingerprint;
                let stored = self.session.receipt.take();
                if let Some(receipt) = stored.clone().filter(|_| same) {
                    self.complete(Signal::Complete, receipt, cx);
                } else if same {
                    self.signal(Signal::Same, cx);
                } else if stored.is_some() {
                    self.source_changed("it was written to while it was uploaded; the server may hold a mixture", cx);
                } else {
                    self.source_changed("it was written to while it was uploaded; nothing was committed", cx);
                }
            }
            _ => {
                self.fail(protocol(StepKind::Begin, "the storage replied to another question"), cx);
            }
        }
    }

    pub(super) fn source_changed(&mut self, detail: &str, cx: &mut Cx<'_>) {
        self.fail(Error::Disk(FileFault::new(FileFaultKind::Changed, detail)), cx);
    }

    /// The source is known: is it what an earlier run began to upload, and how is it cut?
    fn inspected(&mut self, len: u64, fingerprint: Option<Fingerprint>, cx: &mut Cx<'_>) {
        let source = &mut self.source;
        // Without a fingerprint nothing says that these are the bytes of a former run.
        let known = fingerprint.is_some() && source.fingerprint == fingerprint;
        let untouched = known && source.total == Some(len);
        let looks_same = source.total == Some(len)
            && source.fingerprint.map(|print| print.modified) == fingerprint.map(|print| print.modified);
        if !untouched {
            // Only its bytes can tell; they are read again.
            source.digest = None;
        }
        if self.session.id.is_some() && !looks_same {
            let detail =
                "it is not what this upload began with; cancel the upload to drop its session, then start it anew";
            self.source_changed(detail, cx);
            return;
        }
        if !untouched && self.is_sessionless() && self.is_underway() {
            self.rename_parts();
        }
        let keep = self.source.layout.filter(|layout| layout.total() == len && self.is_underway());
        let layout = keep.map_or_else(|| Layout::plan(len, self.spec.part_size, &self.profile.parts), Ok);
        match layout {
            Ok(layout) => self.source.layout = Some(layout),
            Err(error) => {
                self.fail(Error::Usage(Usage::Layout(error)), cx);
                return;
            }
        }
        self.source.total = Some(len);
        self.source.fingerprint = fingerprint;
        // Parts whose bytes cannot be compared are not believed when the file was touched.
        if !untouched && self.profile.content_digest.is_none() {
            self.session.recheck = true;
        }
        if self.profile.content_digest.is_some() && self.source.digest.is_none() {
            self.signal(Signal::DigestWanted, cx);
        } else {
            self.source_known(Signal::Inspected, cx);
        }
    }

    pub(super) fn source_known(&mut self, opened_by: Signal, cx: &mut Cx<'_>) {
        let total = self.source.total.unwrap_or_default();
        let single = self.profile.single.is_some_and(|most| total <= most);
        // Without a session and without parts nothing of it is there to be gone on with: a small source goes up whole again.
        if single && self.session.id.is_none() && self.session.parts.is_empty() && self.is_sessionless() {
            self.session.stage = Stage::Fresh;
        }
        if self.is_underway() {
            if self.session.recheck && !self.session.parts.is_empty() {
                self.signal(Signal::Kept, cx);
            } else {
                self.resume_session(cx);
            }
        } else if self.spec.provider.plan().is_some() {
            self.open_by_plan(cx);
        } else if single || self.profile.begin == Begin::None {
            self.source.whole = single;
            if !single && self.is_sessionless() {
                self.record_names();
            }
            self.tell_untold(cx);
            self.signal(Signal::Sessionless, cx);
        } else {
            self.tell_untold(cx);
            self.signal(opened_by, cx);
        }
    }

    /// What a former run may have opened is none of what this one goes on with, whichever way the source goes up now.
    fn tell_untold(&mut self, cx: &mut Cx<'_>) {
        if core::mem::take(&mut self.session.untold) {
            self.maybe_orphan(cx);
        }
    }

    fn rechecked_parts(&mut self, found: &[Option<Digest>], cx: &mut Cx<'_>) {
        let recorded: Vec<u64> = self.session.parts.keys().copied().collect();
        for (at, number) in recorded.into_iter().enumerate() {
            let now = found.get(at).copied().flatten();
            let then = self.session.digests.get(&number).copied();
            if then.is_none() || now != then {
                self.session.parts.remove(&number);
                self.session.digests.remove(&number);
            }
        }
        self.session.recheck = false;
        self.resume_session(cx);
    }

    fn resume_session(&mut self, cx: &mut Cx<'_>) {
        if self.session.stage == Stage::Committing && self.profile.confirm {
            self.signal(Signal::CommitPending, cx);
        } else if self.profile.list {
            self.session.marker = None;
            self.session.listed.clear();
            self.signal(Signal::ListWanted, cx);
        } else if self.phase == Phase::Rechecking {
            self.signal(Signal::Rechecked, cx);
        } else {
            self.signal(Signal::Sessionless, cx);
        }
    }

    pub(super) fn enter_opening(&mut self) {
        // Parts of a record that has lost the name of their session are in none that is opened now.
        self.session.parts.clear();
        self.session.digests.clear();
        if self.profile.begin == Begin::Creates {
            self.session.stage = Stage::Opening;
            self.keeper.hold();
        }
        self.keeper.rewrite();
    }

    /// The server's answer to the opening.
    pub(super) fn begun(
        &mut self,
        session: Option<String>,
        next: Option<u64>,
        receipt: Option<Receipt>,
        cx: &mut Cx<'_>,
    ) {
        let total = self.source.total.unwrap_or_default();
        if let Some(session) = session {
            self.session_opened(session);
        } else if self.profile.begin == Begin::Creates {
            self.maybe_orphan(cx);
            self.fail(protocol(StepKind::Begin, "the answer names no upload session"), cx);
            return;
        }
        let next = next.unwrap_or(0);
        if next > total {
            self.fail(protocol(StepKind::Begin, "the server wants to go on beyond the end of the content"), cx);
            return;
        }
        self.session.cursor = next;
        self.session.high = self.session.high.max(next);
        match receipt {
            Some(receipt) if !self.profile.commit => {
                self.progress.reused = total;
                self.session.high = total;
                self.tell_moving(Some(total), total, cx);
                self.complete(Signal::Complete, receipt, cx);
            }
            _ => self.signal(Signal::Opened, cx),
        }
    }

    pub(super) fn session_opened(&mut self, session: String) {
        self.keeper.fact(&Fact::Session(session.clone()), 0);
        self.keeper.hold();
        self.session.id = Some(session);
        self.session.stage = Stage::Open;
    }

    /// One page of the server's parts: its word wins over our record, and only what both know counts (U7, U8).
    pub(super) fn listed(&mut self, parts: Vec<UploadedPart>, marker: Option<String>, cx: &mut Cx<'_>) {
        for part in parts {
            self.session.listed.insert(part.number, part);
        }
        if marker.is_some() && marker == self.session.marker {
            self.fail(protocol(StepKind::ListParts, "the next page is the page just read"), cx);
            return;
        }
        self.session.marker = marker;
        if self.session.marker.is_some() {
            return;
        }
        let listed = core::mem::take(&mut self.session.listed);
        let known = self.session.parts.len();
        self.session.parts.retain(|number, part| {
            listed.get(number).is_some_and(|there| there.range.len() == part.range.len() && there.tag == part.tag)
        });
        let kept = &self.session.parts;
        self.session.digests.retain(|number, _| kept.contains_key(number));
        if kept.len() < known && core::mem::take(&mut self.reused_told) {
            // After a commit without effect: what was acknowledged in this run is not there any more.
            self.progress.resent = self.progress.moved;
            cx.events.push(self.id, EventKind::Restarted(Restart::SessionGone));
        }
        self.signal(Signal::Reconciled, cx);
    }

    pub(super) fn enter_moving_upload(&mut self, cx: &mut Cx<'_>) {
        let total = self.source.total.unwrap_or_default();
        self.parts.clear();
        let reused = match self.profile.order {
            _ if self.source.whole => 0,
            Order::ServerOffset => self.session.cursor,
            Order::Parallel => {
                self.parts.todo.insert(ByteRange::at(0, total));
                for part in self.session.parts.values() {
                    self.parts.todo.remove(part.range);
                }
                self.session.parts.values().map(|part| part.range.len()).sum()
            }
        };
        // A commit without effect leads back here: what this run has sent is not what an earlier one left.
        if !self.reused_told {
            self.progress.reused = reused;
        }
        self.tell_moving(Some(total), reused, cx);
        self.check_sent(cx);
    }

    /// All content is on the server.
    pub(super) fn finish_upload(&mut self, receipt: Receipt, cx: &mut Cx<'_>) {
        if self.profile.commit && self.is_underway() {
            self.signal(Signal::Moved, cx);
        } else if self.phase == Phase::Moving && self.source.fingerprint.is_some() {
            // There is no commit to withhold, but a mixture must not pass for a success.
            self.session.receipt = Some(receipt);
            self.signal(Signal::Moved, cx);
        } else if self.phase == Phase::Moving {
            self.complete(Signal::Complete, receipt, cx);
        }
    }

    /// The session is gone on the server: everything goes up again, into a new one.
    pub(super) fn session_gone(&mut self, cx: &mut Cx<'_>) {
        if self.plan_gone(cx) {
            return;
        }
        self.start_over(Restart::SessionGone);
    }

    pub(super) fn restart_upload(&mut self, cx: &mut Cx<'_>) {
        self.parts.clear();
        self.keeper.reset();
        if self.is_sessionless() {
            self.rename_parts();
            self.record_names();
            self.signal(Signal::Sessionless, cx);
        } else {
            self.session = super::Session::default();
            self.signal(Signal::SessionGone, cx);
        }
    }

    /// A confirmation said that the object is not there.
    pub(super) fn not_committed(&mut self, cx: &mut Cx<'_>) {
        self.session.known_uncommitted = true;
        self.session.commits += 1;
        if self.stop.is_some() {
            return;
        }
        if let Some(fault) = self.session.conflict.take() {
            self.fail(Error::Server(fault), cx);
        } else if self.session.gone {
            // Neither session nor object: everything goes up again.
            self.session_gone(cx);
        } else if self.session.commits > self.spec.retry.retries {
            self.fail(protocol(StepKind::Commit, "the commit is accepted again and again without any effect"), cx);
        } else if self.profile.order == Order::Parallel && (!self.has_all_parts() || self.is_unlisted()) {
            // Not all that the former run had uploaded is believed, or still there: the rest goes first.
            self.session.marker = None;
            self.session.listed.clear();
            self.signal(if self.profile.list { Signal::ListWanted } else { Signal::Rechecked }, cx);
        } else {
            self.signal(Signal::NotCommitted, cx);
        }
    }

    /// What a former run recorded as uploaded was not yet compared with what the server holds.
    const fn is_unlisted(&self) -> bool {
        self.profile.list && self.session.resumed && self.session.commits == 1
    }

    fn has_all_parts(&self) -> bool {
        let parts = self.session.parts.values();
        Some(parts.map(|part| part.range.len()).sum()) == self.source.total
    }
}
