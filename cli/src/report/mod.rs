//! What the user sees: a bar on a terminal, plain lines elsewhere, JSON where asked for.
//!
//! Standard output has only what was asked for (`--json`, or the final path); everything else goes to standard error.

mod bar;
pub(crate) mod json;
pub(crate) mod out;
mod plain;
mod summary;
pub(crate) mod text;

use std::io::IsTerminal;

use longhaul::{Event, EventKind, Progress, Restart, State};

use crate::args::Output;
use crate::exit::Failure;
use crate::request::Request;
use crate::shown;
pub(crate) use summary::{Outcome, Summary, Verdict};

/// What one transfer is called in reports.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    /// Its name among the records.
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    /// The URL, without secrets.
    pub(crate) url: String,
    /// The local path, or a dash.
    pub(crate) path: String,
    /// Short, for a line.
    pub(crate) name: String,
}

impl Label {
    pub(crate) fn of(request: &Request) -> Self {
        let url = request.object();
        let path = request.path().map_or_else(|| "-".to_owned(), shown::path);
        let last = |text: &str| text.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
        let name = match &request.what {
            crate::request::What::Get { to: crate::request::Target::File(_), .. }
            | crate::request::What::Put { .. }
                if path != "-" =>
            {
                last(&path)
            }
            _ => last(&url),
        };
        Self { id: request.id(), kind: request.kind(), url, path, name }
    }
}

/// One way to tell. `index` counts the transfers of this run.
pub(crate) trait Report: Send {
    /// A transfer begins.
    fn start(&mut self, index: usize, label: &Label);
    /// Something worth knowing that is no event.
    fn note(&mut self, index: Option<usize>, words: &str);
    /// Something that was asked for beside the transfers was not done.
    fn lacking(&mut self, words: &str) {
        self.note(None, words);
    }
    /// Something happened. Ends are told by [`Report::end`].
    fn event(&mut self, index: usize, event: &Event);
    /// Where it stands; called a few times per second.
    fn progress(&mut self, index: usize, progress: &Progress, state: State);
    /// It is over.
    fn end(&mut self, index: usize, summary: &Summary);
    /// Everything is over.
    fn close(&mut self) {}
}

/// The way that fits what was asked for and where standard error leads.
pub(crate) fn new(output: &Output) -> Box<dyn Report> {
    if output.json {
        return Box::new(json::Json::new(output.quiet));
    }
    if output.quiet {
        return Box::new(plain::Plain::quiet());
    }
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    // What -v tells would tear a bar apart.
    if std::io::stderr().is_terminal() && !dumb && output.verbose == 0 {
        Box::new(bar::Bars::new())
    } else {
        Box::new(plain::Plain::new())
    }
}

/// Tells a failure that ends the command before there is a transfer to be told of.
pub(crate) fn fatal(failure: &Failure, json: bool) {
    if json {
        json::fatal(failure);
    }
    self::failure(failure);
}

/// Tells a failure.
fn failure(failure: &Failure) {
    hint(&failure.words);
}

/// Tells something else on standard error.
pub(crate) fn hint(words: &str) {
    out::stderr(&format!("longhaul: {}\n", shown::text(words)));
}

/// An event in words; `None` for those that only programs want.
fn words(event: &Event) -> Option<String> {
    Some(match &event.kind {
        EventKind::Moving { reused, total } if *reused > 0 => {
            let of = total.map(|total| format!(" of {}", text::bytes(total))).unwrap_or_default();
            format!("going on where it stopped: {}{of} are there", text::bytes(*reused))
        }
        EventKind::Retrying { step, attempt, delay, reason } => {
            format!("{reason}; retry {attempt} of the {step} in {}", text::time(*delay))
        }
        EventKind::Restarted(restart) => format!("starting over: {}", why(restart)),
        EventKind::MaybeOrphan { object } => format!("the server may keep an unfinished upload of {object}"),
        EventKind::AbortFailed { object, reason } => {
            format!("the server keeps an unfinished upload of {object}: giving it up failed ({reason})")
        }
        EventKind::CheckpointFailed(error) => {
            format!("a checkpoint could not be written ({error}); a crash now would cost more")
        }
        _ => return None,
    })
}

fn why(restart: &Restart) -> String {
    match restart {
        Restart::Changed(changed) => changed.to_string(),
        Restart::LocalLost => "what an earlier run had fetched is missing or damaged here".to_owned(),
        Restart::SessionGone => "the server no longer knows the upload".to_owned(),
        Restart::Unpinned => "the server names no version, so what is there cannot be continued".to_owned(),
        _ => "what is there cannot be continued".to_owned(),
    }
}
