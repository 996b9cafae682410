//! The content of an upload on its way: which part goes next, with which digest, and what came of it.

use crate::checkpoint::Fact;
use crate::digest::{Algorithm, Digest};
use crate::error::{Error, Fault, Sent, ServerFaultKind};
use crate::intent::{FileOp, Moved};
use crate::provider::{Order, Receipt, Reply, Step, StepKind, UploadedPart, Verdict};
use crate::range::ByteRange;
use crate::time::Now;
use crate::transfer::parts::{Allowance, Delayed, Flight, Tries};
use crate::transfer::requests::{Next, protocol};
use crate::transfer::{Cx, Exchange, Phase, Transfer};

/// The digest of a part as it was sent, by which a later run tells whether the source still holds the same bytes.
const SENT: Algorithm = Algorithm::Crc64Nvme;

impl Transfer {
    /// The next part to send.
    pub(super) fn peek_part(&self, now: Now, may: Allowance) -> Option<(Step, Tries)> {
        let flying = self.parts.flights.len();
        let one_by_one = self.source.whole || self.profile.order == Order::ServerOffset;
        if flying >= if one_by_one { 1 } else { may.requests } {
            return None;
        }
        let layout = self.source.layout.as_ref()?;
        let (range, tries) =
            match self.parts.due(now.mono, |due| may.pays(due.tries) && self.part_is_ready(due.range, now)) {
                Some(due) => (due.range, due.tries),
                None if one_by_one && !self.parts.delayed.is_empty() => return None,
                None if self.parts.holds_back(now.mono, may.requests) => return None,
                None => (self.next_range(now)?, Tries::default()),
            };
        let digest = match self.profile.part_digest {
            Some(_) => Some(self.source.known(range)?),
            None => None,
        };
        let step = if self.source.whole {
            Step::PutWhole { range }
        } else {
            Step::PutPart { number: layout.index_of(range.start()) + 1, range, digest }
        };
        Some((step, tries))
    }

    /// What is sent next, of what was not sent yet.
    fn next_range(&self, now: Now) -> Option<ByteRange> {
        let (total, layout) = (self.source.total?, self.source.layout.as_ref()?);
        if self.source.whole {
            let sending = !self.parts.flights.is_empty() || !self.parts.delayed.is_empty();
            return (!sending).then_some(ByteRange::at(0, total));
        }
        match self.profile.order {
            Order::ServerOffset => {
                let end = self.session.cursor.saturating_add(layout.part_size()).min(total);
                ByteRange::new(self.session.cursor, end).filter(|range| !range.is_empty())
            }
            Order::Parallel => Some(layout.part(self.next_part(now)?)),
        }
    }

    /// The digest that the next part's request will carry: computed while the parts before it are on their way.
    pub(super) fn digest_ahead(&mut self, now: Now) -> Option<FileOp> {
        let algorithm = self.profile.part_digest.filter(|_| self.stop.is_none() && self.restart.is_none())?;
        let waiting = self.parts.delayed.iter().map(|delayed| delayed.range);
        let range = waiting.chain(self.next_range(now)).find(|range| self.source.known(*range).is_none())?;
        self.source.hashing = Some(range);
        Some(FileOp::Digest { algorithm, ranges: alloc::vec![range] })
    }

    /// The digest of a part, or of everything that goes up at once, is known.
    pub(super) fn digested_ahead(&mut self, digest: Option<Digest>, cx: &mut Cx<'_>) {
        let Some(range) = self.source.hashing.take() else { return };
        let Some(digest) = digest else {
            self.source_changed("it became shorter while it was read", cx);
            return;
        };
        if self.source.whole {
            self.source.digest = Some(digest);
        }
        self.source.ahead.insert(range.start(), (range, digest));
    }

    /// The digest to compute over what the next request sends.
    pub(crate) fn sent_digest(&self, step: &Step) -> Option<Algorithm> {
        // A part that has a session is compared with the source before a later run believes in it.
        let recorded = self.spec.journal && self.spec.recheck;
        let parallel = self.profile.order == Order::Parallel && recorded && !self.is_sessionless();
        match step {
            // Known before it is sent.
            _ if self.profile.part_digest.is_some() => None,
            Step::PutPart { .. } => self.profile.sent_digest.or(parallel.then_some(SENT)),
            Step::PutWhole { .. } => self.profile.sent_digest,
            _ => None,
        }
    }

    /// The algorithm of the digests that parts are recorded with.
    pub(super) fn recorded(&self) -> Algorithm {
        self.profile.part_digest.or(self.profile.sent_digest).unwrap_or(SENT)
    }

    /// Whether a part in flight may be sent by another request.
    pub(super) fn can_send_anew(&self) -> bool {
        let side_by_side = self.profile.order == Order::Parallel && !self.source.whole;
        self.phase == Phase::Moving && self.works() && side_by_side
    }

