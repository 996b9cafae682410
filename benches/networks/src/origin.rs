//! A server of one object on loopback, with ranges (RFC 9110 §14) and with [`Trouble`], that keeps the books on what it was asked.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use longhaul_benches::heads::{Connection, Head};

use crate::relay;

/// Written at once.
const PIECE: usize = 64 << 10;
/// How long a client may take to read what its kernel has taken.
const READ_ALL: Duration = Duration::from_millis(50);

/// What goes wrong with every fifth request for a range.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Trouble {
    None,
    /// The connection is reset after half of the answer, when the client has read that half.
    Reset,
    /// 503 with `Retry-After: 2`.
    Busy,
}

/// A request for a range.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) at: Instant,
    pub(crate) range: Range<u64>,
    /// Bytes that were written in answer.
    pub(crate) sent: u64,
    pub(crate) refused: bool,
}

/// A running server. Its threads end with their connections, or with the process.
pub(crate) struct Origin {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    content: Vec<u8>,
    trouble: Mutex<Trouble>,
    /// Requests answered at once; above it: 503.
    most: AtomicUsize,
    busy: AtomicUsize,
    asked: Mutex<Vec<Asked>>,
}

impl Origin {
    pub(crate) fn start(bytes: usize) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let shared = Arc::new(Shared {
            content: content(bytes),
            trouble: Mutex::new(Trouble::None),
            most: AtomicUsize::new(usize::MAX),
            busy: AtomicUsize::new(0),
            asked: Mutex::default(),
        });
        let origin = Self { address: listener.local_addr()?, shared: Arc::clone(&shared) };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                // A client that goes away is no failure of the server's.
                thread::spawn(move || drop(Conversation(Connection::new(stream)).serve(&shared)));
            }
        });
        Ok(origin)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The first `bytes` of what there is: `/BYTES` or `/BYTES/anything`.
    pub(crate) fn content(&self, bytes: usize) -> &[u8] {
        self.shared.content.get(..bytes).unwrap_or_default()
    }

    /// What goes wrong from now on, with new books.
    pub(crate) fn trouble(&self, trouble: Trouble) {
        *self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
        self.shared.asked().clear();
    }

    /// How many requests are answered at once from now on.
    pub(crate) fn most(&self, most: usize) {
        self.shared.most.store(most, Ordering::SeqCst);
    }

    /// The books.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked().clone()
    }
}

impl Shared {
    fn asked(&self) -> MutexGuard<'_, Vec<Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a request for a range: what goes wrong with it, and its entry.
    fn book(&self, range: &Range<u64>) -> (Trouble, usize) {
        let mut asked = self.asked();
        let entry = asked.len();
        let fifth = (entry + 1).is_multiple_of(5);
        let trouble = if fifth { *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) } else { Trouble::None };
        let refused = trouble == Trouble::Busy;
        asked.push(Asked { at: Instant::now(), range: range.clone(), sent: 0, refused });
        (trouble, entry)
    }
}

/// Bytes of which no two stretches are alike.
fn content(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut content = Vec::with_capacity(bytes + 8);
    while content.len() < bytes {
        // xorshift64 (Marsaglia 2003).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        content.extend_from_slice(&state.to_le_bytes());
    }
    content.truncate(bytes);
    content
}

struct Conversation(Connection);

/// A place among the requests that are answered.
struct Place<'a>(&'a Shared);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Conversation {
    fn serve(mut self, shared: &Shared) -> io::Result<()> {
        self.0.stream.set_nodelay(true)?;
        relay::bound(&self.0.stream, libc::SO_SNDBUF)?;
        while let Some(wish) = self.0.head()?.map(|head| Wish::of(&head)) {
            let before = shared.busy.fetch_add(1, Ordering::SeqCst);
            let place = Place(shared);
            if before >= shared.most.load(Ordering::SeqCst) {
                self.refuse("")?;
                let (at, range) = (Instant::now(), wish.range.unwrap_or_default());
                shared.asked().push(Asked { at, range, sent: 0, refused: true });
                drop(place);
                continue;
            }
            self.answer(&wish, shared)?;
        }
        Ok(())
    }

