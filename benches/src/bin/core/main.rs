//! The core alone: what a call costs, and what a task weighs, with many tasks there.
//!
//! Time is this thread's CPU time, taken around batches of calls: what other processes do does not count, and neither does what
//! the loop around the calls needs (making up answers, dropping requests). Prints a table; asserts nothing.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command that prints a table")]

mod meter;
mod targets;

use std::process::ExitCode;

use longhaul_benches::allocator::Counting;
use longhaul_benches::engine::{ACTIVE, Call, Done, IN_FLIGHT, Idle, Kind, Load, run};
use meter::Books;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const HELP: &str = "\
usage: core [--parts N] [--million] [--profile] | --targets

  --parts N   part requests per row (default 200000)
  --million   a row with 1,000,000 tasks as well
  --profile   only the row of 100,000 queued tasks, for a profiler
  --targets   instead: what was asked for, and what was reached
";

fn main() -> ExitCode {
    let (mut parts, mut million, mut profile) = (200_000, false, false);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--million" => million = true,
            "--profile" => profile = true,
            "--targets" => {
                print!("{}", targets::lines());
                return ExitCode::SUCCESS;
            }
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
            let load = Load { tasks, idle, active: ACTIVE, kind, parts };
            let mut books = Books::default();
            let done = run(&load, &mut books);
            println!("{}", row(&load, &books, &done));
        }
    }
    println!(
        "\nPer part, in ns: poll = poll_intent, head = handle_head, progress = two handle_progress, done = handle_done and its \
         events, local = file and journal intents and their answers. {ACTIVE} tasks are active, {IN_FLIGHT} requests in flight."
    );
    ExitCode::SUCCESS
}

fn row(load: &Load, books: &Books, done: &Done) -> String {
    let each: String =
        meter::PART.iter().map(|&call| format!("{:.0} | ", books.nanos(call) / done.parts as f64)).collect();
    format!(
        "| {} {} | {} | **{:.2}** | {each}{:.1} | {:.0} | {:.0} | {:.0} | {:.0} | {:.2} |",
        load.tasks,
        load.idle.name(),
        load.kind.name(),
        books.part(done, Books::nanos) / 1000.0,
        books.part(done, Books::allocations),
        books.nanos(Call::Submit) / load.tasks as f64,
        done.bytes as f64 / load.tasks as f64,
        books.nanos(Call::Pause) / done.commanded as f64,
        books.nanos(Call::Resume) / done.commanded as f64,
        books.nanos(Call::Snapshot) / 1e6,
    )
}
