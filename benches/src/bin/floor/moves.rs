//! One share of a file between a socket and a file, by the kernel's means.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::FileExt;

use longhaul_benches::Failure;
use longhaul_benches::heads::Connection;

const PIPE: libc::c_int = 1 << 20;
const READ: usize = 4 << 20;
const SEND: usize = 1 << 20;

/// <https://man7.org/linux/man-pages/man2/splice.2.html>
pub(crate) fn splice(body: &Connection, file: &File, offset: u64, len: u64) -> Result<(), Failure> {
    file.write_all_at(&body.held, offset)?;
    let came = body.held.len() as u64;
    let (mut at, mut left) = (libc::loff_t::try_from(offset + came)?, len - came);
    let (out, into) = pipe()?;
    while left > 0 {
        let most = usize::try_from(left)?.min(usize::try_from(PIPE)?);
        let got = moved(&body.stream, None, &into, None, most)?;
        let mut rest = got;
        while rest > 0 {
            rest -= moved(&out, None, file, Some(&mut at), rest)?;
        }
        left -= got as u64;
    }
    Ok(())
}

fn pipe() -> Result<(OwnedFd, OwnedFd), Failure> {
    let mut ends = [0; 2];
    // SAFETY: `ends` has room for the two descriptors.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(io::Error::last_os_error().into());
    }
    // SAFETY: both were just opened, and nobody else has them.
    let (out, into) = unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) };
    // SAFETY: a number for an open pipe; what it may not be, the kernel refuses.
    let _ = unsafe { libc::fcntl(into.as_raw_fd(), libc::F_SETPIPE_SZ, PIPE) };
    Ok((out, into))
}

fn moved(
    from: &impl AsRawFd,
    from_at: Option<&mut libc::loff_t>,
    into: &impl AsRawFd,
    into_at: Option<&mut libc::loff_t>,
    most: usize,
) -> Result<usize, Failure> {
    let at = |place: Option<&mut libc::loff_t>| place.map_or(std::ptr::null_mut(), |place| &raw mut *place);
    // SAFETY: both descriptors are open, and the offsets are null or live.
    let done = unsafe {
        libc::splice(from.as_raw_fd(), at(from_at), into.as_raw_fd(), at(into_at), most, libc::SPLICE_F_MOVE)
    };
    some(done)
}

fn some(done: isize) -> Result<usize, Failure> {
    match usize::try_from(done) {
        Ok(0) => Err("the other side closed too early".into()),
        Ok(done) => Ok(done),
        Err(_) => Err(io::Error::last_os_error().into()),
    }
}

pub(crate) fn recv(body: &Connection, file: &File, offset: u64, len: u64) -> Result<(), Failure> {
    file.write_all_at(&body.held, offset)?;
    let (mut done, mut buffer) = (body.held.len() as u64, vec![0; READ]);
    while done < len {
        let read = (&body.stream).read(&mut buffer)?;
        if read == 0 {
            return Err("the server closed too early".into());
        }
        file.write_all_at(buffer.get(..read).unwrap_or_default(), offset + done)?;
        done += read as u64;
    }
    Ok(())
}

/// <https://man7.org/linux/man-pages/man2/sendfile.2.html>
pub(crate) fn sendfile(stream: &TcpStream, file: &File, offset: u64, len: u64) -> Result<(), Failure> {
    let (mut at, end) = (libc::off_t::try_from(offset)?, libc::off_t::try_from(offset + len)?);
    while at < end {
        let most = usize::try_from(end - at)?;
        // SAFETY: both descriptors are open, and the offset is live.
        some(unsafe { libc::sendfile(stream.as_raw_fd(), file.as_raw_fd(), &raw mut at, most) })?;
    }
    Ok(())
}

pub(crate) fn send(stream: &TcpStream, file: &File, offset: u64, len: u64) -> Result<(), Failure> {
    let (mut done, mut buffer) = (0, vec![0; SEND]);
    while done < len {
        let most = usize::try_from(len - done)?.min(SEND);
        let chunk = buffer.get_mut(..most).unwrap_or_default();
        file.read_exact_at(chunk, offset + done)?;
        (&*stream).write_all(chunk)?;
        done += most as u64;
    }
    Ok(())
}
