//! Raw servers, and short ways to send to them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use http::{Method, Request, Response};
use longhaul_core::error::Fault;
use longhaul_driver::meter::Meter;
use longhaul_driver::transport::{Frames, SendBody, SourceGone, Transport};
use longhaul_hyper::{HyperTransport, Proxy, TransportBuilder};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server that handles its connections one after another by number.
pub(crate) async fn serve<F>(mut handle: impl FnMut(usize, TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(handle(number, stream));
        }
    });
    address
}

/// A server that reads one request head per answer, says the answer, and closes after the last.
pub(crate) async fn answers(answers: &'static [&'static str]) -> SocketAddr {
    serve(move |_, mut stream| async move {
        for answer in answers {
            head(&mut stream).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await
}

/// Reads a head up to its empty line; what it says.
pub(crate) async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

/// Ends a connection by RST.
pub(crate) fn reset(stream: TcpStream) {
    stream.set_zero_linger().unwrap();
    drop(stream);
}

pub(crate) use crate::nets::net;

/// Settings that the environment of the tests has no part in.
pub(crate) fn builder() -> TransportBuilder {
    HyperTransport::builder().proxy(Proxy::None)
}

pub(crate) fn transport() -> HyperTransport {
    builder().build(net()).unwrap()
}

/// A request with these frames as its body.
pub(crate) fn request(method: Method, url: &str, frames: Vec<&'static [u8]>) -> (Request<SendBody>, Arc<Meter>) {
    let len = frames.iter().map(|frame| frame.len() as u64).sum();
    let frames = frames.into_iter().map(|frame| Ok(Bytes::from_static(frame)));
    custom(method, url, len, stream::iter(frames).boxed())
}

pub(crate) fn custom(
    method: Method,
    url: &str,
    len: u64,
    frames: stream::BoxStream<'static, Result<Bytes, SourceGone>>,
) -> (Request<SendBody>, Arc<Meter>) {
    let meter = Arc::new(Meter::default());
    let body = SendBody::new(len, frames, Arc::clone(&meter));
    (Request::builder().method(method).uri(url).body(body).unwrap(), meter)
}

/// Sends a GET.
pub(crate) async fn get(transport: &HyperTransport, url: &str) -> Result<Response<Frames>, Fault> {
    within(transport.send(request(Method::GET, url, vec![]).0)).await
}

/// Sends a GET and reads the body to its end.
pub(crate) async fn fetch(transport: &HyperTransport, url: &str) -> Result<Vec<u8>, Fault> {
    match get(transport, url).await {
        Ok(response) => body(response).await.1,
        Err(fault) => Err(fault),
    }
}

/// What came of a body, and how it ended.
pub(crate) async fn body(response: Response<Frames>) -> (Vec<u8>, Result<Vec<u8>, Fault>) {
    let (mut frames, mut all) = (response.into_body(), Vec::new());
    while let Some(frame) = within(frames.next()).await {
        match frame {
            Ok(frame) => all.extend_from_slice(&frame),
            Err(fault) => return (all, Err(fault)),
        }
    }
    (all.clone(), Ok(all))
}

/// A test that hangs says where.
pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), work).await.expect("done within 20 s")
}
