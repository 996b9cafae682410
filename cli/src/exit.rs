//! How the command ends: its exit codes, and the failures that lead to them.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use longhaul::core::error::{BuildError, FileFault};
use longhaul::{Error, ServerFaultKind, StartError, SubmitError};

use crate::shown;

/// The exit codes; part of the command's contract.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub(crate) enum Code {
    /// Everything asked for is done.
    Done = 0,
    /// A transfer failed: the network, a server out of order, an object that keeps changing.
    Failed = 1,
    /// The command line asks for something that cannot be done.
    Usage = 2,
    /// Content has not the checksum it must have.
    Integrity = 3,
    /// The server has no such object, or refuses.
    Refused = 4,
    /// The local disk, or what lies on it.
    Disk = 5,
    /// Told to stop.
    Interrupted = 130,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

impl Code {
    /// The code of a transfer's end.
    pub(crate) fn of(error: &Error) -> Self {
        match error {
            Error::Usage(_) => Self::Usage,
            Error::Issuer(_) => Self::Refused,
            Error::Server(fault) => match fault.kind {
                ServerFaultKind::Throttled | ServerFaultKind::Unavailable | ServerFaultKind::Protocol => Self::Failed,
                _ => Self::Refused,
            },
            Error::Disk(_) => Self::Disk,
            Error::Integrity { .. } => Self::Integrity,
            Error::Cancelled | Error::Closed => Self::Interrupted,
            _ => Self::Failed,
        }
    }
}

/// Why something was not done: a code and words, which hold no secret.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) words: String,
    /// The library's error, where there is one.
    pub(crate) error: Option<Box<Error>>,
}

impl Failure {
    pub(crate) fn new(code: Code, words: impl Into<String>) -> Self {
        Self { code, words: words.into(), error: None }
    }

    pub(crate) fn usage(words: impl Into<String>) -> Self {
        Self::new(Code::Usage, words)
    }

    /// Told to stop before there was a transfer.
    pub(crate) fn stopped() -> Self {
        Self { words: "stopped".to_owned(), ..Error::Closed.into() }
    }

    pub(crate) fn disk(what: &str, path: &Path, error: &io::Error) -> Self {
        Self::new(Code::Disk, format!("cannot {what} {}: {error}", shown::path(path)))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { code: Code::of(&error), words: error.to_string(), error: Some(Box::new(error)) }
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        Error::Usage(error.into()).into()
    }
}

impl From<FileFault> for Failure {
    fn from(fault: FileFault) -> Self {
        Error::Disk(fault).into()
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<SubmitError> for Failure {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Closed => Error::Closed.into(),
            error => Self::new(Code::Failed, error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use longhaul::core::error::{Fault, FaultKind, FileFaultKind, Sent, ServerFault};
    use longhaul::core::provider::StepKind;

    #[test]
    fn every_kind_of_end_has_its_code() {
        let server = |kind| Error::Server(ServerFault::new(kind, StepKind::Probe, None, ""));
        for (error, code) in [
            (server(ServerFaultKind::NotFound), Code::Refused),
            (server(ServerFaultKind::Denied), Code::Refused),
            (server(ServerFaultKind::Refused), Code::Refused),
            (server(ServerFaultKind::Conflict), Code::Refused),
            (server(ServerFaultKind::Redirected), Code::Refused),
            (server(ServerFaultKind::Throttled), Code::Failed),
            (server(ServerFaultKind::Unavailable), Code::Failed),
            (server(ServerFaultKind::Protocol), Code::Failed),
            (Error::Network(Fault::new(FaultKind::Reset, Sent::Maybe, "")), Code::Failed),
            (Error::Disk(FileFault::new(FileFaultKind::Full, "")), Code::Disk),
            (Error::Disk(FileFault::new(FileFaultKind::Busy, "")), Code::Disk),
            (Error::Closed, Code::Interrupted),
        ] {
            assert_eq!(Code::of(&error), code, "{error}");
        }
    }
}
