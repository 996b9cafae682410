//! What engine and providers say, as records. A recording writes them, a replay compares its own with them.

use longhaul_core::error::{Changed, Error, ServerFault};
use longhaul_core::event::{End, EventKind, Progress, Restart};
use longhaul_core::intent::{Body, Disposition, Intent, JournalOp, Piece};
use longhaul_core::plan::{PlannedRequest, UploadPlan};
use longhaul_core::provider::{Context, Object, Receipt, Reply, Step, Verdict};
use longhaul_core::retry::RetryAfter;
use longhaul_core::{Event, Verification};

use crate::form::Kept;
use crate::frames;
use crate::record::{self, Known, Meaning, Numbers, Plan, Record};
use crate::redact::{self, Names};

pub(crate) fn disposition(disposition: Disposition) -> Record {
    let (what, skip, offset, len, digest) = match disposition {
        Disposition::WriteAt { skip, offset, len, digest } => ("write", skip, offset, len, digest),
        Disposition::Collect { max } => ("collect", 0, 0, max as u64, None),
        Disposition::Close => ("close", 0, 0, 0, None),
        _ => ("other", 0, 0, 0, None),
    };
    Record::Disposition { what: what.to_owned(), skip, offset, len, digest: digest.keep() }
}

pub(crate) fn intent(intent: &Intent, names: &mut Names) -> Record {
    let work = |op: &dyn ToString, task: &dyn ToString, what| Record::Work {
        op: op.to_string(),
        task: task.to_string(),
        what,
    };
    match intent {
        Intent::Http { op, task, request, digest, deadlines: _ } => Record::Request {
            op: op.to_string(),
            task: task.to_string(),
            method: request.method().to_string(),
            url: names.text(&redact::url(request.uri())),
            body: body(request.body()),
            digest: digest.keep(),
        },
        Intent::File { op, task, action } => work(op, task, format!("{action:?}")),
        Intent::Journal { op, task, action } => {
            let what = match action {
                JournalOp::Replace(bytes) => ("Replace", frames::sum(bytes, names)),
                JournalOp::Append(bytes) => ("Append", frames::sum(bytes, names)),
                JournalOp::Remove => ("Remove", (0, 0)),
                _ => ("Other", (0, 0)),
            };
            work(op, task, format!("Journal {} {} frames {:016x}", what.0, what.1.0, what.1.1))
        }
        Intent::Recall { op, task } => work(op, task, "Recall".to_owned()),
        Intent::Ask { op, task, question } => work(op, task, names.text(&format!("Ask {question:?}"))),
        Intent::Cancel { op } => Record::Cancel { op: op.to_string() },
        other => work(&"?", &"?", format!("{other:?}")),
    }
}

pub(crate) fn body(body: &Body) -> Vec<record::Piece> {
    let pieces = body.clone().into_pieces();
    let piece = |piece: &Piece| match piece {
        Piece::Inline(bytes) => record::Piece::Inline(bytes.len() as u64),
        Piece::Source(range) => record::Piece::Source(range.start(), range.end()),
    };
    pieces.iter().map(piece).collect()
}

pub(crate) fn event(event: &Event, names: &Names) -> Record {
    use record::Event as E;
    let kind = match &event.kind {
        EventKind::Started => E::Started,
        EventKind::Phase(phase) => E::Phase { phase: phase.keep() },
        EventKind::Moving { total, reused } => E::Moving { total: *total, reused: *reused },
        EventKind::Retrying { step, attempt, delay, reason } => {
            E::Retrying { step: step.keep(), attempt: *attempt, delay: delay.keep(), reason: failure(reason, names) }
        }
        EventKind::Restarted(why) => E::Restarted { why: restart(why) },
        EventKind::Paused => E::Paused,
        EventKind::Resumed => E::Resumed,
        EventKind::MaybeOrphan { object } => E::MaybeOrphan { object: object.clone() },
        EventKind::AbortFailed { object, reason } => {
            E::AbortFailed { object: object.clone(), reason: failure(reason, names) }
        }
        EventKind::CheckpointUnusable(error) => E::CheckpointUnusable { why: error.to_string() },
        EventKind::CheckpointFailed(reason) => E::CheckpointFailed { reason: failure(reason, names) },
        EventKind::Ended(End::Completed(done)) => E::Completed {
            total: done.total,
            verified: match &done.verification {
                Verification::Verified(digest) => Some(digest.keep()),
                _ => None,
            },
            path: done.path.clone(),
            receipt: receipt(&done.receipt, names),
            unchanged: done.unchanged,
        },
        EventKind::Ended(End::Failed(error)) => E::Failed { reason: failure(error, names) },
        _ => E::Other,
    };
    Record::Event { task: event.task.to_string(), event: kind }
}

