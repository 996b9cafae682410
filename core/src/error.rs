//! What went wrong, whose fault it is, and what to do about it.
//!
//! Every error is a plain value: it can be cloned, compared, stored and sent across a foreign interface by its
//! [number](Error::code). None holds a secret: URLs appear without query and userinfo, header values not at all.

use alloc::string::String;
use core::fmt;

use crate::digest::Digest;
use crate::layout::LayoutError;
use crate::provider::StepKind;

/// Who has to act so that it works next time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Blame {
    /// The caller: a wrong argument or setting.
    You,
    /// Whoever issued the URL, plan or credentials.
    Issuer,
    /// The server, or what it stores.
    Server,
    /// The way to the server.
    Network,
    /// The local disk, or what lies on it.
    Disk,
    /// Nobody: the transfer was told to stop.
    Nobody,
}

/// The end of a transfer that did not complete.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The transfer asks for something that cannot be done.
    #[error("{0}")]
    Usage(Usage),
    /// A URL, plan or credential is refused, expired or inconsistent, and no fresh one was supplied.
    #[error("{0}")]
    Issuer(ServerFault),
    /// The server refused, or answered what its protocol does not allow.
    #[error("{0}")]
    Server(ServerFault),
    /// The server could not be reached or the exchange broke off, more often than the retry policy allows.
    #[error("{0}")]
    Network(Fault),
    /// The local file could not be read or written.
    #[error("{0}")]
    Disk(FileFault),
    /// The remote object changed while it was read, and the policy or the budget forbids starting over.
    #[error("the remote object changed during the transfer: {0}")]
    Changed(Changed),
    /// The content does not have the digest it should have. Nothing was published.
    #[error("content does not match its checksum: expected {expected}, got {actual}")]
    Integrity {
        /// What caller or server announced.
        expected: Digest,
        /// What the bytes have.
        actual: Digest,
    },
    /// Cancelled by the caller.
    #[error("cancelled")]
    Cancelled,
    /// The engine was shut down; what is stored can be resumed.
    #[error("stopped because the client was closed; the transfer can be resumed")]
    Closed,
}

impl Error {
    /// A stable number for logs and foreign interfaces; the hundreds name the [`Blame`]. Numbers are never reused.
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self {
            Self::Usage(usage) => usage.code(),
            Self::Issuer(_) => 201,
            Self::Server(fault) => fault.kind.code(),
            Self::Network(fault) => fault.kind.code(),
            Self::Disk(fault) => fault.kind.code(),
            Self::Changed(_) => 320,
            Self::Integrity { .. } => 330,
            Self::Cancelled => 601,
            Self::Closed => 602,
        }
    }

    /// Who has to act.
    #[must_use]
    pub const fn blame(&self) -> Blame {
        match self {
            Self::Usage(_) => Blame::You,
            Self::Issuer(_) => Blame::Issuer,
            Self::Server(_) | Self::Changed(_) | Self::Integrity { .. } => Blame::Server,
            Self::Network(_) => Blame::Network,
            Self::Disk(_) => Blame::Disk,
            Self::Cancelled | Self::Closed => Blame::Nobody,
        }
    }

    /// Whether the same transfer, resumed later without any change, may well succeed.
    #[must_use]
    pub const fn may_succeed_later(&self) -> bool {
        match self {
            Self::Network(_) | Self::Closed | Self::Changed(_) => true,
            Self::Server(fault) => matches!(fault.kind, ServerFaultKind::Throttled | ServerFaultKind::Unavailable),
            Self::Disk(fault) => matches!(fault.kind, FileFaultKind::Full | FileFaultKind::Busy),
            Self::Usage(_) | Self::Issuer(_) | Self::Integrity { .. } | Self::Cancelled => false,
        }
    }
}

/// A request that makes no sense, and how to mend it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Usage {
    /// The object cannot be cut into parts within the provider's limits.
    #[error("{0}")]
    Layout(#[from] LayoutError),
    /// The provider cannot build a request from what it was given.
    #[error("{0}")]
    Build(#[from] BuildError),
    /// The provider cannot do this kind of transfer.
    #[error("{what}")]
    Unsupported {
        /// What is asked for, and what the provider can do instead.
        what: String,
    },
}

impl Usage {
    const fn code(&self) -> u16 {
        match self {
            Self::Layout(_) => 101,
            Self::Build(_) => 102,
            Self::Unsupported { .. } => 103,
        }
    }
}

/// A request cannot be built: a URL, header or name is not usable.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{what}: {remedy}")]
pub struct BuildError {
    /// What is wrong, and where.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl BuildError {
    /// What is wrong and where, and what to do about it. Must not contain a secret.
    pub fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into() }
    }
}

