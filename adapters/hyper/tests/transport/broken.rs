//! Answers that break off or make no sense.

use longhaul_core::error::{FaultKind, Sent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::support::{answers, body, fetch, get, head, reset, serve, transport, within};

const ANSWER: &str =
    "HTTP/1.1 206 Partial Content\r\ncontent-length: 40\r\n\r\n0123456789012345678901234567890123456789";

async fn an_answer_cut_at_any_byte_is_told_for_what_it_is() {
    let body_starts = ANSWER.find("\r\n\r\n").unwrap() + 4;
    for by_reset in [false, true] {
        for cut in 0..=ANSWER.len() {
            let address = serve(move |_, mut stream| async move {
                head(&mut stream).await;
                stream.write_all(&ANSWER.as_bytes()[..cut]).await.unwrap();
                if by_reset {
                    // Most times not before the other side has read what there is.
                    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                    reset(stream);
                }
            })
            .await;
            let answer = get(&transport(), &format!("http://{address}/")).await;
            match answer {
                Err(fault) => {
                    // A reset may overtake what was sent before it.
                    assert!(cut < body_starts || by_reset, "cut at {cut}");
                    assert_eq!((fault.kind, fault.sent), (FaultKind::Reset, Sent::Maybe), "cut at {cut}: {fault}");
                    assert!(!fault.detail.is_empty());
                }
                Ok(response) => {
                    assert!(cut >= body_starts, "cut at {cut}");
                    let (read, end) = body(response).await;
                    let sent = &ANSWER.as_bytes()[body_starts..cut];
                    assert!(read == sent || by_reset && sent.starts_with(&read), "cut at {cut}: {read:?}");
                    match end {
                        Ok(_) => assert_eq!(cut, ANSWER.len()),
                        Err(fault) => {
                            let kind = if by_reset { FaultKind::Reset } else { FaultKind::Truncated };
                            assert_eq!(fault.kind, kind, "cut at {cut}: {fault}");
                            assert!(cut < ANSWER.len() || by_reset);
                        }
                    }
                }
            }
        }
    }
}

async fn a_chunked_answer_needs_its_last_chunk() {
    for (answer, kind) in [
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n", FaultKind::Truncated),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nab", FaultKind::Truncated),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnot a number\r\nabcd\r\n0\r\n\r\n", FaultKind::Protocol),
    ] {
        let address = serve(move |_, mut stream| async move {
            head(&mut stream).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
        })
        .await;
        let fault = fetch(&transport(), &format!("http://{address}/")).await.unwrap_err();
        assert_eq!(fault.kind, kind, "{answer:?}: {fault}");
    }
}

async fn what_is_not_http_is_told_as_such() {
    for (nonsense, words) in [
        ("220 mail.example ESMTP ready\r\n", "HTTP"),
        ("HTTP/1.1 2xx OK\r\n\r\n", "status"),
        ("HTTP/1.1 200 OK\r\nbad header\r\n\r\n", "header"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", "content-length"),
        ("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", "content-length"),
    ] {
        let address = serve(move |_, mut stream| async move {
            head(&mut stream).await;
            stream.write_all(nonsense.as_bytes()).await.unwrap();
        })
        .await;
        let fault = fetch(&transport(), &format!("http://{address}/?sig=CANARY")).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Protocol, "{nonsense:?}: {fault}");
        assert!(fault.detail.contains(words), "{nonsense:?}: {fault}");
        assert!(!fault.detail.contains("CANARY"));
    }
}

async fn a_head_without_end_is_refused() {
    let address = serve(|_, mut stream| async move {
        head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        // Ends when the other side hangs up.
        while stream.write_all(format!("x-filler: {}\r\n", "x".repeat(1000)).as_bytes()).await.is_ok() {}
    })
    .await;
    let fault = fetch(&transport(), &format!("http://{address}/")).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Protocol, "{fault}");
}

async fn letting_go_of_an_answer_closes_its_connection() {
    let (tell, mut told) = mpsc::channel(1);
    let address = serve(move |_, mut stream| {
        let tell = tell.clone();
        async move {
            let asked = head(&mut stream).await;
            if asked.starts_with("GET /body ") {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\nabc").await.unwrap();
            }
            tell.send("asked").await.unwrap();
            while matches!(stream.read(&mut [0; 100]).await, Ok(1..)) {}
            tell.send("closed").await.unwrap();
        }
    })
    .await;
    let client = transport();
    // While the body comes.
    let response = get(&client, &format!("http://{address}/body")).await.unwrap();
    assert_eq!(within(told.recv()).await, Some("asked"));
    drop(response);
    assert_eq!(within(told.recv()).await, Some("closed"));
    // Before a head has come.
    let waiting = tokio::spawn({
        let (client, url) = (client.clone(), format!("http://{address}/silence"));
        async move { get(&client, &url).await.map(drop) }
    });
    assert_eq!(within(told.recv()).await, Some("asked"));
    waiting.abort();
    assert_eq!(within(told.recv()).await, Some("closed"));
}

async fn an_answer_read_to_its_end_leaves_the_connection_for_the_next() {
    // The second connection would never answer twice.
    let address = answers(&[
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none",
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\ntwo",
    ])
    .await;
    let client = transport();
    assert_eq!(fetch(&client, &format!("http://{address}/")).await.unwrap(), b"one");
    assert_eq!(fetch(&client, &format!("http://{address}/")).await.unwrap(), b"two");
}

crate::nets::on_every_net!(
    an_answer_cut_at_any_byte_is_told_for_what_it_is,
    a_chunked_answer_needs_its_last_chunk,
    what_is_not_http_is_told_as_such,
    a_head_without_end_is_refused,
    letting_go_of_an_answer_closes_its_connection,
    an_answer_read_to_its_end_leaves_the_connection_for_the_next,
);
