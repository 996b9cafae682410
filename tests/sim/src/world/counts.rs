//! What crosses the network is counted here, byte by byte, and held against what the engine says of it (I7, I8, I25).

use http::{Method, StatusCode};
use longhaul_core::event::{EventKind, Progress, State};
use longhaul_core::intent::{Disposition, FileOp, JournalOp, Outcome};
use longhaul_core::{ByteRange, Direction, OpId, Phase, TaskId};

use super::{Job, JobKind, Work, World};
use crate::check::Invariant;
use crate::content::{Content, Fill};
use crate::disk::temporary;
use crate::ledger::Account;
use crate::net::Exchange;

impl World {
    fn account(&mut self, task: TaskId) -> &mut Account {
        self.books.accounts.entry(task).or_default()
    }

    /// An exchange was begun.
    pub(crate) fn count_begin(&mut self, op: OpId) {
        let Some(exchange) = self.exchanges.get(&op) else {
            return;
        };
        // What a server tells of what it has may be out of date when it comes.
        let (asks, forgets) = (exchange.content_len == 0, self.forgotten());
        let (task, open) = (exchange.task, exchange.method == Method::GET && !exchange.headers.contains_key("range"));
        let account = self.account(task);
        account.serial |= open;
        if asks {
            account.forgets = forgets;
        }
        account.could_since = None;
    }

    /// The head of an answer came and was judged.
    pub(crate) fn count_head(&mut self, exchange: &Exchange) {
        if matches!(exchange.disposition, Some(Disposition::WriteAt { .. })) {
            let status = exchange.answer.as_ref().map(|answer| answer.status);
            let account = self.account(exchange.task);
            account.shown = status == Some(StatusCode::PARTIAL_CONTENT);
            account.serial = !account.shown;
        }
    }

    /// The engine is about to be told how far an exchange is.
    pub(crate) fn count_more(&mut self, exchange: &mut Exchange) {
        let moved = exchange.content_moved();
        let fresh = moved - exchange.told;
        exchange.told = moved;
        exchange.heard = self.now;
        let (now, written) = (self.now, matches!(exchange.disposition, Some(Disposition::WriteAt { .. })));
        let account = self.account(exchange.task);
        account.told += fresh;
        if written && fresh > 0 && !account.serial {
            account.unsaved(now);
        }
    }

    /// The engine is about to be told that an exchange is over.
    pub(crate) fn count_end(&mut self, exchange: &Exchange, outcome: &Outcome) {
        let fresh = exchange.content_moved() - exchange.told;
        let written = exchange.written();
        let accepted = exchange.answer.as_ref().is_some_and(|answer| answer.status.is_success())
            && exchange.sent == exchange.body_len
            && matches!(outcome, Outcome::Complete { .. });
        let now = self.now;
        let account = self.account(exchange.task);
        account.told += fresh;
        if accepted && exchange.content_len > 0 {
            account.gained += exchange.content_len;
            account.unsaved(now);
        } else if !account.serial {
            account.gained += written;
            if written > 0 && fresh > 0 {
                account.unsaved(now);
            }
        }
    }

    /// Local work was begun.
    pub(crate) fn count_local(&mut self, task: TaskId, work: &Work) {
        let now = self.now;
        match work {
            Work::Journal(JournalOp::Replace(_) | JournalOp::Append(_)) | Work::File(FileOp::Sync, _) => {
                self.account(task).saves(now);
            }
            _ => {}
        }
    }

    /// An event came.
    pub(crate) fn count_event(&mut self, task: TaskId, kind: &EventKind) {
        let now = self.now;
        let account = self.account(task);
        match kind {
            EventKind::Moving { total, reused } => account.moves(*total, *reused),
            EventKind::Restarted(_) => account.starts_over(),
            EventKind::Phase(Phase::Moving) => {
                account.fuzzy |= core::mem::replace(&mut account.moving, true);
                account.saved_at = now;
            }
            EventKind::Retrying { delay, .. } => {
                account.waits(now, u64::try_from(delay.as_micros()).unwrap_or(u64::MAX));
            }
            EventKind::Resumed => {
                account.quiet_until = now;
                account.saved_at = now;
            }
            EventKind::CheckpointFailed(_) => account.unsaveable = true,
            EventKind::Ended(_) => {
                self.books.accounts.remove(&task);
            }
            _ => {}
        }
    }

