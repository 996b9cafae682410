//! HTTP/2: many exchanges on one connection, and what a server may do to one of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures::StreamExt;
use futures::future::join_all;
use h2::Reason;
use http::{Method, Response};
use longhaul_core::error::{FaultKind, Sent};
use longhaul_driver::transport::Transport;
use longhaul_hyper::HyperTransport;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::server::TlsStream;

use crate::support::{fetch, get, net, request, serve, within};
use crate::tls::{Authority, trusting};

/// Answers every request with `word`.
pub(crate) async fn say(stream: impl AsyncRead + AsyncWrite + Unpin, word: &'static str) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((_, mut respond))) = connection.accept().await {
        let mut body = respond.send_response(Response::new(()), false).unwrap();
        body.send_data(Bytes::from_static(word.as_bytes()), true).unwrap();
    }
}

/// A server that lets `handle` speak HTTP/2 on each connection, and a client that trusts it.
async fn server<F>(
    mut handle: impl FnMut(usize, h2::server::Connection<TlsStream<TcpStream>, Bytes>) -> F + Send + 'static,
) -> (HyperTransport, String)
where
    F: Future<Output = ()> + Send + 'static,
{
    let authority = Authority::new();
    let client = trusting(&authority).build(net()).unwrap();
    let acceptor = authority.acceptor(&["localhost"], &["h2"], false);
    // One after another, so that `handle` need not be shared.
    let (give, mut take) = mpsc::channel(8);
    let address = serve(move |number, stream| {
        let (give, acceptor) = (give.clone(), acceptor.clone());
        async move {
            let stream = acceptor.accept(stream).await.unwrap();
            let _ = give.send((number, h2::server::handshake(stream).await.unwrap())).await;
        }
    })
    .await;
    tokio::spawn(async move {
        while let Some((number, connection)) = take.recv().await {
            tokio::spawn(handle(number, connection));
        }
    });
    (client, format!("https://localhost:{}/?sig=CANARY", address.port()))
}

async fn exchanges_share_a_connection() {
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    let (client, url) = server(move |_, mut connection| {
        counter.fetch_add(1, Ordering::Relaxed);
        async move {
            while let Some(Ok((request, mut respond))) = connection.accept().await {
                assert_eq!(request.method(), Method::PUT);
                assert_eq!(request.headers()["content-length"], "9");
                assert!(!request.headers().contains_key("host"));
                tokio::spawn(async move {
                    let mut body = request.into_body();
                    let mut all = Vec::new();
                    while let Some(data) = body.data().await {
                        let data = data.unwrap();
                        body.flow_control().release_capacity(data.len()).unwrap();
                        all.extend_from_slice(&data);
                    }
                    let mut answer = respond.send_response(Response::new(()), false).unwrap();
                    answer.send_data(all.into(), true).unwrap();
                });
            }
        }
    })
    .await;
    // The first alone: while there is no connection yet, each request opens one.
    for many in [1, 16] {
        let bodies = join_all((0..many).map(|_| async {
            let (request, meter) = request(Method::PUT, &url, vec![b"one ", b"", b"three"]);
            let response = within(client.send(request)).await.unwrap();
            assert!(meter.read().connected);
            crate::support::body(response).await.1.unwrap()
        }))
        .await;
        assert!(bodies.iter().all(|body| body == b"one three"));
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

async fn r4_a_request_the_server_has_not_looked_at_is_stale_and_unsent() {
    let (client, url) = server(|number, mut connection| async move {
        let mut count = 0;
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            count += 1;
            if number == 0 && count == 2 {
                respond.send_reset(Reason::REFUSED_STREAM);
            } else {
                let mut body = respond.send_response(Response::new(()), false).unwrap();
                body.send_data(Bytes::from_static(b"ok"), true).unwrap();
            }
        }
    })
    .await;
    assert_eq!(fetch(&client, &url).await.unwrap(), b"ok");
    let fault = fetch(&client, &url).await.unwrap_err();
    assert_eq!((fault.kind, fault.sent), (FaultKind::Stale, Sent::No), "{fault}");
    assert!(!fault.detail.contains("CANARY"), "{fault}");
    assert_eq!(fetch(&client, &url).await.unwrap(), b"ok");
}

async fn a_server_that_is_leaving_is_left_for_a_new_connection() {
    let (client, url) = server(|number, mut connection| async move {
        let mut left = false;
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            let mut body = respond.send_response(Response::new(()), false).unwrap();
            body.send_data(Bytes::from_static(b"ok"), true).unwrap();
            if number == 0 && !left {
                left = true;
                connection.graceful_shutdown();
            }
        }
    })
    .await;
    for _ in 0..3 {
        assert_eq!(fetch(&client, &url).await.unwrap(), b"ok");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn a_stream_reset_in_the_middle_is_a_reset() {
    for reason in [Reason::INTERNAL_ERROR, Reason::CANCEL, Reason::ENHANCE_YOUR_CALM] {
        let (client, url) = server(move |_, mut connection| async move {
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                tokio::spawn(async move {
                    let mut body = respond.send_response(Response::new(()), false).unwrap();
                    body.send_data(Bytes::from_static(b"some"), false).unwrap();
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    body.send_reset(reason);
                });
            }
        })
        .await;
        let (read, end) = crate::support::body(get(&client, &url).await.unwrap()).await;
        assert_eq!(read, b"some");
        let fault = end.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Reset, "{fault}");
        assert!(!fault.detail.contains("CANARY"), "{fault}");
    }
}

async fn letting_go_of_an_answer_resets_its_stream_only() {
    let (tell, mut told) = mpsc::channel(1);
    let (client, url) = server(move |number, mut connection| {
        let tell = tell.clone();
        async move {
            assert_eq!(number, 0);
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                let tell = tell.clone();
                tokio::spawn(async move {
                    let mut body = respond.send_response(Response::new(()), false).unwrap();
                    body.send_data(Bytes::from_static(b"some"), false).unwrap();
                    let reason = std::future::poll_fn(|cx| body.poll_reset(cx)).await;
                    tell.send(reason.unwrap()).await.unwrap();
                });
            }
        }
    })
    .await;
    for _ in 0..2 {
        let mut frames = get(&client, &url).await.unwrap().into_body();
        assert_eq!(within(frames.next()).await.unwrap().unwrap(), "some");
        drop(frames);
        assert_eq!(within(told.recv()).await, Some(Reason::CANCEL));
    }
}

crate::nets::on_every_net!(
    exchanges_share_a_connection,
    r4_a_request_the_server_has_not_looked_at_is_stale_and_unsent,
    a_server_that_is_leaving_is_left_for_a_new_connection,
    a_stream_reset_in_the_middle_is_a_reset,
    letting_go_of_an_answer_resets_its_stream_only,
);
