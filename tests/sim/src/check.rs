//! What must always hold, by name. docs/invariants.md lists them with where each is asserted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use longhaul_core::event::Progress;
use longhaul_core::{Direction, OpId, TaskId, Time};

use crate::ledger::Account;

/// An invariant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Invariant {
    /// I1: every issued id is new, and answered exactly once; the engine counts no stale answer but those sent on purpose.
    AnsweredOnce,
    /// I2: requests in flight in all.
    LimitRequests,
    /// I3: requests in flight per authority.
    LimitAuthority,
    /// I4: requests in flight per task, also by its own `parallel`.
    LimitTask,
    /// I5: content bytes in flight; one request alone is always allowed.
    LimitBytes,
    /// I6: transfers at work per direction.
    LimitActive,
    /// I7: acknowledged bytes never fall but for a restart, never pass the total, and reach it.
    Progress,
    /// I8: what crossed the network is what the engine counts, and all of it is acknowledged, re-sent or in flight.
    Conservation,
    /// I9: what is completed is the object, whole and of one version; of several writers, that of one.
    ObjectIsSource,
    /// I10: never bytes of two versions in one result.
    NeverMixed,
    /// I11: the target's name appears only with complete content; an existing one survives.
    TargetWhole,
    /// I12: what a checkpoint names is on the disk for good.
    CheckpointDurable,
    /// I13: no session is left open on a server without a record or an event.
    NoSilentOrphan,
    /// I14: exactly one terminal event per task.
    OneEnd,
    /// I15: attempts at one piece of work are bounded.
    AttemptsBounded,
    /// I16: due work starts when it is due and there is capacity.
    Timely,
    /// I17: abort only with nothing in flight, never while a commit is.
    AbortAlone,
    /// I18: a paused transfer has nothing in flight and starts nothing.
    PausedQuiet,
    /// I19: the next timeout lies ahead once all is handled and polled; no intents without end.
    NoBusyLoop,
    /// I20: the same seed gives the same trace.
    SameTrace,
    /// I21: with the weather off everything ends within bounded time.
    Liveness,
    /// I22: at most what was in flight and one interval is fetched or sent again after a crash.
    LittleAgain,
    /// I23: the engine's own counts agree with the world's.
    CountsAgree,
    /// I24: no presigned URL goes out that has expired.
    Unexpired,
    /// I25: what is acknowledged is there: in the temporary file, or with the server.
    AcknowledgedThere,
    /// I26: a download runs no farther ahead of its consumer than its window.
    Window,
    /// I27: one run at a time works on a target; whoever never had it leaves its file and its record alone.
    OneWriter,
    /// I28: with nothing of a transfer in flight, nobody is asked for its URLs or credentials before a request of it could start.
    AskedInTurn,
}

/// A broken invariant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// When.
    pub at: Time,
    /// How.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {:?}: {}", self.invariant, self.at, self.detail)
    }
}

/// The independent books that are held against the engine.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// Ids ever issued by the present engine.
    pub issued: BTreeSet<OpId>,
    /// Stale answers sent on purpose.
    pub stale: u64,
    /// The last progress seen of a task; none after a restart.
    pub progress: BTreeMap<TaskId, Progress>,
    /// Tasks that have ended.
    pub ended: BTreeSet<TaskId>,
    /// Attempts at the same piece of work without anything else in between.
    pub attempts: BTreeMap<(TaskId, String), u32>,
    /// Who had a place in each direction when limits were changed, as far as they still have it: places once given are not taken back.
    pub kept: BTreeMap<Direction, usize>,
    /// What each task has moved and waits for.
    pub accounts: BTreeMap<TaskId, Account>,
}
