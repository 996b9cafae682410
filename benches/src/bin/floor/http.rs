//! As much HTTP/1.1 as the floors need, with servers that are known.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::Failure;

/// Where a URL points.
pub(crate) struct Target {
    host: String,
    path: String,
}

/// An answer whose head was read.
pub(crate) struct Body {
    pub(crate) stream: TcpStream,
    /// What came with the head.
    pub(crate) first: Vec<u8>,
}

impl Target {
    pub(crate) fn parse(url: &str) -> Result<Self, Failure> {
        let rest = url.strip_prefix("http://").ok_or("the URL must begin with http://")?;
        let (host, path) = rest.split_once('/').ok_or("the URL has no path")?;
        Ok(Self { host: host.to_owned(), path: format!("/{path}") })
    }

    /// The object's size.
    pub(crate) fn len(&self) -> Result<u64, Failure> {
        let (head, _) = self.ask(&format!("HEAD {} HTTP/1.1\r\n", self.path), "connection: close\r\n")?;
        let line =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:").map(str::to_owned));
        Ok(line.ok_or("the server tells no length")?.trim().parse()?)
    }

    /// `len` bytes from `offset` on.
    pub(crate) fn get(&self, offset: u64, len: u64) -> Result<Body, Failure> {
        let range = format!("range: bytes={offset}-{}\r\n", offset + len - 1);
        let (head, body) = self.ask(&format!("GET {} HTTP/1.1\r\n", self.path), &range)?;
        if head.starts_with("HTTP/1.1 206") { Ok(body) } else { Err("the server does not answer with a range".into()) }
    }

    /// A request for part `number`, of which `len` bytes are still to be sent.
    pub(crate) fn put(&self, number: usize, len: u64) -> Result<TcpStream, Failure> {
        let mut stream = self.connect()?;
        write!(
            stream,
            "PUT {}?partNumber={number}&uploadId=u HTTP/1.1\r\nhost: {}\r\ncontent-length: {len}\r\n\r\n",
            self.path, self.host
        )?;
        Ok(stream)
    }

    fn connect(&self) -> Result<TcpStream, Failure> {
        let stream = TcpStream::connect(&self.host)?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn ask(&self, line: &str, fields: &str) -> Result<(String, Body), Failure> {
        let mut stream = self.connect()?;
        stream.write_all(format!("{line}host: {}\r\n{fields}\r\n", self.host).as_bytes())?;
        head(stream)
    }
}

fn head(mut stream: TcpStream) -> Result<(String, Body), Failure> {
    let (mut all, mut buffer) = (Vec::new(), [0; 2048]);
    loop {
        let read = stream.read(&mut buffer)?;
        all.extend_from_slice(buffer.get(..read).unwrap_or_default());
        if let Some(end) = all.windows(4).position(|four| four == b"\r\n\r\n") {
            let first = all.split_off(end + 4);
            return Ok((String::from_utf8(all)?, Body { stream, first }));
        }
        if read == 0 {
            return Err("the server closed before it answered".into());
        }
    }
}

/// Waits for the answer to a request that was sent.
pub(crate) fn accepted(stream: TcpStream) -> Result<(), Failure> {
    let (head, _) = head(stream)?;
    if head.starts_with("HTTP/1.1 200") { Ok(()) } else { Err("the server does not take the part".into()) }
}
