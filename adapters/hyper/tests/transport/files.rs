//! Files that the kernel sends by itself, and all connections on which it must not.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use http::{Method, Request};
use longhaul_core::error::{Fault, FaultKind};
use longhaul_driver::meter::Meter;
use longhaul_driver::storage::Span;
use longhaul_driver::transport::{LONGEST_SPAN, SendBody, SourceGone, Spans, Transport};
use longhaul_hyper::{HyperTransport, Protocols};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::nets::sends_files;
use crate::support::{builder, head, net, serve, transport, within};
use crate::tls::{Authority, trusting};

const LEN: usize = (3 << 20) + 17;

static CONTENT: LazyLock<Vec<u8>> = LazyLock::new(|| (0..LEN as u32).map(|at| (at % 251) as u8 | 1).collect());

/// A file with the content.
fn file() -> Arc<File> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&CONTENT).unwrap();
    Arc::new(file)
}

/// A body: bytes, and a part of a file.
struct Mixed(VecDeque<Piece>);

enum Piece {
    Bytes(&'static [u8]),
    File(Span),
}

impl Mixed {
    /// The file from its third byte on, between other bytes.
    fn request(url: &str, file: Arc<File>) -> Request<SendBody> {
        let span = Span { file, offset: 3, len: LEN - 3 };
        let pieces = [Piece::Bytes(b"before"), Piece::File(span), Piece::Bytes(b"after")];
        let body = Box::pin(Self(pieces.into()));
        let body = SendBody::with_spans(LEN as u64 - 3 + 11, body, Arc::new(Meter::default()));
        Request::builder().method(Method::PUT).uri(url).body(body).unwrap()
    }

    /// What arrives.
    fn whole() -> Vec<u8> {
        [b"before", &CONTENT[3..], b"after"].concat()
    }

    fn span(&mut self) -> Option<Span> {
        let Some(Piece::File(span)) = self.0.front_mut() else { return None };
        let first = span.split_to(LONGEST_SPAN);
        if span.len == 0 {
            self.0.pop_front();
        }
        Some(first)
    }
}

impl Stream for Mixed {
    type Item = Result<Bytes, SourceGone>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(match self.span() {
            Some(span) => {
                let mut bytes = vec![0; span.len];
                Some(span.file.read_exact_at(&mut bytes, span.offset).map(|()| bytes.into()).map_err(|_| SourceGone))
            }
            None => self.0.pop_front().map(|piece| match piece {
                Piece::Bytes(bytes) => Ok(Bytes::from_static(bytes)),
                Piece::File(_) => Err(SourceGone),
            }),
        })
    }
}

