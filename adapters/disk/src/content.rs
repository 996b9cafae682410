//! Content of open files: positioned reads, digests of ranges, what follows a write; and names for new files.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::BytesMut;
use longhaul_core::digest::{Algorithm, Digest};
use longhaul_core::error::FileFault;
use longhaul_core::range::ByteRange;
use longhaul_driver::cancel::Cancel;
use longhaul_driver::hash::Hasher;
use longhaul_driver::storage::Batch;

use crate::fault::{cancelled, fault};

/// How much is read at once for digests; the cancel flag is looked at in between.
const DIGEST_BUFFER: usize = 1 << 20;

/// Fills `buffer` to its capacity from `offset` on; short only at the end of the file.
pub(crate) fn fill(file: &File, mut offset: u64, buffer: &mut BytesMut) -> io::Result<()> {
    while buffer.len() < buffer.capacity() {
        match crate::sys::read_into(file, offset, buffer) {
            Ok(0) => break,
            Ok(read) => offset += read as u64,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// What is left to do for a batch that has been written.
pub(crate) fn hash_and_clear(batch: &mut Batch) {
    if let Some(hasher) = &mut batch.hasher {
        for frame in &batch.frames {
            hasher.update(frame);
        }
    }
    batch.frames.clear();
}

/// Digests of `ranges`, `None` for a range that the file does not have whole.
pub(crate) fn digests(
    file: &File,
    path: &Path,
    algorithm: Algorithm,
    ranges: &[ByteRange],
    cancel: &Cancel,
) -> Result<Vec<Option<Digest>>, FileFault> {
    let longest = ranges.iter().map(|range| range.len()).max().unwrap_or(0);
    let mut buffer = BytesMut::with_capacity(DIGEST_BUFFER.min(usize::try_from(longest).unwrap_or(DIGEST_BUFFER)));
    ranges
        .iter()
        .map(|range| {
            let (mut hasher, mut at) = (Hasher::new(algorithm), range.start());
            while at < range.end() {
                if cancel.is_set() {
                    return Err(cancelled());
                }
                buffer.clear();
                fill(file, at, &mut buffer).map_err(|error| fault("read", path, &error))?;
                let wanted = usize::try_from(range.end() - at).unwrap_or(usize::MAX).min(buffer.len());
                let Some(bytes) = buffer.get(..wanted).filter(|bytes| !bytes.is_empty()) else {
                    return Ok(None);
                };
                hasher.update(bytes);
                at += wanted as u64;
            }
            Ok(hasher.digest())
        })
        .collect()
}

/// Calls `create` with new names in `folder` until one is free.
pub(crate) fn with_fresh_name<T>(folder: &Path, mut create: impl FnMut(&Path) -> io::Result<T>) -> io::Result<T> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let mut taken = io::ErrorKind::AlreadyExists.into();
    // Names left behind by earlier processes of the same number are skipped; there cannot be many.
    for _ in 0..1000 {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        match create(&folder.join(format!(".longhaul-{}-{number}", std::process::id()))) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = error,
            result => return result,
        }
    }
    Err(taken)
}
