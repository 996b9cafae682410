//! The records of a trace: what stands in its lines. Plain data; what the fields mean in the core is in `said` and `told`.
//!
//! Times are microseconds of the driver's monotonic clock, sizes and offsets bytes, digests `algorithm:hex`. A field that is absent is the
//! core's `None`.

use serde::{Deserialize, Serialize};

use crate::settings::{ConfigForm, LimitsForm, ProfileForm, SpecForm};

/// The version of the format that is written here.
pub const VERSION: u32 = 1;

/// One line.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Record {
    /// The first line: what the engine was made of.
    Trace {
        /// [`VERSION`].
        version: u32,
        /// The program that wrote it.
        by: String,
        /// Where the engine's randomness starts.
        seed: u64,
        /// Its settings.
        config: ConfigForm,
    },
    /// A turn of the loop: all up to the next one happens at this time, and at its end the engine's intents and events are taken.
    Turn {
        /// Microseconds of the monotonic clock.
        at: u64,
        /// Seconds since 1970.
        wall: i64,
    },

    // What the engine is told.
    /// A transfer was submitted.
    Submit {
        /// The number of its [`Record::Provider`].
        provider: u64,
        /// What tells it from others: equal numbers are duplicates.
        key: u64,
        /// What it is to do.
        spec: Box<SpecForm>,
    },
    /// A command.
    Command {
        /// Which.
        command: Command,
        /// The transfer, where it is about one.
        #[serde(skip_serializing_if = "Option::is_none")]
        task: Option<String>,
        /// The weight.
        #[serde(skip_serializing_if = "Option::is_none")]
        weight: Option<u32>,
        /// The limits.
        #[serde(skip_serializing_if = "Option::is_none")]
        limits: Option<LimitsForm>,
    },
    /// The consumer of a stream took everything up to an offset.
    Consumed {
        /// The transfer.
        task: String,
        /// The offset.
        upto: u64,
    },
    /// The head of an answer.
    Head {
        /// The request.
        op: String,
        /// HTTP status.
        status: u16,
        /// The fields that may be shown, see [`redact`](crate::redact).
        headers: Vec<(String, String)>,
    },
    /// How far a request has come.
    Progress {
        /// The request.
        op: String,
        /// How far.
        #[serde(flatten)]
        moved: Moved,
    },
    /// A request is over.
    Done {
        /// The request.
        op: String,
        /// How far it came.
        #[serde(flatten)]
        moved: Moved,
        /// How it ended.
        outcome: Outcome,
    },
    /// A file operation is over.
    File {
        /// The operation.
        op: String,
        /// What it gave.
        reply: FileReply,
    },
    /// A write to the journal is over.
    Journal {
        /// The operation.
        op: String,
        /// What failed, if it did.
        #[serde(skip_serializing_if = "Option::is_none")]
        fault: Option<FileFault>,
    },
    /// The journal was read.
    Recalled {
        /// The operation.
        op: String,
        /// What it held, if anything.
        #[serde(skip_serializing_if = "Option::is_none")]
        journal: Option<Frames>,
        /// What failed, if it did.
        #[serde(skip_serializing_if = "Option::is_none")]
        fault: Option<FileFault>,
    },
    /// The application answered a question.
    Answer {
        /// The question.
        op: String,
        /// The number of the fresh provider's [`Record::Provider`].
        #[serde(skip_serializing_if = "Option::is_none")]
        provider: Option<u64>,
        /// Why there is none.
        #[serde(skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
    },
    /// A deadline was reached.
    Timeout,

    // What the engine said.
    /// To a submission.
    Submitted {
        /// The new transfer.
        #[serde(skip_serializing_if = "Option::is_none")]
        task: Option<String>,
        /// Why not.
        #[serde(skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
    },
    /// To a command.
    Commanded {
        /// Why it had no effect, if so.
        #[serde(skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
    },
    /// What is to become of an answer's body.
    Disposition {
        /// `write`, `collect` or `close`.
        what: String,
        /// Bytes to drop first.
        #[serde(default, skip_serializing_if = "is_zero")]
        skip: u64,
        /// Where to write.
        #[serde(default, skip_serializing_if = "is_zero")]
        offset: u64,
        /// How much to write or collect at most.
        #[serde(default, skip_serializing_if = "is_zero")]
        len: u64,
        /// The digest to compute.
        #[serde(skip_serializing_if = "Option::is_none")]
        digest: Option<String>,
    },
    /// Send a request; it was built just before ([`Record::Built`]).
    Request {
        /// Its name.
        op: String,
        /// Whose transfer.
        task: String,
        /// The method.
        method: String,
        /// Where to, without query and user information.
        url: String,
        /// What the body consists of.
        body: Vec<Piece>,
        /// The digest to compute over what is sent.
        #[serde(skip_serializing_if = "Option::is_none")]
        digest: Option<String>,
    },
    /// Do something local.
    Work {
        /// Its name.
        op: String,
        /// Whose transfer.
        task: String,
        /// What, in the core's words.
        what: String,
    },
    /// Stop an operation.
    Cancel {
        /// Which.
        op: String,
    },
    /// An event.
    Event {
        /// The transfer.
        task: String,
        /// What happened.
        event: Event,
    },
    /// The transfer's numbers, at its end.
    Numbers {
        /// The transfer.
        task: String,
        /// The numbers.
        #[serde(flatten)]
        numbers: Numbers,
    },

    // What a provider said.
    /// A provider was handed to the engine, or made by another one.
    Provider {
        /// Its number.
        provider: u64,
        /// `host:port`.
        authority: String,
        /// The object's name.
        object: String,
        /// Limits and abilities.
        profile: Box<ProfileForm>,
        /// The presigned plan it works from.
        #[serde(skip_serializing_if = "Option::is_none")]
        plan: Option<Box<Plan>>,
    },
    /// It built a request.
    Built {
        /// Its number.
        provider: u64,
        /// What for, and with what known.
        step: Step,
        /// What was known.
        known: Known,
        /// The method.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        method: String,
        /// Where to, without query and user information.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        url: String,
        /// What the body consists of.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        body: Vec<Piece>,
        /// Why it could not: what, and the remedy.
        #[serde(skip_serializing_if = "Option::is_none")]
        unbuildable: Option<(String, String)>,
    },
    /// It read an answer.
    Read {
        /// Its number.
        provider: u64,
        /// What was answered.
        step: Step,
        /// What was known.
        known: Known,
        /// What the answer means.
        meaning: Meaning,
    },
    /// Whether what a step needs is there and good changed. To begin with it is.
    Ready {
        /// Its number.
        provider: u64,
        /// The step.
        step: Step,
        /// Whether it is now.
        ready: bool,
    },

    /// Recording stopped here; only ends of transfers follow.
    Cut {
        /// Why.
        why: String,
    },
    /// A record of a later version.
    #[serde(other)]
    Unknown,
}

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
        /// Length of the body that was collected. Its bytes are not recorded: what they meant is in [`Record::Read`].
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
const fn is_zero(value: &u64) -> bool {
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
