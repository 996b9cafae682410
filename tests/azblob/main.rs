//! Azure's protocol through the real stack: hyper, files, journals, against a small strict store whose every answer can be spoilt.
//! With `LONGHAUL_AZURE_ENDPOINT` (and `LONGHAUL_AZURE_ACCOUNT`, `_KEY`, `_CONTAINER`) the round trips run against that server too,
//! Azurite or the service; `_SKIP_NAMES` leaves out names it cannot store.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod faults;
mod real;
mod resume;
mod round_trips;
#[allow(unreachable_pub, reason = "as in the shared support")]
mod store;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;
use std::sync::Arc;

use longhaul::core::spec::TransferKey;
use longhaul::driver::journal::JournalName;
use longhaul::driver::memory::MemorySource;
use longhaul::tokio::{FileJournal, FileSource, FileTarget};
use longhaul::{Direction, Job, PartSize, Spec};
use longhaul_azblob::{AzureDownload, AzureUpload, Blob, Container};

/// Blocks in these tests, in bytes: small, so that many fit.
const PART: u64 = 64 << 10;

/// A blob of the model store at `addr`.
fn blob(addr: std::net::SocketAddr, name: &str) -> Blob {
    let container = Container::at(&format!("http://{addr}"), store::ACCOUNT, store::CONTAINER).unwrap();
    Blob::new(container, name, store::key()).unwrap()
}

/// Everything larger than a byte less than a part goes up in blocks.
fn upload(blob: Blob) -> AzureUpload {
    AzureUpload::new(blob).single_up_to(PART - 1)
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
fn from_file(upload: AzureUpload, source: &Path, journals: &Path, part: u64) -> Job {
    let mut spec = spec(Direction::Upload, Arc::new(upload), &source.to_string_lossy(), part);
    spec.journal = true;
    let name = JournalName { id: format!("{:?}", spec.key), beside: None };
    Job::new(spec, Arc::new(FileSource::new(source))).with_journal(Arc::new(FileJournal::in_folder(journals)), name)
}

/// An upload that records nothing.
fn from_bytes(upload: AzureUpload, content: &[u8]) -> Job {
    let spec = spec(Direction::Upload, Arc::new(upload), "memory", PART);
    Job::new(spec, Arc::new(MemorySource::new(content.to_vec())))
}

fn to_file(download: AzureDownload, target: &Path, part: u64) -> Job {
    let spec = spec(Direction::Download, Arc::new(download), &target.to_string_lossy(), part);
    Job::new(spec, Arc::new(FileTarget::new(target)))
}

/// Names that tempt to be normalised, decoded twice or taken for something else (O4); those with dot segments Azure does not have.
fn names() -> Vec<String> {
    let mut names: Vec<String> = [
        "a b",
        "a+b",
        "a%b",
        "a%20b",
        "a=b",
        "a&b",
        "a?b",
        "a#b",
        "日本/ü é",
        "/leading",
        "//two",
        "a//b",
        "trailing/",
        "~-_.x",
        "'()*!",
        "a\"<>^`{|}",
        "a:b@c,d;e$f",
    ]
    .map(String::from)
    .into();
    names.push("k".repeat(1024));
    names
}
