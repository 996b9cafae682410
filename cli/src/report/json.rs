//! One JSON object per line on standard output. Members may be added, none change or go.

use std::time::{Duration, Instant};

use longhaul::{Error, Event, EventKind, Progress, State};
use serde_json::{Value, json};

use super::{Label, Outcome, Report, Summary, Verdict, out, why};
use crate::exit::Failure;

/// Between two lines about progress.
const PAUSE: Duration = Duration::from_millis(200);

pub(super) struct Json {
    quiet: bool,
    transfers: Vec<Transfer>,
}

#[derive(Default)]
struct Transfer {
    id: String,
    told: Option<(Instant, Progress)>,
}

impl Json {
    pub(super) const fn new(quiet: bool) -> Self {
        Self { quiet, transfers: Vec::new() }
    }

    fn say(&self, index: Option<usize>, event: &str, mut value: Value) {
        if let Some(object) = value.as_object_mut() {
            object.insert("event".to_owned(), event.into());
            if let Some(transfer) = index.and_then(|index| self.transfers.get(index)) {
                object.insert("transfer".to_owned(), transfer.id.clone().into());
            }
        }
        out::stdout(&format!("{value}\n"));
    }

    fn tell_progress(&mut self, index: usize, progress: &Progress) {
        if let Some(transfer) = self.transfers.get_mut(index) {
            transfer.told = Some((Instant::now(), *progress));
        }
        let mut value = counters(progress);
        if let Some(object) = value.as_object_mut() {
            object.insert("rate".to_owned(), progress.rate.into());
            object.insert("eta_seconds".to_owned(), progress.eta().map(|eta| eta.as_secs()).into());
        }
        self.say(Some(index), "progress", value);
    }
}

impl Report for Json {
    fn start(&mut self, index: usize, label: &Label) {
        if self.transfers.len() <= index {
            self.transfers.resize_with(index + 1, Transfer::default);
        }
        if let Some(transfer) = self.transfers.get_mut(index) {
            transfer.id.clone_from(&label.id);
        }
        self.say(Some(index), "start", json!({ "kind": label.kind, "url": label.url, "path": label.path }));
    }

    fn note(&mut self, index: Option<usize>, words: &str) {
        self.say(index, "note", json!({ "message": words }));
    }

    fn event(&mut self, index: usize, event: &Event) {
        let (name, value) = match &event.kind {
            EventKind::Started => ("started", json!({})),
            EventKind::Phase(phase) => ("phase", json!({ "phase": phase.to_string() })),
            EventKind::Moving { total, reused } => ("moving", json!({ "total": total, "reused": reused })),
            EventKind::Retrying { step, attempt, delay, reason } => (
                "retry",
                json!({ "step": step.to_string(), "attempt": attempt, "delay_ms": millis(*delay), "reason": error(reason) }),
            ),
            EventKind::Restarted(restart) => ("restart", json!({ "reason": why(restart) })),
            EventKind::MaybeOrphan { object } => ("maybe-orphan", json!({ "object": object })),
            EventKind::AbortFailed { object, reason } => {
                ("abort-failed", json!({ "object": object, "reason": error(reason) }))
            }
            EventKind::CheckpointFailed(reason) => ("checkpoint-failed", json!({ "reason": error(reason) })),
            EventKind::Paused => ("paused", json!({})),
            EventKind::Resumed => ("resumed", json!({})),
            _ => return,
        };
        self.say(Some(index), name, value);
    }

    fn progress(&mut self, index: usize, progress: &Progress, _: State) {
        let told = self.transfers.get(index).and_then(|transfer| transfer.told);
        if told.is_none_or(|(at, former)| former != *progress && at.elapsed() >= PAUSE) {
            self.tell_progress(index, progress);
        }
    }

    fn end(&mut self, index: usize, summary: &Summary) {
        let mut value = counters(&summary.progress);
        let more = json!({
            "outcome": match &summary.outcome {
                Outcome::Done(_) => "done",
                Outcome::Unchanged(_) => "unchanged",
                Outcome::GivenUp => "cancelled",
                Outcome::Failed(failure) if failure.code == crate::exit::Code::Interrupted => "interrupted",
                Outcome::Failed(_) => "failed",
            },
            "elapsed_seconds": summary.elapsed.as_secs_f64(),
            "rate": summary.rate(),
            "digest": digest(&summary.verdict()),
            "path": summary.path.as_ref().map(|path| path.to_string_lossy()),
            "file_id": summary.file_id,
            "error": match &summary.outcome {
                Outcome::Failed(failure) => failed(failure),
                _ => Value::Null,
            },
            "exit_code": summary.code() as u8,
        });
        if let (Some(object), Value::Object(more)) = (value.as_object_mut(), more) {
            object.extend(more);
        }
        self.say(Some(index), "summary", value);
        if let Outcome::Failed(failure) = &summary.outcome
            && !(self.quiet && failure.code == crate::exit::Code::Interrupted)
        {
            super::failure(failure);
        }
    }
}

/// The end of the command, where no summary tells it.
pub(crate) fn fatal(failure: &Failure) {
    let mut error = failed(failure);
    if let Some(object) = error.as_object_mut() {
        object.insert("message".to_owned(), failure.words.clone().into());
    }
    let value = json!({ "event": "error", "error": error, "exit_code": failure.code as u8 });
    out::stdout(&format!("{value}\n"));
}

fn counters(progress: &Progress) -> Value {
    json!({
        "total": progress.total,
        "acknowledged": progress.acknowledged,
        "transferred": progress.moved,
        "reused": progress.reused,
        "resent": progress.resent,
        "requests": progress.requests,
        "retries": progress.retries,
    })
}

fn digest(verdict: &Verdict) -> Value {
    let mut value = json!({ "verdict": verdict.word() });
    if let Some(object) = value.as_object_mut() {
        match verdict {
            Verdict::Verified(digest) => {
                object.insert("algorithm".to_owned(), digest.algorithm().name().into());
                object.insert("value".to_owned(), digest.hex().into());
            }
            Verdict::Mismatch { expected, actual } => {
                object.insert("algorithm".to_owned(), expected.algorithm().name().into());
                object.insert("expected".to_owned(), expected.hex().into());
                object.insert("actual".to_owned(), actual.hex().into());
            }
            Verdict::NotProvided | Verdict::Unknown => {}
        }
    }
    value
}

fn failed(failure: &Failure) -> Value {
    match &failure.error {
        Some(known) => error(known),
        None => json!({ "message": failure.words }),
    }
}

fn error(error: &Error) -> Value {
    json!({ "code": error.code(), "blame": format!("{:?}", error.blame()).to_lowercase(), "message": error.to_string() })
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
