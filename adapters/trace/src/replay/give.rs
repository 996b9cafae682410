//! Records back to the core's values. `None` where no value has that form: a trace is untrusted.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use longhaul_core::error::{Changed, Fault, FileFault, Sent, ServerFault};
use longhaul_core::intent::{FileReply, Fingerprint, Moved, Outcome};
use longhaul_core::plan::{Hosts, PartDraft, PlainHttp, Policy, RequestDraft, UploadDraft, UploadPlan};
use longhaul_core::provider::{Object, Provider, Receipt, Reply, UploadedPart, Verdict};
use longhaul_core::retry::RetryAfter;
use longhaul_core::spec::TransferKey;
use longhaul_core::{ByteRange, Checkpoint, Direction, Spec, Wall};

use crate::form::Kept;
use crate::frames;
use crate::record::{self, Meaning};
use crate::settings::{Choices, SpecForm};

pub(super) fn spec(form: &SpecForm, key: u64, provider: std::sync::Arc<dyn Provider>) -> Option<Spec> {
    let direction = Direction::give(&form.direction)?;
    let choices = Choices::give(&form.choices)?;
    let mut spec = Spec::new(direction, provider, TransferKey::new(direction, "key", &key.to_string()));
    spec.start = choices.start;
    spec.weight = choices.weight;
    spec.parallel = choices.parallel;
    spec.part_size = choices.part_size;
    spec.retry = choices.retry;
    spec.deadlines = choices.deadlines;
    spec.probing = choices.probing;
    spec.declared_size = choices.declared_size;
    spec.expected = choices.expected;
    spec.on_change = choices.on_change;
    spec.durability = choices.durability;
    spec.window = choices.window;
    spec.keep_on_cancel = choices.keep_on_cancel;
    spec.recall = choices.recall;
    spec.recheck = choices.recheck;
    spec.journal = choices.journal;
    if let Some(journal) = &form.checkpoint {
        spec.checkpoint = Some(Box::new(Checkpoint::decode(&frames::give(journal)?).ok()?));
    }
    Some(spec)
}

pub(super) fn moved(form: &record::Moved) -> Option<Moved> {
    Some(Moved {
        connected: form.connected,
        sent: form.sent,
        written: form.written,
        digest: Kept::give(&form.digest)?,
        held: form.held,
    })
}

pub(super) fn outcome(form: &record::Outcome, moved: Moved) -> Option<Outcome> {
    Some(match form {
        record::Outcome::Complete { .. } => Outcome::Complete { moved, body: Bytes::new() },
        record::Outcome::Broken { fault } => Outcome::Broken {
            moved,
            fault: Fault::new(
                Kept::give(&fault.kind)?,
                if fault.sent { Sent::Maybe } else { Sent::No },
                fault.detail.clone(),
            ),
        },
        record::Outcome::Local { fault } => Outcome::Local { moved, fault: file_fault(fault)? },
        record::Outcome::Cancelled => Outcome::Cancelled { moved },
    })
}

pub(super) fn file_fault(form: &record::FileFault) -> Option<FileFault> {
    Some(FileFault::new(Kept::give(&form.kind)?, form.detail.clone()))
}

pub(super) fn file_reply(form: &record::FileReply) -> Option<Result<FileReply, FileFault>> {
    use record::FileReply as F;
    Some(Ok(match form {
        F::Source { len, look } => FileReply::Source {
            len: *len,
            fingerprint: look.map(|(len, modified, changed, file)| Fingerprint { len, modified, changed, file }),
        },
        F::Filled { len, end } => FileReply::Filled { len: *len, end: *end },
        F::Reserved { kept } => FileReply::Reserved { kept: *kept },
        F::Unchanged => FileReply::Unchanged,
        F::Digests { digests } => FileReply::Digests(Kept::give(digests)?),
        F::Published { path } => FileReply::Published { path: path.clone() },
        F::Done => FileReply::Done,
        F::Failed { fault } => return Some(Err(file_fault(fault)?)),
    }))
}

