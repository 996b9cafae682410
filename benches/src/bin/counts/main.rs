//! How many instructions the core executes for a call, and how often it allocates, with how many tasks there: exact, and compared with
//! what is committed (`counts.md` in this package's folder).
//!
//! Runs itself under valgrind's callgrind, once for each row. The same sources, lock file and toolchain give the same numbers on every
//! x86-64 Linux: nothing in the core depends on time, addresses or a random seed, and the C library's share is left out.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command that prints a table")]

mod callgrind;
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread;

use callgrind::Dumps;
use longhaul_benches::allocator::Counting;
use longhaul_benches::engine::{ACTIVE, BATCH, Call, Done, Idle, Kind, Load, run};
use table::Table;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const HELP: &str = "\
usage: counts [--renew]

Compares with benches/counts.md, and fails when a number is more than 5 % above it. --renew writes it anew.
Needs valgrind, on x86-64 Linux. Build it with: cargo build --profile counts --manifest-path benches/Cargo.toml --bin counts
";

/// The rows: idle tasks, and whose requests.
const ROWS: [(usize, Kind); 4] =
    [(1_000, Kind::PlainJournal), (1_000, Kind::Http), (100_000, Kind::PlainJournal), (1_000_000, Kind::PlainJournal)];
/// Parts that are counted.
const PARTS: u64 = 1_024;
const INSTRUCTIONS: &str = "Instructions";
const ALLOCATIONS: &str = "Allocations";

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        [] => compare(),
        ["--renew"] => renew(),
        // What runs under callgrind.
        ["--row", row] => count(row),
        ["-h" | "--help"] => {
            print!("{HELP}");
            Ok(true)
        }
        _ => Err(HELP.into()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("counts: {error}");
            ExitCode::from(2)
        }
    }
}

fn compare() -> Result<bool, Failure> {
    let text = fs::read_to_string(committed())?;
    let (was, now) = (Table::read(&text), measured()?);
    print!("{}", shown(&now));
    let changes = now.against(&was);
    for line in &changes.better {
        println!("better: {line}");
    }
    for line in &changes.worse {
        println!("worse: {line}");
    }
    if changes.worse.is_empty() && changes.better.is_empty() {
        println!("as committed, within 5 %");
        return Ok(true);
    }
    println!("If that is meant, renew {}:", committed().display());
    println!("cargo run --profile counts --manifest-path benches/Cargo.toml --bin counts -- --renew");
    if was.toolchain != now.toolchain {
        println!("Not a failure: what is committed was counted with {}, this with {}", was.toolchain, now.toolchain);
        return Ok(true);
    }
    Ok(changes.worse.is_empty())
}

fn renew() -> Result<bool, Failure> {
    let path = committed();
    let text = fs::read_to_string(&path)?;
    // What stands above the table is somebody's.
    let head = text.split("Toolchain: ").next().unwrap_or_default();
    let new = shown(&measured()?);
    print!("{new}");
    fs::write(&path, format!("{head}{new}"))?;
    Ok(true)
}

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("counts.md")
}

fn shown(table: &Table) -> String {
    let rows: Vec<String> = ROWS.iter().map(|&(tasks, kind)| title(tasks, kind)).collect();
    table.write(&[INSTRUCTIONS, ALLOCATIONS], &rows, &Call::ALL.map(Call::name))
}

fn title(tasks: usize, kind: Kind) -> String {
    format!("{tasks} queued, {}", kind.name())
}

/// All rows, side by side.
fn measured() -> Result<Table, Failure> {
    let mut table = Table::default();
    table.toolchain = toolchain()?;
    let folder = std::env::temp_dir().join(format!("longhaul-counts-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let rows = thread::scope(|scope| {
        let folder = &folder;
        let threads: Vec<_> = (0..ROWS.len()).map(|at| scope.spawn(move || row(folder, at))).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| "a thread panicked")?).collect::<Vec<_>>()
    });
    fs::remove_dir_all(&folder)?;
    for (&(tasks, kind), row) in ROWS.iter().zip(rows) {
        for (call, instructions, allocations) in row? {
            table.set(INSTRUCTIONS, &title(tasks, kind), call.name(), instructions);
            table.set(ALLOCATIONS, &title(tasks, kind), call.name(), allocations);
        }
    }
    Ok(table)
}

fn toolchain() -> Result<String, Failure> {
    let output = Command::new("rustc").arg("-V").output()?;
    Ok(format!("{}, {}", String::from_utf8_lossy(&output.stdout).trim(), std::env::consts::ARCH))
}

/// A row's instructions and allocations per call.
fn row(folder: &Path, at: usize) -> Result<Vec<(Call, f64, f64)>, Failure> {
    let folder = folder.join(at.to_string());
    fs::create_dir(&folder)?;
    let program = std::env::current_exe()?;
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--quiet", "--instr-atstart=no", "--collect-atstart=no"]);
    command.arg(format!("--callgrind-out-file={}", folder.join("out").display()));
    command.arg(&program).args(["--row", &at.to_string()]).stdin(Stdio::null());
    let output = command.output().map_err(|error| format!("valgrind: {error}"))?;
    if !output.status.success() {
        return Err(format!("valgrind: {}: {}", output.status, String::from_utf8_lossy(&output.stderr)).into());
    }
    let mut instructions: BTreeMap<&str, u64> = BTreeMap::new();
    for entry in fs::read_dir(&folder)? {
        if let Some((call, sum)) = callgrind::read(&fs::read_to_string(entry?.path())?, &program) {
            *instructions.entry(call.name()).or_default() += sum;
        }
    }
    let said = String::from_utf8(output.stdout)?;
    let mut said = said.split_whitespace();
    let mut row = Vec::with_capacity(Call::ALL.len());
    for call in Call::ALL {
        let mut next = || said.next().and_then(|word| word.parse::<u64>().ok()).ok_or("too few numbers");
        let (times, allocations) = (next()? as f64, next()? as f64);
        let instructions = *instructions.get(call.name()).ok_or_else(|| format!("no dump of {}", call.name()))? as f64;
        row.push((call, instructions / times, allocations / times));
    }
    Ok(row)
}

/// One row, with the meter of a program under callgrind: how often each call was made, and its allocations.
fn count(row: &str) -> Result<bool, Failure> {
    let &(tasks, kind) = ROWS.get(row.parse::<usize>()?).ok_or("no such row")?;
    let load = Load { tasks, idle: Idle::Queued, active: ACTIVE, kind, parts: PARTS };
    let mut dumps = Dumps { skip: tasks / BATCH - 1, allocations: [0; Call::ALL.len()] };
    let done = run(&load, &mut dumps);
    for (call, allocations) in Call::ALL.into_iter().zip(dumps.allocations) {
        println!("{} {allocations}", times(call, &load, &done));
    }
    Ok(true)
}

/// What a call's sum is divided by.
fn times(call: Call, load: &Load, done: &Done) -> u64 {
    match call {
        Call::Submit => BATCH as u64,
        Call::Poll | Call::Head | Call::Progress | Call::Done | Call::Local => done.parts,
        Call::Timer => done.overdue,
        Call::Pause | Call::Resume => done.commanded,
        Call::Snapshot => (load.tasks + load.active) as u64,
    }
}
