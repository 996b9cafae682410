//! Connections by server: those that are free, and new ones when none is.
//!
//! An HTTP/1.1 connection belongs to one request at a time and comes back when its answer has been read to the end. An HTTP/2
//! connection serves all requests to its server. Whoever is still connecting to a server takes what becomes free there meanwhile, and
//! gives its own attempt up. Idle connections are closed after a time, all of them when the transport goes.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Waker};
use std::time::Duration;

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{Either, select};
use http::Uri;
use http::uri::{Authority, Scheme};
use hyper::client::conn::{http1, http2};
use longhaul_core::error::{Fault, FaultKind, Sent};
use longhaul_core::time::Time;

use crate::connect::Connector;
use crate::connection::{Connection, Sender, Shared};
use crate::drive::Drive;
use crate::fault;
use crate::link::Link;
use crate::net::Runtime;

/// One server, as URLs name it: by another spelling it is another one.
#[derive(Clone, Eq, Debug)]
pub(crate) struct Server(Scheme, Authority);

impl PartialEq for Server {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 && self.1.as_str() == other.1.as_str()
    }
}

impl Hash for Server {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
        self.1.as_str().hash(state);
    }
}

impl Server {
    pub(crate) fn of(uri: &Uri) -> Option<Self> {
        Some(Self(uri.scheme()?.clone(), uri.authority()?.clone()))
    }
}

/// How connections are made and kept.
pub(crate) struct Settings {
    pub(crate) runtime: Runtime,
    pub(crate) connector: Connector,
    pub(crate) http1: http1::Builder,
    pub(crate) http2: http2::Builder<Runtime>,
    pub(crate) idle_connections: usize,
    pub(crate) idle_timeout: Duration,
}

/// All connections of a transport.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Inner>);

struct Inner {
    settings: Settings,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    places: HashMap<Server, Place>,
    /// Somebody looks for idle connections until this is dropped.
    looking: Option<oneshot::Sender<()>>,
}

/// The connections to one server that take a request.
#[derive(Default)]
struct Place {
    /// HTTP/1.1, the most recently used last.
    idle: Vec<(Connection, Time)>,
    http2: Option<(Shared, Time)>,
    /// Who connects, and would rather take what is there.
    connecting: VecDeque<oneshot::Sender<Connection>>,
}

impl Pool {
    pub(crate) fn new(settings: Settings) -> Self {
        Self(Arc::new(Inner { settings, state: Mutex::default() }))
    }

    pub(crate) fn connector(&self) -> &Connector {
        &self.0.settings.connector
    }

    /// A connection to `server`, which `uri` is on. Dropping the future gives up what it has begun.
    pub(crate) async fn take(&self, server: &Server, uri: &Uri) -> Result<Connection, Fault> {
        let free = match self.0.lookup(server) {
            Ok(connection) => return Ok(connection),
            Err(free) => free,
        };
        let connect = Box::pin(self.0.connect(server, uri));
        match select(free, connect).await {
            Either::Left((Ok(connection), _)) => Ok(connection),
            Either::Left((Err(oneshot::Canceled), connect)) => connect.await,
            Either::Right((connection, _)) => connection,
        }
    }

    /// A connection whose answer is being read, to be dropped when that is done.
    pub(crate) fn lease(&self, server: Server, connection: Connection) -> Lease {
        Lease(Some((Arc::downgrade(&self.0), server, connection)))
    }

    /// Gives nobody this connection any more.
    pub(crate) fn forget(&self, server: &Server, connection: &Connection) {
        if let Some(place) = self.0.state().places.get_mut(server) {
            place.http2.take_if(|(shared, _)| Arc::ptr_eq(&shared.wire, &connection.wire));
        }
    }
}

/// A connection on its way back: the next request has it once the answer has been read. Until then, dropping this does no harm:
/// where that never comes, the connection is closed.
pub(crate) struct Lease(Option<(Weak<Inner>, Server, Connection)>);

