//! The command line.

use std::path::PathBuf;

pub(crate) const HELP: &str = "\
usage: side_by_side [OPTIONS]

  --rounds N       measured rounds, at least 1 (default 8)
  --quick          3 rounds of the main cases: under 3 minutes
  --longhaul PATH  the longhaul command (default: the workspace's target/release/longhaul)
  --memory DIR     a folder on tmpfs (default /dev/shm, else the system's temporary folder)
  --disk DIR       measure on this folder too
  --only WORD      only cases whose title contains the word
  --port N         nginx's plain port; the two after it are taken as well (default 23810)

Builds nothing. Needs curl, sha256sum and the nginx of tests/oracles/nginx.sh (`nginx.sh install` once). Measures aria2c and
rclone where they are installed, and what is built beside it: `floor`, and `peers` (other libraries).
";

/// What to measure.
#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) rounds: usize,
    pub(crate) quick: bool,
    pub(crate) longhaul: PathBuf,
    pub(crate) memory: PathBuf,
    pub(crate) disk: Option<PathBuf>,
    pub(crate) only: Option<String>,
    pub(crate) port: u16,
}

impl Args {
    /// `None`: help is wanted.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let memory = PathBuf::from("/dev/shm");
        let mut rounds = None;
        let mut args = Self {
            rounds: 8,
            quick: false,
            longhaul: crate::server::workspace().join("target/release/longhaul"),
            memory: if memory.is_dir() { memory } else { std::env::temp_dir() },
            disk: None,
            only: None,
            port: 23810,
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
                "--disk" => args.disk = Some(value()?.into()),
                "--only" => args.only = Some(value()?),
                "--port" => args.port = value()?.parse().map_err(|_| "--port takes a port number")?,
                "-h" | "--help" => return Ok(None),
                _ => return Err(format!("{word} is not an option")),
            }
        }
        args.rounds = rounds.unwrap_or(if args.quick { 3 } else { 8 });
        if !args.longhaul.is_file() {
            return Err(format!(
                "{} is not there; run: cargo build --release -p longhaul-cli, or give --longhaul PATH",
                args.longhaul.display()
            ));
        }
        Ok(Some(args))
    }
}
