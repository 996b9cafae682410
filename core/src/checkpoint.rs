//! Checkpoints: the durable facts of a transfer as an append-only sequence of framed records.
//!
//! A journal begins with one header record and goes on with facts. Each frame is `length u32 LE · CRC-32C u32 LE · payload`;
//! the CRC covers length and payload. Reading stops at the first frame that is cut or damaged: what came before is the former
//! generation and stands. No URL, header or secret is in it; the object is known by a hash of its name. Everything read is
//! untrusted: it is bounded and checked here, and compared with the server and the disk before it is believed.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use uuid::Uuid;

use crate::digest::{Algorithm, Digest};
use crate::intent::Fingerprint;
use crate::provider::{UploadedPart, Validator};
use crate::range::ByteRange;
use crate::spec::Direction;
use crate::time::Wall;
use crate::transfer::segments::{Segment, Segments};

const MAGIC: [u8; 4] = *b"LHCP";
const VERSION: u16 = 1;
/// Longest text (session, tag, validator) in bytes.
const MAX_TEXT: usize = 4096;
/// Longest payload of one frame in bytes.
const MAX_FRAME: usize = 3 * MAX_TEXT;
/// Most parts or segments one checkpoint may hold.
const MAX_RECORDS: usize = 1 << 20;
/// Sixteen bytes at a time: one frame is written for every part.
static CRC: crc::Crc<u32, crc::Table<16>> = crc::Crc::<u32, crc::Table<16>>::new(&crc::CRC_32_ISCSI);

/// What an earlier run of a transfer recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    pub(crate) direction: Direction,
    pub(crate) object: u128,
    pub(crate) nonce: Uuid,
    pub(crate) total: Option<u64>,
    pub(crate) part_size: u64,
    pub(crate) validator: Validator,
    pub(crate) fingerprint: Option<Fingerprint>,
    pub(crate) content_digest: Option<Digest>,
    pub(crate) segments: Segments,
    pub(crate) parts: BTreeMap<u64, (UploadedPart, Option<Digest>)>,
    pub(crate) session: Option<String>,
    pub(crate) stage: Stage,
}

/// How far the requests that matter to a later run had come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) enum Stage {
    #[default]
    Fresh,
    /// The opening of a session was sent.
    Opening,
    /// The session is open.
    Open,
    /// The commit was sent.
    Committing,
    /// The session is to be given up.
    Aborting,
}

/// One durable fact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Fact {
    Segment(Segment),
    Part(UploadedPart, Option<Digest>),
    Session(String),
    Stage(Stage),
}

/// Why a journal cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// It is no journal of ours, or its header is damaged.
    #[error("not a longhaul checkpoint, or its header is damaged; the transfer starts afresh")]
    Foreign,
    /// It was written by a newer version.
    #[error(
        "the checkpoint has format {0}, this version reads up to {VERSION}; update longhaul or delete the checkpoint"
    )]
    Newer(u16),
}

impl Checkpoint {
    /// Reads a journal; a torn or damaged tail is cut off.
    ///
    /// # Errors
    /// When not even its header is usable.
    pub fn decode(journal: &[u8]) -> Result<Self, CheckpointError> {
        let mut frames = Frames(journal);
        let header = frames.next().ok_or(CheckpointError::Foreign)?;
        let mut checkpoint = Self::decode_header(header)?;
        for payload in frames.take(MAX_RECORDS) {
            let Some(fact) = Fact::decode(payload) else {
                break;
            };
            checkpoint.apply(fact);
        }
        Ok(checkpoint)
    }

