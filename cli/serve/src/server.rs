//! Binding, accepting, and stopping.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use crate::link::{Link, LinkIo};
use crate::service;
use crate::shared::Shared;
use crate::{Faults, ServeConfig, Stats};

/// The reference server; see the [crate's page](crate).
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Starts serving on `addr`. Port 0 takes a free port; [`Running::addr`] names it.
    ///
    /// # Errors
    ///
    /// The root is not a folder that can be read, or the address cannot be bound.
    pub async fn bind(addr: SocketAddr, config: ServeConfig) -> io::Result<Running> {
        let shared = Arc::new(Shared::new(config)?);
        let listener = TcpListener::bind(addr)
            .await
            .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {addr}: {error}")))?;
        let addr = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(accept(listener, Arc::clone(&shared), stopped));
        tracing::info!(%addr, root = %shared.root.display(), "serving");
        Ok(Running { addr, shared, task, stop: Some(stop) })
    }
}

/// A server at work. Dropping it stops it without waiting.
#[derive(Debug)]
#[must_use = "dropping it stops the server"]
pub struct Running {
    addr: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
    stop: Option<oneshot::Sender<()>>,
}

impl Running {
    /// The address it listens on, with the real port.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL of a path, which is put in as it is: percent-encoding is the caller's.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        let mut addr = self.addr;
        if addr.ip().is_unspecified() {
            addr.set_ip(match addr.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        format!("http://{addr}/{}", path.trim_start_matches('/'))
    }

    /// The counters as they are now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.counters.snapshot()
    }

    /// Replaces the faults; the new rules count from one. Requests under way keep what they met.
    pub fn set_faults(&self, faults: impl Into<Faults>) {
        self.shared.set_faults(faults.into());
    }

    /// Stops: no connection is accepted any more, those that are open are cut, and when this returns no file is
    /// being touched. What uploads have stored stays; a server started on the same root goes on from there.
    pub async fn shutdown(mut self) -> Stats {
        drop(self.stop.take());
        // An error here is a panic or a cancellation of the task: stopped all the same.
        let _ = (&mut self.task).await;
        self.shared.work_ends().await;
        self.stats()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, mut stopped: oneshot::Receiver<()>) {
    /// Out of file descriptors, say: wait instead of spinning.
    const AFTER_ERROR: Duration = Duration::from_millis(50);
    let places = Arc::new(Semaphore::new(shared.config.max_connections.clamp(1, Semaphore::MAX_PERMITS)));
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            _ = &mut stopped => break,
            Some(_) = connections.join_next() => {}
            (place, accepted) = next => match (place, accepted) {
                (Ok(place), Ok((stream, _))) => {
                    shared.counters.connection();
                    let shared = Arc::clone(&shared);
                    connections.spawn(async move {
                        converse(stream, shared).await;
                        drop(place);
                    });
                }
                (_, Err(error)) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(AFTER_ERROR).await;
                }
                (Err(_closed), _) => break,
            },
        }
    }
    drop(listener);
    connections.shutdown().await;
}

/// Serves one connection to its end.
async fn converse(stream: TcpStream, shared: Arc<Shared>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let link = Link::new(stream, Arc::clone(&shared));
    let answer = {
        let link = Arc::clone(&link);
        service_fn(move |request| service::serve(Arc::clone(&shared), Arc::clone(&link), request))
    };
    let ended =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(LinkIo::new(Arc::clone(&link)), answer).await;
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
    link.finish().await;
}
