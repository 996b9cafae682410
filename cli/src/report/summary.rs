//! How one transfer went, in numbers.

use std::ffi::OsString;
use std::time::Duration;

use longhaul::{Completed, Digest, Error, Progress, Verification};

use super::text;
use crate::exit::{Code, Failure};

/// The end of one transfer.
#[derive(Clone, Debug)]
pub(crate) struct Summary {
    pub(crate) outcome: Outcome,
    pub(crate) progress: Progress,
    pub(crate) elapsed: Duration,
    /// Where a download is now.
    pub(crate) path: Option<OsString>,
    /// The server's name for an upload.
    pub(crate) file_id: Option<String>,
    /// What was moved has to be moved again.
    pub(crate) begins_anew: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Done(Verdict),
    /// Nothing had to be moved.
    Unchanged(Verdict),
    /// It was not finished, and is not going to be.
    GivenUp,
    Failed(Failure),
}

/// What is known about the content's digest.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verdict {
    Verified(Digest),
    Mismatch {
        expected: Digest,
        actual: Digest,
    },
    NotProvided,
    /// It did not come to that.
    Unknown,
}

impl Verdict {
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Verified(_) => "verified",
            Self::Mismatch { .. } => "mismatch",
            Self::NotProvided => "not-provided",
            Self::Unknown => "unknown",
        }
    }
}

impl Summary {
    pub(crate) fn of(
        outcome: &Result<Completed, Failure>,
        progress: Progress,
        elapsed: Duration,
        checked: Option<Digest>,
    ) -> Self {
        let file_id = outcome.as_ref().ok().and_then(|completed| completed.receipt.id.clone());
        let outcome = match outcome {
            Ok(completed) => {
                let verdict = match (completed.verification, checked) {
                    (Verification::Verified(digest), _) | (_, Some(digest)) => Verdict::Verified(digest),
                    _ => Verdict::NotProvided,
                };
                if completed.unchanged { Outcome::Unchanged(verdict) } else { Outcome::Done(verdict) }
            }
            Err(failure) => Outcome::Failed(failure.clone()),
        };
        Self { outcome, progress, elapsed, path: None, file_id, begins_anew: false }
    }

    /// The end of a transfer that did not even begin.
    pub(crate) fn failed(failure: Failure) -> Self {
        Self::without_content(Outcome::Failed(failure))
    }

    /// The end of one that somebody asked for.
    pub(crate) fn given_up() -> Self {
        Self::without_content(Outcome::GivenUp)
    }

    fn without_content(outcome: Outcome) -> Self {
        let (progress, elapsed) = <(Progress, Duration)>::default();
        Self { outcome, progress, elapsed, path: None, file_id: None, begins_anew: false }
    }

    pub(crate) const fn code(&self) -> Code {
        match &self.outcome {
            Outcome::Failed(failure) => failure.code,
            _ => Code::Done,
        }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        match &self.outcome {
            Outcome::Done(verdict) | Outcome::Unchanged(verdict) => *verdict,
            Outcome::GivenUp => Verdict::Unknown,
            Outcome::Failed(failure) => match failure.error.as_deref() {
                Some(Error::Integrity { expected, actual }) => {
                    Verdict::Mismatch { expected: *expected, actual: *actual }
                }
                _ => Verdict::Unknown,
            },
        }
    }

    /// Content bytes per second over the whole run.
    pub(crate) fn rate(&self) -> u64 {
        text::per_second(self.progress.moved, self.elapsed)
    }

    /// One line for people.
    pub(crate) fn line(&self) -> String {
        let progress = &self.progress;
        match &self.outcome {
            Outcome::Unchanged(_) => "unchanged: the file has the server's size and time already".to_owned(),
            Outcome::GivenUp => "given up: nothing of it is left here".to_owned(),
            Outcome::Failed(failure) => failure.to_string(),
            Outcome::Done(verdict) => {
                let total = progress.total.unwrap_or(progress.acknowledged);
                let mut line = format!(
                    "done: {} in {}, {}",
                    text::bytes(total),
                    text::time(self.elapsed),
                    text::rate(self.rate())
                );
                for (count, what) in [(progress.reused, "there before"), (progress.resent, "sent again")] {
                    if count > 0 {
                        line.push_str(&format!(", {} {what}", text::bytes(count)));
                    }
                }
                match progress.retries {
                    0 => {}
                    1 => line.push_str(", 1 retry"),
                    retries => line.push_str(&format!(", {retries} retries")),
                }
                if let Verdict::Verified(digest) = verdict {
                    line.push_str(&format!(", {} verified", digest.algorithm().name()));
                }
                line
            }
        }
    }
}
