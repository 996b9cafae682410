//! The task that drives an HTTP/1.1 connection, until its end or until somebody wants the bare connection.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures::channel::oneshot;
use hyper::client::conn::http1::{self, Parts};

use crate::body::Outgoing;
use crate::link::{Link, Wire};

/// Where somebody asks for a connection as it is: the link, and what was read from it and not given out.
#[derive(Debug, Default)]
pub(crate) struct Handover(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    /// Nobody drives it.
    #[default]
    Closed,
    Open,
    Asked(oneshot::Sender<Parts<Link>>),
}

impl Handover {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wire {
    /// Asks for the connection. It does not come where it is at its end already, or has something left to write.
    pub(crate) fn ask(&self) -> oneshot::Receiver<Parts<Link>> {
        let (give, given) = oneshot::channel();
        let mut state = self.handover.state();
        if matches!(*state, State::Open) {
            *state = State::Asked(give);
            drop(state);
            self.waker.wake();
        }
        given
    }

    fn asked(&self) -> Option<oneshot::Sender<Parts<Link>>> {
        let mut state = self.handover.state();
        match std::mem::take(&mut *state) {
            State::Asked(give) => Some(give),
            other => {
                *state = other;
                None
            }
        }
    }
}

/// Drives a connection.
pub(crate) struct Drive {
    /// Until it is handed over.
    connection: Option<http1::Connection<Link, Outgoing>>,
    wire: Arc<Wire>,
}

impl Drive {
    pub(crate) fn new(connection: http1::Connection<Link, Outgoing>, wire: Arc<Wire>) -> Self {
        *wire.handover.state() = State::Open;
        Self { connection: Some(connection), wire }
    }
}

impl Future for Drive {
    type Output = hyper::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        let this = &mut *self;
        this.wire.waker.register(cx.waker());
        if let Some(give) = this.wire.asked() {
            if let Some(connection) = this.connection.take_if(|_| this.wire.is_flushed()) {
                // Nobody wants it any more, perhaps: it is closed then.
                let _ = give.send(connection.into_parts());
            } else {
                *this.wire.handover.state() = State::Open;
            }
        }
        match &mut this.connection {
            Some(connection) => Pin::new(connection).poll(cx),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl Drop for Drive {
    fn drop(&mut self) {
        // Somebody else may drive it by now, if it was handed over.
        if self.connection.is_some() {
            *self.wire.handover.state() = State::Closed;
        }
    }
}
