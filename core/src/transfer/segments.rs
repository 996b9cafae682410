//! What of a download is in the temporary file, each stretch with the digest of its bytes, so that a later run can tell
//! whether it is still there unharmed.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::digest::Digest;
use crate::range::ByteRange;

/// A stretch as written by one request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Segment {
    pub(crate) range: ByteRange,
    /// CRC-64/NVME of its bytes; `None` where the adapter gave none: such a stretch is not trusted after a restart.
    pub(crate) digest: Option<Digest>,
}

/// All stretches, disjoint, by start.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Segments {
    by_start: BTreeMap<u64, (u64, Option<Digest>)>,
    total: u64,
}

impl Segments {
    pub(crate) const fn total(&self) -> u64 {
        self.total
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_start.is_empty()
    }

    /// Adds a stretch, replacing a shorter one from the same start. One that would overlap others is refused: it can only come
    /// from a damaged record.
    pub(crate) fn insert(&mut self, segment: Segment) -> bool {
        let (start, end) = (segment.range.start(), segment.range.end());
        if segment.range.is_empty() {
            return true;
        }
        let replaced = match self.by_start.get(&start) {
            Some(&(old, _)) if old >= end => return true,
            Some(&(old, _)) => old - start,
            None => 0,
        };
        let before = self.by_start.range(..start).next_back().is_some_and(|(_, &(e, _))| e > start);
        let after = self.by_start.range(start + 1..).next().is_some_and(|(&s, _)| s < end);
        if before || after {
            return false;
        }
        self.by_start.insert(start, (end, segment.digest));
        self.total += end - start - replaced;
        true
    }

    /// Whether this stretch, or a longer one from the same start, is there already.
    pub(crate) fn holds(&self, segment: &Segment) -> bool {
        segment.range.is_empty()
            || self.by_start.get(&segment.range.start()).is_some_and(|&(end, _)| end >= segment.range.end())
    }

    pub(crate) fn remove(&mut self, start: u64) {
        if let Some((end, _)) = self.by_start.remove(&start) {
            self.total -= end - start;
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Segment> + '_ {
        self.by_start
            .iter()
            .filter_map(|(&start, &(end, digest))| Some(Segment { range: ByteRange::new(start, end)?, digest }))
    }

    pub(crate) fn ranges(&self) -> Vec<ByteRange> {
        self.iter().map(|segment| segment.range).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(start: u64, end: u64) -> Segment {
        Segment { range: ByteRange::new(start, end).expect("in order"), digest: None }
    }

    #[test]
    fn a_longer_stretch_replaces_a_shorter_one_and_overlaps_are_refused() {
        let mut segments = Segments::default();
        assert!(segments.insert(plain(10, 20)) && segments.insert(plain(10, 30)) && segments.insert(plain(10, 15)));
        assert_eq!(segments.total(), 20);
        assert!(!segments.insert(plain(5, 11)) && !segments.insert(plain(29, 40)) && !segments.insert(plain(5, 50)));
        assert!(segments.insert(plain(30, 40)) && segments.insert(plain(0, 10)));
        assert_eq!(segments.total(), 40);
        segments.remove(10);
        assert_eq!(segments.ranges(), [ByteRange::at(0, 10), ByteRange::at(30, 10)]);
    }

    #[test]
    fn a_stretch_is_held_when_one_from_its_start_reaches_as_far() {
        let mut segments = Segments::default();
        assert!(segments.is_empty() && segments.insert(plain(10, 20)) && !segments.is_empty());
        for (start, end, held) in [(10, 20, true), (10, 19, true), (10, 21, false), (11, 20, false), (5, 5, true)] {
            assert_eq!(segments.holds(&plain(start, end)), held, "{start}..{end}");
        }
        segments.remove(11);
        assert_eq!(segments.total(), 10);
        segments.remove(10);
        assert_eq!((segments.total(), segments.is_empty()), (0, true));
    }
}
