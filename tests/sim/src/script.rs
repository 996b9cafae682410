//! A run as text: the seed of its world, and what is done to it. Every saved trace is one, so that it can be run again.
//!
//! ```text
//! world 123
//! 1.000000s > Submit { job: 0, paused: false }
//! 1.000000s > Run { millis: 250 }
//! 1.250000s > Crash { power: true }
//! ```
//!
//! What stands before `> ` is for the reader; lines without it are passed over.

use std::fmt::Debug;
use std::str::FromStr;

use crate::disk::Edit;
use crate::draw::draw_world;
use crate::run::{Report, run};
use crate::transition::{Harm, Transition, Way};

/// A world and what is done to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Script {
    /// The seed of the world.
    pub world: u64,
    /// What is done, in order.
    pub transitions: Vec<Transition>,
}

/// The first line of a script.
#[must_use]
pub fn heading(world: u64) -> String {
    format!("world {world}\n")
}

impl Script {
    /// Reads a script, or a trace.
    ///
    /// # Errors
    /// The line that cannot be read.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        let world = first.strip_prefix("world ").and_then(|seed| seed.trim().parse().ok());
        let world = world.ok_or_else(|| format!("a script begins with `world SEED`, not with `{first}`"))?;
        let told = lines.filter_map(|line| match line.split_once("> ") {
            Some((before, rest)) if before.is_empty() || before.ends_with("s ") => Some(rest),
            _ => None,
        });
        let transitions = told.map(str::parse).collect::<Result<_, _>>()?;
        Ok(Self { world, transitions })
    }

    /// Runs it.
    #[must_use]
    pub fn run(&self, keep: bool) -> Report {
        run(draw_world(self.world, keep), self.world, &self.transitions)
    }
}

impl FromStr for Transition {
    type Err = String;

    /// As its `Debug` form.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, fields) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        let fields = Fields(fields.trim_start_matches("{ ").trim_end_matches(" }"));
        let read = || {
            Some(match name {
                "Submit" => Self::Submit { job: fields.number("job")?, paused: fields.number("paused")? },
                "Pause" => Self::Pause { job: fields.number("job")? },
                "Resume" => Self::Resume { job: fields.number("job")? },
                "Cancel" => Self::Cancel { job: fields.number("job")? },
                "Weigh" => Self::Weigh { job: fields.number("job")?, weight: fields.number("weight")? },
                "Limit" => Self::Limit {
                    active: fields.number("active")?,
                    requests: fields.number("requests")?,
                    per_authority: fields.number("per_authority")?,
                    per_task: fields.number("per_task")?,
                    kibibytes: fields.number("kibibytes")?,
                },
                "Close" => Self::Close,
                "Reopen" => Self::Reopen,
                "Crash" => Self::Crash { power: fields.number("power")? },
                "Change" => Self::Change { job: fields.number("job")? },
                "EditSource" => {
                    Self::EditSource { job: fields.number("job")?, edit: fields.one_of("edit", &Edit::ALL)? }
                }
                "EditTemporary" => {
                    Self::EditTemporary { job: fields.number("job")?, edit: fields.one_of("edit", &Edit::ALL)? }
                }
                "Harm" => Self::Harm { job: fields.number("job")?, harm: fields.one_of("harm", &Harm::ALL)? },
                "Move" => Self::Move { job: fields.number("job")?, way: fields.one_of("way", &Way::ALL)? },
                "Full" => Self::Full { full: fields.number("full")? },
                "ReadOnly" => Self::ReadOnly { on: fields.number("on")? },
                "CrashOther" => Self::CrashOther,
                "Weather" => Self::Weather { seed: fields.number("seed")? },
                "JumpWall" => Self::JumpWall { seconds: fields.number("seconds")? },
                "Forget" => Self::Forget,
                "Stale" => Self::Stale { op: fields.number("op")? },
                "Run" => Self::Run { millis: fields.number("millis")? },
                _ => return None,
            })
        };
        read().ok_or_else(|| format!("`{text}` is no transition"))
    }
}

/// `name: value, name: value`.
struct Fields<'a>(&'a str);

impl Fields<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.split(", ").find_map(|field| field.strip_prefix(name)?.strip_prefix(": "))
    }

    fn number<T: FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    fn one_of<T: Copy + Debug>(&self, name: &str, all: &[T]) -> Option<T> {
        let text = self.text(name)?;
        all.iter().copied().find(|one| format!("{one:?}") == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use longhaul_core::rng::Rng;

    #[test]
    fn every_transition_is_read_as_it_is_written() {
        let mut rng = Rng::new(1);
        for _ in 0..5_000 {
            let transition = Transition::draw(&mut rng);
            assert_eq!(format!("{transition:?}").parse(), Ok(transition));
        }
    }

    #[test]
    fn a_saved_trace_is_the_script_of_its_run() {
        let folder = std::env::temp_dir().join(format!("longhaul-sim-script-{}", std::process::id()));
        for seed in 0..20 {
            let report = crate::run::run_seed(seed, true);
            let path = report.save(&folder, "seed").expect("a folder to write to");
            let script = Script::parse(&std::fs::read_to_string(path).expect("it is there")).expect("a script");
            assert_eq!(script.world, seed);
            assert_eq!(script.run(false).hash, report.hash);
        }
        std::fs::remove_dir_all(folder).expect("it was there");
    }

    #[test]
    fn what_is_no_script_is_refused_with_its_words() {
        assert!(Script::parse("").is_err());
        assert!(Script::parse("world x").is_err());
        assert_eq!(Script::parse("world 1\n> Dance"), Err("`Dance` is no transition".into()));
        assert_eq!(Script::parse("world 1\n> Pause { job: x }"), Err("`Pause { job: x }` is no transition".into()));
    }
}
