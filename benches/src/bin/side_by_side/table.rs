//! From numbers to a table: medians, spread, ratios.

use std::fmt::Write;

use longhaul_benches::child::Usage;
use longhaul_benches::numbers::Numbers;

const MIB: f64 = 1_048_576.0;

/// What a case came to.
pub(crate) struct Measured {
    pub(crate) title: String,
    /// How much content is moved, in bytes.
    pub(crate) bytes: u64,
    /// The first one is what the others are compared with.
    pub(crate) rows: Vec<Row>,
}

/// What a contestant used.
pub(crate) struct Row {
    pub(crate) name: String,
    /// By round.
    pub(crate) rounds: Vec<Usage>,
    /// System calls, where they were counted.
    pub(crate) calls: Option<u64>,
    /// What the server sent or got for it, in bytes.
    pub(crate) wire: u64,
}

impl Row {
    pub(crate) fn of(&self, quantity: impl Fn(&Usage) -> f64) -> Numbers {
        Numbers::new(self.rounds.iter().map(quantity))
    }

    /// Of the same round, so that a busy minute counts for both.
    pub(crate) fn against(&self, other: &Self, quantity: impl Fn(&Usage) -> f64) -> Numbers {
        Numbers::new(self.rounds.iter().zip(&other.rounds).map(|(one, other)| quantity(one) / quantity(other)))
    }
}

pub(crate) fn wall(usage: &Usage) -> f64 {
    usage.wall.as_secs_f64()
}

pub(crate) fn cpu(usage: &Usage) -> f64 {
    usage.cpu().as_secs_f64()
}

/// In MiB.
pub(crate) fn peak(usage: &Usage) -> f64 {
    usage.peak as f64 / MIB
}

pub(crate) fn of(case: &Measured) -> String {
    let mut text = format!(
        "### {}\n\n| | wall s | CPU s | user s | sys s | wall × | CPU × | peak MiB | switches | calls per MiB | wire + KiB |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n",
        case.title
    );
    for row in &case.rows {
        let first = case.rows.first().unwrap_or(row);
        let calls = row
            .calls
            .map_or_else(|| String::from("–"), |calls| format!("{:.1}", calls as f64 / (case.bytes as f64 / MIB)));
        let _ = writeln!(
            text,
            "| {} | {} | {} | {:.2} | {:.2} | {} | {} | {} | {:.0} + {:.0} | {calls} | {:.1} |",
            row.name,
            row.of(wall).spread(2),
            row.of(cpu).spread(2),
            row.of(|usage| usage.user.as_secs_f64()).median(),
            row.of(|usage| usage.system.as_secs_f64()).median(),
            row.against(first, wall).spread(2),
            row.against(first, cpu).spread(2),
            row.of(peak).spread(1),
            row.of(|usage| usage.voluntary as f64).median(),
            row.of(|usage| usage.involuntary as f64).median(),
            row.wire.saturating_sub(case.bytes) as f64 / 1024.0,
        );
    }
    text
}
