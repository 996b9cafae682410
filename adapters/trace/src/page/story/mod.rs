//! What a trace tells about its transfers: requests with their spans, numbers, troubles. Pure; no page yet.
//!
//! A trace may be anybody's: times that go back stand still, sums stay at their largest, what names nothing is passed over.

mod request;
mod transfer;

use std::collections::BTreeMap;

use super::words;
use crate::frames;
use crate::read::Trace;
use crate::record::{Command, Event, Failure, Frames, Meaning, Moved, Outcome, Record, Step};
use crate::show;

pub(super) use request::{Ended, Request, State};
pub(super) use transfer::{Transfer, Trouble};

/// Everything that a page shows.
#[derive(Debug, Default)]
pub(super) struct Story {
    pub(super) by: String,
    pub(super) transfers: Vec<Transfer>,
    /// Why the trace does not tell the end.
    pub(super) unfinished: Option<String>,
    pub(super) records: usize,
}

/// Reads a trace.
pub(super) fn story(trace: &Trace) -> Story {
    let mut reader = Reader::default();
    for record in &trace.records {
        reader.take(record);
    }
    let mut story = reader.story;
    story.records = trace.records.len();
    if trace.torn && story.unfinished.is_none() {
        story.unfinished = Some("its last line is broken off: the program was ended, or still runs".to_owned());
    }
    for transfer in &mut story.transfers {
        transfer.finish(reader.now);
    }
    story
}

fn recorded(journal: &Frames) -> Vec<(u64, u64)> {
    frames::give(journal).map(|journal| frames::stretches(&journal)).unwrap_or_default()
}

#[derive(Default)]
struct Reader {
    story: Story,
    now: u64,
    wall: i64,
    objects: BTreeMap<u64, String>,
    /// Where the latest transfer of each name is.
    latest: BTreeMap<String, usize>,
    /// What was submitted and not accepted yet.
    submitted: Option<Transfer>,
    /// The transfers whose journals are being read.
    recalls: BTreeMap<String, String>,
    built: Option<Step>,
    /// The transfer and request of each operation.
    ops: BTreeMap<String, (usize, usize)>,
    /// The request whose answer is being read.
    reading: Option<(usize, usize)>,
    /// Requests that failed in this turn and may be tried again.
    failed: Vec<(usize, usize)>,
}

impl Reader {
    fn take(&mut self, record: &Record) {
        match record {
            Record::Trace { by, .. } => self.story.by.clone_from(by),
            Record::Turn { at, wall } => {
                (self.now, self.wall) = (self.now.max(*at), *wall);
                self.failed.clear();
                self.reading = None;
            }
            Record::Provider { provider, object, .. } => {
                self.objects.insert(*provider, object.clone());
            }
            Record::Submit { provider, spec, .. } => {
                self.submitted = Some(Transfer {
                    upload: spec.direction == "upload",
                    object: self.objects.get(provider).cloned().unwrap_or_default(),
                    recorded: spec.checkpoint.as_ref().map(recorded).unwrap_or_default(),
                    ..Transfer::default()
                });
            }
            Record::Work { op, task, what } if what == "Recall" => {
                self.recalls.insert(op.clone(), task.clone());
            }
            Record::Recalled { op, journal: Some(journal), .. } => {
                let task = self.recalls.remove(op).unwrap_or_default();
                if let Some(transfer) = self.transfer(&task) {
                    transfer.recorded = recorded(journal);
                }
            }
            Record::Submitted { task: Some(task), .. } => self.submitted(task),
            Record::Command { command, task: Some(task), .. } => self.command(*command, task),
            Record::Built { step, .. } => self.built = Some(step.clone()),
            Record::Request { op, task, method, url, body, .. } => {
                self.request(op, task, method, url, show::length(body));
            }
            Record::Head { op, status, .. } => {
                self.reading = self.ops.get(op).copied();
                let now = self.now;
                if let Some(request) = self.request_of(op) {
                    request.status = Some(*status);
                    request.headed = Some(now);
                }
            }
            Record::Progress { op, moved } => self.moved(op, moved),
            Record::Done { op, moved, outcome } => self.done(op, moved, outcome),
            Record::Read { meaning, .. } => self.read(meaning),
            Record::Event { task, event } => self.event(task, event),
            Record::Numbers { task, numbers } => {
                if let Some(transfer) = self.transfer(task) {
                    transfer.numbers = *numbers;
                }
            }
            Record::Cut { why } => self.story.unfinished = Some(why.clone()),
            _ => {}
        }
    }

    /// The latest transfer of that name.
    fn transfer(&mut self, id: &str) -> Option<&mut Transfer> {
        self.story.transfers.get_mut(*self.latest.get(id)?)
    }

    fn request_of(&mut self, op: &str) -> Option<&mut Request> {
        let (transfer, request) = *self.ops.get(op)?;
        self.at((transfer, request))
    }

    fn at(&mut self, (transfer, request): (usize, usize)) -> Option<&mut Request> {
        self.story.transfers.get_mut(transfer)?.requests.get_mut(request)
    }

    fn submitted(&mut self, task: &str) {
        if let Some(submitted) = self.submitted.take() {
            let (id, now, wall) = (task.to_owned(), self.now, self.wall);
            self.latest.insert(id.clone(), self.story.transfers.len());
            self.story.transfers.push(Transfer { id, begin: now, end: now, wall, ..submitted });
        }
    }

    fn command(&mut self, command: Command, task: &str) {
        let (now, word) = (
            self.now,
            match command {
                Command::Pause => "told to pause",
                Command::Resume => "told to go on",
                Command::Cancel => "told to cancel",
                _ => return,
            },
        );
        if let Some(transfer) = self.transfer(task) {
            transfer.phases.push((now, word.to_owned()));
        }
    }

