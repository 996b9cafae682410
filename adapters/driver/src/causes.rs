//! An error of an HTTP client and what caused it: what a [`Transport`](crate::transport::Transport) needs to say what went wrong.

use std::error::Error;
use std::fmt::Write;
use std::io;

use longhaul_core::error::FaultKind;

/// `error`, its cause, the cause of that, and so on. What an [`io::Error`] wraps counts as its cause.
pub fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    // `io::Error::source` is the source of what it wraps, and leaves that one out.
    std::iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner as &(dyn Error + 'static)),
        None => error.source(),
    })
}

/// The first of an error and its causes that is a `T`.
#[must_use]
pub fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    chain(error).find_map(|error| error.downcast_ref())
}

/// The messages of an error and its causes, each once.
#[must_use]
pub fn words(error: &(dyn Error + 'static)) -> String {
    let mut words = String::new();
    for message in chain(error).map(ToString::to_string) {
        if !words.contains(&message) {
            let separator = if words.is_empty() { "" } else { ": " };
            let _ = write!(words, "{separator}{message}");
        }
    }
    words
}

/// How a connection broke that was there, as far as the system's error among the causes tells.
#[must_use]
pub fn broken(error: &(dyn Error + 'static)) -> FaultKind {
    match find::<io::Error>(error).map(io::Error::kind) {
        Some(io::ErrorKind::UnexpectedEof) => FaultKind::Truncated,
        Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) => FaultKind::Protocol,
        _ => FaultKind::Reset,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_io_error_wraps_is_found_and_said_once() {
        let inner = io::Error::new(io::ErrorKind::UnexpectedEof, "cut off");
        let error = io::Error::other(crate::transport::SourceGone);
        let outer = io::Error::other(inner);
        assert!(find::<crate::transport::SourceGone>(&error).is_some());
        assert!(find::<crate::transport::SourceGone>(&outer).is_none());
        assert_eq!((words(&outer), words(&error)), ("cut off".into(), crate::transport::SourceGone.to_string()));
    }

    #[test]
    fn r5_a_broken_connection_is_told_apart_from_one_that_speaks_something_else() {
        for (kind, told) in [
            (io::ErrorKind::UnexpectedEof, FaultKind::Truncated),
            (io::ErrorKind::InvalidData, FaultKind::Protocol),
            (io::ErrorKind::ConnectionReset, FaultKind::Reset),
        ] {
            assert_eq!(broken(&io::Error::from(kind)), told);
        }
    }
}
