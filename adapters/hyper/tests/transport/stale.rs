//! The keep-alive race: a server closes an idle connection while the next request is on its way.

use http::Method;
use longhaul_core::error::{FaultKind, Sent};
use longhaul_driver::transport::Transport;
use tokio::io::AsyncWriteExt;

use crate::support::{fetch, head, request, reset, serve, transport, within};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// The first connection answers once and then does `second` to the next request; later ones answer.
async fn server(second: &'static str) -> String {
    let address = serve(move |number, mut stream| async move {
        head(&mut stream).await;
        stream.write_all(OK.as_bytes()).await.unwrap();
        if number > 0 {
            std::future::pending::<()>().await;
        }
        match second {
            "close at once" => return,
            "reset at once" => return reset(stream),
            _ => {}
        }
        head(&mut stream).await;
        match second {
            "reset" => reset(stream),
            "close in the head" => stream.write_all(b"HTTP/1.1 20").await.unwrap(),
            _ => {}
        }
    })
    .await;
    format!("http://{address}/?sig=CANARY")
}

async fn r4_a_reused_connection_closed_without_an_answer_is_stale() {
    for how in ["close", "reset"] {
        for method in [Method::GET, Method::POST] {
            let (client, url) = (transport(), server(how).await);
            assert_eq!(fetch(&client, &url).await.unwrap(), b"ok");
            let (request, meter) = request(method, &url, vec![b"body"]);
            let fault = within(client.send(request)).await.map(drop).unwrap_err();
            assert_eq!((fault.kind, fault.sent), (FaultKind::Stale, Sent::Maybe), "{how}: {fault}");
            assert!(meter.read().connected);
            assert!(!fault.detail.contains("CANARY"), "{fault}");
            // The next one gets a connection of its own.
            assert_eq!(fetch(&client, &url).await.unwrap(), b"ok");
        }
    }
}

async fn r4_an_idle_connection_seen_closed_is_not_used() {
    for how in ["close at once", "reset at once"] {
        let (client, url) = (transport(), server(how).await);
        assert_eq!(fetch(&client, &url).await.unwrap(), b"ok");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        assert_eq!(fetch(&client, &url).await.unwrap(), b"ok");
    }
}

async fn r4_once_an_answer_has_begun_it_is_no_longer_stale() {
    let (client, url) = (transport(), server("close in the head").await);
    assert_eq!(fetch(&client, &url).await.unwrap(), b"ok");
    let fault = fetch(&client, &url).await.unwrap_err();
    assert_eq!((fault.kind, fault.sent), (FaultKind::Reset, Sent::Maybe), "{fault}");
}

async fn r4_a_new_connection_closed_without_an_answer_is_not_stale() {
    for by_reset in [false, true] {
        let address = serve(move |_, mut stream| async move {
            head(&mut stream).await;
            if by_reset {
                reset(stream);
            }
        })
        .await;
        let fault = fetch(&transport(), &format!("http://{address}/")).await.unwrap_err();
        assert_eq!((fault.kind, fault.sent), (FaultKind::Reset, Sent::Maybe), "{fault}");
    }
}

crate::nets::on_every_net!(
    r4_a_reused_connection_closed_without_an_answer_is_stale,
    r4_an_idle_connection_seen_closed_is_not_used,
    r4_once_an_answer_has_begun_it_is_no_longer_stale,
    r4_a_new_connection_closed_without_an_answer_is_not_stale,
);
