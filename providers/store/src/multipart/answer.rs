//! Reading what a store answers to an upload's requests.

#![allow(clippy::result_large_err, reason = "a reply is as large as a verdict: a box would save nothing")]

use alloc::format;
use alloc::string::{String, ToString};

use longhaul_core::error::{ServerFault, ServerFaultKind};
use longhaul_core::provider::{Context, Head, Receipt, Reply, Step, Verdict};
use longhaul_core::{Algorithm, Digest, Now};
use longhaul_http::fault::{excerpt, protocol};
use longhaul_http::read::{ETag, content_length, etag, single};

use super::document::{self, Completed, etag_of};
use super::{Dialect, Tags, content_digest, whole_digest};
use crate::etag::{self as tag, bare};
use crate::fault::{ErrorBody, Refusal};
use crate::item::Item;

/// One answer and what is needed to read it.
#[derive(Debug)]
pub struct Reader<'a, D> {
    /// The upload.
    pub dialect: &'a D,
    /// What was asked.
    pub step: &'a Step,
    /// What the transfer knew.
    pub cx: &'a Context<'a>,
    /// The answer's head.
    pub head: Head<'a>,
    /// Its body, cut at the limit.
    pub body: &'a [u8],
    /// When it came.
    pub now: Now,
}

impl<D: Dialect> Reader<'_, D> {
    /// What the answer means.
    ///
    /// # Errors
    /// A verdict for everything but success.
    pub fn read(&self) -> Result<Reply, Verdict> {
        match (self.step, self.head.status.as_u16()) {
            (Step::PutWhole { .. }, 200 | 201 | 204) => self.whole(),
            (Step::Begin, 200) => document::upload_id(self.body)
                .map(|id| Reply::Begun { session: Some(id), next: None, receipt: None })
                .map_err(|why| self.broken(why)),
            (Step::PutPart { .. }, 200 | 201 | 204) => self.part(),
            (Step::PutPart { .. }, 409) => self.already_there(),
            (Step::ListParts { marker }, 200) => document::part_page(self.body, marker.as_deref(), self.cx)
                .map(|(parts, marker)| Reply::Parts { parts, marker })
                .map_err(|why| self.broken(why)),
            (Step::Commit, 200) => self.committed(),
            (Step::Confirm, 200) => self.confirmed(),
            (Step::Confirm, 404) => Ok(Reply::NotCommitted),
            (Step::Abort, 200 | 202 | 204) => Ok(Reply::Aborted),
            (Step::Abort, 404) => Ok(Reply::Aborted),
            _ => Err(self.refusal().verdict()),
        }
    }

    fn whole(&self) -> Result<Reply, Verdict> {
        self.same_as_sent()?;
        Ok(Reply::Committed(self.receipt(None)))
    }

    fn part(&self) -> Result<Reply, Verdict> {
        self.same_as_sent()?;
        match etag(self.head.headers) {
            Ok(Some(tag)) => Ok(Reply::Part { tag: bare(tag.as_str()).to_string(), next: None, receipt: None }),
            Ok(None) => Err(self.broken("the store took the part and gave no tag for it")),
            Err(error) => Err(self.broken(error.to_string())),
        }
    }

    /// Compares what the store says it received with what was sent. A difference is a part damaged on its way, or a source that
    /// changed while it was read: it is sent again.
    fn same_as_sent(&self) -> Result<(), Verdict> {
        let Some(sent) = self.cx.sent else { return Ok(()) };
        let told = self.dialect.received(self.head.headers);
        let received = told.into_iter().find(|digest| digest.algorithm() == sent.algorithm());
        match received {
            Some(received) if received != sent => Err(Verdict::Retry {
                fault: protocol(self.step, self.head.status, format!("sent {sent}, the store received {received}")),
                after: None,
            }),
            _ => Ok(()),
        }
    }

    /// A store that keeps the first of two parts of one number says so when an answer was lost and the part is sent again. It is
    /// ours where the store's tag is the MD5 of what was sent, and nobody's to take otherwise (U12).
    fn already_there(&self) -> Result<Reply, Verdict> {
        let error = ErrorBody::read(self.body);
        let same = |there: &String| tag::md5(there).is_some_and(|md5| content_digest(self.step, self.cx) == Some(&md5));
        match error.part_etag.clone().filter(same) {
            Some(tag) => Ok(Reply::Part { tag, next: None, receipt: None }),
            None => Err(self.refusal().verdict_on(&error)),
        }
    }

    /// 200 to a commit: decided by the body, which may come long after, and may be an error.
    fn committed(&self) -> Result<Reply, Verdict> {
        match document::completed(self.body) {
            Completed::Result(result) => {
                let (etag, digests) = (etag_of(&result), self.dialect.of_result(&result, self.head.headers));
                self.is_ours(etag, &digests).map_err(|why| self.broken(why))?;
                Ok(Reply::Committed(self.receipt(etag.map(String::from))))
            }
            Completed::Error(root) => {
                let error = ErrorBody::of(&root);
                match self.refusal().verdict_on(&error) {
                    // A code that nobody knows, under a status that says nothing.
                    Verdict::Fatal(fault) if fault.kind == ServerFaultKind::Protocol => Err(Verdict::Unknown(fault)),
                    verdict => Err(verdict),
                }
            }
            Completed::Unclear(why) => Err(Verdict::Unknown(protocol(
                self.step,
                self.head.status,
                format!(
                    "the store's answer does not say whether the object was made ({})",
                    excerpt(why.as_bytes(), &self.dialect.hide())
                ),
            ))),
        }
    }

    /// Whether the object in a result is made of the parts that were sent, as far as its tag and checksums tell.
    fn is_ours(&self, etag: Option<&str>, digests: &[Digest]) -> Result<(), String> {
        if let Some(whole) = whole_digest(self.cx)
            && let Some(there) = digests.iter().find(|digest| digest.algorithm() == whole.algorithm())
            && *there != whole
        {
            return Err(format!("the parts sent make {whole}, the store made an object of {there}"));
        }
        if self.dialect.tags(false, self.head.headers) != Tags::Foretold {
            return Ok(());
        }
        let Some((ours, there)) = tag::composite(self.cx.parts.values()).zip(etag.map(bare)) else { return Ok(()) };
        // Only a tag that could be compared, and is of as many parts, says anything.
        let comparable = there.len() == ours.len()
            && there.rsplit_once('-').map(|(_, n)| n) == ours.rsplit_once('-').map(|(_, n)| n);
        if comparable && !there.eq_ignore_ascii_case(&ours) {
            return Err(format!("the parts sent make an object tagged {ours}, the store made {there}"));
        }
        Ok(())
    }

    /// HEAD after a commit, or an upload in one request, whose outcome is not known: is what is there made of our parts, or of what
    /// went up at once?
    fn confirmed(&self) -> Result<Reply, Verdict> {
        let length = content_length(self.head.headers).map_err(|error| self.broken(error.to_string()))?;
        if length.is_some_and(|length| Some(length) != self.cx.total) {
            return Ok(Reply::NotCommitted);
        }
        let there = etag(self.head.headers).ok().flatten();
        let there = there.as_ref().map(ETag::as_str);
        let receipt = || self.receipt(there.map(String::from));
        let at_once = self.cx.session.is_none();
        if at_once && length == Some(0) {
            return Ok(Reply::Committed(receipt()));
        }
        let whole = if at_once { self.cx.content_digest.copied() } else { whole_digest(self.cx) };
        // A checksum of the whole object decides in either way.
        if let Some(whole) = whole {
            let told = self.dialect.of_whole(self.head.headers);
            if let Some(told) = told.iter().find(|digest| digest.algorithm() == whole.algorithm()) {
                return Ok(if *told == whole { Reply::Committed(receipt()) } else { Reply::NotCommitted });
            }
        }
        let tags = self.dialect.tags(at_once, self.head.headers);
        let ours = if at_once {
            whole.filter(|whole| whole.algorithm() == Algorithm::Md5).map(|whole| whole.hex())
        } else {
            tag::composite(self.cx.parts.values())
        };
        match (ours.filter(|_| tags != Tags::Opaque), there.map(bare)) {
            (Some(ours), Some(there)) if ours.eq_ignore_ascii_case(there) => Ok(Reply::Committed(receipt())),
            (Some(_), Some(_)) if tags == Tags::Foretold => Ok(Reply::NotCommitted),
            _ => Err(Verdict::Fatal(ServerFault::new(
                ServerFaultKind::Protocol,
                self.step.kind(),
                Some(self.head.status.as_u16()),
                "an object of the same size is there, and neither its tag nor a checksum tells whether it is this upload's: \
                 compare it, then cancel or resume the upload",
            ))),
        }
    }

    fn receipt(&self, etag_told: Option<String>) -> Receipt {
        let headers = self.head.headers;
        let mut receipt = Receipt::default();
        receipt.etag = etag_told.or_else(|| etag(headers).ok().flatten().map(|tag| tag.as_str().to_string()));
        let version = single(headers, D::VERSION).ok().flatten();
        receipt.id = version.map(|id| excerpt(id, &self.dialect.hide())).filter(|id| !id.is_empty() && id != "null");
        receipt
    }

    fn refusal(&self) -> Refusal<'_> {
        Refusal {
            errors: &D::Item::ERRORS,
            step: self.step,
            cx: self.cx,
            head: self.head,
            body: self.body,
            now: self.now,
            hide: self.dialect.hide(),
            region: self.dialect.item().region(),
            conditional: self.dialect.is_conditional(),
        }
    }

    fn broken(&self, detail: impl Into<String>) -> Verdict {
        Verdict::Fatal(protocol(self.step, self.head.status, detail))
    }
}
