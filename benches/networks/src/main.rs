//! longhaul, curl and aria2c on networks that are far away, narrow, lossy or out of sorts: how near each comes to what the network gives.
//!
//! Server, network and clients are on loopback; the network is a relay ([`relay`]) with the arithmetic of a path ([`path`]). Nothing here
//! fails because of a number; it prints them.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command that prints tables")]

mod args;
mod cases;
mod ground;
mod origin;
mod path;
mod rates;
mod relay;

use std::process::ExitCode;

use args::Args;
use cases::Cases;
use longhaul_benches::numbers;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(Some(args)) => args,
        Ok(None) => {
            print!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Err(words) => {
            eprintln!("networks: {words}\n\n{}", args::HELP);
            return ExitCode::from(2);
        }
    };
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("networks: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), Failure> {
    println!("{}\n", numbers::machine());
    let cases = Cases::new(args)?;
    for (title, case) in Cases::ALL {
        if args.only.as_ref().is_none_or(|word| title.contains(word.as_str())) {
            eprintln!("{title} …");
            println!("### {title}\n\n{}", case(&cases)?);
        }
    }
    Ok(())
}
