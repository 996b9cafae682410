//! What a transfer is to do ([`Spec`]) and within which bounds the engine works ([`Config`]). Values only: policy is data.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU32;
use core::time::Duration;

use crate::checkpoint::Checkpoint;
use crate::digest::Digest;
use crate::intent::Deadlines;
use crate::layout::PartSize;
use crate::provider::{Begin, Provider};
use crate::retry::RetryPolicy;

/// Which way content moves.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Direction {
    /// From the server.
    Download,
    /// To the server.
    Upload,
}

/// Tells transfers apart: same direction, source and destination make a duplicate.
///
/// Holds a 128-bit hash only, so a full URL with its query may go in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransferKey(u128);

impl TransferKey {
    /// The key of a transfer from `source` to `destination`.
    #[must_use]
    pub fn new(direction: Direction, source: &str, destination: &str) -> Self {
        let tag: &[u8] = match direction {
            Direction::Download => b"get\0",
            Direction::Upload => b"put\0",
        };
        let parts = [tag, source.as_bytes(), b"\0", destination.as_bytes()];
        Self(fnv1a(parts.iter().flat_map(|part| part.iter().copied())))
    }
}

impl fmt::Debug for TransferKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// FNV-1a, 128 bits (draft-eastlake-fnv). For recognition, not for security.
pub(crate) fn fnv1a(bytes: impl Iterator<Item = u8>) -> u128 {
    bytes.fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    })
}

/// Whether a transfer starts by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Start {
    /// As soon as there is a place.
    #[default]
    Now,
    /// When it is resumed; until then nothing at all is done for it.
    Paused,
}

/// How many requests one transfer may have in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Parallel {
    /// As many as the authority's concurrency controller finds useful.
    #[default]
    Auto,
    /// At most this many.
    Most(NonZeroU32),
}

/// What to do when the remote object changes during a download.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OnChange {
    /// Start over, within [`RetryPolicy::restarts`].
    #[default]
    Restart,
    /// Fail with [`Error::Changed`](crate::error::Error::Changed).
    Fail,
}

/// How a download learns about its object.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Probing {
    /// By HEAD, or a GET of one byte where HEAD is refused.
    #[default]
    Head,
    /// By its first range: one request less, and one at a time until it is answered.
    FirstRange,
}

/// What must survive a loss of power.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Durability {
    /// What a checkpoint or the target's name promises is synced first.
    #[default]
    Power,
    /// Only a crash of the process is provided for: nothing is synced.
    Process,
}

/// One transfer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Spec {
    /// Which way.
    pub direction: Direction,
    /// The server's end.
    pub provider: Arc<dyn Provider>,
    /// Tells it from others.
    pub key: TransferKey,
    /// Whether it starts by itself. Default [`Start::Now`].
    pub start: Start,
    /// Its share where transfers compete. Default 1.
    pub weight: NonZeroU32,
    /// Requests in flight. Default [`Parallel::Auto`].
    pub parallel: Parallel,
    /// Size of parts. Default [`PartSize::Auto`].
    pub part_size: PartSize,
    /// Retries.
    pub retry: RetryPolicy,
    /// Deadlines of each request.
    pub deadlines: Deadlines,
    /// How a download probes. Default [`Probing::Head`].
    pub probing: Probing,
    /// Size of the remote object where the caller knows it; skips the probe.
    pub declared_size: Option<u64>,
    /// Digests the whole content must have.
    pub expected: Vec<Digest>,
    /// What to do when the remote object changes.
    pub on_change: OnChange,
    /// What must survive a loss of power.
    pub durability: Durability,
    /// Most bytes a download may run ahead of its consumer; `None` for targets with random access.
    pub window: Option<u64>,
    /// Whether a cancelled transfer leaves what is stored, here and on the server, with its record, for a later run to go on
    /// from. Default false: it is removed, and an upload's session given up.
    pub keep_on_cancel: bool,
    /// What an earlier run recorded. Boxed: few of many transfers that wait have one.
    pub checkpoint: Option<Box<Checkpoint>>,
    /// Whether the journal is asked for what an earlier run recorded, when the transfer begins and no checkpoint is given.
    /// Default false.
    pub recall: bool,
    /// Whether checkpoints are recorded. Default true.
    pub journal: bool,
    /// Whether checkpoints hold digests of what has moved, by which a later run tells whether the local bytes are still the same.
    /// Default true. Without, nothing is digested that neither server nor caller asked for, and the kernel may send an upload's bytes by
    /// itself; in return a later run of an upload goes on only with a source that nobody touched, and one of a download begins anew: it
    /// records nothing.
    pub recheck: bool,
    /// Whether, when nothing else is left to move, a slow request is given up and what it lacks is moved by another one, paid for as a
    /// retry is: what others hedge for, with no byte under way twice at a time. Default: for downloads, which keep what has come. Of a part of
    /// an upload the server keeps nothing before its end, so that it goes again whole; where parts do not go up side by side, none does.
    pub hedge: bool,
}

