//! A run as text: the seed of its world, and what is done to it. Every saved trace is one, so that it can be run again.
//!
//! ```text
//! world 123
//! 1.000000s > Submit { job: 0, paused: false }
//! 1.000000s > Run { millis: 250 }
//! 1.250000s > Crash { power: true }
//! ```
//!
//! What stands before `> `, one word at most, is for the reader; lines without it are passed over.

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
        let transitions = lines.filter_map(step).collect::<Result<_, _>>()?;
        Ok(Self { world, transitions })
    }

    /// Runs it.
    #[must_use]
    pub fn run(&self, keep: bool) -> Report {
        run(draw_world(self.world, keep), self.world, &self.transitions)
    }
}

/// What a line says is done: after a `>` with at most one word before it. A trace has more words before any other.
fn step(line: &str) -> Option<Result<Transition, String>> {
    match line.split_once('>') {
        Some((before, rest)) if before.split_whitespace().count() <= 1 => Some(rest.parse()),
        _ => line.parse::<Transition>().ok().map(|_| Err(format!("`{line}` needs a `> ` before it"))),
    }
}

impl FromStr for Transition {
    type Err = String;

    /// As its `Debug` form, no word less and none more.
    fn from_str(text: &str) -> Result<Self, String> {
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let read = Self::read(&words).ok_or_else(|| format!("`{words}` is no transition"))?;
        let written = format!("{read:?}");
        if words == written { Ok(read) } else { Err(format!("`{words}` would be read as `{written}`: write it so")) }
    }
}

impl Transition {
    fn read(text: &str) -> Option<Self> {
        let (name, fields) = text.split_once(' ').unwrap_or((text, ""));
        let fields = Fields(fields.trim_start_matches("{ ").trim_end_matches(" }"));
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
            "EditSource" => Self::EditSource { job: fields.number("job")?, edit: fields.one_of("edit", &Edit::ALL)? },
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
        for (line, told) in [
            ("> Dance", "`Dance` is no transition"),
            ("> Pause { job: x }", "`Pause { job: x }` is no transition"),
            ("> Pause { jbo: 1 }", "`Pause { jbo: 1 }` is no transition"),
            ("  >Dance", "`Dance` is no transition"),
            ("1.0 > Dance", "`Dance` is no transition"),
            ("1.000000s> Dance", "`Dance` is no transition"),
            (">> Crash { power: true }", "`> Crash { power: true }` is no transition"),
            ("Pause { job: 1 }", "`Pause { job: 1 }` needs a `> ` before it"),
            (
                "> Pause { job: 1, power: true }",
                "`Pause { job: 1, power: true }` would be read as `Pause { job: 1 }`: write it so",
            ),
        ] {
            assert_eq!(Script::parse(&format!("world 1\n{line}")), Err(told.into()), "{line}");
        }
    }

    #[test]
    fn steps_may_be_spaced_as_one_likes_and_what_a_trace_says_besides_is_passed_over() {
        let text = "world 1\n  > Close\n1.5s >  Pause {  job: 2 }\n1.5s o0.1 t0.0 GET x> Close\nlimits and weather\n";
        let script = Script::parse(text).expect("a script");
        assert_eq!(script.transitions, [Transition::Close, Transition::Pause { job: 2 }]);
    }
}
