//! A child process and what it used, from the kernel's own books (`wait4`, <https://man7.org/linux/man-pages/man2/wait4.2.html>).

use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// What one run used.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// From its start to its end.
    pub wall: Duration,
    /// In its own code.
    pub user: Duration,
    /// In the kernel.
    pub system: Duration,
    /// Largest resident set, in bytes.
    pub peak: u64,
    /// Context switches: it waited, or was made to wait.
    pub voluntary: u64,
    /// See [`Usage::voluntary`].
    pub involuntary: u64,
}

impl Usage {
    /// Both together.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        self.user + self.system
    }
}

/// Runs `command` to its end, or kills it after `limit`: what it used, whether it succeeded, and what it said about it.
///
/// # Errors
/// When it cannot be started or waited for.
pub fn run(mut command: Command, limit: Duration) -> io::Result<(Usage, bool, String)> {
    let begun = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let stderr = child.stderr.take();
    let id = child.id();
    let (over, late) = mpsc::sync_channel::<()>(1);
    let watch = thread::spawn(move || {
        if late.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
            // Nobody has waited for it yet, so that the id is still its own.
            drop(child.kill());
        }
    });
    // Read to its end before waiting, so that a talkative child never waits for us.
    let mut words = String::new();
    if let Some(mut stderr) = stderr {
        stderr.read_to_string(&mut words)?;
    }
    drop(over);
    drop(watch.join());
    let (status, usage) = wait(id)?;
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
