//! A store that throws away what it gets, and keeps the books: S3's multipart upload and a plain `PUT`, without looking at signatures.
//!
//! Bodies are discarded in the kernel (`MSG_TRUNC`, <https://man7.org/linux/man-pages/man7/tcp.7.html>), so that what is measured
//! is the client; while [`Sink::summing`] they are read and added up.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Read at once where bodies are looked at.
const READ: usize = 256 << 10;

/// What came for an object: its length and the sum of its bytes, in whatever order they came.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Received {
    pub(crate) bytes: u64,
    pub(crate) sum: u64,
}

#[derive(Default)]
struct Books {
    objects: Mutex<HashMap<String, Received>>,
    summing: AtomicBool,
}

/// A running sink. Its threads end with the process.
pub(crate) struct Sink {
    port: u16,
    books: Arc<Books>,
}

impl Sink {
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let sink = Self { port: listener.local_addr()?.port(), books: Arc::default() };
        let books = Arc::clone(&sink.books);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let books = Arc::clone(&books);
                // A client that goes away is no failure of the sink's.
                thread::spawn(move || drop(Connection { stream, held: Vec::new() }.serve(&books)));
            }
        });
        Ok(sink)
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Whether bodies are added up from now on.
    pub(crate) fn summing(&self, summing: bool) {
        self.books.summing.store(summing, Ordering::SeqCst);
    }

    /// All that came since the last call, over all objects.
    pub(crate) fn take(&self) -> Received {
        self.books.objects().drain().fold(Received::default(), |all, (_, one)| Received {
            bytes: all.bytes + one.bytes,
            sum: all.sum.wrapping_add(one.sum),
        })
    }
}

impl Books {
    fn objects(&self) -> MutexGuard<'_, HashMap<String, Received>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The sum that [`Received`] has of these bytes.
pub(crate) fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum, &byte| sum.wrapping_add(u64::from(byte)))
}

struct Connection {
    stream: TcpStream,
    /// Bytes behind the head that was read.
    held: Vec<u8>,
}

struct Head {
    method: String,
    path: String,
    query: String,
    length: u64,
    /// Of the object where the body is in chunks of its own (`aws-chunked`).
    decoded: Option<u64>,
    waits: bool,
}

impl Connection {
    fn serve(mut self, books: &Books) -> io::Result<()> {
        self.stream.set_nodelay(true)?;
        while let Some(head) = self.head()? {
            if head.waits && self.held.is_empty() {
                self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
            let sum = self.body(head.length, books.summing.load(Ordering::SeqCst))?;
            if head.method == "PUT" {
                let mut objects = books.objects();
                let object = objects.entry(head.path.clone()).or_default();
                object.bytes += head.decoded.unwrap_or(head.length);
                object.sum = object.sum.wrapping_add(sum);
            }
            self.answer(&head)?;
        }
        Ok(())
    }

    fn head(&mut self) -> io::Result<Option<Head>> {
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

    /// Takes `length` bytes; their sum, if it is wanted.
    fn body(&mut self, length: u64, summing: bool) -> io::Result<u64> {
        let held = self.held.len().min(usize::try_from(length).unwrap_or(usize::MAX));
        let first: Vec<u8> = self.held.drain(..held).collect();
        let mut total = if summing { sum(&first) } else { 0 };
        let mut left = length - held as u64;
        let mut buffer = vec![0; if summing { READ } else { 0 }];
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX);
            let got = if summing {
                let most = most.min(buffer.len());
                let got = self.stream.read(buffer.get_mut(..most).unwrap_or_default())?;
                total = total.wrapping_add(sum(buffer.get(..got).unwrap_or_default()));
                got
            } else {
                self.discard(most)?
            };
            if got == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            left -= got as u64;
        }
        Ok(total)
    }

    /// Throws away up to `most` bytes; how many.
    fn discard(&self, most: usize) -> io::Result<usize> {
        // SAFETY: with MSG_TRUNC a TCP socket's bytes are dropped and the buffer is not touched.
        let got =
            unsafe { libc::recv(self.stream.as_raw_fd(), std::ptr::null_mut(), most.min(1 << 30), libc::MSG_TRUNC) };
        usize::try_from(got).map_err(|_| io::Error::last_os_error())
    }

    fn answer(&mut self, head: &Head) -> io::Result<()> {
        let query = head.query.as_str();
        let (status, body) = match head.method.as_str() {
            "PUT" => ("200 OK", String::new()),
            "POST" if query.starts_with("uploads") => ("200 OK", xml("InitiateMultipartUploadResult", &head.path)),
            "POST" => ("200 OK", xml("CompleteMultipartUploadResult", &head.path)),
            "DELETE" => ("204 No Content", String::new()),
            _ => ("404 Not Found", String::new()),
        };
        let length = body.len();
        write!(self.stream, "HTTP/1.1 {status}\r\netag: \"discarded\"\r\ncontent-length: {length}\r\n\r\n{body}")
    }
}

fn xml(root: &str, path: &str) -> String {
    let (bucket, key) = path.trim_start_matches('/').split_once('/').unwrap_or_default();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
         <Bucket>{bucket}</Bucket><Key>{key}</Key><UploadId>discarded</UploadId><ETag>\"discarded\"</ETag></{root}>"
    )
}

impl Head {
    fn parse(text: &str) -> Self {
        let mut lines = text.split("\r\n");
        let mut words = lines.next().unwrap_or_default().split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut head = Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            length: 0,
            decoded: None,
            waits: false,
        };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            match name.to_ascii_lowercase().as_str() {
                "content-length" => head.length = value.trim().parse().unwrap_or_default(),
                "x-amz-decoded-content-length" => head.decoded = value.trim().parse().ok(),
                "expect" => head.waits = true,
                _ => {}
            }
        }
        head
    }
}
