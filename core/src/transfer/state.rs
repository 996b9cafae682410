//! What a transfer knows and remembers, by subject.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use crate::checkpoint::Stage;
use crate::digest::Digest;
use crate::error::ServerFault;
use crate::id::OpId;
use crate::intent::{Fingerprint, UrlsWanted};
use crate::layout::Layout;
use crate::provider::{Object, Receipt, UploadedPart};
use crate::range::ByteRange;
use crate::time::Time;
use crate::transfer::parts::Tries;
use crate::transfer::segments::Segments;

/// The state of the phases that consist of one request at a time.
#[derive(Debug, Default)]
pub(super) struct Single {
    pub(super) op: Option<OpId>,
    /// Whose answer must not be lost: it may name a session nobody else knows of.
    pub(super) opens: bool,
    pub(super) tries: Tries,
    pub(super) due: Option<Time>,
}

/// Reading what an earlier run recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Recall {
    Wanted,
    InFlight(OpId),
    Done,
}

/// Fresh credentials or URLs from the application.
#[derive(Debug, Default)]
pub(super) struct Refresh {
    pub(super) wanted: Option<ServerFault>,
    pub(super) op: Option<OpId>,
    /// The presigned URLs that the question is about.
    pub(super) asked: Option<UrlsWanted>,
    /// Answers in quick succession, since a request was sent.
    pub(super) unused: u32,
    /// When the last of them came.
    pub(super) answered: Option<Time>,
    /// Refusals since the last success: the second one is terminal.
    pub(super) refusals: u32,
}

/// What is known of the remote object (downloads).
#[derive(Debug, Default)]
pub(super) struct Remote {
    pub(super) object: Object,
    /// Size and validator are latched.
    pub(super) known: bool,
    pub(super) by_range: bool,
    /// Ranges turned out to be of no use with this server.
    pub(super) force_serial: bool,
    /// One response without a range, because nothing pins a version or ranges are not served.
    pub(super) serial: bool,
    /// The size that a probe told of, where the response that comes now tells none.
    pub(super) hinted: Option<u64>,
    /// Where the last response that came to its end did.
    pub(super) ended: Option<u64>,
    /// Answers in a row that began far too early.
    pub(super) early: u32,
    /// A 206 has been seen.
    pub(super) ranged: bool,
    pub(super) segments: Segments,
    /// Bytes the consumer of an ordered target has taken.
    pub(super) consumed: u64,
    pub(super) verified: usize,
    pub(super) path: Option<String>,
    /// Digests the whole must have: the caller's, else the server's strongest.
    pub(super) expected: Vec<Digest>,
}

/// What is known of the source (uploads).
#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) total: Option<u64>,
    pub(super) fingerprint: Option<Fingerprint>,
    pub(super) digest: Option<Digest>,
    pub(super) layout: Option<Layout>,
    /// Its length is only known when all of it has been read.
    pub(super) endless: bool,
    /// Everything goes up in one request, which is still to be made.
    pub(super) whole: bool,
    /// Digests that parts will carry, by where they start; few (what is in flight or next).
    pub(super) ahead: BTreeMap<u64, (ByteRange, Digest)>,
    /// The part being read for its digest.
    pub(super) hashing: Option<ByteRange>,
}

impl Source {
    /// The digest of exactly these bytes, if it was computed ahead.
    pub(super) fn known(&self, range: ByteRange) -> Option<Digest> {
        self.ahead.get(&range.start()).filter(|(known, _)| *known == range).map(|(_, digest)| *digest)
    }
}

/// All content went up in one request, and the object may be there.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WholeSent {
    /// The digest of what was sent, where the profile asks for one.
    pub(super) digest: Option<Digest>,
}

/// What is known of the upload on the server.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) id: Option<String>,
    pub(super) parts: BTreeMap<u64, UploadedPart>,
    /// Digest of each confirmed part as it was sent: CRC-64/NVME where the provider names no other algorithm.
    pub(super) digests: BTreeMap<u64, Digest>,
    pub(super) stage: Stage,
    pub(super) marker: Option<String>,
    pub(super) listed: BTreeMap<u64, UploadedPart>,
    /// Next byte under `Order::ServerOffset`.
    pub(super) cursor: u64,
    /// Farthest the server ever confirmed.
    pub(super) high: u64,
    pub(super) rewinds: u32,
    /// A former run left this session, or had sent requests for it.
    pub(super) resumed: bool,
    /// A former run was opening a session when it died, or its record has lost the session's name; nobody has been told yet.
    pub(super) untold: bool,
    /// How often a confirmation said that the commit had not taken effect.
    pub(super) commits: u32,
    pub(super) known_uncommitted: bool,
    /// A repeated commit was refused because of an object that is there.
    pub(super) conflict: Option<ServerFault>,
    /// The commit failed for good: its outcome is not waited for any longer.
    pub(super) given_up: bool,
    /// A commit was told that there is no such session.
    pub(super) gone: bool,
    /// All of a part was sent and its answer never came: the server may still be taking it in.
    pub(super) loose: bool,
    /// All went up in one request, and no answer said what became of it.
    pub(super) whole: Option<WholeSent>,
    /// The object is there already, without a commit: what the server said of it.
    pub(super) receipt: Option<Receipt>,
    /// Recorded parts must be compared with the source before they are believed.
    pub(super) recheck: bool,
}