fn restart(why: &Restart) -> String {
    match why {
        Restart::Changed(changed) => format!("the remote object changed: {changed}"),
        Restart::LocalLost => "what an earlier run left is missing or damaged".to_owned(),
        Restart::SessionGone => "the upload session is gone on the server".to_owned(),
        Restart::Unpinned => "a response that nothing pins broke and cannot be continued".to_owned(),
        other => format!("{other:?}"),
    }
}

pub(crate) fn failure(error: &Error, names: &Names) -> record::Failure {
    record::Failure {
        code: error.code(),
        blame: error.blame().keep(),
        later: error.may_succeed_later(),
        words: names.text(&error.to_string()),
    }
}

pub(crate) fn numbers(progress: &Progress) -> Numbers {
    Numbers {
        total: progress.total,
        acknowledged: progress.acknowledged,
        reused: progress.reused,
        moved: progress.moved,
        resent: progress.resent,
        requests: progress.requests,
        retries: progress.retries,
    }
}

pub(crate) fn step(step: &Step, names: &mut Names) -> record::Step {
    let range = step.range().map(|range| (range.start(), range.end()));
    let (number, digest, marker) = match step {
        Step::PutPart { number, digest, .. } => (Some(*number), digest.keep(), None),
        Step::ListParts { marker } => (None, None, marker.as_deref().map(|marker| names.marker(marker))),
        _ => (None, None, None),
    };
    let name = if *step == Step::ProbeRange { "probe_range".to_owned() } else { step.kind().keep() };
    record::Step { step: name, number, range, digest, marker }
}

pub(crate) fn known(cx: &Context<'_>, names: &mut Names) -> Known {
    Known {
        total: cx.total,
        etag: cx.validator.etag.clone(),
        modified: cx.validator.modified.map(longhaul_core::Wall::as_unix),
        session: cx.session.map(|session| names.session(session)),
        parts: cx.parts.len() as u64,
        sent: cx.sent.keep(),
        content: cx.content_digest.copied().keep(),
        location: cx.location.map(redact::url),
        skew: cx.skew,
        plain: cx.plain,
    }
}

pub(crate) fn meaning(read: &Result<Reply, Verdict>, names: &mut Names) -> Meaning {
    match read {
        Ok(reply) => self::reply(reply, names),
        Err(verdict) => self::verdict(verdict, names),
    }
}

fn reply(reply: &Reply, names: &mut Names) -> Meaning {
    match reply {
        Reply::Object(object) => Meaning::Object { object: self::object(object) },
        Reply::Range { range, object } => {
            Meaning::Range { range: (range.start(), range.end()), object: self::object(object) }
        }
        Reply::Whole(object) => Meaning::Whole { object: self::object(object) },
        Reply::Unsatisfiable { total } => Meaning::Unsatisfiable { total: *total },
        Reply::Begun { session, next, receipt } => Meaning::Begun {
            session: session.as_deref().map(|session| names.session(session)),
            next: *next,
            receipt: receipt.as_ref().map(|receipt| self::receipt(receipt, names)),
        },
        Reply::Part { tag, next, receipt } => Meaning::Part {
            tag: tag.clone(),
            next: *next,
            receipt: receipt.as_ref().map(|receipt| self::receipt(receipt, names)),
        },
        Reply::Parts { parts, marker } => Meaning::Parts {
            parts: parts
                .iter()
                .map(|part| (part.number, part.range.start(), part.range.end(), part.tag.clone()))
                .collect(),
            marker: marker.as_deref().map(|marker| names.marker(marker)),
        },
        Reply::Committed(receipt) => Meaning::Committed { receipt: self::receipt(receipt, names) },
        Reply::NotCommitted => Meaning::NotCommitted,
        // What this version does not know, the replay would not either.
        _ => Meaning::Aborted,
    }
}

