//! Traces: recorded beside a run, drawn as pages, replayed.

use std::fs::{self, File};
use std::io::{BufReader, Read};
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
/// How files begin that may be replaced: earlier ones of their kind. All others may be somebody's only copy.
const TRACE: &str = "{\"is\":\"trace\"";
const PAGE: &str = "<!doctype html>";

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

    /// A recorder for one more client, if a trace or a page is wanted. `local` is what its first transfer reads or writes here.
    pub(crate) fn recorder(&mut self, local: Option<&Path>) -> Result<Option<Recorder>, Failure> {
        let number = self.running.len() + 1;
        let place = |wanted: &Option<PathBuf>| wanted.as_deref().map(|path| numbered(path, number));
        let (trace, page) = (place(&self.wanted.trace), place(&self.wanted.report));
        apart([trace.as_deref(), page.as_deref(), local])?;
        if let Some(page) = &page {
            // A page that cannot be written is known before anything is transferred.
            replaceable(page, PAGE, "page")?;
            fs::OpenOptions::new().append(true).create(true).open(page).map_err(|error| failed(page, &error))?;
        }
        let (trace, temporary) = match (trace, &page) {
            (None, None) => return Ok(None),
            (Some(path), _) => {
                replaceable(&path, TRACE, "trace")?;
                (path, None)
            }
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
            let say = |what: &str, failure: Failure| Failure::new(failure.code, format!("{what}: {}", failure.words));
            if let Err(error) = running.recording.wait() {
                failures.push(say("the trace is not whole", failed(&running.trace, &error)));
            }
            // What there is of a trace makes a page, too.
            let drawn = running.page.as_deref().map_or(Ok(()), |page| draw(&running.trace, page));
            failures.extend(drawn.err().map(|failure| say("no page", failure)));
        }
        failures
    }
}

/// `longhaul report`: the page of a trace.
pub(crate) fn report(args: &args::Report) -> Result<Code, Failure> {
    if args.output.as_os_str() == "-" {
        out::stdout(&page::page(&open(&args.trace)?));
    } else {
        replaceable(&args.output, PAGE, "page")?;
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

/// Whether the file may be written anew: it is not there, empty, or an earlier one of its kind, which begins with `begin`.
fn replaceable(path: &Path, begin: &str, kind: &str) -> Result<(), Failure> {
    if !path.is_file() {
        return Ok(());
    }
    let mut there = Vec::new();
    let file = File::open(path).map_err(|error| failed(path, &error))?;
    file.take(begin.len() as u64).read_to_end(&mut there).map_err(|error| failed(path, &error))?;
    if there.is_empty() || there == begin.as_bytes() {
        return Ok(());
    }
    Err(Failure::usage(format!("{} is there and is no {kind}: name another file for it", shown::path(path))))
}

/// No file may be written as two things.
fn apart(files: [Option<&Path>; 3]) -> Result<(), Failure> {
    let mut seen = Vec::new();
    for path in files.into_iter().flatten() {
        let whole = std::path::absolute(path).map_err(|error| failed(path, &error))?;
        if seen.contains(&whole) {
            let words = "a trace, a page and what is transferred need files of their own";
            return Err(Failure::usage(format!("{}: {words}", shown::path(path))));
        }
        seen.push(whole);
    }
    Ok(())
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
