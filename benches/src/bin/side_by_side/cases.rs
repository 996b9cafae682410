//! What is measured: who, moving what, to where.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use longhaul_benches::contestants::{Contestant, Programs};

use crate::Failure;
use crate::args::Args;
use crate::server::{GIB, MIB, Server};
use crate::sink::{Received, Sink};

/// Small files, how large each, and how many at a time.
const MANY: usize = 2_000;
const SMALL: u64 = 64 << 10;
const AT_ONCE: u32 = 64;
const PARTS: u32 = 8;

/// One table: contestants that do the same job. The first one is what the others are compared with.
pub(crate) struct Case {
    pub(crate) title: String,
    /// Where results go.
    pub(crate) folder: PathBuf,
    pub(crate) result: Result,
    pub(crate) contestants: Vec<Contestant>,
}

/// What must be there afterwards.
pub(crate) enum Result {
    /// These files below the folder of results, like those beside them.
    Files(Vec<(PathBuf, PathBuf)>),
    /// This much in the sink.
    Sunk(Received),
}

/// The cases that `args` ask for.
pub(crate) fn all(
    args: &Args,
    server: &Server,
    sink: &Sink,
    programs: &Programs,
) -> std::result::Result<Vec<Case>, Failure> {
    let all = Cases {
        args,
        server,
        sink,
        programs,
        big: server.file("1g.bin", GIB)?,
        middle: server.file("64m.bin", 64 * MIB)?,
    };
    let memory = args.memory.as_path();
    let hash = format!("--checksum sha-256:{}", crate::server::sha256(&all.big)?);
    let mut cases = vec![
        all.down("1 GiB to memory", &all.big, memory, &["", "--parts 1", &hash]),
        all.down("64 MiB to memory", &all.middle, memory, &["", "--parts 1"]),
        all.tls(memory),
        all.up("1 GiB to a store", &all.big, memory)?,
        all.up("64 MiB to a store", &all.middle, memory)?,
    ];
    if programs.peers.is_some() {
        cases.extend([all.many_down(memory)?, all.many_up(memory)?]);
    }
    if !args.quick {
        let sizes =
            ["--parts 8", "--parts 8 --part-size 8MiB", "--parts 8 --part-size 64MiB", "--parts 8 --part-size 128MiB"];
        cases.push(all.sizes(memory, &sizes));
    }
    if let Some(disk) = &args.disk {
        cases.push(all.down("1 GiB to disk", &all.big, disk, &["", "--parts 1"]));
    }
    cases.retain(|case| args.only.as_ref().is_none_or(|word| case.title.contains(word.as_str())));
    Ok(cases)
}

struct Cases<'a> {
    args: &'a Args,
    server: &'a Server,
    sink: &'a Sink,
    programs: &'a Programs,
    big: PathBuf,
    middle: PathBuf,
}

