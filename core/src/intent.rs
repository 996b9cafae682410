//! What the engine asks for, and the answers it gets.
//!
//! An intent is an obligation: each one with an [`OpId`] is answered exactly once, cancelled or not. Bytes of content never
//! pass through here; a request names a range of the source, a disposition names a place in the target.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use bytes::Bytes;
use http::Request;

use crate::digest::{Algorithm, Digest};
use crate::error::{Fault, FileFault, ServerFault};
use crate::id::{OpId, TaskId};
use crate::provider::{Provider, StepKind};
use crate::range::ByteRange;
use crate::shown::Shown;
use crate::time::Wall;

/// Something to do.
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is moved once")]
#[non_exhaustive]
pub enum Intent {
    /// Send a request. Answered by `handle_head` and `handle_done`, or by `handle_done` alone when no head came.
    Http {
        /// To answer with.
        op: OpId,
        /// Whose transfer.
        task: TaskId,
        /// The request; its body names source bytes rather than holding them.
        request: Request<Body>,
        /// A digest to compute over the source bytes as they are sent, and to return in the outcome.
        digest: Option<Algorithm>,
        /// For transports that cannot be cancelled from outside. The engine watches these itself.
        deadlines: Deadlines,
    },
    /// Do something with the local end. Answered by `handle_file`.
    File {
        /// To answer with.
        op: OpId,
        /// Whose transfer.
        task: TaskId,
        /// What to do.
        action: FileOp,
    },
    /// Keep or drop durable facts. Answered by `handle_journal`, after the bytes are as durable as the journal makes them.
    Journal {
        /// To answer with.
        op: OpId,
        /// Whose transfer.
        task: TaskId,
        /// What to do.
        action: JournalOp,
    },
    /// Read what an earlier run of the transfer recorded. Answered by `handle_recalled`.
    Recall {
        /// To answer with.
        op: OpId,
        /// Whose transfer.
        task: TaskId,
    },
    /// Ask the application. Answered by `handle_answer`.
    Ask {
        /// To answer with.
        op: OpId,
        /// Whose transfer.
        task: TaskId,
        /// What is asked.
        question: Question,
    },
    /// Stop an operation. It is still answered; no answer of its own.
    Cancel {
        /// The operation to stop.
        op: OpId,
    },
}

impl fmt::Debug for Intent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Neither query nor header fields: both may hold secrets.
            Self::Http { op, task, request, .. } => f
                .debug_struct("Http")
                .field("op", op)
                .field("task", task)
                .field("method", request.method())
                .field("url", &Shown(request.uri()))
                .field("body", &request.body().len())
                .finish_non_exhaustive(),
            Self::File { op, task, action } => {
                f.debug_struct("File").field("op", op).field("task", task).field("action", action).finish()
            }
            Self::Journal { op, task, action } => {
                f.debug_struct("Journal").field("op", op).field("task", task).field("action", action).finish()
            }
            Self::Recall { op, task } => f.debug_struct("Recall").field("op", op).field("task", task).finish(),
            Self::Ask { op, task, question } => {
                f.debug_struct("Ask").field("op", op).field("task", task).field("question", question).finish()
            }
            Self::Cancel { op } => f.debug_struct("Cancel").field("op", op).finish(),
        }
    }
}

/// A request's body, by reference to the source.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Body {
    /// No body.
    #[default]
    Empty,
    /// These bytes.
    Inline(Bytes),
    /// These bytes of the source.
    Source(ByteRange),
    /// A sequence (a form around a file's bytes).
    Pieces(Vec<Piece>),
}

/// A piece of a [`Body`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Piece {
    /// These bytes.
    Inline(Bytes),
    /// These bytes of the source.
    Source(ByteRange),
}

impl Body {
    /// Length in bytes: the request's Content-Length.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Inline(bytes) => bytes.len() as u64,
            Self::Source(range) => range.len(),
            Self::Pieces(pieces) => pieces.iter().map(Piece::len).sum(),
        }
    }

    /// Whether there is nothing to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The body as a sequence of pieces.
    #[must_use]
    pub fn into_pieces(self) -> Vec<Piece> {
        match self {
            Self::Empty => Vec::new(),
            Self::Inline(bytes) => alloc::vec![Piece::Inline(bytes)],
            Self::Source(range) => alloc::vec![Piece::Source(range)],
            Self::Pieces(pieces) => pieces,
        }
    }
}

