//! The records of a trace: what stands in its lines. Plain data; what the fields mean in the core is in `said` and `told`.
//!
//! Times are microseconds of the driver's monotonic clock, sizes and offsets bytes, digests `algorithm:hex`. A field that is absent is the
//! core's `None`.

mod event;
mod provider;
mod told;

use serde::{Deserialize, Serialize};

pub use event::{Event, Failure, Numbers};
pub use provider::{
    Changed, Known, Meaning, Object, Piece, Plan, PlannedPart, PlannedRequest, Receipt, ServerFault, Step,
};
pub use told::{Command, Fault, FileFault, FileReply, Frames, Moved, Outcome};

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
        #[serde(default, skip_serializing_if = "is_default")]
        skip: u64,
        /// Where to write.
        #[serde(default, skip_serializing_if = "is_default")]
        offset: u64,
        /// How much to write or collect at most.
        #[serde(default, skip_serializing_if = "is_default")]
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

/// Whether a field may be left out.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
