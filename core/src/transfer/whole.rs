//! Uploads in one request whose answer was lost: the object may be there.
//!
//! Where the upload may replace whatever is there, it simply goes up again. Where it may not (`If-None-Match: *`), what it made itself
//! stands in its way, and the server is asked whose that is: as after a commit, by what the object is made of. Nothing of this is
//! recorded: a later run that meets the object finds somebody else's.

use crate::digest::Digest;
use crate::error::{Fault, Sent, ServerFaultKind};
use crate::intent::Moved;
use crate::provider::{Receipt, Verdict};
use crate::range::ByteRange;
use crate::transfer::phase::Signal;
use crate::transfer::{Cx, Exchange, Phase, Transfer};

impl Transfer {
    /// A try to send everything in one request had no success. Whether what is in its way may be of an earlier one: then that is
    /// asked, in place of taking the refusal for the last word.
    pub(super) fn whole_in_doubt(
        &mut self,
        range: ByteRange,
        moved: Moved,
        exchange: &Exchange,
        cx: &mut Cx<'_>,
    ) -> bool {
        if let Exchange::Judged(Err(Verdict::Fatal(fault))) = exchange {
            let asks = fault.kind == ServerFaultKind::Conflict && self.profile.confirm && self.session.whole.is_some();
            if asks {
                self.session.conflict = Some(fault.clone());
                self.signal(Signal::Unknown, cx);
            }
            return asks;
        }
        if moved.connected && moved.sent >= range.len() && may_have_made_it(exchange) {
            // All tries send the same, or the source is found to have changed.
            let whole = self.session.whole.get_or_insert_default();
            whole.digest = moved.digest.or(whole.digest);
        }
        false
    }

    /// The digest of what may be there, for the question whether it is.
    pub(super) fn digest_in_doubt(&self) -> Option<&Digest> {
        let whole = self.session.whole.as_ref().filter(|_| self.phase == Phase::Confirming)?;
        whole.digest.as_ref()
    }

    /// What is in the way is what an earlier try made.
    pub(super) fn whole_confirmed(&mut self, receipt: Receipt, cx: &mut Cx<'_>) {
        self.session.conflict = None;
        // It went up once for good.
        let total = self.source.total.unwrap_or_default();
        self.progress.resent = self.progress.resent.saturating_sub(total);
        if self.stop.is_some() {
            // As with any upload in one request: once it is stopped, nobody looks at what became of it.
            self.session.given_up = true;
        } else if self.source.fingerprint.is_some() {
            self.session.receipt = Some(receipt);
            self.signal(Signal::Moved, cx);
        } else {
            self.complete(Signal::Committed, receipt, cx);
        }
    }
}

/// Whether a request of which everything was sent may have made the object all the same.
fn may_have_made_it(exchange: &Exchange) -> bool {
    match exchange {
        Exchange::Broken(Fault { sent: Sent::Maybe, .. }) | Exchange::Moved | Exchange::Cancelled => true,
        Exchange::Judged(Err(Verdict::Retry { fault, .. } | Verdict::Unknown(fault))) => {
            fault.kind == ServerFaultKind::Unavailable && fault.status.is_some_and(|status| status >= 500)
        }
        _ => false,
    }
}
