//! What is measured, and what is made of it.

use std::fmt::Write;
use std::thread;
use std::time::Duration;

use longhaul_benches::Failure;
use longhaul_benches::args::Args;
use longhaul_benches::numbers::Numbers;

use crate::ground::{Ground, MIB, Run, Who};
use crate::origin::{Asked, Trouble};
use crate::path::Path;
use crate::rates;
use crate::relay::SLOT;

/// Bytes per second in a megabit per second.
const MEGABIT: u64 = 1_000_000 / 8;
const DELAY: Duration = Duration::from_millis(25);
/// When the storm begins and how long it lasts.
const CALM: Duration = Duration::from_millis(2_500);
const STORM: Duration = Duration::from_secs(2);
/// Slots that goodput is averaged over.
const SPAN: usize = 5;

/// A case's name and its table.
type Case = (&'static str, fn(&Cases) -> Result<String, Failure>);

pub(crate) struct Cases {
    ground: Ground,
    rounds: usize,
    quick: bool,
}

impl Cases {
    pub(crate) const ALL: [Case; 10] = [
        ("25 ms each way, 50 Mbit/s", |cases| cases.cell(50, 16, 64)),
        ("25 ms each way, 200 Mbit/s", |cases| cases.cell(200, 64, 128)),
        ("25 ms each way, 1000 Mbit/s", |cases| cases.cell(1000, 256, 256)),
        ("2 MiB/s per connection", Self::each),
        ("1 % loss", Self::loss),
        ("a storm of 503", Self::storm),
        ("one connection at a twentieth of the rate", Self::slow),
        ("every fifth answer reset in the middle", |cases| cases.trouble(Trouble::Reset)),
        ("every fifth answer 503, Retry-After: 2", |cases| cases.trouble(Trouble::Busy)),
        ("rate limits", |cases| rates::table(&cases.ground)),
    ];

    pub(crate) fn new(args: &Args) -> Result<Self, Failure> {
        Ok(Self { ground: Ground::new(args)?, rounds: args.rounds, quick: args.quick })
    }

    /// So many mebibytes, by how much time there is.
    fn bytes(&self, quick: usize, full: usize) -> usize {
        if self.quick { quick * MIB } else { full * MIB }
    }

    fn contestants(&self, quick: &[Who], full: &[Who]) -> Vec<Who> {
        let all = if self.quick { quick } else { full };
        all.iter().copied().filter(|&who| self.ground.has(who)).collect()
    }

    /// Everybody in turns; each round begins with another one. By contestant.
    fn rounds(&self, all: &[Who], mut run: impl FnMut(Who) -> Result<Run, Failure>) -> Result<Vec<Vec<Run>>, Failure> {
        let mut runs: Vec<Vec<Run>> = all.iter().map(|_| Vec::new()).collect();
        for round in 0..self.rounds {
            for turn in 0..all.len() {
                let at = (round + turn) % all.len();
                if let (Some(&who), Some(runs)) = (all.get(at), runs.get_mut(at)) {
                    runs.push(run(who)?);
                }
            }
        }
        Ok(runs)
    }

    fn cell(&self, megabits: u64, quick: usize, full: usize) -> Result<String, Failure> {
        const FULL: [Who; 9] = [
            Who::Longhaul(""),
            Who::Longhaul("--parts 1"),
            Who::Longhaul("--parts 4"),
            Who::Longhaul("--parts 8"),
            Who::Longhaul("--parts 16"),
            Who::Longhaul("--parts 32"),
            Who::Curl,
            Who::Aria2c(8),
            Who::Aria2c(16),
        ];
        const QUICK: [Who; 6] = [FULL[0], FULL[1], FULL[3], FULL[5], FULL[6], FULL[8]];
        let path = Path { delay: DELAY, rate: Some(megabits * MEGABIT), ..Path::default() };
        self.compare(&self.contestants(&QUICK, &FULL), path, self.bytes(quick, full))
    }

    fn each(&self) -> Result<String, Failure> {
        const FULL: [Who; 7] = [
            Who::Longhaul(""),
            Who::Longhaul("--parts 4"),
            Who::Longhaul("--parts 8"),
            Who::Longhaul("--parts 16"),
            Who::Longhaul("--parts 32"),
            Who::Curl,
            Who::Aria2c(16),
        ];
        const QUICK: [Who; 4] = [FULL[0], FULL[2], FULL[4], FULL[6]];
        let each = Some(2 * MIB as u64);
        let path = Path { delay: Duration::from_millis(10), rate: Some(200 * MEGABIT), each, ..Path::default() };
        self.compare(&self.contestants(&QUICK, &FULL), path, self.bytes(64, 128))
    }

    fn loss(&self) -> Result<String, Failure> {
        const FULL: [Who; 6] = [
            Who::Longhaul(""),
            Who::Longhaul("--parts 1"),
            Who::Longhaul("--parts 8"),
            Who::Longhaul("--parts 16"),
            Who::Curl,
            Who::Aria2c(16),
        ];
        const QUICK: [Who; 4] = [FULL[0], FULL[3], FULL[4], FULL[5]];
        let delay = Duration::from_millis(10);
        let path = Path { delay, rate: Some(200 * MEGABIT), loss: Some(100), ..Path::default() };
        self.compare(&self.contestants(&QUICK, &FULL), path, self.bytes(16, 64))
    }

    /// Everybody over `path`, beside the link, the best fixed number of parts, and curl.
    fn compare(&self, all: &[Who], path: Path, bytes: usize) -> Result<String, Failure> {
        let runs = self.rounds(all, |who| self.ground.run(who, path, bytes, Trouble::None, |_| {}))?;
        let walls: Vec<Numbers> = runs.iter().map(|runs| walls(runs)).collect();
        let of = |wanted: &dyn Fn(Who) -> bool| {
            let medians = all.iter().zip(&walls).filter(|&(&who, _)| wanted(who)).map(|(_, wall)| wall.median());
            medians.fold(f64::INFINITY, f64::min)
        };
        let (best, curl) = (of(&Who::is_fixed), of(&|who| who == Who::Curl));
        let link = path.rate.map_or(0.0, |rate| bytes as f64 / rate as f64);
        let mut text = format!(
            "{} MiB, medians of {} rounds.\n\n| | wall s | MiB/s | of the link | of the best fixed number | curl's wall ÷ its | connections |\n|---|---|---|---|---|---|---|\n",
            bytes / MIB,
            self.rounds
        );
        for ((who, wall), runs) in all.iter().zip(&walls).zip(&runs) {
            let median = wall.median();
            let connections = Numbers::new(runs.iter().map(|run| run.connections as f64));
            let _ = writeln!(
                text,
                "| {} | {} | {:.1} | {:.0} % | {:.0} % | {} | {:.0} |",
                who.name(),
                wall.spread(2),
                bytes as f64 / MIB as f64 / median,
                100.0 * link / median,
                100.0 * best / median,
                if curl.is_finite() { format!("{:.2}", curl / median) } else { String::from("–") },
                connections.median(),
            );
        }
        Ok(text)
    }

    /// For two seconds the server answers two requests at a time and refuses all others.
    fn storm(&self) -> Result<String, Failure> {
        let all = self.contestants(
            &[Who::Longhaul("--part-size 1MiB")],
            &[Who::Longhaul(""), Who::Longhaul("--part-size 1MiB"), Who::Longhaul("--parts 16 --part-size 1MiB")],
        );
        let path = Path { delay: Duration::from_millis(10), each: Some(2 * MIB as u64), ..Path::default() };
        let bytes = self.bytes(256, 256);
        let storm = |origin: &crate::origin::Origin| {
            thread::sleep(CALM);
            origin.most(2);
            thread::sleep(STORM);
            origin.most(usize::MAX);
        };
        let runs = self.rounds(&all, |who| self.ground.run(who, path, bytes, Trouble::None, storm))?;
        let mut text = String::from(
            "| | wall s | MiB/s before | least MiB/s | refused | s until 90 % again |\n|---|---|---|---|---|---|\n",
        );
        for (who, runs) in all.iter().zip(&runs) {
            let of = |quantity: &dyn Fn(&Recovery) -> f64| {
                Numbers::new(runs.iter().map(|run| quantity(&Recovery::of(&run.delivered))))
            };
            let refused = |run: &Run| run.asked.iter().filter(|asked| asked.refused).count() as f64;
            let _ = writeln!(
                text,
                "| {} | {} | {:.1} | {:.1} | {:.0} | {} |",
                who.name(),
                walls(runs).spread(2),
                of(&|recovery| recovery.before).median(),
                of(&|recovery| recovery.least).median(),
                Numbers::new(runs.iter().map(refused)).median(),
                of(&|recovery| recovery.after).spread(1),
            );
        }
        Ok(text)
    }

    fn slow(&self) -> Result<String, Failure> {
        let all = self.contestants(
            &[Who::Longhaul("--parts 8"), Who::Longhaul(""), Who::Aria2c(8)],
            &[
                Who::Longhaul("--parts 8"),
                Who::Longhaul(""),
                Who::Longhaul("--parts 8 --part-size 1MiB"),
                Who::Aria2c(8),
            ],
        );
        let (each, bytes) = (4 * MIB as u64, self.bytes(128, 128));
        let path = Path { delay: Duration::from_millis(5), each: Some(each), slow: Some(each / 20), ..Path::default() };
        let ideal = bytes as f64 / (each as f64 * (7.0 + 0.05));
        let runs = self.rounds(&all, |who| self.ground.run(who, path, bytes, Trouble::None, |_| {}))?;
        let mut text = format!(
            "{} MiB, 4 MiB/s per connection. The ideal of 8 connections, one of which stays slow, is {ideal:.2} s.\n\n| | wall s | of the ideal | connections |\n|---|---|---|---|\n",
            bytes / MIB
        );
        for (who, runs) in all.iter().zip(&runs) {
            let wall = walls(runs);
            let connections = Numbers::new(runs.iter().map(|run| run.connections as f64));
            let (name, of) = (who.name(), wall.median() / ideal);
            let _ = writeln!(text, "| {name} | {} | {of:.2} × | {:.0} |", wall.spread(2), connections.median());
        }
        Ok(text)
    }

    fn trouble(&self, trouble: Trouble) -> Result<String, Failure> {
        let all = self.contestants(&[Who::Longhaul(""), Who::Aria2c(8)], &[Who::Longhaul(""), Who::Aria2c(8)]);
        let bytes = self.bytes(256, 256);
        let runs = self.rounds(&all, |who| self.ground.run(who, Path::default(), bytes, trouble, |_| {}))?;
        let mut text = String::from(
            "| | wall s | ranges asked for | refused | MiB sent twice | s until a refused range was asked for again | answered meanwhile |\n|---|---|---|---|---|---|---|\n",
        );
        for (who, runs) in all.iter().zip(&runs) {
            let of = |quantity: &dyn Fn(&Run) -> f64| Numbers::new(runs.iter().map(quantity));
            let twice = |run: &Run| {
                let sent: u64 = run.asked.iter().map(|asked| asked.sent).sum();
                sent.saturating_sub(bytes as u64) as f64 / MIB as f64
            };
            let waits: Vec<Wait> = runs.iter().flat_map(|run| waits(&run.asked)).collect();
            let waited = Numbers::new(waits.iter().map(|wait| wait.seconds));
            let meanwhile = Numbers::new(waits.iter().map(|wait| wait.answered as f64));
            let _ = writeln!(
                text,
                "| {} | {} | {:.0} | {:.0} | {} | {} | {} |",
                who.name(),
                walls(runs).spread(2),
                of(&|run| run.asked.len() as f64).median(),
                of(&|run| run.asked.iter().filter(|asked| asked.refused).count() as f64).median(),
                of(&twice).spread(2),
                if waits.is_empty() { String::from("–") } else { waited.spread(2) },
                if waits.is_empty() { String::from("–") } else { meanwhile.spread(0) },
            );
        }
        Ok(text)
    }
}

fn walls(runs: &[Run]) -> Numbers {
    Numbers::new(runs.iter().map(|run| run.wall.as_secs_f64()))
}

/// How goodput came through the storm, in mebibytes per second, and how long it took to come back.
struct Recovery {
    before: f64,
    least: f64,
    after: f64,
}

impl Recovery {
    fn of(delivered: &[u64]) -> Self {
        let slot = |time: Duration| usize::try_from(time.as_millis() / SLOT.as_millis()).unwrap_or(usize::MAX);
        let rates: Vec<f64> = delivered
            .windows(SPAN)
            .map(|slots| slots.iter().sum::<u64>() as f64 / MIB as f64 / (SPAN as f64 * SLOT.as_secs_f64()))
            .collect();
        let (begin, end) = (slot(CALM), slot(CALM + STORM));
        let before = Numbers::new(rates.iter().take(begin - SPAN).skip(begin - 2 * SPAN).copied()).median();
        let least = rates.iter().skip(begin).copied().fold(f64::INFINITY, f64::min);
        let back = rates.iter().skip(end).position(|&rate| rate >= 0.9 * before);
        let after = back.map_or(f64::INFINITY, |slots| (slots + SPAN) as f64 * SLOT.as_secs_f64());
        Self { before, least, after }
    }
}

/// Between a refusal and the same range asked for again.
struct Wait {
    seconds: f64,
    /// Other requests that were answered in between.
    answered: usize,
}

fn waits(asked: &[Asked]) -> Vec<Wait> {
    let again = |refused: &Asked, since: usize| {
        let (at, next) =
            asked.iter().enumerate().skip(since + 1).find(|(_, next)| next.range.start == refused.range.start)?;
        let answered = asked.get(since + 1..at)?.iter().filter(|other| !other.refused).count();
        Some(Wait { seconds: (next.at - refused.at).as_secs_f64(), answered })
    };
    asked.iter().enumerate().filter(|(_, asked)| asked.refused).filter_map(|(at, asked)| again(asked, at)).collect()
}
