//! A store that throws away what it gets, and keeps the books: S3's multipart upload and a plain `PUT`, without looking at signatures.
//!
//! Bodies are discarded in the kernel (`MSG_TRUNC`, <https://man7.org/linux/man-pages/man7/tcp.7.html>), so that what is measured
//! is the client; while [`Sink::summing`] they are read and added up.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use longhaul_benches::heads::{Connection, Head};

/// Read at once where bodies are looked at.
const READ: usize = 256 << 10;

/// What came for an object: its length and the sum of its bytes, in whatever order they came.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Received {
    pub(crate) bytes: u64,
    pub(crate) sum: u64,
    /// Bytes that were read for it, heads and all.
    pub(crate) wire: u64,
}

#[derive(Default)]
struct Books {
    objects: Mutex<HashMap<String, Received>>,
    summing: AtomicBool,
    wire: AtomicU64,
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
                thread::spawn(move || drop(Conversation(Connection::new(stream)).serve(&books)));
            }
        });
        Ok(sink)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
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
        let none = Received { wire: self.books.wire.swap(0, Ordering::SeqCst), ..Received::default() };
        self.books.objects().drain().fold(none, |all, (_, one)| Received {
            bytes: all.bytes + one.bytes,
            sum: all.sum.wrapping_add(one.sum),
            ..all
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

struct Conversation(Connection);

impl Conversation {
    fn serve(mut self, books: &Books) -> io::Result<()> {
        self.0.stream.set_nodelay(true)?;
        while let Some(head) = self.0.head()? {
            let number = |name: &str| head.field(name).and_then(|value| value.parse().ok());
            let length: u64 = number("content-length").unwrap_or_default();
            if head.field("expect").is_some() && self.0.held.is_empty() {
                self.0.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
            books.wire.fetch_add(head.bytes + length, Ordering::SeqCst);
            let sum = self.body(length, books.summing.load(Ordering::SeqCst))?;
            if head.method() == "PUT" {
                let mut objects = books.objects();
                let object = objects.entry(head.target().0.to_owned()).or_default();
                // Of the object, where the body is in chunks of its own (`aws-chunked`).
                object.bytes += number("x-amz-decoded-content-length").unwrap_or(length);
                object.sum = object.sum.wrapping_add(sum);
            }
            self.answer(&head)?;
        }
        Ok(())
    }

    /// Takes `length` bytes; their sum, if it is wanted.
    fn body(&mut self, length: u64, summing: bool) -> io::Result<u64> {
        let held = self.0.held.len().min(usize::try_from(length).unwrap_or(usize::MAX));
        let first: Vec<u8> = self.0.held.drain(..held).collect();
        let mut total = if summing { sum(&first) } else { 0 };
        let mut left = length - held as u64;
        let mut buffer = vec![0; if summing { READ } else { 0 }];
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX);
            let got = if summing {
                let most = most.min(buffer.len());
                let got = self.0.stream.read(buffer.get_mut(..most).unwrap_or_default())?;
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
            unsafe { libc::recv(self.0.stream.as_raw_fd(), std::ptr::null_mut(), most.min(1 << 30), libc::MSG_TRUNC) };
        usize::try_from(got).map_err(|_| io::Error::last_os_error())
    }

    fn answer(&mut self, head: &Head) -> io::Result<()> {
        let (path, query) = head.target();
        let (status, body) = match head.method() {
            "PUT" => ("200 OK", String::new()),
            "POST" if query.starts_with("uploads") => ("200 OK", xml("InitiateMultipartUploadResult", path)),
            "POST" => ("200 OK", xml("CompleteMultipartUploadResult", path)),
            "DELETE" => ("204 No Content", String::new()),
            _ => ("404 Not Found", String::new()),
        };
        let length = body.len();
        write!(self.0.stream, "HTTP/1.1 {status}\r\netag: \"discarded\"\r\ncontent-length: {length}\r\n\r\n{body}")
    }
}

fn xml(root: &str, path: &str) -> String {
    let (bucket, key) = path.trim_start_matches('/').split_once('/').unwrap_or_default();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
         <Bucket>{bucket}</Bucket><Key>{key}</Key><UploadId>discarded</UploadId><ETag>\"discarded\"</ETag></{root}>"
    )
}
