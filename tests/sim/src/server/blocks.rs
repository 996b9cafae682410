//! A store of block blobs: blocks are staged under names of the client's choice, and a list of names makes the blob. There are no
//! sessions and there is no abort.
//!
//! | request | meaning |
//! |---|---|
//! | `PUT /key?comp=block&blockid=ID` | stage a block; another one of that name is replaced |
//! | `PUT /key?comp=blocklist` | commit: one name per line, in order, each of them staged; `ID COMMITTED` takes it from the blob |
//! | `GET /key?comp=blocklist` | lines `staged ID size` and `committed ID size`, the blob's length as `x-length`; 404 when there is neither |
//! | `PUT /key` | everything at once |
//! | `HEAD /key` | the blob: `etag` |
//! | `DELETE /key` | removes the blob, committed content and all |
//!
//! As Azure does it: <https://learn.microsoft.com/rest/api/storageservices/put-block-list>. Names are of one length within a blob.
//! A commit, of whoever, drops every staged block of that blob that it does not name; until then the blob stays what it was.

use std::collections::BTreeMap;

use http::Method;
use longhaul_core::ByteRange;

use super::condition::Condition;
use super::gate::Gate;
use super::join;
use crate::content::{Content, Fill};
use crate::wire::{Moment, WireAnswer, WireRequest};

/// The tag of a blob that was there before any upload.
pub const FOREIGN: &str = "0x0";

/// A block, as stretches of the source.
pub type Block = Vec<(ByteRange, Fill)>;

/// A committed blob.
#[derive(Clone, Debug, Default)]
pub struct Blob {
    /// What is in it.
    pub content: Content,
    /// The blocks it is made of, in order; none if it went up at once.
    pub blocks: Vec<(String, Block)>,
    /// Its tag.
    pub tag: String,
}

/// The store.
#[derive(Clone, Debug)]
pub struct Blocks {
    /// What requests pass first.
    pub gate: Gate,
    /// Blobs by path.
    pub blobs: BTreeMap<String, Blob>,
    /// Staged blocks by path and name.
    pub staged: BTreeMap<String, BTreeMap<String, Block>>,
    /// Most staged blocks of one blob.
    pub most: usize,
    /// Every so many commits, one takes effect and its answer says nothing of it. 0: none.
    pub mute: u64,
    /// Commits that took effect.
    pub commits: u64,
    /// Blobs removed. No upload ever has a reason to.
    pub removed: u64,
    /// Content bytes received.
    pub received: u64,
    /// How often blocks may have been dropped: by time, or by a commit.
    pub drops: u64,
}

impl Default for Blocks {
    fn default() -> Self {
        Self {
            gate: Gate::default(),
            blobs: BTreeMap::new(),
            staged: BTreeMap::new(),
            most: 100_000,
            mute: 0,
            commits: 0,
            removed: 0,
            received: 0,
            drops: 0,
        }
    }
}

impl Blocks {
    /// Answers.
    pub fn answer(&mut self, request: &WireRequest, now: Moment) -> WireAnswer {
        if let Some(refusal) = self.gate.refuse(request, now) {
            return refusal;
        }
        let key = String::from(request.path());
        match (&request.method, request.query("comp")) {
            (&Method::PUT, Some("block")) => self.stage(key, request),
            (&Method::PUT, Some("blocklist")) => self.commit(key, request),
            (&Method::PUT, None) => self.put_whole(key, request),
            (&Method::GET, Some("blocklist")) => self.list(&key),
            (&Method::HEAD, None) => match self.blobs.get(&key) {
                Some(blob) => WireAnswer::status(200).with("etag", &blob.tag),
                None => WireAnswer::status(404),
            },
            (&Method::DELETE, None) => {
                self.removed += u64::from(self.blobs.remove(&key).is_some());
                WireAnswer::status(202)
            }
            _ => WireAnswer::status(405),
        }
    }

    /// A blob that was there before.
    pub fn put(&mut self, key: &str, content: Content) {
        self.drops += 1;
        self.blobs.insert(key.into(), Blob { content, blocks: Vec::new(), tag: FOREIGN.into() });
    }

