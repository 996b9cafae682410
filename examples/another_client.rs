//! Another HTTP client as the transport: that of the crate hyper-util, in a few lines. What it reports is told apart no further than
//! "never connected" and "broke"; longhaul makes the best of that, and continues where it broke.
#![allow(clippy::print_stdout, reason = "an example speaks")]

mod support;

use std::error::Error;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use http::header::CONTENT_LENGTH;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use longhaul::core::error::{Fault, FaultKind, Sent};
use longhaul::driver::transport::{Frames, SendBody, SourceGone};
use longhaul::{ClientConfig, Download, Transport, Upload};

type Outgoing = StreamBody<BoxStream<'static, Result<Frame<Bytes>, SourceGone>>>;

/// Plain HTTP. With a connector for TLS in the place of `HttpConnector` nothing else changes.
struct Another(Client<HttpConnector, Outgoing>);

impl Another {
    fn new() -> Self {
        // Retries are the core's, which knows what may be repeated.
        Self(Client::builder(TokioExecutor::new()).retry_canceled_requests(false).build_http())
    }
}

impl Transport for Another {
    fn send(&self, request: Request<SendBody>) -> BoxFuture<'static, Result<Response<Frames>, Fault>> {
        let (mut head, body) = request.into_parts();
        // A stream has no length of its own.
        if !body.is_empty() || matches!(head.method, Method::POST | Method::PUT) {
            head.headers.insert(CONTENT_LENGTH, body.len().into());
        }
        let body = StreamBody::new(body.into_frames().map_ok(Frame::data).boxed());
        let answer = self.0.request(Request::from_parts(head, body));
        Box::pin(async move {
            let answer = answer.await.map_err(|error| {
                let (kind, sent) =
                    if error.is_connect() { (FaultKind::Connect, Sent::No) } else { (FaultKind::Reset, Sent::Maybe) };
                Fault::new(kind, sent, words(&error))
            })?;
            let broke = |error: hyper::Error| Fault::new(FaultKind::Reset, Sent::Maybe, words(&error));
            Ok(answer.map(|body| body.into_data_stream().map_err(broke).boxed()))
        })
    }
}

fn words(error: &dyn Error) -> String {
    std::iter::successors(Some(error), |&error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let own = support::Server::start().await?;
    let client = longhaul::tokio::client(ClientConfig::default(), Another::new())?;

    let job = Download::new(&own.url("sample.bin"))?.to(own.path("downloaded.bin"));
    println!("{} bytes down", client.submit(job).await?.await?.total);
    let job = Upload::new(&own.url("uploads/"), "uploaded.bin")?.from(own.path("downloaded.bin"));
    println!("{} bytes up", client.submit(job).await?.await?.total);

    client.close().await;
    Ok(())
}
