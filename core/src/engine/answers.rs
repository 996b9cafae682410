//! What happened: answers to intents, and time.

use bytes::Bytes;
use http::StatusCode;

use super::Engine;
use super::ops::{Op, OpKind, Request};
use super::task::Task;
use crate::error::{Deadline, Fault, FaultKind, FileFault, Sent, ServerFaultKind};
use crate::id::{OpId, TaskId};
use crate::intent::{Answer, Disposition, FileReply, Moved, Outcome};
use crate::provider::{Head, Step, Verdict};
use crate::time::{Now, Time};
use crate::transfer::Exchange;

impl Engine {
    /// The head of an answer is there; what is to become of its body?
    pub fn handle_head(&mut self, op: OpId, head: Head<'_>, now: Now) -> Disposition {
        self.advance(now);
        let now = self.now;
        let Some(entry) = self.ops.get_mut(op) else {
            self.stale += 1;
            return Disposition::Close;
        };
        let (cancelling, task) = (entry.cancelling, entry.task);
        let OpKind::Http(request) = &mut entry.kind else {
            self.stale += 1;
            return Disposition::Close;
        };
        request.watch.headed(now.mono);
        let due = request.watch.due();
        let ranged = matches!(request.step, Step::GetRange { .. })
            && matches!(head.status, StatusCode::OK | StatusCode::PARTIAL_CONTENT);
        if cancelling && ranged {
            return Disposition::Close;
        }
        let Some(transfer) = self.tasks.get_mut(task).and_then(Task::live_mut) else {
            return Disposition::Close;
        };
        transfer.clocks = transfer.clocks.min(due);
        if ranged {
            let judged = transfer.spec.provider.interpret(&request.step, &transfer.context(), head, &[], now);
            let disposition = transfer.on_range_head(op, judged, head.status.as_u16());
            match disposition {
                Disposition::WriteAt { .. } => self.touch_later(task),
                _ => self.touch(task),
            }
            disposition
        } else {
            let max = transfer.spec.provider.profile().answer_limit;
            request.head = Some((head.status, head.headers.clone()));
            self.touch_later(task);
            Disposition::Collect { max }
        }
    }

    /// A request in flight has come this far. Expected a few times per second.
    pub fn handle_progress(&mut self, op: OpId, moved: Moved, now: Now) {
        self.advance(now);
        let now = self.now.mono;
        let Some(entry) = self.ops.get_mut(op) else {
            return;
        };
        let task = entry.task;
        let OpKind::Http(request) = &mut entry.kind else {
            return;
        };
        let fresh = request.watch.progress(moved, now);
        let due = request.watch.due();
        let mut grown = None;
        if let Some(authority) = self.authorities.get_mut(request.authority) {
            let before = authority.controller.target();
            authority.controller.moved(fresh, now);
            grown = (authority.controller.target() > before).then_some(request.authority);
        }
        if let Some(authority) = grown {
            self.wake(authority);
        }
        if let Some(transfer) = self.tasks.get_mut(task).and_then(Task::live_mut) {
            transfer.clocks = transfer.clocks.min(due);
            transfer.on_moved(op, moved, now);
        }
        self.touch_later(task);
    }

    /// A request is over.
    pub fn handle_done(&mut self, op: OpId, outcome: Outcome, now: Now) {
        self.advance(now);
        let Some(Op { task, kind, cancelling }) = self.take(op, |kind| matches!(kind, OpKind::Http(_))) else {
            return;
        };
        let OpKind::Http(mut request) = kind else {
            return;
        };
        let now = self.now;
        self.requests -= 1;
        self.bytes -= request.cost;
        self.land(task, request.granted);
        let moved = *outcome.moved();
        let fresh = request.watch.progress(moved, now.mono);
        let exchange = self.exchange(task, &request, outcome, cancelling);
        let mut refunded = false;
        if let Some(authority) = self.authorities.get_mut(request.authority) {
            authority.controller.moved(fresh, now.mono);
            if is_overload(&exchange) {
                authority.controller.overload(authority.in_flight, request.watch.issued, now.mono);
            }
            authority.in_flight -= 1;
            match &exchange {
                Exchange::Judged(Err(Verdict::Retry { .. })) | Exchange::Broken(_) => authority.budget.failed(),
                Exchange::Judged(Ok(_)) | Exchange::Moved => refunded = authority.budget.went_well(request.retry),
                _ => {}
            }
        }
        self.with_live(task, |transfer, cx| transfer.on_http(op, &request.step, moved, exchange, cx));
        if refunded {
            self.unblock(request.authority);
        }
        self.wake(request.authority);
    }

