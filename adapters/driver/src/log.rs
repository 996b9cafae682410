//! Events as lines of text, for programs that keep a log of their own. Those with a `tracing` subscriber need nothing of this: the
//! loop traces more than there are events.

use longhaul_core::event::End;
use longhaul_core::{Error, Event, EventKind};
pub use tracing::Level;

use crate::listen::Listener;

/// Writes a line for each event of a client: [`Client::add_listener`](crate::Client::add_listener). No line holds a URL's query, a header
/// or anything else that is secret.
///
/// | level | what |
/// |---|---|
/// | `ERROR` | the end of a transfer that failed, with the error's code |
/// | `WARN` | what costs time or may need somebody: retries, fresh starts, sessions left on a server, checkpoints lost |
/// | `INFO` | any other end: completed, cancelled, closed |
/// | `DEBUG` | everything else |
///
/// ```
/// use longhaul_driver::log::{Level, LogListener};
///
/// let to_stderr = LogListener::new(|level: Level, line: &str| {
///     if level <= Level::INFO {
///         eprintln!("{level} {line}");
///     }
/// });
/// ```
#[derive(Clone, Debug)]
pub struct LogListener<F>(F);

impl<F: Fn(Level, &str) + Send + Sync + 'static> LogListener<F> {
    /// Calls `write` with each line, which has no end of line. It may block; a panic is caught.
    pub fn new(write: F) -> Self {
        Self(write)
    }
}

impl<F: Fn(Level, &str) + Send + Sync + 'static> Listener for LogListener<F> {
    fn event(&self, event: &Event) {
        let level = match &event.kind {
            EventKind::Ended(End::Failed(error)) if !matches!(error, Error::Cancelled | Error::Closed) => Level::ERROR,
            EventKind::Ended(_) => Level::INFO,
            EventKind::Retrying { .. }
            | EventKind::Restarted(_)
            | EventKind::MaybeOrphan { .. }
            | EventKind::AbortFailed { .. }
            | EventKind::CheckpointUnusable(_)
            | EventKind::CheckpointFailed(_) => Level::WARN,
            _ => Level::DEBUG,
        };
        let task = event.task;
        let line = match &event.kind {
            EventKind::Ended(End::Completed(done)) => {
                format!("{task}: completed, {} bytes, {:?}", done.total, done.verification)
            }
            EventKind::Ended(End::Failed(error)) => format!("{task}: failed, code {}: {error}", error.code()),
            EventKind::Retrying { step, attempt, delay, reason } => {
                format!("{task}: {step:?} is tried again in {delay:?}, retry {attempt}: {reason}")
            }
            kind => format!("{task}: {kind:?}"),
        };
        (self.0)(level, &line);
    }
}
