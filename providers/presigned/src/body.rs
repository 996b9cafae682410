//! What a completion, or an abort, says of the parts that were uploaded.
//!
//! | body | for | form |
//! |---|---|---|
//! | `parts_json` | a backend of one's own | `{"upload_id", "total_size", "chunk_size", "parts": [{"part_number", "provider_part_id", "offset", "size", "etag"}]}` |
//! | `s3_xml` | S3, OSS | <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html> |
//! | `azure_block_list` | Azure Blob | <https://learn.microsoft.com/rest/api/storageservices/put-block-list> |
//! | a [`BodyBuilder`] | anything else | the application's |

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;
use http::HeaderValue;
use longhaul_core::error::BuildError;
use longhaul_core::plan::{PlannedBody, UploadPlan};
use longhaul_core::provider::Context;
use longhaul_sign::xml::escape;
use serde::Serialize;

use crate::tag;

/// The parts that were uploaded, in the order of their numbers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[non_exhaustive]
pub struct Uploaded<'a> {
    /// The store's id of the upload.
    pub upload_id: Option<&'a str>,
    /// Size of the object in bytes.
    pub total_size: u64,
    /// Size of every part but the last, in bytes.
    pub chunk_size: u64,
    /// The parts.
    pub parts: Vec<UploadedPart<'a>>,
}

/// One part that was uploaded.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[non_exhaustive]
pub struct UploadedPart<'a> {
    /// Its number, from 1.
    pub part_number: u64,
    /// The store's own name for it.
    pub provider_part_id: Option<&'a str>,
    /// Where it begins, in bytes.
    pub offset: u64,
    /// Its size in bytes.
    pub size: u64,
    /// What the store answered, verbatim.
    pub etag: Option<&'a str>,
}

/// A body, and what it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Said {
    /// `Content-Type`, unless the plan's headers have one.
    pub content_type: Option<HeaderValue>,
    /// The bytes.
    pub bytes: Bytes,
}

/// Makes the body of a completion or an abort, where none of the usual ones will do.
pub trait BodyBuilder: fmt::Debug + Send + Sync {
    /// The body for what was uploaded.
    ///
    /// # Errors
    /// When none can be made of it. Ends the transfer.
    fn build(&self, uploaded: &Uploaded<'_>) -> Result<Said, BuildError>;
}

impl<'a> Uploaded<'a> {
    /// What is confirmed of a plan's parts, those of earlier runs included.
    pub(crate) fn new(plan: &'a UploadPlan, cx: &Context<'a>) -> Self {
        let part = |part: &'a longhaul_core::provider::UploadedPart| {
            let (id, etag) = tag::split(&part.tag);
            UploadedPart {
                part_number: part.number,
                provider_part_id: id,
                offset: part.range.start(),
                size: part.range.len(),
                etag,
            }
        };
        Self {
            upload_id: plan.upload_id(),
            total_size: plan.total(),
            chunk_size: plan.part_size(),
            parts: cx.parts.values().map(part).collect(),
        }
    }

    /// Whether nothing is missing: a commit of less would make another object.
    pub(crate) fn covers(&self, plan: &UploadPlan) -> bool {
        self.parts.len() as u64 == plan.count()
    }
}

/// The usual bodies.
pub(crate) fn usual(body: &PlannedBody, uploaded: &Uploaded<'_>) -> Result<Said, BuildError> {
    // Stores know what they get there, and OSS checks the signature of any Content-Type that comes: what was not signed is not sent.
    let xml = |text: String| Said { content_type: None, bytes: Bytes::from(text) };
    match body {
        PlannedBody::PartsJson => {
            let text = serde_json::to_string(uploaded)
                .map_err(|_| BuildError::new("the list of parts makes no JSON", "report this as a bug"))?;
            Ok(Said { content_type: Some(HeaderValue::from_static("application/json")), bytes: Bytes::from(text) })
        }
        PlannedBody::S3Xml => s3_xml(uploaded).map(xml),
        PlannedBody::AzureBlockList => block_list(uploaded).map(xml),
        PlannedBody::Text(text) => Ok(Said { content_type: None, bytes: Bytes::from(text.clone()) }),
        _ => Ok(Said::default()),
    }
}

fn s3_xml(uploaded: &Uploaded<'_>) -> Result<String, BuildError> {
    let mut text = String::from("<CompleteMultipartUpload>");
    for part in &uploaded.parts {
        let etag = part.etag.ok_or_else(|| lacks(part, "ETag", "let the plan's tag be etag"))?;
        text += &format!("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", part.part_number, escape(etag));
    }
    text += "</CompleteMultipartUpload>";
    Ok(text)
}

/// `Latest` is what was sent last under that name: these blocks, of this upload.
fn block_list(uploaded: &Uploaded<'_>) -> Result<String, BuildError> {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
    for part in &uploaded.parts {
        let id = part.provider_part_id.ok_or_else(|| lacks(part, "block id", "give it as provider_part_id"))?;
        text += &format!("<Latest>{}</Latest>", escape(id));
    }
    text += "</BlockList>";
    Ok(text)
}

fn lacks(part: &UploadedPart<'_>, what: &str, remedy: &str) -> BuildError {
    BuildError::new(format!("part {} has no {what}", part.part_number), remedy)
}
