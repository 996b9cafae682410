//! Lines on their way to the file: taken from the engine's thread without making it wait, written by a thread of their own.
//!
//! The bound: what is not written yet is at most [`PENDING`] bytes, what is written at most the limit that was given. Beyond either
//! the recording is cut, and says so.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::record::{Event, Record};

/// Most bytes that wait to be written.
const PENDING: usize = 16 << 20;
/// What the ends of transfers may take after a cut, in bytes.
const LAST_WORDS: u64 = 1 << 20;

#[derive(Debug, Default)]
struct Queue {
    bytes: Vec<u8>,
    closed: bool,
    /// The thread is gone: the file could not be written.
    deaf: bool,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    more: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where records go.
#[derive(Debug)]
pub(crate) struct Lines {
    shared: Arc<Shared>,
    line: Vec<u8>,
    taken: u64,
    limit: u64,
    cut: bool,
    /// The last turn, until something of it is written after a cut.
    turn: Option<Record>,
}

/// The thread that writes.
pub(crate) type Writing = JoinHandle<io::Result<u64>>;

impl Lines {
    /// Writes at most `limit` bytes to `file`.
    pub(crate) fn start(mut file: impl Write + Send + 'static, limit: u64) -> io::Result<(Self, Writing)> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let write = move || {
            let mut written = 0;
            let mut bytes = Vec::new();
            loop {
                let closed = {
                    let mut queue = theirs.lock();
                    while queue.bytes.is_empty() && !queue.closed {
                        queue = theirs.more.wait(queue).unwrap_or_else(PoisonError::into_inner);
                    }
                    std::mem::swap(&mut bytes, &mut queue.bytes);
                    queue.closed
                };
                if let Err(error) = file.write_all(&bytes).and_then(|()| file.flush()) {
                    let mut queue = theirs.lock();
                    *queue = Queue { deaf: true, ..Queue::default() };
                    return Err(error);
                }
                written += bytes.len() as u64;
                bytes.clear();
                if closed && theirs.lock().bytes.is_empty() {
                    return Ok(written);
                }
            }
        };
        let thread = std::thread::Builder::new().name("longhaul-trace".to_owned()).spawn(write)?;
        Ok((Self { shared, line: Vec::new(), taken: 0, limit, cut: false, turn: None }, thread))
    }

    /// Takes a record in.
    pub(crate) fn note(&mut self, record: Record) {
        if self.cut {
            self.note_end(record);
            return;
        }
        self.encode(&record);
        if self.taken + self.line.len() as u64 > self.limit {
            self.cut(format!("the trace has reached its limit of {} bytes", self.limit));
        } else if !self.hand_over(PENDING) {
            self.cut("the disk takes the trace more slowly than the run makes it".to_owned());
        } else {
            return;
        }
        self.note_end(record);
    }

    fn cut(&mut self, why: String) {
        self.cut = true;
        self.encode(&Record::Cut { why });
        self.hand_over(usize::MAX);
    }

    /// After a cut: how transfers end is still told, it is what a trace is looked at for.
    fn note_end(&mut self, record: Record) {
        match &record {
            Record::Turn { .. } => {
                self.turn = Some(record);
                return;
            }
            Record::Event { event: Event::Completed { .. } | Event::Failed { .. }, .. } | Record::Numbers { .. } => {}
            _ => return,
        }
        for record in self.turn.take().into_iter().chain([record]) {
            self.encode(&record);
            if self.taken + (self.line.len() as u64) <= self.limit + LAST_WORDS {
                self.hand_over(usize::MAX);
            }
        }
    }

    fn encode(&mut self, record: &Record) {
        self.line.clear();
        // Records are plain data, which can always be written.
        if serde_json::to_writer(&mut self.line, record).is_ok() {
            self.line.push(b'\n');
        } else {
            self.line.clear();
        }
    }

    /// Gives the line to the thread. `false` when too much waits there already.
    fn hand_over(&mut self, most: usize) -> bool {
        let mut queue = self.shared.lock();
        if queue.deaf {
            return true;
        }
        if queue.bytes.len() + self.line.len() > most {
            return false;
        }
        let idle = queue.bytes.is_empty();
        queue.bytes.extend_from_slice(&self.line);
        drop(queue);
        self.taken += self.line.len() as u64;
        if idle {
            self.shared.more.notify_one();
        }
        true
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.more.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Failure;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_run_of_a_million_records_stays_within_its_limit_and_says_that_it_was_cut() {
        let memory = Memory::default();
        let (mut lines, writing) = Lines::start(memory.clone(), 1 << 20).expect("a thread");
        for at in 0..1_000_000 {
            lines.note(Record::Turn { at, wall: 0 });
        }
        let reason = Failure { code: 304, blame: "server".into(), later: true, words: "slow down".into() };
        lines.note(Record::Event { task: "t0.0".into(), event: Event::Failed { reason } });
        drop(lines);
        let written = writing.join().expect("no panic").expect("memory");
        let bytes = memory.0.lock().expect("no panic").clone();
        assert_eq!(written, bytes.len() as u64);
        assert!(written <= (1 << 20) + LAST_WORDS, "{written}");
        let text = String::from_utf8(bytes).expect("JSON");
        let last: Vec<&str> = text.lines().rev().take(3).collect();
        assert!(last[0].contains("slow down"), "the end is told: {}", last[0]);
        assert!(last[1].contains("999999"), "and when: {}", last[1]);
        assert!(last[2].contains("limit of 1048576 bytes"), "{}", last[2]);
    }

    #[test]
    fn a_file_that_cannot_be_written_holds_nobody_up() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (mut lines, writing) = Lines::start(Full, u64::MAX).expect("a thread");
        for at in 0..100_000 {
            lines.note(Record::Turn { at, wall: 0 });
        }
        drop(lines);
        let error = writing.join().expect("no panic").expect_err("no space");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
