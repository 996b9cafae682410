//! Runs transfers side by side to their ends: tells what happens, keeps the records, and stops when asked to.

use std::future::poll_fn;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use futures::stream::FuturesUnordered;
use futures::{Stream, StreamExt};
use longhaul::driver::job::Recalled;
use longhaul::driver::stream::StreamReader;
use longhaul::{Completed, Digest, Error, Event, EventKind, FileFaultKind, Phase, Progress, ServerFaultKind, Transfer};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinHandle;

use crate::args::{Overwrite, Traced};
use crate::exit::{Code, Failure};
use crate::give_up::give_up;
use crate::report::{Label, Report, Summary};
use crate::request::{self, Clients, Kept, Ready, Remote, Request, Source, Target, Wallet, What};
use crate::signal::Signals;
use crate::state::{Entry, State};

/// How often progress is looked at.
const TICK: Duration = Duration::from_millis(100);
/// How long a client may take to close, and standard output to take the rest.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// What all transfers of a run have in common.
pub(crate) struct Run<'a> {
    pub(crate) state: &'a State,
    pub(crate) report: &'a mut dyn Report,
    pub(crate) traced: Traced,
    pub(crate) signals: Signals,
}

/// A transfer at work.
struct Task {
    index: usize,
    request: Request,
    entry: Option<Entry>,
    transfer: Transfer,
    copy: Option<JoinHandle<Result<(), Failure>>>,
    kept: Kept,
    /// An earlier run recorded it.
    recorded: bool,
    began: Instant,
    /// Whether it reached the point from which a record is worth something.
    worth: bool,
    /// Whether it is on its way out without the object.
    leaving: bool,
    ended: Option<Result<Completed, Error>>,
}

impl Task {
    /// An upload that is cleaned up after its commit is done. Its journal goes now, and a record without one would send all of it
    /// again, should this process be killed before the end.
    fn entered(&mut self, phase: Phase) {
        self.leaving |= matches!(phase, Phase::Ending | Phase::Aborting);
        let made = phase == Phase::Cleaning && !self.leaving && matches!(self.request.what, What::Put { .. });
        if let Some(entry) = self.entry.as_mut().filter(|_| made) {
            entry.forget();
        }
    }
}

