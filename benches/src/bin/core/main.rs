//! The core alone: what a call costs, and what a task weighs, with many tasks there.
//!
//! Time is this thread's CPU time, taken around batches of calls: what other processes do does not count, and neither does what
//! the loop around the calls needs (making up answers, dropping requests). Prints a table; asserts nothing.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command that prints a table")]

mod alloc;
mod clock;
mod drive;
mod provider;

use std::process::ExitCode;

use drive::{Costs, Idle, Kind};

const HELP: &str = "\
usage: core [--parts N] [--million] [--profile]

  --parts N   part requests per row (default 200000)
  --million   a row with 1,000,000 tasks as well
  --profile   only the row of 100,000 queued tasks, for a profiler
";

fn main() -> ExitCode {
    let (mut parts, mut million, mut profile) = (200_000, false, false);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--million" => million = true,
            "--profile" => profile = true,
            "--parts" => match words.next().and_then(|n| n.parse().ok()) {
                Some(n) => parts = n,
                None => {
                    eprintln!("core: --parts takes a number\n\n{HELP}");
                    return ExitCode::from(2);
                }
            },
            _ => {
                print!("{HELP}");
                return if word == "--help" { ExitCode::SUCCESS } else { ExitCode::from(2) };
            }
        }
    }
    let mut rows = vec![(1_000, Idle::Queued), (100_000, Idle::Queued), (100_000, Idle::Paused)];
    if million {
        rows.push((1_000_000, Idle::Paused));
    }
    if profile {
        rows = vec![(100_000, Idle::Queued)];
    }
    println!(
        "| tasks | provider | µs per part | poll | head | progress | done | local | allocations per part | submit ns | \
         bytes per idle task | pause ns | resume ns | snapshot ms |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for (tasks, idle) in rows {
        for kind in [Kind::Plain, Kind::PlainJournal, Kind::Http] {
            if profile && kind != Kind::Plain {
                continue;
            }
            println!("{}", row(tasks, idle, kind, &drive::measure(tasks, idle, kind, parts)));
        }
    }
    println!(
        "\nPer part, in ns: poll = poll_intent, head = handle_head, progress = two handle_progress, done = handle_done and its \
         events, local = file and journal intents and their answers. {} tasks are active, {} requests in flight.",
        drive::ACTIVE,
        drive::IN_FLIGHT
    );
    ExitCode::SUCCESS
}

fn row(tasks: usize, idle: Idle, kind: Kind, costs: &Costs) -> String {
    let per_part = |nanos: u64| nanos as f64 / costs.parts as f64;
    let all = costs.poll + costs.head + costs.progress + costs.done + costs.local;
    format!(
        "| {tasks} {} | {} | **{:.2}** | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} | {:.1} | {:.0} | {:.0} | {:.0} | {:.0} | {:.2} |",
        match idle {
            Idle::Queued => "queued",
            Idle::Paused => "paused",
        },
        match kind {
            Kind::Plain => "trivial, no journal",
            Kind::PlainJournal => "trivial",
            Kind::Http => "longhaul-http",
        },
        per_part(all) / 1000.0,
        per_part(costs.poll),
        per_part(costs.head),
        per_part(costs.progress),
        per_part(costs.done),
        per_part(costs.local),
        per_part(costs.allocations),
        costs.submit as f64 / tasks as f64,
        costs.bytes as f64 / tasks as f64,
        costs.pause as f64 / costs.paused as f64,
        costs.resume as f64 / costs.paused as f64,
        costs.snapshot as f64 / 1e6,
    )
}
