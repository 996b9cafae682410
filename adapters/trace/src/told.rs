//! What the engine is told, as records.

use longhaul_core::Spec;
use longhaul_core::error::{Fault, FileFault, Sent};
use longhaul_core::intent::{Answer, FileReply, Moved, Outcome};
use longhaul_driver::trace::Told;

use crate::form::Kept;
use crate::frames;
use crate::record::{self, Command, Record};
use crate::redact::{self, Names};
use crate::settings::{Choices, SpecForm};

/// `provider` is the number of the one last handed over.
pub(crate) fn record(told: &Told<'_>, provider: u64, names: &mut Names) -> Record {
    let command = |command, task: Option<String>| Record::Command { command, task, weight: None, limits: None };
    match told {
        Told::Submit(spec) => {
            Record::Submit { provider, key: names.key(spec.key), spec: Box::new(self::spec(spec, names)) }
        }
        Told::Pause(task) => command(Command::Pause, Some(task.to_string())),
        Told::Resume(task) => command(Command::Resume, Some(task.to_string())),
        Told::Cancel(task) => command(Command::Cancel, Some(task.to_string())),
        Told::Weight(task, weight) => {
            let (task, weight) = (Some(task.to_string()), Some(weight.get()));
            Record::Command { command: Command::Weight, task, weight, limits: None }
        }
        Told::Limits(limits) => {
            Record::Command { command: Command::Limits, task: None, weight: None, limits: Some(limits.keep()) }
        }
        Told::Shutdown => command(Command::Shutdown, None),
        Told::Forget(task) => command(Command::Forget, Some(task.to_string())),
        Told::Consumed(task, upto) => Record::Consumed { task: task.to_string(), upto: *upto },
        Told::Head(op, head) => {
            let headers = redact::headers(head.headers).into_iter().map(|(name, value)| (name, names.text(&value)));
            Record::Head { op: op.to_string(), status: head.status.as_u16(), headers: headers.collect() }
        }
        Told::Progress(op, moved) => Record::Progress { op: op.to_string(), moved: self::moved(moved) },
        Told::Done(op, outcome) => {
            Record::Done { op: op.to_string(), moved: moved(outcome.moved()), outcome: self::outcome(outcome, names) }
        }
        Told::File(op, reply) => Record::File { op: op.to_string(), reply: file_reply(reply) },
        Told::Journal(op, reply) => Record::Journal { op: op.to_string(), fault: reply.as_ref().err().map(file_fault) },
        Told::Recalled(op, reply) => Record::Recalled {
            op: op.to_string(),
            journal: reply.as_ref().ok().and_then(Option::as_deref).map(|journal| frames::keep(journal, names)),
            fault: reply.as_ref().err().map(file_fault),
        },
        Told::Answer(op, answer) => {
            let (provider, refused) = match answer {
                Answer::Provider(_) => (Some(provider), None),
                Answer::Refused(words) => (None, Some(names.text(words))),
                _ => (None, Some(String::new())),
            };
            Record::Answer { op: op.to_string(), provider, refused }
        }
        Told::Timeout => Record::Timeout,
        _ => Record::Unknown,
    }
}

fn spec(spec: &Spec, names: &mut Names) -> SpecForm {
    let choices = Choices {
        start: spec.start,
        weight: spec.weight,
        parallel: spec.parallel,
        part_size: spec.part_size,
        retry: spec.retry,
        deadlines: spec.deadlines,
        probing: spec.probing,
        declared_size: spec.declared_size,
        expected: spec.expected.clone(),
        on_change: spec.on_change,
        durability: spec.durability,
        window: spec.window,
        keep_on_cancel: spec.keep_on_cancel,
        recall: spec.recall,
        recheck: spec.recheck,
        journal: spec.journal,
    };
    SpecForm {
        direction: spec.direction.keep(),
        choices: choices.keep(),
        checkpoint: spec.checkpoint.as_ref().map(|checkpoint| frames::keep(&checkpoint.encode(), names)),
    }
}

fn moved(moved: &Moved) -> record::Moved {
    record::Moved {
        connected: moved.connected,
        sent: moved.sent,
        written: moved.written,
        digest: moved.digest.keep(),
        held: moved.held,
    }
}

fn outcome(outcome: &Outcome, names: &Names) -> record::Outcome {
    match outcome {
        Outcome::Complete { body, .. } => record::Outcome::Complete { collected: body.len() as u64 },
        Outcome::Broken { fault, .. } => record::Outcome::Broken { fault: self::fault(fault, names) },
        Outcome::Local { fault, .. } => record::Outcome::Local { fault: file_fault(fault) },
        _ => record::Outcome::Cancelled,
    }
}

fn fault(fault: &Fault, names: &Names) -> record::Fault {
    record::Fault { kind: fault.kind.keep(), sent: fault.sent == Sent::Maybe, detail: names.text(&fault.detail) }
}

fn file_fault(fault: &FileFault) -> record::FileFault {
    record::FileFault { kind: fault.kind.keep(), detail: fault.detail.clone() }
}

fn file_reply(reply: &Result<FileReply, FileFault>) -> record::FileReply {
    use record::FileReply as F;
    match reply {
        Ok(FileReply::Source { len, fingerprint }) => {
            F::Source { len: *len, look: fingerprint.map(|look| (look.len, look.modified, look.changed, look.file)) }
        }
        Ok(FileReply::Filled { len, end }) => F::Filled { len: *len, end: *end },
        Ok(FileReply::Reserved { kept }) => F::Reserved { kept: *kept },
        Ok(FileReply::Unchanged) => F::Unchanged,
        Ok(FileReply::Digests(digests)) => F::Digests { digests: digests.keep() },
        Ok(FileReply::Published { path }) => F::Published { path: path.clone() },
        Ok(_) => F::Done,
        Err(fault) => F::Failed { fault: file_fault(fault) },
    }
}
