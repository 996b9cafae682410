//! What the engine tells: notifications, and the quantities behind them.
//!
//! An event may be lost without harm: whatever it says, a getter says too. Those of which that is not so, the end and what may
//! have been left on a server, are never dropped.

use alloc::string::String;
use core::time::Duration;

use crate::checkpoint::CheckpointError;
use crate::digest::Verification;
use crate::error::{Changed, Error};
use crate::id::TaskId;
use crate::provider::{Receipt, StepKind};
use crate::transfer::Phase;

/// A notification about one transfer.
#[derive(Clone, PartialEq, Debug)]
pub struct Event {
    /// The transfer.
    pub task: TaskId,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// The transfer left the queue and works.
    Started,
    /// It entered another phase.
    Phase(Phase),
    /// Size and reuse are known: content starts to move.
    Moving {
        /// Size in bytes, if known.
        total: Option<u64>,
        /// Bytes an earlier run left that need not move again.
        reused: u64,
    },
    /// A request failed and will be repeated.
    Retrying {
        /// The step that failed.
        step: StepKind,
        /// Which retry this will be, from 1.
        attempt: u32,
        /// The delay before it.
        delay: Duration,
        /// Why.
        reason: Error,
    },
    /// What was stored is of no use; the transfer starts over.
    Restarted(Restart),
    /// Nothing of the transfer is in flight any more; it waits for `resume`.
    Paused,
    /// It works again.
    Resumed,
    /// A session may have been left on the server: its opening was sent and the answer lost, or it was given up while a part of
    /// it was under way, which the server may keep.
    MaybeOrphan {
        /// The object's name.
        object: String,
    },
    /// The abort of a session failed for good; the session may remain on the server.
    AbortFailed {
        /// The object's name.
        object: String,
        /// Why.
        reason: Error,
    },
    /// What an earlier run recorded cannot be used; the transfer starts afresh.
    CheckpointUnusable(CheckpointError),
    /// A checkpoint could not be written. The transfer goes on; a crash now would lose more than one interval.
    CheckpointFailed(Error),
    /// The end. Comes once, and is the last event of the transfer.
    Ended(End),
}

/// Why a transfer starts over.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Restart {
    /// The remote object is another one.
    Changed(Changed),
    /// What an earlier run left is missing or damaged.
    LocalLost,
    /// The upload session, or parts that the server had confirmed, are gone on the server.
    SessionGone,
    /// The server has nothing that would pin a version, so a broken single response cannot be continued.
    Unpinned,
}

/// How a transfer ended.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum End {
    /// The object is where it should be.
    Completed(Completed),
    /// It is not.
    Failed(Error),
}

/// A finished transfer.
#[derive(Clone, PartialEq, Debug, Default)]
#[non_exhaustive]
pub struct Completed {
    /// Size of the object in bytes.
    pub total: u64,
    /// Whether a digest of the content was compared.
    pub verification: Verification,
    /// What the server told about an upload.
    pub receipt: Receipt,
    /// Where a download was published, if that is a place with a name.
    pub path: Option<String>,
    /// Nothing was moved: the target had the object already.
    pub unchanged: bool,
}

/// Where a transfer stands, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Progress {
    /// Size of the object, once known.
    pub total: Option<u64>,
    /// Bytes that are where they belong: written (download) or confirmed by the server (upload). Never falls, except when the
    /// transfer starts over, which an event tells; equals `total` once all are there.
    pub acknowledged: u64,
    /// Of those, bytes an earlier run left.
    pub reused: u64,
    /// Content bytes that crossed the network in this run, in whichever direction.
    pub moved: u64,
    /// Of those, bytes that did not add to `acknowledged`: sent or received again, lost on the way, or of a version given up.
    pub resent: u64,
    /// Requests sent.
    pub requests: u64,
    /// Requests repeated after a failure.
    pub retries: u64,
    /// Recent rate, in bytes per second.
    pub rate: u64,
}

impl Progress {
    /// Estimated time to the end at the recent rate. `None` without a size or a rate.
    #[must_use]
    pub const fn eta(&self) -> Option<Duration> {
        match (self.total, self.rate) {
            (Some(total), rate) if rate > 0 => {
                Some(Duration::from_secs(total.saturating_sub(self.acknowledged) / rate))
            }
            _ => None,
        }
    }
}

/// What a transfer is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum State {
    /// Waiting for a free place.
    Queued,
    /// At work, in this phase.
    Active(Phase),
    /// At work, but nothing may be sent before a retry is due.
    Waiting(Phase),
    /// Told to pause; something is still in flight.
    Pausing(Phase),
    /// Paused.
    Paused(Phase),
    /// Told to stop or failed; cleaning up.
    Ending,
    /// Over.
    Ended,
}

/// One transfer in a [`Snapshot`].
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct TaskSnapshot {
    /// The transfer.
    pub task: TaskId,
    /// The object's name, without secrets.
    pub object: String,
    /// What it is doing.
    pub state: State,
    /// Why it waits, if it does.
    pub reason: Option<Error>,
    /// Where it stands.
    pub progress: Progress,
    /// Requests in flight.
    pub in_flight: usize,
}

/// The engine at one moment.
#[derive(Clone, PartialEq, Debug, Default)]
#[non_exhaustive]
pub struct Snapshot {
    /// Transfers waiting for a place.
    pub queued: usize,
    /// Transfers at work.
    pub active: usize,
    /// Transfers paused or pausing.
    pub paused: usize,
    /// Requests in flight.
    pub requests: usize,
    /// Content bytes asked for by requests in flight.
    pub bytes_in_flight: u64,
    /// Answers that came late, twice or for nothing, and were ignored.
    pub stale_answers: u64,
    /// Every transfer not ended, in the order of their slots.
    pub tasks: alloc::vec::Vec<TaskSnapshot>,
}
