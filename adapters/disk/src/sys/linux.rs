//! Linux: which bytes of a file can be had without waiting for a disk, and pipes from which files are written (`splice(2)`).

use std::fs::File;
use std::io::{self, IoSliceMut, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use longhaul_core::intent::Fingerprint;
use longhaul_driver::storage::{Pipe, is_refusal};
use rustix::fs::{AtFlags, CWD, StatxFlags, StatxTimestamp, makedev, statx};
use rustix::io::{ReadWriteFlags, retry_on_intr};
use rustix::pipe::{SpliceFlags, fcntl_setpipe_size, splice};

use super::Identity;

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

/// Which file is at `path`, and what it looks like; asked of the server where the file system is one's (`AT_STATX_FORCE_SYNC`), as it
/// is when a file is opened.
pub(crate) fn look_anew(path: &Path) -> io::Result<(Identity, Fingerprint)> {
    let there = statx(CWD, path, AtFlags::STATX_FORCE_SYNC, StatxFlags::BASIC_STATS)?;
    let nanos =
        |time: StatxTimestamp| time.tv_sec.saturating_mul(1_000_000_000).saturating_add(i64::from(time.tv_nsec));
    let fingerprint = Fingerprint {
        len: there.stx_size,
        modified: nanos(there.stx_mtime),
        changed: nanos(there.stx_ctime),
        file: there.stx_ino,
    };
    let volume = makedev(there.stx_dev_major, there.stx_dev_minor);
    Ok((Identity { volume, file: there.stx_ino }, fingerprint))
}

/// Bytes a pipe holds: the most that the system gives to everybody (`pipe-max-size`).
const PIPE: usize = 1 << 20;

/// Pipes about at a time, all of this process: half of what the system lets a user have of this size (`pipe-user-pages-soft`). Beyond
/// that it would give all the user's processes very small ones.
const PIPES: usize = 32;

/// Held once by each pipe that is about.
static ABOUT: LazyLock<Arc<()>> = LazyLock::new(Arc::default);

/// An empty pipe, if there is to be another one and `splice` may be called at all.
pub(crate) fn pipe() -> Option<Pipe> {
    let counted = Arc::clone(&ABOUT);
    if Arc::strong_count(&counted) > PIPES + 1 {
        return None;
    }
    let (reader, writer) = io::pipe().ok()?;
    let size = fcntl_setpipe_size(&writer, PIPE).ok()?;
    // Moves nothing, and fails in a sandbox without it.
    splice(&reader, None, &writer, None, 0, SpliceFlags::empty()).ok()?;
    Some(Pipe { reader, writer, len: 0, size, counted })
}

/// What was not written without being read.
#[derive(Debug)]
pub(crate) enum Unwritten {
    /// This file system wants bytes from memory; so many were to come.
    Refused(usize),
    Failed(io::Error),
}

/// Writes the first `len` bytes in the pipe from `offset` on. Never waits for the pipe, which holds them.
pub(crate) fn write_from_pipe(file: &File, mut offset: u64, pipe: &Pipe, len: usize) -> Result<(), Unwritten> {
    let mut left = len;
    while left > 0 {
        match retry_on_intr(|| splice(&pipe.reader, None, file, Some(&mut offset), left, SpliceFlags::MOVE))
            .map_err(io::Error::from)
        {
            Ok(0) => return Err(Unwritten::Failed(io::ErrorKind::WriteZero.into())),
            Ok(written) => left -= written,
            Err(error) if is_refusal(&error) => return Err(Unwritten::Refused(left)),
            Err(error) => return Err(Unwritten::Failed(error)),
        }
    }
    Ok(())
}

/// The same for a file system that wants bytes from memory.
pub(crate) fn copy_from_pipe(file: &File, mut offset: u64, pipe: &Pipe, len: usize) -> io::Result<()> {
    let mut bytes = vec![0; len.min(STEP)];
    let mut left = len;
    while left > 0 {
        let wanted = left.min(bytes.len());
        let Some(part) = bytes.get_mut(..wanted) else { break };
        (&pipe.reader).read_exact(part)?;
        file.write_all_at(part, offset)?;
        offset += wanted as u64;
        left -= wanted;
    }
    Ok(())
}
