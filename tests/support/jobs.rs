//! Jobs made of a provider by hand: in parts of a given size, with short delays.

use std::path::Path;
use std::sync::Arc;

use longhaul::core::Provider;
use longhaul::core::spec::TransferKey;
use longhaul::driver::journal::JournalName;
use longhaul::driver::memory::MemorySource;
use longhaul::driver::storage::Storage;
use longhaul::tokio::{FileJournal, FileSource, FileTarget};
use longhaul::{Direction, Job, PartSize, Spec};

fn spec(direction: Direction, provider: Arc<dyn Provider>, local: &str, part: u64) -> Spec {
    let key = TransferKey::new(direction, provider.object(), local);
    let mut spec = Spec::new(direction, provider, key);
    spec.part_size = PartSize::Bytes(part);
    spec.retry = super::quick();
    spec.journal = false;
    spec
}

/// An upload of `source` that records what it does in `journals`.
pub fn from_file(upload: impl Provider + 'static, source: &Path, journals: &Path, part: u64) -> Job {
    let mut spec = spec(Direction::Upload, Arc::new(upload), &source.to_string_lossy(), part);
    spec.journal = true;
    let name = JournalName { id: format!("{:?}", spec.key), beside: None };
    Job::new(spec, Arc::new(FileSource::new(source))).with_journal(Arc::new(FileJournal::in_folder(journals)), name)
}

/// An upload that records nothing.
pub fn from_bytes(upload: impl Provider + 'static, content: &[u8], part: u64) -> Job {
    from_storage(upload, Arc::new(MemorySource::new(content.to_vec())), part)
}

/// An upload of whatever that records nothing.
pub fn from_storage(upload: impl Provider + 'static, source: Arc<dyn Storage>, part: u64) -> Job {
    Job::new(spec(Direction::Upload, Arc::new(upload), "memory", part), source)
}

/// A download that records nothing.
pub fn to_file(download: impl Provider + 'static, target: &Path, part: u64) -> Job {
    let spec = spec(Direction::Download, Arc::new(download), &target.to_string_lossy(), part);
    Job::new(spec, Arc::new(FileTarget::new(target)))
}

/// Keys that tempt to be normalised, decoded twice or taken for something else (O4).
pub fn keys() -> Vec<String> {
    let mut keys: Vec<String> = [
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
        "a/./b",
        "a/../b",
        "..",
        ".",
        "trailing/",
        "~-_.",
        "'()*!",
        "a\"<>\\^`{|}",
        "a:b@c,d;e$f",
    ]
    .map(String::from)
    .into();
    keys.push("k".repeat(1024));
    keys.push("é".repeat(512));
    keys
}

/// Whether one of a key's segments is `.` or `..`.
pub fn has_dots(key: &str) -> bool {
    key.split('/').any(|segment| matches!(segment, "." | ".."))
}
