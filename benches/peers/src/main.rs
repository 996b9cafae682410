//! Other libraries, and longhaul as one of them, doing the jobs of `side_by_side`: each as its documentation has it done, with parts
//! of 8 MiB, on tokio's runtime of many threads.
//!
//! ```text
//! peers LIBRARY down URL FILE PARTS [CA]        one object into a file
//! peers LIBRARY up FILE ENDPOINT PARTS          a file to bucket/object of an S3 that looks at no signature
//! peers LIBRARY many-down LIST FOLDER AT_ONCE   lines of URL, tab, FILE; {folder} in FILE is FOLDER
//! peers LIBRARY many-up LIST FOLDER AT_ONCE     the same, with PUT
//! ```
#![allow(clippy::print_stderr, reason = "a command")]

mod bare;
mod facade;
mod file;
mod objects;
mod operators;
mod requests;

use std::path::PathBuf;
use std::process::ExitCode;

/// What the libraries are asked for, in bytes.
pub(crate) const PART: u64 = 8 << 20;

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What is to be done.
pub(crate) enum Job {
    /// `ca`: who signed the server's certificate.
    Down {
        url: String,
        file: PathBuf,
        parts: usize,
        ca: Option<PathBuf>,
    },
    Up {
        file: PathBuf,
        endpoint: String,
        parts: usize,
    },
    ManyDown {
        list: Vec<(String, PathBuf)>,
        at_once: usize,
    },
    ManyUp {
        list: Vec<(String, PathBuf)>,
        at_once: usize,
    },
}

impl Job {
    fn parse(words: &[String]) -> Result<Self, Failure> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Ok(match words.as_slice() {
            ["down", url, file, parts, ca @ ..] => {
                let ca = ca.first().map(PathBuf::from);
                Self::Down { url: (*url).to_owned(), file: file.into(), parts: parts.parse()?, ca }
            }
            ["up", file, endpoint, parts] => {
                Self::Up { file: file.into(), endpoint: (*endpoint).to_owned(), parts: parts.parse()? }
            }
            ["many-down", from, folder, at_once] => {
                Self::ManyDown { list: list(from, folder)?, at_once: at_once.parse()? }
            }
            ["many-up", from, folder, at_once] => Self::ManyUp { list: list(from, folder)?, at_once: at_once.parse()? },
            _ => return Err("what is to be done? See the head of main.rs".into()),
        })
    }
}

fn list(from: &str, folder: &str) -> Result<Vec<(String, PathBuf)>, Failure> {
    let text = std::fs::read_to_string(from)?;
    let lines = text.lines().filter_map(|line| line.split_once('\t'));
    Ok(lines.map(|(url, path)| (url.to_owned(), PathBuf::from(path.replace("{folder}", folder)))).collect())
}

/// Where each part of `len` bytes begins, and how long it is.
pub(crate) fn parts(len: u64) -> impl Iterator<Item = (u64, u64)> {
    (0..len.div_ceil(PART)).map(move |at| (at * PART, PART.min(len - at * PART)))
}

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = async {
        let (library, words) = words.split_first().ok_or("which library?")?;
        let job = Job::parse(words)?;
        match library.as_str() {
            "hyper" => bare::run(job).await,
            "longhaul" => facade::run(job).await,
            "object_store" => objects::run(job).await,
            "opendal" => operators::run(job).await,
            "reqwest" => requests::run(job).await,
            _ => Err("this library is not here".into()),
        }
    };
    match done.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peers: {error}");
            ExitCode::FAILURE
        }
    }
}
