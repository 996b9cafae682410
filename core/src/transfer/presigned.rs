//! Presigned URLs: which request can be sent with those there are, when fresh ones are asked for and for which parts, and how
//! an answer is taken in.
//!
//! There is one question at a time. What has a good URL goes on while it is out; what has none waits, and nothing that has
//! expired is ever sent.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use crate::checkpoint::{Checkpoint, Stage};
use crate::error::{BuildError, Error, ServerFault, ServerFaultKind, Usage};
use crate::intent::UrlsWanted;
use crate::plan::UploadPlan;
use crate::provider::{Provider, Step, StepKind};
use crate::range::ByteRange;
use crate::spec::{Config, Direction};
use crate::time::{Now, Wall};
use crate::transfer::parts::Allowance;
use crate::transfer::phase::Signal;
use crate::transfer::{Cx, Phase, Transfer};

/// Answers in a row of which nothing could be sent: the last one is final.
const MOST_UNUSED: u32 = 8;
/// Answers that follow each other faster than this are in a row.
const AT_ONCE: Duration = Duration::from_secs(60);

impl Transfer {
    /// The server's civil time.
    fn server_wall(&self, now: Now) -> Wall {
        Wall::from_unix(now.wall.as_unix().saturating_add(self.skew))
    }

    /// Whether what `step` needs is there and good.
    pub(super) fn is_ready(&self, step: &Step, now: Now) -> bool {
        self.spec.provider.is_ready(step, self.server_wall(now))
    }

    /// Whether the part that begins where `range` does can be sent.
    pub(super) fn part_is_ready(&self, range: ByteRange, now: Now) -> bool {
        let (Some(plan), Some(layout)) = (self.spec.provider.plan(), self.source.layout.as_ref()) else {
            return true;
        };
        let number = layout.index_of(range.start()) + 1;
        plan.next_usable(number, self.server_wall(now)) == Some(number)
    }

    /// The index of the first part that was not sent yet and can be. Looks at each stretch of missing parts once.
    pub(super) fn next_part(&self, now: Now) -> Option<u64> {
        let layout = self.source.layout.as_ref()?;
        let Some(plan) = self.spec.provider.plan() else {
            return Some(layout.index_of(self.parts.todo.first()?.start()));
        };
        let wall = self.server_wall(now);
        self.parts.todo.iter().find_map(|missing| {
            let number = plan.next_usable(layout.index_of(missing.start()) + 1, wall)?;
            (number <= layout.index_of(missing.end() - 1) + 1).then_some(number - 1)
        })
    }

    /// Whether questions wait for the transfer's turn: nothing of it is in flight, and what is issued before a request of it
    /// can start may have expired when one can.
    pub(super) fn asks_in_turn(&self) -> bool {
        self.in_flight() == 0 && self.profile.refresh
    }

    pub(super) fn may_ask(&self) -> bool {
        self.refresh.op.is_none() && (self.works() || self.phase == Phase::Aborting)
    }

    /// Whether [`Self::question`] has one.
    pub(super) fn has_question(&self, now: Now, config: &Config) -> bool {
        self.may_ask() && (self.refresh.wanted.is_some() || self.urls_wanted(now, config).is_some())
    }

    /// The size of the request that a question is for.
    pub(super) fn question_bytes(&self, now: Now, config: &Config) -> u64 {
        match (self.phase, self.spec.direction) {
            (Phase::Moving, Direction::Download) => self
                .peek_range(now.mono, config, Allowance::ANY)
                .and_then(|(step, _)| step.range())
                .map_or(0, |range| range.len()),
            (Phase::Moving, Direction::Upload) => {
                self.source.layout.as_ref().map_or(0, |layout| layout.part_size().min(layout.total()))
            }
            _ => 0,
        }
    }