    /// Which way the transfer goes.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        self.direction
    }

    /// Size of the object in bytes, if it was known.
    #[must_use]
    pub const fn total(&self) -> Option<u64> {
        self.total
    }

    /// Bytes recorded as being where they belong.
    #[must_use]
    pub fn stored(&self) -> u64 {
        match self.direction {
            Direction::Download => self.segments.total(),
            Direction::Upload => self.parts.values().map(|(part, _)| part.range.len()).sum(),
        }
    }

    /// The stretches recorded of a download, in order, each with the digest of its bytes where there is one.
    pub fn segments(&self) -> impl Iterator<Item = (ByteRange, Option<Digest>)> + '_ {
        self.segments.iter().map(|segment| (segment.range, segment.digest))
    }

    /// The upload session recorded, if one was opened. An identifier, not a secret.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// Whether the opening of a session was recorded without its outcome: there may be one nobody knows the name of.
    #[must_use]
    pub fn opening(&self) -> bool {
        self.stage == Stage::Opening
    }

    /// The whole checkpoint as a fresh journal.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = Vec::new();
        frame(&mut out, |w| self.encode_header(w));
        for fact in self.facts() {
            fact.encode(&mut out);
        }
        out.into()
    }

    fn facts(&self) -> impl Iterator<Item = Fact> + '_ {
        let session = self.session.iter().cloned().map(Fact::Session);
        let segments = self.segments.iter().map(Fact::Segment);
        let parts = self.parts.values().map(|(part, digest)| Fact::Part(part.clone(), *digest));
        let stage = (self.stage != Stage::Fresh).then_some(Fact::Stage(self.stage));
        // The stage says what parts are worth, so that none is read without it.
        session.chain(stage).chain(segments).chain(parts)
    }

    fn apply(&mut self, fact: Fact) {
        match fact {
            Fact::Segment(segment) => {
                let inside = self.total.is_none_or(|total| segment.range.end() <= total);
                if inside {
                    self.segments.insert(segment);
                }
            }
            Fact::Part(part, digest) => {
                self.parts.insert(part.number, (part, digest));
            }
            Fact::Session(session) => {
                self.session = Some(session);
                self.stage = self.stage.max(Stage::Open);
            }
            Fact::Stage(stage) => self.stage = stage,
        }
    }

    fn encode_header(&self, w: &mut Writer<'_>) {
        w.bytes(&MAGIC);
        w.u16(VERSION);
        w.u8(match self.direction {
            Direction::Download => 0,
            Direction::Upload => 1,
        });
        w.bytes(&self.object.to_le_bytes());
        w.bytes(self.nonce.as_bytes());
        w.option(self.total, Writer::u64);
        w.u64(self.part_size);
        w.option(self.validator.etag.as_deref(), Writer::text);
        w.option(self.validator.modified, |w, wall| w.u64(wall.as_unix().cast_unsigned()));
        w.option(self.fingerprint, |w, f| {
            w.u64(f.len);
            w.u64(f.modified.cast_unsigned());
            w.u64(f.changed.cast_unsigned());
            w.u64(f.file);
        });
        w.option(self.content_digest, Writer::digest);
    }

    fn decode_header(payload: &[u8]) -> Result<Self, CheckpointError> {
        let mut r = Reader(payload);
        if r.bytes::<4>() != Some(MAGIC) {
            return Err(CheckpointError::Foreign);
        }
        match r.u16() {
            Some(VERSION) => {}
            Some(newer) if newer > VERSION => return Err(CheckpointError::Newer(newer)),
            _ => return Err(CheckpointError::Foreign),
        }
        Self::decode_fields(&mut r).ok_or(CheckpointError::Foreign)
    }

    fn decode_fields(r: &mut Reader<'_>) -> Option<Self> {
        let direction = match r.u8()? {
            0 => Direction::Download,
            1 => Direction::Upload,
            _ => return None,
        };
        Some(Self {
            direction,
            object: u128::from_le_bytes(r.bytes()?),
            nonce: Uuid::from_bytes(r.bytes()?),
            total: r.option(Reader::u64)?,
            part_size: r.u64().filter(|&size| size > 0)?,
            validator: Validator {
                etag: r.option(Reader::text)?,
                modified: r.option(|r| Some(Wall::from_unix(r.u64()?.cast_signed())))?,
            },
            fingerprint: r.option(|r| {
                Some(Fingerprint {
                    len: r.u64()?,
                    modified: r.u64()?.cast_signed(),
                    changed: r.u64()?.cast_signed(),
                    file: r.u64()?,
                })
            })?,
            content_digest: r.option(Reader::digest)?,
            segments: Segments::default(),
            parts: BTreeMap::new(),
            session: None,
            stage: Stage::Fresh,
        })
    }
}