    fn request(&mut self, op: &str, task: &str, method: &str, url: &str, body: u64) {
        let Some(step) = self.built.take() else { return };
        let now = self.now;
        let Some(&at) = self.latest.get(task) else { return };
        let Some(transfer) = self.story.transfers.get_mut(at) else { return };
        let mut taken: Vec<usize> =
            transfer.requests.iter().rev().take(4096).filter(|r| r.open).map(|r| r.lane).collect();
        taken.sort_unstable();
        let lane = (0..=taken.len()).find(|lane| taken.binary_search(lane).is_err()).unwrap_or(0);
        self.ops.insert(op.to_owned(), (at, transfer.requests.len()));
        transfer.requests.push(Request::new(step, method, url, body, lane, now));
    }

    fn moved(&mut self, op: &str, moved: &Moved) {
        let Some(&(at, index)) = self.ops.get(op) else { return };
        let Some(transfer) = self.story.transfers.get_mut(at) else { return };
        let upload = transfer.upload;
        let Some(request) = transfer.requests.get_mut(index) else { return };
        let total = if upload { moved.sent } else { moved.written };
        if let Some((from, to, bytes)) = request.advance(total, self.now, moved.held, upload) {
            // What a commit or a probe says is no content.
            if request.step.range.is_some() {
                transfer.flow.push((from, to, bytes));
            }
        }
    }

    fn done(&mut self, op: &str, moved: &Moved, outcome: &Outcome) {
        self.moved(op, moved);
        self.reading = self.ops.remove(op);
        let (Some(at), now) = (self.reading, self.now) else { return };
        let Some(request) = self.at(at) else { return };
        request.close(now);
        request.ended = match outcome {
            Outcome::Complete { .. } => Ended::Well,
            Outcome::Cancelled => Ended::Cancelled,
            Outcome::Broken { fault } => Ended::Badly(words::fault(fault)),
            Outcome::Local { fault } => Ended::Badly(words::file_fault(fault)),
        };
        if !matches!(outcome, Outcome::Complete { .. }) {
            self.failed.push(at);
        }
    }

    /// What the answer of the request at hand means.
    fn read(&mut self, meaning: &Meaning) {
        let Some(at) = self.reading else { return };
        let why = match meaning {
            Meaning::Retry { fault, .. }
            | Meaning::Refresh { fault }
            | Meaning::Skew { fault, .. }
            | Meaning::Plain { fault }
            | Meaning::Doubtful { fault }
            | Meaning::Fatal { fault } => show::fault(fault),
            Meaning::Changed { changed } => words::changed(changed),
            _ => return,
        };
        if let Some(request) = self.at(at) {
            request.ended = Ended::Badly(why);
            self.failed.push(at);
        }
    }

    fn event(&mut self, task: &str, event: &Event) {
        let now = self.now;
        let failed = if let Event::Retrying { step, delay, reason, .. } = event {
            self.tried_again(task, step, *delay, reason)
        } else {
            None
        };
        let Some(transfer) = self.transfer(task) else { return };
        let (kind, what, why, then) = match event {
            Event::Phase { phase } => {
                transfer.phase.clone_from(phase);
                transfer.phases.push((now, phase.clone()));
                return;
            }
            Event::Moving { total, reused } => {
                (transfer.total, transfer.reused) = (*total, *reused);
                return;
            }
            Event::Completed { .. } | Event::Failed { .. } => {
                transfer.verdict = Some(event.clone());
                transfer.end = now;
                return;
            }
            Event::Retrying { step, attempt, delay, reason } => (
                "retry",
                failed.unwrap_or_else(|| words::step_name(step).to_owned()),
                reason.words.clone(),
                format!("tried again after {} (retry {attempt})", words::span(*delay)),
            ),
            Event::Restarted { why } => ("restart", "the transfer".to_owned(), why.clone(), "started over".to_owned()),
            Event::MaybeOrphan { .. } => (
                "warning",
                "the upload's session".to_owned(),
                "its opening was sent and the answer lost".to_owned(),
                "a session may be left on the server".to_owned(),
            ),
            Event::AbortFailed { reason, .. } => {
                ("warning", "abort".to_owned(), reason.words.clone(), "the session may remain on the server".to_owned())
            }
            Event::CheckpointUnusable { why } => {
                ("warning", "checkpoint".to_owned(), why.clone(), "starts afresh".to_owned())
            }
            Event::CheckpointFailed { reason } => (
                "warning",
                "checkpoint".to_owned(),
                reason.words.clone(),
                "goes on; a crash now would lose more".to_owned(),
            ),
            Event::Paused | Event::Resumed => {
                let word = if *event == Event::Paused { "paused" } else { "goes on" };
                transfer.phases.push((now, word.to_owned()));
                return;
            }
            _ => return,
        };
        transfer.troubles.push(Trouble { at: now, kind, what, why, then });
    }

    /// The request that a retry is of: the first that failed in this turn with that step. Its name.
    fn tried_again(&mut self, task: &str, step: &str, delay: u64, reason: &Failure) -> Option<String> {
        let at = self.failed.iter().position(|&(transfer, request)| {
            let transfer = self.story.transfers.get(transfer);
            let matches =
                |request: &Request| request.step.step.trim_end_matches("_range") == step.trim_end_matches("_range");
            transfer.is_some_and(|there| there.id == task && there.requests.get(request).is_some_and(matches))
        })?;
        let at = self.failed.remove(at);
        let now = self.now;
        let request = self.at(at)?;
        request.retry = Some(now.saturating_add(delay));
        request.ended = Ended::Badly(reason.words.clone());
        Some(words::step(&request.step))
    }
}
