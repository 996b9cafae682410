//! The seam between the engine and a protocol: a provider turns a step into a request and an answer into a reply.
//!
//! Providers are pure and stateless: `&self`, no clock, no I/O, no async. What a transfer has learned so far reaches them as
//! [`Context`]. Every attempt is built afresh, so signatures are never older than the request.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use http::{HeaderMap, Request, StatusCode, Uri};
use uuid::Uuid;

use crate::digest::{Algorithm, Digest};
use crate::error::{BuildError, Changed, ServerFault};
use crate::intent::Body;
use crate::layout::PartLimits;
use crate::plan::UploadPlan;
use crate::range::ByteRange;
use crate::retry::RetryAfter;
use crate::shown::Shown;
use crate::time::{Now, Wall};

/// One end of a transfer on a server: builds requests, reads answers.
///
/// `Debug` must not show a secret.
pub trait Provider: fmt::Debug + Send + Sync {
    /// `host:port` the requests go to: the unit of connection limits, retry budget and backoff.
    fn authority(&self) -> &str;

    /// The object's stable name without secrets (a URL without query and userinfo): for messages, and to recognise the object
    /// when a transfer is resumed.
    fn object(&self) -> &str;

    /// Limits and abilities.
    fn profile(&self) -> Profile;

    /// The request for `step`, complete with its signature.
    ///
    /// # Errors
    /// When what the provider was given does not make a request. Terminal for the transfer.
    fn build(&self, step: &Step, cx: &Context<'_>, now: Now) -> Result<Request<Body>, BuildError>;

    /// What the answer to `step` means. For [`Step::GetRange`] answered 200 or 206 this is asked with an empty `body`, before
    /// the body is read; in all other cases `body` is the answer's body, cut at [`Profile::answer_limit`].
    ///
    /// # Errors
    /// A [`Verdict`] for everything but success.
    fn interpret(&self, step: &Step, cx: &Context<'_>, head: Head<'_>, body: &[u8], now: Now)
    -> Result<Reply, Verdict>;

    /// Whether what the request for `step` needs is there and still good when the server's clock shows `wall`. Where it is not,
    /// the application is asked before anything is sent ([`Profile::refresh`]), so that nothing expired ever goes out. By default
    /// always.
    fn is_ready(&self, step: &Step, wall: Wall) -> bool {
        let _ = (step, wall);
        true
    }

    /// The presigned plan that an upload works from, if it does: its parts can be asked for ahead, batch by batch.
    fn plan(&self) -> Option<&UploadPlan> {
        None
    }

    /// The same provider with another plan: the one it had together with what the application's answer brought. `None` where
    /// [`Self::plan`] is.
    fn with_plan(&self, plan: UploadPlan) -> Option<Arc<dyn Provider>> {
        let _ = plan;
        None
    }
}

/// Limits and abilities of a provider, as data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Profile {
    /// Part rules for uploads.
    pub parts: PartLimits,
    /// Objects up to this size, in bytes, go up in one [`Step::PutWhole`]. `None`: never.
    pub single: Option<u64>,
    /// Whether parts may go up side by side, or one after another as the server directs.
    pub order: Order,
    /// Whether an upload opens with [`Step::Begin`].
    pub begin: Begin,
    /// Whether an upload ends with [`Step::Commit`].
    pub commit: bool,
    /// Whether [`Step::Confirm`] can tell if a commit took effect, or a [`Step::PutWhole`] that an object is in the way of.
    pub confirm: bool,
    /// Whether [`Step::ListParts`] exists.
    pub list: bool,
    /// Whether [`Step::Abort`] exists.
    pub abort: bool,
    /// A digest of the whole content that [`Step::Begin`] needs.
    pub content_digest: Option<Algorithm>,
    /// A digest that each part's request carries, computed before the part is sent.
    pub part_digest: Option<Algorithm>,
    /// A digest computed over content as it is sent, to be compared with what the server says it received
    /// ([`Context::sent`], [`Context::digests`]).
    pub sent_digest: Option<Algorithm>,
    /// Whether the total size must be known before the first request.
    pub needs_total: bool,
    /// Whether a refused credential or expired URL can be replaced by asking the application.
    pub refresh: bool,
    /// Largest answer body that is read for [`Provider::interpret`], in bytes.
    pub answer_limit: usize,
}

