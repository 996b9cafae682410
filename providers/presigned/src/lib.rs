//! Uploads and downloads by presigned URLs, for `longhaul`: the application's backend holds the credentials and issues a plan,
//! this side holds none and carries it out.
//!
//! The plan is neutral: whether its URLs are those of S3, OSS, Azure Blob or of a server of one's own is the issuer's business.
//! Pure request builders and answer readers: no socket, no clock, no file.
//!
//! | module | what it owns |
//! |---|---|
//! | [`json`] | plans written as JSON, read within bounds |
//! | [`upload`] | [`PresignedUpload`]: parts side by side, completion, abort |
//! | [`download`] | [`PresignedDownload`]: ranges of one URL |
//! | [`body`] | what a completion says: JSON, S3's and OSS's XML, Azure's block list, or the application's own ([`BodyBuilder`]) |
//!
//! What a plan may ask for is [`longhaul_core::plan::Policy`]'s to say. Fresh URLs come from the application, as the answer to
//! [`Question::Urls`](longhaul_core::intent::Question::Urls): another provider of this crate made of a fresh plan, which need have
//! nothing but what was asked for.
//!
//! # What is never shown
//!
//! `Debug`, `Display` and every error of this crate leave out URL queries and the values of header fields.

#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod body;
pub mod download;
pub mod json;
mod tag;
pub mod upload;

pub use body::{BodyBuilder, Said, Uploaded, UploadedPart};
pub use download::PresignedDownload;
pub use json::JsonError;
pub use longhaul_core::plan::{DownloadDraft, DownloadPlan, Policy, UploadDraft, UploadPlan};
pub use upload::PresignedUpload;
