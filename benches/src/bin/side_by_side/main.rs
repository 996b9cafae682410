//! longhaul beside other tools, on the same server, in the same minute: wall time, CPU, memory, context switches.
//!
//! Everything stays on loopback. The contestants take turns within each round and each round begins with another one, so that
//! what the machine does besides falls on all alike. Nothing here fails because of a number; it prints them.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command that prints a table")]

mod args;
mod cases;
mod server;
mod sink;
mod table;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use args::Args;
use cases::Case;
use longhaul_benches::child::{self, Usage};
use longhaul_benches::contestants::{Contestant, Programs};
use longhaul_benches::numbers;
use server::Server;
use sink::Sink;

/// What takes longer than this has come to nothing.
const LIMIT: Duration = Duration::from_mins(10);

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(Some(args)) => args,
        Ok(None) => {
            print!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Err(words) => {
            eprintln!("side_by_side: {words}\n\n{}", args::HELP);
            return ExitCode::from(2);
        }
    };
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("side_by_side: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), Failure> {
    let (server, sink) = (Server::start(args.port)?, Sink::start()?);
    let programs = Programs::find(args.longhaul.clone());
    let cases = cases::all(args, &server, &sink, &programs)?;
    println!("{}", numbers::machine());
    match programs.missing().as_slice() {
        [] => println!(),
        missing => println!("not measured, because not there: {}\n", missing.join(", ")),
    }
    for case in &cases {
        eprintln!("{} …", case.title);
        // A round that does not count: caches warm, and every contestant shows that it moves the right bytes.
        sink.summing(true);
        for contestant in &case.contestants {
            once(case, contestant, &sink, Check::Content)?;
        }
        sink.summing(false);
        let mut rounds: Vec<Vec<Usage>> = Vec::with_capacity(args.rounds);
        for round in 0..args.rounds {
            let mut usages: Vec<(usize, Usage)> = Vec::with_capacity(case.contestants.len());
            for turn in 0..case.contestants.len() {
                let at = (round + turn) % case.contestants.len();
                if let Some(contestant) = case.contestants.get(at) {
                    usages.push((at, once(case, contestant, &sink, Check::Length)?));
                }
            }
            usages.sort_by_key(|&(at, _)| at);
            rounds.push(usages.into_iter().map(|(_, usage)| usage).collect());
        }
        println!("{}", table::of(case, &rounds));
    }
    Ok(())
}

/// How closely a result is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Check {
    Content,
    Length,
}

/// One run in a folder of its own.
fn once(case: &Case, contestant: &Contestant, sink: &Sink, check: Check) -> Result<Usage, Failure> {
    let folder = case.folder.join(format!("longhaul-side-by-side-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let result = measured(case, contestant, sink, check, &folder);
    std::fs::remove_dir_all(&folder)?;
    result.map_err(|error| format!("{}: {}: {error}", case.title, contestant.name).into())
}

fn measured(case: &Case, contestant: &Contestant, sink: &Sink, check: Check, folder: &Path) -> Result<Usage, Failure> {
    let (usage, success, words) = child::run(contestant.command(folder), LIMIT)?;
    if !success {
        return Err(format!("failed: {}", words.trim()).into());
    }
    match &case.result {
        cases::Result::Files(files) => {
            for (name, source) in files {
                let output = folder.join(name);
                let right = match check {
                    Check::Length => std::fs::metadata(&output)?.len() == std::fs::metadata(source)?.len(),
                    Check::Content => server::same(&output, source)?,
                };
                if !right {
                    return Err("did not fetch what is served".into());
                }
            }
        }
        cases::Result::Sunk(wanted) => {
            let got = sink.take();
            if got.bytes != wanted.bytes || (check == Check::Content && got.sum != wanted.sum) {
                return Err(format!("{} bytes arrived, of {}", got.bytes, wanted.bytes).into());
            }
        }
    }
    Ok(usage)
}