impl Spec {
    /// Whether there is a session on the server that somebody opened for this transfer before it began.
    pub(crate) fn has_given_session(&self) -> bool {
        let profile = self.provider.profile();
        profile.abort && profile.begin == Begin::None
    }

    /// A transfer with every choice at its default.
    #[must_use]
    pub fn new(direction: Direction, provider: Arc<dyn Provider>, key: TransferKey) -> Self {
        Self {
            direction,
            provider,
            key,
            start: Start::Now,
            weight: NonZeroU32::MIN,
            parallel: Parallel::Auto,
            part_size: PartSize::Auto,
            retry: RetryPolicy::default(),
            deadlines: Deadlines::default(),
            probing: Probing::Head,
            declared_size: None,
            expected: Vec::new(),
            on_change: OnChange::Restart,
            durability: Durability::Power,
            window: None,
            keep_on_cancel: false,
            checkpoint: None,
            recall: false,
            journal: true,
            recheck: true,
            hedge: direction == Direction::Download,
        }
    }
}

/// Bounds of everything the engine has going at once. Changeable while it runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Uploads at work. Default 8.
    pub uploads: usize,
    /// Downloads at work. Default 8.
    pub downloads: usize,
    /// Requests in flight. Default 64.
    pub requests: usize,
    /// Requests in flight to one authority. Default 32.
    pub per_authority: usize,
    /// Requests in flight of one transfer. Default 16.
    pub per_task: usize,
    /// Content bytes asked for by requests in flight. One request is always allowed. Default unlimited.
    pub bytes_in_flight: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { uploads: 8, downloads: 8, requests: 64, per_authority: 32, per_task: 16, bytes_in_flight: u64::MAX }
    }
}

/// How concurrency adapts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Concurrency {
    /// Requests to one authority that are always allowed. Default 1.
    pub floor: u32,
    /// Where it starts. Default 8.
    pub initial: u32,
    /// Never more than this. Default 32.
    pub ceiling: u32,
}

impl Default for Concurrency {
    fn default() -> Self {
        Self { floor: 1, initial: 8, ceiling: 32 }
    }
}

/// When checkpoints are recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interval {
    /// Most bytes that are stored and in no record yet, beside those of requests in flight: what a crash can cost. Default 64 MiB.
    pub bytes: u64,
    /// Or after this long with anything new. Default 2 s.
    pub time: Duration,
}

impl Default for Interval {
    fn default() -> Self {
        Self { bytes: 64 << 20, time: Duration::from_secs(2) }
    }
}

/// Which redirects of downloads are followed. Uploads' never are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Redirects {
    /// How many in a row. Default 10.
    pub most: u32,
    /// Whether one from https to http is. Default false.
    pub downgrade: bool,
}

impl Default for Redirects {
    fn default() -> Self {
        Self { most: 10, downgrade: false }
    }
}

/// The engine's settings.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Config {
    /// Bounds.
    pub limits: Limits,
    /// Adaptive concurrency.
    pub concurrency: Concurrency,
    /// Checkpoints.
    pub interval: Interval,
    /// Redirects.
    pub redirects: Redirects,
}

/// Why a transfer was not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// The same transfer is there already.
    #[error("the same transfer (direction, source and destination) is already there as {0}")]
    Duplicate(crate::id::TaskId),
    /// The engine is shut down.
    #[error("the client is closed")]
    Closed,
    /// There are 2³² transfers.
    #[error("no room for another transfer")]
    Full,
}

/// Why a command had no effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// There is no such transfer (any more).
    #[error("no such transfer")]
    Unknown,
    /// The transfer has ended, or is ending.
    #[error("the transfer is over")]
    Over,
    /// The engine is shut down.
    #[error("the client is closed")]
    Closed,
}

/// The object's name as recorded in a checkpoint.
pub(crate) fn object_mark(provider: &dyn Provider) -> u128 {
    fnv1a(provider.object().bytes())
}
