//! Measurements of one thing, and on which machine.

/// The machine, as far as it matters.
#[must_use]
pub fn machine() -> String {
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

/// Several measurements of one thing, sorted.
pub struct Numbers(Vec<f64>);

impl Numbers {
    /// Of those.
    #[must_use]
    pub fn new(numbers: impl Iterator<Item = f64>) -> Self {
        let mut numbers: Vec<f64> = numbers.collect();
        numbers.sort_by(f64::total_cmp);
        Self(numbers)
    }

    /// The one in the middle.
    #[must_use]
    pub fn median(&self) -> f64 {
        let len = self.0.len();
        let at = |at: usize| self.0.get(at).copied().unwrap_or(f64::NAN);
        if len % 2 == 1 { at(len / 2) } else { (at(len / 2) + at((len / 2).wrapping_sub(1))) / 2.0 }
    }

    /// The median, and the least and the greatest.
    #[must_use]
    pub fn spread(&self, digits: usize) -> String {
        let ends = (self.0.first().copied().unwrap_or(f64::NAN), self.0.last().copied().unwrap_or(f64::NAN));
        format!("{:.digits$} ({:.digits$}–{:.digits$})", self.median(), ends.0, ends.1)
    }
}

/// The heading of a table of [`verdict`]s.
pub const VERDICTS: &str = "| | what | asked | reached | |\n|---|---|---|---|---|\n";

/// A line that says whether a number is at most what was asked for; `None`: it was not measured.
#[must_use]
pub fn verdict(id: &str, what: &str, most: f64, reached: Option<f64>) -> String {
    let (reached, word) = match reached {
        None => (String::from("–"), "not measured"),
        Some(reached) => (format!("{reached:.2}"), if reached <= most { "kept" } else { "**missed**" }),
    };
    format!("| {id} | {what} | ≤ {most} | {reached} | {word} |\n")
}
