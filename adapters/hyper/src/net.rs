//! What a runtime brings: names resolved, TCP connections, time, tasks.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use hyper::rt::{Executor, Read, Sleep, Timer, Write};

/// A runtime, as far as the client needs one.
pub trait Net: fmt::Debug + Send + Sync + 'static {
    /// The addresses of `host` (a name, or an address without brackets), the system's favourite first.
    fn resolve(&self, host: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;

    /// A TCP connection that sends small writes at once (`TCP_NODELAY`). Dropping the future gives it up.
    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Io>>>;

    /// Runs `task` to its end, also when nobody waits for it. Called from tasks of the runtime only.
    fn spawn(&self, task: BoxFuture<'static, ()>);

    /// Ends when `span` has passed.
    fn sleep(&self, span: Duration) -> Alarm;

    /// The clock that [`sleep`](Self::sleep) goes by.
    fn now(&self) -> Instant;
}

/// A sleep.
pub type Alarm = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

/// A byte stream of whatever make.
pub trait Io: Read + Write + Send + Unpin {}

impl<T: Read + Write + Send + Unpin> Io for T {}

/// A runtime as hyper wants it.
#[derive(Clone, Debug)]
pub(crate) struct Runtime(pub(crate) Arc<dyn Net>);

impl<T: Future<Output = ()> + Send + 'static> Executor<T> for Runtime {
    fn execute(&self, task: T) {
        self.0.spawn(Box::pin(task));
    }
}

impl Timer for Runtime {
    fn sleep(&self, span: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(Sleeping(self.0.sleep(span)))
    }

    fn sleep_until(&self, at: Instant) -> Pin<Box<dyn Sleep>> {
        Timer::sleep(self, at.saturating_duration_since(self.0.now()))
    }

    fn now(&self) -> Instant {
        self.0.now()
    }
}

struct Sleeping(Alarm);

impl Future for Sleeping {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl Sleep for Sleeping {}
