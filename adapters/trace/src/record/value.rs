//! What the fields of records hold: the core's values as plain data.

use serde::{Deserialize, Serialize};

/// A command to the engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "named after the engine's methods")]
pub enum Command {
    Pause,
    Resume,
    Cancel,
    Weight,
    Limits,
    Shutdown,
    Forget,
}

/// How far a request has come: totals.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Moved {
    /// Whether a connection carries it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub connected: bool,
    /// Body bytes sent.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sent: u64,
    /// Bytes written to the target.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub written: u64,
    /// Digest of these or those, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Whether it waits for a consumer.
    #[serde(default, skip_serializing_if = "is_false")]
    pub held: bool,
}

/// How a request ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// As announced.
    Complete {
        /// Length of the body that was collected. Its bytes are not recorded: what they meant is in [`Read`](super::Record::Read).
        #[serde(default, skip_serializing_if = "is_zero")]
        collected: u64,
    },
    /// It broke.
    Broken {
        /// What broke.
        fault: Fault,
    },
    /// Source or target failed.
    Local {
        /// What failed.
        fault: FileFault,
    },
    /// Stopped as asked.
    Cancelled,
}

/// What broke in an exchange.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Fault {
    /// Its kind.
    pub kind: String,
    /// Whether the server may have seen the request.
    pub sent: bool,
    /// The transport's words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// What failed locally.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FileFault {
    /// Its kind.
    pub kind: String,
    /// Path and system error in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// What a file operation gave.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "gave", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FileReply {
    /// The source's size and look.
    Source {
        /// Bytes.
        len: Option<u64>,
        /// Size, modification and change time in nanoseconds, number on its volume.
        look: Option<(u64, i64, i64, u64)>,
    },
    /// How far the source is readable.
    Filled {
        /// Bytes.
        len: u64,
        /// Whether that is all.
        end: bool,
    },
    /// The target is ready.
    Reserved {
        /// Whether an earlier run's content is there.
        kept: bool,
    },
    /// The target has the object.
    Unchanged,
    /// Digests, one per range.
    Digests {
        /// In order; `null` where a range could not be read.
        digests: Vec<Option<String>>,
    },
    /// The target bears its name.
    Published {
        /// The path.
        path: String,
    },
    /// Done.
    Done,
    /// It failed.
    Failed {
        /// What failed.
        fault: FileFault,
    },
}

/// A journal's content: its frames in hexadecimal, session names replaced.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Frames(pub String);

/// A piece of a request's body.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// This many bytes made by the provider.
    Inline(u64),
    /// The source's bytes from, to.
    Source(u64, u64),
}

/// A step of a protocol.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Step {
    /// Its name.
    pub step: String,
    /// The part's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// The bytes it moves: from, to (`u64::MAX` for an open end).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<(u64, u64)>,
    /// The part's digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Where a page of a listing begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
}

/// What a transfer had learned when a provider was asked.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Known {
    /// Size of the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Its time, where that pins it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<i64>,
    /// The session's name in this trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Parts the server has confirmed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub parts: u64,
    /// Digest of what was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<String>,
    /// Digest of the content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Where a redirect led, without query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Seconds that the server's clock is ahead.
    #[serde(default, skip_serializing_if = "is_nought")]
    pub skew: i64,
    /// Whether checksums stay off.
    #[serde(default, skip_serializing_if = "is_false")]
    pub plain: bool,
}

/// What an answer means: the core's `Reply` or `Verdict`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "it", rename_all = "snake_case")]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are those of the core's `Reply` and `Verdict`")]
pub enum Meaning {
    Object { object: Object },
    Range { range: (u64, u64), object: Object },
    Whole { object: Object },
    Unsatisfiable { total: Option<u64> },
    Begun { session: Option<String>, next: Option<u64>, receipt: Option<Receipt> },
    Part { tag: String, next: Option<u64>, receipt: Option<Receipt> },
    Parts { parts: Vec<(u64, u64, u64, String)>, marker: Option<String> },
    Committed { receipt: Receipt },
    NotCommitted,
    Aborted,
    Retry { fault: ServerFault, after: Option<u64>, at: Option<i64> },
    Redirect { location: String, fault: ServerFault },
    Refresh { fault: ServerFault },
    Skew { server: i64, fault: ServerFault },
    Plain { fault: ServerFault },
    ProbeByRange,
    Changed { changed: Changed },
    Doubtful { fault: ServerFault },
    Fatal { fault: ServerFault },
}

/// What an answer tells about an object.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the core's `Object`")]
pub struct Object {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pinned: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ranges: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub digests: Vec<String>,
}

/// What the server tells about a finished upload.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the core's `Receipt`")]
pub struct Receipt {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
}

/// A refusal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the core's `ServerFault`")]
pub struct ServerFault {
    pub kind: String,
    pub step: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// How an object turned out to be another one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are those of the core's `Changed`")]
pub enum Changed {
    Condition,
    Validator { header: String, status: u16 },
    Size { known: u64, seen: u64 },
    Ranges,
}

/// A presigned plan without its signatures: URLs have no query, header fields are left out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the core's `UploadPlan`")]
pub struct Plan {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    pub object: String,
    pub total: u64,
    pub part_size: u64,
    pub margin: u32,
    pub refreshable: bool,
    pub batch: (u32, u32),
    pub parts: Vec<PlannedPart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complete: Option<PlannedRequest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm: Option<PlannedRequest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abort: Option<PlannedRequest>,
}

/// A part of a [`Plan`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the core's `PlannedPart`")]
pub struct PlannedPart {
    pub number: u64,
    #[serde(flatten)]
    pub request: PlannedRequest,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// A request of a [`Plan`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the core's `PlannedRequest`")]
pub struct PlannedRequest {
    pub url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
}

/// A notification.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are those of the core's `EventKind`")]
pub enum Event {
    Started,
    Phase {
        phase: String,
    },
    Moving {
        total: Option<u64>,
        reused: u64,
    },
    Retrying {
        step: String,
        attempt: u32,
        delay: u64,
        reason: Failure,
    },
    Restarted {
        why: String,
    },
    Paused,
    Resumed,
    MaybeOrphan {
        object: String,
    },
    AbortFailed {
        object: String,
        reason: Failure,
    },
    CheckpointUnusable {
        why: String,
    },
    CheckpointFailed {
        reason: Failure,
    },
    Completed {
        total: u64,
        verified: Option<String>,
        path: Option<String>,
        receipt: Receipt,
        unchanged: bool,
    },
    Failed {
        reason: Failure,
    },
    #[serde(other)]
    Other,
}

/// An error, in words.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// Its stable number.
    pub code: u16,
    /// Who has to act.
    pub blame: String,
    /// Whether the same transfer may well succeed later.
    #[serde(default, skip_serializing_if = "is_false")]
    pub later: bool,
    /// Its words.
    pub words: String,
}

/// A transfer's numbers, in bytes and requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the core's `Progress`")]
pub struct Numbers {
    pub total: Option<u64>,
    pub acknowledged: u64,
    pub reused: u64,
    pub moved: u64,
    pub resent: u64,
    pub requests: u64,
    pub retries: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
pub(super) const fn is_zero(value: &u64) -> bool {
    *value == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_nought(value: &i64) -> bool {
    *value == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_false(value: &bool) -> bool {
    !*value
}
