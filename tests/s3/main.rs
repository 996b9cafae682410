//! Amazon S3's protocol through the real stack: hyper, files, journals, against a small strict store whose every answer can be
//! spoilt. With `LONGHAUL_S3_ENDPOINT` (and `LONGHAUL_S3_REGION`, `_BUCKET`, `_KEY`, `_SECRET`) the round trips run against that
//! server too; `_INTEGRITY` (crc32c, crc64nvme, sha256) and `_PAYLOAD` (signed) choose how, `_SKIP_KEYS` leaves out keys it cannot store.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod credentials;
mod faults;
mod resume;
mod round_trips;
mod sources;
#[allow(unreachable_pub, reason = "as in the shared support")]
mod store;
#[path = "../support/mod.rs"]
mod support;

use longhaul::Job;
use longhaul::core::layout::PartLimits;
use longhaul_s3::{Bucket, Object, Rules, S3Upload};

/// Parts in these tests, in bytes: small, so that many fit.
const PART: u64 = 64 << 10;

/// An object of the model store at `addr`.
fn object(addr: std::net::SocketAddr, key: &str) -> Object {
    let rules = Rules::AMAZON.with_parts(PartLimits::new(PART, 5 << 30, 10_000, 1 << 40));
    let bucket = Bucket::at(&format!("http://{addr}"), store::REGION, store::BUCKET).unwrap().with_rules(rules);
    Object::new(bucket, key, store::access()).unwrap()
}

/// Everything larger than a byte less than a part goes up in parts.
fn upload(object: Object) -> S3Upload {
    S3Upload::new(object).single_up_to(PART - 1)
}

/// An upload that records nothing.
fn from_bytes(upload: S3Upload, content: &[u8]) -> Job {
    support::jobs::from_bytes(upload, content, PART)
}
