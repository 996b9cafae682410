//! What a transfer tells of itself, as plain data.

use serde::{Deserialize, Serialize};

use super::{Receipt, is_default};

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
    #[serde(default, skip_serializing_if = "is_default")]
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
