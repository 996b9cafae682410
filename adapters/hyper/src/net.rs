//! What is asked of a runtime: beside the driver's clock and tasks, names and TCP connections.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use hyper::rt;
use longhaul_core::time::Time;
use longhaul_driver::runtime::{Spawn, Timer};

/// A runtime with a network.
pub trait Net: Timer + Spawn {
    /// The addresses of `host` (a name, or an address without brackets), the system's favourite first.
    fn resolve(&self, host: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;

    /// A TCP connection that sends small writes at once (`TCP_NODELAY`). Dropping the future gives it up.
    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Io>>>;
}

/// A byte stream of whatever make.
pub trait Io: rt::Read + rt::Write + Send + Unpin {
    /// The socket, if the stream's bytes are the socket's as they are: then the kernel may be told to move some by itself.
    #[cfg(target_os = "linux")]
    fn socket(&mut self) -> Option<&mut dyn Socket> {
        None
    }
}

/// A non-blocking socket for others to call the system with.
#[cfg(target_os = "linux")]
pub trait Socket {
    /// Calls `write` when the socket takes bytes, and again each time it takes some after `write` has failed with `WouldBlock`.
    fn poll_write_with(&mut self, cx: &mut Context<'_>, write: WithSocket<'_>) -> Poll<io::Result<usize>>;

    /// Calls `read` when the socket has bytes, or its end, and again each time it has some after `read` has failed with `WouldBlock`.
    fn poll_read_with(&mut self, cx: &mut Context<'_>, read: WithSocket<'_>) -> Poll<io::Result<usize>>;
}

/// One call of the system on a socket; how many bytes it moved.
#[cfg(target_os = "linux")]
pub type WithSocket<'a> = &'a mut dyn FnMut(std::os::fd::BorrowedFd<'_>) -> io::Result<usize>;

/// A runtime as hyper wants it.
#[derive(Clone)]
pub(crate) struct Runtime {
    net: Arc<dyn Net>,
    /// hyper counts in instants, the driver in microseconds: this one stands for the driver's zero.
    zero: Instant,
}

impl Runtime {
    #[expect(clippy::disallowed_methods, reason = "any instant would do: only differences are ever looked at")]
    pub(crate) fn new(net: Arc<dyn Net>) -> Self {
        Self { net, zero: Instant::now() }
    }

    pub(crate) fn net(&self) -> &dyn Net {
        &*self.net
    }

    /// The monotonic clock.
    pub(crate) fn time(&self) -> Time {
        self.net.now().mono
    }

    /// Ends when `span` has passed.
    pub(crate) fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        self.net.sleep_until(self.time() + span)
    }

    /// Runs `task` in the background.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.net.spawn(Box::pin(task));
    }
}

impl<T: Future<Output = ()> + Send + 'static> rt::Executor<T> for Runtime {
    fn execute(&self, task: T) {
        self.spawn(task);
    }
}

impl rt::Timer for Runtime {
    fn sleep(&self, span: Duration) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Sleep(Mutex::new(Runtime::sleep(self, span))))
    }

    fn sleep_until(&self, at: Instant) -> Pin<Box<dyn rt::Sleep>> {
        rt::Timer::sleep(self, at.saturating_duration_since(self.now()))
    }

    fn now(&self) -> Instant {
        self.zero + self.time().since(Time::ZERO)
    }
}

/// hyper wants sleeps that could be shared, which nobody does.
struct Sleep(Mutex<BoxFuture<'static, ()>>);

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).as_mut().poll(cx)
    }
}

impl rt::Sleep for Sleep {}
