//! A child process and what it used, from the kernel's own books (`wait4`, <https://man7.org/linux/man-pages/man2/wait4.2.html>).

use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What one run used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) wall: Duration,
    pub(crate) user: Duration,
    pub(crate) system: Duration,
    /// Largest resident set, in bytes.
    pub(crate) peak: u64,
    /// Context switches: it waited, or was made to wait.
    pub(crate) voluntary: u64,
    pub(crate) involuntary: u64,
}

impl Usage {
    pub(crate) fn cpu(&self) -> Duration {
        self.user + self.system
    }
}

/// Runs `command` to its end: what it used, whether it succeeded, and what it said about it.
pub(crate) fn run(mut command: Command) -> io::Result<(Usage, bool, String)> {
    let begun = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    // Read to its end before waiting, so that a talkative child never waits for us.
    let mut words = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut words)?;
    }
    let (status, usage) = wait(child.id())?;
    let usage = Usage { wall: begun.elapsed(), ..usage };
    Ok((usage, libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, words))
}

fn wait(pid: u32) -> io::Result<(i32, Usage)> {
    let pid = libc::pid_t::try_from(pid).map_err(io::Error::other)?;
    let mut status = 0;
    // SAFETY: `rusage` consists of integers only, for which all zeroes is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are to live values of the types that `wait4` fills; `pid` is a child nobody else waits for.
        if unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) } == pid {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    let time = |time: libc::timeval| {
        #[allow(clippy::useless_conversion, reason = "the fields are narrower on some systems")]
        let micros = i64::from(time.tv_sec) * 1_000_000 + i64::from(time.tv_usec);
        Duration::from_micros(u64::try_from(micros).unwrap_or_default())
    };
    let count = |count: libc::c_long| u64::try_from(count).unwrap_or_default();
    // Kilobytes on Linux, bytes on macOS.
    let unit = if cfg!(target_vendor = "apple") { 1 } else { 1024 };
    Ok((
        status,
        Usage {
            wall: Duration::ZERO,
            user: time(usage.ru_utime),
            system: time(usage.ru_stime),
            peak: count(usage.ru_maxrss) * unit,
            voluntary: count(usage.ru_nvcsw),
            involuntary: count(usage.ru_nivcsw),
        },
    ))
}
