//! The least that moving a file costs: system calls and nothing else, with no check, no retry and no resuming.
//!
//! | way | what it does |
//! |---|---|
//! | `splice URL FILE PARTS` | socket to pipe to file, without passing user space |
//! | `recv URL FILE PARTS` | 4 MiB read from the socket, written at their place |
//! | `sendfile FILE URL PARTS` | page cache to socket, without passing user space |
//! | `send FILE URL PARTS` | 1 MiB read from the file, written to the socket |
//!
//! PARTS connections at once, each with its share of the file: a range of a download, or a `PUT` of `URL?partNumber=n&uploadId=u`.
//! For Linux.

mod http;
mod moves;

use std::fs::File;
use std::process::ExitCode;
use std::thread;

use http::Target;
use longhaul_benches::heads::Connection;
use longhaul_benches::{Failure, job};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["splice", url, file, parts] => down(url, file, parts, moves::splice),
        ["recv", url, file, parts] => down(url, file, parts, moves::recv),
        ["sendfile", file, url, parts] => up(file, url, parts, moves::sendfile),
        ["send", file, url, parts] => up(file, url, parts, moves::send),
        _ => Err("usage: floor splice|recv URL FILE PARTS, floor sendfile|send FILE URL PARTS".into()),
    };
    job::end("floor", done)
}

/// The shares of `len` bytes: where each begins, and how long it is.
fn shares(len: u64, parts: &str) -> Result<Vec<(u64, u64)>, Failure> {
    let parts: u64 = parts.parse()?;
    let each = len.div_ceil(parts.max(1)).max(1);
    Ok((0..parts).map(|at| at * each).take_while(|&at| at < len).map(|at| (at, each.min(len - at))).collect())
}

/// Does `work` for all shares side by side.
fn all(shares: &[(u64, u64)], work: impl Fn(usize, u64, u64) -> Result<(), Failure> + Sync) -> Result<(), Failure> {
    thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> =
            shares.iter().enumerate().map(|(at, &(offset, len))| scope.spawn(move || work(at, offset, len))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a thread panicked")?)
    })
}

fn down(
    url: &str,
    file: &str,
    parts: &str,
    take: fn(&Connection, &File, u64, u64) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let target = Target::parse(url)?;
    let len = target.len()?;
    let file = File::create(file)?;
    file.set_len(len)?;
    all(&shares(len, parts)?, |_, offset, len| take(&target.get(offset, len)?, &file, offset, len))
}

fn up(
    file: &str,
    url: &str,
    parts: &str,
    give: fn(&std::net::TcpStream, &File, u64, u64) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let target = Target::parse(url)?;
    let file = File::open(file)?;
    all(&shares(file.metadata()?.len(), parts)?, |at, offset, len| {
        let stream = target.put(at + 1, len)?;
        give(&stream, &file, offset, len)?;
        http::accepted(stream)
    })
}
