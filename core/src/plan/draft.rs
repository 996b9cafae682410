//! Plans as they come in: plain data with public fields, to be filled by hand or, with feature `serde`, from JSON.
//!
//! Nothing here is believed. `Debug` shows neither URLs nor header values.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// An upload in parts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct UploadDraft {
    /// The store's id of the upload, where it has one. A later plan with another id is another upload: nothing of the earlier
    /// one counts for it.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub upload_id: Option<String>,
    /// The object's stable name for messages and for recognising it after a restart; without secrets. Default: the first part's
    /// URL without its query.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub object: Option<String>,
    /// What the application wants to know about its own plan; not used here.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "BTreeMap::is_empty"))]
    pub metadata: BTreeMap<String, String>,
    /// Size of the object in bytes.
    pub total_size: u64,
    /// Size of every part but the last, in bytes.
    #[cfg_attr(feature = "serde", serde(alias = "chunk_size"))]
    pub part_size: u64,
    /// The parts; all of them, or where more can be asked for, some.
    #[cfg_attr(feature = "serde", serde(default))]
    pub parts: Vec<PartDraft>,
    /// What completes the upload once all parts are there. Without it the last part is the end.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub complete: Option<RequestDraft>,
    /// What tells whether the completion took effect: 2xx if so, 404 if not.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub confirm: Option<RequestDraft>,
    /// What gives the upload up.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub abort: Option<RequestDraft>,
    /// What names an uploaded part in the completion.
    #[cfg_attr(feature = "serde", serde(default))]
    pub tag: TagDraft,
    /// A URL is not used any more when it expires in less than this many seconds. Default 60.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub refresh_margin: Option<u32>,
}

/// One part.
#[derive(Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct PartDraft {
    /// Its number, from 1.
    #[cfg_attr(feature = "serde", serde(alias = "part_number"))]
    pub number: u64,
    /// Where it begins, in bytes.
    pub offset: u64,
    /// Its size in bytes.
    pub size: u64,
    /// The method. Default `PUT`.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub method: Option<String>,
    /// Where it goes.
    pub url: String,
    /// Header fields that go along: those that were signed.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "BTreeMap::is_empty"))]
    pub headers: BTreeMap<String, String>,
    /// The store's own name for the part (Azure: the block id), to be repeated in the completion.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub provider_part_id: Option<String>,
    /// When the URL expires, in seconds since 1970. Default: never.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub expires_at: Option<i64>,
}

/// A request that is not a part's.
#[derive(Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct RequestDraft {
    /// The method. Default `POST` to complete, `DELETE` to abort, `GET` to confirm.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub method: Option<String>,
    /// Where it goes.
    pub url: String,
    /// Header fields that go along.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "BTreeMap::is_empty"))]
    pub headers: BTreeMap<String, String>,
    /// What it says.
    #[cfg_attr(feature = "serde", serde(default))]
    pub body: BodyDraft,
    /// When the URL expires, in seconds since 1970. Default: never.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub expires_at: Option<i64>,
}

/// What a request says.
#[derive(Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum BodyDraft {
    /// Nothing.
    #[default]
    Empty,
    /// The uploaded parts as JSON.
    PartsJson,
    /// The uploaded parts as S3's and OSS's `CompleteMultipartUpload`.
    S3Xml,
    /// The uploaded parts' ids as Azure's `BlockList`.
    AzureBlockList,
    /// This text.
    Text(String),
}

/// What names an uploaded part.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum TagDraft {
    /// The answer's `ETag`.
    #[default]
    Etag,
    /// Another field of the answer.
    Header(String),
    /// Nothing in the answer: number or `provider_part_id` say it all.
    None,
}

/// A download.
#[derive(Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct DownloadDraft {
    /// Where it comes from.
    pub url: String,
    /// Header fields that go along: those that were signed.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "BTreeMap::is_empty"))]
    pub headers: BTreeMap<String, String>,
    /// The object's stable name. Default: the URL without its query.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub object: Option<String>,
    /// Size of the object in bytes, where known.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub total_size: Option<u64>,
    /// When the URL expires, in seconds since 1970. Default: never.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub expires_at: Option<i64>,
    /// The URL is not used any more when it expires in less than this many seconds. Default 60.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub refresh_margin: Option<u32>,
}

impl fmt::Debug for PartDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartDraft")
            .field("number", &self.number)
            .field("offset", &self.offset)
            .field("size", &self.size)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RequestDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestDraft")
            .field("body", &self.body)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for BodyDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Empty",
            Self::PartsJson => "PartsJson",
            Self::S3Xml => "S3Xml",
            Self::AzureBlockList => "AzureBlockList",
            Self::Text(_) => "Text",
        })
    }
}

impl fmt::Debug for DownloadDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DownloadDraft")
            .field("total_size", &self.total_size)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