impl Lease {
    /// The connection was taken from hyper, and the answer has been read to its end without it: gives it back.
    pub(crate) fn revive(mut self, link: Link) {
        let Some((pool, server, connection)) = self.0.take() else { return };
        let Some(inner) = pool.upgrade() else { return };
        let wire = connection.wire;
        // It waits for nothing.
        let Some(Ok((sender, driver))) = inner.settings.http1.handshake(link).now_or_never() else { return };
        let mut driver = Drive::new(driver, Arc::clone(&wire));
        // Polled once so that it takes requests now.
        if driver.poll_unpin(&mut Context::from_waker(Waker::noop())).is_pending() {
            let connection = Connection { sender: Sender::Http1(sender), wire, reused: true, death: None };
            inner.settings.runtime.spawn(async move { drop(driver.await) });
            if connection.is_ready() {
                inner.add(server, connection);
            }
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some((pool, server, mut connection)) = self.0.take().filter(|(.., connection)| !connection.wire.http2)
        else {
            return;
        };
        let Some(inner) = pool.upgrade() else { return };
        (connection.reused, connection.death) = (true, None);
        if connection.is_ready() {
            return inner.add(server, connection);
        }
        inner.settings.runtime.spawn(async move {
            if connection.ready().await.is_ok()
                && let Some(inner) = pool.upgrade()
            {
                inner.add(server, connection);
            }
        });
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Time {
        self.settings.runtime.time()
    }

    async fn connect(self: &Arc<Self>, server: &Server, uri: &Uri) -> Result<Connection, Fault> {
        let Settings { runtime, connector, http1, http2, .. } = &self.settings;
        let failed = |error: hyper::Error| Fault::new(FaultKind::Connect, Sent::No, fault::words(&error));
        let (link, wire) = connector.connect(uri).await?;
        if wire.http2 {
            let (sender, driver) = http2.handshake(link).await.map_err(failed)?;
            runtime.spawn(async move { drop(driver.await) });
            return Ok(self.share(server, Shared { sender, wire }));
        }
        let (sender, driver) = http1.handshake(link).await.map_err(failed)?;
        let (report, death) = oneshot::channel();
        let driver = Drive::new(driver, Arc::clone(&wire));
        runtime.spawn(async move {
            if let Err(error) = driver.await {
                // Nobody wants to know about one that served well.
                let _ = report.send(error);
            }
        });
        let mut connection = Connection { sender: Sender::Http1(sender), wire, reused: false, death: Some(death) };
        match connection.ready().await {
            Ok(()) => Ok(connection),
            Err(error) => Err(connection.stillborn(&error).await),
        }
    }

    /// A connection that takes a request now, or else where the next one will come that is free.
    fn lookup(&self, server: &Server) -> Result<Connection, oneshot::Receiver<Connection>> {
        let now = self.now();
        let mut state = self.state();
        let place = state.places.entry(server.clone()).or_default();
        place.close_old(now, self.settings.idle_timeout);
        if let Some((shared, used)) = &mut place.http2 {
            *used = now;
            return Ok(shared.connection(true));
        }
        if let Some((connection, _)) = place.idle.pop() {
            return Ok(connection);
        }
        let (give, free) = oneshot::channel();
        place.connecting.push_back(give);
        Err(free)
    }

    /// Makes an HTTP/2 connection everybody's, unless there is one; the one to use.
    fn share(self: &Arc<Self>, server: &Server, new: Shared) -> Connection {
        let now = self.now();
        let mut state = self.state();
        let place = state.places.entry(server.clone()).or_default();
        place.close_old(now, self.settings.idle_timeout);
        if let Some((shared, _)) = &place.http2 {
            return shared.connection(true);
        }
        for waiting in place.connecting.drain(..) {
            // Gone meanwhile, perhaps.
            let _ = waiting.send(new.connection(true));
        }
        let connection = new.connection(false);
        place.http2 = Some((new, now));
        self.look(&mut state);
        connection
    }

    /// Gives a connection to the first who waits for one, or keeps it.
    fn add(self: &Arc<Self>, server: Server, mut connection: Connection) {
        let now = self.now();
        let mut state = self.state();
        let place = state.places.entry(server).or_default();
        place.close_old(now, self.settings.idle_timeout);
        while let Some(waiting) = place.connecting.pop_front() {
            match waiting.send(connection) {
                Ok(()) => return,
                Err(back) => connection = back,
            }
        }
        place.idle.push((connection, now));
        if place.idle.len() > self.settings.idle_connections {
            place.idle.remove(0);
        }
        self.look(&mut state);
    }

    /// Sees to it that somebody closes what has been idle for too long.
    fn look(self: &Arc<Self>, state: &mut State) {
        if state.looking.is_some() {
            return;
        }
        let (looking, mut over) = oneshot::channel();
        state.looking = Some(looking);
        let (runtime, pool, timeout) =
            (self.settings.runtime.clone(), Arc::downgrade(self), self.settings.idle_timeout);
        self.settings.runtime.spawn(async move {
            // The pool is gone when the other side is.
            while let Either::Left(_) = select(runtime.sleep(timeout), &mut over).await {
                if !pool.upgrade().is_some_and(|pool| pool.close_old()) {
                    break;
                }
            }
        });
    }

    /// Closes what has been idle for too long; whether something is left to be looked at again.
    fn close_old(&self) -> bool {
        let now = self.now();
        let mut state = self.state();
        state.places.retain(|_, place| {
            place.close_old(now, self.settings.idle_timeout);
            !place.idle.is_empty() || place.http2.is_some() || !place.connecting.is_empty()
        });
        let left = !state.places.is_empty();
        if !left {
            state.looking = None;
        }
        left
    }
}

impl Place {
    fn close_old(&mut self, now: Time, timeout: Duration) {
        let young = |since: Time| now.since(since) < timeout;
        self.idle.retain(|(connection, since)| connection.is_ready() && young(*since));
        self.http2.take_if(|(shared, used)| !shared.sender.is_ready() || !young(*used));
        self.connecting.retain(|waiting| !waiting.is_canceled());
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let idle: usize = self.0.state().places.values().map(|place| place.idle.len()).sum();
        f.debug_struct("Pool").field("connector", self.connector()).field("idle", &idle).finish_non_exhaustive()
    }
}
