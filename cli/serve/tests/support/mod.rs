//! A server in a temporary folder, and a client that says exactly what a test wants said: plain blocking sockets, no
//! HTTP library, so that nothing is retried, corrected or hidden.
#![allow(clippy::panic, clippy::unwrap_used, dead_code, unreachable_pub)]

mod form;

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use longhaul_serve::{Faults, Running, ServeConfig, Server, Stats};
use md5::{Digest, Md5};
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub use form::Form;

/// A running server and its folder.
pub struct Rig {
    pub dir: TempDir,
    pub config: ServeConfig,
    running: Option<Running>,
    runtime: Runtime,
}

impl Rig {
    /// Uploads allowed, no faults.
    pub fn new() -> Self {
        Self::with(|config| config)
    }

    pub fn with(change: impl FnOnce(ServeConfig) -> ServeConfig) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = change(ServeConfig::new(dir.path()).uploads(true));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let mut rig = Self { dir, config, running: None, runtime };
        rig.start();
        rig
    }

    pub fn start(&mut self) {
        let addr = ([127, 0, 0, 1], 0).into();
        let running = self.runtime.block_on(Server::bind(addr, self.config.clone()));
        self.running = Some(running.unwrap());
    }

    pub fn stop(&mut self) -> Stats {
        let running = self.running.take().unwrap();
        self.runtime.block_on(running.shutdown())
    }

    pub fn restart(&mut self) {
        self.stop();
        self.start();
    }

    pub fn server(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    pub fn stats(&self) -> Stats {
        self.server().stats()
    }

    pub fn faults(&self, faults: impl Into<Faults>) {
        self.server().set_faults(faults);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Puts a file of `len` patterned bytes below the root.
    pub fn file(&self, name: &str, len: usize) -> Vec<u8> {
        let bytes = pattern(len);
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &bytes).unwrap();
        bytes
    }

    pub fn connect(&self) -> Wire {
        Wire::connect(self.server().addr())
    }

    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.connect().ask("GET", path, headers, b"")
    }

    pub fn head(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.connect().ask("HEAD", path, headers, b"")
    }

    pub fn upload(&self, path: &str, form: &Form) -> Reply {
        self.connect().upload("POST", path, form)
    }

    /// Waits until no request is under way: the counters of a cut request settle after the client has seen the cut.
    pub fn settle(&self) -> Stats {
        for _ in 0..1000 {
            let stats = self.stats();
            if stats.requests_now == 0 {
                return stats;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("a request never ended: {:?}", self.stats());
    }
}

/// Bytes in which every offset can be told from its neighbours.
pub fn pattern(len: usize) -> Vec<u8> {
    (0..len as u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

pub fn md5(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// How an answer's bytes ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As declared; the connection is still open.
    Complete,
    /// FIN before the declared length, or before any answer.
    Closed,
    /// RST.
    Reset,
    /// Silence until the client's time ran out.
    Silent,
}

#[derive(Debug)]
pub struct Reply {
    /// 0: there was no head.
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub end: End,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        let value = found.next().map(|(_, v)| v.as_str());
        assert!(found.next().is_none(), "{name} occurs twice");
        value
    }

    pub fn etag(&self) -> String {
        self.header("etag").unwrap().to_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn next_byte(&self) -> u64 {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()["nextByte"].as_u64().unwrap()
    }

    pub fn file_id(&self) -> String {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()["fileId"].as_str().unwrap().to_owned()
    }

    pub fn error(&self) -> String {
        self.json()["error"].as_str().unwrap().to_owned()
    }
}

/// One connection.
pub struct Wire {
    pub stream: TcpStream,
    /// Bytes read beyond the last answer.
    ahead: Vec<u8>,
    /// A reset is told once: here it was told to a write.
    reset: bool,
}

impl Wire {
    pub fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self { stream, ahead: Vec::new(), reset: false }
    }

    /// Gives up on silence after this long.
    pub fn patience(self, patience: Duration) -> Self {
        self.stream.set_read_timeout(Some(patience)).unwrap();
        self
    }

    pub fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        self.send(method, path, headers, body);
        self.read(method == "HEAD")
    }

    pub fn upload(&mut self, method: &str, path: &str, form: &Form) -> Reply {
        let (content_type, body) = form.encode();
        let length = body.len().to_string();
        let headers = [("Content-Type", content_type.as_str()), ("Content-Length", &length)];
        self.ask(method, path, &headers, &body)
    }

    /// Writes a request. The server may end the connection inside it: that shows when the answer is read.
    pub fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: test\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let sent = self.stream.write_all(head.as_bytes());
        self.reset = sent.and_then(|()| self.stream.write_all(body)).is_err();
    }

    pub fn read(&mut self, head_only: bool) -> Reply {
        let mut reply = Reply { status: 0, headers: Vec::new(), body: Vec::new(), end: End::Complete };
        let split = loop {
            if let Some(at) = find(&self.ahead, b"\r\n\r\n") {
                break at + 4;
            }
            if let Err(end) = self.more() {
                reply.end = end;
                return reply;
            }
        };
        let head: Vec<u8> = self.ahead.drain(..split).collect();
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.split("\r\n");
        reply.status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        for line in lines.filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').unwrap();
            reply.headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let length = reply.header("content-length").unwrap_or("0").parse().unwrap();
        let length: usize = if head_only || reply.status == 304 { 0 } else { length };
        while self.ahead.len() < length {
            if let Err(end) = self.more() {
                reply.end = end;
                break;
            }
        }
        reply.body = self.ahead.drain(..length.min(self.ahead.len())).collect();
        reply
    }

    /// What is left until the connection ends.
    pub fn rest(&mut self) -> (Vec<u8>, End) {
        let end = loop {
            if let Err(end) = self.more() {
                break end;
            }
        };
        (std::mem::take(&mut self.ahead), end)
    }

    fn more(&mut self) -> Result<(), End> {
        let mut buf = vec![0; 64 * 1024];
        match self.stream.read(&mut buf) {
            Ok(0) if self.reset => Err(End::Reset),
            Ok(0) => Err(End::Closed),
            Ok(n) => {
                self.ahead.extend_from_slice(&buf[..n]);
                Ok(())
            }
            Err(error) => match error.kind() {
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Err(End::Reset),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Err(End::Silent),
                // By a signal that has nothing to do with it; whoever reads asks again.
                io::ErrorKind::Interrupted => Ok(()),
                other => panic!("{other:?}"),
            },
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
