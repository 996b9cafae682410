//! What providers are asked and what they make of answers, as plain data.

use serde::{Deserialize, Serialize};

use super::is_default;

/// A piece of a request's body.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// This many bytes made by the provider.
    Inline(u64),
    /// The source's bytes from, to.
    Source(u64, u64),
}

/// A step of a protocol.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Step {
    /// Its name.
    pub step: String,
    /// The part's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// The bytes it moves: from, to (`u64::MAX` for an open end).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<(u64, u64)>,
    /// The part's digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Where a page of a listing begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
}

/// What a transfer had learned when a provider was asked.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Known {
    /// Size of the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Its time, where that pins it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<i64>,
    /// The session's name in this trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Parts the server has confirmed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub parts: u64,
    /// Digest of what was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<String>,
    /// Digest of the content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Where a redirect led, without query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Seconds that the server's clock is ahead.
    #[serde(default, skip_serializing_if = "is_default")]
    pub skew: i64,
    /// Whether checksums stay off.
    #[serde(default, skip_serializing_if = "is_default")]
    pub plain: bool,
}

/// What an answer means: the core's `Reply` or `Verdict`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "it", rename_all = "snake_case")]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are those of the core's `Reply` and `Verdict`")]
pub enum Meaning {
    Object { object: Object },
    Range { range: (u64, u64), object: Object },
    Whole { object: Object },
    Unsatisfiable { total: Option<u64> },
    Begun { session: Option<String>, next: Option<u64>, receipt: Option<Receipt> },
    Part { tag: String, next: Option<u64>, receipt: Option<Receipt> },
    Parts { parts: Vec<(u64, u64, u64, String)>, marker: Option<String> },
    Committed { receipt: Receipt },
    NotCommitted,
    Aborted,
    Retry { fault: ServerFault, after: Option<u64>, at: Option<i64> },
    Redirect { location: String, fault: ServerFault },
    Refresh { fault: ServerFault },
    Skew { server: i64, fault: ServerFault },
    Plain { fault: ServerFault },
    ProbeByRange,
    Changed { changed: Changed },
    Doubtful { fault: ServerFault },
    Fatal { fault: ServerFault },
}

/// What an answer tells about an object.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the core's `Object`")]
pub struct Object {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pinned: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ranges: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub digests: Vec<String>,
}

/// What the server tells about a finished upload.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the core's `Receipt`")]
pub struct Receipt {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
}

/// A refusal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the core's `ServerFault`")]
pub struct ServerFault {
    pub kind: String,
    pub step: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// How an object turned out to be another one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are those of the core's `Changed`")]
pub enum Changed {
    Condition,
    Validator { header: String, status: u16 },
    Size { known: u64, seen: u64 },
    Ranges,
}

/// A presigned plan without its signatures: URLs have no query, header fields are left out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the core's `UploadPlan`")]
pub struct Plan {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    pub object: String,
    pub total: u64,
    pub part_size: u64,
    pub margin: u32,
    pub refreshable: bool,
    pub batch: (u32, u32),
    pub parts: Vec<PlannedPart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complete: Option<PlannedRequest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm: Option<PlannedRequest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abort: Option<PlannedRequest>,
}

/// A part of a [`Plan`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the core's `PlannedPart`")]
pub struct PlannedPart {
    pub number: u64,
    #[serde(flatten)]
    pub request: PlannedRequest,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// A request of a [`Plan`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the core's `PlannedRequest`")]
pub struct PlannedRequest {
    pub url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
}
