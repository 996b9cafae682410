//! What is measured: who, moving what, to where.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use longhaul_benches::Failure;
use longhaul_benches::args::Args;
use longhaul_benches::contestants::{Contestant, Programs};

use crate::server::{GIB, MIB, Server};
use crate::sink::{Received, Sink};

/// Small files, how large each, and how many at a time.
const MANY: usize = 2_000;
const SMALL: u64 = 64 << 10;
const AT_ONCE: u32 = 64;
const PARTS: u32 = 8;
/// Small transfers that are all active, by the connections of [`AT_ONCE`].
const CROWD: usize = 10_000;
const TINY: u64 = 4 << 10;

pub(crate) const BIG_DOWN: &str = "1 GiB to memory";
pub(crate) const BIG_UP: &str = "1 GiB to a store";
pub(crate) const DIGESTED: &str = "1 GiB to memory, read, with and without digests";
pub(crate) const TLS_DOWN: &str = "1 GiB over TLS";
pub(crate) const TLS_UP: &str = "1 GiB to a store over TLS";
pub(crate) const MANY_DOWN: &str = "2,000 × 64 KiB to memory";
pub(crate) const MANY_UP: &str = "2,000 × 64 KiB to a store";
pub(crate) const ACTIVE: &str = "10,000 × 4 KiB, all active, on 64 connections";

/// The programs that are packages of their own.
type Libraries = &'static [&'static str];
const LARGE: Libraries = &["hyper", "reqwest", "object_store", "opendal", "rusty-cat"];
/// Where a quick run would be a long one.
const QUICK: Libraries = &["hyper", "reqwest", "object_store", "opendal"];
/// longhaul without a digest of what comes, and with one.
const DIGESTS: Libraries = &["undigested", "longhaul"];
const SMALL_FILES: Libraries = &["longhaul", "hyper", "reqwest", "object_store", "rusty-cat"];
const TLS: Libraries = &["hyper", "reqwest", "object_store"];