    /// What an outcome means, with the provider's reading of the answer.
    fn exchange(&self, task: TaskId, request: &Request, outcome: Outcome, cancelling: bool) -> Exchange {
        let sent = outcome.moved().digest.filter(|_| request.watch.all_sent());
        let judge = |body: &[u8]| {
            let transfer = self.tasks.get(task)?.live()?;
            let (status, headers) = request.head.as_ref()?;
            let head = Head { status: *status, headers };
            let mut cx = transfer.context();
            cx.sent = sent;
            Some(transfer.spec.provider.interpret(&request.step, &cx, head, body, self.now))
        };
        match outcome {
            // Nobody can have stored what was never sent, whatever the answer says.
            Outcome::Complete { .. }
                if !request.watch.all_sent()
                    && request.head.as_ref().is_some_and(|(status, _)| status.is_success()) =>
            {
                let words = "the server reported success before it had the whole body";
                Exchange::Broken(Fault::new(FaultKind::Reset, Sent::Maybe, words))
            }
            // The end of an answer that never began.
            Outcome::Complete { .. } if !request.watch.is_headed() => {
                Exchange::Broken(Fault::new(FaultKind::Protocol, Sent::Maybe, "the exchange ended without an answer"))
            }
            Outcome::Complete { body, .. } => judge(&body).map_or(Exchange::Moved, Exchange::Judged),
            Outcome::Broken { fault, .. } => {
                // A refusal is a refusal, even if the words after the status line are lost.
                let refused = request.head.as_ref().is_some_and(|(status, _)| !status.is_success());
                match judge(&[]).filter(|judged| refused && judged.is_err()) {
                    Some(judged) => Exchange::Judged(judged),
                    None => Exchange::Broken(fault),
                }
            }
            Outcome::Local { fault, .. } => Exchange::Local(fault),
            Outcome::Cancelled { .. } => match request.timeout {
                Some(deadline) => {
                    let sent = if request.watch.connected.is_some() { Sent::Maybe } else { Sent::No };
                    Exchange::Broken(Fault::new(FaultKind::Timeout(deadline), sent, ""))
                }
                None if cancelling => Exchange::Cancelled,
                // By a runtime that goes, say. What became of the request nobody can tell.
                None => Exchange::Broken(Fault::new(FaultKind::Other, Sent::Maybe, "stopped by somebody else")),
            },
        }
    }

    /// A file operation is over.
    pub fn handle_file(&mut self, op: OpId, reply: Result<FileReply, FileFault>, now: Now) {
        self.advance(now);
        if let Some(Op { task, cancelling, .. }) = self.take(op, |kind| matches!(kind, OpKind::File)) {
            self.with_live(task, |transfer, cx| transfer.on_file(op, reply, cancelling, cx));
        }
    }

    /// The journal was read: what an earlier run recorded, if anything.
    pub fn handle_recalled(&mut self, op: OpId, reply: Result<Option<Bytes>, FileFault>, now: Now) {
        self.advance(now);
        if let Some(Op { task, .. }) = self.take(op, |kind| matches!(kind, OpKind::Recall)) {
            self.with_live(task, |transfer, cx| transfer.on_recalled(op, reply, cx));
        }
    }