    /// Holds the engine's figures against what was counted.
    pub(crate) fn check_counts(&mut self, task: TaskId, state: &State, progress: Progress) {
        let Some(account) = self.books.accounts.get(&task) else {
            return;
        };
        if progress.moved != account.told {
            let told = account.told;
            self.broken(Invariant::Conservation, format!("{task} says {progress:?}, and {told} bytes crossed"));
            return;
        }
        let counts = match state {
            State::Active(phase) | State::Waiting(phase) | State::Pausing(phase) | State::Paused(phase) => {
                matches!(phase, Phase::Moving | Phase::Verifying | Phase::Publishing)
            }
            _ => false,
        };
        let Some(job) = self.job_of(task).and_then(|at| self.jobs.get(at)).filter(|_| counts) else {
            return;
        };
        // What a download has in flight is in its file already, and acknowledged.
        let flying: u64 = match job.direction() {
            Direction::Download => 0,
            Direction::Upload => self.exchanges.values().filter(|one| one.task == task).map(|one| one.told).sum(),
        };
        if progress.moved + progress.reused != progress.acknowledged + progress.resent + flying {
            self.broken(Invariant::Conservation, format!("{task} {progress:?} with {flying} in flight"));
            return;
        }
        if matches!(state, State::Active(Phase::Moving) | State::Waiting(Phase::Moving)) {
            self.check_there(task, progress);
        }
    }

    /// How often servers may have forgotten something they had accepted.
    const fn forgotten(&self) -> u64 {
        self.forgets + self.blocks.drops
    }

    /// Whether all that is acknowledged is what a former run recorded of a session that cannot be listed, and that was used up or
    /// given up since: the first part to be answered will tell.
    fn is_believed(&self, task: TaskId, job: &Job) -> bool {
        let unasked = self.books.accounts.get(&task).is_some_and(|account| account.reused > 0 && account.gained == 0);
        unasked && job.plan.as_ref().is_some_and(|session| !self.store.is_open(session))
    }

    /// Whether what is acknowledged is where it is said to be.
    fn check_there(&mut self, task: TaskId, progress: Progress) {
        let Some((at, job)) = self.job_of(task).and_then(|at| Some((at, self.jobs.get(at)?))) else {
            return;
        };
        let forgot = self.books.accounts.get(&task).is_none_or(|account| account.forgets != self.forgotten());
        let there = match &job.kind {
            // That somebody removed, cut or replaced a file is found when it is next used.
            JobKind::Get { .. } if !self.disk.is_intact(job.file(), at) => None,
            JobKind::Get { .. } => self.disk.file(&temporary(job.file())).map(|file| written(&file.content)),
            // What an embedder's own server holds is its own affair.
            JobKind::Own { .. } => None,
            _ if forgot => None,
            // It forgets what has not the digest it was announced with.
            JobKind::Form { .. } if self.form.verifies => None,
            JobKind::Form { source } => {
                let mine = self.form.uploads.iter().filter(|((name, _), _)| name == source);
                mine.map(|(_, upload)| upload.stored.len()).max()
            }
            JobKind::Store { .. } | JobKind::Plan { .. } if self.is_believed(task, job) => None,
            JobKind::Store { source } | JobKind::Plan { source } => {
                let key = format!("/{source}");
                let mine = self.store.sessions.values().filter(|session| session.key == key);
                mine.map(|session| session.parts.values().map(|part| part.range.len()).sum()).max()
            }
            JobKind::Blocks { source } => {
                let key = format!("/{source}");
                let staged = self.blocks.staged.get(&key).into_iter().flatten();
                let listed = self.blocks.blobs.get(&key).into_iter().flat_map(|blob| &blob.blocks);
                let blocks = staged.map(|(_, block)| block).chain(listed.map(|(_, block)| block));
                Some(blocks.flatten().map(|(range, _)| range.len()).sum())
            }
        };
        if let Some(there) = there.filter(|&there| there < progress.acknowledged) {
            self.broken(
                Invariant::AcknowledgedThere,
                format!("job {at}: {} bytes are acknowledged and {there} are there", progress.acknowledged),
            );
        }
    }
}

/// Bytes that were ever written.
fn written(content: &Content) -> u64 {
    let pieces = content.pieces(ByteRange::at(0, u64::MAX));
    pieces.iter().filter(|(_, fill)| *fill != Fill::Zero).map(|(range, _)| range.len()).sum()
}