    fn refuse(&mut self, header: &str) -> io::Result<()> {
        write!(self.0.stream, "HTTP/1.1 503 Service Unavailable\r\n{header}content-length: 0\r\n\r\n")
    }

    fn answer(&mut self, wish: &Wish, shared: &Shared) -> io::Result<()> {
        let whole = shared.content.get(..wish.size).unwrap_or_default();
        let total = whole.len() as u64;
        let common = "etag: \"one\"\r\naccept-ranges: bytes\r\n";
        if wish.only_head {
            return write!(self.0.stream, "HTTP/1.1 200 OK\r\n{common}content-length: {total}\r\n\r\n");
        }
        let range = wish.range.clone().map(|range| range.start..range.end.min(total));
        let (trouble, entry) = match &range {
            None => (Trouble::None, None),
            Some(range) => {
                let (trouble, entry) = shared.book(range);
                (trouble, Some(entry))
            }
        };
        if trouble == Trouble::Busy {
            return self.refuse("retry-after: 2\r\n");
        }
        let status = match &range {
            Some(range) => {
                format!("206 Partial Content\r\ncontent-range: bytes {}-{}/{total}", range.start, range.end - 1)
            }
            None => String::from("200 OK"),
        };
        let range = range.unwrap_or(0..total);
        write!(self.0.stream, "HTTP/1.1 {status}\r\n{common}content-length: {}\r\n\r\n", range.end - range.start)?;
        let bounds =
            usize::try_from(range.start).unwrap_or(usize::MAX)..usize::try_from(range.end).unwrap_or(usize::MAX);
        let mut body = whole.get(bounds).unwrap_or_default();
        if trouble == Trouble::Reset {
            body = body.get(..body.len() / 2).unwrap_or_default();
        }
        for piece in body.chunks(PIECE) {
            self.0.stream.write_all(piece)?;
            if let Some(entry) = entry
                && let Some(asked) = shared.asked().get_mut(entry)
            {
                asked.sent += piece.len() as u64;
            }
        }
        if trouble == Trouble::Reset {
            self.reset()?;
        }
        Ok(())
    }

    /// Resets the connection once the client has read what was sent.
    fn reset(&self) -> io::Result<()> {
        let descriptor = self.0.stream.as_raw_fd();
        for _ in 0..200 {
            let mut left: libc::c_int = 0;
            // SAFETY: the descriptor is open, and the pointer is to a live integer, which TIOCOUTQ fills.
            if unsafe { libc::ioctl(descriptor, libc::TIOCOUTQ, &raw mut left) } != 0 || left == 0 {
                break;
            }
            thread::sleep(READ_ALL / 10);
        }
        thread::sleep(READ_ALL);
        let linger = libc::linger { l_onoff: 1, l_linger: 0 };
        let length = libc::socklen_t::try_from(size_of::<libc::linger>()).map_err(io::Error::other)?;
        // SAFETY: the descriptor is open, and the option's value is a live `linger` of that length.
        unsafe {
            libc::setsockopt(descriptor, libc::SOL_SOCKET, libc::SO_LINGER, (&raw const linger).cast(), length);
        }
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

/// What a request asks for.
#[derive(Debug)]
struct Wish {
    only_head: bool,
    size: usize,
    range: Option<Range<u64>>,
}

impl Wish {
    fn of(head: &Head) -> Self {
        let size = head.target().0.split('/').nth(1).and_then(|size| size.parse().ok());
        let range = head.field("range").and_then(|value| {
            let (first, last) = value.strip_prefix("bytes=")?.split_once('-')?;
            let end = if last.is_empty() { u64::MAX } else { last.parse::<u64>().ok()? + 1 };
            Some(first.parse().ok()?..end)
        });
        Self { only_head: head.method() == "HEAD", size: size.unwrap_or_default(), range }
    }
}
