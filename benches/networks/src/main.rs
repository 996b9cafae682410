//! longhaul, curl and aria2c on networks that are far away, narrow, lossy or out of sorts: how near each comes to what the network gives.
//!
//! Server, network and clients are on loopback; the network is a relay ([`relay`]) with the arithmetic of a path ([`path`]). Nothing here
//! fails because of a number; it prints them.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command that prints tables")]

mod cases;
mod ground;
mod origin;
mod path;
mod rates;
mod relay;

use std::process::ExitCode;

use cases::Cases;
use longhaul_benches::Failure;
use longhaul_benches::args::{About, Args};
use longhaul_benches::numbers;

const ABOUT: About = About {
    name: "networks",
    rounds: [3, 1],
    quick: "one round of the main rows, with fewer bytes: under 4 minutes",
    own: "",
    notes: "Needs curl; measures aria2c where it is installed.",
};

fn main() -> ExitCode {
    match Args::parse(&ABOUT, |_, _| Ok(false)) {
        Ok(args) => ABOUT.end(run(&args)),
        Err(code) => code,
    }
}

fn run(args: &Args) -> Result<(), Failure> {
    println!("{}\n", numbers::machine());
    let cases = Cases::new(args)?;
    for (title, case) in Cases::ALL {
        if args.wants(title) {
            eprintln!("{title} …");
            println!("### {title}\n\n{}", case(&cases)?);
        }
    }
    Ok(())
}
