//! Where a download goes that is no file: memory, or whoever reads a stream.

use std::sync::Arc;

use longhaul_core::Digest;
use longhaul_driver::Job;
use longhaul_driver::memory::MemoryTarget;
use longhaul_driver::storage::Storage;
use longhaul_driver::stream::{self, StreamReader};

/// A job that `into` makes of a piece of memory of at most `most` bytes.
pub(crate) fn memory<E>(
    most: usize,
    into: impl FnOnce(Arc<dyn Storage>, &str) -> Result<Job, E>,
) -> Result<(Job, MemoryTarget), E> {
    let target = MemoryTarget::new(most);
    Ok((into(Arc::new(target.clone()), &crate::own_name("memory"))?, target))
}

/// A job that `into` makes of a stream whose writer is at most `window` bytes ahead of its reader. What nobody can read again is
/// not recorded.
pub(crate) fn stream<E>(
    window: u64,
    into: impl FnOnce(Arc<dyn Storage>, &str) -> Result<Job, E>,
) -> Result<(Job, StreamReader), E> {
    let (target, reader) = stream::target(window);
    let target = Arc::new(target);
    let mut job = into(Arc::clone(&target) as _, &crate::own_name("stream"))?;
    target.digest(job.spec().expected.iter().map(Digest::algorithm));
    job.spec_mut().window = Some(target.window());
    job.spec_mut().journal = false;
    Ok((job, reader))
}