/// An answer that ends or delays a transfer.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ServerFault {
    /// What kind of refusal.
    pub kind: ServerFaultKind,
    /// The step that was answered.
    pub step: StepKind,
    /// HTTP status.
    pub status: Option<u16>,
    /// The provider's own error code (`SlowDown`, `NoSuchUpload`, …).
    pub code: Option<String>,
    /// The provider's request id, for its support.
    pub request_id: Option<String>,
    /// More, in words: what was expected, what to change. Never a header value or URL query.
    pub detail: String,
}

impl ServerFault {
    /// A fault of `kind`, at `step`.
    pub fn new(kind: ServerFaultKind, step: StepKind, status: Option<u16>, detail: impl Into<String>) -> Self {
        Self { kind, step, status, code: None, request_id: None, detail: detail.into() }
    }

    /// The same with the provider's error code and request id.
    #[must_use]
    pub fn with_provider(mut self, code: Option<String>, request_id: Option<String>) -> Self {
        self.code = code;
        self.request_id = request_id;
        self
    }
}

impl fmt::Display for ServerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.status, self.kind) {
            // No server was asked: there was nothing to ask it with.
            (None, ServerFaultKind::Denied) => f.write_str("no URL or credentials to go on with")?,
            _ => write!(f, "{}", self.kind)?,
        }
        if let Some(status) = self.status {
            write!(f, " (HTTP {status}")?;
            if let Some(code) = &self.code {
                write!(f, " {code}")?;
            }
            write!(f, " to {})", self.step)?;
        } else {
            write!(f, " ({})", self.step)?;
        }
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " [request id {id}]")?;
        }
        Ok(())
    }
}

/// Kinds of [`ServerFault`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ServerFaultKind {
    /// 404 or 410: there is no such object.
    NotFound,
    /// 401, 403 or 407: not allowed.
    Denied,
    /// Another 4xx: the request is refused.
    Refused,
    /// 429 or a provider's throttle answer.
    Throttled,
    /// 5xx or 408: the server cannot at the moment.
    Unavailable,
    /// A redirect that policy does not follow.
    Redirected,
    /// An answer outside its protocol.
    Protocol,
    /// A condition did not hold (412, 409): somebody else's object is there.
    Conflict,
}

impl ServerFaultKind {
    const fn code(self) -> u16 {
        match self {
            Self::NotFound => 301,
            Self::Denied => 302,
            Self::Refused => 303,
            Self::Throttled => 304,
            Self::Unavailable => 305,
            Self::Redirected => 306,
            Self::Protocol => 307,
            Self::Conflict => 308,
        }
    }
}

impl fmt::Display for ServerFaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "the server has no such object",
            Self::Denied => "the server denies access",
            Self::Refused => "the server refuses the request",
            Self::Throttled => "the server asks to slow down",
            Self::Unavailable => "the server cannot answer at the moment",
            Self::Redirected => "the server redirects and the redirect is not followed",
            Self::Protocol => "the server's answer breaks the protocol",
            Self::Conflict => "the server holds another object there",
        })
    }
}

/// An exchange that broke before its answer was complete.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Fault {
    /// What broke.
    pub kind: FaultKind,
    /// Whether the server may have seen the request.
    pub sent: Sent,
    /// The transport's own words, without URL query, userinfo or header values.
    pub detail: String,
}

impl Fault {
    /// A fault of `kind`.
    pub fn new(kind: FaultKind, sent: Sent, detail: impl Into<String>) -> Self {
        Self { kind, sent, detail: detail.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, ": {}", self.detail) }
    }
}

/// Whether a request may have reached the server: decides what may be repeated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sent {
    /// Certainly not one byte of it.
    No,
    /// It may have.
    Maybe,
}

/// Kinds of [`Fault`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum FaultKind {
    /// The host name does not resolve.
    Resolve,
    /// No connection: refused, unreachable.
    Connect,
    /// The TLS handshake failed; a certificate is not trusted or not valid for the name.
    Tls,
    /// The proxy refused or failed.
    Proxy,
    /// A reused connection turned out to be closed before any answer: not the server's fault, repeated at once.
    Stale,
    /// The connection broke.
    Reset,
    /// The answer ended before its announced length.
    Truncated,
    /// What came is not HTTP, or breaks it.
    Protocol,
    /// A deadline passed.
    Timeout(Deadline),
    /// Anything else.
    Other,
}

