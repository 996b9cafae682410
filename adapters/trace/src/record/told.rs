//! What the engine is told, as plain data: commands, and the answers to its intents.

use serde::{Deserialize, Serialize};

use super::is_default;

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
    #[serde(default, skip_serializing_if = "is_default")]
    pub connected: bool,
    /// Body bytes sent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sent: u64,
    /// Bytes written to the target.
    #[serde(default, skip_serializing_if = "is_default")]
    pub written: u64,
    /// Digest of these or those, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Whether it waits for a consumer.
    #[serde(default, skip_serializing_if = "is_default")]
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
        #[serde(default, skip_serializing_if = "is_default")]
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
