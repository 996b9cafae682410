//! Who can do a job, and how each is told.

use std::path::{Path, PathBuf};
use std::process::Command;

/// One way to do a case's job.
pub struct Contestant {
    /// What tables call it.
    pub name: String,
    command: Box<dyn Fn(&Path) -> Command>,
}

/// The programs at hand. What is not there is not measured, and the heading says so.
pub struct Programs {
    /// The command.
    pub longhaul: PathBuf,
    /// The kernel's floors: beside this program.
    pub floor: Option<PathBuf>,
    /// The core under load: beside this program.
    pub core: Option<PathBuf>,
    /// Other libraries: built by hand, because it takes long.
    pub peers: Option<PathBuf>,
    /// The same of rusty-cat.
    pub rusty_cat: Option<PathBuf>,
    /// Where it is installed.
    pub aria2c: Option<PathBuf>,
    /// Where it is installed.
    pub rclone: Option<PathBuf>,
    /// Counts system calls, where it is installed.
    pub strace: Option<PathBuf>,
}

/// The access key that signs for the sink, which looks at no signature.
const KEY: [(&str, &str); 3] =
    [("AWS_ACCESS_KEY_ID", "BENCHMARK"), ("AWS_SECRET_ACCESS_KEY", "benchmark"), ("AWS_REGION", "us-east-1")];

impl Programs {
    /// Looks for them.
    #[must_use]
    pub fn find(longhaul: PathBuf) -> Self {
        let beside = |name: &str| {
            let here = std::env::current_exe().ok()?;
            Some(here.parent()?.join(name)).filter(|path| path.is_file())
        };
        let installed = |name: &str| {
            std::env::split_paths(&std::env::var_os("PATH")?)
                .map(|folder| folder.join(name))
                .find(|path| path.is_file())
        };
        Self {
            longhaul,
            floor: beside("floor"),
            core: beside("core"),
            peers: beside("peers"),
            rusty_cat: beside("rusty-cat"),
            aria2c: installed("aria2c"),
            rclone: installed("rclone"),
            strace: installed("strace"),
        }
    }

    /// What is missing.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        [
            ("floor", &self.floor),
            ("core", &self.core),
            ("peers", &self.peers),
            ("rusty-cat", &self.rusty_cat),
            ("aria2c", &self.aria2c),
            ("rclone", &self.rclone),
            ("strace", &self.strace),
        ]
        .into_iter()
        .filter_map(|(name, path)| path.is_none().then_some(name))
        .collect()
    }
}

impl Contestant {
    /// `command` gets the folder in which `out.bin`, or a tree of results, is to be made, and state may be kept.
    pub fn new(name: impl Into<String>, command: impl Fn(&Path) -> Command + 'static) -> Self {
        Self { name: name.into(), command: Box::new(command) }
    }

    /// What to run, with results in `folder`.
    #[must_use]
    pub fn command(&self, folder: &Path) -> Command {
        (self.command)(folder)
    }

    /// `curl`, to `out.bin`.
    #[must_use]
    pub fn curl(url: &str, cacert: Option<&Path>) -> Self {
        let (url, cacert) = (url.to_owned(), cacert.map(Path::to_owned));
        Self::new("curl -o", move |folder| {
            let mut command = curl();
            trusting(&mut command, cacert.as_deref());
            command.arg("-o").arg(folder.join("out.bin")).arg(&url);
            command
        })
    }

    /// `longhaul get` to `out.bin`.
    #[must_use]
    pub fn get(path: &Path, url: &str, options: &str, cacert: Option<&Path>) -> Self {
        let name = named("longhaul get", options);
        let words: Vec<String> = options.split_whitespace().map(String::from).collect();
        let (path, url, cacert) = (path.to_owned(), url.to_owned(), cacert.map(Path::to_owned));
        Self::new(name, move |folder| {
            let mut command = Command::new(&path);
            command.arg("get");
            trusting(&mut command, cacert.as_deref());
            command.args(["--quiet", "--proxy", "none", "--overwrite", "always", "--state"]);
            command.arg(folder.join("state")).args(&words).arg("-o").arg(folder.join("out.bin")).arg(&url);
            command
        })
    }

    /// `curl -T`, one `PUT`; over TLS by HTTP/1.1 as well, because its HTTP/2 takes ten times as long.
    #[must_use]
    pub fn curl_up(file: &Path, endpoint: &str, cacert: Option<&Path>) -> Self {
        let (file, url, cacert) = (file.to_owned(), format!("{endpoint}/bucket/object"), cacert.map(Path::to_owned));
        Self::new("curl -T", move |_| {
            let mut command = curl();
            trusting(&mut command, cacert.as_deref());
            command.args(["--http1.1", "-T"]).arg(&file).arg(&url);
            command
        })
    }

    /// `longhaul put` to S3, signed.
    #[must_use]
    pub fn put(path: &Path, file: &Path, endpoint: &str, options: &str, cacert: Option<&Path>) -> Self {
        let name = named("longhaul put", options);
        let words: Vec<String> = options.split_whitespace().map(String::from).collect();
        let (path, file, endpoint) = (path.to_owned(), file.to_owned(), endpoint.to_owned());
        let cacert = cacert.map(Path::to_owned);
        Self::new(name, move |folder| {
            let mut command = Command::new(&path);
            command.arg("put");
            trusting(&mut command, cacert.as_deref());
            command.args(["--quiet", "--proxy", "none", "--path-style", "--endpoint", &endpoint, "--state"]);
            command.arg(folder.join("state")).args(&words).arg(&file).arg("s3://bucket/object").envs(KEY);
            command
        })
    }

