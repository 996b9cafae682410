//! longhaul beside other tools, on the same server, in the same minute: wall time, CPU, memory, context switches.
//!
//! Everything stays on loopback. The contestants take turns within each round and each round begins with another one, so that
//! what the machine does besides falls on all alike. Nothing here fails because of a number; it prints them.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command that prints a table")]

mod args;
mod cases;
mod child;
mod server;
mod table;

use std::path::Path;
use std::process::ExitCode;

use args::Args;
use cases::{Case, Contestant};
use child::Usage;
use server::Server;

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
    let server = Server::start(args.port)?;
    let cases = cases::all(args, &server)?;
    println!("{}\n", table::machine());
    for case in &cases {
        eprintln!("{} …", case.title);
        // A round that does not count: caches warm, and every contestant shows that it fetches the right bytes.
        for contestant in &case.contestants {
            once(case, contestant, Check::Content)?;
        }
        let mut rounds: Vec<Vec<Usage>> = Vec::with_capacity(args.rounds);
        for round in 0..args.rounds {
            let mut usages: Vec<(usize, Usage)> = Vec::with_capacity(case.contestants.len());
            for turn in 0..case.contestants.len() {
                let at = (round + turn) % case.contestants.len();
                if let Some(contestant) = case.contestants.get(at) {
                    usages.push((at, once(case, contestant, Check::Length)?));
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
fn once(case: &Case, contestant: &Contestant, check: Check) -> Result<Usage, Failure> {
    let folder = case.folder.join(format!("longhaul-side-by-side-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let result = measured(case, contestant, check, &folder);
    std::fs::remove_dir_all(&folder)?;
    result
}

fn measured(case: &Case, contestant: &Contestant, check: Check, folder: &Path) -> Result<Usage, Failure> {
    let output = folder.join("out.bin");
    let (usage, success, words) = child::run(contestant.command(&output, folder))?;
    if !success {
        return Err(format!("{} failed: {}", contestant.name, words.trim()).into());
    }
    let right = match check {
        Check::Length => std::fs::metadata(&output)?.len() == case.bytes,
        Check::Content => server::same(&output, &case.source)?,
    };
    if right { Ok(usage) } else { Err(format!("{} did not fetch what is served", contestant.name).into()) }
}
