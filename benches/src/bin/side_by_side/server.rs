//! The server: nginx through its script, and the files it serves.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;

pub(crate) const MIB: u64 = 1 << 20;
pub(crate) const GIB: u64 = 1 << 30;

/// A running nginx; ended by its script when this is dropped.
pub(crate) struct Server {
    script: PathBuf,
    port: u16,
    root: PathBuf,
}

/// The folder above `benches`.
pub(crate) fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

impl Server {
    pub(crate) fn start(port: u16) -> Result<Self, Failure> {
        let mut server = Self { script: workspace().join("tests/oracles/nginx.sh"), port, root: PathBuf::new() };
        server.say("start")?;
        server.root = PathBuf::from(server.say("www")?.trim());
        Ok(server)
    }

    fn say(&self, word: &str) -> Result<String, Failure> {
        let output = Command::new(&self.script)
            .arg(word)
            .env("LONGHAUL_NGINX_HTTP", self.port.to_string())
            .env("LONGHAUL_NGINX_TLS", (self.port + 1).to_string())
            .env("LONGHAUL_NGINX_OTHER", (self.port + 2).to_string())
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

    pub(crate) fn url(&self, file: &Path) -> String {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        format!("http://127.0.0.1:{}/files/{name}", self.port)
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
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
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

/// In hexadecimal.
pub(crate) fn sha256(path: &Path) -> Result<String, Failure> {
    let output = Command::new("sha256sum").arg(path).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.split_whitespace().next().ok_or("sha256sum said nothing")?.to_owned())
}
