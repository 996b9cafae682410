//! One direction of the demo: start, kill at half, start again, account for the bytes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use longhaul::{Phase, Progress, State};
use longhaul_serve::{Faults, Running as Server, Stats};
use serde_json::Value;

use super::child::Running;
use super::{NAME, broken, faults};
use crate::exit::{Code, Failure};
use crate::report::{Label, Outcome, Report, Summary, Verdict};

/// Parts of a download in flight.
const PARTS: u64 = 8;
/// Checkpoints of a download.
const CHECKPOINTS: u64 = 16;
/// Seconds that a run would take without faults: slow enough to hit the middle.
const SECONDS: u64 = 3;
/// Silence after which a request is tried again.
const IDLE: &str = "1s";
/// How long one run may take.
const PATIENCE: Duration = Duration::from_secs(50);

/// What is to be done.
pub(super) struct Stage {
    what: &'static str,
    method: &'static str,
    args: Vec<OsString>,
    /// What must not be there before the end.
    target: PathBuf,
    size: u64,
    part: u64,
    /// Most bytes that a kill may cost.
    allowed: u64,
}

/// What came of it.
pub(super) struct Told {
    pub(super) what: &'static str,
    /// Faults that happened, by kind.
    pub(super) faults: BTreeMap<&'static str, u64>,
    pub(super) requests: u64,
    pub(super) retries: u64,
    /// Bytes that were there when the process was killed, as far as it had said.
    pub(super) killed_at: u64,
    /// Bytes the second run found.
    pub(super) reused: u64,
    /// Bytes moved again because of the kill.
    pub(super) lost: u64,
    pub(super) allowed: u64,
    /// Bytes moved again because of faults.
    pub(super) resent: u64,
}

impl Stage {
    pub(super) fn upload(source: &Path, url: &str, target: &Path, size: u64, folder: &Path) -> Self {
        let part = (size / 32).max(1);
        let mut stage = Self::new("upload", "POST", target, size, part, folder);
        // Chunks go one after another, and the server is the record of what it has.
        stage.allowed = part;
        stage.args.insert(0, "put".into());
        stage.args.extend(["--".into(), source.into(), url.into()]);
        stage
    }

    pub(super) fn download(url: &str, target: &Path, size: u64, folder: &Path) -> Self {
        let part = (size / 64).max(1);
        let mut stage = Self::new("download", "GET", target, size, part, folder);
        stage.allowed = PARTS * part + size / CHECKPOINTS;
        stage.args.insert(0, "get".into());
        stage.args.extend(["-o".into(), target.into(), "--".into(), url.into()]);
        stage
    }

    fn new(what: &'static str, method: &'static str, target: &Path, size: u64, part: u64, folder: &Path) -> Self {
        let words = [
            "--json".to_owned(),
            "--proxy=none".to_owned(),
            format!("--limit-rate={}", (size / SECONDS).max(1)),
            format!("--idle-timeout={IDLE}"),
            format!("--parts={PARTS}"),
            format!("--part-size={part}"),
            format!("--checkpoint={}", (size / CHECKPOINTS).max(1)),
        ];
        let mut args: Vec<OsString> = words.into_iter().map(OsString::from).collect();
        args.extend(["--state".into(), folder.join("state").into()]);
        Self { what, method, args, target: target.to_owned(), size, part, allowed: 0 }
    }

    pub(super) fn faults(&self) -> Faults {
        let rhythm = if self.method == "POST" {
            faults::Rhythm { reset: 9, lost: 7, busy: 4, stall: 6 }
        } else {
            faults::Rhythm { reset: 11, lost: 13, busy: 8, stall: 15 }
        };
        faults::of(self.method, &rhythm, self.part)
    }

