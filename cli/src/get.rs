//! `longhaul get` and `longhaul put`: one transfer.

use crate::args;
use crate::exit::{Code, Failure};
use crate::report::{self, Outcome, Summary, out};
use crate::request::{Request, What};
use crate::signal::Signals;
use crate::state::State;
use crate::transfer::Run;

/// Downloads.
pub(crate) async fn get(args: args::Get, signals: Signals) -> Result<Code, Failure> {
    let how = How::of(&args.shared)?;
    one(Request::from_get(args)?, how, signals).await
}

/// Uploads.
pub(crate) async fn put(args: args::Put, signals: Signals) -> Result<Code, Failure> {
    let how = How::of(&args.shared)?;
    one(Request::from_put(args)?, how, signals).await
}

/// What is said about a transfer's run, and not about the transfer.
struct How {
    state: State,
    output: args::Output,
    traced: args::Traced,
}

impl How {
    fn of(args: &args::Shared) -> Result<Self, Failure> {
        let (output, traced) = (args.output_options.clone(), args.traced.clone());
        Ok(Self { state: State::new(args.state.folder().as_deref())?, output, traced })
    }
}

async fn one(request: Request, how: How, signals: Signals) -> Result<Code, Failure> {
    let How { state, output, traced } = how;
    let mut report = report::new(&output);
    let mut run = Run { state: &state, report: report.as_mut(), traced, signals };
    let summaries = run.all(vec![request.clone()]).await;
    report.close();
    let Some(summary) = summaries.first() else { return Ok(Code::Failed) };
    if summary.code() == Code::Interrupted {
        let what = if summary.begins_anew { "begin anew" } else { "go on" };
        report::hint(&format!("stopped; to {what}: {}", request.command(state.named())));
    }
    if !output.json {
        result(&request, summary);
    }
    Ok(summary.code())
}

/// What was asked for, on standard output: the path of a download, the server's name for an upload.
fn result(request: &Request, summary: &Summary) {
    if matches!(summary.outcome, Outcome::Failed(_)) {
        return;
    }
    let told = match (&request.what, &summary.path, &summary.file_id) {
        (What::Get { .. }, Some(path), _) => path.as_encoded_bytes(),
        (What::Put { .. }, _, Some(id)) => id.as_bytes(),
        _ => return,
    };
    out::stdout_line(told);
}
