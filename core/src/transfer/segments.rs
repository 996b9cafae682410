//! What of a download is in the temporary file, each stretch with the digest of its bytes, so that a later run can tell
//! whether it is still there unharmed.
//!
//! Where there are very many, neighbours are joined, their digests combined: an object of terabytes takes no more memory than one of
//! gigabytes. What is joined is trusted or fetched again as one, so none becomes more than a small part of what is there.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::mem;

use crate::digest::Digest;
use crate::range::ByteRange;

/// Up to twice so many stretches are kept apart.
const MANY: usize = 1024;
/// Of more than those, neighbours are joined up to this part of all that is there.
const JOINED: u64 = 256;

/// A stretch as written by one request, or by several one after the other.
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
    /// How many they were when neighbours were joined last.
    joined: usize,
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
        let mut replaced = 0;
        // Mostly they come in order.
        if start < self.end() {
            match self.by_start.range(..=start).next_back() {
                Some((&first, &(old, _))) if first == start && old >= end => return true,
                Some((&first, &(old, _))) if first == start => replaced = old - start,
                Some((_, &(old, _))) if old > start => return false,
                _ => {}
            }
            if self.by_start.range(start + 1..).next().is_some_and(|(&next, _)| next < end) {
                return false;
            }
        }
        self.by_start.insert(start, (end, segment.digest));
        self.total += end - start - replaced;
        if self.by_start.len() > 2 * self.joined.max(MANY) {
            self.join();
        }
        true
    }

    /// Joins neighbours up to a part of all that is there. One that nothing follows yet may still grow and stays as it is.
    fn join(&mut self) {
        let most = self.total / JOINED;
        let mut joined: Vec<(u64, (u64, Option<Digest>))> = Vec::with_capacity(MANY);
        let mut rest = mem::take(&mut self.by_start).into_iter().peekable();
        while let Some((start, (end, digest))) = rest.next() {
            let grown = rest.peek().is_some_and(|&(next, _)| next == end);
            if let Some((first, (last, before))) = joined.last_mut()
                && (grown && *last == start && end - *first <= most)
                && let (Some(head), Some(tail)) = (&*before, &digest)
                && let Some(whole) = head.followed_by(tail, end - start)
            {
                (*last, *before) = (end, Some(whole));
            } else {
                joined.push((start, (end, digest)));
            }
        }
        self.by_start = joined.into_iter().collect();
        self.joined = self.by_start.len();
    }

    /// Whether this stretch, or a longer one around it, is there already.
    pub(crate) fn holds(&self, segment: &Segment) -> bool {
        let (start, end) = (segment.range.start(), segment.range.end());
        let around = || self.by_start.range(..=start).next_back();
        start == end || end <= self.end() && around().is_some_and(|(_, &(there, _))| there >= end)
    }

    /// Where the last one ends.
    fn end(&self) -> u64 {
        self.by_start.last_key_value().map_or(0, |(_, &(end, _))| end)
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
    use crate::digest::Algorithm;

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

    /// A stretch of so many bytes, all alike.
    fn known(start: u64, end: u64) -> Segment {
        Segment { range: ByteRange::new(start, end).expect("in order"), digest: alike(end - start) }
    }

    fn alike(len: u64) -> Option<Digest> {
        if len == 1 {
            return Digest::new(Algorithm::Crc64Nvme, &[1, 2, 3, 4, 5, 6, 7, 8]);
        }
        alike(len / 2)?.followed_by(&alike(len - len / 2)?, len - len / 2)
    }

    #[test]
    fn v8_where_there_are_very_many_neighbours_are_joined_and_their_digests_too() {
        // In order, from the end, and so that gaps are filled a little later.
        let count = 100_000;
        let orders: [fn(u64) -> u64; 3] = [|at| at, |at| 99_999 - at, |at| at ^ 31];
        for order in orders {
            let mut segments = Segments::default();
            for at in 0..count {
                assert!(segments.insert(known(order(at) * 10, order(at) * 10 + 10)));
            }
            assert_eq!(segments.total(), count * 10);
            let len = segments.iter().count();
            assert!(len < 4 * MANY, "{len}");
            let mut end = 0;
            for segment in segments.iter() {
                assert_eq!(segment.range.start(), end);
                assert_eq!(segment, known(segment.range.start(), segment.range.end()));
                assert!(segment.range.len() <= count * 10 / JOINED);
                end = segment.range.end();
            }
            assert!(segments.holds(&known(500_010, 500_020)));
        }
    }

    #[test]
    fn what_may_still_grow_and_what_has_no_digest_is_joined_with_nothing() {
        let mut segments = Segments::default();
        for at in 0..5_000 {
            assert!(segments.insert(if at % 2 == 0 {
                known(at * 10, at * 10 + 10)
            } else {
                plain(at * 10, at * 10 + 10)
            }));
        }
        assert_eq!(segments.iter().count(), 5_000);
        let mut segments = Segments::default();
        for at in 0..5_000 {
            // Told twice: first while it moves.
            assert!(segments.insert(known(at * 10, at * 10 + 4)) && segments.insert(known(at * 10, at * 10 + 10)));
        }
        assert_eq!(segments.total(), 50_000);
    }

    #[test]
    fn a_stretch_is_held_when_one_from_its_start_reaches_as_far() {
        let mut segments = Segments::default();
        assert!(segments.is_empty() && segments.insert(plain(10, 20)) && !segments.is_empty());
        for (start, end, held) in
            [(10, 20, true), (10, 19, true), (10, 21, false), (11, 20, true), (9, 20, false), (5, 5, true)]
        {
            assert_eq!(segments.holds(&plain(start, end)), held, "{start}..{end}");
        }
        segments.remove(11);
        assert_eq!(segments.total(), 10);
        segments.remove(10);
        assert_eq!((segments.total(), segments.is_empty()), (0, true));
    }
}
