//! What is in a file or an object: not its bytes, but where they come from.
//!
//! Every byte is a function of its [`Fill`] and its offset, so that a gigabyte costs a few words, two versions of an object
//! differ everywhere, and a byte that lies at another place than it should is seen at once. Digests are computed from the real
//! bytes up to [`REAL`]; above, from a canonical description that is equal exactly when the bytes are.

use std::cell::RefCell;
use std::collections::BTreeMap;

use longhaul_core::rng::Rng;
use longhaul_core::{Algorithm, ByteRange, Digest};
use md5::Md5;
use sha2::{Sha256, Sha512};

/// Content up to this many bytes is hashed byte by byte.
pub const REAL: u64 = 4 << 20;

/// Where a stretch of bytes comes from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Fill {
    /// Never written.
    #[default]
    Zero,
    /// A version of an object or source.
    Version(u32),
    /// Anything else: damage, another program's bytes, bytes at the wrong place.
    Noise(u64),
}

impl Fill {
    fn seed(self) -> Option<u64> {
        match self {
            Self::Zero => None,
            Self::Version(version) => Some(0x5EED_0000_0000_0000 | u64::from(version)),
            Self::Noise(noise) => Some(noise | 1 << 63),
        }
    }

    /// The bytes at `range`.
    #[must_use]
    pub fn bytes(self, range: ByteRange) -> Vec<u8> {
        let len = usize::try_from(range.len()).unwrap_or(usize::MAX);
        let Some(seed) = self.seed() else {
            return vec![0; len];
        };
        let mut out = Vec::with_capacity(len + 8);
        let mut at = range.start() & !7;
        while at < range.end() {
            let word = Rng::new(seed ^ (at << 1)).next_u64().to_le_bytes();
            let skip = usize::try_from(range.start().saturating_sub(at)).unwrap_or(0);
            out.extend_from_slice(word.get(skip..).unwrap_or_default());
            at += 8;
        }
        out.truncate(len);
        out
    }
}

/// The content of a file or object.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Content {
    /// start → (end, fill); disjoint, without gaps from 0 to `len`, neighbours differ.
    map: BTreeMap<u64, (u64, Fill)>,
    len: u64,
}

impl Content {
    /// No byte.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// `len` bytes of one version.
    #[must_use]
    pub fn version(version: u32, len: u64) -> Self {
        let mut content = Self::default();
        content.write(ByteRange::at(0, len), Fill::Version(version));
        content
    }

    /// Length in bytes.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is no byte.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Writes `fill` to `range`; a gap before it becomes zeros.
    pub fn write(&mut self, range: ByteRange, fill: Fill) {
        if range.is_empty() {
            return;
        }
        if range.start() > self.len {
            self.set_len(range.start());
        }
        self.put(range, fill);
    }

    /// Cuts, or grows with zeros.
    pub fn set_len(&mut self, len: u64) {
        if len > self.len {
            let grown = ByteRange::new(self.len, len).unwrap_or_default();
            self.put(grown, Fill::Zero);
        } else {
            self.split(len);
            self.map.split_off(&len);
            self.len = len;
        }
    }

    /// Takes over `range` of another content.
    pub fn copy(&mut self, from: &Self, range: ByteRange) {
        for (range, fill) in from.pieces(range) {
            self.write(range, fill);
        }
    }

    /// The stretches of `range` with their fill; what lies beyond the end is left out.
    #[must_use]
    pub fn pieces(&self, range: ByteRange) -> Vec<(ByteRange, Fill)> {
        let first = self.map.range(..=range.start()).next_back().map_or(0, |(&start, _)| start);
        self.map
            .range(first..range.end().max(first))
            .filter_map(|(&start, &(end, fill))| {
                let here = ByteRange::new(start, end)?.intersect(range)?;
                Some((here, fill))
            })
            .collect()
    }

    /// Whether this is `version` from the first byte to the last.
    #[must_use]
    pub fn is_version(&self, version: u32) -> bool {
        // A byte written anew may happen to be the one that was there.
        self.map.iter().filter(|&(_, &(_, fill))| fill != Fill::Version(version)).all(|(&start, &(end, fill))| {
            let range = ByteRange::at(start, end - start);
            let bytes = |fill| digest(Algorithm::Sha256, &[(range, fill)]);
            range.len() < 8 && bytes(fill) == bytes(Fill::Version(version))
        })
    }

    /// The version all of it is of, if it is of one.
    #[must_use]
    pub fn pure(&self) -> Option<u32> {
        match self.map.first_key_value() {
            Some((_, &(end, Fill::Version(version)))) if end == self.len => Some(version),
            _ => None,
        }
    }

    /// The digest of `range`; `None` when it does not lie within.
    #[must_use]
    pub fn digest(&self, algorithm: Algorithm, range: ByteRange) -> Option<Digest> {
        (range.end() <= self.len).then(|| digest(algorithm, &self.pieces(range)))
    }

    fn put(&mut self, range: ByteRange, fill: Fill) {
        self.split(range.start());
        self.split(range.end());
        let inside: Vec<u64> = self.map.range(range.start()..range.end()).map(|(&start, _)| start).collect();
        for start in inside {
            self.map.remove(&start);
        }
        self.len = self.len.max(range.end());
        let (mut start, mut end) = (range.start(), range.end());
        if let Some((&before, &(at, same))) = self.map.range(..start).next_back()
            && at == start
            && same == fill
        {
            start = before;
        }
        if let Some(&(after, same)) = self.map.get(&end)
            && same == fill
        {
            self.map.remove(&end);
            end = after;
        }
        self.map.insert(start, (end, fill));
    }

