//! `longhaul resume`: everything the state folder says is unfinished.

use serde_json::json;

use crate::args;
use crate::exit::{Code, Failure};
use crate::report::{self, out};
use crate::shown;
use crate::signal::Signals;
use crate::state::{Kind, Record, State};
use crate::transfer::Run;

/// Resumes, or lists.
pub(crate) async fn resume(args: args::Resume, signals: Signals) -> Result<Code, Failure> {
    let state = State::new(args.unfinished.state.folder().as_deref())?;
    let (records, trouble) = state.records()?;
    for words in &trouble {
        report::hint(words);
    }
    if args.list {
        list(&records, args.unfinished.output_options.json);
        return Ok(Code::Done);
    }
    let command = args.unfinished.credentials_command.as_deref();
    let lacks = |record: &Record| !record.withheld.is_empty() || (record.wants_command() && command.is_none());
    let (withheld, ready): (Vec<_>, Vec<_>) = records.into_iter().partition(lacks);
    let (mut requests, mut unreadable) = (Vec::new(), 0);
    for record in ready {
        match record.request(command) {
            Ok(request) => requests.push(request),
            Err(words) => {
                unreadable += 1;
                report::hint(&format!("{}: {words}", shown::path(&record.path())));
            }
        }
    }
    let nothing = requests.is_empty() && withheld.is_empty() && unreadable == 0;
    if nothing && !args.unfinished.output_options.quiet && !args.unfinished.output_options.json {
        report::hint("nothing is unfinished");
    }
    let mut report = report::new(&args.unfinished.output_options);
    let mut run = Run { state: &state, report: report.as_mut(), traced: args.traced, signals };
    let summaries = run.all(requests).await;
    report.close();
    let mut code = summaries.iter().map(report::Summary::code).find(|code| *code != Code::Done).unwrap_or(Code::Done);
    if summaries.iter().any(|summary| summary.code() == Code::Interrupted) {
        code = Code::Interrupted;
        report::hint(&format!("stopped; to go on: {}", again(&state)));
    }
    for record in &withheld {
        if record.withheld.is_empty() {
            report::hint(&format!(
                "{}: the command that prints its credentials is not recorded: give it to resume by --credentials-command",
                shown::path(&record.path())
            ));
            continue;
        }
        let what = record.withheld.join(", ");
        report::hint(&format!(
            "{}: run its own command again, because {what} is not recorded: {}",
            shown::path(&record.path()),
            record.command
        ));
    }
    if code == Code::Done && (!withheld.is_empty() || unreadable > 0) {
        code = Code::Usage;
    }
    if code == Code::Done && !trouble.is_empty() {
        code = Code::Disk;
    }
    if args.unfinished.output_options.json {
        let done = summaries.iter().filter(|summary| summary.code() == Code::Done).count();
        let value = json!({
            "event": "end",
            "done": done,
            "failed": summaries.len() - done,
            "withheld": withheld.iter().map(|record| &record.id).collect::<Vec<_>>(),
            "exit_code": code as u8,
        });
        out::stdout(&format!("{value}\n"));
    }
    Ok(code)
}

fn again(state: &State) -> String {
    match state.named() {
        Some(folder) => format!("longhaul resume --state {}", shown::quoted(folder.as_os_str())),
        None => "longhaul resume".to_owned(),
    }
}

fn list(records: &[Record], as_json: bool) {
    for record in records {
        let path = record.path();
        let kind = match record.kind {
            Kind::Get | Kind::GetInto => "get",
            Kind::Put => "put",
        };
        if as_json {
            let value = json!({
                "id": record.id,
                "kind": kind,
                "url": record.url,
                "path": path.to_string_lossy(),
                "started": record.started,
                "withheld": record.withheld,
                "command": record.command,
            });
            out::stdout(&format!("{value}\n"));
        } else {
            let mark = if record.withheld.is_empty() {
                String::new()
            } else {
                format!("  (needs its own command again: {})", shown::text(&record.command))
            };
            out::stdout(&format!("{kind}  {}  {}{mark}\n", shown::text(&record.url), shown::path(&path)));
        }
    }
}
