//! The command line.

use std::path::{Path, PathBuf};

pub(crate) const HELP: &str = "\
usage: networks [OPTIONS]

  --rounds N       measured rounds, at least 1 (default 3)
  --quick          one round of the main rows, with fewer bytes: under 4 minutes
  --longhaul PATH  the longhaul command (default: the workspace's target/release/longhaul)
  --memory DIR     where results go (default /dev/shm, else the system's temporary folder)
  --only WORD      only cases whose title contains the word

Builds nothing. Needs curl; measures aria2c where it is installed.
";

/// What to measure.
#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) rounds: usize,
    pub(crate) quick: bool,
    pub(crate) longhaul: PathBuf,
    pub(crate) memory: PathBuf,
    pub(crate) only: Option<String>,
}

impl Args {
    /// `None`: help is wanted.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let memory = PathBuf::from("/dev/shm");
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut rounds = None;
        let mut args = Self {
            rounds: 0,
            quick: false,
            longhaul: here.ancestors().nth(2).unwrap_or(here).join("target/release/longhaul"),
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
                _ => return Err(format!("{word} is not an option")),
            }
        }
        args.rounds = rounds.unwrap_or(if args.quick { 1 } else { 3 });
        if !args.longhaul.is_file() {
            return Err(format!(
                "{} is not there; run: cargo build --release -p longhaul-cli, or give --longhaul PATH",
                args.longhaul.display()
            ));
        }
        Ok(Some(args))
    }
}