impl Piece {
    /// Length in bytes.
    #[must_use]
    pub const fn len(&self) -> u64 {
        match self {
            Self::Inline(bytes) => bytes.len() as u64,
            Self::Source(range) => range.len(),
        }
    }

    /// Whether it has no byte.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The separate clocks of one request. `None` switches one off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Deadlines {
    /// From the intent to an established connection. Default 10 s.
    pub connect: Option<Duration>,
    /// From the last byte sent to the head of the answer. Default 60 s.
    pub first_byte: Option<Duration>,
    /// Longest silence while bytes should move. Default 30 s.
    pub idle: Option<Duration>,
    /// Least bytes that must move per window. Default off.
    pub minimum_rate: Option<MinimumRate>,
    /// The whole request. Default off.
    pub total: Option<Duration>,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Some(Duration::from_secs(10)),
            first_byte: Some(Duration::from_secs(60)),
            idle: Some(Duration::from_secs(30)),
            minimum_rate: None,
            total: None,
        }
    }
}

impl Deadlines {
    /// With another idle timeout; `None` switches it off.
    #[must_use]
    pub const fn with_idle(mut self, idle: Option<Duration>) -> Self {
        self.idle = idle;
        self
    }

    /// With another connect timeout; `None` switches it off.
    #[must_use]
    pub const fn with_connect(mut self, connect: Option<Duration>) -> Self {
        self.connect = connect;
        self
    }

    /// With another first-byte timeout; `None` switches it off.
    #[must_use]
    pub const fn with_first_byte(mut self, first_byte: Option<Duration>) -> Self {
        self.first_byte = first_byte;
        self
    }

    /// With a minimum rate; `None` switches it off.
    #[must_use]
    pub const fn with_minimum_rate(mut self, rate: Option<MinimumRate>) -> Self {
        self.minimum_rate = rate;
        self
    }

    /// With a bound for the whole request; `None` switches it off.
    #[must_use]
    pub const fn with_total(mut self, total: Option<Duration>) -> Self {
        self.total = total;
        self
    }
}

/// A rate below which a request is broken off and tried again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MinimumRate {
    /// Bytes that must move in each window.
    pub bytes: u64,
    /// The window.
    pub window: Duration,
}

/// What to do with an answer's body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Disposition {
    /// Drop `skip` bytes, then write up to `len` bytes from `offset` of the target on; stop there even if more comes.
    WriteAt {
        /// Bytes before the wanted ones.
        skip: u64,
        /// Where the first wanted byte belongs.
        offset: u64,
        /// Bytes wanted; `u64::MAX` when the end of the body is the end of the object.
        len: u64,
        /// Digest to compute over the bytes written and to return with progress and outcome.
        digest: Option<Algorithm>,
    },
    /// Read up to `max` bytes and return them in the outcome; drop the rest.
    Collect {
        /// Most bytes to keep.
        max: usize,
    },
    /// Close the exchange without reading on.
    Close,
}

/// How far an exchange has come. All numbers are totals since its start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Moved {
    /// Whether a connection carries the exchange. Transports that cannot tell say so from the start.
    pub connected: bool,
    /// Request body bytes handed to the connection.
    pub sent: u64,
    /// Answer body bytes written to the target, without gaps from the disposition's offset on.
    pub written: u64,
    /// Digest of exactly the bytes in `written`, if one was asked for.
    pub digest: Option<Digest>,
    /// What came waits until a consumer makes room for it ([`Spec::window`](crate::Spec::window)): silence is not the network's.
    /// To be told a few times per second for as long as it is so.
    pub held: bool,
}

/// What became of an exchange.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The answer's body ended as announced, or all that was wanted of it was written.
    Complete {
        /// How far it came.
        moved: Moved,
        /// The body, where it was to be collected.
        body: Bytes,
    },
    /// The exchange broke.
    Broken {
        /// How far it came.
        moved: Moved,
        /// What broke.
        fault: Fault,
    },
    /// The source could not be read or the target not be written.
    Local {
        /// How far it came.
        moved: Moved,
        /// What failed.
        fault: FileFault,
    },
    /// Stopped by [`Intent::Cancel`] or [`Disposition::Close`]. Without either it counts as broken.
    Cancelled {
        /// How far it came.
        moved: Moved,
    },
}

impl Outcome {
    /// How far the exchange came.
    #[must_use]
    pub const fn moved(&self) -> &Moved {
        match self {
            Self::Complete { moved, .. }
            | Self::Broken { moved, .. }
            | Self::Local { moved, .. }
            | Self::Cancelled { moved } => moved,
        }
    }
}

