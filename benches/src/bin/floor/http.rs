//! As much HTTP/1.1 as the floors need, with servers that are known.

use std::io::Write;
use std::net::TcpStream;

use longhaul_benches::Failure;
use longhaul_benches::heads::{Connection, Head};

/// Where a URL points.
pub(crate) struct Target {
    host: String,
    path: String,
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
        Ok(head.field("content-length").ok_or("the server tells no length")?.parse()?)
    }

    /// `len` bytes from `offset` on.
    pub(crate) fn get(&self, offset: u64, len: u64) -> Result<Connection, Failure> {
        let range = format!("range: bytes={offset}-{}\r\n", offset + len - 1);
        let (head, body) = self.ask(&format!("GET {} HTTP/1.1\r\n", self.path), &range)?;
        if head.status() == "206" { Ok(body) } else { Err("the server does not answer with a range".into()) }
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

    fn ask(&self, line: &str, fields: &str) -> Result<(Head, Connection), Failure> {
        let mut stream = self.connect()?;
        stream.write_all(format!("{line}host: {}\r\n{fields}\r\n", self.host).as_bytes())?;
        head(stream)
    }
}

fn head(stream: TcpStream) -> Result<(Head, Connection), Failure> {
    let mut connection = Connection::new(stream);
    let head = connection.head()?.ok_or("the server closed before it answered")?;
    Ok((head, connection))
}

/// Waits for the answer to a request that was sent.
pub(crate) fn accepted(stream: TcpStream) -> Result<(), Failure> {
    let (head, _) = head(stream)?;
    if head.status() == "200" { Ok(()) } else { Err("the server does not take the part".into()) }
}
