//! One run: somebody fetches an object over a path, and what came is compared with what there is.

use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use longhaul_benches::Failure;
use longhaul_benches::args::Args;
use longhaul_benches::child;
use longhaul_benches::contestants::{Contestant, Programs};

use crate::origin::{Asked, Origin, Trouble};
use crate::path::Path;
use crate::relay::Relay;

pub(crate) const MIB: usize = 1 << 20;
/// The largest object.
const CONTENT: usize = 256 * MIB;
/// What takes longer than this has come to nothing.
const LIMIT: Duration = Duration::from_mins(2);

/// Who fetches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Who {
    /// With these options.
    Longhaul(&'static str),
    Curl,
    /// With so many connections.
    Aria2c(u32),
}

/// What a run came to.
pub(crate) struct Run {
    pub(crate) wall: Duration,
    pub(crate) connections: usize,
    /// Bytes that reached the client, by slots.
    pub(crate) delivered: Vec<u64>,
    pub(crate) asked: Vec<Asked>,
}

/// Where all runs happen.
pub(crate) struct Ground {
    pub(crate) origin: Origin,
    pub(crate) programs: Programs,
    /// For results; removed at the end.
    pub(crate) folder: PathBuf,
}

impl Ground {
    pub(crate) fn new(args: &Args) -> Result<Self, Failure> {
        let folder = args.memory.join(format!("longhaul-networks-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        Ok(Self { origin: Origin::start(CONTENT)?, programs: Programs::find(args.longhaul.clone()), folder })
    }

    pub(crate) fn has(&self, who: Who) -> bool {
        !matches!(who, Who::Aria2c(_)) || self.programs.aria2c.is_some()
    }

    /// One run. `meanwhile` runs beside it, and may change what the server does.
    pub(crate) fn run(
        &self,
        who: Who,
        path: Path,
        bytes: usize,
        trouble: Trouble,
        meanwhile: impl FnOnce(&Origin) + Send,
    ) -> Result<Run, Failure> {
        let folder = self.folder.join("run");
        std::fs::create_dir_all(&folder)?;
        let relay = Relay::start(path, self.origin.address())?;
        // Without anything between, nothing is put there: what the client has read, the server knows.
        let server = if path.is_nothing() { self.origin.address() } else { relay.address() };
        let contestant = self.contestant(who, &format!("http://{server}/{bytes}/object.bin"))?;
        self.origin.trouble(trouble);
        let end = thread::scope(|scope| {
            scope.spawn(|| meanwhile(&self.origin));
            child::run(contestant.command(&folder), LIMIT)
        });
        let name = contestant.name;
        let (usage, success, words) = end.map_err(|error| format!("{name}: {error}"))?;
        if !success {
            return Err(format!("{name} failed after {:.1} s: {}", usage.wall.as_secs_f64(), words.trim()).into());
        }
        if std::fs::read(folder.join("out.bin"))? != self.origin.content(bytes) {
            return Err(format!("{name} did not fetch what is served").into());
        }
        std::fs::remove_dir_all(&folder)?;
        Ok(Run {
            wall: usage.wall,
            connections: relay.connections(),
            delivered: relay.delivered(),
            asked: self.origin.asked(),
        })
    }

    fn contestant(&self, who: Who, url: &str) -> io::Result<Contestant> {
        Ok(match who {
            Who::Longhaul(options) => Contestant::get(&self.programs.longhaul, url, options, None),
            Who::Curl => Contestant::curl(url, None),
            Who::Aria2c(parts) => {
                let path = self.programs.aria2c.as_ref().ok_or(io::ErrorKind::NotFound)?;
                Contestant::aria2c(path, url, parts)
            }
        })
    }
}

impl Who {
    pub(crate) fn name(self) -> String {
        match self {
            Self::Longhaul("") => String::from("**longhaul get**"),
            Self::Longhaul(options) => format!("longhaul get {options}"),
            Self::Curl => String::from("curl -o"),
            Self::Aria2c(parts) => format!("aria2c -x{parts}"),
        }
    }

    /// Whether the number of parts was given.
    pub(crate) fn is_fixed(self) -> bool {
        matches!(self, Self::Longhaul(options) if options.starts_with("--parts"))
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}
