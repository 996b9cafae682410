//! Ranged download of a blob: Get Blob Properties and Get Blob.
//!
//! Follows <https://learn.microsoft.com/rest/api/storageservices/get-blob-properties> and
//! <https://learn.microsoft.com/rest/api/storageservices/get-blob>, with what Azure adds to every store's: the MD5 stored with a blob,
//! snapshots, leases.

use http::header::HeaderMap;
use longhaul_core::provider::{Head, Object as Found, Step, Verdict};
use longhaul_http::read::{Content, digests};
use longhaul_store::Download;
use longhaul_store::download::{Snapshots, Source};
use longhaul_store::fault::Refusal;

use crate::blob::Blob;
use crate::checksum;
use crate::fault::{self, is_condition, is_mute};

/// Downloads a blob by ranges.
pub type AzureDownload = Download<Blob>;

impl Source for Blob {
    const VERSION: &'static str = "versionid";

    fn dress(&self, _: &mut HeaderMap) {}

    /// The MD5 that is stored with the blob, and not that of a range.
    fn add_digests(&self, found: &mut Found, _: &Step, head: Head<'_>) {
        if found.digests.is_empty() {
            let content = if head.status.as_u16() == 206 { Content::Part } else { Content::Head };
            found.digests = digests(head.headers, content);
        }
        found.digests.extend(checksum::stored(head.headers).filter(|_| found.digests.is_empty()));
    }

    /// 412 speaks of leases too.
    fn is_changed(&self, refusal: &Refusal<'_>) -> bool {
        is_condition(refusal)
    }

    fn verdict(&self, refusal: &Refusal<'_>) -> Verdict {
        // The answer to a HEAD has no body; where the head has no code either, a GET may bring one.
        let mute = *refusal.step == Step::Probe && is_mute(refusal);
        match fault::verdict(self, refusal) {
            Verdict::Skew { server, fault } => Verdict::Skew { server, fault },
            _ if mute && matches!(refusal.head.status.as_u16(), 400..=403 | 405 | 501) => Verdict::ProbeByRange,
            verdict => verdict,
        }
    }
}

impl Snapshots for Blob {
    const SNAPSHOT: &'static str = "snapshot";
}