impl FaultKind {
    const fn code(self) -> u16 {
        match self {
            Self::Resolve => 401,
            Self::Connect => 402,
            Self::Tls => 403,
            Self::Proxy => 404,
            Self::Stale => 405,
            Self::Reset => 406,
            Self::Truncated => 407,
            Self::Protocol => 408,
            Self::Timeout(_) => 410,
            Self::Other => 409,
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "host name does not resolve",
            Self::Connect => "cannot connect",
            Self::Tls => "TLS handshake failed",
            Self::Proxy => "proxy failed",
            Self::Stale => "idle connection had been closed",
            Self::Reset => "connection broke",
            Self::Truncated => "answer ended early",
            Self::Protocol => "not valid HTTP",
            Self::Timeout(deadline) => return write!(f, "timed out: {deadline}"),
            Self::Other => "transport failed",
        })
    }
}

/// The separate clocks that run on a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Deadline {
    /// Until connected.
    Connect,
    /// From the last request byte to the first answer byte.
    FirstByte,
    /// Between two bytes.
    Idle,
    /// The minimum rate over its window.
    MinimumRate,
    /// The whole request.
    Total,
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "no connection within the connect timeout",
            Self::FirstByte => "no answer within the first-byte timeout",
            Self::Idle => "nothing moved within the idle timeout",
            Self::MinimumRate => "slower than the minimum rate",
            Self::Total => "not done within the request's total time",
        })
    }
}

/// A local end that failed.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct FileFault {
    /// What failed.
    pub kind: FileFaultKind,
    /// Path and system error in words.
    pub detail: String,
}

impl FileFault {
    /// A fault of `kind`.
    pub fn new(kind: FileFaultKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, ": {}", self.detail) }
    }
}

impl core::error::Error for ServerFault {}
impl core::error::Error for Fault {}
impl core::error::Error for FileFault {}

/// Kinds of [`FileFault`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum FileFaultKind {
    /// There is no such file or folder.
    NotFound,
    /// The system does not permit it.
    Denied,
    /// The folder or file system is read-only.
    ReadOnly,
    /// The disk or quota is full.
    Full,
    /// Another transfer, in this process or another, works on the same target.
    Busy,
    /// The target exists and must not be overwritten.
    Exists,
    /// The source is not what it was when the transfer began.
    Changed,
    /// The temporary file vanished or was replaced.
    Lost,
    /// It is a folder, a device, or has an unusable name.
    Unusable,
    /// The operation was cancelled as asked.
    Cancelled,
    /// Any other input or output error.
    Io,
}

impl FileFaultKind {
    const fn code(self) -> u16 {
        match self {
            Self::NotFound => 501,
            Self::Denied => 502,
            Self::ReadOnly => 503,
            Self::Full => 504,
            Self::Busy => 505,
            Self::Exists => 506,
            Self::Changed => 507,
            Self::Lost => 508,
            Self::Unusable => 509,
            Self::Cancelled => 510,
            Self::Io => 511,
        }
    }
}

impl fmt::Display for FileFaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "no such file or folder",
            Self::Denied => "permission denied",
            Self::ReadOnly => "read-only file system or folder",
            Self::Full => "no space left; free some and resume",
            Self::Busy => "another transfer is writing this target",
            Self::Exists => "the target exists and must not be overwritten",
            Self::Changed => "the source changed during the transfer",
            Self::Lost => "the temporary file was removed or replaced",
            Self::Unusable => "not usable as a file",
            Self::Cancelled => "cancelled",
            Self::Io => "input/output error",
        })
    }
}

/// How the remote object turned out to be another one.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Changed {
    /// A conditional request failed (412).
    #[error("its validator no longer matches (HTTP 412)")]
    Condition,
    /// Another ETag or Last-Modified came (CDN nodes may each have their own).
    #[error("{header} differs between answers (HTTP {status})")]
    Validator {
        /// The header that differs.
        header: &'static str,
        /// Status of the answer with the other value.
        status: u16,
    },
    /// Another total size.
    #[error("its size was told as {known} bytes, and then as {seen}")]
    Size {
        /// The size known so far, in bytes.
        known: u64,
        /// The size the answer names, in bytes.
        seen: u64,
    },
    /// The server stopped serving ranges, so what is stored cannot be continued.
    #[error("the server no longer serves the range asked for")]
    Ranges,
}
