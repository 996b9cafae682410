//! What all transfers to one server share: places for requests, the concurrency controller, the retry budget, and the
//! transfers that wait for a place.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;

use crate::engine::controller::Controller;
use crate::id::{Key, Slab, TaskId};
use crate::retry::RetryBudget;
use crate::spec::Concurrency;
use crate::time::Time;

/// Servers nobody uses at the moment whose experience is kept.
const REMEMBERED: usize = 256;

/// Stands for an authority's name: copied and compared for nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct AuthorityId {
    slot: u32,
    generation: u32,
}

impl Key for AuthorityId {
    fn from_parts(slot: u32, generation: u32) -> Self {
        Self { slot, generation }
    }

    fn parts(self) -> (u32, u32) {
        (self.slot, self.generation)
    }
}

#[derive(Debug)]
pub(crate) struct Authority {
    pub(crate) in_flight: usize,
    pub(crate) controller: Controller,
    pub(crate) budget: RetryBudget,
    /// Transfers that could send if there were a place, by virtual time.
    pub(crate) waiting: BTreeSet<(u64, TaskId)>,
    /// Transfers that found nothing in the retry budget. Some may have found something else to do since.
    pub(crate) unpaid: BTreeSet<TaskId>,
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

/// All servers, by authority. Named once; from then on an id is enough.
#[derive(Debug)]
pub(crate) struct Authorities {
    by_name: BTreeMap<String, AuthorityId>,
    all: Slab<AuthorityId, Authority>,
}

impl Authorities {
    pub(crate) const fn new() -> Self {
        Self { by_name: BTreeMap::new(), all: Slab::new() }
    }

    /// The authority of that name, if anybody has used it.
    pub(crate) fn find(&self, name: &str) -> Option<AuthorityId> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn get(&self, id: AuthorityId) -> Option<&Authority> {
        self.all.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: AuthorityId) -> Option<&mut Authority> {
        self.all.get_mut(id)
    }

    /// The authority of that name, made if it is new. `None` when 2³² are in use.
    pub(crate) fn entry(&mut self, name: &str, bounds: Concurrency, now: Time) -> Option<AuthorityId> {
        if let Some(id) = self.find(name) {
            return Some(id);
        }
        self.forget_unused();
        let id = self.all.insert_with(|_| Authority {
            in_flight: 0,
            controller: Controller::new(bounds, now),
            budget: RetryBudget::new(now),
            waiting: BTreeSet::new(),
            unpaid: BTreeSet::new(),
        })?;
        self.by_name.insert(String::from(name), id);
        Some(id)
    }

    fn forget_unused(&mut self) {
        if self.by_name.len() >= REMEMBERED {
            self.all.retain(|authority| authority.in_flight > 0 || !authority.waiting.is_empty());
            let all = &self.all;
            self.by_name.retain(|_, id| all.get(*id).is_some());
        }
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = AuthorityId> + '_ {
        self.by_name.values().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn of_many_servers_those_in_use_are_kept() {
        let mut all = Authorities::new();
        let bounds = Concurrency::default();
        for number in 0..REMEMBERED {
            all.entry(&format!("host{number}:80"), bounds, Time::ZERO).expect("room");
        }
        let id = |all: &Authorities, number: usize| all.find(&format!("host{number}:80"));
        assert_eq!((0..REMEMBERED).filter_map(|number| id(&all, number)).count(), REMEMBERED, "so many are remembered");
        let (busy, wanted) = (id(&all, 1).expect("there"), id(&all, 2).expect("there"));
        all.get_mut(busy).expect("there").in_flight = 1;
        all.get_mut(wanted).expect("there").waiting.insert((0, TaskId::from_parts(0, 0)));
        let new = all.entry("new:80", bounds, Time::ZERO).expect("room");
        let mut kept: alloc::vec::Vec<_> = all.ids().collect();
        kept.sort_by_key(|id| id.parts());
        let mut expected = [busy, wanted, new];
        expected.sort_by_key(|id| id.parts());
        assert_eq!(kept, expected);
        assert!([busy, wanted, new].into_iter().all(|id| all.get(id).is_some()));
        assert_eq!(all.entry("host1:80", bounds, Time::ZERO), Some(busy), "with what is known of it");
    }
}
