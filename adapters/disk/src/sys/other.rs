//! Windows, with what `std` offers.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use bytes::{Bytes, BytesMut};
use longhaul_core::intent::Fingerprint;

use super::Identity;

/// The file goes with its last handle (`FILE_FLAG_DELETE_ON_CLOSE`).
const DELETE_ON_CLOSE: u32 = 0x0400_0000;

/// Opens a regular file for reading.
pub(crate) fn open_source(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Opens an existing file of our own for reading and writing.
pub(crate) fn open_own(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

/// The same, made where there is none.
pub(crate) fn open_or_create_own(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

/// Creates a file that was not there.
pub(crate) fn create(path: &Path, _private: bool) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).open(path)
}

/// Creates a file that goes with its last handle.
pub(crate) fn create_unnamed(folder: &Path) -> io::Result<File> {
    crate::content::with_fresh_name(folder, |path| {
        OpenOptions::new().read(true).write(true).create_new(true).custom_flags(DELETE_ON_CLOSE).open(path)
    })
}

/// Reads once at `offset` into what `buffer` has left of its capacity; 0 means the end of the file.
pub(crate) fn read_into(file: &File, offset: u64, buffer: &mut BytesMut) -> io::Result<usize> {
    let filled = buffer.len();
    buffer.resize(buffer.capacity(), 0);
    let read = file.seek_read(buffer.get_mut(filled..).unwrap_or_default(), offset);
    buffer.truncate(filled + read.as_ref().copied().unwrap_or(0));
    read
}

/// Writes all frames one after another from `offset` on.
pub(crate) fn write_all(file: &File, mut offset: u64, frames: &[Bytes]) -> io::Result<()> {
    for frame in frames {
        let mut rest = frame.as_ref();
        while !rest.is_empty() {
            match file.seek_write(rest, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    rest = rest.get(written..).unwrap_or_default();
                    offset += written as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Whether the file's content is nowhere but in memory: nobody can tell.
pub(crate) fn is_of_memory(_: &File) -> bool {
    false
}

/// Reserves room for `len` bytes in all.
pub(crate) fn reserve(file: &File, len: u64) -> io::Result<()> {
    if file.metadata()?.len() < len { file.set_len(len) } else { Ok(()) }
}

/// Which file `metadata` is of: as good as creation times are (the file index is not in stable `std`).
pub(crate) fn identity(metadata: &Metadata) -> Identity {
    Identity { volume: 0, file: metadata.creation_time() }
}

/// Whether there is nothing in a file, nor room reserved for anything.
pub(crate) fn is_blank(metadata: &Metadata) -> bool {
    metadata.len() == 0
}

/// How many names the file has: not in stable `std`.
pub(crate) fn names(_: &Metadata) -> u64 {
    1
}

/// What tells one state of a file from another.
pub(crate) fn fingerprint(metadata: &Metadata) -> Fingerprint {
    // From 100 ns since 1601 to ns since 1970.
    let nanos = |ticks: u64| (i64::try_from(ticks).unwrap_or(i64::MAX) - 116_444_736_000_000_000).saturating_mul(100);
    Fingerprint {
        len: metadata.file_size(),
        modified: nanos(metadata.last_write_time()),
        changed: 0,
        file: metadata.creation_time(),
    }
}

/// Permissions are inherited from the folder.
pub(crate) fn adopt_permissions(_: &Metadata, _: &File, _: bool) -> io::Result<()> {
    Ok(())
}

/// Renames `from` to `to`, where nothing is, in one step: not here.
pub(crate) fn rename_absent(_: &Path, _: &Path) -> io::Result<bool> {
    Ok(false)
}

/// Renames `from` to `to` unless there is a `to` already (`AlreadyExists`).
pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::hard_link(from, to) {
        Ok(()) => std::fs::remove_file(from),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // No hard links (FAT): a short gap remains between looking and renaming.
        Err(_) if std::fs::symlink_metadata(to).is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => std::fs::rename(from, to),
    }
}

/// A folder whose names are to be durable. Folders cannot be synced here; NTFS journals its names.
#[derive(Debug)]
pub(crate) struct Folder;

impl Folder {
    pub(crate) fn open(_: &Path) -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes names in a folder durable: see [`Folder`].
pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// What kind of thing a file is that is neither a regular file nor a folder.
pub(crate) fn describe_special(_: &Metadata) -> &'static str {
    "not a regular file"
}
