//! What was survived, as a table.

use std::fmt::Write;

use super::content::Sum;
use super::faults::KINDS;
use super::stage::Told;
use crate::report::text;

/// Width of the first column, and of the others.
const FIRST: usize = 46;
const OTHER: usize = 12;

pub(super) fn of(stages: &[Told], digests: &[(&str, Sum)], size: u64) -> String {
    let mut table = format!("\nSurvived while {} went up and came down again:\n\n", text::bytes(size));
    let mut row = |name: &str, cell: &dyn Fn(&Told) -> String| {
        let _ = write!(table, "  {name:<FIRST$}");
        for told in stages {
            let _ = write!(table, "{:>OTHER$}", cell(told));
        }
        table.push('\n');
    };
    row("", &|told| told.what.to_owned());
    for (kind, words) in KINDS {
        row(words, &|told| told.faults.get(kind).copied().unwrap_or(0).to_string());
    }
    row("process killed with SIGKILL at", &|told| text::bytes(told.killed_at));
    row("there when it was started again", &|told| text::bytes(told.reused));
    row("moved again because of the kill", &|told| text::bytes(told.lost));
    row("  allowed: in flight + one checkpoint interval", &|told| text::bytes(told.allowed));
    row("moved again because of faults", &|told| text::bytes(told.resent));
    row("requests", &|told| told.requests.to_string());
    row("retries", &|told| told.retries.to_string());
    table.push('\n');
    for (which, digest) in digests {
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let _ = writeln!(table, "  SHA-256 {which:<12}{hex}");
    }
    table.push('\n');
    table
}
