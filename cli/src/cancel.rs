//! `longhaul cancel`: gives unfinished transfers up.

use std::path::{Path, PathBuf};

use longhaul::http::Url;

use crate::args;
use crate::exit::{Code, Failure};
use crate::give_up::give_up;
use crate::report::{self, Label, Report, Summary};
use crate::request::{self, Clients, Request, Wallet};
use crate::shown;
use crate::signal::Signals;
use crate::state::{Record, State};
use crate::transfer::PATIENCE;

/// Gives up what is named, or all.
pub(crate) async fn cancel(args: args::Cancel, mut signals: Signals) -> Result<Code, Failure> {
    let state = State::new(args.unfinished.state.folder().as_deref())?;
    let (records, trouble) = state.records()?;
    for words in &trouble {
        report::hint(words);
    }
    let chosen = chosen(&args, records)?;
    if chosen.is_empty() && !args.unfinished.output_options.quiet && !args.unfinished.output_options.json {
        report::hint("nothing is unfinished");
    }
    let mut report = report::new(&args.unfinished.output_options);
    let (wallet, mut clients) = (Wallet::default(), Clients::default());
    let mut code = if trouble.is_empty() { Code::Done } else { Code::Disk };
    for (index, record) in chosen.iter().enumerate() {
        let one = one(
            record,
            index,
            args.unfinished.credentials_command.as_deref(),
            &state,
            &wallet,
            &mut clients,
            report.as_mut(),
        );
        let done = tokio::select! {
            biased;
            () = signals.wait() => Err(Failure::stopped()),
            done = one => done,
        };
        let summary = match done {
            Ok(()) => Summary::given_up(),
            Err(failure) => Summary::failed(failure),
        };
        report.end(index, &summary);
        if summary.code() != Code::Done {
            code = summary.code();
        }
        if code == Code::Interrupted {
            break;
        }
    }
    report.close();
    clients.close(PATIENCE).await;
    Ok(code)
}

/// The records that are meant. A word that names none is refused before anything is given up.
fn chosen(args: &args::Cancel, records: Vec<Record>) -> Result<Vec<Record>, Failure> {
    if args.all {
        return Ok(records);
    }
    if let Some(word) = args.transfers.iter().find(|word| !records.iter().any(|record| is_named(record, word))) {
        let words = format!(
            "nothing unfinished is called {}: `longhaul resume --list` tells what there is",
            shown::path(Path::new(&shown::url(word)))
        );
        return Err(Failure::usage(words));
    }
    let is_meant = |record: &Record| args.transfers.iter().any(|word| is_named(record, word));
    Ok(records.into_iter().filter(is_meant).collect())
}

/// Whether a word names a record: by its id, its path, or its URL, whatever the URL's secrets are.
fn is_named(record: &Record, word: &str) -> bool {
    let object = Url::parse(word).ok();
    record.id == word
        || record.url == word
        || object.is_some_and(|url| url.object() == record.url)
        || std::path::absolute(word).is_ok_and(|path| path == record.path())
}

async fn one(
    record: &Record,
    index: usize,
    command: Option<&str>,
    state: &State,
    wallet: &Wallet,
    clients: &mut Clients,
    report: &mut dyn Report,
) -> Result<(), Failure> {
    let request = request(record, command, state.journals()).await?;
    report.start(index, &Label::of(&request));
    give_up(state, &request, wallet, clients, |event| report.event(index, event)).await
}

/// The transfer, without what was not recorded: to give it up takes neither a query nor a header, and credentials only where the store
/// has to be asked.
async fn request(record: &Record, command: Option<&str>, journals: Option<PathBuf>) -> Result<Request, Failure> {
    let path = shown::path(&record.path());
    let request = record.request(command).map_err(|words| Failure::usage(format!("{path}: {words}")))?;
    // A name that the query belongs to.
    if request.id() != record.id {
        let words = format!("what tells it from others is not recorded: finish it, with {}", record.command);
        return Err(Failure::usage(format!("{path}: {words}")));
    }
    if !request::has_session(&request, journals).await {
        return Ok(request.anonymous());
    }
    if record.wants_command() && command.is_none() {
        let words = "the command that prints its credentials is not recorded: give it by --credentials-command";
        return Err(Failure::usage(format!("{path}: {words}")));
    }
    Ok(request)
}