impl Profile {
    /// Whether a transfer that was begun by the rules of `before` can go on by these: only what a step may do besides differs.
    pub(crate) fn goes_on(&self, before: &Self) -> bool {
        let Self { confirm, list, abort, refresh, answer_limit, .. } = *self;
        *self == Self { confirm, list, abort, refresh, answer_limit, ..*before }
    }

    /// A profile with no uploads, no limits: what a plain HTTP download needs.
    #[must_use]
    pub const fn download() -> Self {
        Self {
            parts: PartLimits::UNLIMITED,
            single: None,
            order: Order::Parallel,
            begin: Begin::None,
            commit: false,
            confirm: false,
            list: false,
            abort: false,
            content_digest: None,
            part_digest: None,
            sent_digest: None,
            needs_total: false,
            refresh: false,
            answer_limit: 64 << 10,
        }
    }
}

/// In which order an upload's parts go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// Any, side by side.
    Parallel,
    /// One after another; each answer says where the next one starts.
    ServerOffset,
}

/// How an upload opens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Begin {
    /// Not at all.
    None,
    /// With a request that may be repeated at will and leaves nothing behind.
    Idempotent,
    /// With a request that creates a session: losing its answer may leave an orphan.
    Creates,
}

/// One request of a transfer.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Step {
    /// Learn size, validator and abilities of an object (HEAD).
    Probe,
    /// The same where HEAD is refused: a GET of one byte.
    ProbeRange,
    /// Open an upload.
    Begin,
    /// Upload everything in one request.
    PutWhole {
        /// All bytes of the source.
        range: ByteRange,
    },
    /// Upload one part.
    PutPart {
        /// Part number, from 1.
        number: u64,
        /// The source bytes.
        range: ByteRange,
        /// The part's digest where [`Profile::part_digest`] asks for one.
        digest: Option<Digest>,
    },
    /// Fetch bytes. Open ended (`end` = `u64::MAX`, start 0) when the whole object is wanted in one response without a range.
    GetRange {
        /// The bytes wanted.
        range: ByteRange,
    },
    /// List the parts the server holds.
    ListParts {
        /// Where the former page ended.
        marker: Option<String>,
    },
    /// Make the upload an object.
    Commit,
    /// Ask whether a commit took effect; or, without a session or parts, whether what was sent by [`Step::PutWhole`] is there.
    Confirm,
    /// Give the upload up on the server.
    Abort,
}

impl Step {
    /// The step without its data.
    #[must_use]
    pub const fn kind(&self) -> StepKind {
        match self {
            Self::Probe | Self::ProbeRange => StepKind::Probe,
            Self::Begin => StepKind::Begin,
            Self::PutWhole { .. } => StepKind::PutWhole,
            Self::PutPart { .. } => StepKind::PutPart,
            Self::GetRange { .. } => StepKind::GetRange,
            Self::ListParts { .. } => StepKind::ListParts,
            Self::Commit => StepKind::Commit,
            Self::Confirm => StepKind::Confirm,
            Self::Abort => StepKind::Abort,
        }
    }

    /// The step's share of the object, in bytes, where it moves content.
    #[must_use]
    pub const fn range(&self) -> Option<ByteRange> {
        match self {
            Self::PutWhole { range } | Self::PutPart { range, .. } | Self::GetRange { range } => Some(*range),
            _ => None,
        }
    }
}

/// A [`Step`] without its data.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum StepKind {
    /// Learning about an object.
    Probe,
    /// Opening an upload.
    Begin,
    /// Uploading everything at once.
    PutWhole,
    /// Uploading a part.
    PutPart,
    /// Fetching a range.
    GetRange,
    /// Listing parts.
    ListParts,
    /// Committing an upload.
    Commit,
    /// Asking for the result of a commit.
    Confirm,
    /// Aborting an upload.
    Abort,
}