impl Run<'_> {
    /// Runs all of `requests`; their ends, in their order.
    pub(crate) async fn all(&mut self, requests: Vec<Request>) -> Vec<Summary> {
        let mut summaries: Vec<Option<Summary>> = requests.iter().map(|_| None).collect();
        let mut clients = Clients::new(self.traced.clone());
        let wallet = Wallet::default();
        let mut round: Vec<_> = requests.into_iter().enumerate().collect();
        for (index, request) in &round {
            self.report.start(*index, &Label::of(request));
        }
        // A second round has only what the first one left to be replaced in any case, so there is no third.
        while !round.is_empty() {
            let mut tasks = Vec::new();
            for (index, request) in std::mem::take(&mut round) {
                match self.begin(index, request, &wallet, &mut clients).await {
                    Ok(task) => tasks.push(task),
                    Err(failure) => self.end(index, Summary::failed(failure), &mut summaries),
                }
            }
            let mut hopeless = Vec::new();
            self.watch(tasks, &clients, |this, index, finish| match finish {
                Finish::Over(summary) => this.end(index, *summary, &mut summaries),
                Finish::Hopeless(summary, request) => hopeless.push((index, summary, request)),
                Finish::Again(request) => {
                    let words = "the file has the server's size and time, but not the checksum; fetching it again";
                    this.report.note(Some(index), words);
                    round.push((index, *request));
                }
            })
            .await;
            // What goes to the server once more waits until nobody is kept waiting by it.
            for (index, summary, request) in hopeless {
                self.give_up(index, &request, &wallet, &mut clients).await;
                self.end(index, *summary, &mut summaries);
            }
        }
        for failure in clients.close(PATIENCE).await {
            self.report.lacking(&failure.words);
        }
        summaries.into_iter().flatten().collect()
    }

    fn end(&mut self, index: usize, summary: Summary, summaries: &mut [Option<Summary>]) {
        self.report.end(index, &summary);
        if let Some(place) = summaries.get_mut(index) {
            *place = Some(summary);
        }
    }

    async fn begin(
        &mut self,
        index: usize,
        request: Request,
        wallet: &Wallet,
        clients: &mut Clients,
    ) -> Result<Task, Failure> {
        let began = Instant::now();
        // First of all: a page that is asked for is drawn of whatever fails from here on, too.
        let client = clients.of(&request)?.clone();
        let (entry, warning) = self.state.enter(&request)?;
        if let Some(words) = warning {
            self.report.note(Some(index), &words);
        }
        let mut signals = self.signals.clone();
        tokio::select! {
            biased;
            () = signals.wait() => return Err(Failure::stopped()),
            checked = check_source(&request) => checked?,
        }
        let journals = self.state.journals().filter(|_| entry.is_some());
        let Ready { mut job, reader, kept } = tokio::select! {
            biased;
            () = signals.wait() => return Err(Failure::stopped()),
            made = request::make(&request, wallet, journals) => made?,
        };
        let recorded = entry.as_ref().is_some_and(Entry::recorded);
        let left = job.recall().await?;
        if let Some(entry) = entry.as_ref().filter(|_| recorded && left == Recalled::Checkpoint) {
            entry.check(&request)?;
        }
        if let Some(words) = recalled(&left, &request, recorded) {
            self.report.note(Some(index), &words);
        }
        let transfer = client.submit(job).await?;
        let copy = reader.map(|reader| tokio::spawn(copy(reader)));
        Ok(Task {
            index,
            request,
            entry,
            transfer,
            copy,
            kept,
            recorded,
            began,
            worth: false,
            leaving: false,
            ended: None,
        })
    }

    /// Leaves nothing of an upload that can never be finished: neither on the server, where parts cost money, nor here.
    async fn give_up(&mut self, index: usize, request: &Request, wallet: &Wallet, clients: &mut Clients) {
        let given_up = give_up(self.state, request, wallet, clients, |_| {});
        if !matches!(tokio::time::timeout(PATIENCE, given_up).await, Ok(Ok(()))) {
            self.report.note(Some(index), "the server may keep what was uploaded: giving it up failed");
        }
    }

    /// Tells what happens until everything has ended, and of each transfer what became of it once it has.
    async fn watch(&mut self, mut tasks: Vec<Task>, clients: &Clients, mut over: impl FnMut(&mut Self, usize, Finish)) {
        let mut signals = self.signals.clone();
        let mut tick = tokio::time::interval(TICK);
        let mut closing = false;
        let mut deadline = None;
        // Comparing a checksum, say, takes its time; the other transfers go on being told of.
        let mut finishing = FuturesUnordered::new();
        while !tasks.is_empty() || !finishing.is_empty() {
            let patience = async move {
                match deadline {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = signals.wait(), if !closing => {
                    closing = true;
                    deadline = Some(tokio::time::Instant::now() + PATIENCE);
                    for client in clients.all() {
                        // Refuses new work and breaks requests off from the moment of the call.
                        drop(client.close());
                    }
                }
                () = patience => {
                    deadline = None;
                    if !tasks.is_empty() {
                        tracing::warn!("transfers did not stop in time");
                    }
                    finishing.extend(tasks.drain(..).map(|task| finished(task, self.signals.clone())));
                }
                (at, event) = next(&mut tasks) => if self.event(&mut tasks, at, event) {
                    finishing.push(finished(tasks.remove(at), self.signals.clone()));
                },
                Some((index, finish)) = finishing.next() => over(self, index, finish),
                _ = tick.tick() => {
                    for task in &tasks {
                        self.report.progress(task.index, &task.transfer.progress(), task.transfer.status());
                    }
                }
            }
        }
    }

    /// Whether that was the end of it.
    fn event(&mut self, tasks: &mut [Task], at: usize, event: Option<Event>) -> bool {
        let Some(task) = tasks.get_mut(at) else { return false };
        match event {
            Some(Event { kind: EventKind::Ended(_), .. }) | None => {
                self.report.progress(task.index, &task.transfer.progress(), task.transfer.status());
                task.ended = Some(task.transfer.outcome().unwrap_or(Err(Error::Closed)));
                true
            }
            Some(event) => {
                let worth = match task.request.what {
                    // From here on the target is reserved.
                    What::Get { .. } => matches!(event.kind, EventKind::Moving { .. }),
                    What::Put { .. } => matches!(event.kind, EventKind::Started),
                };
                if worth && !task.worth {
                    task.worth = true;
                    if let Some(entry) = &mut task.entry
                        && let Err(failure) = entry.record(&task.request)
                    {
                        self.report.note(Some(task.index), &format!("{failure}; `resume` will not know this transfer"));
                    }
                }
                if let EventKind::Phase(phase) = &event.kind {
                    task.entered(*phase);
                }
                self.report.event(task.index, &event);
                false
            }
        }
    }
}

