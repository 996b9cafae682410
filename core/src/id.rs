//! Names of things the engine hands out, and the slab they index.
//!
//! An id is a slot and a generation. A slot is reused, an id never is: an answer that comes late or twice finds another
//! generation and is ignored.

use alloc::vec::Vec;
use core::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $letter:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            slot: u32,
            generation: u32,
        }

        impl $name {
            /// The id as one number, for logs and foreign interfaces.
            #[must_use]
            pub const fn as_u64(self) -> u64 {
                ((self.generation as u64) << 32) | self.slot as u64
            }
        }

        impl Key for $name {
            fn from_parts(slot: u32, generation: u32) -> Self {
                Self { slot, generation }
            }
            fn parts(self) -> (u32, u32) {
                (self.slot, self.generation)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($letter, "{}.{}"), self.slot, self.generation)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self, f)
            }
        }
    };
}

id! {
    /// One transfer, from submit until it is forgotten.
    TaskId, "t"
}
id! {
    /// One obligation: an HTTP request, a file operation, a journal write or a question, answered exactly once.
    OpId, "o"
}

/// An index into a [`Slab`].
pub(crate) trait Key: Copy {
    fn from_parts(slot: u32, generation: u32) -> Self;
    fn parts(self) -> (u32, u32);
}

/// A generational slab: O(1) insert, look-up and removal; stale keys find nothing.
#[derive(Debug)]
pub(crate) struct Slab<K, T> {
    entries: Vec<Entry<T>>,
    free: Vec<u32>,
    len: usize,
    key: core::marker::PhantomData<K>,
}

#[derive(Debug)]
struct Entry<T> {
    generation: u32,
    value: Option<T>,
}

impl<K: Key, T> Slab<K, T> {
    pub(crate) const fn new() -> Self {
        Self { entries: Vec::new(), free: Vec::new(), len: 0, key: core::marker::PhantomData }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Stores what `make` builds from its own key. `None` when 2³² slots are in use.
    pub(crate) fn insert_with(&mut self, make: impl FnOnce(K) -> T) -> Option<K> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                let slot = u32::try_from(self.entries.len()).ok()?;
                self.entries.push(Entry { generation: 0, value: None });
                slot
            }
        };
        let entry = self.entries.get_mut(slot as usize)?;
        let key = K::from_parts(slot, entry.generation);
        entry.value = Some(make(key));
        self.len += 1;
        Some(key)
    }

    pub(crate) fn get(&self, key: K) -> Option<&T> {
        let (slot, generation) = key.parts();
        let entry = self.entries.get(slot as usize)?;
        if entry.generation == generation { entry.value.as_ref() } else { None }
    }

    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut T> {
        let (slot, generation) = key.parts();
        let entry = self.entries.get_mut(slot as usize)?;
        if entry.generation == generation { entry.value.as_mut() } else { None }
    }

    pub(crate) fn remove(&mut self, key: K) -> Option<T> {
        let (slot, generation) = key.parts();
        let entry = self.entries.get_mut(slot as usize)?;
        if entry.generation != generation {
            return None;
        }
        let value = entry.value.take()?;
        self.len -= 1;
        // A slot whose generations are used up is retired rather than reused.
        if let Some(next) = generation.checked_add(1) {
            entry.generation = next;
            self.free.push(slot);
        }
        Some(value)
    }

    /// Removes the entries that are not to be kept.
    pub(crate) fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        let gone: Vec<K> = self.iter().filter(|(_, value)| !keep(value)).map(|(key, _)| key).collect();
        for key in gone {
            self.remove(key);
        }
    }

    /// All entries, in slot order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, &T)> {
        self.entries.iter().enumerate().filter_map(|(slot, entry)| {
            let value = entry.value.as_ref()?;
            Some((K::from_parts(u32::try_from(slot).ok()?, entry.generation), value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_key_finds_nothing_even_after_its_slot_is_reused() {
        let mut slab: Slab<TaskId, u8> = Slab::new();
        let a = slab.insert_with(|_| 1).expect("room");
        assert_eq!(slab.remove(a), Some(1));
        let b = slab.insert_with(|_| 2).expect("room");
        assert_eq!((slab.get(a), slab.get(b), slab.len()), (None, Some(&2), 1));
        assert_eq!(slab.remove(a), None);
        assert_ne!(a.as_u64(), b.as_u64());
    }
}
