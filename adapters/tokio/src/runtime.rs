//! Clocks, tasks and sockets of tokio.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;
use longhaul_core::time::{Now, Time, Wall};
use longhaul_driver::runtime::{Spawn, Timer};
use longhaul_driver::transport::Transport;
use longhaul_driver::{Client, ClientConfig};
use longhaul_hyper::{Io, Net};
use tokio::net::{TcpStream, lookup_host};
use tokio::runtime::{Handle, TryCurrentError};
use tokio::time::Instant;

use crate::socket::Socket;

/// A tokio runtime as the driver's clock and executor, and as the network of the HTTP client.
///
/// Its monotonic clock counts from when it was made, and stands still where the runtime's clock is paused (tokio's `test-util`).
#[derive(Clone, Debug)]
pub struct TokioRuntime {
    handle: Handle,
    origin: Instant,
}

impl TokioRuntime {
    /// The runtime behind `handle`. Its time driver must be enabled.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one clock that all others are told the time by")]
    pub fn new(handle: Handle) -> Self {
        let origin = {
            let _context = handle.enter();
            Instant::now()
        };
        Self { handle, origin }
    }

    /// The runtime the caller runs on.
    ///
    /// # Errors
    /// When called from outside a runtime.
    pub fn current() -> Result<Self, TryCurrentError> {
        Handle::try_current().map(Self::new)
    }
}

/// A client on the runtime the caller runs on, sending by `transport`.
///
/// # Errors
/// When called from outside a runtime.
pub fn client(config: ClientConfig, transport: impl Transport) -> Result<Client, TryCurrentError> {
    let runtime = Arc::new(TokioRuntime::current()?);
    Ok(Client::new(config, Arc::new(transport), Arc::clone(&runtime) as _, runtime))
}

impl Timer for TokioRuntime {
    #[expect(clippy::disallowed_methods, reason = "this is the one clock that all others are told the time by")]
    fn now(&self) -> Now {
        let _context = self.handle.enter();
        let mono = Time::ZERO + self.origin.elapsed();
        let wall = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |seconds| -seconds),
        };
        Now::new(mono, Wall::from_unix(wall))
    }

    fn sleep_until(&self, at: Time) -> BoxFuture<'static, ()> {
        match self.origin.checked_add(Duration::from_micros(at.as_micros())) {
            Some(at_instant) if at != Time::NEVER => {
                let _context = self.handle.enter();
                Box::pin(tokio::time::sleep_until(at_instant))
            }
            _ => Box::pin(futures::future::pending()),
        }
    }
}

impl Spawn for TokioRuntime {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        drop(self.handle.spawn(task));
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        drop(self.handle.spawn_blocking(work));
    }
}

/// Asked from the runtime's own tasks, as the driver's are.
impl Net for TokioRuntime {
    fn resolve(&self, host: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(lookup_host((host, port)).await?.collect()) })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Io>>> {
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(Socket::new(stream)) as _)
        })
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn time_passes_and_sleeps_end_when_due() {
        let runtime = TokioRuntime::current().unwrap();
        let before = runtime.now();
        assert!(before.wall.as_unix() > 1_700_000_000);
        runtime.sleep_until(before.mono + Duration::from_millis(20)).await;
        assert!(runtime.now().mono.since(before.mono) >= Duration::from_millis(20));
        runtime.sleep_until(Time::ZERO).await;
        assert!(runtime.sleep_until(Time::NEVER).now_or_never().is_none());
    }

    #[test]
    fn it_serves_threads_outside_the_runtime() {
        assert!(TokioRuntime::current().is_err());
        let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let runtime = TokioRuntime::new(tokio.handle().clone());
        let (send, receive) = std::sync::mpsc::sync_channel(2);
        let (also, due) = (send.clone(), runtime.now().mono + Duration::from_millis(5));
        let sleep = runtime.sleep_until(due);
        runtime.spawn(Box::pin(async move {
            sleep.await;
            send.send("task").unwrap();
        }));
        runtime.spawn_blocking(Box::new(move || also.send("blocking").unwrap()));
        let mut both = [receive.recv().unwrap(), receive.recv().unwrap()];
        both.sort_unstable();
        assert_eq!(both, ["blocking", "task"]);
        assert!(runtime.now().mono >= due);
    }
}
