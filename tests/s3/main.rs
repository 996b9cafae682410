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

mod faults;
mod resume;
mod round_trips;
#[allow(unreachable_pub, reason = "as in the shared support")]
mod store;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;
use std::sync::Arc;

use longhaul::core::layout::PartLimits;
use longhaul::core::spec::TransferKey;
use longhaul::driver::journal::JournalName;
use longhaul::driver::memory::MemorySource;
use longhaul::tokio::{FileJournal, FileSource, FileTarget};
use longhaul::{Direction, Job, PartSize, Spec};
use longhaul_s3::{Bucket, Object, Rules, S3Download, S3Upload};

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

fn spec(direction: Direction, provider: Arc<dyn longhaul::core::Provider>, local: &str, part: u64) -> Spec {
    let key = TransferKey::new(direction, provider.object(), local);
    let mut spec = Spec::new(direction, provider, key);
    spec.part_size = PartSize::Bytes(part);
    spec.retry = support::quick();
    spec.journal = false;
    spec
}

/// An upload of `source` that records what it does in `journals`.
fn from_file(upload: S3Upload, source: &Path, journals: &Path, part: u64) -> Job {
    let mut spec = spec(Direction::Upload, Arc::new(upload), &source.to_string_lossy(), part);
    spec.journal = true;
    let name = JournalName { id: format!("{:?}", spec.key), beside: None };
    Job::new(spec, Arc::new(FileSource::new(source))).with_journal(Arc::new(FileJournal::in_folder(journals)), name)
}

/// An upload that records nothing.
fn from_bytes(upload: S3Upload, content: &[u8]) -> Job {
    let spec = spec(Direction::Upload, Arc::new(upload), "memory", PART);
    Job::new(spec, Arc::new(MemorySource::new(content.to_vec())))
}

fn to_file(download: S3Download, target: &Path, part: u64) -> Job {
    let spec = spec(Direction::Download, Arc::new(download), &target.to_string_lossy(), part);
    Job::new(spec, Arc::new(FileTarget::new(target)))
}
