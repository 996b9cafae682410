//! Runs many seeds on all cores and says what was found:
//!
//! ```sh
//! cargo run --release -p longhaul-sim --example seeds -- --seeds 1000000
//! ```
//!
//! `--first N` begins elsewhere, `--jobs N` takes so many threads, `--findings N` ends it at so many, `--hashes` prints each
//! seed's trace hash instead (that is how tests/world/hashes.txt is written).
//!
//! Ends with 1 when something was found, with 2 when nothing was run.

mod command;

use std::io::{self, IsTerminal, Write, stdout};
use std::ops::{Range, RangeInclusive};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use command::Stop;
use longhaul_sim::run::run_seed;
use longhaul_sim::sweep::{Tally, cores, sweep};

const USAGE: &str = "usage: seeds [--seeds N] [--first N] [--jobs N] [--findings N] [--hashes]";
/// Threads beyond this are a slip of the finger.
const MOST_JOBS: u64 = 1_024;

#[derive(PartialEq, Eq, Debug)]
struct Choices {
    seeds: Range<u64>,
    jobs: usize,
    findings: usize,
    hashes: bool,
}

impl Choices {
    fn read(words: &[String]) -> Result<Self, Stop> {
        let (mut seeds, mut first, mut jobs, mut findings, mut hashes) = (20_000, 0, cores() as u64, 20, false);
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let mut value = |range| number(word, words.next(), range);
            match word {
                "--seeds" => seeds = value(1..=u64::MAX)?,
                "--first" => first = value(0..=u64::MAX)?,
                "--jobs" => jobs = value(1..=MOST_JOBS)?,
                "--findings" => findings = value(1..=u64::from(u32::MAX))?,
                "--hashes" => hashes = true,
                "--help" | "-h" => return Err(Stop::Help),
                _ => return Err(Stop::Usage(format!("`{word}` is not understood"))),
            }
        }
        let Some(end) = u64::checked_add(first, seeds) else {
            return Err(Stop::Usage(format!("there are no {seeds} seeds from {first} on: they end before 2^64 - 1")));
        };
        Ok(Self { seeds: first..end, jobs: jobs as usize, findings: findings as usize, hashes })
    }
}

fn number(of: &str, text: Option<&str>, range: RangeInclusive<u64>) -> Result<u64, Stop> {
    let text = text.ok_or_else(|| Stop::Usage(format!("{of} needs a number")))?;
    let number = text.replace('_', "").parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| {
        Stop::Usage(format!("{of} takes a number from {} to {}, not `{text}`", range.start(), range.end()))
    })
}

fn main() -> ExitCode {
    command::run(USAGE, seeds)
}

fn seeds(words: &[String], out: &mut dyn Write) -> Result<bool, Stop> {
    let choices = Choices::read(words)?;
    if choices.hashes {
        for seed in choices.seeds {
            writeln!(out, "{seed} {:016x}", run_seed(seed, false).hash)?;
        }
        return Ok(true);
    }
    #[expect(clippy::disallowed_methods, reason = "it measures real time")]
    let begin = Instant::now();
    let all = choices.seeds.end - choices.seeds.start;
    let mut meter = Meter { all, begin, told: 0.0, live: stdout().is_terminal(), findings: 0 };
    let mut said = Ok(());
    let one = |seed| run_seed(seed, false);
    let tally = sweep(choices.seeds, choices.jobs, choices.findings, one, |tally| {
        said = std::mem::replace(&mut said, Ok(())).and_then(|()| meter.tell(tally, out));
    });
    said?;
    meter.end(out)?;
    for finding in &tally.findings {
        writeln!(out, "{finding}\n  cargo run -p longhaul-sim --example replay -- {}", finding.seed)?;
        match run_seed(finding.seed, true).save(Path::new("target/longhaul-sim"), &format!("seed-{}", finding.seed)) {
            Ok(path) => writeln!(out, "  trace: {}", path.display())?,
            Err(error) => writeln!(out, "  no trace: {error}")?,
        }
    }
    let took = begin.elapsed().as_secs_f64();
    writeln!(out, "{tally}; {took:.1} s on {} threads", choices.jobs)?;
    Ok(tally.findings.is_empty())
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
    fn tell(&mut self, tally: &Tally, out: &mut dyn Write) -> io::Result<()> {
        let now = self.begin.elapsed().as_secs_f64();
        for finding in tally.findings.iter().skip(self.findings) {
            self.end(out)?;
            writeln!(out, "{finding}")?;
        }
        self.findings = tally.findings.len();
        if now - self.told < if self.live { 0.25 } else { 10.0 } {
            return Ok(());
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
            write!(out, "\r{line}\x1b[K")?;
            out.flush()
        } else {
            writeln!(out, "{line}")
        }
    }

    fn end(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.live { write!(out, "\r\x1b[K") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<Choices, Stop> {
        Choices::read(&words.split_whitespace().map(String::from).collect::<Vec<_>>())
    }

    #[test]
    fn seeds_reach_as_far_as_there_are_numbers() {
        let seeds = |words| read(words).map(|choices| choices.seeds).ok();
        assert_eq!(seeds(""), Some(0..20_000));
        assert_eq!(seeds("--first 1_000 --seeds 5"), Some(1_000..1_005));
        assert_eq!(seeds("--first 18446744073709551605 --seeds 10"), Some(u64::MAX - 10..u64::MAX));
        assert_eq!(seeds("--first 18446744073709551605 --seeds 11"), None);
    }

    #[test]
    fn a_wrong_word_is_named() {
        for (words, told) in [
            ("--seed 1", "`--seed` is not understood"),
            ("--seeds", "--seeds needs a number"),
            ("--seeds abc", "--seeds takes a number from 1 to 18446744073709551615, not `abc`"),
            ("--seeds 0", "--seeds takes a number from 1 to 18446744073709551615, not `0`"),
            ("--jobs 0", "--jobs takes a number from 1 to 1024, not `0`"),
            ("--jobs 1025", "--jobs takes a number from 1 to 1024, not `1025`"),
            ("--findings 0", "--findings takes a number from 1 to 4294967295, not `0`"),
            ("--first -1", "--first takes a number from 0 to 18446744073709551615, not `-1`"),
        ] {
            assert!(matches!(read(words), Err(Stop::Usage(what)) if what == told), "{words}");
        }
    }

    #[test]
    fn the_last_seeds_of_all_are_run_once_each() {
        let mut out = Vec::new();
        let words = ["--first", "18446744073709551613", "--seeds", "2", "--jobs", "3"].map(String::from);
        assert!(seeds(&words, &mut out).expect("they are run"));
        let told = String::from_utf8(out).expect("text");
        assert!(told.contains("\n2 seeds, ") || told.starts_with("2 seeds, "), "{told}");
    }
}