impl Cases<'_> {
    fn down(&self, title: &str, file: &Path, folder: &Path, options: &[&str]) -> Case {
        let url = self.server.url(file);
        let mut contestants = vec![Contestant::curl(&url, None)];
        contestants.extend(options.iter().map(|options| Contestant::get(&self.programs.longhaul, &url, options)));
        if let Some(floor) = &self.programs.floor {
            contestants.extend(
                [("splice", 1), ("recv", 1), ("recv", PARTS)]
                    .map(|(way, parts)| Contestant::floor_down(floor, way, &url, parts)),
            );
        }
        contestants.extend(self.peers(
            ["hyper", "reqwest", "object_store", "opendal"],
            &["down", &url, "{folder}/out.bin", &PARTS.to_string()],
        ));
        if !self.args.quick {
            contestants.extend(self.programs.aria2c.iter().map(|path| Contestant::aria2c(path, &url, PARTS)));
            let (base, name) = url.rsplit_once('/').unwrap_or_default();
            contestants.extend(self.programs.rclone.iter().map(|path| Contestant::rclone(path, base, name, PARTS)));
        }
        one(title, file, folder, contestants)
    }

    fn sizes(&self, folder: &Path, options: &[&str]) -> Case {
        let url = self.server.url(&self.big);
        let mut contestants = vec![Contestant::curl(&url, None)];
        contestants.extend(options.iter().map(|options| Contestant::get(&self.programs.longhaul, &url, options)));
        one("1 GiB to memory, by part size", &self.big, folder, contestants)
    }

    fn tls(&self, folder: &Path) -> Case {
        let (url, ca) = (self.server.tls(&self.big), self.server.ca());
        let option = format!("--cacert {}", ca.display());
        let mut contestants =
            vec![Contestant::curl(&url, Some(ca)), Contestant::get(&self.programs.longhaul, &url, &option)];
        let words = ["down", &url, "{folder}/out.bin", &PARTS.to_string(), &ca.to_string_lossy()];
        contestants.extend(self.peers(["reqwest"], &words));
        one("1 GiB over TLS", &self.big, folder, contestants)
    }

    fn up(&self, title: &str, file: &Path, folder: &Path) -> std::result::Result<Case, Failure> {
        let endpoint = self.sink.endpoint();
        let mut contestants = vec![
            Contestant::curl_up(file, &endpoint),
            Contestant::put(&self.programs.longhaul, file, &endpoint, ""),
            Contestant::put(&self.programs.longhaul, file, &endpoint, "--parts 8"),
        ];
        if let Some(floor) = &self.programs.floor {
            let ways = ["sendfile", "send"];
            contestants.extend(ways.map(|way| Contestant::floor_up(floor, way, file, &endpoint, PARTS)));
        }
        let words = ["up", &file.to_string_lossy(), &endpoint, &PARTS.to_string()];
        contestants.extend(self.peers(["hyper", "reqwest", "object_store", "opendal"], &words));
        Ok(Case {
            title: title.to_owned(),
            folder: folder.to_owned(),
            result: Result::Sunk(crate::server::received([file])?),
            contestants,
        })
    }

    fn many_down(&self, folder: &Path) -> std::result::Result<Case, Failure> {
        let files = self.server.files("small", MANY, SMALL)?;
        let (mut list, mut config) = (String::new(), String::new());
        let mut result = Vec::with_capacity(MANY);
        for file in &files {
            let (url, name) = (self.server.url(file), file.file_name().unwrap_or_default());
            let _ = writeln!(list, "{url}\t{{folder}}/{}", name.to_string_lossy());
            let _ = writeln!(config, "url = \"{url}\"\noutput = \"{}\"", name.to_string_lossy());
            result.push((PathBuf::from(name), file.clone()));
        }
        let (list, config) = (self.note("down.list", &list)?, self.note("down.curl", &config)?);
        let words = ["many-down", &list.to_string_lossy(), "{folder}", &AT_ONCE.to_string()];
        let mut contestants = vec![Contestant::curl_many(&config, AT_ONCE)];
        contestants.extend(self.peers(["longhaul", "hyper", "reqwest", "object_store"], &words));
        Ok(Case {
            title: format!("{MANY} × 64 KiB to memory"),
            folder: folder.to_owned(),
            result: Result::Files(result),
            contestants,
        })
    }

    fn many_up(&self, folder: &Path) -> std::result::Result<Case, Failure> {
        let files = self.server.files("small", MANY, SMALL)?;
        let (mut list, mut config) = (String::new(), String::new());
        for (at, file) in files.iter().enumerate() {
            let url = format!("{}/bucket/{at}", self.sink.endpoint());
            let _ = writeln!(list, "{url}\t{}", file.display());
            let _ = writeln!(config, "url = \"{url}\"\nupload-file = \"{}\"", file.display());
        }
        let (list, config) = (self.note("up.list", &list)?, self.note("up.curl", &config)?);
        let words = ["many-up", &list.to_string_lossy(), "{folder}", &AT_ONCE.to_string()];
        let mut contestants = vec![Contestant::curl_many(&config, AT_ONCE)];
        contestants.extend(self.peers(["longhaul", "hyper", "reqwest", "object_store"], &words));
        Ok(Case {
            title: format!("{MANY} × 64 KiB to a store"),
            folder: folder.to_owned(),
            result: Result::Sunk(crate::server::received(files.iter().map(PathBuf::as_path))?),
            contestants,
        })
    }

    fn peers<const N: usize>(&self, libraries: [&'static str; N], words: &[&str]) -> Vec<Contestant> {
        let words: Vec<String> = words.iter().map(|word| String::from(*word)).collect();
        let peer = |library| self.programs.peers.as_ref().map(|path| Contestant::peer(path, library, &words));
        libraries.into_iter().filter_map(peer).collect()
    }

    /// A list for those who take one, kept beside the served files.
    fn note(&self, name: &str, text: &str) -> std::result::Result<PathBuf, Failure> {
        let path = self.server.beside(name);
        fs::write(&path, text)?;
        Ok(path)
    }
}

/// A case with one result.
fn one(title: &str, file: &Path, folder: &Path, contestants: Vec<Contestant>) -> Case {
    Case {
        title: title.to_owned(),
        folder: folder.to_owned(),
        result: Result::Files(vec![(PathBuf::from("out.bin"), file.to_owned())]),
        contestants,
    }
}
