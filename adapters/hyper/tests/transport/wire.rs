//! What goes over the wire, and when.

use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use http::Method;
use longhaul_core::error::FaultKind;
use longhaul_driver::transport::{SourceGone, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};

use crate::support::{body, custom, fetch, get, head, request, serve, transport, within};

async fn requests_carry_what_they_were_given_and_host_and_length_only() {
    let (tell, mut told) = mpsc::channel(1);
    let address = serve(move |_, mut stream| {
        let tell = tell.clone();
        async move {
            let mut said = head(&mut stream).await;
            let length = said.lines().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
            stream.read_exact(&mut body).await.unwrap();
            said.push_str(&String::from_utf8(body).unwrap());
            tell.send(said).await.unwrap();
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        }
    })
    .await;
    let host = format!("host: {address}\r\n");
    for (method, frames, expected) in [
        (Method::GET, vec![], format!("GET /a%20b?c=d&e HTTP/1.1\r\n{host}\r\n")),
        (Method::HEAD, vec![], format!("HEAD /a%20b?c=d&e HTTP/1.1\r\n{host}\r\n")),
        (Method::DELETE, vec![], format!("DELETE /a%20b?c=d&e HTTP/1.1\r\n{host}\r\n")),
        (Method::POST, vec![], format!("POST /a%20b?c=d&e HTTP/1.1\r\ncontent-length: 0\r\n{host}\r\n")),
        (Method::PUT, vec![], format!("PUT /a%20b?c=d&e HTTP/1.1\r\ncontent-length: 0\r\n{host}\r\n")),
        (
            Method::PUT,
            vec![b"one ".as_slice(), b"", b"two"],
            format!("PUT /a%20b?c=d&e HTTP/1.1\r\n{host}content-length: 7\r\n\r\none two"),
        ),
    ] {
        let (request, meter) = request(method, &format!("http://{address}/a%20b?c=d&e"), frames);
        let response = within(transport().send(request)).await.unwrap();
        assert_eq!(response.status(), 204);
        assert_eq!(told.recv().await.unwrap(), expected);
        assert!(meter.read().connected);
        assert_eq!(body(response).await.1, Ok(vec![]));
    }
}

async fn k2_user_information_in_a_url_is_neither_sent_nor_told() {
    let (tell, mut told) = mpsc::channel(1);
    let address = serve(move |_, mut stream| {
        let tell = tell.clone();
        async move { tell.send(head(&mut stream).await).await.unwrap() }
    })
    .await;
    let fault = get(&transport(), &format!("http://user:CANARY@{address}/?sig=CANARY")).await.map(drop).unwrap_err();
    assert_eq!(told.recv().await.unwrap(), format!("GET /?sig=CANARY HTTP/1.1\r\nhost: {address}\r\n\r\n"));
    assert!(!format!("{fault:?}").contains("CANARY"), "{fault:?}");
}

async fn an_answer_is_given_before_the_request_is_through() {
    let address = serve(|_, mut stream| async move {
        head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nno!").await.unwrap();
        // Stays, and reads nothing more.
        std::future::pending::<()>().await;
    })
    .await;
    let frames = stream::iter([Ok(Bytes::from_static(b"some"))]).chain(stream::pending()).boxed();
    let (request, _) = custom(Method::PUT, &format!("http://{address}/"), 1 << 40, frames);
    let response = within(transport().send(request)).await.unwrap();
    assert_eq!(response.status(), 413);
    assert_eq!(body(response).await.1, Ok(b"no!".to_vec()));
}

async fn an_exchange_given_up_lets_go_of_its_source_and_connection() {
    let (tell, mut told) = mpsc::channel(1);
    let address = serve(move |_, mut stream| {
        let tell = tell.clone();
        async move {
            head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nno!").await.unwrap();
            // Reads nothing more for a while, so that the other side cannot write either.
            tokio::time::sleep(Duration::from_millis(200)).await;
            let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
            tell.send(()).await.unwrap();
        }
    })
    .await;
    for endless in [true, false] {
        let (alive, gone) = oneshot::channel::<()>();
        let frames: BoxStream<'static, _> = if endless {
            stream::repeat_with(move || {
                let _ = &alive;
                Ok(Bytes::from_static(&[0; 1 << 16]))
            })
            .boxed()
        } else {
            stream::once(async move {
                let () = std::future::pending().await;
                drop(alive);
                Err(SourceGone)
            })
            .boxed()
        };
        let (request, _) = custom(Method::PUT, &format!("http://{address}/"), 1 << 40, frames);
        let client = transport();
        let response = within(client.send(request)).await.unwrap();
        assert_eq!(body(response).await.1, Ok(b"no!".to_vec()));
        assert!(within(gone).await.is_err(), "{endless}");
        within(told.recv()).await.unwrap();
    }
}

