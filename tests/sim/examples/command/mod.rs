//! How the commands of this folder end: with 0 when nothing was found, with 1 when something was, and with 2, and the reason on
//! standard error, when they could not do what was asked.
//!
//! A reader that goes, as `head` does, has had enough: what is left to say is not said, and the end is the same.

#![expect(clippy::print_stderr, reason = "what went wrong is no result")]

use std::io::{self, Write};
use std::process::ExitCode;

/// Why a command said nothing about what it was asked.
#[derive(Debug)]
pub(crate) enum Stop {
    /// How to use it was asked for.
    Help,
    /// The words are not understood, or ask for what cannot be done.
    Usage(String),
    /// Nobody can be told.
    Output(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Runs a command with the words of the command line. It answers whether all is fine.
pub(crate) fn run(usage: &str, command: impl FnOnce(&[String], &mut dyn Write) -> Result<bool, Stop>) -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let stop = match command(&words, &mut Out(io::stdout())) {
        Ok(fine) => return if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE },
        Err(stop) => stop,
    };
    match stop {
        Stop::Help => {
            let _ = writeln!(io::stdout(), "{usage}");
            return ExitCode::SUCCESS;
        }
        Stop::Usage(what) => eprintln!("{what}\n{usage}"),
        Stop::Output(error) => eprintln!("standard output: {error}"),
    }
    ExitCode::from(2)
}

/// An output whose reader may go.
pub(crate) struct Out<W>(pub(crate) W);

impl<W: Write> Write for Out<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
            told => told,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            told => told,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails as it was told to.
    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn a_reader_that_has_gone_is_no_error_and_a_full_disk_is() {
        for (kind, told) in [(io::ErrorKind::BrokenPipe, true), (io::ErrorKind::StorageFull, false)] {
            let mut out = Out(Failing(kind));
            assert_eq!((writeln!(out, "a line").is_ok(), out.flush().is_ok()), (told, told), "{kind:?}");
        }
    }
}