/// [`finish`], and whose it is.
async fn finished(task: Task, signals: Signals) -> (usize, Finish) {
    (task.index, finish(task, signals).await)
}

/// What became of it, and of its record.
async fn finish(mut task: Task, mut signals: Signals) -> Finish {
    let progress = task.transfer.progress();
    if matches!(task.ended, Some(Err(Error::Closed)) | None) {
        // Told to stop: whoever does not read on is not waited for.
        task.copy.take().inspect(JoinHandle::abort);
    }
    let mut outcome = task.ended.take().unwrap_or(Err(Error::Closed)).map_err(Failure::from);
    if let Some(copy) = task.copy.take() {
        outcome = match (outcome, delivered(copy).await) {
            // That the reader has gone is why the transfer failed.
            (_, Err(failure)) => Err(failure),
            (outcome, Ok(())) => outcome,
        };
    }
    let path = outcome.as_ref().ok().and_then(|completed| place(&task.request, completed));
    let mut checked = None;
    if let Ok(completed) = &outcome
        && completed.unchanged
    {
        let compared = tokio::select! {
            biased;
            () = signals.wait() => Err(Failure::stopped()),
            compared = unchanged(&task.request, path.as_deref()) => compared,
        };
        match compared {
            Ok(digest) => checked = digest,
            Err(failure) if failure.code == Code::Integrity => {
                return Finish::Again(Box::new(task.request.replacing()));
            }
            Err(failure) => outcome = Err(failure),
        }
    }
    let mut left = Left::Nothing;
    if let Err(failure) = &mut outcome {
        left = Left::of(&task.kept, &task.request, &progress).await;
        remedy(failure, &task.request, left);
    }
    let over = match &outcome {
        Ok(_) => true,
        // Nothing is left that could go on.
        Err(failure) if matches!(failure.code, Code::Integrity | Code::Usage) => true,
        // Or nothing was begun: a source that is not there, a first request that was refused. What a plan speaks of was begun by others.
        Err(failure) if !task.recorded && !matches!(task.request.remote, Remote::Plan(_)) => match failure.code {
            Code::Disk => progress.requests == 0,
            Code::Refused => progress.requests <= 1,
            _ => false,
        },
        Err(_) => false,
    };
    if over && let Some(entry) = &mut task.entry {
        entry.forget();
        // A download's is the library's own to keep or remove, beside what has come.
        if outcome.is_err() && matches!(task.request.what, What::Put { .. }) {
            task.kept.forget().await;
        }
    }
    let mut summary = Summary::of(&outcome, progress, task.began.elapsed(), checked);
    summary.path = path.map(Into::into);
    summary.begins_anew = left == Left::Lost;
    let conflict = outcome.as_ref().is_err_and(|failure| {
            matches!(failure.error.as_deref(), Some(Error::Server(fault)) if fault.kind == ServerFaultKind::Conflict)
        });
    if conflict && task.entry.is_some() && matches!(task.request.what, What::Put { .. }) {
        return Finish::Hopeless(Box::new(summary), Box::new(task.request));
    }
    Finish::Over(Box::new(summary))
}

/// What is left to do about a transfer that has ended.
enum Finish {
    Over(Box<Summary>),
    /// Over, and what is on the server is of no use: somebody else's object is in its place.
    Hopeless(Box<Summary>, Box<Request>),
    /// To be done once more, like this.
    Again(Box<Request>),
}

/// Where a finished download is.
fn place(request: &Request, completed: &Completed) -> Option<PathBuf> {
    match &request.what {
        What::Get { to: Target::File(path), .. } => Some(path.clone()),
        What::Get { to: Target::Folder(folder), .. } => match completed.path.as_deref() {
            // The library gives text; the folder's own name may be none.
            Some(path) => Path::new(path).file_name().map(|name| folder.join(name)),
            // Not told of a file that was left alone: most probably the one of the URL's name.
            None => request.url_name().map(|name| folder.join(name)).filter(|path| path.is_file()),
        },
        _ => None,
    }
}

/// Size and time are the server's; a checksum that was asked for must hold, too.
async fn unchanged(request: &Request, path: Option<&Path>) -> Result<Option<Digest>, Failure> {
    let checksums = request.options.checksums.clone();
    let first = checksums.first().copied();
    match path {
        Some(path) => request::file_has(path.to_owned(), checksums).await.map(|()| first),
        None if first.is_none() => Ok(None),
        None => Err(Failure::new(Code::Integrity, "it is not known which file was left alone")),
    }
}