async fn an_early_refusal_is_heard_although_the_server_hangs_up() {
    let address = serve(|_, mut stream| async move {
        head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 3\r\n\r\nno!").await.unwrap();
        // The body is not read: closing resets the connection.
    })
    .await;
    for _ in 0..20 {
        let frames = stream::repeat_with(|| Ok(Bytes::from_static(&[0; 1 << 16]))).boxed();
        let (request, _) = custom(Method::PUT, &format!("http://{address}/"), 1 << 30, frames);
        match within(transport().send(request)).await {
            Ok(response) => assert_eq!(response.status(), 403),
            // Where the runtime has not seen the answer when the write fails: it must then be told as a reset.
            Err(fault) => assert_eq!(fault.kind, FaultKind::Reset),
        }
    }
}

async fn a_source_that_fails_ends_the_exchange() {
    let (tell, mut told) = mpsc::channel(1);
    let address = serve(move |_, mut stream| {
        let tell = tell.clone();
        async move {
            head(&mut stream).await;
            let mut rest = Vec::new();
            let ended = stream.read_to_end(&mut rest).await;
            tell.send((rest, ended.is_ok() || ended.is_err())).await.unwrap();
        }
    })
    .await;
    for frames in [
        stream::iter([Ok(Bytes::from_static(b"some")), Err(SourceGone)]).boxed(),
        // Shorter than announced.
        stream::iter([Ok(Bytes::from_static(b"some"))]).boxed(),
    ] {
        let (request, _) = custom(Method::PUT, &format!("http://{address}/"), 100, frames);
        let fault = within(transport().send(request)).await.map(drop).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Other);
        assert!(fault.detail.contains("source"), "{}", fault.detail);
        // The server never takes it for complete.
        let (rest, closed) = within(told.recv()).await.unwrap();
        assert!(rest.len() < 100 && closed);
    }
}

async fn more_than_announced_is_not_sent() {
    let (tell, mut told) = mpsc::channel(1);
    let address = serve(move |_, mut stream| {
        let tell = tell.clone();
        async move {
            head(&mut stream).await;
            let mut body = [0; 4];
            stream.read_exact(&mut body).await.unwrap();
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            let more = stream.read_u8().await;
            tell.send((body, more.is_err())).await.unwrap();
        }
    })
    .await;
    let frames = stream::iter([Ok(Bytes::from_static(b"four and more"))]).boxed();
    let (request, _) = custom(Method::PUT, &format!("http://{address}/"), 4, frames);
    let client = transport();
    drop(within(client.send(request)).await.unwrap());
    drop(client);
    assert_eq!(within(told.recv()).await.unwrap(), (*b"four", true));
}

async fn bodies_of_every_framing_are_read() {
    for (answer, expected) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabcde", "abcde"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", ""),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n3;x=y\r\ncde\r\n0\r\nx-trailer: y\r\n\r\n",
            "abcde",
        ),
        ("HTTP/1.1 200 OK\r\n\r\nuntil it closes", "until it closes"),
        ("HTTP/1.0 200 OK\r\n\r\nold", "old"),
        ("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na", "a"),
    ] {
        let address = serve(move |_, mut stream| async move {
            head(&mut stream).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
        })
        .await;
        assert_eq!(fetch(&transport(), &format!("http://{address}/")).await.unwrap(), expected.as_bytes());
    }
}

async fn neither_encodings_nor_redirects_are_acted_upon() {
    let address = serve(|_, mut stream| async move {
        head(&mut stream).await;
        let answer =
            "HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc";
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let response = get(&transport(), &format!("http://{address}/")).await.unwrap();
    assert_eq!(response.status(), 302);
    assert_eq!(response.headers()["location"], "/elsewhere");
    assert_eq!(body(response).await.1, Ok(b"abc".to_vec()));
}

crate::nets::on_every_net!(
    requests_carry_what_they_were_given_and_host_and_length_only,
    k2_user_information_in_a_url_is_neither_sent_nor_told,
    an_answer_is_given_before_the_request_is_through,
    an_exchange_given_up_lets_go_of_its_source_and_connection,
    an_early_refusal_is_heard_although_the_server_hangs_up,
    a_source_that_fails_ends_the_exchange,
    more_than_announced_is_not_sent,
    bodies_of_every_framing_are_read,
    neither_encodings_nor_redirects_are_acted_upon,
);
