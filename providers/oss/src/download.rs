//! Ranged download of an object: `HeadObject` and `GetObject`.
//!
//! Follows <https://www.alibabacloud.com/help/en/oss/developer-reference/headobject> and
//! <https://www.alibabacloud.com/help/en/oss/developer-reference/getobject>, with what OSS adds to every store's: the CRC-64 of the whole
//! object on every answer, and `x-oss-range-behavior: standard` on every range. Without it OSS answers a range that it cannot serve
//! with the whole object.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use longhaul_core::provider::{Head, Object as Found, Step, Verdict};
use longhaul_store::Download;
use longhaul_store::download::Source;
use longhaul_store::fault::Refusal;

use crate::checksum;
use crate::object::Object;

const RANGE_BEHAVIOR: HeaderName = HeaderName::from_static("x-oss-range-behavior");

/// Downloads an object by ranges.
pub type OssDownload = Download<Object>;

impl Source for Object {
    const VERSION: &'static str = "versionId";

    fn dress(&self, headers: &mut HeaderMap) {
        if headers.contains_key(header::RANGE) {
            headers.insert(RANGE_BEHAVIOR, HeaderValue::from_static("standard"));
        }
    }

    /// Also on a range the CRC is that of the whole object; an MD5 is told with all of it only.
    fn add_digests(&self, found: &mut Found, step: &Step, head: Head<'_>) {
        if *step == Step::Probe {
            found.digests = checksum::of_whole(head.headers);
        } else if let Some(crc) = checksum::in_head(head.headers) {
            found.digests = alloc::vec![crc];
        }
    }

    fn verdict(&self, refusal: &Refusal<'_>) -> Verdict {
        let error = refusal.error();
        // A HEAD that is refused without a word: a GET brings the code that says what is wrong.
        let mute = *refusal.step == Step::Probe && error.code.is_none();
        match refusal.verdict_on(&error) {
            Verdict::Fatal(_) | Verdict::Refresh(_)
                if mute && matches!(refusal.head.status.as_u16(), 400..=403 | 405 | 501) =>
            {
                Verdict::ProbeByRange
            }
            verdict => verdict,
        }
    }
}
