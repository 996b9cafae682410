//! A transport between the library and a real server that does as a test wants with single exchanges.

use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use http::request::Parts;
use longhaul::core::error::{Fault, FaultKind, Sent};
use longhaul::driver::transport::{Frames, SendBody, Transport};
use longhaul::tokio::{HyperTransport, TokioRuntime};
use longhaul::{Client, ClientConfig};

use crate::support::transport;

/// What becomes of an exchange.
pub(crate) enum Fate {
    /// Nothing happens to it.
    Through,
    /// The server never sees it; this is the answer.
    Answer(u16, &'static [(&'static str, &'static str)], &'static str),
    /// The server never sees it, and nobody answers.
    Silence,
    /// The server answers, and nobody hears it.
    Unheard,
    /// One byte of the request's body is another one on its way.
    Flipped,
}

type Judge = dyn Fn(&Parts) -> Fate + Send + Sync;

/// See the module.
#[derive(Clone)]
pub(crate) struct Tampered {
    inner: Arc<HyperTransport>,
    judge: Arc<Judge>,
    log: Log,
}

/// Requests in the order in which they were made: method, and target without scheme and authority.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<(String, String)>>>);

impl Log {
    /// How many requests so far were of a kind.
    pub(crate) fn count(&self, kind: impl Fn(&str, &str) -> bool) -> usize {
        self.0.lock().unwrap().iter().filter(|(method, target)| kind(method, target)).count()
    }
}

/// A client whose exchanges `judge` decides about, and what it asked.
pub(crate) fn client(judge: impl Fn(&Parts) -> Fate + Send + Sync + 'static) -> (Client, Log) {
    let log = Log::default();
    let inner = Arc::new(transport().build(Arc::new(TokioRuntime::current().unwrap())).unwrap());
    let tampered = Tampered { inner, judge: Arc::new(judge), log: log.clone() };
    let config = ClientConfig::builder().tick(std::time::Duration::from_millis(20)).build().unwrap();
    (longhaul::tokio::client(config, tampered).unwrap(), log)
}

impl Transport for Tampered {
    fn send(&self, request: http::Request<SendBody>) -> BoxFuture<'static, Result<http::Response<Frames>, Fault>> {
        let (parts, body) = request.into_parts();
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
        self.log.0.lock().unwrap().push((parts.method.to_string(), target));
        match (self.judge)(&parts) {
            Fate::Through => self.inner.send(http::Request::from_parts(parts, body)),
            Fate::Answer(status, fields, text) => {
                let mut answer = http::Response::builder().status(status).header("content-length", text.len());
                for (name, value) in fields {
                    answer = answer.header(*name, *value);
                }
                let frames = futures::stream::iter([Ok(Bytes::from_static(text.as_bytes()))]).boxed();
                futures::future::ready(Ok(answer.body(frames).unwrap())).boxed()
            }
            Fate::Silence => futures::future::pending().boxed(),
            Fate::Unheard => {
                let answer = self.inner.send(http::Request::from_parts(parts, body));
                async move {
                    let mut frames = answer.await?.into_body();
                    while frames.next().await.is_some() {}
                    Err(Fault::new(FaultKind::Reset, Sent::Maybe, "cut off by the test"))
                }
                .boxed()
            }
            Fate::Flipped => {
                let (len, meter) = (body.len(), body.meter());
                let mut first = true;
                let flipped = body.into_frames().map(move |frame| {
                    let mut frame = BytesMut::from(frame?.as_ref());
                    if std::mem::take(&mut first) {
                        frame[0] ^= 1;
                    }
                    Ok(frame.freeze())
                });
                let body = SendBody::new(len, flipped.boxed(), meter);
                self.inner.send(http::Request::from_parts(parts, body))
            }
        }
    }

    fn reports_connections(&self) -> bool {
        self.inner.reports_connections()
    }
}
