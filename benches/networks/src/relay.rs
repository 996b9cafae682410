//! A relay on loopback that makes the way to a server as long, narrow and lossy as a [`Path`] says, and books what came through it.
//!
//! Four threads per connection: for each direction one that takes and one that hands over when it is time.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::path::{Line, Path, Stream};

/// Bytes that reached the client are booked per this long.
pub(crate) const SLOT: Duration = Duration::from_millis(100);

/// Pieces on their way, of one connection in one direction: so many that the window is full of them first, unless they are tiny.
const PIECES: usize = 1024;

/// Bytes that the kernel holds between a server and a relay, in each of its two buffers.
const HELD: libc::c_int = 128 << 10;

/// A running relay; takes no further connection after it is dropped.
pub(crate) struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    path: Path,
    server: SocketAddr,
    up: Line,
    down: Line,
    begun: Instant,
    delivered: Mutex<Vec<u64>>,
    connections: AtomicUsize,
    over: AtomicBool,
}

impl Relay {
    pub(crate) fn start(path: Path, server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let shared = Arc::new(Shared {
            path,
            server,
            up: Line::new(path.rate),
            down: Line::new(path.rate),
            begun: Instant::now(),
            delivered: Mutex::default(),
            connections: AtomicUsize::new(0),
            over: AtomicBool::new(false),
        });
        let relay = Self { address: listener.local_addr()?, shared: Arc::clone(&shared) };
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.over.load(Ordering::SeqCst) {
                    break;
                }
                // An end that goes away is no failure of the relay's.
                drop(shared.connect(client));
            }
        });
        Ok(relay)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Bytes that reached clients, by [`SLOT`].
    pub(crate) fn delivered(&self) -> Vec<u64> {
        self.shared.delivered.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        // So that the thread that waits for connections looks.
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    fn connect(self: &Arc<Self>, client: TcpStream) -> io::Result<()> {
        let number = self.connections.fetch_add(1, Ordering::SeqCst);
        let server = TcpStream::connect(self.server)?;
        bound(&server, libc::SO_RCVBUF)?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (client, server) = (Arc::new(client), Arc::new(server));
        self.pump(&client, &server, Stream::up(self.path, number), Way::Up);
        self.pump(&server, &client, Stream::down(self.path, number), Way::Down);
        Ok(())
    }

    fn pump(self: &Arc<Self>, from: &Arc<TcpStream>, to: &Arc<TcpStream>, stream: Stream, way: Way) {
        let (sent, due) = sync_channel(PIECES);
        let (arrived, known) = sync_channel(PIECES);
        let (shared, source, sink) = (Arc::clone(self), Arc::clone(from), Arc::clone(to));
        let delay = stream.delay();
        thread::spawn(move || {
            if shared.take(&source, stream, way, &sent, &known).is_err() {
                let _ = source.shutdown(Shutdown::Both);
            }
        });
        let (shared, source) = (Arc::clone(self), Arc::clone(from));
        thread::spawn(move || {
            let end = shared.hand_over(&sink, delay, way, &due, &arrived);
            // Who hears no more, to him nothing is sent.
            let _ = sink.shutdown(if end.is_ok() { Shutdown::Write } else { Shutdown::Both });
            if end.is_err() {
                let _ = source.shutdown(Shutdown::Both);
            }
        });
    }

    /// Takes what comes, as far as the window goes, and tells when each piece is due at the other end.
    fn take(
        &self,
        mut source: &TcpStream,
        mut stream: Stream,
        way: Way,
        sent: &SyncSender<(Instant, Vec<u8>)>,
        known: &Receiver<(Instant, u64)>,
    ) -> io::Result<()> {
        let line = if way == Way::Up { &self.up } else { &self.down };
        let (mut flying, mut pieces) = (0, 0);
        let mut next: Option<(Instant, u64)> = None;
        let mut buffer = vec![0; 64 << 10];
        loop {
            // What is known to have arrived makes room; without any, nothing is taken before there is.
            loop {
                if next.is_none() {
                    next = known.try_recv().ok();
                }
                let full = flying >= stream.window() || pieces == PIECES;
                match next {
                    Some((at, bytes)) if full || at <= Instant::now() => {
                        sleep_until(at);
                        flying -= bytes;
                        pieces -= 1;
                        stream.acknowledge(bytes);
                        next = None;
                    }
                    None if full => next = Some(known.recv().map_err(|_| io::ErrorKind::BrokenPipe)?),
                    _ => break,
                }
            }
            sleep_until(stream.ready());
            let most = usize::try_from(stream.turn().min(stream.window() - flying)).unwrap_or(usize::MAX);
            let read = source.read(buffer.get_mut(..most).unwrap_or_default())?;
            if read == 0 {
                return Ok(());
            }
            let bytes = buffer.get(..read).unwrap_or_default().to_vec();
            flying += read as u64;
            pieces += 1;
            let due = stream.send(read as u64, line, Instant::now());
            sent.send((due, bytes)).map_err(|_| io::ErrorKind::BrokenPipe)?;
        }
    }

    /// Hands over each piece when it is due.
    fn hand_over(
        &self,
        mut sink: &TcpStream,
        delay: Duration,
        way: Way,
        due: &Receiver<(Instant, Vec<u8>)>,
        arrived: &SyncSender<(Instant, u64)>,
    ) -> io::Result<()> {
        for (at, bytes) in due {
            sleep_until(at);
            sink.write_all(&bytes)?;
            let now = Instant::now();
            if way == Way::Down {
                self.book(bytes.len() as u64, now);
            }
            // Whoever took it may have heard the last of this connection.
            let _ = arrived.send((now + delay, bytes.len() as u64));
        }
        Ok(())
    }

    fn book(&self, bytes: u64, now: Instant) {
        let slot = usize::try_from((now - self.begun).as_millis() / SLOT.as_millis()).unwrap_or(usize::MAX);
        let mut delivered = self.delivered.lock().unwrap_or_else(PoisonError::into_inner);
        if delivered.len() <= slot {
            delivered.resize(slot + 1, 0);
        }
        if let Some(booked) = delivered.get_mut(slot) {
            *booked += bytes;
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

/// Bounds what the kernel holds of one direction of a connection, so that a server is busy for as long as its client is served.
pub(crate) fn bound(stream: &TcpStream, direction: libc::c_int) -> io::Result<()> {
    let held: libc::c_int = HELD;
    let length = libc::socklen_t::try_from(size_of::<libc::c_int>()).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open, and the option's value is a live integer of that length.
    let set =
        unsafe { libc::setsockopt(stream.as_raw_fd(), libc::SOL_SOCKET, direction, (&raw const held).cast(), length) };
    if set == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn sleep_until(at: Instant) {
    let left = at.saturating_duration_since(Instant::now());
    if !left.is_zero() {
        thread::sleep(left);
    }
}