/// One table: contestants that do the same job. The first one is what the others are compared with.
pub(crate) struct Case {
    pub(crate) title: String,
    /// Where results go.
    pub(crate) folder: PathBuf,
    /// How much content is moved, in bytes.
    pub(crate) bytes: u64,
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
    disk: Option<&Path>,
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
    let plain: &[&str] = &["", "--no-recheck", "--parts 1", &hash];
    let mut cases = vec![
        all.down(BIG_DOWN, &all.big, memory, if args.quick { &["", "--no-recheck"] } else { plain }),
        all.tls_down(memory),
        all.up(BIG_UP, &all.big, memory, None)?,
        all.up(TLS_UP, &all.big, memory, Some(server.ca()))?,
    ];
    if programs.peers.is_some() {
        cases.extend([all.many_down(memory)?, all.many_up(memory)?, all.crowd(memory)?, all.digests(memory)]);
    }
    if !args.quick {
        let sizes =
            ["--parts 8", "--parts 8 --part-size 8MiB", "--parts 8 --part-size 64MiB", "--parts 8 --part-size 128MiB"];
        cases.push(all.down("64 MiB to memory", &all.middle, memory, &["", "--no-recheck", "--parts 1"]));
        cases.push(all.up("64 MiB to a store", &all.middle, memory, None)?);
        cases.push(all.sizes(memory, &sizes));
    }
    if let Some(disk) = disk {
        cases.push(all.down("1 GiB to disk", &all.big, disk, &["", "--parts 1"]));
    }
    cases.retain(|case| args.wants(&case.title));
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
        contestants.extend(options.iter().map(|options| Contestant::get(&self.programs.longhaul, &url, options, None)));
        if let Some(floor) = &self.programs.floor {
            contestants.extend(
                [("splice", 1), ("recv", 1), ("recv", PARTS)]
                    .map(|(way, parts)| Contestant::floor_down(floor, way, &url, parts)),
            );
        }
        let libraries = if self.args.quick { QUICK } else { LARGE };
        contestants.extend(self.libraries(libraries, &["down", &url, "{folder}/out.bin", &PARTS.to_string()]));
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
        contestants.extend(options.iter().map(|options| Contestant::get(&self.programs.longhaul, &url, options, None)));
        one("1 GiB to memory, by part size", &self.big, folder, contestants)
    }

    /// What a digest of everything takes where the bytes pass through the program anyway.
    fn digests(&self, folder: &Path) -> Case {
        let url = self.server.url(&self.big);
        let words = ["down", &url, "{folder}/out.bin", &PARTS.to_string()];
        one(DIGESTED, &self.big, folder, self.libraries(DIGESTS, &words))
    }

    fn tls_down(&self, folder: &Path) -> Case {
        let (url, ca) = (self.server.tls(&self.big), self.server.ca());
        let mut contestants =
            vec![Contestant::curl(&url, Some(ca)), Contestant::get(&self.programs.longhaul, &url, "", Some(ca))];
        let words = ["down", &url, "{folder}/out.bin", &PARTS.to_string(), &ca.to_string_lossy()];
        contestants.extend(self.libraries(TLS, &words));
        one(TLS_DOWN, &self.big, folder, contestants)
    }

    fn up(&self, title: &str, file: &Path, folder: &Path, ca: Option<&Path>) -> std::result::Result<Case, Failure> {
        let endpoint = if ca.is_some() { self.server.tls_endpoint() } else { self.sink.endpoint() };
        let put = |options| Contestant::put(&self.programs.longhaul, file, &endpoint, options, ca);
        let mut contestants = vec![Contestant::curl_up(file, &endpoint, ca), put("")];
        let (path, parts) = (file.to_string_lossy(), PARTS.to_string());
        if let Some(ca) = ca {
            contestants.extend(self.libraries(TLS, &["up", &path, &endpoint, &parts, &ca.to_string_lossy()]));
        } else {
            contestants.extend([put("--no-recheck"), put("--parts 8")]);
            contestants.push(Contestant::put_whole(&self.programs.longhaul, file, &endpoint));
            if let Some(floor) = &self.programs.floor {
                let ways = [("sendfile", 1), ("sendfile", PARTS), ("send", PARTS)];
                contestants.extend(ways.map(|(way, parts)| Contestant::floor_up(floor, way, file, &endpoint, parts)));
            }
            let libraries = if self.args.quick { QUICK } else { LARGE };
            contestants.extend(self.libraries(libraries, &["up", &path, &endpoint, &parts]));
            if !self.args.quick {
                let rclone = self.programs.rclone.iter();
                contestants.extend(rclone.map(|rclone| Contestant::rclone_up(rclone, file, &endpoint, PARTS)));
            }
        }
        Ok(Case {
            title: title.to_owned(),
            folder: folder.to_owned(),
            bytes: file.metadata()?.len(),
            result: Result::Sunk(crate::server::received([file])?),
            contestants,
        })
    }

    fn many_down(&self, folder: &Path) -> std::result::Result<Case, Failure> {
        let files = self.server.files("small", MANY, SMALL)?;
        let (list, result) = self.list("down.list", &files)?;
        let mut config = String::new();
        for (name, file) in &result {
            let _ = writeln!(config, "url = \"{}\"\noutput = \"{}\"", self.server.url(file), name.display());
        }
        let config = self.note("down.curl", &config)?;
        let words = ["many-down", &list.to_string_lossy(), "{folder}", &AT_ONCE.to_string()];
        let mut contestants = vec![Contestant::curl_many(&config, AT_ONCE)];
        contestants.extend(self.libraries(SMALL_FILES, &words));
        Ok(Case {
            title: MANY_DOWN.to_owned(),
            folder: folder.to_owned(),
            bytes: MANY as u64 * SMALL,
            result: Result::Files(result),
            contestants,
        })
    }

    /// How much memory they take that all have begun.
    fn crowd(&self, folder: &Path) -> std::result::Result<Case, Failure> {
        let files = self.server.files("tiny", CROWD, TINY)?;
        let (list, result) = self.list("crowd.list", &files)?;
        let words = ["many-down", &list.to_string_lossy(), "{folder}", &CROWD.to_string()];
        Ok(Case {
            title: ACTIVE.to_owned(),
            folder: folder.to_owned(),
            bytes: CROWD as u64 * TINY,
            result: Result::Files(result),
            contestants: self.libraries(&["longhaul"], &words),
        })
    }

    /// The list of a job that fetches these files, and what is there afterwards.
    fn list(&self, name: &str, files: &[PathBuf]) -> std::result::Result<(PathBuf, Vec<(PathBuf, PathBuf)>), Failure> {
        let (mut list, mut result) = (String::new(), Vec::with_capacity(files.len()));
        for file in files {
            let name = PathBuf::from(file.file_name().unwrap_or_default());
            let _ = writeln!(list, "{}\t{{folder}}/{}", self.server.url(file), name.display());
            result.push((name, file.clone()));
        }
        Ok((self.note(name, &list)?, result))
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
        contestants.extend(self.libraries(SMALL_FILES, &words));
        Ok(Case {
            title: MANY_UP.to_owned(),
            folder: folder.to_owned(),
            bytes: MANY as u64 * SMALL,
            result: Result::Sunk(crate::server::received(files.iter().map(PathBuf::as_path))?),
            contestants,
        })
    }

    /// Those of them that are there, with a job in words.
    fn libraries(&self, names: Libraries, words: &[&str]) -> Vec<Contestant> {
        let one = |&name: &&'static str| {
            let programs = self.programs;
            match name {
                "rusty-cat" => programs.rusty_cat.as_ref().map(|path| Contestant::library(name, path, words)),
                _ => programs.peers.as_ref().map(|path| Contestant::library(name, path, &[&[name], words].concat())),
            }
        };
        names.iter().filter_map(one).collect()
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
        bytes: file.metadata().map_or(0, |there| there.len()),
        result: Result::Files(vec![(PathBuf::from("out.bin"), file.to_owned())]),
        contestants,
    }
}
