//! How many system calls a command makes, by strace's count (<https://man7.org/linux/man-pages/man1/strace.1.html>): exact, of a run that
//! is slower for being watched, and waits more often.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::{Failure, child};

/// Runs `command`, with all its threads, under `strace`.
///
/// # Errors
/// When it fails, or cannot be watched.
pub fn count(strace: &Path, command: &Command, note: &Path, limit: Duration) -> Result<u64, Failure> {
    let mut watched = Command::new(strace);
    watched.args(["-c", "-f", "-q", "-o"]).arg(note).arg("--").arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => watched.env(name, value),
            None => watched.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        watched.current_dir(folder);
    }
    let (_, success, words) = child::run(watched, limit)?;
    if !success {
        return Err(format!("under strace: {}", words.trim()).into());
    }
    // 100.00    0.004660           2      1893         5 total
    let text = std::fs::read_to_string(note)?;
    let total = text.lines().find(|line| line.ends_with(" total")).ok_or("strace counted nothing")?;
    Ok(total.split_whitespace().nth(3).and_then(|calls| calls.parse().ok()).ok_or("strace's table is another one")?)
}
