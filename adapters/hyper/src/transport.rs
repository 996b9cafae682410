//! HTTP by hyper: one pooled client for all transfers.
//!
//! Connecting is done in stages (resolve, dial, proxy, TLS), so that each failure is known for
//! what it is. Nothing is retried, except a request that never left because its pooled connection had just been closed.

use std::future::ready;

use futures::StreamExt;
use futures::future::BoxFuture;
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderValue, PROXY_AUTHORIZATION};
use http::{HeaderMap, Method, Request, Response, Uri, Version};
use longhaul_core::error::{Fault, FaultKind, Sent};
use longhaul_driver::transport::{Frames, SendBody, Transport, Unread};

use crate::body::Outgoing;
use crate::builder::TransportBuilder;
use crate::fault;
use crate::frames::Incoming;
use crate::link::Exchange;
use crate::pool::{Pool, Server};
use crate::spans::ByKernel;

/// HTTP/1.1 and HTTP/2 over TCP and TLS, with a pool of connections. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HyperTransport {
    pub(crate) pool: Pool,
}

impl HyperTransport {
    /// Every choice at its default, to be changed; [`TransportBuilder::build`] makes a transport of it.
    pub fn builder() -> TransportBuilder {
        TransportBuilder::default()
    }

    /// Bytes of files that the kernel has sent by itself ([`TransportBuilder::by_kernel`]), in all.
    #[must_use]
    pub fn sent_by_kernel(&self) -> u64 {
        self.pool.connector().by_kernel().map_or(0, ByKernel::sent)
    }

    /// Bytes of answers that the kernel has received by itself ([`TransportBuilder::by_kernel`]), in all.
    #[must_use]
    pub fn received_by_kernel(&self) -> u64 {
        self.pool.connector().by_kernel().map_or(0, ByKernel::received)
    }

    fn prepare(&self, request: Request<SendBody>) -> Result<Request<Outgoing>, Fault> {
        let (mut head, body) = request.into_parts();
        head.uri = plain(head.uri)?;
        if let Some(authorization) = self.pool.connector().proxy_authorization(&head.uri) {
            head.headers.insert(PROXY_AUTHORIZATION, authorization);
        }
        // hyper announces bodies by itself, but leaves an empty one without a word.
        if body.is_empty() && matches!(head.method, Method::POST | Method::PUT | Method::PATCH) {
            head.headers.entry(CONTENT_LENGTH).or_insert(const { HeaderValue::from_static("0") });
        }
        Ok(Request::from_parts(head, Outgoing::new(body)))
    }
}

impl Transport for HyperTransport {
    fn send(&self, request: Request<SendBody>) -> BoxFuture<'static, Result<Response<Frames>, Fault>> {
        let meter = request.body().meter();
        let mut request = match self.prepare(request) {
            Ok(request) => request,
            Err(fault) => return Box::pin(ready(Err(fault))),
        };
        let pool = self.pool.clone();
        Box::pin(async move {
            let uri = request.uri().clone();
            let server = Server::of(&uri).ok_or_else(|| wrong("has no host"))?;
            let mut exchange = Exchange::new(request.body().upload());
            let last = says_close(request.headers());
            // Ends: each turn uses up a connection that was there before, and a new one is the last.
            loop {
                let mut connection = pool.take(&server, &uri).await?;
                meter.connected();
                exchange.begin(&connection.wire);
                request.body_mut().carried_by(&connection.wire);
                let mut error = match connection.send(request, &uri).await {
                    Ok(answer) => {
                        exchange.answered();
                        let lease = pool.lease(server, connection);
                        let (mut head, body) = answer.into_parts();
                        let mut frames = Incoming::new(body, exchange, lease);
                        // Of HTTP/1.0 nobody knows what becomes of the connection.
                        if head.version == Version::HTTP_11
                            && let Some(rest) = frames.offer(!last && !says_close(&head.headers))
                        {
                            head.extensions.insert(Unread::new(rest));
                        }
                        return Ok(Response::from_parts(head, frames.boxed()));
                    }
                    Err(error) => error,
                };
                match error.take_message() {
                    Some(unsent) if connection.reused => {
                        pool.forget(&server, &connection);
                        request = unsent;
                    }
                    Some(_) => return Err(connection.stillborn(error.error()).await),
                    None => return Err(fault::of_request(error.error(), &exchange)),
                }
            }
        })
    }

    fn reports_connections(&self) -> bool {
        true
    }
}

/// Whether the other end closes the connection after this message.
fn says_close(headers: &HeaderMap) -> bool {
    // What is not text is not the word, but it is not a promise either.
    let closes = |value: &HeaderValue| {
        value.to_str().map_or(true, |list| list.split(',').any(|word| word.trim().eq_ignore_ascii_case("close")))
    };
    headers.get_all(CONNECTION).iter().any(closes)
}

/// The URL without user information, which is never sent nor shown.
fn plain(uri: Uri) -> Result<Uri, Fault> {
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(wrong("is neither http nor https"));
    }
    let authority = uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
    let Some((_, host)) = authority.rsplit_once('@') else {
        return Ok(uri);
    };
    let host = host.parse().map_err(|_| wrong("has no valid host"))?;
    let mut parts = uri.into_parts();
    parts.authority = Some(host);
    Uri::from_parts(parts).map_err(|_| wrong("has no valid host"))
}

fn wrong(what: &str) -> Fault {
    Fault::new(FaultKind::Other, Sent::No, format!("the URL {what}"))
}
