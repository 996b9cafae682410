//! What is measured: who, fetching what, to where.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::args::{Args, Tool};
use crate::server::{GIB, MIB, Server};

/// One table: contestants that do the same job. The first one is what the others are compared with.
pub(crate) struct Case {
    pub(crate) title: String,
    pub(crate) bytes: u64,
    /// The served file.
    pub(crate) source: PathBuf,
    /// Where results go.
    pub(crate) folder: PathBuf,
    pub(crate) contestants: Vec<Contestant>,
}

/// One way to do the job.
pub(crate) struct Contestant {
    pub(crate) name: String,
    url: String,
    who: Who,
}

enum Who {
    Curl,
    Longhaul { path: PathBuf, options: Vec<String> },
    Example(PathBuf),
}

impl Contestant {
    fn curl(url: &str) -> Self {
        Self { name: String::from("curl -o"), url: url.to_owned(), who: Who::Curl }
    }

    /// `None` where the tool at hand does not take options.
    fn longhaul(tool: &Tool, url: &str, options: &str) -> Option<Self> {
        let (url, words) = (url.to_owned(), options.split_whitespace().map(String::from).collect());
        let name = format!("longhaul get {options}").trim_end().to_owned();
        match tool {
            Tool::Command(path) => {
                // A whole digest would make the table unreadable.
                let name = name.split_once(':').map_or(name.as_str(), |(name, _)| name).to_owned();
                Some(Self { name, url, who: Who::Longhaul { path: path.clone(), options: words } })
            }
            Tool::Example(path) if options.is_empty() => {
                Some(Self { name: String::from("longhaul's example"), url, who: Who::Example(path.clone()) })
            }
            Tool::Example(_) => None,
        }
    }

    /// The command line that fetches to `output` and keeps state below `folder`.
    pub(crate) fn command(&self, output: &Path, folder: &Path) -> Command {
        match &self.who {
            Who::Curl => {
                let mut command = Command::new("curl");
                command.args(["--silent", "--show-error", "--fail", "--noproxy", "*", "-o"]).arg(output).arg(&self.url);
                command
            }
            Who::Longhaul { path, options } => {
                let mut command = Command::new(path);
                command.args(["get", "--quiet", "--proxy", "none", "--overwrite", "always", "--state"]);
                command.arg(folder.join("state")).args(options).arg("-o").arg(output).arg(&self.url);
                command
            }
            Who::Example(path) => {
                let mut command = Command::new(path);
                command.arg(&self.url).arg(output).env("NO_PROXY", "*");
                command
            }
        }
    }
}

/// The cases that `args` ask for.
pub(crate) fn all(args: &Args, server: &Server) -> Result<Vec<Case>, Failure> {
    let (big, small) = (server.file("1g.bin", GIB)?, server.file("64m.bin", 64 * MIB)?);
    let hash = format!("--checksum sha-256:{}", crate::server::sha256(&big)?);
    let url = |file: &Path| server.url(file);
    let case = |title: &str, file: &Path, bytes, folder: &Path, options: &[&str]| Case {
        title: title.to_owned(),
        bytes,
        source: file.to_owned(),
        folder: folder.to_owned(),
        contestants: std::iter::once(Contestant::curl(&url(file)))
            .chain(options.iter().filter_map(|options| Contestant::longhaul(&args.tool, &url(file), options)))
            .collect(),
    };
    let memory = args.memory.as_path();
    let mut cases = vec![
        case("1 GiB to memory", &big, GIB, memory, &["", "--parts 1", &hash]),
        case("64 MiB to memory", &small, 64 * MIB, memory, &["", "--parts 1"]),
    ];
    let sizes: &[&str] = if args.quick {
        &["--parts 8 --part-size 8MiB", "--parts 8 --part-size 128MiB"]
    } else {
        &[
            "--parts 8",
            "--parts 8 --part-size 8MiB",
            "--parts 8 --part-size 64MiB",
            "--parts 8 --part-size 128MiB",
            "--parts 8 --part-size 1GiB",
        ]
    };
    cases.push(case("1 GiB to memory, by part size", &big, GIB, memory, sizes));
    if let Some(disk) = &args.disk {
        cases.push(case("1 GiB to disk", &big, GIB, disk, &["", "--parts 1"]));
    }
    cases.retain(|case| {
        case.contestants.len() > 1 && args.only.as_ref().is_none_or(|word| case.title.contains(word.as_str()))
    });
    Ok(cases)
}