    /// What to ask the application for now, if anything.
    pub(super) fn urls_wanted(&self, now: Now, config: &Config) -> Option<UrlsWanted> {
        if !self.may_ask() || self.file_blocks() {
            return None;
        }
        let refused = self.refresh.wanted.clone().filter(|_| self.spec.provider.plan().is_some());
        let due = self.single.op.is_none() && self.single.due.is_none_or(|due| due <= now.mono);
        match (self.phase, self.spec.direction) {
            (Phase::Moving, Direction::Upload) if self.spec.provider.plan().is_some() => {
                self.parts_wanted(refused, now)
            }
            (Phase::Moving, Direction::Upload) => self.unready(self.peek_part(now, Allowance::ANY)?.0, refused, now),
            (Phase::Moving, Direction::Download) => {
                self.unready(self.peek_range(now.mono, config, Allowance::ANY)?.0, refused, now)
            }
            _ if !due => None,
            (Phase::Probing, _) => self.unready(Step::Probe, refused, now),
            (Phase::Opening, _) => self.unready(Step::Begin, refused, now),
            (Phase::Reconciling, _) => self.unready(Step::ListParts { marker: None }, refused, now),
            (Phase::Committing, _) => self.unready(Step::Commit, refused, now),
            (Phase::Confirming, _) => self.unready(Step::Confirm, refused, now),
            (Phase::Aborting, _) => self.unready(Step::Abort, refused, now),
            _ => None,
        }
    }

    fn unready(&self, step: Step, refused: Option<ServerFault>, now: Now) -> Option<UrlsWanted> {
        let wanted = refused.is_some() || !self.is_ready(&step, now);
        wanted.then(|| UrlsWanted { step: step.kind(), parts: Vec::new(), refused })
    }

    /// The next batch of parts without a good URL, when too few of the others are left.
    fn parts_wanted(&self, refused: Option<ServerFault>, now: Now) -> Option<UrlsWanted> {
        let (plan, layout) = (self.spec.provider.plan()?, self.source.layout.as_ref()?);
        let (batch, ahead) = (plan.batch() as usize, plan.ahead() as usize);
        let wall = self.server_wall(now);
        let missing = self.missing_parts(layout.count(), now);
        let (mut good, mut parts) = (0, Vec::new());
        // Ends when a batch is full, at the latest with the plan's last part.
        for number in missing {
            let usable = refused.is_none() && plan.next_usable(number, wall) == Some(number);
            if usable {
                good += 1;
            } else if parts.len() < batch {
                parts.push(number);
            }
            if good >= ahead || (parts.len() >= batch && refused.is_some()) {
                break;
            }
        }
        let wanted = !parts.is_empty() && good < ahead;
        wanted.then_some(UrlsWanted { step: StepKind::PutPart, parts, refused })
    }

    /// The numbers of the parts that could go now if their URLs are good, those first that were tried before. One that waits for its
    /// retry is none of them: it must not count as supply for what does not wait.
    fn missing_parts(&self, count: u64, now: Now) -> impl Iterator<Item = u64> {
        let layout = self.source.layout;
        let number = move |at: u64| layout.as_ref().map_or(count, |layout| layout.index_of(at)) + 1;
        let due = self.parts.delayed.iter().filter(|delayed| delayed.due <= now.mono);
        let mut again: Vec<u64> = due.map(|delayed| number(delayed.range.start())).collect();
        again.sort_unstable();
        let fresh = self.parts.todo.iter().flat_map(move |range| number(range.start())..=number(range.end() - 1));
        again.into_iter().chain(fresh)
    }

    /// What has no good URL, and nobody who could be asked for one.
    pub(super) fn unsupplied(wanted: &UrlsWanted) -> Error {
        let what = match wanted.parts.first() {
            Some(number) => format!("there is no URL for part {number} that is still good, and nobody to ask for one"),
            None => String::from("the URL or credential has expired, and there is nobody to ask for another"),
        };
        Error::Issuer(ServerFault::new(ServerFaultKind::Denied, wanted.step, None, what))
    }

    /// The provider to go on with after the application's answer.
    pub(super) fn take_fresh(
        &mut self,
        fresh: Arc<dyn Provider>,
        asked: Option<&UrlsWanted>,
        now: Now,
    ) -> Result<Arc<dyn Provider>, String> {
        let mine = &self.spec.provider;
        let merged = match (mine.plan(), fresh.plan()) {
            (None, None) if fresh.object() == mine.object() => {
                if !fresh.profile().goes_on(&self.profile) {
                    let what =
                        "the application's fresh provider has other rules (parts, order, digests) than the former";
                    return Err(String::from(what));
                }
                fresh
            }
            (Some(old), Some(new)) => {
                let distrust = asked.is_some_and(|asked| asked.refused.is_some());
                let plan = old.refreshed(new, distrust).map_err(|error| format!("{error}"))?;
                mine.with_plan(plan).ok_or("the provider takes no plan")?
            }
            _ => return Err(String::from("the application's fresh URL or credentials are for another object")),
        };
        if let Some(asked) = asked {
            self.check_fresh(merged.as_ref(), asked, now)?;
        }
        Ok(merged)
    }

