//! How the measuring commands begin and end: the options they share, their help, and what becomes of an error.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::Failure;

/// The options that all of them take, in words.
const SHARED: &str = "\
  --longhaul PATH  the longhaul command (default: the workspace's target/release/longhaul)
  --memory DIR     where results go (default /dev/shm, else the system's temporary folder)
  --only WORD      only cases whose title contains the word
";

/// A command.
pub struct About {
    /// As it is called.
    pub name: &'static str,
    /// Measured rounds, and with `--quick`.
    pub rounds: [usize; 2],
    /// What `--quick` does.
    pub quick: &'static str,
    /// Options of its own, a line each.
    pub own: &'static str,
    /// What else there is to know.
    pub notes: &'static str,
}

/// What to measure.
#[derive(Debug)]
pub struct Args {
    /// Measured rounds, at least one.
    pub rounds: usize,
    /// Less of it.
    pub quick: bool,
    /// The longhaul command.
    pub longhaul: PathBuf,
    /// Where results go.
    pub memory: PathBuf,
    only: Option<String>,
}

/// Gives the word behind an option.
pub type Value<'a> = &'a mut dyn FnMut() -> Result<String, String>;

impl Args {
    /// Reads the command line. `own` is asked about options that not all commands have, and says whether it is one.
    ///
    /// # Errors
    /// What to exit with, when help was wanted or is needed; it was given.
    #[allow(clippy::print_stdout, clippy::print_stderr, reason = "the help of a command")]
    pub fn parse(about: &About, own: impl FnMut(&str, Value<'_>) -> Result<bool, String>) -> Result<Self, ExitCode> {
        match Self::read(std::env::args().skip(1), about, own) {
            Ok(Some(args)) => Ok(args),
            Ok(None) => {
                print!("{}", about.help());
                Err(ExitCode::SUCCESS)
            }
            Err(words) => {
                eprintln!("{}: {words}\n\n{}", about.name, about.help());
                Err(ExitCode::from(2))
            }
        }
    }

    fn read(
        mut words: impl Iterator<Item = String>,
        about: &About,
        mut own: impl FnMut(&str, Value<'_>) -> Result<bool, String>,
    ) -> Result<Option<Self>, String> {
        let memory = PathBuf::from("/dev/shm");
        let mut rounds = None;
        let mut args = Self {
            rounds: 0,
            quick: false,
            longhaul: workspace().join("target/release/longhaul"),
            memory: if memory.is_dir() { memory } else { std::env::temp_dir() },
            only: None,
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--rounds" => {
                    rounds = Some(value()?.parse().ok().filter(|&n| n > 0).ok_or("--rounds takes a number from 1 on")?);
                }
                "--quick" => args.quick = true,
                "--longhaul" => args.longhaul = value()?.into(),
                "--memory" => args.memory = value()?.into(),
                "--only" => args.only = Some(value()?),
                "-h" | "--help" => return Ok(None),
                option if own(option, &mut value)? => {}
                _ => return Err(format!("{word} is not an option")),
            }
        }
        let [usual, quick] = about.rounds;
        args.rounds = rounds.unwrap_or(if args.quick { quick } else { usual });
        if !args.longhaul.is_file() {
            return Err(format!(
                "{} is not there; run: cargo build --release -p longhaul-cli, or give --longhaul PATH",
                args.longhaul.display()
            ));
        }
        Ok(Some(args))
    }

    /// Whether a case of this title is wanted.
    #[must_use]
    pub fn wants(&self, title: &str) -> bool {
        self.only.as_ref().is_none_or(|word| title.contains(word.as_str()))
    }
}

impl About {
    fn help(&self) -> String {
        let Self { name, rounds: [usual, _], quick, own, notes } = self;
        format!(
            "usage: {name} [OPTIONS]\n\n  --rounds N       measured rounds, at least 1 (default {usual})\n  \
             --quick          {quick}\n{SHARED}{own}\nBuilds nothing. {notes}\n"
        )
    }

    /// Ends the command.
    #[must_use]
    #[allow(clippy::print_stderr, reason = "the last words of a command")]
    pub fn end(&self, done: Result<(), Failure>) -> ExitCode {
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{}: {error}", self.name);
                ExitCode::FAILURE
            }
        }
    }
}

/// The folder above `benches`.
#[must_use]
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}