/// An upload's checksum is the source's; it is compared before anything is sent.
async fn check_source(request: &Request) -> Result<(), Failure> {
    match &request.what {
        What::Put { from: Source::File(path), .. } => {
            request::file_has(path.clone(), request.options.checksums.clone()).await
        }
        _ => Ok(()),
    }
}

/// The next event of any of them.
async fn next(tasks: &mut [Task]) -> (usize, Option<Event>) {
    poll_fn(|cx| {
        for (at, task) in tasks.iter_mut().enumerate() {
            if let Poll::Ready(event) = Pin::new(&mut task.transfer).poll_next(cx) {
                return Poll::Ready((at, event));
            }
        }
        Poll::Pending
    })
    .await
}

/// What to say about what an earlier run left.
fn recalled(recalled: &Recalled, request: &Request, recorded: bool) -> Option<String> {
    match (recalled, &request.what) {
        (Recalled::Unusable(error), _) => Some(error.to_string()),
        (Recalled::Nothing, What::Get { .. }) if recorded => {
            Some("nothing is there of an earlier run that could be gone on with; it begins anew".to_owned())
        }
        (Recalled::Nothing, What::Put { .. }) if recorded && request.starts_afresh() => {
            Some("a single PUT cannot be continued; it starts afresh".to_owned())
        }
        _ => None,
    }
}

/// What a later run finds of a transfer that was not finished.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Nothing had been moved.
    Nothing,
    /// It can go on.
    Kept,
    /// All of it has to be moved again: nothing was recorded (`--no-recheck`, a server without ranges), or nothing can be gone on with.
    Lost,
}

impl Left {
    async fn of(kept: &Kept, request: &Request, progress: &Progress) -> Self {
        let there = request.is_kept_by_server() && progress.acknowledged > 0;
        match (there || kept.stored().await > 0, progress.moved) {
            (true, _) => Self::Kept,
            (false, 0) => Self::Nothing,
            (false, _) => Self::Lost,
        }
    }
}

/// Adds to an error what can be done about it, where the command knows more than the library.
fn remedy(failure: &mut Failure, request: &Request, left: Left) {
    if failure.code == Code::Interrupted {
        let words = match left {
            Left::Kept if request.is_repeatable() => "stopped; what is there is kept",
            Left::Lost if request.is_repeatable() => "stopped; nothing is there that could be gone on with",
            _ => "stopped",
        };
        words.clone_into(&mut failure.words);
    }
    let more = match (failure.error.as_deref(), &request.what) {
        (Some(Error::Disk(fault)), What::Get { overwrite: Overwrite::Never, .. })
            if fault.kind == FileFaultKind::Exists =>
        {
            "; remove it, name another place with -o, or allow it with --overwrite"
        }
        (Some(Error::Disk(fault)), What::Put { from: Source::File(_), .. })
            if fault.kind == FileFaultKind::NotFound =>
        {
            "; check the path (- is standard input)"
        }
        (Some(Error::Network(_)), _) if request.is_repeatable() => match left {
            Left::Nothing => "; the same command tries again",
            Left::Kept => "; the same command goes on where it stopped",
            Left::Lost => "; the same command begins anew",
        },
        // What has to be fresh has been said; of a plan all has.
        (Some(Error::Issuer(_)), _) if request.is_repeatable() && !matches!(request.remote, Remote::Plan(_)) => {
            match left {
                Left::Nothing => return,
                Left::Kept => "; the command then goes on where it stopped",
                Left::Lost => "; the command then begins anew",
            }
        }
        _ => return,
    };
    failure.words.push_str(more);
}

/// Writes what arrives to standard output, in order.
async fn copy(mut reader: StreamReader) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(Code::Disk, format!("cannot write to standard output: {error}"));
    let mut out = tokio::io::stdout();
    // An error of the transfer itself comes as its outcome.
    while let Some(Ok(bytes)) = reader.next().await {
        out.write_all(&bytes).await.map_err(failed)?;
    }
    out.flush().await.map_err(failed)
}

async fn delivered(copy: JoinHandle<Result<(), Failure>>) -> Result<(), Failure> {
    match tokio::time::timeout(PATIENCE, copy).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(Failure::new(Code::Failed, "writing to standard output was broken off")),
        Err(_) => Err(Failure::new(Code::Disk, "standard output does not take the content")),
    }
}
