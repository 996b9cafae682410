//! Records as lines for people, in the words of the simulator's traces: `o3.2` is an operation and `t0.1` a transfer, each a place and
//! how often it was used before.

use std::fmt::Write;

use crate::record::{Event, FileReply, Known, Meaning, Moved, Outcome, Piece, Record, ServerFault, Step};

/// A record in one line, without its time.
#[must_use]
pub fn line(record: &Record) -> String {
    match record {
        Record::Trace { version, by, seed, .. } => format!("trace {version} by {by}, seed {seed}"),
        Record::Turn { at, .. } => format!("turn at {}", time(*at)),
        Record::Submit { provider, spec, .. } => format!("> submit {} with p{provider}", spec.direction),
        Record::Command { command, task, .. } => {
            format!("> {} {}", format!("{command:?}").to_lowercase(), task.as_deref().unwrap_or_default())
                .trim_end()
                .to_owned()
        }
        Record::Consumed { task, upto } => format!("> {task} consumed {upto}"),
        Record::Head { op, status, .. } => format!("{op} head {status}"),
        Record::Progress { op, moved } => format!("{op} progress{}", self::moved(moved)),
        Record::Done { op, moved, outcome } => format!("{op} done{} {}", self::moved(moved), self::outcome(outcome)),
        Record::File { op, reply } => format!("{op} file {}", file(reply)),
        Record::Journal { op, fault } => {
            format!("{op} journal {}", fault.as_ref().map_or("kept", |fault| fault.kind.as_str()))
        }
        Record::Recalled { op, journal, fault } => match (journal, fault) {
            (_, Some(fault)) => format!("{op} recalled {}", fault.kind),
            (Some(journal), None) => format!("{op} recalled {} bytes", journal.0.len() / 2),
            (None, None) => format!("{op} recalled nothing"),
        },
        Record::Answer { op, provider, refused } => match (provider, refused) {
            (Some(provider), _) => format!("{op} answer p{provider}"),
            (None, words) => format!("{op} answer refused: {}", words.as_deref().unwrap_or_default()),
        },
        Record::Timeout => "> timeout".to_owned(),
        Record::Submitted { task, refused } => {
            format!("submitted {}", task.as_deref().or(refused.as_deref()).unwrap_or_default())
        }
        Record::Commanded { refused } => refused.clone().unwrap_or_else(|| "done".to_owned()),
        Record::Disposition { what, offset, len, .. } => match what.as_str() {
            "write" => format!("  write at {offset} up to {len}"),
            what => format!("  {what}"),
        },
        Record::Request { op, task, method, url, body, .. } => {
            format!("{op} {task} {method} {url}{}", content(body))
        }
        Record::Work { op, task, what } => format!("{op} {task} {what}"),
        Record::Cancel { op } => format!("cancel {op}"),
        Record::Event { task, event } => format!("{task} {}", self::event(event)),
        Record::Numbers { task, numbers } => format!(
            "{task} moved {} resent {} reused {} requests {} retries {}",
            numbers.moved, numbers.resent, numbers.reused, numbers.requests, numbers.retries
        ),
        Record::Provider { provider, object, .. } => format!("p{provider} is {object}"),
        Record::Built { provider, step, known, unbuildable, .. } => match unbuildable {
            None => format!("  p{provider} builds {}{}", self::step(step), self::known(known)),
            Some((what, _)) => format!("  p{provider} cannot build {}: {what}", self::step(step)),
        },
        Record::Read { provider, step, known, meaning } => {
            format!("  p{provider} reads {}{}: {}", self::step(step), self::known(known), self::meaning(meaning))
        }
        Record::Ready { provider, step, ready } => {
            format!(
                "  p{provider} {} {}",
                if *ready { "is ready for" } else { "lacks what is needed for" },
                self::step(step)
            )
        }
        Record::Cut { why } => format!("cut: {why}"),
        Record::Unknown => "a record of a later version".to_owned(),
    }
}

/// A time of the monotonic clock, in seconds.
#[must_use]
pub fn time(micros: u64) -> String {
    format!("{}.{:06}s", micros / 1_000_000, micros % 1_000_000)
}

fn step(step: &Step) -> String {
    let mut text = step.step.clone();
    // Writing to a String cannot fail.
    if let Some(number) = step.number {
        let _ = write!(text, " {number}");
    }
    match step.range {
        Some((start, u64::MAX)) => drop(write!(text, " {start}..")),
        Some((start, end)) => drop(write!(text, " {start}..{end}")),
        None => {}
    }
    text
}

fn known(known: &Known) -> String {
    let mut text = String::new();
    if let Some(total) = known.total {
        let _ = write!(text, " of {total}");
    }
    if let Some(session) = &known.session {
        let _ = write!(text, " in {session}");
    }
    if let Some(location) = &known.location {
        let _ = write!(text, " at {location}");
    }
    if known.skew != 0 {
        let _ = write!(text, " skew {}", known.skew);
    }
    text
}

fn moved(moved: &Moved) -> String {
    let mut text = String::new();
    for (what, bytes) in [("sent", moved.sent), ("written", moved.written)] {
        if bytes > 0 {
            let _ = write!(text, " {what} {bytes}");
        }
    }
    if moved.held {
        text.push_str(" held");
    }
    text
}

fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Complete { .. } => "complete".to_owned(),
        Outcome::Broken { fault } => format!("broken: {} {}", fault.kind, fault.detail).trim_end().to_owned(),
        Outcome::Local { fault } => format!("local: {} {}", fault.kind, fault.detail).trim_end().to_owned(),
        Outcome::Cancelled => "cancelled".to_owned(),
    }
}

fn file(reply: &FileReply) -> String {
    match reply {
        FileReply::Source { len: Some(len), .. } => format!("source of {len}"),
        FileReply::Source { len: None, .. } => "source of unknown length".to_owned(),
        FileReply::Filled { len, end } => format!("filled {len}{}", if *end { ", all" } else { "" }),
        FileReply::Reserved { kept } => if *kept { "reserved, kept" } else { "reserved" }.to_owned(),
        FileReply::Unchanged => "unchanged".to_owned(),
        FileReply::Digests { digests } => format!("{} digests", digests.len()),
        FileReply::Published { path } => format!("published {path}"),
        FileReply::Done => "done".to_owned(),
        FileReply::Failed { fault } => format!("failed: {} {}", fault.kind, fault.detail),
    }
}

fn content(body: &[Piece]) -> String {
    let len = length(body);
    if len == 0 { String::new() } else { format!(" with {len} bytes") }
}

/// Length of a body, in bytes.
pub(crate) fn length(body: &[Piece]) -> u64 {
    let piece = |piece: &Piece| match piece {
        Piece::Inline(len) => *len,
        Piece::Source(start, end) => end.saturating_sub(*start),
    };
    body.iter().map(piece).fold(0, u64::saturating_add)
}

fn event(event: &Event) -> String {
    match event {
        Event::Started => "started".to_owned(),
        Event::Phase { phase } => format!("phase {phase}"),
        Event::Moving { total: Some(total), reused } => format!("moving {total}, reused {reused}"),
        Event::Moving { total: None, reused } => format!("moving an unknown size, reused {reused}"),
        Event::Retrying { step, attempt, delay, reason } => {
            format!("retrying {step} for the {attempt}. time in {}: {}", time(*delay), reason.words)
        }
        Event::Restarted { why } => format!("restarted: {why}"),
        Event::Paused => "paused".to_owned(),
        Event::Resumed => "resumed".to_owned(),
        Event::MaybeOrphan { object } => format!("may have left a session of {object}"),
        Event::AbortFailed { reason, .. } => format!("abort failed: {}", reason.words),
        Event::CheckpointUnusable { why } => format!("checkpoint unusable: {why}"),
        Event::CheckpointFailed { reason } => format!("checkpoint failed: {}", reason.words),
        Event::Completed { total, unchanged, .. } => {
            format!("completed {total}{}", if *unchanged { ", unchanged" } else { "" })
        }
        Event::Failed { reason } => format!("failed {}: {}", reason.code, reason.words),
        Event::Other => "an event of a later version".to_owned(),
    }
}

fn meaning(meaning: &Meaning) -> String {
    match meaning {
        Meaning::Object { object } | Meaning::Whole { object } => match object.total {
            Some(total) => format!("object of {total}"),
            None => "object of unknown size".to_owned(),
        },
        Meaning::Range { range, .. } => format!("range {}..{}", range.0, range.1),
        Meaning::Unsatisfiable { .. } => "unsatisfiable".to_owned(),
        Meaning::Begun { session, next, .. } => {
            let session = session.as_deref().unwrap_or("no session");
            next.map_or_else(|| format!("begun {session}"), |next| format!("begun {session}, next {next}"))
        }
        Meaning::Part { tag, .. } => format!("part stored as {tag}"),
        Meaning::Parts { parts, .. } => format!("{} parts", parts.len()),
        Meaning::Committed { .. } => "committed".to_owned(),
        Meaning::NotCommitted => "not committed".to_owned(),
        Meaning::Aborted => "aborted".to_owned(),
        Meaning::Retry { fault, .. } => format!("retry: {}", self::fault(fault)),
        Meaning::Redirect { location, .. } => format!("redirect to {location}"),
        Meaning::Refresh { fault } => format!("refresh: {}", self::fault(fault)),
        Meaning::Skew { server, .. } => format!("skew: the server has {server}"),
        Meaning::Plain { fault } => format!("plain: {}", self::fault(fault)),
        Meaning::ProbeByRange => "probe by range".to_owned(),
        Meaning::Changed { changed } => format!("changed: {changed:?}"),
        Meaning::Doubtful { fault } => format!("unknown: {}", self::fault(fault)),
        Meaning::Fatal { fault } => format!("fatal: {}", self::fault(fault)),
    }
}

/// A refusal in a few words.
pub(crate) fn fault(fault: &ServerFault) -> String {
    let mut text = fault.kind.replace('_', " ");
    if let Some(status) = fault.status {
        let _ = write!(text, " ({status}");
        if let Some(code) = &fault.code {
            let _ = write!(text, " {code}");
        }
        text.push(')');
    }
    if !fault.detail.is_empty() {
        let _ = write!(text, ": {}", fault.detail);
    }
    text
}
