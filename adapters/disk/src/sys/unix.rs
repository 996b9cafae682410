//! Linux, macOS and their relatives.

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::{self, IoSlice};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

use bytes::{Bytes, BytesMut};
use longhaul_core::intent::Fingerprint;
use rustix::fs::OFlags;

use super::Identity;

/// Most slices the systems take in one call (`IOV_MAX` is 1024 on Linux, macOS and the BSDs).
const SLICES: usize = 1024;

/// Opens a regular file for reading, without hanging on a FIFO.
pub(crate) fn open_source(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(flags(OFlags::NONBLOCK)).open(path)
}

/// Opens an existing file of our own for reading and writing. A symbolic link in its place is refused.
pub(crate) fn open_own(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).custom_flags(flags(OFlags::NOFOLLOW | OFlags::NONBLOCK)).open(path)
}

/// The same, made as the umask says where there is none.
pub(crate) fn open_or_create_own(path: &Path) -> io::Result<File> {
    let own = flags(OFlags::NOFOLLOW | OFlags::NONBLOCK);
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o666).custom_flags(own).open(path)
}

/// Creates a file that was not there. `private`: for nobody but its owner; otherwise as the umask says.
pub(crate) fn create(path: &Path, private: bool) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(if private { 0o600 } else { 0o666 }).open(path)
}

/// Creates a private file without a name; it goes with its last handle.
pub(crate) fn create_unnamed(folder: &Path) -> io::Result<File> {
    crate::content::with_fresh_name(folder, |path| {
        let file = create(path, true)?;
        std::fs::remove_file(path)?;
        Ok(file)
    })
}

fn flags(flags: OFlags) -> i32 {
    flags.bits().cast_signed()
}

/// Reads once at `offset` into what `buffer` has left of its capacity; 0 means the end of the file.
pub(crate) fn read_into(file: &File, offset: u64, buffer: &mut BytesMut) -> io::Result<usize> {
    let (read, _) = rustix::io::pread(file, buffer.spare_capacity_mut(), offset)?;
    let (read, filled) = (read.len(), buffer.len());
    // SAFETY: `pread` gave back the first `read` bytes of the spare capacity as initialised, and that capacity starts at `filled`.
    unsafe { buffer.set_len(filled + read) };
    Ok(read)
}

/// Writes all frames one after another from `offset` on.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
pub(crate) fn write_all(file: &File, mut offset: u64, frames: &[Bytes]) -> io::Result<()> {
    if let [frame] = frames {
        return file.write_all_at(frame, offset);
    }
    for frames in frames.chunks(SLICES) {
        let mut slices: Vec<IoSlice<'_>> =
            frames.iter().filter(|frame| !frame.is_empty()).map(|frame| IoSlice::new(frame)).collect();
        let mut slices = slices.as_mut_slice();
        while !slices.is_empty() {
            match rustix::io::pwritev(file, slices, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    IoSlice::advance_slices(&mut slices, written);
                    offset += written as u64;
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

/// Writes all frames one after another from `offset` on.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(crate) fn write_all(file: &File, mut offset: u64, frames: &[Bytes]) -> io::Result<()> {
    for frame in frames {
        file.write_all_at(frame, offset)?;
        offset += frame.len() as u64;
    }
    Ok(())
}

/// Whether the file's content is nowhere but in memory, where that can be told.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn is_of_memory(_: &File) -> bool {
    false
}

/// Reserves room for `len` bytes in all. Where the file system cannot, nothing happens: a full disk shows later.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn reserve(file: &File, len: u64) -> io::Result<()> {
    use rustix::io::Errno;
    if is_of_memory(file) {
        // Pages have no order to win there, and taking them all at once (0.1 s per GiB) only delays the first byte.
        let missing = len.saturating_sub(file.metadata()?.blocks().saturating_mul(512));
        let volume = rustix::fs::fstatvfs(file)?;
        let free = volume.f_bavail.saturating_mul(volume.f_frsize);
        // Without a limit it claims to have no blocks at all.
        return if volume.f_blocks > 0 && free < missing { Err(Errno::NOSPC.into()) } else { Ok(()) };
    }
    loop {
        return match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::KEEP_SIZE, 0, len) {
            Err(Errno::INTR) => continue,
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(()),
            Err(error) => Err(error.into()),
        };
    }
}

