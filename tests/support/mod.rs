//! What the behaviour suites share: content in which every byte knows its place, clients with short delays, the scripted server
//! and the reference server.
#![allow(dead_code, unreachable_pub, reason = "every suite is a crate of its own and needs only some of it")]

pub mod adapters;
pub mod jobs;
pub mod nginx;
pub mod raw;
pub mod sdk;
mod sips;
pub mod stores;
pub mod watch;

use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use longhaul::driver::hash::Hasher;
use longhaul::tokio::{HyperTransport, Proxy, TransportBuilder};
use longhaul::{
    Algorithm, Client, ClientConfig, Completed, Deadlines, Digest, Download, Error, Job, PartSize, RetryPolicy,
    Transfer,
};
use longhaul_serve::{Faults, Running, ServeConfig, Server};
use tempfile::TempDir;

/// No test waits longer than this for what has to happen: a guard against hanging, with room for 300 MiB on a machine that does
/// other work too.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// Writes over what is at that place of a file.
pub fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    let mut file = std::fs::File::options().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

/// `len` bytes in which every offset can be told from its neighbours, and every `version` from the others.
pub fn content(len: usize, version: u64) -> Vec<u8> {
    let seed = version.wrapping_mul(0xd134_2543_de82_ef95) | 1;
    (0..len as u64).map(|at| ((at ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 51) as u8).collect()
}

/// The digest of `bytes`.
pub fn digest(algorithm: Algorithm, bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.digest().unwrap()
}

/// `bytes` in base64, as stores write checksums.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// `future`, or a failed test.
pub async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("it takes far too long")
}

/// Waits until `condition` holds, looking often.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let patience = tokio::time::Instant::now() + PATIENCE;
    while !condition() {
        assert!(tokio::time::Instant::now() < patience, "never: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A transport that goes straight to loopback, whatever the environment says.
pub fn transport() -> TransportBuilder {
    HyperTransport::builder().proxy(Proxy::None).idle_connections(64)
}

pub fn client() -> Client {
    client_with(ClientConfig::builder().tick(Duration::from_millis(20)).build().unwrap())
}

/// A client on the adapter that is tested.
pub fn client_with(config: ClientConfig) -> Client {
    adapters::start(config)
}

/// Retries that do not slow a test down.
pub fn quick() -> RetryPolicy {
    RetryPolicy::default().with_delays(Duration::from_millis(1), Duration::from_millis(4))
}

/// Deadlines as short as a busy machine permits.
pub fn impatient() -> Deadlines {
    let short = Some(Duration::from_millis(400));
    Deadlines::default().with_idle(short).with_first_byte(short)
}

/// A download in quick steps of `part` bytes; one of which nothing is digested where that is tested.
pub fn download(url: &str, part: u64) -> Download {
    let recheck = adapters::current() != Some(adapters::Adapter::Unread);
    Download::new(url).unwrap().retry(quick()).part_size(PartSize::Bytes(part)).recheck(recheck)
}

/// Runs a job to its end.
pub async fn run(client: &Client, job: Job) -> Result<Completed, Error> {
    within(client.submit(job).await.unwrap()).await
}

/// Runs a job to its end and gives its events too.
pub async fn run_told(client: &Client, job: Job) -> (Result<Completed, Error>, Vec<longhaul::EventKind>, Transfer) {
    use futures::StreamExt;
    let mut transfer = client.submit(job).await.unwrap();
    let mut told = Vec::new();
    within(async {
        while let Some(event) = transfer.next().await {
            told.push(event.kind);
        }
    })
    .await;
    (transfer.outcome().unwrap(), told, transfer)
}

/// Runs the test that calls it again, in a process of its own, one at a time; whether this is that process already.
#[allow(clippy::print_stdout, reason = "what the other process measured is this one's to tell")]
pub fn alone() -> bool {
    static TURN: Mutex<()> = Mutex::new(());
    const ALONE: &str = "LONGHAUL_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let name = std::thread::current().name().unwrap().to_owned();
    let _turn = TURN.lock();
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args(["--exact", &name, "--nocapture"]).env(ALONE, "1").output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    println!("{said}");
    false
}

/// A folder of the test's own.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A file in it.
    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Everything in it by name, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// What the library keeps beside a target: (temporary file, journal). A journal that is being written for the first time is none yet.
    pub fn hidden(&self) -> (Option<PathBuf>, Option<PathBuf>) {
        let find = |journal: bool| {
            let mut names = self.names().into_iter().filter(|name| name.starts_with('.') && !name.ends_with(".new"));
            names.find(|name| name.contains("journal") == journal).map(|name| self.join(&name))
        };
        (find(false), find(true))
    }
}

/// The reference server over a folder of its own.
pub struct Reference {
    pub folder: Folder,
    pub running: Running,
}

impl Reference {
    /// With `objects` to be had, taking uploads.
    pub async fn start(objects: &[(&str, &[u8])], change: impl FnOnce(ServeConfig) -> ServeConfig) -> Self {
        let folder = Folder::new();
        for (name, bytes) in objects {
            folder.file(name, bytes);
        }
        let config = change(ServeConfig::new(folder.path()).uploads(true));
        let running = Server::bind(([127, 0, 0, 1], 0).into(), config).await.unwrap();
        Self { folder, running }
    }

    pub fn url(&self, path: &str) -> String {
        self.running.url(path)
    }

    pub fn faults(&self, faults: impl Into<Faults>) {
        self.running.set_faults(faults);
    }
}