/// Work on the local end of a transfer.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum FileOp {
    /// Look at the source. Replied with [`FileReply::Source`].
    Stat,
    /// Make at least the first `upto` bytes of a source of unknown length readable. Replied with [`FileReply::Filled`].
    Fill {
        /// Bytes from the start that should be readable.
        upto: u64,
    },
    /// Make the target's temporary file ready and take its lock. Replied with [`FileReply::Reserved`] or
    /// [`FileReply::Unchanged`].
    Reserve {
        /// Size to reserve, in bytes, if known.
        total: Option<u64>,
        /// Keep what an earlier run left; otherwise start empty. A run may have died after it published: where the temporary
        /// file is gone and the target has the object's size, a durable copy of the target is what it left. Either is looked
        /// at byte by byte before it is believed.
        keep: bool,
        /// File name the server suggests, unsanitised.
        name: Option<String>,
        /// The object's time.
        modified: Option<Wall>,
    },
    /// Compute digests of ranges of the source or of the temporary file. Replied with [`FileReply::Digests`], in order; a range
    /// that cannot be read whole gives `None`.
    Digest {
        /// The algorithm.
        algorithm: Algorithm,
        /// The ranges.
        ranges: Vec<ByteRange>,
    },
    /// Make all that was written durable. Replied with [`FileReply::Done`].
    Sync,
    /// Give the verified content its name, replacing what policy allows to replace. Replied with [`FileReply::Published`].
    Publish {
        /// Size of the object in bytes.
        len: u64,
        /// The object's time, for the file.
        modified: Option<Wall>,
        /// Whether content and name must be durable before the reply.
        durable: bool,
    },
    /// Remove the temporary file and let go of everything. Replied with [`FileReply::Done`].
    Remove,
    /// Let go of everything, keep the temporary file for a later run. Replied with [`FileReply::Done`].
    Release,
}

/// A file as it was when looked at; two equal fingerprints mean nobody wrote to it in between, as far as the system can tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Fingerprint {
    /// Size in bytes.
    pub len: u64,
    /// Modification time in nanoseconds since the Unix epoch.
    pub modified: i64,
    /// Status change time in nanoseconds since the Unix epoch; 0 where the system has none.
    pub changed: i64,
    /// Identity on its volume (inode, file index); 0 where the system has none.
    pub file: u64,
}

/// The answer to a [`FileOp`].
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum FileReply {
    /// The source.
    Source {
        /// Its size in bytes, if known.
        len: Option<u64>,
        /// What it looked like; `None` for sources that cannot change.
        fingerprint: Option<Fingerprint>,
    },
    /// The source is readable this far.
    Filled {
        /// Bytes readable from the start.
        len: u64,
        /// Whether that is all there will be.
        end: bool,
    },
    /// The target is ready.
    Reserved {
        /// Whether an earlier run's content is there.
        kept: bool,
    },
    /// The target has the object already; nothing to do.
    Unchanged,
    /// Digests, one per range.
    Digests(Vec<Option<Digest>>),
    /// The target bears its name.
    Published {
        /// The path, for people. Empty where there is none.
        path: String,
    },
    /// Done.
    Done,
}

/// Work on a transfer's journal.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum JournalOp {
    /// Replace the journal by these frames, atomically.
    Replace(Bytes),
    /// Add these frames.
    Append(Bytes),
    /// Drop the journal.
    Remove,
}

/// A question to the application.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Question {
    /// The URL or credentials were refused or have expired: a provider with fresh ones is wanted.
    Refresh(ServerFault),
    /// Presigned URLs are wanted: of a plan's parts, or of one request.
    Urls(UrlsWanted),
}

/// Presigned URLs that are not there, have expired or are about to, or were refused.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct UrlsWanted {
    /// The step they are for.
    pub step: StepKind,
    /// For [`StepKind::PutPart`]: the numbers of the parts, the most urgent first. The answer's plan must have at least that one.
    pub parts: Vec<u64>,
    /// What the server said, where it refused the URLs there were.
    pub refused: Option<ServerFault>,
}

/// The application's answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Answer {
    /// Go on with this provider. It must name the same object. Where it works from a plan, the URLs it brings are added to those
    /// there are.
    Provider(Arc<dyn Provider>),
    /// There is none.
    Refused(String),
}
