//! Reading what the service answers to an upload's requests.

#![allow(clippy::result_large_err, reason = "a reply is as large as a verdict: a box would save nothing")]

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use longhaul_core::provider::{Receipt, Reply, Step, Verdict};
use longhaul_http::fault::{excerpt, protocol};
use longhaul_http::read::{etag, single};
use longhaul_store::multipart::content_digest;

use super::blocks::{self, Blocks};
use crate::checksum;
use crate::fault::Answer;

/// What an answer means.
pub(super) fn read(answer: &Answer<'_>) -> Result<Reply, Verdict> {
    match (answer.step, answer.head.status.as_u16()) {
        (Step::PutWhole { .. }, 201) => {
            same_as_sent(answer)?;
            Ok(Reply::Committed(receipt(answer)))
        }
        (Step::PutPart { number, .. }, 201) => {
            same_as_sent(answer)?;
            Ok(Reply::Part { tag: blocks::id(answer.cx, *number), next: None, receipt: None })
        }
        (Step::ListParts { .. }, 200) => {
            let blocks = Blocks::read(answer.body).map_err(|why| broken(answer, why))?;
            Ok(Reply::Parts { parts: blocks.own(answer.cx), marker: None })
        }
        // Nothing was ever sent, or all of it was dropped.
        (Step::ListParts { .. }, 404) if answer.is("BlobNotFound") => {
            Ok(Reply::Parts { parts: Vec::new(), marker: None })
        }
        (Step::Commit, 201) => Ok(Reply::Committed(receipt(answer))),
        // A proxy's word for it is not the service's.
        (Step::Commit, 200..=299) => {
            let what = "the answer does not say whether the blob was made";
            Err(Verdict::Unknown(protocol(answer.step, answer.head.status, what)))
        }
        (Step::Confirm, 200) => confirmed(answer),
        (Step::Confirm, 404) if answer.is("BlobNotFound") => Ok(Reply::NotCommitted),
        _ => Err(answer.verdict()),
    }
}

/// Compares what the service says it received with what was sent. A difference is content damaged on its way, or a source that
/// changed while it was read: it is sent again.
fn same_as_sent(answer: &Answer<'_>) -> Result<(), Verdict> {
    let Some(sent) = answer.cx.sent.or_else(|| content_digest(answer.step, answer.cx).copied()) else { return Ok(()) };
    match checksum::received(answer.head.headers, sent.algorithm()) {
        Some(received) if received != sent => {
            let what = format!("sent {sent}, the service received {received}");
            Err(Verdict::Retry { fault: protocol(answer.step, answer.head.status, what), after: None })
        }
        _ => Ok(()),
    }
}

/// After a commit whose outcome is not known: is what is there made of our blocks? Their names are nobody else's.
fn confirmed(answer: &Answer<'_>) -> Result<Reply, Verdict> {
    let blocks = Blocks::read(answer.body).map_err(|why| broken(answer, why))?;
    // A blob that went up in one request has no blocks, whatever its length.
    let length = single(answer.head.headers, "x-ms-blob-content-length").ok().flatten();
    let length = length.and_then(|length| core::str::from_utf8(length).ok()?.parse().ok());
    let fits = length.is_none_or(|length| Some(length) == answer.cx.total);
    Ok(if fits && blocks.are_all_of(answer.cx) { Reply::Committed(receipt(answer)) } else { Reply::NotCommitted })
}

fn receipt(answer: &Answer<'_>) -> Receipt {
    let headers = answer.head.headers;
    let mut receipt = Receipt::default();
    receipt.etag = etag(headers).ok().flatten().map(|tag| tag.as_str().to_string());
    let version = single(headers, "x-ms-version-id").ok().flatten();
    receipt.id = version.map(|id| excerpt(id, &answer.hide())).filter(|id| !id.is_empty());
    receipt
}

fn broken(answer: &Answer<'_>, detail: String) -> Verdict {
    Verdict::Fatal(protocol(answer.step, answer.head.status, detail))
}
