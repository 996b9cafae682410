//! From numbers to a table: medians, spread, ratios.

use std::fmt::Write;

use crate::cases::Case;
use crate::child::Usage;

/// The machine, as far as it matters.
pub(crate) fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let load = read("/proc/loadavg");
    let load = load.split_whitespace().next().unwrap_or("?");
    format!(
        "{cpus} CPUs ({}), {} {}, loopback; load at the start {load}",
        model.map_or("unknown", |(_, name)| name),
        std::env::consts::OS,
        std::env::consts::ARCH
    )
}

/// `rounds[r][c]`: what contestant `c` used in round `r`.
pub(crate) fn of(case: &Case, rounds: &[Vec<Usage>]) -> String {
    let mut text = format!(
        "### {}\n\n| | wall s | CPU s | user s | sys s | wall × | CPU × | peak MiB | switches |\n|---|---|---|---|---|---|---|---|---|\n",
        case.title
    );
    for (at, contestant) in case.contestants.iter().enumerate() {
        let of = |quantity: &dyn Fn(&Usage) -> f64| -> Numbers {
            Numbers::new(rounds.iter().filter_map(|round| round.get(at).map(quantity)))
        };
        // Of the same round, so that a busy minute counts for both.
        let against = |quantity: &dyn Fn(&Usage) -> f64| -> Numbers {
            Numbers::new(rounds.iter().filter_map(|round| Some(quantity(round.get(at)?) / quantity(round.first()?))))
        };
        let wall = |usage: &Usage| usage.wall.as_secs_f64();
        let cpu = |usage: &Usage| usage.cpu().as_secs_f64();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {:.2} | {:.2} | {} | {} | {} | {:.0} + {:.0} |",
            contestant.name,
            of(&wall).spread(2),
            of(&cpu).spread(2),
            of(&|usage| usage.user.as_secs_f64()).median(),
            of(&|usage| usage.system.as_secs_f64()).median(),
            against(&wall).spread(2),
            against(&cpu).spread(2),
            of(&|usage| usage.peak as f64 / 1_048_576.0).spread(1),
            of(&|usage| usage.voluntary as f64).median(),
            of(&|usage| usage.involuntary as f64).median(),
        );
    }
    text
}

/// Sorted.
struct Numbers(Vec<f64>);

impl Numbers {
    fn new(numbers: impl Iterator<Item = f64>) -> Self {
        let mut numbers: Vec<f64> = numbers.collect();
        numbers.sort_by(f64::total_cmp);
        Self(numbers)
    }

    fn median(&self) -> f64 {
        let len = self.0.len();
        let at = |at: usize| self.0.get(at).copied().unwrap_or(f64::NAN);
        if len % 2 == 1 { at(len / 2) } else { (at(len / 2) + at((len / 2).wrapping_sub(1))) / 2.0 }
    }

    /// The median, and the least and the greatest.
    fn spread(&self, digits: usize) -> String {
        let ends = (self.0.first().copied().unwrap_or(f64::NAN), self.0.last().copied().unwrap_or(f64::NAN));
        format!("{:.digits$} ({:.digits$}–{:.digits$})", self.median(), ends.0, ends.1)
    }
}
