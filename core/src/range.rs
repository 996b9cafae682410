//! Byte ranges and sets of them: the arithmetic under every part, gap and resume.
//!
//! Ranges are half open, `start..end`, in bytes. A [`RangeSet`] keeps disjoint, non-adjacent, non-empty ranges in order.

use alloc::collections::BTreeMap;
use core::fmt;

/// The bytes `start..end` of an object. Never reversed; may be empty.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ByteRange {
    start: u64,
    end: u64,
}

impl ByteRange {
    /// The bytes from `start` up to, not including, `end`. `None` when `end < start`.
    #[must_use]
    pub const fn new(start: u64, end: u64) -> Option<Self> {
        if end < start { None } else { Some(Self { start, end }) }
    }

    /// `len` bytes from `start`, cut at `u64::MAX`.
    #[must_use]
    pub const fn at(start: u64, len: u64) -> Self {
        Self { start, end: start.saturating_add(len) }
    }

    /// The first byte.
    #[must_use]
    pub const fn start(self) -> u64 {
        self.start
    }

    /// One past the last byte.
    #[must_use]
    pub const fn end(self) -> u64 {
        self.end
    }

    /// Length in bytes.
    #[must_use]
    pub const fn len(self) -> u64 {
        self.end - self.start
    }

    /// Whether there is no byte in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The bytes in both ranges; `None` if there is none.
    #[must_use]
    pub fn intersect(self, other: Self) -> Option<Self> {
        let (start, end) = (self.start.max(other.start), self.end.min(other.end));
        (start < end).then_some(Self { start, end })
    }
}

impl fmt::Debug for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A set of bytes as disjoint ranges. Insert and remove are O(log n) amortised.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct RangeSet {
    /// start → end
    ranges: BTreeMap<u64, u64>,
    total: u64,
}

impl RangeSet {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { ranges: BTreeMap::new(), total: 0 }
    }

    /// Number of bytes in the set.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.total
    }

    /// Whether the set has no byte.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Adds all bytes of `range`; returns how many were new.
    pub fn insert(&mut self, range: ByteRange) -> u64 {
        if range.is_empty() {
            return 0;
        }
        let before = self.total;
        let (mut start, mut end) = (range.start, range.end);
        if let Some((&s, &e)) = self.ranges.range(..=start).next_back()
            && e >= start
        {
            start = s;
            end = end.max(e);
            self.take(s, e);
        }
        while let Some((&s, &e)) = self.ranges.range(start..).next()
            && s <= end
        {
            end = end.max(e);
            self.take(s, e);
        }
        self.put(start, end);
        self.total - before
    }

    /// Removes all bytes of `range`; returns how many were there.
    pub fn remove(&mut self, range: ByteRange) -> u64 {
        if range.is_empty() {
            return 0;
        }
        let before = self.total;
        if let Some((&s, &e)) = self.ranges.range(..range.start).next_back()
            && e > range.start
        {
            self.take(s, e);
            self.put(s, range.start);
            if e > range.end {
                self.put(range.end, e);
            }
        }
        while let Some((&s, &e)) = self.ranges.range(range.start..).next()
            && s < range.end
        {
            self.take(s, e);
            if e > range.end {
                self.put(range.end, e);
            }
        }
        before - self.total
    }

    /// Whether every byte of `range` is in the set.
    #[must_use]
    pub fn covers(&self, range: ByteRange) -> bool {
        range.is_empty() || self.ranges.range(..=range.start).next_back().is_some_and(|(_, &end)| end >= range.end)
    }

    /// The first range of the set.
    #[must_use]
    pub fn first(&self) -> Option<ByteRange> {
        self.ranges.iter().next().map(|(&start, &end)| ByteRange { start, end })
    }

    /// The ranges, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = ByteRange> + '_ {
        self.ranges.iter().map(|(&start, &end)| ByteRange { start, end })
    }

    /// How many separate ranges the set consists of.
    #[must_use]
    pub fn count(&self) -> usize {
        self.ranges.len()
    }

    fn take(&mut self, start: u64, end: u64) {
        self.ranges.remove(&start);
        self.total -= end - start;
    }

    fn put(&mut self, start: u64, end: u64) {
        self.ranges.insert(start, end);
        self.total += end - start;
    }
}

impl fmt::Debug for RangeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl FromIterator<ByteRange> for RangeSet {
    fn from_iter<I: IntoIterator<Item = ByteRange>>(ranges: I) -> Self {
        let mut set = Self::new();
        for range in ranges {
            set.insert(range);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against the obvious model: one bool per byte.
        #[test]
        fn insert_and_remove_agree_with_a_bitmap(ops in proptest::collection::vec((any::<bool>(), 0u64..64, 0u64..16), 0..40)) {
            let (mut set, mut model) = (RangeSet::new(), [false; 80]);
            for (add, start, len) in ops {
                let range = ByteRange::at(start, len);
                let slice = &mut model[start as usize..(start + len) as usize];
                let differing = slice.iter().filter(|&&bit| bit != add).count() as u64;
                let changed = if add { set.insert(range) } else { set.remove(range) };
                prop_assert_eq!(changed, differing);
                slice.fill(add);
                prop_assert_eq!(set.len(), model.iter().filter(|&&bit| bit).count() as u64);
                let mut last_end = None;
                for r in set.iter() {
                    prop_assert!(!r.is_empty() && last_end.is_none_or(|end| r.start() > end));
                    prop_assert!(model[r.start() as usize..r.end() as usize].iter().all(|&bit| bit));
                    prop_assert!(set.covers(r));
                    last_end = Some(r.end());
                }
            }
        }
    }

    #[test]
    fn ranges_are_never_reversed() {
        assert_eq!(ByteRange::new(5, 4), None);
        assert_eq!(ByteRange::at(u64::MAX, 5).len(), 0);
        assert_eq!(ByteRange::at(0, 5).intersect(ByteRange::at(5, 5)), None);
    }

    #[test]
    fn a_set_covers_only_what_is_wholly_in_it() {
        let set: RangeSet = [ByteRange::at(10, 10), ByteRange::at(30, 10)].into_iter().collect();
        for (start, len, covered) in [
            (10, 10, true),
            (12, 3, true),
            (9, 2, false),
            (19, 2, false),
            (10, 30, false),
            (20, 5, false),
            (25, 0, true),
        ] {
            assert_eq!(set.covers(ByteRange::at(start, len)), covered, "{start} + {len}");
        }
        assert_eq!((set.first(), set.count(), set.len()), (Some(ByteRange::at(10, 10)), 2, 20));
        assert_eq!((RangeSet::new().first(), RangeSet::new().is_empty(), set.is_empty()), (None, true, false));
    }

    #[test]
    fn the_bytes_in_both_ranges() {
        let meet = |a: (u64, u64), b: (u64, u64)| ByteRange::at(a.0, a.1).intersect(ByteRange::at(b.0, b.1));
        assert_eq!(meet((0, 10), (5, 10)), Some(ByteRange::at(5, 5)));
        assert_eq!(meet((5, 2), (0, 10)), Some(ByteRange::at(5, 2)));
        assert_eq!(meet((0, 5), (6, 5)), None);
    }
}
