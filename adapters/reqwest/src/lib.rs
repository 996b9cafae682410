//! A [`reqwest::Client`] as longhaul's transport: its proxies, certificates, resolver, middleware and connection pool.
//!
//! longhaul follows redirects, retries and compares checksums itself, so the client must do none of that: [`prepared`] sees to it.
//!
//! ```
//! use longhaul_reqwest::{ReqwestTransport, prepared};
//!
//! let client = prepared(reqwest::Client::builder().user_agent("me")).build()?;
//! let transport = ReqwestTransport::new(client);
//! # Ok::<(), reqwest::Error>(())
//! ```
//!
//! reqwest does not tell when a request has a connection, so the deadline for connecting is not watched: set
//! [`connect_timeout`](reqwest::ClientBuilder::connect_timeout).
#![forbid(unsafe_code)]

mod fault;
mod idle;

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{AbortHandle, BoxStream, Stream, StreamExt, abortable};
use http::header::CONTENT_LENGTH;
use http::{Method, Request, Response, Uri};
use longhaul_core::error::{Fault, FaultKind, Sent};
use longhaul_driver::transport::{Frames, SendBody, Transport};
use reqwest::{Body, Client, ClientBuilder, Url, redirect};

use crate::idle::{Claim, Idle};

/// Sends requests by a reqwest client. Needs a tokio runtime, as reqwest does.
#[derive(Clone, Debug)]
pub struct ReqwestTransport {
    client: Client,
    idle: Idle,
}

/// `builder`, with the settings that longhaul relies on: no redirects, no decoding, no retries.
pub fn prepared(builder: ClientBuilder) -> ClientBuilder {
    let builder = builder.redirect(redirect::Policy::none()).retry(reqwest::retry::never());
    builder.no_gzip().no_brotli().no_deflate().no_zstd()
}

impl ReqwestTransport {
    /// Sends by `client`, made from a builder that is [`prepared`]. One that follows redirects is found out, and its answers refused.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client, idle: Idle::default() }
    }
}

impl Transport for ReqwestTransport {
    fn send(&self, request: Request<SendBody>) -> BoxFuture<'static, Result<Response<Frames>, Fault>> {
        let Self { client, idle } = self.clone();
        Box::pin(async move {
            let (mut head, body) = request.into_parts();
            // A stream has no length of its own. An empty body needs none announced, except where one is expected.
            if !body.is_empty() || matches!(head.method, Method::POST | Method::PUT | Method::PATCH) {
                head.headers.insert(CONTENT_LENGTH, body.len().into());
            }
            let (frames, upload) = abortable(body.into_frames());
            let upload = Upload(upload);
            let asked = head.uri.clone();
            let request = reqwest::Request::try_from(Request::from_parts(head, Body::wrap_stream(frames)));
            let mut request = request.map_err(|error| fault::of_exchange(error, false))?;
            let url = as_asked(request.url_mut(), &asked)?;
            let claim = idle.claim(&asked);
            let answer = client.execute(request).await.map_err(|error| fault::of_exchange(error, claim.reused))?;
            if *answer.url() != url {
                let words = "the reqwest client follows redirects; make it with longhaul_reqwest::prepared";
                return Err(Fault::new(FaultKind::Other, Sent::Maybe, words));
            }
            let mut response = Response::new(());
            *response.status_mut() = answer.status();
            *response.version_mut() = answer.version();
            *response.headers_mut() = answer.headers().clone();
            Ok(response.map(|()| {
                Incoming { frames: answer.bytes_stream().boxed(), claim: Some(claim), _upload: upload }.boxed()
            }))
        })
    }
}

/// Takes user information out of `url`, which is never sent. reqwest's URLs are tidied ones (`/a/../b` is `/b` there): what was asked
/// for, and perhaps signed, must have been tidy already.
fn as_asked(url: &mut Url, asked: &Uri) -> Result<Url, Fault> {
    let refused = |words: &str| Fault::new(FaultKind::Other, Sent::No, words);
    if (url.path(), url.query()) != (asked.path(), asked.query()) {
        return Err(refused(
            "reqwest would send another path or query than this URL's; use the transport of longhaul-hyper",
        ));
    }
    url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| refused("the URL has no host"))?;
    Ok(url.clone())
}

/// A request's body under way. When nobody wants the answer any more, it ends.
struct Upload(AbortHandle);

impl Drop for Upload {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// An answer's body.
struct Incoming {
    frames: BoxStream<'static, reqwest::Result<Bytes>>,
    /// Until it is at its end.
    claim: Option<Claim>,
    _upload: Upload,
}

impl Stream for Incoming {
    type Item = Result<Bytes, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            return Poll::Ready(match ready!(self.frames.poll_next_unpin(cx)) {
                Some(Ok(frame)) if frame.is_empty() => continue,
                Some(frame) => Some(frame.map_err(fault::of_answer)),
                None => {
                    if let Some(claim) = self.claim.take() {
                        claim.give_back();
                    }
                    None
                }
            });
        }
    }
}