fn verdict(verdict: &Verdict, names: &Names) -> Meaning {
    let fault = |fault: &ServerFault| server_fault(fault, names);
    match verdict {
        Verdict::Retry { fault: why, after } => {
            let (delay, at) = match after {
                Some(RetryAfter::Delay(delay)) => (Some(delay.keep()), None),
                Some(RetryAfter::At(wall)) => (None, Some(wall.as_unix())),
                None => (None, None),
            };
            Meaning::Retry { fault: fault(why), after: delay, at }
        }
        Verdict::Redirect { location, fault: why } => {
            Meaning::Redirect { location: redact::url(location), fault: fault(why) }
        }
        Verdict::Refresh(why) => Meaning::Refresh { fault: fault(why) },
        Verdict::Skew { server, fault: why } => Meaning::Skew { server: server.as_unix(), fault: fault(why) },
        Verdict::Plain(why) => Meaning::Plain { fault: fault(why) },
        Verdict::ProbeByRange => Meaning::ProbeByRange,
        Verdict::Changed(changed) => Meaning::Changed { changed: self::changed(changed) },
        Verdict::Unknown(why) | Verdict::Fatal(why) => {
            let why = fault(why);
            if matches!(verdict, Verdict::Unknown(_)) {
                Meaning::Doubtful { fault: why }
            } else {
                Meaning::Fatal { fault: why }
            }
        }
        _ => Meaning::ProbeByRange,
    }
}

fn changed(changed: &Changed) -> record::Changed {
    match changed {
        Changed::Condition => record::Changed::Condition,
        Changed::Validator { header, status } => {
            record::Changed::Validator { header: (*header).to_owned(), status: *status }
        }
        Changed::Size { known, seen } => record::Changed::Size { known: *known, seen: *seen },
        _ => record::Changed::Ranges,
    }
}

fn object(object: &Object) -> record::Object {
    record::Object {
        total: object.total,
        etag: object.validator.etag.clone(),
        pinned: object.validator.modified.map(longhaul_core::Wall::as_unix),
        modified: object.modified.map(longhaul_core::Wall::as_unix),
        ranges: object.ranges,
        name: object.name.clone(),
        digests: object.digests.keep(),
    }
}

fn receipt(receipt: &Receipt, names: &Names) -> record::Receipt {
    record::Receipt { id: receipt.id.as_deref().map(|id| names.text(id)), etag: receipt.etag.clone() }
}

fn server_fault(fault: &ServerFault, names: &Names) -> record::ServerFault {
    record::ServerFault {
        kind: fault.kind.keep(),
        step: fault.step.keep(),
        status: fault.status,
        code: fault.code.clone(),
        request_id: fault.request_id.clone(),
        detail: names.text(&fault.detail),
    }
}

pub(crate) fn plan(plan: &UploadPlan, names: &mut Names) -> Plan {
    let request = |request: &PlannedRequest| record::PlannedRequest {
        url: redact::url(request.uri()),
        expires: request.expires().map(longhaul_core::Wall::as_unix),
    };
    let part = |number| {
        let part = plan.part(number)?;
        Some(record::PlannedPart { number, request: request(part.request()), id: part.id().map(str::to_owned) })
    };
    Plan {
        session: plan.upload_id().map(|session| names.session(session)),
        object: plan.object().to_owned(),
        total: plan.total(),
        part_size: plan.part_size(),
        margin: plan.margin(),
        refreshable: plan.is_refreshable(),
        batch: (plan.batch(), plan.ahead()),
        parts: (1..=plan.count()).filter_map(part).collect(),
        complete: plan.complete().map(request),
        confirm: plan.confirm().map(request),
        abort: plan.abort().map(request),
    }
}
