//! Traces: recorded beside a run, drawn as pages, replayed.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::Duration;

use longhaul::trace::record::Record;
use longhaul::trace::{Recorder, Recording, Trace, page, read, replay, show};
use tempfile::NamedTempFile;

use crate::args;
use crate::exit::{Code, Failure};
use crate::report::out;
use crate::shown;

/// How often it is looked whether it is over.
const LOOK: Duration = Duration::from_millis(5);

/// The recordings of one run: one for each client, which have settings of their own.
#[derive(Default)]
pub(crate) struct Traces {
    wanted: args::Traced,
    running: Vec<Running>,
}

struct Running {
    recording: Recording,
    trace: PathBuf,
    page: Option<PathBuf>,
    /// The trace of a run of which only the page is wanted.
    _temporary: Option<NamedTempFile>,
}

impl Traces {
    pub(crate) fn new(wanted: args::Traced) -> Self {
        Self { wanted, running: Vec::new() }
    }

    /// A recorder for one more client, if a trace or a page is wanted.
    pub(crate) fn recorder(&mut self) -> Result<Option<Recorder>, Failure> {
        let number = self.running.len() + 1;
        let page = self.wanted.report.as_deref().map(|path| numbered(path, number));
        if let Some(page) = &page {
            // A page that cannot be written is known before anything is transferred.
            fs::OpenOptions::new().append(true).create(true).open(page).map_err(|error| failed(page, &error))?;
        }
        let (trace, temporary) = match (self.wanted.trace.as_deref(), &page) {
            (None, None) => return Ok(None),
            (Some(path), _) => (numbered(path, number), None),
            (None, Some(_)) => {
                let file = NamedTempFile::new().map_err(|error| failed(&std::env::temp_dir(), &error))?;
                (file.path().to_owned(), Some(file))
            }
        };
        let (recorder, recording) = Recorder::create(&trace).map_err(|error| failed(&trace, &error))?;
        self.running.push(Running { recording, trace, page, _temporary: temporary });
        Ok(Some(recorder))
    }

    /// Waits for what the clients, which are closed by now, have left to write, for each as long as `patience`; then draws the pages.
    /// What went wrong: a transfer that was done stays done.
    pub(crate) async fn finish(self, patience: Duration) -> Vec<Failure> {
        let mut failures = Vec::new();
        for running in self.running {
            let patience = tokio::time::Instant::now() + patience;
            while !running.recording.is_over() && tokio::time::Instant::now() < patience {
                tokio::time::sleep(LOOK).await;
            }
            if !running.recording.is_over() {
                failures.push(Failure::new(Code::Disk, "the trace is not written to its end yet"));
                continue;
            }
            let written = running.recording.wait().map_err(|error| failed(&running.trace, &error));
            let drawn = written.and_then(|_| running.page.as_deref().map_or(Ok(()), |page| draw(&running.trace, page)));
            failures.extend(drawn.err());
        }
        failures
    }
}

/// `longhaul report`: the page of a trace.
pub(crate) fn report(args: &args::Report) -> Result<Code, Failure> {
    if args.output.as_os_str() == "-" {
        out::stdout(&page::page(&open(&args.trace)?));
    } else {
        draw(&args.trace, &args.output)?;
    }
    Ok(Code::Done)
}

/// `longhaul replay`: the core's decisions once more, step by step.
pub(crate) fn replay(args: &args::Replay) -> Result<Code, Failure> {
    let trace = open(&args.trace)?;
    let replayed = replay::replay(&trace);
    let mut at = String::new();
    for record in trace.records.iter().take(if args.quiet { 0 } else { replayed.steps }) {
        match record {
            Record::Turn { at: micros, .. } => at = show::time(*micros),
            record => out::stdout(&format!("{at} {}\n", printable(&show::line(record)))),
        }
    }
    if let Some(difference) = replayed.difference {
        return Err(Failure::new(Code::Failed, printable(&format!("the core decides otherwise: {difference}"))));
    }
    let end = match replayed.unfinished {
        None => String::new(),
        Some(why) => format!("; the trace is not whole: {why}"),
    };
    out::stdout(&printable(&format!("{} steps, all as they were recorded{end}\n", replayed.steps)));
    Ok(Code::Done)
}

fn draw(trace: &Path, page: &Path) -> Result<(), Failure> {
    fs::write(page, page::page(&open(trace)?)).map_err(|error| failed(page, &error))
}

fn open(path: &Path) -> Result<Trace, Failure> {
    let file = File::open(path).map_err(|error| failed(path, &error))?;
    read::read(BufReader::new(file)).map_err(|error| Failure::usage(format!("{}: {error}", shown::path(path))))
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Code::Disk, format!("{}: {error}", shown::path(path)))
}

/// The path itself for the first client, `name-2.ext` for the second.
fn numbered(path: &Path, number: usize) -> PathBuf {
    if number == 1 {
        return path.to_owned();
    }
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// A trace is somebody's word: nothing of it moves a terminal's cursor.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}
