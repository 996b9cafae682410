//! The server: nginx through its script, and the files it serves.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use longhaul_benches::Failure;
use longhaul_benches::args::workspace;

use crate::sink::{self, Received};

pub(crate) const MIB: u64 = 1 << 20;
pub(crate) const GIB: u64 = 1 << 30;

/// A running nginx; ended by its script when this is dropped.
pub(crate) struct Server {
    script: PathBuf,
    port: u16,
    root: PathBuf,
    ca: PathBuf,
    log: PathBuf,
    sink: u16,
}

impl Server {
    /// Over TLS it passes on what is for the sink.
    pub(crate) fn start(port: u16, sink: u16) -> Result<Self, Failure> {
        let script = workspace().join("tests/oracles/nginx.sh");
        let none = PathBuf::new;
        let mut server = Self { script, port, root: none(), ca: none(), log: none(), sink };
        server.say("start")?;
        server.root = PathBuf::from(server.say("www")?.trim());
        server.ca = PathBuf::from(server.say("ca")?.trim());
        server.log = PathBuf::from(server.say("log")?.trim());
        Ok(server)
    }

    fn say(&self, word: &str) -> Result<String, Failure> {
        let output = Command::new(&self.script)
            .arg(word)
            .env("LONGHAUL_NGINX_HTTP", self.port.to_string())
            .env("LONGHAUL_NGINX_TLS", (self.port + 1).to_string())
            .env("LONGHAUL_NGINX_OTHER", (self.port + 2).to_string())
            .env("LONGHAUL_NGINX_SINK", self.sink.to_string())
            .output()?;
        if !output.status.success() {
            return Err(format!("nginx.sh {word}: {}", String::from_utf8_lossy(&output.stderr).trim()).into());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The served file of that name, made if it is not there, in the page cache afterwards.
    pub(crate) fn file(&self, name: &str, bytes: u64) -> io::Result<PathBuf> {
        let path = self.root.join("files").join(name);
        if std::fs::metadata(&path).map_or(true, |there| there.len() != bytes) {
            make(&path, bytes)?;
        }
        let mut file = File::open(&path)?;
        let mut buffer = vec![0; 1 << 20];
        while file.read(&mut buffer)? > 0 {}
        Ok(path)
    }

    /// `count` served files of so many bytes each, in a folder of that name.
    pub(crate) fn files(&self, folder: &str, count: usize, bytes: u64) -> io::Result<Vec<PathBuf>> {
        std::fs::create_dir_all(self.root.join("files").join(folder))?;
        (0..count).map(|at| self.file(&format!("{folder}/{at}.bin"), bytes)).collect()
    }

    pub(crate) fn url(&self, file: &Path) -> String {
        format!("http://127.0.0.1:{}/files/{}", self.port, self.name(file))
    }

    pub(crate) fn tls(&self, file: &Path) -> String {
        format!("https://localhost:{}/files/{}", self.port + 1, self.name(file))
    }

    /// The sink, over TLS.
    pub(crate) fn tls_endpoint(&self) -> String {
        format!("https://localhost:{}", self.port + 1)
    }

    /// Where the books are, for [`Server::sent`].
    pub(crate) fn books(&self) -> io::Result<u64> {
        Ok(std::fs::metadata(&self.log)?.len())
    }

    /// What was sent since then, heads and all: at least `content` bytes, when its books are up to date.
    pub(crate) fn sent(&self, since: u64, content: u64) -> Result<u64, Failure> {
        for _ in 0..6_000 {
            let mut log = File::open(&self.log)?;
            log.seek(SeekFrom::Start(since))?;
            let mut text = String::new();
            log.read_to_string(&mut text)?;
            let sent = text.split_whitespace().filter_map(|word| word.strip_prefix("sent=")?.parse::<u64>().ok()).sum();
            if sent >= content {
                return Ok(sent);
            }
            thread::sleep(Duration::from_millis(10));
        }
        Err("nginx does not log what it sent".into())
    }

    fn name(&self, file: &Path) -> String {
        file.strip_prefix(self.root.join("files")).unwrap_or(file).to_string_lossy().into_owned()
    }

    /// The certificate of who signed the server's.
    pub(crate) fn ca(&self) -> &Path {
        &self.ca
    }

    /// A file of that name that is not served.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.root.with_file_name(name)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.say("stop"));
    }
}

/// Bytes that no file system or network finds shorter than they are.
fn make(path: &Path, bytes: u64) -> io::Result<()> {
    let part = path.with_extension("part");
    let mut file = BufWriter::with_capacity(1 << 20, File::create(&part)?);
    // By its name, so that no two are alike.
    let name = path.to_string_lossy();
    let mut state =
        name.bytes().fold(0x9e37_79b9_7f4a_7c15_u64, |state, byte| state.wrapping_mul(31) ^ u64::from(byte));
    for _ in 0..bytes / 8 {
        // xorshift64 (Marsaglia 2003).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        file.write_all(&state.to_le_bytes())?;
    }
    file.flush()?;
    std::fs::rename(part, path)
}

/// Whether two files have the same content.
pub(crate) fn same(one: &Path, other: &Path) -> io::Result<bool> {
    if std::fs::metadata(one)?.len() != std::fs::metadata(other)?.len() {
        return Ok(false);
    }
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    let (mut a, mut b) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    loop {
        let read = one.read(&mut a)?;
        let (Some(a), Some(b)) = (a.get(..read), b.get_mut(..read)) else {
            return Ok(false);
        };
        other.read_exact(b)?;
        if a != b {
            return Ok(false);
        }
        if read == 0 {
            return Ok(true);
        }
    }
}

/// What the sink has when it got these files.
pub(crate) fn received<'a>(files: impl IntoIterator<Item = &'a Path>) -> io::Result<Received> {
    let mut all = Received::default();
    let mut buffer = vec![0; 1 << 20];
    for path in files {
        let mut file = File::open(path)?;
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            all.bytes += read as u64;
            all.sum = all.sum.wrapping_add(sink::sum(buffer.get(..read).unwrap_or_default()));
        }
    }
    Ok(all)
}

/// In hexadecimal.
pub(crate) fn sha256(path: &Path) -> Result<String, Failure> {
    let output = Command::new("sha256sum").arg(path).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.split_whitespace().next().ok_or("sha256sum said nothing")?.to_owned())
}