    /// An answer has what was asked for first, and it is good: or the question would be asked for ever.
    fn check_fresh(&mut self, fresh: &dyn Provider, asked: &UrlsWanted, now: Now) -> Result<(), String> {
        let wall = self.server_wall(now);
        let good = match asked.parts.first() {
            Some(&number) => fresh.plan().and_then(|plan| plan.next_usable(number, wall)) == Some(number),
            None => fresh.is_ready(&any(asked.step), wall),
        };
        // What was good for a while and expired in line, or beside a request that takes long, is no fault of the answers.
        let at_once = self.refresh.answered.is_some_and(|before| now.mono < before + AT_ONCE);
        self.refresh.unused = if at_once { self.refresh.unused + 1 } else { 1 };
        self.refresh.answered = Some(now.mono);
        let what = asked.parts.first().map_or_else(|| format!("the {}", asked.step), |number| format!("part {number}"));
        if !good {
            return Err(format!(
                "the answer has no URL for {what} that is good for longer than the margin; is this machine's clock right?"
            ));
        }
        if self.refresh.unused > MOST_UNUSED {
            return Err(format!("the URLs for {what} keep expiring before they can be used"));
        }
        Ok(())
    }

    /// Whether a record is of the upload that the plan is for. Parts of another one must not be committed with it.
    pub(super) fn is_of_plan(&self, checkpoint: &Checkpoint) -> bool {
        self.spec.provider.plan().is_none_or(|plan| {
            checkpoint.session.as_deref() == Some(plan.session())
                && checkpoint.total == Some(plan.total())
                && checkpoint.part_size == plan.part_size()
        })
    }

    /// The source is known, and nothing was begun: the plan brings its session along.
    pub(super) fn open_by_plan(&mut self, cx: &mut Cx<'_>) {
        let Some(plan) = self.spec.provider.plan() else { return };
        let (total, session) = (plan.total(), String::from(plan.session()));
        if self.source.total != Some(total) {
            let has = self.source.total.unwrap_or_default();
            let what = format!("the plan is for {total} bytes, and the source has {has}");
            self.fail(Error::Usage(Usage::Build(BuildError::new(what, "issue a plan for this source"))), cx);
            return;
        }
        self.session.id = Some(session);
        self.session.stage = Stage::Open;
        self.keeper.rewrite();
        self.keeper.hold();
        self.signal(Signal::Sessionless, cx);
    }

    /// The upload that a plan is for is gone: only whoever issued it can begin another one.
    pub(super) fn plan_gone(&mut self, cx: &mut Cx<'_>) -> bool {
        let planned = self.spec.provider.plan().map(UploadPlan::session).is_some();
        if planned {
            let what = "the upload that the plan is for is gone on the server; get a plan for a new one";
            let fault = ServerFault::new(ServerFaultKind::NotFound, StepKind::PutPart, None, what);
            self.fail(Error::Issuer(fault), cx);
        }
        planned
    }
}

/// Some step of a kind: what it needs to be ready is the same for all of them, where there is no plan.
const fn any(kind: StepKind) -> Step {
    let range = ByteRange::at(0, 1);
    match kind {
        StepKind::Probe => Step::Probe,
        StepKind::Begin => Step::Begin,
        StepKind::PutWhole => Step::PutWhole { range },
        StepKind::PutPart => Step::PutPart { number: 1, range, digest: None },
        StepKind::GetRange => Step::GetRange { range },
        StepKind::ListParts => Step::ListParts { marker: None },
        StepKind::Commit => Step::Commit,
        StepKind::Confirm => Step::Confirm,
        StepKind::Abort => Step::Abort,
    }
}
