//! Deadlines: an indexed binary heap with at most one entry per task. O(log n) to set or clear, O(1) to look.

use alloc::vec::Vec;

use crate::id::{Key, TaskId};
use crate::time::Time;

#[derive(Debug, Default)]
pub(crate) struct Timers {
    heap: Vec<(Time, TaskId)>,
    /// Position in the heap by slot of the task; `ABSENT` where it has no entry.
    position: Vec<u32>,
}

const ABSENT: u32 = u32::MAX;

impl Timers {
    pub(crate) fn first(&self) -> Option<Time> {
        self.heap.first().map(|&(time, _)| time)
    }

    /// Takes the first entry if it is due.
    pub(crate) fn pop_due(&mut self, now: Time) -> Option<TaskId> {
        let &(time, task) = self.heap.first()?;
        if time > now {
            return None;
        }
        self.set(task, None);
        Some(task)
    }

    /// Sets, moves or clears the task's deadline.
    pub(crate) fn set(&mut self, task: TaskId, at: Option<Time>) {
        // What never comes is not waited for: behind the last entry of the heap there are such, and no task's.
        let at = at.filter(|&at| at < Time::NEVER);
        let slot = task.parts().0 as usize;
        if slot >= self.position.len() {
            if at.is_none() {
                return;
            }
            self.position.resize(slot + 1, ABSENT);
        }
        let here = self.position.get(slot).copied().filter(|&here| here != ABSENT).map(|here| here as usize);
        match (here, at) {
            (None, None) => {}
            (None, Some(at)) => {
                self.heap.push((at, task));
                self.up(self.heap.len() - 1);
            }
            (Some(here), Some(at)) => {
                // Mostly nothing has changed.
                if let Some(entry) = self.heap.get_mut(here).filter(|entry| **entry != (at, task)) {
                    *entry = (at, task);
                    let here = self.up(here);
                    self.down(here);
                }
            }
            (Some(here), None) => {
                self.heap.swap_remove(here);
                if let Some(position) = self.position.get_mut(slot) {
                    *position = ABSENT;
                }
                if here < self.heap.len() {
                    let here = self.up(here);
                    self.down(here);
                }
            }
        }
    }

    fn up(&mut self, mut here: usize) -> usize {
        while here > 0 {
            let parent = (here - 1) / 2;
            if self.key(parent) <= self.key(here) {
                break;
            }
            self.swap(parent, here);
            here = parent;
        }
        self.note(here);
        here
    }

    fn down(&mut self, mut here: usize) {
        loop {
            let (left, right) = (2 * here + 1, 2 * here + 2);
            let least = if self.key(right) < self.key(left) { right } else { left };
            if self.key(here) <= self.key(least) {
                break;
            }
            self.swap(least, here);
            here = least;
        }
        self.note(here);
    }

    fn key(&self, at: usize) -> (Time, Option<TaskId>) {
        self.heap.get(at).map_or((Time::NEVER, None), |&(time, task)| (time, Some(task)))
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        self.note(a);
        self.note(b);
    }

    fn note(&mut self, at: usize) {
        if let Some(&(_, task)) = self.heap.get(at)
            && let Some(position) = self.position.get_mut(task.parts().0 as usize)
        {
            *position = u32::try_from(at).unwrap_or(ABSENT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    #[test]
    fn c9_a_time_that_never_comes_is_none() {
        let mut timers = Timers::default();
        let tasks = [0, 1].map(|slot| TaskId::from_parts(slot, 0));
        for (task, at) in
            [(tasks[0], Time::NEVER), (tasks[1], Time::NEVER), (tasks[1], Time::ZERO), (tasks[0], Time::NEVER)]
        {
            timers.set(task, Some(at));
        }
        assert_eq!(timers.first(), Some(Time::ZERO));
        timers.set(tasks[1], Some(Time::NEVER));
        assert_eq!((timers.first(), timers.pop_due(Time::NEVER)), (None, None));
    }

    proptest! {
        /// Against a sorted map.
        #[test]
        fn timers_agree_with_a_sorted_map(ops in proptest::collection::vec((0u32..20, proptest::option::of(0u64..50)), 0..200)) {
            let (mut timers, mut model) = (Timers::default(), BTreeMap::new());
            for (slot, at) in ops {
                let task = TaskId::from_parts(slot, 0);
                timers.set(task, at.map(Time::from_micros));
                match at {
                    Some(at) => { model.insert(slot, at); }
                    None => { model.remove(&slot); }
                }
                prop_assert_eq!(timers.first(), model.values().min().map(|&at| Time::from_micros(at)));
            }
            let mut last = Time::ZERO;
            while let Some(at) = timers.first() {
                prop_assert!(at >= last);
                last = at;
                let task = timers.pop_due(at).expect("due");
                prop_assert_eq!(model.remove(&task.parts().0), Some(at.as_micros()));
            }
            prop_assert!(model.is_empty());
        }
    }
}