    /// Does it.
    pub(super) async fn run(&self, index: usize, server: &Server, report: &mut dyn Report) -> Result<Told, Failure> {
        let began = Instant::now();
        let before = server.stats();
        report.start(
            index,
            &Label {
                id: String::new(),
                kind: self.what,
                url: server.url("/"),
                path: NAME.to_owned(),
                name: self.what.to_owned(),
            },
        );
        let mut seen = Seen::default();
        let limit = tokio::time::timeout(PATIENCE, self.until_half(index, &mut seen, report));
        let child = limit.await.map_err(|_| slow())??;
        // All that the server had sent or received when the first run ended, and what it kept of it.
        let at_kill = server.stats();
        child.kill().await?;
        let kept = settled(server).await;
        report.note(Some(index), "killed with SIGKILL; starting the same command again");
        if self.target.exists() {
            return Err(broken(&format!("the {} had its final name before it was complete", self.what)));
        }
        let first = seen;
        let mut seen = Seen::default();
        let limit = tokio::time::timeout(PATIENCE, self.to_the_end(index, &mut seen, report));
        limit.await.map_err(|_| slow())??;
        let after = server.stats();
        let told = Told {
            what: self.what,
            faults: faults_between(&before, &after),
            requests: after.requests_total() - before.requests_total(),
            retries: first.progress.retries + seen.progress.retries,
            killed_at: first.progress.acknowledged,
            reused: seen.progress.reused,
            lost: self.lost(&before, &at_kill, &kept, &first, &seen),
            allowed: self.allowed,
            resent: first.progress.resent + seen.progress.resent,
        };
        let summary = Summary {
            outcome: Outcome::Done(Verdict::NotProvided),
            progress: seen.progress,
            elapsed: began.elapsed(),
            path: None,
            file_id: None,
            begins_anew: false,
        };
        report.end(index, &summary);
        Ok(told)
    }

    /// Bytes that had crossed the network before the kill and had to cross it again, by the server's own account.
    fn lost(&self, before: &Stats, at_kill: &Stats, kept: &Stats, first: &Seen, second: &Seen) -> u64 {
        if self.method == "POST" {
            let thrown_away = kept.content_resent() - at_kill.content_resent();
            let stored = kept.content_stored - before.content_stored;
            thrown_away + stored.saturating_sub(second.progress.reused)
        } else {
            let sent = kept.body_bytes_sent - before.body_bytes_sent;
            sent.saturating_sub(first.progress.resent).saturating_sub(second.progress.reused)
        }
    }

    async fn until_half(&self, index: usize, seen: &mut Seen, report: &mut dyn Report) -> Result<Running, Failure> {
        let mut child = Running::start(&self.args)?;
        while let Some(line) = child.next().await? {
            seen.take(&line, index, report);
            if seen.ended {
                return Err(broken(&format!("the {} was over before it could be killed", self.what)));
            }
            if seen.progress.acknowledged >= self.size / 2 {
                return Ok(child);
            }
        }
        child.finish().await?;
        Err(broken(&format!("the {} ended without a word", self.what)))
    }

    async fn to_the_end(&self, index: usize, seen: &mut Seen, report: &mut dyn Report) -> Result<(), Failure> {
        let mut child = Running::start(&self.args)?;
        while let Some(line) = child.next().await? {
            seen.take(&line, index, report);
        }
        child.finish().await
    }
}

/// What a child said.
#[derive(Default)]
struct Seen {
    progress: Progress,
    ended: bool,
}

impl Seen {
    fn take(&mut self, line: &Value, index: usize, report: &mut dyn Report) {
        let number = |name: &str| line.get(name).and_then(Value::as_u64);
        match line.get("event").and_then(Value::as_str) {
            Some(event @ ("progress" | "summary")) => {
                let mut progress = Progress::default();
                progress.total = number("total");
                progress.acknowledged = number("acknowledged").unwrap_or(0);
                progress.reused = number("reused").unwrap_or(0);
                progress.moved = number("transferred").unwrap_or(0);
                progress.resent = number("resent").unwrap_or(0);
                progress.requests = number("requests").unwrap_or(0);
                progress.retries = number("retries").unwrap_or(0);
                progress.rate = number("rate").unwrap_or(0);
                self.progress = progress;
                self.ended = event == "summary";
                report.progress(index, &progress, State::Active(Phase::Moving));
            }
            Some("retry") => {
                let reason = line.pointer("/reason/message").and_then(Value::as_str).unwrap_or("a request failed");
                report.note(Some(index), &format!("{reason}; trying again"));
            }
            Some("moving") if number("reused").unwrap_or(0) > 0 => {
                let there = crate::report::text::bytes(number("reused").unwrap_or(0));
                report.note(Some(index), &format!("going on: {there} are there"));
            }
            _ => {}
        }
    }
}

/// The server's counters once it has noticed that the client is gone.
async fn settled(server: &Server) -> Stats {
    let wait = async {
        while server.stats().requests_now > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    // Not noticing would only make the account worse.
    let _ = tokio::time::timeout(Duration::from_secs(5), wait).await;
    server.stats()
}

fn faults_between(before: &Stats, after: &Stats) -> BTreeMap<&'static str, u64> {
    after.faults.iter().map(|(&kind, count)| (kind, count - before.faults_of(kind))).collect()
}

fn slow() -> Failure {
    Failure::new(Code::Failed, format!("the demo failed: a transfer took longer than {}s", PATIENCE.as_secs()))
}