/// Whether the file's content is nowhere but in memory.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn is_of_memory(file: &File) -> bool {
    /// `TMPFS_MAGIC` of statfs(2).
    const TMPFS: rustix::fs::FsWord = 0x0102_1994;
    rustix::fs::fstatfs(file).is_ok_and(|volume| volume.f_type == TMPFS)
}

/// Reserves room for `len` bytes in all. Where the file system cannot, nothing happens: a full disk shows later.
#[cfg(target_vendor = "apple")]
pub(crate) fn reserve(file: &File, len: u64) -> io::Result<()> {
    use rustix::io::Errno;
    // There it would cut a longer file.
    if file.metadata()?.len() >= len {
        return Ok(());
    }
    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, len) {
        Err(error @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) => Err(error.into()),
        _ => Ok(()),
    }
}

/// Reserves room for `len` bytes in all: not here.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(crate) fn reserve(_: &File, _: u64) -> io::Result<()> {
    Ok(())
}

/// Which file `metadata` is of.
pub(crate) fn identity(metadata: &Metadata) -> Identity {
    Identity { volume: metadata.dev(), file: metadata.ino() }
}

/// Whether there is nothing in a file, nor room reserved for anything.
pub(crate) fn is_blank(metadata: &Metadata) -> bool {
    metadata.len() == 0 && metadata.blocks() == 0
}

/// How many names the file has.
pub(crate) fn names(metadata: &Metadata) -> u64 {
    metadata.nlink()
}

/// What tells one state of a file from another.
pub(crate) fn fingerprint(metadata: &Metadata) -> Fingerprint {
    let nanos = |seconds: i64, nanos: i64| seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
    Fingerprint {
        len: metadata.len(),
        modified: nanos(metadata.mtime(), metadata.mtime_nsec()),
        changed: nanos(metadata.ctime(), metadata.ctime_nsec()),
        file: metadata.ino(),
    }
}

/// Gives `file` owner and permissions of the file that `model` is of; `working` keeps it usable for ourselves meanwhile.
pub(crate) fn adopt_permissions(model: &Metadata, file: &File, working: bool) -> io::Result<()> {
    let own = file.metadata()?;
    // Only the superuser can give files away; for others the new file is theirs, as with any replaced file.
    if (own.uid(), own.gid()) != (model.uid(), model.gid()) {
        let _ = fchown(file, Some(model.uid()), Some(model.gid()));
    }
    let mode = model.mode() & 0o777 | if working { 0o600 } else { 0 };
    file.set_permissions(Permissions::from_mode(mode))
}

/// Renames `from` to `to`, where nothing is (`AlreadyExists`), in one step. No: the file system or the kernel cannot do that.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
pub(crate) fn rename_absent(from: &Path, to: &Path) -> io::Result<bool> {
    use rustix::fs::{CWD, RenameFlags};
    use rustix::io::Errno;
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Ok(false),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(true),
    }
}

/// Renames `from` to `to`, where nothing is, in one step: not here.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(crate) fn rename_absent(_: &Path, _: &Path) -> io::Result<bool> {
    Ok(false)
}

/// Renames `from` to `to` unless there is a `to` already (`AlreadyExists`).
pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    if rename_absent(from, to)? {
        return Ok(());
    }
    match std::fs::hard_link(from, to) {
        Ok(()) => std::fs::remove_file(from),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // Neither flag nor hard links (FAT): a short gap remains between looking and renaming.
        Err(_) if std::fs::symlink_metadata(to).is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => std::fs::rename(from, to),
    }
}

/// A folder, open for its names to be made durable.
#[derive(Debug)]
pub(crate) struct Folder(Option<File>);

impl Folder {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        match File::open(path) {
            Ok(folder) => Ok(Self(Some(folder))),
            // One that may be written and not read: nothing can be done for its names.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(Self(None)),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        match self.0.as_ref().map_or(Ok(()), File::sync_all) {
            // Some network file systems refuse to sync folders; there is nothing to wait for then.
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
            result => result,
        }
    }
}

/// Makes names in `folder` durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    Folder::open(folder)?.sync()
}

/// What kind of thing a file is that is neither a regular file nor a folder.
pub(crate) fn describe_special(metadata: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    let kind = metadata.file_type();
    if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_char_device() || kind.is_block_device() {
        "a device"
    } else {
        "not a regular file"
    }
}
