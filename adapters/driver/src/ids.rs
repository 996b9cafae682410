//! Maps by the engine's ids.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map by ids. Nobody outside chooses them, so that their hash need not be one that nobody can foresee.
pub(crate) type IdMap<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

/// Spreads small numbers.
#[derive(Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u32(byte.into()));
    }

    fn write_u32(&mut self, part: u32) {
        // The golden ratio's digits: neighbours end up far from each other.
        self.0 = (self.0.rotate_left(32) ^ u64::from(part)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
