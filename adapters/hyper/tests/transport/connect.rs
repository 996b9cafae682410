//! Before there is a connection, and when there is one.

use std::time::Duration;

use http::Method;
use longhaul_core::error::{FaultKind, Sent};
use longhaul_driver::transport::Transport;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{builder, fetch, head, net, request, serve, transport, within};

async fn a_refused_connection_is_told_with_its_address() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let fault = fetch(&transport(), &format!("http://user:CANARY@{address}/?sig=CANARY")).await.unwrap_err();
    assert_eq!((fault.kind, fault.sent), (FaultKind::Connect, Sent::No), "{fault}");
    assert!(fault.detail.contains(&address.to_string()), "{fault}");
    assert!(!fault.detail.contains("CANARY"), "{fault}");
}

async fn a_name_that_does_not_resolve_is_told() {
    let fault = fetch(&transport(), "http://no-such-host.invalid/?sig=CANARY").await.unwrap_err();
    assert_eq!((fault.kind, fault.sent), (FaultKind::Resolve, Sent::No), "{fault}");
    assert!(fault.detail.contains("no-such-host.invalid") && !fault.detail.contains("CANARY"), "{fault}");
}

async fn a_url_that_is_not_http_is_told() {
    for url in ["ftp://example.com/", "/relative"] {
        let fault = fetch(&transport(), url).await.unwrap_err();
        assert_eq!((fault.kind, fault.sent), (FaultKind::Other, Sent::No), "{fault}");
    }
}

async fn every_address_of_a_name_is_tried() {
    // Often ::1 comes first, where nobody listens.
    let address = serve(|_, mut stream| async move {
        head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
    })
    .await;
    assert_eq!(fetch(&transport(), &format!("http://localhost:{}/", address.port())).await.unwrap(), b"ok");
}

async fn connected_is_told_when_there_is_a_connection_and_not_before() {
    let client = transport();
    assert!(client.reports_connections());
    let address =
        serve(|_, mut stream| async move { while matches!(stream.read(&mut [0; 1000]).await, Ok(1..)) {} }).await;

    // A server that is silent after the connection: connected, while the answer is being waited for.
    let (waiting, meter) = request(Method::GET, &format!("http://{address}/"), vec![]);
    let sending = tokio::spawn(client.send(waiting));
    within(async {
        while !meter.read().connected {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    assert!(!sending.is_finished());
    sending.abort();

    // One that is silent in the TLS handshake: not connected.
    let (waiting, meter) = request(Method::GET, &format!("https://{address}/"), vec![]);
    let sending = tokio::spawn(client.send(waiting));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!meter.read().connected && !sending.is_finished());
    sending.abort();

    // One that refuses: not connected.
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (refused, meter) = request(Method::GET, &format!("http://{closed}/"), vec![]);
    assert!(within(client.send(refused)).await.is_err());
    assert!(!meter.read().connected);
}

async fn connected_is_told_for_a_reused_connection_too() {
    let address = serve(|number, mut stream: TcpStream| async move {
        assert_eq!(number, 0);
        loop {
            if head(&mut stream).await.is_empty() {
                return;
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
        }
    })
    .await;
    let client = transport();
    for _ in 0..3 {
        let (again, meter) = request(Method::GET, &format!("http://{address}/"), vec![]);
        let response = within(client.send(again)).await.unwrap();
        assert!(meter.read().connected);
        crate::support::body(response).await.1.unwrap();
    }
}

async fn idle_connections_end_with_their_time() {
    let address = serve(|number, mut stream: TcpStream| async move {
        head(&mut stream).await;
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{number}");
        stream.write_all(answer.as_bytes()).await.unwrap();
        while matches!(stream.read(&mut [0; 1000]).await, Ok(1..)) {}
    })
    .await;
    let client = builder().idle_timeout(Duration::from_millis(20)).build(net()).unwrap();
    assert_eq!(fetch(&client, &format!("http://{address}/")).await.unwrap(), b"0");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(fetch(&client, &format!("http://{address}/")).await.unwrap(), b"1");
}

crate::nets::on_every_net!(
    a_refused_connection_is_told_with_its_address,
    a_name_that_does_not_resolve_is_told,
    a_url_that_is_not_http_is_told,
    every_address_of_a_name_is_tried,
    connected_is_told_when_there_is_a_connection_and_not_before,
    connected_is_told_for_a_reused_connection_too,
    idle_connections_end_with_their_time,
);