    /// `longhaul put`, one `PUT` as curl's: nobody wants a digest, so that the kernel sends the file by itself.
    #[must_use]
    pub fn put_whole(path: &Path, file: &Path, endpoint: &str) -> Self {
        let (path, file, url) = (path.to_owned(), file.to_owned(), format!("{endpoint}/bucket/object"));
        Self::new("longhaul put --method put", move |folder| {
            let mut command = Command::new(&path);
            command.args(["put", "--quiet", "--proxy", "none", "--method", "put", "--state"]);
            command.arg(folder.join("state")).arg(&file).arg(&url);
            command
        })
    }

    /// A floor to `out.bin`.
    #[must_use]
    pub fn floor_down(path: &Path, way: &'static str, url: &str, parts: u32) -> Self {
        let (path, url) = (path.to_owned(), url.to_owned());
        Self::new(format!("floor: {way} × {parts}"), move |folder| {
            let mut command = Command::new(&path);
            command.args([way, &url]).arg(folder.join("out.bin")).arg(parts.to_string());
            command
        })
    }

    /// A floor, into the sink.
    #[must_use]
    pub fn floor_up(path: &Path, way: &'static str, file: &Path, endpoint: &str, parts: u32) -> Self {
        let (path, file, url) = (path.to_owned(), file.to_owned(), format!("{endpoint}/bucket/object"));
        Self::new(format!("floor: {way} × {parts}"), move |_| {
            let mut command = Command::new(&path);
            command.arg(way).arg(&file).args([&url, &parts.to_string()]);
            command
        })
    }

    /// A library's program, told a job; `{folder}` in its words is the folder of results.
    #[must_use]
    pub fn library(name: &'static str, path: &Path, words: &[&str]) -> Self {
        let (path, words) = (path.to_owned(), words.iter().map(|word| String::from(*word)).collect::<Vec<_>>());
        Self::new(name, move |folder| {
            let folder = folder.to_string_lossy();
            let mut command = Command::new(&path);
            command.args(words.iter().map(|word| word.replace("{folder}", &folder))).envs(KEY);
            command
        })
    }

    /// `aria2c` with as many connections as parts.
    #[must_use]
    pub fn aria2c(path: &Path, url: &str, parts: u32) -> Self {
        let (path, url) = (path.to_owned(), url.to_owned());
        Self::new(format!("aria2c -x{parts}"), move |folder| {
            let mut command = Command::new(&path);
            command.args(["--quiet", "--no-conf", "--no-netrc", "--file-allocation=none", "--min-split-size=1M"]);
            command.args([format!("-x{parts}"), format!("-s{parts}"), String::from("-d")]).arg(folder);
            command.args(["-o", "out.bin", &url]);
            command
        })
    }

    /// `rclone copyto` from its backend for the web, with several streams.
    #[must_use]
    pub fn rclone(path: &Path, base: &str, name: &str, streams: u32) -> Self {
        let (path, base, name) = (path.to_owned(), base.to_owned(), name.to_owned());
        Self::new(format!("rclone, {streams} streams"), move |folder| {
            let mut command = Command::new(&path);
            command.args(["copyto", "--config", "", "--ignore-checksum", "--http-url", &base]);
            command.args([format!("--multi-thread-streams={streams}"), format!(":http:{name}")]);
            command.arg(folder.join("out.bin"));
            command
        })
    }

    /// `rclone copyto` to its backend for S3, with several parts at once.
    #[must_use]
    pub fn rclone_up(path: &Path, file: &Path, endpoint: &str, parts: u32) -> Self {
        let (path, file, endpoint) = (path.to_owned(), file.to_owned(), endpoint.to_owned());
        Self::new(format!("rclone s3, {parts} parts"), move |_| {
            let mut command = Command::new(&path);
            command.args(["copyto", "--config", "", "--ignore-checksum", "--s3-provider", "Other", "--s3-env-auth"]);
            command.args([
                "--s3-no-check-bucket",
                "--s3-no-head",
                "--s3-chunk-size",
                "8Mi",
                "--s3-endpoint",
                &endpoint,
            ]);
            command.arg(format!("--s3-upload-concurrency={parts}")).arg(&file).arg(":s3:bucket/object").envs(KEY);
            command
        })
    }

    /// `curl -Z`: many, so many at a time.
    #[must_use]
    pub fn curl_many(config: &Path, at_once: u32) -> Self {
        let config = config.to_owned();
        Self::new("curl -Z", move |folder| {
            let mut command = curl();
            command.args(["-Z", "--parallel-max", &at_once.to_string(), "--config"]).arg(&config).current_dir(folder);
            command
        })
    }
}

/// What tables call a command with these options. A whole digest would make them unreadable.
fn named(command: &str, options: &str) -> String {
    let name = format!("{command} {options}");
    name.split_once(':').map_or(name.as_str(), |(name, _)| name).trim_end().to_owned()
}

/// As options of curl and longhaul.
fn trusting(command: &mut Command, cacert: Option<&Path>) {
    if let Some(path) = cacert {
        command.arg("--cacert").arg(path);
    }
}

fn curl() -> Command {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--fail", "--noproxy", "*"]);
    command
}
