//! Shows a run step by step:
//!
//! ```sh
//! cargo run -p longhaul-sim --example replay -- 123                     # a seed
//! cargo run -p longhaul-sim --example replay -- seed-123.trace          # a saved trace, or a script
//! cargo run -p longhaul-sim --example replay -- fuzz/corpus/engine/x    # an input of the fuzz target `engine`
//! ```
//!
//! Ends with failure when an invariant breaks.

#![expect(clippy::print_stdout, reason = "that is what it is for")]

use std::process::ExitCode;

use longhaul_sim::decode;
use longhaul_sim::run::{Report, draw_transitions, draw_world, run_seed};
use longhaul_sim::script::Script;

fn main() -> ExitCode {
    let Some(word) = std::env::args().nth(1) else {
        println!("usage: replay SEED | TRACE | FUZZ-INPUT");
        return ExitCode::FAILURE;
    };
    match replay(&word) {
        Ok(report) => {
            for line in &report.lines {
                println!("{line}");
            }
            println!("{report}");
            if report.is_fine() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            println!("{word}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn replay(word: &str) -> Result<Report, String> {
    if let Ok(seed) = word.parse() {
        introduce(seed);
        println!("{:?}", draw_transitions(seed));
        return Ok(run_seed(seed, true));
    }
    let bytes = std::fs::read(word).map_err(|error| error.to_string())?;
    match std::str::from_utf8(&bytes) {
        Ok(text) if text.starts_with("world ") => {
            let script = Script::parse(text)?;
            introduce(script.world);
            Ok(script.run(true))
        }
        _ => {
            introduce(decode::world(&bytes));
            Ok(decode::run(&bytes, true))
        }
    }
}

fn introduce(seed: u64) {
    let world = draw_world(seed, false);
    println!("world {seed}");
    for job in &world.jobs {
        println!("{:?} {:?} {:?} retries {}", job.kind, job.parallel, job.part_size, job.retries);
    }
    println!("{:?}\n{:?}", world.weather, world.limits());
}