    /// An upload request is over.
    pub(super) fn part_landed(
        &mut self,
        flight: Flight,
        step: &Step,
        moved: Moved,
        exchange: Exchange,
        cx: &mut Cx<'_>,
    ) {
        let sent = moved.sent.min(flight.range.len());
        self.account(sent.saturating_sub(flight.moved.sent.min(flight.range.len())), cx.now.mono);
        let kind = step.kind();
        // Also of one that was given up as slow.
        self.parts.paced(flight.launched, sent, cx.now.mono);
        if let Exchange::Judged(Ok(reply)) = exchange {
            self.succeeded();
            self.part_replied(&flight, step, moved, reply, cx);
            return;
        }
        let answered = matches!(&exchange, Exchange::Judged(_) | Exchange::Broken(Fault { sent: Sent::No, .. }));
        self.session.loose |= !answered && moved.sent >= flight.range.len();
        self.progress.resent = self.progress.resent.saturating_add(sent);
        if self.stop.is_some() || self.restart.is_some() {
            return;
        }
        if kind == StepKind::PutWhole && self.whole_in_doubt(flight.range, moved, &exchange, cx) {
            return;
        }
        let next = match exchange {
            Exchange::Judged(Err(Verdict::Fatal(fault)))
                if fault.kind == ServerFaultKind::NotFound && self.session.id.is_some() =>
            {
                self.session_gone(cx);
                return;
            }
            Exchange::Judged(Err(verdict)) => self.judge(verdict, flight.tries, kind, cx),
            Exchange::Broken(fault) => self.broke(fault, flight.tries, kind, cx),
            Exchange::Local(fault) => Next::Failed(Error::Disk(fault)),
            Exchange::Judged(Ok(_)) | Exchange::Moved | Exchange::Cancelled => {
                if self.profile.order == Order::Parallel && !self.source.whole {
                    self.parts.todo.insert(flight.range);
                }
                return;
            }
        };
        match next {
            Next::Again { tries, due } => {
                self.parts.put_off(Delayed { range: flight.range, tries, due }, cx.now.mono, false);
            }
            Next::Failed(error) => self.fail(error, cx),
            Next::Handled => {}
        }
    }

    fn part_replied(&mut self, flight: &Flight, step: &Step, moved: Moved, reply: Reply, cx: &mut Cx<'_>) {
        match (step, reply) {
            (Step::PutWhole { .. }, Reply::Committed(receipt)) => {
                self.source.whole = false;
                self.finish_upload(receipt, cx);
            }
            (Step::PutPart { number, range, digest }, Reply::Part { tag, .. })
                if self.profile.order == Order::Parallel =>
            {
                let part = UploadedPart::new(*number, *range, tag);
                let digest = digest.or(moved.digest);
                self.source.ahead.remove(&range.start());
                self.keeper.fact(&Fact::Part(part.clone(), digest), range.len());
                self.session.parts.insert(*number, part);
                if let Some(digest) = digest {
                    self.session.digests.insert(*number, digest);
                }
                self.check_sent(cx);
            }
            (Step::PutPart { range, .. }, Reply::Part { next, receipt, .. } | Reply::Begun { next, receipt, .. }) => {
                self.offset_told(*range, next, receipt, cx);
            }
            (step, _) => {
                self.progress.resent = self.progress.resent.saturating_add(flight.range.len());
                self.fail(protocol(step.kind(), "an answer of another kind than the request asked for"), cx);
            }
        }
    }

    /// After a chunk under `Order::ServerOffset`: the server says where to go on.
    fn offset_told(&mut self, sent: ByteRange, next: Option<u64>, receipt: Option<Receipt>, cx: &mut Cx<'_>) {
        let total = self.source.total.unwrap_or_default();
        let next = if receipt.is_some() { total } else { next.unwrap_or(sent.end()) };
        if receipt.is_none() && next > sent.end() {
            self.fail(protocol(StepKind::PutPart, "the server wants to go on beyond the bytes it was sent"), cx);
            return;
        }
        // What does not raise the high-water mark had crossed the network before, or has to again.
        let gained = next.max(self.session.high) - self.session.high;
        self.progress.resent = self.progress.resent.saturating_add(sent.len().saturating_sub(gained));
        if next <= sent.start() {
            self.session.rewinds += 1;
            if self.session.rewinds > self.spec.retry.restarts {
                self.fail(protocol(StepKind::PutPart, "the server keeps losing bytes it had accepted"), cx);
                return;
            }
        } else if next > self.session.high {
            self.session.rewinds = 0;
        }
        self.session.cursor = next;
        self.session.high = self.session.high.max(next);
        match receipt {
            Some(receipt) => self.finish_upload(receipt, cx),
            None => self.check_sent(cx),
        }
    }

    pub(super) fn check_sent(&mut self, cx: &mut Cx<'_>) {
        let sent = match self.profile.order {
            _ if self.source.whole => false,
            Order::ServerOffset => Some(self.session.cursor) == self.source.total,
            Order::Parallel => self.parts.is_done(),
        };
        if sent && self.phase == Phase::Moving && self.stop.is_none() && self.restart.is_none() {
            self.finish_upload(Receipt::default(), cx);
        }
    }
}
