//! A place of its own for each test: a server, a state folder, and the binary.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use longhaul_serve::{Faults, Running, ServeConfig, Server};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// Far longer than anything takes; a test that waits as long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Stands for every secret.
pub(crate) const CANARY: &str = "c4n4ry-7Qx";

pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) server: Running,
    /// What the command finds in its environment besides.
    pub(crate) env: Vec<(&'static str, String)>,
}

/// What must not reach a command from a tester's own settings, by how it begins.
const FOREIGN: [&str; 4] = ["AWS_", "OSS_", "AZURE_", "LONGHAUL_"];

impl Place {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["root", "out", "home"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let config = ServeConfig::new(folder.path().join("root")).uploads(true);
        let server = Server::bind(([127, 0, 0, 1], 0).into(), config).await.unwrap();
        Self { folder, server, env: Vec::new() }
    }

    /// A place whose server misbehaves.
    pub(crate) async fn with_faults(faults: impl Into<Faults>) -> Self {
        let place = Self::new().await;
        place.server.set_faults(faults);
        place
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn out(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path("out").join(name)
    }

    /// A file on the server; its bytes.
    pub(crate) fn remote(&self, name: &str, size: usize) -> Vec<u8> {
        let bytes = content(size);
        std::fs::write(self.path("root").join(name), &bytes).unwrap();
        bytes
    }

    /// A file here; its path and bytes.
    pub(crate) fn local(&self, name: impl AsRef<Path>, size: usize) -> (PathBuf, Vec<u8>) {
        let (path, bytes) = (self.path(name), content(size));
        std::fs::write(&path, &bytes).unwrap();
        (path, bytes)
    }

    /// The command, which no setting of the tester's reaches.
    pub(crate) fn command(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_longhaul"));
        for name in
            ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"]
        {
            command.env_remove(name);
        }
        let names = std::env::vars_os().map(|(name, _)| name);
        for name in names.filter(|name| FOREIGN.iter().any(|begin| name.to_string_lossy().starts_with(begin))) {
            command.env_remove(name);
        }
        command
            .args(args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(self.path("out"))
            .env("HOME", self.path("home"))
            .env("LONGHAUL_STATE", self.path("state"))
            .env_remove("XDG_STATE_HOME")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs it to its end.
    pub(crate) async fn run(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Told {
        Told::of(self.command(args)).await
    }

    /// The same for words that need no care.
    pub(crate) async fn words(&self, words: &str) -> Told {
        self.run(words.split_whitespace()).await
    }

    /// Starts it with its `--json` to be read.
    pub(crate) fn start(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Started {
        let mut child = self.command(args).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Started { child, lines }
    }

    pub(crate) fn url(&self, name: &str) -> String {
        self.server.url(name)
    }

    /// Names of what is in the state folder, journals left aside.
    pub(crate) fn records(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.path("state")) else { return Vec::new() };
        entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|ext| ext == "json"))
            .collect()
    }

    /// Names of what is in the output folder, hidden files included.
    pub(crate) fn outputs(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path("out")).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// How a run ended and what it said.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Told {
    pub(crate) async fn of(mut command: Command) -> Self {
        let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("ends in time").unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// What `--json` said.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect("a JSON object per line")).collect()
    }

    /// The summary of a single transfer.
    #[track_caller]
    pub(crate) fn summary(&self) -> Value {
        let summary = self.lines().into_iter().find(|line| line["event"] == "summary");
        summary.unwrap_or_else(|| panic!("no summary: {self:#?}"))
    }
}

/// A run under way.
pub(crate) struct Started {
    pub(crate) child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Started {
    /// Reads until a line for which `wanted` holds.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let reading = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                let value: Value = serde_json::from_str(&line).expect("a JSON object per line");
                if wanted(&value) {
                    return value;
                }
            }
            panic!("ended before that");
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("says it in time")
    }

    /// Reads until so many bytes are where they belong.
    pub(crate) async fn until_bytes(&mut self, bytes: u64) -> Value {
        self.until(|line| line["acknowledged"].as_u64().is_some_and(|there| there >= bytes)).await
    }

    /// Ends it with SIGKILL.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Reads the rest and waits for the end.
    #[cfg_attr(not(unix), allow(dead_code, reason = "the suites that stop a command by signals are for Unix"))]
    pub(crate) async fn finish(mut self) -> (ExitStatus, Vec<Value>) {
        let reading = async {
            let mut values = Vec::new();
            while let Some(line) = self.lines.next_line().await.unwrap() {
                values.push(serde_json::from_str(&line).expect("a JSON object per line"));
            }
            (self.child.wait().await.unwrap(), values)
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("ends in time")
    }
}

/// Bytes that repeat nowhere.
pub(crate) fn content(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ size as u64;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every file below `folder`.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
