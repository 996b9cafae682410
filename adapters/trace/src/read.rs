//! Reading a trace: whole, still growing, or broken off.

use std::io::{BufRead, Read};

use crate::record::{Record, VERSION};

/// Longest line that is read, in bytes: a journal of 10,000 parts takes a tenth of it.
const MOST_LINE: u64 = 32 << 20;
/// Longest trace that is read, in bytes: sixteen times what is recorded unless somebody asks for more.
const MOST: u64 = 1 << 30;

/// A trace that was read.
#[derive(Clone, PartialEq, Debug)]
pub struct Trace {
    /// Its records, one a line, in order. The first is [`Record::Trace`].
    pub records: Vec<Record>,
    /// Whether the last line was broken off, and left out: the program was killed, or still runs.
    pub torn: bool,
}

/// Why a trace cannot be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum TraceError {
    /// The file cannot be read.
    Io(std::io::Error),
    /// It does not begin as a trace does.
    Foreign,
    /// It is of a later version.
    Newer(u32),
    /// It is longer than any that is read, or one of its lines is.
    TooLong {
        /// The line at which that was seen, from 1.
        line: usize,
    },
    /// A line in the middle is damaged.
    Damaged {
        /// Which, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
}

impl std::fmt::Display for TraceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the trace cannot be read: {error}"),
            Self::Foreign => f.write_str("this is no trace: its first line does not say so"),
            Self::Newer(version) => {
                write!(f, "the trace has format {version}, this version reads up to {VERSION}; update longhaul")
            }
            Self::TooLong { line } => {
                write!(
                    f,
                    "line {line} of the trace is beyond what is read: {} MiB for a line, {} MiB for all",
                    MOST_LINE >> 20,
                    MOST >> 20
                )
            }
            Self::Damaged { line, problem } => write!(f, "line {line} of the trace is damaged: {problem}"),
        }
    }
}

impl std::error::Error for TraceError {}

/// Reads a trace. A last line without its end is left out.
///
/// # Errors
/// When it is none, too new, too long, or damaged before its last line.
pub fn read(mut from: impl BufRead) -> Result<Trace, TraceError> {
    let (mut records, mut line, mut all) = (Vec::new(), Vec::new(), 0);
    let torn = loop {
        line.clear();
        let len = from.by_ref().take(MOST_LINE).read_until(b'\n', &mut line).map_err(TraceError::Io)? as u64;
        all += len;
        if len == 0 {
            break false;
        }
        if len == MOST_LINE || all > MOST {
            return Err(if records.is_empty() {
                TraceError::Foreign
            } else {
                TraceError::TooLong { line: records.len() + 1 }
            });
        }
        if line.last() != Some(&b'\n') {
            break true;
        }
        match (serde_json::from_slice(&line), records.is_empty()) {
            (Ok(Record::Trace { version, .. }), true) if version > VERSION => return Err(TraceError::Newer(version)),
            (Ok(record @ Record::Trace { .. }), true) => records.push(record),
            (Ok(record), false) => records.push(record),
            (_, true) => return Err(TraceError::Foreign),
            (Err(error), false) => {
                let problem = error.to_string();
                return Err(TraceError::Damaged { line: records.len() + 1, problem });
            }
        }
    };
    if records.is_empty() { Err(TraceError::Foreign) } else { Ok(Trace { records, torn }) }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, repeat};

    use super::*;

    #[test]
    fn a_line_without_end_is_not_read_to_its_end() {
        assert!(matches!(read(BufReader::new(repeat(b'{'))), Err(TraceError::Foreign)));
        let first = serde_json::to_vec(&Record::Trace {
            version: VERSION,
            by: "longhaul".into(),
            seed: 1,
            config: crate::form::Kept::keep(&longhaul_core::Config::default()),
        });
        let begun = [first.expect("plain data"), b"\n".to_vec()].concat();
        let error = read(BufReader::new(begun.chain(repeat(b' ')))).expect_err("it never ends");
        assert!(error.to_string().starts_with("line 2 of the trace is beyond what is read"), "{error}");
    }
}
