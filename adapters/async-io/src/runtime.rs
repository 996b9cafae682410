//! Clocks, tasks and sockets.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_io::Async;
use blocking::unblock;
use futures::FutureExt;
use futures::future::BoxFuture;
use longhaul_core::time::{Now, Time, Wall};
use longhaul_driver::runtime::{Spawn, Timer};
use longhaul_driver::transport::Transport;
use longhaul_driver::{Client, ClientConfig};
use longhaul_hyper::{FuturesIo, Io, Net};

/// A runtime: `async-io`'s reactor and timers, `blocking`'s threads, and somebody's executor.
///
/// Its monotonic clock counts from when it was made.
#[derive(Clone)]
pub struct AsyncIo {
    spawn: Arc<dyn Fn(BoxFuture<'static, ()>) + Send + Sync>,
    origin: Instant,
}

impl AsyncIo {
    /// One that runs tasks by `spawn`, which runs each to its end although nobody waits for it.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one clock that all others are told the time by")]
    pub fn new(spawn: impl Fn(BoxFuture<'static, ()>) + Send + Sync + 'static) -> Self {
        Self { spawn: Arc::new(spawn), origin: Instant::now() }
    }

    /// A client that sends by `transport`.
    #[must_use]
    pub fn client(self, config: ClientConfig, transport: impl Transport) -> Client {
        let runtime = Arc::new(self);
        Client::new(config, Arc::new(transport), Arc::clone(&runtime) as _, runtime)
    }
}

impl Timer for AsyncIo {
    #[expect(clippy::disallowed_methods, reason = "this is the one clock that all others are told the time by")]
    fn now(&self) -> Now {
        let wall = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |seconds| -seconds),
        };
        Now::new(Time::ZERO + self.origin.elapsed(), Wall::from_unix(wall))
    }

    fn sleep_until(&self, at: Time) -> BoxFuture<'static, ()> {
        match self.origin.checked_add(Duration::from_micros(at.as_micros())) {
            Some(instant) if at != Time::NEVER => async_io::Timer::at(instant).map(drop).boxed(),
            _ => futures::future::pending().boxed(),
        }
    }
}

impl Spawn for AsyncIo {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        (self.spawn)(task);
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        unblock(work).detach();
    }
}

impl Net for AsyncIo {
    fn resolve(&self, host: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        unblock(move || Ok((host, port).to_socket_addrs()?.collect())).boxed()
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Io>>> {
        async move {
            let stream = Async::<TcpStream>::connect(address).await?;
            stream.get_ref().set_nodelay(true)?;
            Ok(Box::new(FuturesIo(stream)) as _)
        }
        .boxed()
    }
}

impl fmt::Debug for AsyncIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncIo").finish_non_exhaustive()
    }
}