    /// A journal write is over.
    pub fn handle_journal(&mut self, op: OpId, reply: Result<(), FileFault>, now: Now) {
        self.advance(now);
        if let Some(Op { task, .. }) = self.take(op, |kind| matches!(kind, OpKind::Journal)) {
            self.with_live(task, |transfer, cx| transfer.on_journal(op, reply, cx));
        }
    }

    /// The application has answered.
    pub fn handle_answer(&mut self, op: OpId, answer: Answer, now: Now) {
        self.advance(now);
        if let Some(Op { task, cancelling, .. }) = self.take(op, |kind| matches!(kind, OpKind::Ask)) {
            self.with_live(task, |transfer, cx| transfer.on_answer(op, answer, cancelling, cx));
        }
    }

    /// Time has passed. Calling it early or late is harmless.
    pub fn handle_timeout(&mut self, now: Now) {
        self.advance(now);
        let now = self.now.mono;
        // Each task has one entry and is given a later one below, so this ends after as many rounds as there are tasks due.
        while let Some(id) = self.timers.pop_due(now) {
            let Some(task) = self.tasks.get_mut(id) else {
                continue;
            };
            let mut clocks = Time::NEVER;
            for &op in &task.ops {
                let Some(entry) = self.ops.get_mut(op).filter(|entry| !entry.cancelling) else {
                    continue;
                };
                let OpKind::Http(request) = &mut entry.kind else {
                    continue;
                };
                if let Some(deadline) = request.watch.expired(now) {
                    request.timeout = Some(deadline);
                    entry.cancelling = true;
                    self.cancels.push_back(op);
                } else {
                    clocks = clocks.min(entry.due());
                }
            }
            if let Some(transfer) = task.live_mut() {
                transfer.blocked = transfer.blocked.filter(|&until| until > now);
                transfer.clocks = clocks;
            }
            self.make_room(id);
            self.touch(id);
        }
    }

    /// Takes an operation of the right kind out of the books; everything else is a stale answer.
    fn take(&mut self, op: OpId, right: impl FnOnce(&OpKind) -> bool) -> Option<Op> {
        if !self.ops.get(op).is_some_and(|entry| right(&entry.kind)) {
            self.stale += 1;
            return None;
        }
        let entry = self.ops.remove(op)?;
        self.forget_op(entry.task, op);
        Some(entry)
    }
}

/// Whether an answer says that there are too many requests.
fn is_overload(exchange: &Exchange) -> bool {
    match exchange {
        Exchange::Judged(Err(Verdict::Retry { fault, .. })) => {
            fault.kind == ServerFaultKind::Throttled || fault.status == Some(503)
        }
        Exchange::Broken(fault) => {
            matches!(fault.kind, FaultKind::Timeout(Deadline::FirstByte | Deadline::Idle | Deadline::Connect))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ServerFault;
    use crate::provider::StepKind;

    #[test]
    fn throttling_and_silence_say_that_there_are_too_many_and_other_failures_do_not() {
        let refused = |kind, status| {
            let fault = ServerFault::new(kind, StepKind::GetRange, Some(status), "");
            Exchange::Judged(Err(Verdict::Retry { fault, after: None }))
        };
        let broken = |kind| Exchange::Broken(Fault::new(kind, Sent::Maybe, ""));
        let late = |deadline| broken(FaultKind::Timeout(deadline));
        for (exchange, many) in [
            (refused(ServerFaultKind::Throttled, 429), true),
            (refused(ServerFaultKind::Unavailable, 503), true),
            (refused(ServerFaultKind::Unavailable, 500), false),
            (late(Deadline::Connect), true),
            (late(Deadline::FirstByte), true),
            (late(Deadline::Idle), true),
            (late(Deadline::Total), false),
            (broken(FaultKind::Reset), false),
            (Exchange::Cancelled, false),
        ] {
            assert_eq!(is_overload(&exchange), many, "{exchange:?}");
        }
    }
}