    fn split(&mut self, at: u64) {
        if let Some((_, entry)) = self.map.range_mut(..at).next_back()
            && entry.0 > at
        {
            let (end, fill) = *entry;
            entry.0 = at;
            self.map.insert(at, (end, fill));
        }
    }
}

/// The digest of consecutive stretches.
#[must_use]
pub fn digest(algorithm: Algorithm, pieces: &[(ByteRange, Fill)]) -> Digest {
    let len: u64 = pieces.iter().map(|(range, _)| range.len()).sum();
    if len > REAL {
        return named(algorithm, &describe(algorithm, pieces));
    }
    KNOWN.with_borrow_mut(|known| {
        let of = known.entry(algorithm).or_default();
        if let Some(digest) = of.get(pieces) {
            return *digest;
        }
        if of.len() >= MOST_KNOWN {
            of.clear();
        }
        let digest = named(algorithm, &hash(algorithm, pieces));
        of.insert(pieces.into(), digest);
        digest
    })
}

/// Digests of the same stretches are asked for again and again: by every check of a journal, and by the next world. They are a
/// function of the stretches alone, so that remembering them changes nothing but the time a run takes. Nobody iterates over it.
#[expect(clippy::disallowed_types, reason = "only looked up in: its order cannot be seen")]
type Known = BTreeMap<Algorithm, std::collections::HashMap<Box<[(ByteRange, Fill)]>, Digest>>;

/// Digests remembered per algorithm and thread.
const MOST_KNOWN: usize = 8_192;

thread_local! {
    static KNOWN: RefCell<Known> = const { RefCell::new(BTreeMap::new()) };
}

/// Forgets the digests this thread remembers.
pub(crate) fn forget_digests() {
    KNOWN.with_borrow_mut(Known::clear);
}

fn named(algorithm: Algorithm, value: &[u8]) -> Digest {
    Digest::new(algorithm, value).unwrap_or_else(|| unreachable!("a digest of its own length"))
}

fn hash(algorithm: Algorithm, pieces: &[(ByteRange, Fill)]) -> Vec<u8> {
    let blocks = pieces.iter().map(|&(range, fill)| fill.bytes(range));
    let crc = |kind, blocks: &mut dyn Iterator<Item = Vec<u8>>, len: usize| {
        let mut crc = crc_fast::Digest::new(kind);
        for block in blocks {
            crc.update(&block);
        }
        let all = crc.finalize().to_be_bytes();
        all.get(all.len() - len..).unwrap_or_default().to_vec()
    };
    fn sum<D: md5::Digest>(blocks: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
        let mut hash = D::new();
        for block in blocks {
            hash.update(&block);
        }
        hash.finalize().to_vec()
    }
    use crc_fast::CrcAlgorithm as Crc;
    let mut blocks = blocks;
    match algorithm {
        Algorithm::Md5 => sum::<Md5>(blocks),
        Algorithm::Sha256 => sum::<Sha256>(blocks),
        Algorithm::Sha512 => sum::<Sha512>(blocks),
        Algorithm::Crc32 => crc(Crc::Crc32IsoHdlc, &mut blocks, 4),
        Algorithm::Crc32c => crc(Crc::Crc32Iscsi, &mut blocks, 4),
        Algorithm::Crc64Xz => crc(Crc::Crc64Xz, &mut blocks, 8),
        Algorithm::Crc64Nvme => crc(Crc::Crc64Nvme, &mut blocks, 8),
        // Not computed here; a description serves as well for comparing.
        _ => describe(algorithm, pieces),
    }
}

/// A stand-in for a digest: equal for equal content, and in practice only then.
fn describe(algorithm: Algorithm, pieces: &[(ByteRange, Fill)]) -> Vec<u8> {
    let mut state = 0xA11u64;
    for (range, fill) in pieces {
        for word in [range.start(), range.end(), fill.seed().unwrap_or(0)] {
            state = Rng::new(state ^ word).next_u64();
        }
    }
    let mut rng = Rng::new(state);
    (0..algorithm.len()).map(|_| rng.next_u64().to_le_bytes()[0]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_do_not_depend_on_how_they_are_cut() {
        let fill = Fill::Version(3);
        let whole = fill.bytes(ByteRange::at(0, 100));
        for cut in 0..100u64 {
            let mut both = fill.bytes(ByteRange::at(0, cut));
            both.extend(fill.bytes(ByteRange::at(cut, 100 - cut)));
            assert_eq!(both, whole, "{cut}");
        }
        assert_ne!(whole, Fill::Version(4).bytes(ByteRange::at(0, 100)));
    }

    #[test]
    fn overwriting_and_cutting_keep_the_pieces_canonical() {
        let mut content = Content::version(1, 100);
        content.write(ByteRange::at(10, 20), Fill::Version(2));
        assert_eq!(content.pieces(ByteRange::at(0, 100)).len(), 3);
        assert_eq!(content.pure(), None);
        content.write(ByteRange::at(10, 20), Fill::Version(1));
        assert_eq!(content, Content::version(1, 100));
        content.set_len(40);
        content.set_len(50);
        assert_eq!(content.len(), 50);
        content.write(ByteRange::at(40, 10), Fill::Version(1));
        assert_eq!(content.pure(), Some(1));
        let md5 = |content: &Content| content.digest(Algorithm::Md5, ByteRange::at(0, 50));
        assert_eq!(md5(&content), md5(&Content::version(1, 80)));
    }
}
