//! Reading a trace: whole, still growing, or broken off.

use std::io::BufRead;

use crate::record::{Record, VERSION};

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
            Self::Damaged { line, problem } => write!(f, "line {line} of the trace is damaged: {problem}"),
        }
    }
}

impl std::error::Error for TraceError {}

/// Reads a trace. A last line without its end is left out.
///
/// # Errors
/// When it is none, too new, or damaged before its last line.
pub fn read(mut from: impl BufRead) -> Result<Trace, TraceError> {
    let (mut records, mut line) = (Vec::new(), Vec::new());
    let torn = loop {
        line.clear();
        if from.read_until(b'\n', &mut line).map_err(TraceError::Io)? == 0 {
            break false;
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
