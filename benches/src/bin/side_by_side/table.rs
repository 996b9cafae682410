//! From numbers to a table: medians, spread, ratios.

use std::fmt::Write;

use crate::cases::Case;
use longhaul_benches::child::Usage;
use longhaul_benches::numbers::Numbers;

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
