//! Plain lines on standard error, few of them: for logs and pipes.

use std::time::{Duration, Instant};

use longhaul::{Event, EventKind, Progress, State};

use super::{Label, Outcome, Report, Summary, out, text, words};
use crate::shown;

/// Between two lines about progress.
const PAUSE: Duration = Duration::from_secs(5);
/// Between two lines about retries; those between are counted.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Plain {
    quiet: bool,
    transfers: Vec<Transfer>,
}

struct Transfer {
    name: String,
    told: Instant,
    retry_told: Option<Instant>,
    unsaid: u64,
}

impl Plain {
    pub(super) const fn new() -> Self {
        Self { quiet: false, transfers: Vec::new() }
    }

    /// Errors only.
    pub(super) const fn quiet() -> Self {
        Self { quiet: true, transfers: Vec::new() }
    }

    fn say(&self, index: Option<usize>, words: &str) {
        if !self.quiet {
            let words = shown::text(words);
            match index.and_then(|index| self.transfers.get(index)) {
                Some(transfer) => out::stderr(&format!("{}: {words}\n", shown::text(&transfer.name))),
                None => out::stderr(&format!("longhaul: {words}\n")),
            }
        }
    }
}

impl Report for Plain {
    fn start(&mut self, index: usize, label: &Label) {
        let transfer = || Transfer { name: String::new(), told: Instant::now(), retry_told: None, unsaid: 0 };
        if self.transfers.len() <= index {
            self.transfers.resize_with(index + 1, transfer);
        }
        if let Some(transfer) = self.transfers.get_mut(index) {
            transfer.name.clone_from(&label.name);
        }
        let (from, to) = if label.kind == "get" { (&label.url, &label.path) } else { (&label.path, &label.url) };
        self.say(Some(index), &format!("{from} to {to}"));
    }

    fn note(&mut self, index: Option<usize>, words: &str) {
        self.say(index, words);
    }

    /// An error, if a small one: it is told in any case.
    fn lacking(&mut self, words: &str) {
        super::hint(words);
    }

    fn event(&mut self, index: usize, event: &Event) {
        let Some(mut words) = words(event) else { return };
        if matches!(event.kind, EventKind::Retrying { .. })
            && let Some(transfer) = self.transfers.get_mut(index)
        {
            if transfer.retry_told.is_some_and(|at| at.elapsed() < RETRY_PAUSE) {
                transfer.unsaid += 1;
                return;
            }
            if transfer.unsaid > 0 {
                words.push_str(&format!(" ({} more of its kind)", transfer.unsaid));
            }
            (transfer.retry_told, transfer.unsaid) = (Some(Instant::now()), 0);
        }
        self.say(Some(index), &words);
    }

    fn progress(&mut self, index: usize, progress: &Progress, _: State) {
        let Some(transfer) = self.transfers.get_mut(index).filter(|transfer| transfer.told.elapsed() >= PAUSE) else {
            return;
        };
        transfer.told = Instant::now();
        let line = line(progress);
        self.say(Some(index), &line);
    }

    fn end(&mut self, index: usize, summary: &Summary) {
        match &summary.outcome {
            Outcome::Failed(failure) if self.quiet => {
                match self.transfers.get(index).filter(|_| self.transfers.len() > 1) {
                    Some(transfer) => super::hint(&format!("{}: {}", transfer.name, failure.words)),
                    None => super::failure(failure),
                }
            }
            _ => self.say(Some(index), &summary.line()),
        }
    }
}

/// `45%, 115.2 MiB of 256.0 MiB, 30.1 MiB/s, 4s left`
fn line(progress: &Progress) -> String {
    let there = text::bytes(progress.acknowledged);
    let mut line = match progress.total {
        Some(total) if total > 0 => {
            let percent = u128::from(progress.acknowledged) * 100 / u128::from(total);
            format!("{percent}%, {there} of {}", text::bytes(total))
        }
        _ => there,
    };
    line.push_str(&format!(", {}", text::rate(progress.rate)));
    if let Some(eta) = progress.eta() {
        line.push_str(&format!(", {} left", text::time(eta)));
    }
    line
}
