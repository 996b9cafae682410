//! Faults as plain data: which requests are hit, and what happens to them.
//!
//! Rules decide by counting the requests they could apply to, and by a seed; never by a clock. The same requests in
//! the same order therefore meet the same faults.

/// The faults of a server: a seed and a list of rules.
///
/// All rules that hit a request act together (a slow answer can also be reset); where two would do the same kind
/// of thing, the one that stands first wins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Feeds [`When::PerMille`].
    pub seed: u64,
    /// The rules, in order of precedence.
    pub rules: Vec<Fault>,
}

impl Faults {
    /// No faults at all.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// No rules yet, with a seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { seed, rules: Vec::new() }
    }

    /// Adds a rule.
    #[must_use]
    pub fn with(mut self, fault: Fault) -> Self {
        self.rules.push(fault);
        self
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self::none().with(fault)
    }
}

impl From<Vec<Fault>> for Faults {
    fn from(rules: Vec<Fault>) -> Self {
        Self { seed: 0, rules }
    }
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// Which of the requests it could apply to are hit.
    pub when: When,
    /// What happens to them.
    pub what: What,
    /// Only requests with this method, in upper case.
    pub method: Option<String>,
    /// Only requests whose path begins with this.
    pub path: Option<String>,
}

impl Fault {
    /// A rule for requests of every method and path.
    #[must_use]
    pub fn new(when: When, what: What) -> Self {
        Self { when, what, method: None, path: None }
    }

    /// Limits the rule to requests with this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_ascii_uppercase());
        self
    }

    /// Limits the rule to requests whose path begins with `prefix`.
    #[must_use]
    pub fn path(mut self, prefix: impl Into<String>) -> Self {
        self.path = Some(prefix.into());
        self
    }
}

/// Which requests a rule hits.
///
/// Requests are counted from 1 and by rule: only those that pass the rule's method and path and to which its
/// [`What`] could apply at all (`NoRanges`, say, counts GET requests with a Range).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum When {
    /// Every request.
    Always,
    /// Every `n`th request: n, 2n, 3n … Zero hits none.
    Every(u64),
    /// The `n`th request only.
    Nth(u64),
    /// The first `n` requests.
    First(u64),
    /// All requests but the first `n`.
    After(u64),
    /// This many of a thousand, drawn from the seed.
    PerMille(u16),
}

/// What happens to a request that is hit.
///
/// Where a number of body bytes is named, it is the answer's body for a download and the request's body (with its
/// multipart framing) for an upload. A fault at a byte that the body never reaches does not happen and is not counted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// Answers with this status and does nothing else. The body of an upload is read and thrown away first.
    Status {
        /// The status code, 200 to 999; any other becomes 500.
        code: u16,
        /// The Retry-After header.
        retry_after: Option<RetryAfter>,
    },
    /// Resets the connection (RST) after this many body bytes. At 0, a download still gets its head. Of the bytes
    /// before, those that a client leaves in the network for longer than 50 ms are lost with the connection.
    ResetAfter {
        /// Body bytes moved before.
        bytes: u64,
    },
    /// Closes the connection in good order (FIN) after this many body bytes, before the declared length.
    CloseAfter {
        /// Body bytes moved before.
        bytes: u64,
    },
    /// Answers in full, announces nothing, and closes the connection: the next request on it meets a dead peer.
    CloseAfterAnswer,
    /// Falls silent after this many body bytes until the client gives up, or
    /// [`stall_bound`](crate::ServeConfig::stall_bound) has passed and the connection is closed.
    StallAfter {
        /// Body bytes moved before.
        bytes: u64,
    },
    /// Waits before the request is looked at.
    Delay {
        /// The wait in milliseconds.
        millis: u64,
    },
    /// Moves the body at this rate at most.
    Slow {
        /// The rate; zero is taken as 1.
        bytes_per_second: u64,
    },
    /// Acts on the request, then closes the connection instead of answering.
    DropAnswer,
    /// Refuses HEAD with this status.
    RefuseHead(u16),
    /// Ignores Range: 200 with the whole file, `Accept-Ranges: none`.
    NoRanges,
    /// Answers a range with a shorter 206 that has at most this many bytes (at least 1).
    ShortRange {
        /// The greatest length of the 206.
        bytes: u64,
    },
    /// Sends neither ETag nor Last-Modified, and matches none.
    NoValidators,
    /// Sends the ETag as a weak one, and no Last-Modified.
    WeakValidators,
    /// Flips one bit of the file's byte at this offset, as it is read for a download or stored for an upload.
    CorruptByte {
        /// Offset in the file.
        at: u64,
    },
    /// Forgets what an upload has stored beyond this many bytes, before the request is acted on.
    LoseBytes {
        /// Bytes that stay.
        keep: u64,
    },
}

impl What {
    /// The name under which [`Stats::faults`](crate::Stats::faults) counts it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::ResetAfter { .. } => "reset",
            Self::CloseAfter { .. } => "close",
            Self::CloseAfterAnswer => "close-after-answer",
            Self::StallAfter { .. } => "stall",
            Self::Delay { .. } => "delay",
            Self::Slow { .. } => "slow",
            Self::DropAnswer => "drop-answer",
            Self::RefuseHead(_) => "refuse-head",
            Self::NoRanges => "no-ranges",
            Self::ShortRange { .. } => "short-range",
            Self::NoValidators => "no-validators",
            Self::WeakValidators => "weak-validators",
            Self::CorruptByte { .. } => "corrupt-byte",
            Self::LoseBytes { .. } => "lose-bytes",
        }
    }
}

/// The two forms of the Retry-After header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// A number of seconds.
    Seconds(u64),
    /// A date, this many seconds from when the answer is made.
    Date(u64),
}
