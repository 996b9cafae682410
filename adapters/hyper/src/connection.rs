//! One connection, as a request sees it.

use std::sync::Arc;

use futures::channel::oneshot;
use futures::future::Either;
use http::header::{HOST, HeaderValue};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use longhaul_core::error::Fault;

use crate::body::Outgoing;
use crate::connect::is_https;
use crate::fault;
use crate::link::Wire;

/// A connection that takes a request: an HTTP/1.1 one alone, an HTTP/2 one beside others.
pub(crate) struct Connection {
    pub(crate) sender: Sender,
    pub(crate) wire: Arc<Wire>,
    /// It was there before somebody asked for it.
    pub(crate) reused: bool,
    /// What it died of, while it is new.
    pub(crate) death: Option<oneshot::Receiver<hyper::Error>>,
}

pub(crate) enum Sender {
    Http1(http1::SendRequest<Outgoing>),
    Http2(http2::SendRequest<Outgoing>),
}

/// An HTTP/2 connection, for everybody.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) sender: http2::SendRequest<Outgoing>,
    pub(crate) wire: Arc<Wire>,
}

impl Shared {
    pub(crate) fn connection(&self, reused: bool) -> Connection {
        Connection { sender: Sender::Http2(self.sender.clone()), wire: Arc::clone(&self.wire), reused, death: None }
    }
}

impl Connection {
    /// Whether it takes a request now.
    pub(crate) fn is_ready(&self) -> bool {
        match &self.sender {
            Sender::Http1(sender) => sender.is_ready(),
            Sender::Http2(sender) => sender.is_ready(),
        }
    }

    /// Waits until it takes a request; an error if it never will.
    pub(crate) async fn ready(&mut self) -> hyper::Result<()> {
        match &mut self.sender {
            Sender::Http1(sender) => sender.ready().await,
            Sender::Http2(sender) => sender.ready().await,
        }
    }

    /// Why a new connection took no request, for which hyper gives `error`: servers refuse clients' certificates after the handshake,
    /// as seen from here.
    pub(crate) async fn stillborn(&mut self, error: &hyper::Error) -> Fault {
        match self.death.take() {
            Some(death) => death.await.map_or_else(|_| fault::unsent(error), |death| fault::unsent(&death)),
            None => fault::unsent(error),
        }
    }

    /// Sends `request` to `uri` in the form this connection wants.
    pub(crate) fn send(
        &mut self,
        mut request: Request<Outgoing>,
        uri: &Uri,
    ) -> impl Future<Output = Result<Response<Incoming>, TrySendError<Request<Outgoing>>>> {
        *request.uri_mut() = uri.clone();
        match &mut self.sender {
            Sender::Http2(sender) => Either::Left(sender.try_send_request(request)),
            Sender::Http1(sender) => {
                if let Some(host) = host(uri) {
                    request.headers_mut().entry(HOST).or_insert(host);
                }
                // Only a proxy is told the whole URL (RFC 9112 §3.2).
                if !self.wire.proxied {
                    *request.uri_mut() = uri.path_and_query().cloned().map_or_else(Uri::default, Uri::from);
                }
                Either::Right(sender.try_send_request(request))
            }
        }
    }
}

/// The field's value for `uri`, which names no user: its port only where it is not the scheme's own.
fn host(uri: &Uri) -> Option<HeaderValue> {
    let usual = if is_https(uri) { 443 } else { 80 };
    let authority = uri.authority()?;
    let unusual = authority.port_u16().is_some_and(|port| port != usual);
    HeaderValue::from_str(if unusual { authority.as_str() } else { authority.host() }).ok()
}
