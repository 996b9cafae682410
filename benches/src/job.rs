//! The jobs that programs of other libraries are given, on their command line.
//!
//! ```text
//! down URL FILE PARTS [CA]        one object into a file
//! up FILE ENDPOINT PARTS [CA]     a file to bucket/object of an S3 that looks at no signature
//! many-down LIST FOLDER AT_ONCE   lines of URL, tab, FILE; {folder} in FILE is FOLDER
//! many-up LIST FOLDER AT_ONCE     the same, with PUT
//! ```

use std::path::PathBuf;
use std::process::ExitCode;

use crate::Failure;

/// What the libraries are asked for, in bytes.
pub const PART: u64 = 8 << 20;

/// What is to be done.
pub enum Job {
    /// One object into a file.
    Down {
        /// The object.
        url: String,
        /// The file.
        file: PathBuf,
        /// Requests at once.
        parts: usize,
        /// Who signed the server's certificate.
        ca: Option<PathBuf>,
    },
    /// A file to a store.
    Up {
        /// The file.
        file: PathBuf,
        /// The store.
        endpoint: String,
        /// Requests at once.
        parts: usize,
        /// Who signed the store's certificate.
        ca: Option<PathBuf>,
    },
    /// Many objects into files.
    ManyDown {
        /// URLs and files.
        list: Vec<(String, PathBuf)>,
        /// Files at once.
        at_once: usize,
    },
    /// Many files to objects.
    ManyUp {
        /// URLs and files.
        list: Vec<(String, PathBuf)>,
        /// Files at once.
        at_once: usize,
    },
}

impl Job {
    /// From the words of a command line.
    ///
    /// # Errors
    /// When they are not a job's, or its list cannot be read.
    pub fn parse(words: &[String]) -> Result<Self, Failure> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Ok(match words.as_slice() {
            ["down", url, file, parts, ca @ ..] => {
                let ca = ca.first().map(PathBuf::from);
                Self::Down { url: (*url).to_owned(), file: file.into(), parts: parts.parse()?, ca }
            }
            ["up", file, endpoint, parts, ca @ ..] => {
                let ca = ca.first().map(PathBuf::from);
                Self::Up { file: file.into(), endpoint: (*endpoint).to_owned(), parts: parts.parse()?, ca }
            }
            ["many-down", from, folder, at_once] => {
                Self::ManyDown { list: list(from, folder)?, at_once: at_once.parse()? }
            }
            ["many-up", from, folder, at_once] => Self::ManyUp { list: list(from, folder)?, at_once: at_once.parse()? },
            _ => return Err("what is to be done? See the head of benches/src/job.rs".into()),
        })
    }
}

fn list(from: &str, folder: &str) -> Result<Vec<(String, PathBuf)>, Failure> {
    let text = std::fs::read_to_string(from)?;
    let lines = text.lines().filter_map(|line| line.split_once('\t'));
    Ok(lines.map(|(url, path)| (url.to_owned(), PathBuf::from(path.replace("{folder}", folder)))).collect())
}

/// Where each part of `len` bytes begins, and how long it is.
pub fn parts(len: u64) -> impl Iterator<Item = (u64, u64)> {
    (0..len.div_ceil(PART)).map(move |at| (at * PART, PART.min(len - at * PART)))
}

/// Ends such a program.
#[must_use]
#[allow(clippy::print_stderr, reason = "the last words of a command")]
pub fn end(program: &str, done: Result<(), Failure>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{program}: {error}");
            ExitCode::FAILURE
        }
    }
}