impl Spans for Mixed {
    fn poll_span(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Span>> {
        Poll::Ready(self.span())
    }
}

/// Reads requests with bodies and answers them, `times` on a connection; what came of each body.
async fn sink(mut stream: impl AsyncRead + AsyncWrite + Unpin, times: usize, came: mpsc::UnboundedSender<Vec<u8>>) {
    for _ in 0..times {
        let head = head(&mut stream).await.to_lowercase();
        let Some(len) = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()) else {
            return;
        };
        let mut body = Vec::new();
        (&mut stream).take(len.parse().unwrap()).read_to_end(&mut body).await.unwrap();
        came.send(body).unwrap();
        let answer = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        if answer.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}

async fn server(times: usize) -> (String, mpsc::UnboundedReceiver<Vec<u8>>) {
    let (give, came) = mpsc::unbounded_channel();
    let address = serve(move |_, stream| sink(stream, times, give.clone())).await;
    (format!("http://{address}/"), came)
}

async fn put(client: &HyperTransport, url: &str) -> Result<(), Fault> {
    let answer = within(client.send(Mixed::request(url, file()))).await?;
    crate::support::body(answer).await.1.map(|body| assert_eq!(body, b"ok"))
}

/// What the kernel has sent by itself after `bodies`.
fn by_kernel(bodies: u64) -> u64 {
    if sends_files() { bodies * (LEN as u64 - 3) } else { 0 }
}

async fn a_file_goes_out_between_other_bytes_and_is_not_read() {
    let (url, mut came) = server(100).await;
    let client = transport();
    for round in 1..4 {
        put(&client, &url).await.unwrap();
        assert!(came.recv().await.unwrap() == Mixed::whole());
        assert_eq!(client.sent_by_kernel(), by_kernel(round));
    }
    let client = builder().by_kernel(false).build(net()).unwrap();
    put(&client, &url).await.unwrap();
    assert!(came.recv().await.unwrap() == Mixed::whole());
    assert_eq!(client.sent_by_kernel(), 0);
}

async fn another_connection_after_one_that_was_closed_gets_all_of_it() {
    // Each connection takes one request and is closed while it is in the pool, noticed in time or not.
    let (url, mut came) = server(1).await;
    let client = transport();
    for _ in 0..5 {
        while let Err(fault) = put(&client, &url).await {
            assert_eq!(fault.kind, FaultKind::Stale, "{fault}");
        }
        assert!(came.recv().await.unwrap() == Mixed::whole());
    }
    assert!(client.sent_by_kernel() >= by_kernel(5));
}

async fn nothing_is_left_to_the_kernel_over_tls() {
    for (protocols, name) in [(Protocols::Http1, "http/1.1"), (Protocols::Http2, "h2")] {
        let authority = Authority::new();
        let acceptor = authority.acceptor(&["localhost"], &[name], false);
        let (give, mut came) = mpsc::unbounded_channel();
        let address = serve(move |_, stream| {
            let (acceptor, give) = (acceptor.clone(), give.clone());
            async move {
                let stream = acceptor.accept(stream).await.unwrap();
                match protocols {
                    Protocols::Http2 => sink_h2(stream, give).await,
                    _ => sink(stream, 100, give).await,
                }
            }
        })
        .await;
        let client = trusting(&authority).protocols(protocols).build(net()).unwrap();
        put(&client, &format!("https://localhost:{}/", address.port())).await.unwrap();
        assert!(came.recv().await.unwrap() == Mixed::whole(), "{name}");
        assert_eq!(client.sent_by_kernel(), 0);
    }
}

/// One request on an HTTP/2 connection.
async fn sink_h2(stream: impl AsyncRead + AsyncWrite + Unpin, came: mpsc::UnboundedSender<Vec<u8>>) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    let (request, mut respond) = connection.accept().await.unwrap().unwrap();
    let exchange = async move {
        let (mut body, mut all) = (request.into_body(), Vec::new());
        while let Some(data) = body.data().await {
            let data = data.unwrap();
            body.flow_control().release_capacity(data.len()).unwrap();
            all.extend_from_slice(&data);
        }
        came.send(all).unwrap();
        let mut answer = respond.send_response(http::Response::new(()), false).unwrap();
        answer.send_data(Bytes::from_static(b"ok"), true).unwrap();
    };
    let serving = async { while let Some(Ok(_)) = connection.accept().await {} };
    futures::future::join(exchange, serving).await;
}

async fn a_file_that_became_shorter_breaks_the_request_and_nothing_takes_its_place() {
    let (url, mut came) = server(1).await;
    let (client, short) = (transport(), file());
    short.set_len(2 << 20).unwrap();
    let sent = within(client.send(Mixed::request(&url, short))).await;
    assert!(sent.is_err());
    let whole = Mixed::whole();
    let came = came.recv().await.unwrap();
    assert!(came.len() <= 6 + (2 << 20) - 3 && came == whole[..came.len()], "{} bytes", came.len());
}

async fn where_the_kernel_refuses_the_next_request_is_read() {
    if !sends_files() {
        return;
    }
    let (url, mut came) = server(1).await;
    let client = transport();
    // Of all files a folder is one that it cannot send.
    let folder = Arc::new(File::open(std::env::temp_dir()).unwrap());
    assert!(within(client.send(Mixed::request(&url, folder))).await.is_err());
    assert_eq!(came.recv().await.unwrap(), b"before");
    put(&client, &url).await.unwrap();
    assert!(came.recv().await.unwrap() == Mixed::whole());
    assert_eq!(client.sent_by_kernel(), 0);
}

async fn other_requests_on_the_connection_are_what_they_were() {
    let (url, mut came) = server(100).await;
    let client = transport();
    put(&client, &url).await.unwrap();
    let (request, _) = crate::support::request(Method::PUT, &url, vec![b"small ", b"body"]);
    let answer = within(client.send(request)).await.unwrap();
    assert_eq!(crate::support::body(answer).await.1.unwrap(), b"ok");
    put(&client, &url).await.unwrap();
    for wanted in [Mixed::whole(), b"small body".to_vec(), Mixed::whole()] {
        assert!(came.recv().await.unwrap() == wanted);
    }
}

crate::nets::on_every_net!(
    a_file_goes_out_between_other_bytes_and_is_not_read,
    another_connection_after_one_that_was_closed_gets_all_of_it,
    nothing_is_left_to_the_kernel_over_tls,
    a_file_that_became_shorter_breaks_the_request_and_nothing_takes_its_place,
    where_the_kernel_refuses_the_next_request_is_read,
    other_requests_on_the_connection_are_what_they_were,
);
