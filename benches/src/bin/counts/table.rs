//! The numbers as a table that people and [`Table::read`] can read, and two of them compared.

use std::collections::BTreeMap;
use std::fmt::Write;

/// A number may be this much above the committed one, or below it without a word.
const TOLERANCE: f64 = 0.05;
/// What is less than this apart is the same.
const GRAIN: f64 = 0.01;

/// Numbers by title of the table, row and column.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Table {
    pub(crate) toolchain: String,
    numbers: BTreeMap<(String, String, String), f64>,
}

/// What changed.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Changes {
    /// Above the committed numbers, or only in one of the tables.
    pub(crate) worse: Vec<String>,
    pub(crate) better: Vec<String>,
}

const TOOLCHAIN: &str = "Toolchain: ";

impl Table {
    pub(crate) fn set(&mut self, title: &str, row: &str, column: &str, number: f64) {
        self.numbers.insert((title.to_owned(), row.to_owned(), column.to_owned()), number);
    }

    /// As Markdown, with the columns in this order, and the rows in that.
    pub(crate) fn write(&self, titles: &[&str], rows: &[String], columns: &[&str]) -> String {
        let mut text = format!("{TOOLCHAIN}{}\n", self.toolchain);
        for title in titles {
            let _ = write!(text, "\n## {title}\n\n| | {} |\n|---|", columns.join(" | "));
            text.push_str(&"---|".repeat(columns.len()));
            for row in rows {
                let _ = write!(text, "\n| {row} |");
                for column in columns {
                    let key = ((*title).to_owned(), row.clone(), (*column).to_owned());
                    let number = self.numbers.get(&key).copied().unwrap_or(f64::NAN);
                    let _ =
                        if number >= 100.0 { write!(text, " {number:.0} |") } else { write!(text, " {number:.2} |") };
                }
            }
            text.push('\n');
        }
        text
    }

    /// What [`Table::write`] wrote, whatever stands around it.
    pub(crate) fn read(text: &str) -> Self {
        let mut table = Self::default();
        let (mut title, mut columns) = ("", Vec::new());
        for line in text.lines() {
            if let Some(toolchain) = line.strip_prefix(TOOLCHAIN) {
                toolchain.clone_into(&mut table.toolchain);
            } else if let Some(words) = line.strip_prefix("## ") {
                (title, columns) = (words, Vec::new());
            } else if let Some(cells) = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) {
                let cells: Vec<&str> = cells.split('|').map(str::trim).collect();
                let Some((row, cells)) = cells.split_first() else {
                    continue;
                };
                if columns.is_empty() {
                    columns = cells.to_vec();
                    continue;
                }
                for (column, number) in columns.iter().zip(cells) {
                    if let Ok(number) = number.parse() {
                        table.set(title, row, column, number);
                    }
                }
            }
        }
        table
    }

    /// What is different here from what was committed.
    pub(crate) fn against(&self, committed: &Self) -> Changes {
        let mut changes = Changes::default();
        for (key, &now) in &self.numbers {
            let name = format!("{}: {}: {}", key.0, key.1, key.2);
            match committed.numbers.get(key) {
                None => changes.worse.push(format!("{name}: {now:.2}, and nothing committed")),
                Some(&was) => {
                    let line = || format!("{name}: {now:.2}, committed {was:.2} ({:+.1} %)", (now / was - 1.0) * 100.0);
                    if now > was * (1.0 + TOLERANCE) + GRAIN {
                        changes.worse.push(line());
                    } else if now < was * (1.0 - TOLERANCE) - GRAIN {
                        changes.better.push(line());
                    }
                }
            }
        }
        let gone = committed.numbers.keys().filter(|key| !self.numbers.contains_key(key));
        changes.worse.extend(gone.map(|key| format!("{}: {}: {}: not counted any more", key.0, key.1, key.2)));
        changes
    }
}