impl fmt::Display for StepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Probe => "probe",
            Self::Begin => "begin",
            Self::PutWhole => "upload",
            Self::PutPart => "upload of a part",
            Self::GetRange => "download of a range",
            Self::ListParts => "listing of parts",
            Self::Commit => "commit",
            Self::Confirm => "confirmation of a commit",
            Self::Abort => "abort",
        })
    }
}

/// What a transfer knows when a request is built or an answer read.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Context<'a> {
    /// Size of the object in bytes, once known.
    pub total: Option<u64>,
    /// What pins the object's version, once known (downloads).
    pub validator: &'a Validator,
    /// The session opened by [`Step::Begin`].
    pub session: Option<&'a str>,
    /// Parts the server confirmed, by number.
    pub parts: &'a BTreeMap<u64, UploadedPart>,
    /// Digests of the parts the server confirmed, by number, as they were sent: of the algorithm that [`Profile::part_digest`]
    /// or [`Profile::sent_digest`] names. One that is not known is missing.
    pub digests: &'a BTreeMap<u64, Digest>,
    /// When the answer to sent content is read: the digest of that content, where [`Profile::sent_digest`] asks for one and all
    /// of it was sent.
    pub sent: Option<Digest>,
    /// Digest of the whole content where [`Profile::content_digest`] asks for one. At a [`Step::Confirm`] after a
    /// [`Step::PutWhole`] also the one of what was sent, where [`Profile::part_digest`] or [`Profile::sent_digest`] asks for it.
    pub content_digest: Option<&'a Digest>,
    /// Where a redirect led, to be used in place of the provider's own URL.
    pub location: Option<&'a Uri>,
    /// Random and fixed for the transfer: prefix for session-scoped names, seed for form boundaries.
    pub nonce: Uuid,
    /// What to add to the wall clock to get the server's, in seconds.
    pub skew: i64,
    /// Whether the store refused what goes along with content to check it ([`Verdict::Plain`]): it goes without.
    pub plain: bool,
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("total", &self.total)
            .field("validator", self.validator)
            .field("session", &self.session)
            .field("parts", &self.parts.len())
            .field("location", &self.location.map(Shown))
            .field("skew", &self.skew)
            .finish_non_exhaustive()
    }
}

static NO_PARTS: BTreeMap<u64, UploadedPart> = BTreeMap::new();
static NO_DIGESTS: BTreeMap<u64, Digest> = BTreeMap::new();
static NO_VALIDATOR: Validator = Validator { etag: None, modified: None };

impl Context<'_> {
    /// A transfer that knows nothing yet.
    #[must_use]
    pub const fn new(nonce: Uuid) -> Self {
        Self {
            total: None,
            validator: &NO_VALIDATOR,
            session: None,
            parts: &NO_PARTS,
            digests: &NO_DIGESTS,
            sent: None,
            content_digest: None,
            location: None,
            nonce,
            skew: 0,
            plain: false,
        }
    }
}

/// The head of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: &'a HeaderMap,
}

/// What pins a version of an object.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Validator {
    /// A strong entity tag, verbatim with its quotes. Weak ones pin nothing and are left out.
    pub etag: Option<String>,
    /// `Last-Modified`, where it is strong in the sense of RFC 9110 §8.8.2.2 (older than the answer by a second or more).
    pub modified: Option<Wall>,
}

impl Validator {
    /// Whether two answers with this validator (and the same total) are of one version.
    #[must_use]
    pub const fn pins(&self) -> bool {
        self.etag.is_some() || self.modified.is_some()
    }
}

/// What an answer tells about an object.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Object {
    /// Size in bytes.
    pub total: Option<u64>,
    /// What pins its version.
    pub validator: Validator,
    /// `Last-Modified` whether strong or not: becomes the file's time.
    pub modified: Option<Wall>,
    /// Whether the server says it serves ranges; `None` where it says nothing.
    pub ranges: Option<bool>,
    /// A file name the server suggests; sanitised by whoever makes a path of it.
    pub name: Option<String>,
    /// Digests of the whole content.
    pub digests: Vec<Digest>,
}

/// A part the server confirmed.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct UploadedPart {
    /// Part number, from 1.
    pub number: u64,
    /// Its bytes in the object.
    pub range: ByteRange,
    /// The server's tag for it (ETag, block id), verbatim.
    pub tag: String,
}

