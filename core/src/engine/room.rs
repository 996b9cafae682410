//! How many requests a transfer may have, and who gives some up: slow ones at the end, and for others that have none.

use alloc::collections::BTreeMap;
use core::time::Duration;

use super::Engine;
use super::ops::OpKind;
use super::task::Task;
use crate::id::TaskId;
use crate::spec::Parallel;
use crate::transfer::parts::Allowance;
use crate::transfer::{Transfer, Want};

/// When nobody has more than its share, it is looked at again after this.
const NOBODY: Duration = Duration::from_secs(8);

impl Engine {
    /// What one transfer may have in flight.
    pub(super) fn allowance(&self, transfer: &Transfer) -> Allowance {
        let wished = match transfer.spec.parallel {
            Parallel::Most(most) => most.get() as usize,
            Parallel::Auto => {
                let authority = self.authorities.find(transfer.authority()).and_then(|id| self.authorities.get(id));
                authority.map_or(self.config.concurrency.initial, |authority| authority.controller.target()) as usize
            }
        };
        Allowance { requests: wished.clamp(1, self.config.limits.per_task.max(1)), retries: true }
    }

    /// Lets a transfer that has room for more requests, but nothing to ask for, give up slow ones, where the server has room as well.
    /// It is paid for as a retry is.
    pub(super) fn relieve(&mut self, id: TaskId) {
        let Some(transfer) = self.tasks.get(id).and_then(Task::live).filter(|transfer| transfer.can_relieve()) else {
            return;
        };
        let (now, limits) = (self.now.mono, self.config.limits);
        let Some(authority) = self.authorities.find(transfer.authority()) else {
            return;
        };
        let most = self.allowance(transfer).requests;
        let (Some(authority), Some(transfer)) =
            (self.authorities.get_mut(authority), self.tasks.get_mut(id).and_then(Task::live_mut))
        else {
            return;
        };
        while self.requests < limits.requests
            && !authority.is_full(limits.per_authority)
            && authority.budget.affords(now)
            && transfer.relieve(now, most)
        {
            authority.budget.spend();
        }
    }

    /// A transfer that is content with as many requests as turn out useful has them all, and would have one more.
    pub(super) fn saturate(&mut self, id: TaskId, mut may: Allowance) {
        let auto = |transfer: &&Transfer| transfer.spec.parallel == Parallel::Auto && transfer.in_flight() > 0;
        let Some(transfer) = self.tasks.get(id).and_then(Task::live).filter(auto) else {
            return;
        };
        let limits = self.config.limits;
        if transfer.in_flight() < may.requests || may.requests >= limits.per_task.min(limits.per_authority) {
            return;
        }
        let authority = self.authorities.find(transfer.authority()).and_then(|id| self.authorities.get_mut(id));
        let Some(authority) = authority.filter(|authority| !authority.controller.is_saturated()) else {
            return;
        };
        may.requests += 1;
        if transfer.want(self.now, &self.config, may) != Want::Nothing {
            authority.controller.saturate();
        }
    }

    /// One that has waited for its first request for long enough gets the place of another's: of whoever has most for its weight, and
    /// more than one. Without that those who came first would keep what they took while nobody else was there, which on a slow
    /// network, or under a rate limit, is long.
    pub(super) fn make_room(&mut self, id: TaskId) {
        let now = self.now.mono;
        let Some(task) = self.tasks.get_mut(id) else {
            return;
        };
        let own = u64::from(task.weight);
        let Some(transfer) = task.live_mut() else {
            return;
        };
        if transfer.starves_at.is_none_or(|at| at > now) {
            return;
        }
        transfer.starves_at = None;
        let here = self.authorities.find(transfer.authority());
        // Where places are short in all, anybody's will do.
        let anywhere = self.requests >= self.config.limits.requests.max(1);
        let full = here
            .and_then(|id| self.authorities.get(id))
            .is_some_and(|here| here.is_full(self.config.limits.per_authority));
        if !anywhere && !full {
            return;
        }
        let mut counts: BTreeMap<TaskId, u64> = BTreeMap::new();
        for (_, op) in self.ops.iter() {
            if let OpKind::Http(request) = &op.kind
                && !op.cancelling
                && (anywhere || Some(request.authority) == here)
            {
                *counts.entry(op.task).or_default() += 1;
            }
        }
        let share = |task: TaskId, count: u64| {
            let task = self.tasks.get(task).filter(|task| task.live().is_some_and(Transfer::can_yield))?;
            let weight = u64::from(task.weight.max(1));
            // What it keeps is no less a share than what the other gets.
            (count > 1 && (count - 1) * own >= weight).then(|| (count << 32) / weight)
        };
        let most = counts.iter().filter_map(|(&task, &count)| Some((share(task, count)?, task))).max();
        if let Some((_, other)) = most {
            self.with_live(other, |transfer, _| transfer.yield_one());
        } else if let Some(transfer) = self.tasks.get_mut(id).and_then(Task::live_mut) {
            transfer.starves_at = Some(now + NOBODY);
        }
    }
}