pub(super) fn meaning(form: &Meaning) -> Option<Result<Reply, Verdict>> {
    Some(match form {
        Meaning::Object { object } => Ok(Reply::Object(self::object(object)?)),
        Meaning::Range { range, object } => {
            Ok(Reply::Range { range: ByteRange::new(range.0, range.1)?, object: self::object(object)? })
        }
        Meaning::Whole { object } => Ok(Reply::Whole(self::object(object)?)),
        Meaning::Unsatisfiable { total } => Ok(Reply::Unsatisfiable { total: *total }),
        Meaning::Begun { session, next, receipt } => {
            let receipt = receipt.as_ref().map(self::receipt);
            Ok(Reply::Begun { session: session.clone(), next: *next, receipt })
        }
        Meaning::Part { tag, next, receipt } => {
            Ok(Reply::Part { tag: tag.clone(), next: *next, receipt: receipt.as_ref().map(self::receipt) })
        }
        Meaning::Parts { parts, marker } => {
            let part = |(number, start, end, tag): &(u64, u64, u64, String)| {
                Some(UploadedPart::new(*number, ByteRange::new(*start, *end)?, tag.clone()))
            };
            let parts: Option<Vec<UploadedPart>> = parts.iter().map(part).collect();
            Ok(Reply::Parts { parts: parts?, marker: marker.clone() })
        }
        Meaning::Committed { receipt } => Ok(Reply::Committed(self::receipt(receipt))),
        Meaning::NotCommitted => Ok(Reply::NotCommitted),
        Meaning::Aborted => Ok(Reply::Aborted),
        Meaning::Retry { fault, after, at } => {
            let delay = after.map(|micros| RetryAfter::Delay(Duration::from_micros(micros)));
            let after = delay.or(at.map(|wall| RetryAfter::At(Wall::from_unix(wall))));
            Err(Verdict::Retry { fault: server_fault(fault)?, after })
        }
        Meaning::Redirect { location, fault } => {
            Err(Verdict::Redirect { location: location.parse().ok()?, fault: server_fault(fault)? })
        }
        Meaning::Refresh { fault } => Err(Verdict::Refresh(server_fault(fault)?)),
        Meaning::Skew { server, fault } => {
            Err(Verdict::Skew { server: Wall::from_unix(*server), fault: server_fault(fault)? })
        }
        Meaning::Plain { fault } => Err(Verdict::Plain(server_fault(fault)?)),
        Meaning::ProbeByRange => Err(Verdict::ProbeByRange),
        Meaning::Changed { changed } => Err(Verdict::Changed(match changed {
            record::Changed::Condition => Changed::Condition,
            record::Changed::Validator { header, status } => {
                let header = ["ETag", "Last-Modified"].into_iter().find(|known| known == header)?;
                Changed::Validator { header, status: *status }
            }
            record::Changed::Size { known, seen } => Changed::Size { known: *known, seen: *seen },
            record::Changed::Ranges => Changed::Ranges,
        })),
        Meaning::Doubtful { fault } => Err(Verdict::Unknown(server_fault(fault)?)),
        Meaning::Fatal { fault } => Err(Verdict::Fatal(server_fault(fault)?)),
    })
}

fn object(form: &record::Object) -> Option<Object> {
    let mut object = Object::default();
    object.total = form.total;
    object.validator.etag.clone_from(&form.etag);
    object.validator.modified = form.pinned.map(Wall::from_unix);
    object.modified = form.modified.map(Wall::from_unix);
    object.ranges = form.ranges;
    object.name.clone_from(&form.name);
    object.digests = Kept::give(&form.digests)?;
    Some(object)
}

fn receipt(form: &record::Receipt) -> Receipt {
    let mut receipt = Receipt::default();
    receipt.id.clone_from(&form.id);
    receipt.etag.clone_from(&form.etag);
    receipt
}

fn server_fault(form: &record::ServerFault) -> Option<ServerFault> {
    let fault = ServerFault::new(Kept::give(&form.kind)?, Kept::give(&form.step)?, form.status, form.detail.clone());
    Some(fault.with_provider(form.code.clone(), form.request_id.clone()))
}

/// The plan with URLs that sign nothing. It is believed as it was: what was checked when it was made is not checked again.
pub(super) fn plan(form: &record::Plan) -> Option<UploadPlan> {
    let policy = Policy::new(Hosts::Any)
        .with_plain_http(PlainHttp::Anywhere)
        .with_most_parts(u64::MAX)
        .with_most_bytes(u64::MAX)
        .refreshable(form.refreshable)
        .with_batch(form.batch.0, form.batch.1);
    let request = |request: &record::PlannedRequest| RequestDraft {
        url: request.url.clone(),
        expires_at: request.expires,
        ..RequestDraft::default()
    };
    let part = |part: &record::PlannedPart| {
        let offset = part.number.checked_sub(1)?.checked_mul(form.part_size)?;
        Some(PartDraft {
            number: part.number,
            offset,
            size: form.part_size.min(form.total.checked_sub(offset)?),
            method: None,
            url: part.request.url.clone(),
            headers: BTreeMap::new(),
            provider_part_id: part.id.clone(),
            expires_at: part.request.expires,
        })
    };
    let parts: Option<Vec<PartDraft>> = form.parts.iter().map(part).collect();
    let others = [&form.complete, &form.confirm, &form.abort];
    // A plan without parts takes its name from its first request, unless it has one; that one gives way to a fresh plan's.
    let first = others.into_iter().flatten().next().map(|request| request.url.as_str());
    let nameless = form.parts.is_empty() && first == Some(form.object.as_str());
    let draft = UploadDraft {
        upload_id: form.session.clone(),
        object: (!nameless).then(|| form.object.clone()),
        total_size: form.total,
        part_size: form.part_size,
        parts: parts?,
        complete: form.complete.as_ref().map(request),
        confirm: form.confirm.as_ref().map(request),
        abort: form.abort.as_ref().map(request),
        refresh_margin: Some(form.margin),
        ..UploadDraft::default()
    };
    UploadPlan::new(&draft, &policy, Wall::from_unix(0)).ok()
}
