//! The `longhaul` command: get, put, resume, cancel, report, replay, serve, demo.

#![forbid(unsafe_code)]

mod args;
mod cancel;
mod demo;
mod exit;
mod get;
mod give_up;
mod report;
mod request;
mod resume;
mod serve;
mod shown;
mod signal;
mod state;
mod traced;
mod transfer;

use std::process::ExitCode;
use std::time::Duration;

use args::Command;
use exit::{Code, Failure};
use signal::Signals;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// How long what still blocks (reading standard input, say) may hold the end up.
const GRACE: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    let cli = match args::parse(std::env::args_os().collect()) {
        Ok(cli) => cli,
        Err(code) => return code.into(),
    };
    let json = cli.command.output().is_some_and(|output| output.json);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let failure = Failure::new(Code::Failed, format!("cannot start: {error}"));
            report::fatal(&failure, json);
            return failure.code.into();
        }
    };
    let code = runtime.block_on(run(cli.command)).unwrap_or_else(|failure| {
        report::fatal(&failure, json);
        failure.code
    });
    runtime.shutdown_timeout(GRACE);
    code.into()
}

async fn run(command: Command) -> Result<Code, Failure> {
    let signals = Signals::new();
    trace(&command);
    match command {
        Command::Get(args) => get::get(args, signals).await,
        Command::Put(args) => get::put(args, signals).await,
        Command::Resume(args) => resume::resume(args, signals).await,
        Command::Cancel(args) => cancel::cancel(args, signals).await,
        Command::Report(args) => traced::report(&args),
        Command::Replay(args) => traced::replay(&args),
        Command::Serve(args) => serve::serve(args, signals).await,
        Command::Demo(args) => demo::demo(args, signals).await,
    }
}

/// Tells on standard error what happens inside, as far as `-v` asks for it.
fn trace(command: &Command) {
    let verbose = match command {
        Command::Serve(args) => args.verbose,
        Command::Demo(args) => args.verbose,
        command => command.output().map_or(0, |output| output.verbose),
    };
    let level = match verbose {
        0 => return,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    // Our own words only: what other crates trace may hold headers.
    let ours = Targets::new().with_target("longhaul", level);
    let lines =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false).log_internal_errors(false);
    tracing_subscriber::registry().with(ours).with(lines).init();
}
