//! The recorder: what a client is given to have its run recorded.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use longhaul_core::event::{End, EventKind};
use longhaul_core::{Config, Now, Provider};
use longhaul_driver::trace::{Said, Told, Trace};

use crate::form::Kept;
use crate::overhear::Overheard;
use crate::record::{Record, VERSION};
use crate::redact::Names;
use crate::write::{Lines, Writing};
use crate::{said, told};

/// How large a trace may become by default, in bytes.
const LIMIT: u64 = 64 << 20;

/// Records a client's run. Given to the client when it is made; its file is complete when the client is closed and
/// [`Recording::wait`] returns.
///
/// On the client's loop it costs the making of a line for each call; the file is written by a thread. A run whose lines would exceed
/// the limit goes on unrecorded but for its transfers' ends.
#[derive(Debug)]
pub struct Recorder {
    log: Arc<Mutex<Log>>,
}

/// The other end of a [`Recorder`]: the thread that writes.
#[derive(Debug)]
#[must_use = "a trace is complete when `wait` says so"]
pub struct Recording(Writing);

impl Recording {
    /// Waits until the client is gone and all is written: how many bytes. Blocks; the client must have been closed and dropped.
    ///
    /// # Errors
    /// When the file could not be written.
    pub fn wait(self) -> io::Result<u64> {
        self.0.join().unwrap_or_else(|_| Err(io::Error::other("the thread that writes the trace panicked")))
    }

    /// Whether all is written, or writing failed.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.is_finished()
    }
}

impl Recorder {
    /// Records to a new file at `path`; one that is there is replaced. At most 64 MiB.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: impl AsRef<Path>) -> io::Result<(Self, Recording)> {
        Self::new(File::create(path)?, LIMIT)
    }

    /// Records to `writer`, at most `limit` bytes and the ends of transfers.
    ///
    /// # Errors
    /// When the thread that writes cannot be started.
    pub fn new(writer: impl Write + Send + 'static, limit: u64) -> io::Result<(Self, Recording)> {
        let (lines, writing) = Lines::start(writer, limit)?;
        let log = Log { names: Names::new(), lines, providers: 0 };
        Ok((Self { log: Arc::new(Mutex::new(log)) }, Recording(writing)))
    }
}

/// What the recorder and the providers it listens to write to. Only the loop's thread ever comes here.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) names: Names,
    pub(crate) lines: Lines,
    /// How many providers there were: the number of the last one.
    pub(crate) providers: u64,
}

impl Log {
    pub(crate) fn with<T>(log: &Mutex<Self>, f: impl FnOnce(&mut Self) -> T) -> T {
        f(&mut log.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Trace for Recorder {
    fn begin(&mut self, config: &Config, seed: u64) {
        let by = concat!("longhaul ", env!("CARGO_PKG_VERSION")).to_owned();
        let record = Record::Trace { version: VERSION, by, seed, config: config.keep() };
        Log::with(&self.log, |log| log.lines.note(record));
    }

    fn turn(&mut self, now: Now) {
        let record = Record::Turn { at: now.mono.as_micros(), wall: now.wall.as_unix() };
        Log::with(&self.log, |log| log.lines.note(record));
    }

    fn told(&mut self, told: &Told<'_>) {
        Log::with(&self.log, |log| {
            let record = told::record(told, log.providers, &mut log.names);
            log.lines.note(record);
        });
    }

    fn said(&mut self, said: &Said<'_>) {
        Log::with(&self.log, |log| {
            for record in records(said, &mut log.names) {
                log.lines.note(record);
            }
        });
    }

    fn provider(&mut self, provider: Arc<dyn Provider>) -> Arc<dyn Provider> {
        Arc::new(Overheard::new(provider, &self.log))
    }
}

/// What the engine said, as one record or, at the end of a transfer, two.
pub(crate) fn records(said: &Said<'_>, names: &mut Names) -> impl Iterator<Item = Record> + use<> {
    let (first, second) = match said {
        Said::Submitted(Ok(task)) => (Record::Submitted { task: Some(task.to_string()), refused: None }, None),
        Said::Submitted(Err(error)) => (Record::Submitted { task: None, refused: Some(error.to_string()) }, None),
        Said::Commanded(done) => (Record::Commanded { refused: done.err().map(|error| error.to_string()) }, None),
        Said::Disposition(disposition) => (said::disposition(*disposition), None),
        Said::Intent(intent) => (said::intent(intent, names), None),
        Said::Event(event, progress) => {
            let ended = matches!(event.kind, EventKind::Ended(End::Completed(_) | End::Failed(_)));
            let numbers = progress
                .filter(|_| ended)
                .map(|progress| Record::Numbers { task: event.task.to_string(), numbers: said::numbers(&progress) });
            (said::event(event, names), numbers)
        }
        _ => (Record::Unknown, None),
    };
    std::iter::once(first).chain(second)
}
