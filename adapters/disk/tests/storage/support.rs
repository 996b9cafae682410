//! Short ways to call a storage.

use std::path::Path;

use bytes::{Bytes, BytesMut};
use longhaul_core::error::{FileFault, FileFaultKind};
use longhaul_core::intent::{FileOp, FileReply};
use longhaul_core::range::ByteRange;
use longhaul_core::{Algorithm, Digest};
use longhaul_driver::cancel::Cancel;
use longhaul_driver::hash::Hasher;
use longhaul_driver::storage::{Batch, Chunk, Storage};

pub(crate) async fn run(storage: &impl Storage, op: FileOp) -> Result<FileReply, FileFault> {
    storage.run(op, Cancel::default()).await
}

pub(crate) fn reserve(total: Option<u64>, keep: bool) -> FileOp {
    FileOp::Reserve { total, keep, name: None, modified: None }
}

pub(crate) fn publish(len: u64) -> FileOp {
    FileOp::Publish { len, modified: None, durable: true }
}

pub(crate) async fn write(storage: &impl Storage, offset: u64, bytes: &[u8]) -> Result<(), FileFault> {
    let batch = Batch { frames: vec![Bytes::copy_from_slice(bytes)], hasher: None };
    storage.write(offset, batch).await.map(|batch| assert!(batch.frames.is_empty()))
}

pub(crate) async fn read(storage: &impl Storage, offset: u64, len: usize) -> Result<Vec<u8>, FileFault> {
    let chunk = Chunk { buffer: BytesMut::with_capacity(len), hasher: None };
    storage.read(offset, chunk).await.map(|chunk| chunk.buffer.to_vec())
}

pub(crate) async fn digests(storage: &impl Storage, ranges: &[(u64, u64)]) -> Vec<Option<Digest>> {
    let ranges = ranges.iter().map(|&(start, len)| ByteRange::at(start, len)).collect();
    match run(storage, FileOp::Digest { algorithm: Algorithm::Sha256, ranges }).await {
        Ok(FileReply::Digests(digests)) => digests,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn digest(bytes: &[u8]) -> Option<Digest> {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(bytes);
    hasher.digest()
}

pub(crate) fn kind<T: std::fmt::Debug>(result: Result<T, FileFault>) -> FileFaultKind {
    result.expect_err("should fail").kind
}

/// Names in a folder, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .expect("readable folder")
        .map(|entry| entry.expect("entry").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort_unstable();
    names
}

/// Bytes that differ everywhere.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at ^ at >> 8 ^ at >> 16) as u8).collect()
}

/// A folder in memory, where the kernel waits for nothing.
#[cfg(target_os = "linux")]
pub(crate) fn folder_in_memory() -> tempfile::TempDir {
    const MOUNT: &str = "needs a tmpfs at /dev/shm: mount -t tmpfs tmpfs /dev/shm";
    let folder = tempfile::tempdir_in("/dev/shm").expect(MOUNT);
    assert_eq!(rustix::fs::statfs(folder.path()).expect(MOUNT).f_type, 0x0102_1994, "{MOUNT}");
    folder
}
