//! Presigned plans: somebody who holds the credentials (an application's backend) issues URLs, and this side, which holds none,
//! sends requests to them.
//!
//! A plan comes in as a draft ([`UploadDraft`], [`DownloadDraft`]): plain data, untrusted. The one way from there to a plan that
//! a transfer works from is [`UploadPlan::new`], [`DownloadPlan::new`]: they hold the draft against a [`Policy`] and either give
//! a value whose every URL, header and number is sound, or a [`PlanError`] that names the part, the field and the remedy.
//!
//! This module never sends, signs or parses text, and nothing of it shows a URL's query or a header's value.

mod download;
mod draft;
mod error;
mod policy;
mod target;
#[cfg(test)]
mod tests;
mod upload;

pub use download::DownloadPlan;
pub use draft::{BodyDraft, DownloadDraft, PartDraft, RequestDraft, TagDraft, UploadDraft};
pub use error::{Place, PlanError};
pub use policy::{HeaderRule, HostRule, Hosts, PlainHttp, Policy};
pub use target::{PlannedBody, PlannedRequest};
pub use upload::{PlannedPart, TagSource, UploadPlan};