impl UploadedPart {
    /// Part `number` with its bytes and tag.
    pub fn new(number: u64, range: ByteRange, tag: impl Into<String>) -> Self {
        Self { number, range, tag: tag.into() }
    }
}

/// What the server tells about a finished upload.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Receipt {
    /// The server's name for the object: a file id, a version id.
    pub id: Option<String>,
    /// The object's entity tag.
    pub etag: Option<String>,
}

/// A success, read.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Reply {
    /// To a probe.
    Object(Object),
    /// To a range: these bytes follow (206). The range may begin earlier or end earlier than asked.
    Range {
        /// The bytes that follow.
        range: ByteRange,
        /// What the answer tells about the object.
        object: Object,
    },
    /// To a range: the whole object follows, from byte 0 (200).
    Whole(Object),
    /// To a range: it lies beyond the object (416).
    Unsatisfiable {
        /// The object's size, if told.
        total: Option<u64>,
    },
    /// To begin, or to a part under [`Order::ServerOffset`]: where to go on, or that nothing is left to do.
    Begun {
        /// The session opened.
        session: Option<String>,
        /// The offset the server wants next.
        next: Option<u64>,
        /// The upload is complete already.
        receipt: Option<Receipt>,
    },
    /// To a part.
    Part {
        /// The tag to commit it with.
        tag: String,
        /// The offset the server wants next ([`Order::ServerOffset`]).
        next: Option<u64>,
        /// The upload is complete with this part.
        receipt: Option<Receipt>,
    },
    /// To a listing: one page.
    Parts {
        /// Parts the server holds.
        parts: Vec<UploadedPart>,
        /// Where the next page starts, if there is one.
        marker: Option<String>,
    },
    /// To a whole upload, a commit or a confirmation: the object is there.
    Committed(Receipt),
    /// To a confirmation: the object is not there, the session still is.
    NotCommitted,
    /// To an abort: nothing is left.
    Aborted,
}

/// Anything but success, read.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// Try again, not before the time given.
    Retry {
        /// What the server said.
        fault: ServerFault,
        /// Its `Retry-After`.
        after: Option<RetryAfter>,
    },
    /// The object lies elsewhere. Only followed for downloads and within the engine's policy.
    Redirect {
        /// The absolute target.
        location: Uri,
        /// What to fail with when it is not followed.
        fault: ServerFault,
    },
    /// The credential or URL is refused: a fresh one may help.
    Refresh(ServerFault),
    /// The server's clock differs; sign again with its time.
    Skew {
        /// The server's time.
        server: Wall,
        /// What to fail with when that does not help.
        fault: ServerFault,
    },
    /// The store does not know the checksum that went along: the request is made once more, and all that follow, with
    /// [`Context::plain`]. Only for a request that carried one: a provider that sees [`Context::plain`] sends none. The second in a
    /// transfer is final.
    Plain(ServerFault),
    /// HEAD is refused or tells too little: probe with a GET.
    ProbeByRange,
    /// The object is another one now.
    Changed(Changed),
    /// A commit that may or may not have taken effect: ask.
    Unknown(ServerFault),
    /// Hopeless.
    Fatal(ServerFault),
}

impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retry { fault, after } => {
                f.debug_struct("Retry").field("fault", fault).field("after", after).finish()
            }
            Self::Redirect { location, fault } => {
                f.debug_struct("Redirect").field("location", &Shown(location)).field("fault", fault).finish()
            }
            Self::Refresh(fault) => f.debug_tuple("Refresh").field(fault).finish(),
            Self::Skew { server, fault } => {
                f.debug_struct("Skew").field("server", server).field("fault", fault).finish()
            }
            Self::Plain(fault) => f.debug_tuple("Plain").field(fault).finish(),
            Self::ProbeByRange => f.write_str("ProbeByRange"),
            Self::Changed(changed) => f.debug_tuple("Changed").field(changed).finish(),
            Self::Unknown(fault) => f.debug_tuple("Unknown").field(fault).finish(),
            Self::Fatal(fault) => f.debug_tuple("Fatal").field(fault).finish(),
        }
    }
}
