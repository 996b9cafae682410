//! Linux: which bytes of a file can be had without waiting for a disk.

use std::fs::File;
use std::io::IoSliceMut;

use rustix::io::ReadWriteFlags;

/// How far apart the bytes are that are looked at: the kernel reads ahead at least as much at once.
const STEP: usize = 128 << 10;

/// Whether `len` bytes from `offset` on are in memory, as far as looking here and there tells. Reads without waiting; no where
/// the file system cannot do that (`RWF_NOWAIT`).
pub(crate) fn is_in_memory(file: &File, offset: u64, len: usize) -> bool {
    let Some(last) = len.checked_sub(1) else {
        return true;
    };
    (0..last).step_by(STEP).chain([last]).all(|at| {
        let mut byte = [0];
        let mut slices = [IoSliceMut::new(&mut byte)];
        rustix::io::preadv2(file, &mut slices, offset + at as u64, ReadWriteFlags::NOWAIT) == Ok(1)
    })
}
