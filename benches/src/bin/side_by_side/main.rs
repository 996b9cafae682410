//! longhaul beside other tools, on the same server, in the same minute: wall time, CPU, memory, context switches.
//!
//! Everything stays on loopback. The contestants take turns within each round and each round begins with another one, so that
//! what the machine does besides falls on all alike. Nothing here fails because of a number; it prints them.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command that prints a table")]

mod cases;
mod server;
mod sink;
mod table;
mod targets;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use cases::Case;
use longhaul_benches::Failure;
use longhaul_benches::args::{About, Args};
use longhaul_benches::calls;
use longhaul_benches::child::{self, Usage};
use longhaul_benches::contestants::{Contestant, Programs};
use longhaul_benches::numbers;
use server::Server;
use sink::Sink;
use table::{Measured, Row};

/// What takes longer than this has come to nothing.
const LIMIT: Duration = Duration::from_mins(10);

const ABOUT: About = About {
    name: "side_by_side",
    rounds: [8, 3],
    quick: "3 rounds of the main cases: under 3 minutes",
    own: "  --disk DIR       measure on this folder too
  --port N         nginx's plain port; the two after it are taken as well (default 23810)
",
    notes:
        "Needs curl, sha256sum and the nginx of tests/oracles/nginx.sh (`nginx.sh install` once). Measures aria2c and
rclone where they are installed, and what is built beside it: `floor`, `core`, and other libraries: `peers`, `rusty-cat`.
System calls are counted where strace is installed, and not with --quick.",
};

fn main() -> ExitCode {
    let (mut disk, mut port) = (None, 23810);
    let args = Args::parse(&ABOUT, |option, value| {
        match option {
            "--disk" => disk = Some(PathBuf::from(value()?)),
            "--port" => port = value()?.parse().map_err(|_| "--port takes a port number")?,
            _ => return Ok(false),
        }
        Ok(true)
    });
    match args {
        Ok(args) => ABOUT.end(run(&args, disk.as_deref(), port)),
        Err(code) => code,
    }
}

fn run(args: &Args, disk: Option<&Path>, port: u16) -> Result<(), Failure> {
    let sink = Sink::start()?;
    let ground =
        Ground { server: Server::start(port, sink.port())?, sink, programs: Programs::find(args.longhaul.clone()) };
    let cases = cases::all(args, disk, &ground.server, &ground.sink, &ground.programs)?;
    println!("{}", numbers::machine());
    match ground.programs.missing().as_slice() {
        [] => println!(),
        missing => println!("not measured, because not there: {}\n", missing.join(", ")),
    }
    let mut measured = Vec::with_capacity(cases.len());
    for case in &cases {
        eprintln!("{} …", case.title);
        let case = ground.measure(case, args)?;
        println!("{}", table::of(&case));
        measured.push(case);
    }
    let core = ground.programs.core.as_deref().filter(|_| args.wants("core"));
    println!("{}", targets::table(&measured, core)?);
    Ok(())
}

/// Where all of it happens.
struct Ground {
    server: Server,
    sink: Sink,
    programs: Programs,
}

/// How closely a result is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Check {
    Content,
    Length,
}

impl Ground {
    fn measure(&self, case: &Case, args: &Args) -> Result<Measured, Failure> {
        let mut rows = Vec::with_capacity(case.contestants.len());
        // Rounds that do not count: caches warm, and every contestant shows that it moves the right bytes.
        self.sink.summing(true);
        for contestant in &case.contestants {
            let books = self.server.books()?;
            let (_, sunk) = self.once(case, contestant, Check::Content)?;
            let wire = match case.result {
                cases::Result::Files(_) => self.server.sent(books, case.bytes)?,
                cases::Result::Sunk(_) => sunk,
            };
            rows.push(Row {
                name: contestant.name.clone(),
                rounds: Vec::with_capacity(args.rounds),
                calls: None,
                wire,
            });
        }
        self.sink.summing(false);
        if let Some(strace) = self.programs.strace.as_ref().filter(|_| !args.quick) {
            for (contestant, row) in case.contestants.iter().zip(&mut rows) {
                row.calls = Some(self.calls(case, contestant, strace)?);
            }
        }
        for round in 0..args.rounds {
            for turn in 0..rows.len() {
                let at = (round + turn) % rows.len();
                if let (Some(contestant), Some(row)) = (case.contestants.get(at), rows.get_mut(at)) {
                    row.rounds.push(self.once(case, contestant, Check::Length)?.0);
                }
            }
        }
        Ok(Measured { title: case.title.clone(), bytes: case.bytes, rows })
    }

    /// One run: what it used, and what the sink read for it.
    fn once(&self, case: &Case, contestant: &Contestant, check: Check) -> Result<(Usage, u64), Failure> {
        within(case, contestant, |folder| {
            let (usage, success, words) = child::run(contestant.command(folder), LIMIT)?;
            if !success {
                return Err(format!("failed: {}", words.trim()).into());
            }
            match &case.result {
                cases::Result::Files(files) => {
                    fetched(folder, files, check)?;
                    Ok((usage, 0))
                }
                cases::Result::Sunk(wanted) => {
                    let got = self.sink.take();
                    if got.bytes != wanted.bytes || (check == Check::Content && got.sum != wanted.sum) {
                        return Err(format!("{} bytes arrived, of {}", got.bytes, wanted.bytes).into());
                    }
                    Ok((usage, got.wire))
                }
            }
        })
    }

    /// System calls of one run.
    fn calls(&self, case: &Case, contestant: &Contestant, strace: &Path) -> Result<u64, Failure> {
        let calls = within(case, contestant, |folder| {
            calls::count(strace, &contestant.command(folder), &folder.join("calls"), LIMIT)
        });
        // What came is of no interest.
        self.sink.take();
        calls
    }
}

/// Does `work` in a folder of its own.
fn within<T>(
    case: &Case,
    contestant: &Contestant,
    work: impl FnOnce(&Path) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let folder = case.folder.join(format!("longhaul-side-by-side-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let result = work(&folder);
    std::fs::remove_dir_all(&folder)?;
    result.map_err(|error| format!("{}: {}: {error}", case.title, contestant.name).into())
}

/// Whether what is served was fetched.
fn fetched(folder: &Path, files: &[(PathBuf, PathBuf)], check: Check) -> Result<(), Failure> {
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
    Ok(())
}
