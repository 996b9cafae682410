//! A connection on which HTTP/1.1 is spoken, by whom it is known that he speaks it well: heads, and what comes behind them.

use std::io::{self, Read};
use std::net::TcpStream;

/// A connection.
pub struct Connection {
    /// The socket.
    pub stream: TcpStream,
    /// Bytes behind the last head that were read with it.
    pub held: Vec<u8>,
}

/// A request's or an answer's head.
pub struct Head {
    /// The first line.
    pub line: String,
    /// How many bytes it has.
    pub bytes: u64,
    fields: Vec<(String, String)>,
}

impl Connection {
    /// Nothing was read of it.
    #[must_use]
    pub const fn new(stream: TcpStream) -> Self {
        Self { stream, held: Vec::new() }
    }

    /// The next head; `None` when the other side closed.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn head(&mut self) -> io::Result<Option<Head>> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(end) = self.held.windows(4).position(|four| four == b"\r\n\r\n") {
                let rest = self.held.split_off(end + 4);
                let text = std::mem::replace(&mut self.held, rest);
                return Ok(Some(Head::parse(&String::from_utf8_lossy(&text))));
            }
            let read = self.stream.read(&mut buffer)?;
            if read == 0 {
                return Ok(None);
            }
            self.held.extend_from_slice(buffer.get(..read).unwrap_or_default());
        }
    }
}

impl Head {
    fn parse(text: &str) -> Self {
        let mut lines = text.split("\r\n");
        let line = lines.next().unwrap_or_default().to_owned();
        let fields = lines.filter_map(|line| line.split_once(':'));
        let bytes = text.len() as u64;
        Self { line, bytes, fields: fields.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect() }
    }

    /// A request's method.
    #[must_use]
    pub fn method(&self) -> &str {
        self.line.split(' ').next().unwrap_or_default()
    }

    /// A request's target: path, and query.
    #[must_use]
    pub fn target(&self) -> (&str, &str) {
        let target = self.line.split(' ').nth(1).unwrap_or_default();
        target.split_once('?').unwrap_or((target, ""))
    }

    /// An answer's status.
    #[must_use]
    pub fn status(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }

    /// A field's value.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}