    /// Drops all staged blocks: a week has passed.
    pub fn forget(&mut self) {
        self.drops += 1;
        self.staged.clear();
    }

    fn stage(&mut self, key: String, request: &WireRequest) -> WireAnswer {
        let block = request.content();
        self.received += block.iter().map(|(range, _)| range.len()).sum::<u64>();
        let Some(id) = request.query("blockid").filter(|id| !id.is_empty() && id.len() <= 88) else {
            return WireAnswer::status(400).text("InvalidQueryParameterValue");
        };
        let there = self.staged.entry(key).or_default();
        if there.keys().any(|other| other.len() != id.len()) {
            return WireAnswer::status(400).text("InvalidBlobOrBlock");
        }
        if there.len() >= self.most && !there.contains_key(id) {
            return WireAnswer::status(409).text("BlockCountExceedsLimit");
        }
        there.insert(id.into(), block);
        WireAnswer::status(201)
    }

    fn commit(&mut self, key: String, request: &WireRequest) -> WireAnswer {
        if let Some(refusal) = self.condition(&key, request) {
            return refusal;
        }
        let none = BTreeMap::new();
        let staged = self.staged.get(&key).unwrap_or(&none);
        let committed = self.blobs.get(&key).map_or([].as_slice(), |blob| blob.blocks.as_slice());
        let mut blocks = Vec::new();
        for line in request.text().lines() {
            let (id, block) = match line.split_once(' ') {
                None => (line, staged.get(line)),
                Some((id, _)) => (id, committed.iter().find(|(name, _)| name == id).map(|(_, block)| block)),
            };
            let Some(block) = block else {
                return WireAnswer::status(400).text("InvalidBlockList");
            };
            blocks.push((id.to_owned(), block.clone()));
        }
        let content = join(blocks.iter().map(|(_, block)| block.as_slice()));
        let tag = self.replace(key, content, blocks);
        if self.mute > 0 && self.commits.is_multiple_of(self.mute) {
            return WireAnswer::status(500).text("OperationTimedOut");
        }
        WireAnswer::status(201).with("etag", tag)
    }

    fn put_whole(&mut self, key: String, request: &WireRequest) -> WireAnswer {
        let content = join([request.content().as_slice()].into_iter());
        self.received += content.len();
        if let Some(refusal) = self.condition(&key, request) {
            return refusal;
        }
        let tag = self.replace(key, content, Vec::new());
        WireAnswer::status(201).with("etag", tag)
    }

    fn condition(&self, key: &str, request: &WireRequest) -> Option<WireAnswer> {
        let condition = Condition::of(&request.headers);
        if condition.holds(self.blobs.get(key).map(|blob| blob.tag.as_str())) {
            return None;
        }
        Some(match condition {
            Condition::Absent => WireAnswer::status(409).text("BlobAlreadyExists"),
            _ => WireAnswer::status(412).text("ConditionNotMet"),
        })
    }

    fn replace(&mut self, key: String, content: Content, blocks: Vec<(String, Block)>) -> String {
        self.commits += 1;
        self.drops += 1;
        // Not quoted, as the vendor's are not.
        let tag = format!("0x{:X}", self.commits);
        self.staged.remove(&key);
        self.blobs.insert(key, Blob { content, blocks, tag: tag.clone() });
        tag
    }

    fn list(&self, key: &str) -> WireAnswer {
        let len = |block: &Block| block.iter().map(|(range, _)| range.len()).sum::<u64>();
        let staged = self.staged.get(key);
        let blob = self.blobs.get(key);
        if staged.is_none() && blob.is_none() {
            return WireAnswer::status(404).text("BlobNotFound");
        }
        let mut text = String::new();
        for (id, block) in staged.into_iter().flatten() {
            text += &format!("staged {id} {}\n", len(block));
        }
        for (id, block) in blob.into_iter().flat_map(|blob| &blob.blocks) {
            text += &format!("committed {id} {}\n", len(block));
        }
        let answer = WireAnswer::status(200).text(text);
        match blob {
            Some(blob) => answer.with("x-length", blob.content.len().to_string()),
            None => answer,
        }
    }
}
