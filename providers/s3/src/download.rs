//! Ranged download of an object: `HeadObject` and `GetObject`.
//!
//! Follows <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html> and
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>, with what S3 adds to every store's: checksums of the object.

use http::header::{HeaderMap, HeaderValue};
use longhaul_core::provider::{Head, Object as Found, Step, Verdict};
use longhaul_http::read::{ETag, etag};
use longhaul_store::Download;
use longhaul_store::download::Source;
use longhaul_store::etag::md5;
use longhaul_store::fault::Refusal;

use crate::checksum;
use crate::object::Object;
use crate::rules::Etags;

/// Downloads an object by ranges.
pub type S3Download = Download<Object>;

impl Source for Object {
    const VERSION: &'static str = "versionId";

    fn dress(&self, headers: &mut HeaderMap) {
        headers.insert(checksum::MODE, HeaderValue::from_static("ENABLED"));
    }

    /// Those on a part of an object may be of that part.
    fn add_digests(&self, found: &mut Found, step: &Step, head: Head<'_>) {
        if *step != Step::Probe && head.status.as_u16() != 200 {
            return;
        }
        found.digests.extend(checksum::of_whole(head.headers));
        let means_md5 = self.bucket().rules().etags == Etags::Md5 && !is_directory(self.bucket().name());
        if found.digests.is_empty() && means_md5 && !checksum::is_veiled(head.headers) {
            let tag = etag(head.headers).ok().flatten();
            found.digests.extend(tag.as_ref().map(ETag::as_str).and_then(md5));
        }
    }

    fn verdict(&self, refusal: &Refusal<'_>) -> Verdict {
        let verdict = refusal.verdict();
        // The answer to a HEAD has no body: a GET brings the code that says what is wrong.
        let mute =
            *refusal.step == Step::Probe && matches!(refusal.head.status.as_u16(), 400 | 401 | 403 | 404 | 405 | 501);
        let told = matches!(&verdict, Verdict::Skew { .. }) || refusal.is_elsewhere();
        if mute && !told { Verdict::ProbeByRange } else { verdict }
    }
}

/// Directory buckets (S3 Express One Zone) have tags that are no MD5.
fn is_directory(bucket: &str) -> bool {
    bucket.ends_with("--x-s3")
}
