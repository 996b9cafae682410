//! What all transfers to one server share: places for requests, the concurrency controller, the retry budget, and the
//! transfers that wait for a place.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;

use crate::engine::controller::Controller;
use crate::id::TaskId;
use crate::retry::RetryBudget;
use crate::spec::Concurrency;
use crate::time::Time;

/// Servers nobody uses at the moment whose experience is kept.
const REMEMBERED: usize = 256;

#[derive(Debug)]
pub(crate) struct Authority {
    pub(crate) in_flight: usize,
    pub(crate) controller: Controller,
    pub(crate) budget: RetryBudget,
    /// Transfers that could send if there were a place, by virtual time.
    pub(crate) waiting: BTreeSet<(u64, TaskId)>,
}

impl Authority {
    /// Places in all.
    pub(crate) fn places(&self, limit: usize) -> usize {
        limit.min(self.controller.target() as usize).max(1)
    }

    pub(crate) fn is_full(&self, limit: usize) -> bool {
        self.in_flight >= self.places(limit)
    }

    /// Transfers for whom there is a place now.
    pub(crate) fn wake(&mut self, limit: usize) -> impl Iterator<Item = (u64, TaskId)> + '_ {
        let free = self.places(limit).saturating_sub(self.in_flight);
        core::iter::from_fn(|| self.waiting.pop_first()).take(free)
    }
}

/// All servers, by authority.
#[derive(Debug, Default)]
pub(crate) struct Authorities {
    by_name: BTreeMap<String, Authority>,
}

impl Authorities {
    pub(crate) fn get(&self, name: &str) -> Option<&Authority> {
        self.by_name.get(name)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Authority> {
        self.by_name.get_mut(name)
    }

    /// The authority of that name, made if it is new.
    pub(crate) fn entry(&mut self, name: &str, bounds: Concurrency, now: Time) -> &mut Authority {
        if !self.by_name.contains_key(name) {
            self.forget_unused();
        }
        self.by_name.entry(String::from(name)).or_insert_with(|| Authority {
            in_flight: 0,
            controller: Controller::new(bounds, now),
            budget: RetryBudget::new(now),
            waiting: BTreeSet::new(),
        })
    }

    fn forget_unused(&mut self) {
        if self.by_name.len() >= REMEMBERED {
            self.by_name.retain(|_, authority| authority.in_flight > 0 || !authority.waiting.is_empty());
        }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }
}