impl Fact {
    /// Adds the fact as one frame.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        frame(out, |w| match self {
            Self::Segment(segment) => {
                w.u8(1);
                w.range(segment.range);
                w.option(segment.digest, Writer::digest);
            }
            Self::Part(part, digest) => {
                w.u8(2);
                w.u64(part.number);
                w.range(part.range);
                w.text(&part.tag);
                w.option(*digest, Writer::digest);
            }
            Self::Session(session) => {
                w.u8(3);
                w.text(session);
            }
            Self::Stage(stage) => {
                w.u8(4);
                w.u8(*stage as u8);
            }
        });
    }

    fn decode(payload: &[u8]) -> Option<Self> {
        let mut r = Reader(payload);
        Some(match r.u8()? {
            1 => Self::Segment(Segment { range: r.range()?, digest: r.option(Reader::digest)? }),
            2 => {
                let part = UploadedPart { number: r.u64()?, range: r.range()?, tag: r.text()? };
                Self::Part(part, r.option(Reader::digest)?)
            }
            3 => Self::Session(r.text()?),
            4 => Self::Stage(match r.u8()? {
                1 => Stage::Opening,
                2 => Stage::Open,
                3 => Stage::Committing,
                4 => Stage::Aborting,
                _ => return None,
            }),
            _ => return None,
        })
    }
}

/// Appends one frame whose payload `write` makes.
fn frame(out: &mut Vec<u8>, write: impl FnOnce(&mut Writer<'_>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 8]);
    write(&mut Writer(out));
    let len = u32::try_from(out.len() - start - 8).unwrap_or(u32::MAX).to_le_bytes();
    let mut crc = CRC.digest();
    crc.update(&len);
    crc.update(out.get(start + 8..).unwrap_or_default());
    let crc = crc.finalize().to_le_bytes();
    for (to, from) in out.iter_mut().skip(start).zip(len.into_iter().chain(crc)) {
        *to = from;
    }
}

struct Frames<'a>(&'a [u8]);

impl<'a> Iterator for Frames<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let mut r = Reader(self.0);
        let len_bytes: [u8; 4] = r.bytes()?;
        let expected = u32::from_le_bytes(r.bytes()?);
        let len = usize::try_from(u32::from_le_bytes(len_bytes)).ok().filter(|&len| len > 0 && len <= MAX_FRAME)?;
        let (payload, rest) = r.0.split_at_checked(len)?;
        let mut crc = CRC.digest();
        crc.update(&len_bytes);
        crc.update(payload);
        if crc.finalize() != expected {
            return None;
        }
        self.0 = rest;
        Some(payload)
    }
}

struct Writer<'a>(&'a mut Vec<u8>);

impl Writer<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }
    fn u16(&mut self, value: u16) {
        self.bytes(&value.to_le_bytes());
    }
    fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }
    /// Texts beyond the bound are cut: such a session or tag will not be recognised by the server and is then dropped.
    fn text(&mut self, text: &str) {
        let cut = text.floor_char_boundary(MAX_TEXT);
        let text = text.get(..cut).unwrap_or_default();
        self.u16(u16::try_from(text.len()).unwrap_or(0));
        self.bytes(text.as_bytes());
    }
    fn range(&mut self, range: ByteRange) {
        self.u64(range.start());
        self.u64(range.end());
    }
    fn digest(&mut self, digest: Digest) {
        let at = Algorithm::ALL.iter().position(|&algorithm| algorithm == digest.algorithm());
        self.u8(at.and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX));
        self.bytes(digest.bytes());
    }
    fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            None => self.u8(0),
            Some(value) => {
                self.u8(1);
                write(self, value);
            }
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }
    fn u8(&mut self) -> Option<u8> {
        self.bytes::<1>().map(|[byte]| byte)
    }
    fn u16(&mut self) -> Option<u16> {
        self.bytes().map(u16::from_le_bytes)
    }
    fn u64(&mut self) -> Option<u64> {
        self.bytes().map(u64::from_le_bytes)
    }
    fn text(&mut self) -> Option<String> {
        let len = usize::from(self.u16()?);
        let (text, rest) = self.0.split_at_checked(len).filter(|_| len <= MAX_TEXT)?;
        self.0 = rest;
        core::str::from_utf8(text).ok().map(String::from)
    }
    fn range(&mut self) -> Option<ByteRange> {
        ByteRange::new(self.u64()?, self.u64()?)
    }
    fn digest(&mut self) -> Option<Digest> {
        let algorithm = *Algorithm::ALL.get(usize::from(self.u8()?))?;
        let (bytes, rest) = self.0.split_at_checked(algorithm.len())?;
        self.0 = rest;
        Digest::new(algorithm, bytes)
    }
    /// `Some(None)` for an absent value, `None` for a damaged one.
    fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.u8()? {
            0 => Some(None),
            1 => read(self).map(Some),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
