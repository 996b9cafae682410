//! tokio's sockets, timers and tasks for the HTTP client.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use hyper_util::rt::TokioIo;
use longhaul_hyper::{Alarm, Io, Net};
use tokio::net::{TcpStream, lookup_host};

/// The tokio runtime that a request is sent on.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioNet;

impl Net for TokioNet {
    fn resolve(&self, host: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(lookup_host((host, port)).await?.collect()) })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Io>>> {
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(TokioIo::new(stream)) as _)
        })
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) {
        drop(tokio::spawn(task));
    }

    fn sleep(&self, span: Duration) -> Alarm {
        Box::pin(tokio::time::sleep(span))
    }

    #[expect(clippy::disallowed_methods, reason = "the clock that this runtime's sleeps go by")]
    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}
