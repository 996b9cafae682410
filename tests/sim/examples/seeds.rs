//! Runs many seeds on all cores and says what was found:
//!
//! ```sh
//! cargo run --release -p longhaul-sim --example seeds -- --seeds 1000000
//! ```
//!
//! `--first N` begins elsewhere, `--jobs N` takes so many threads, `--findings N` ends it at so many, `--hashes` prints each
//! seed's trace hash instead (that is how tests/world/hashes.txt is written).

#![expect(clippy::print_stdout, reason = "that is what it is for")]

use std::io::{IsTerminal, Write, stdout};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use longhaul_sim::run::run_seed;
use longhaul_sim::sweep::{Tally, cores, sweep};

const USAGE: &str = "usage: seeds [--seeds N] [--first N] [--jobs N] [--findings N] [--hashes]";

struct Choices {
    seeds: u64,
    first: u64,
    jobs: usize,
    findings: usize,
    hashes: bool,
}

fn choices() -> Option<Choices> {
    let mut choices = Choices { seeds: 20_000, first: 0, jobs: cores(), findings: 20, hashes: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next()?.replace('_', "").parse::<u64>().ok();
        match word.as_str() {
            "--seeds" => choices.seeds = value()?,
            "--first" => choices.first = value()?,
            "--jobs" => choices.jobs = usize::try_from(value()?).ok()?,
            "--findings" => choices.findings = usize::try_from(value()?).ok()?,
            "--hashes" => choices.hashes = true,
            _ => return None,
        }
    }
    Some(choices)
}

fn main() -> ExitCode {
    let Some(choices) = choices() else {
        println!("{USAGE}");
        return ExitCode::FAILURE;
    };
    let seeds = choices.first..choices.first.saturating_add(choices.seeds);
    if choices.hashes {
        seeds.for_each(|seed| println!("{seed} {:016x}", run_seed(seed, false).hash));
        return ExitCode::SUCCESS;
    }
    #[expect(clippy::disallowed_methods, reason = "it measures real time")]
    let begin = Instant::now();
    let mut meter = Meter { all: choices.seeds, begin, told: 0.0, live: stdout().is_terminal(), findings: 0 };
    let tally = sweep(seeds, choices.jobs, choices.findings, |seed| run_seed(seed, false), |tally| meter.tell(tally));
    meter.end();
    for finding in &tally.findings {
        println!("{finding}\n  cargo run -p longhaul-sim --example replay -- {}", finding.seed);
        match run_seed(finding.seed, true).save(Path::new("target/longhaul-sim"), &format!("seed-{}", finding.seed)) {
            Ok(path) => println!("  trace: {}", path.display()),
            Err(error) => println!("  no trace: {error}"),
        }
    }
    let took = begin.elapsed().as_secs_f64();
    println!("{tally}; {took:.1} s on {} threads", choices.jobs);
    if tally.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Says how far it is: on one line of a terminal often, elsewhere in lines, every ten seconds.
struct Meter {
    all: u64,
    begin: Instant,
    told: f64,
    live: bool,
    findings: usize,
}

impl Meter {
    fn tell(&mut self, tally: &Tally) {
        let now = self.begin.elapsed().as_secs_f64();
        for finding in tally.findings.iter().skip(self.findings) {
            self.end();
            println!("{finding}");
        }
        self.findings = tally.findings.len();
        if now - self.told < if self.live { 0.25 } else { 10.0 } {
            return;
        }
        self.told = now;
        let rate = tally.seeds as f64 / now;
        let left = (self.all.saturating_sub(tally.seeds)) as f64 / rate;
        let line = format!(
            "{} of {}, {rate:.0}/s, {left:.0} s left, {} findings",
            tally.seeds,
            self.all,
            tally.findings.len()
        );
        if self.live {
            print!("\r{line}\x1b[K");
            let _ = stdout().flush();
        } else {
            println!("{line}");
        }
    }

    fn end(&self) {
        if self.live {
            print!("\r\x1b[K");
        }
    }
}
