//! Through proxies.

use std::net::SocketAddr;
use std::process::Command;

use longhaul_core::error::{FaultKind, Sent};
use longhaul_hyper::{HyperTransport, Proxy};
use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::support::{answers, builder, fetch, head, net, serve};
use crate::tls::{Authority, trusting};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A proxy that tells what it was asked, and makes tunnels to wherever it is asked to.
async fn tunnels() -> (SocketAddr, mpsc::Receiver<String>) {
    let (tell, told) = mpsc::channel(8);
    let address = serve(move |_, mut stream| {
        let tell = tell.clone();
        async move {
            let asked = head(&mut stream).await;
            let place = asked.strip_prefix("CONNECT ").unwrap().split(' ').next().unwrap();
            let mut there = TcpStream::connect(place).await.unwrap();
            tell.send(asked.clone()).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 Connection established\r\nvia: test\r\n\r\n").await.unwrap();
            let _ = copy_bidirectional(&mut stream, &mut there).await;
        }
    })
    .await;
    (address, told)
}

fn by(url: String, except: &str) -> Proxy {
    Proxy::Url { url, except: String::from(except) }
}

async fn https_goes_through_a_tunnel_that_sees_nothing_else() {
    let authority = Authority::new();
    let acceptor = authority.acceptor(&["localhost"], &["http/1.1"], false);
    let (tell, mut told) = mpsc::channel(1);
    let origin = serve(move |_, stream| {
        let (acceptor, tell) = (acceptor.clone(), tell.clone());
        async move {
            let mut stream = acceptor.accept(stream).await.unwrap();
            tell.send(head(&mut stream).await).await.unwrap();
            stream.write_all(OK.as_bytes()).await.unwrap();
        }
    })
    .await;
    let (address, mut asked) = tunnels().await;
    let place = format!("localhost:{}", origin.port());
    let proxy = by(format!("http://me:p%40ss@{address}"), "");
    let client = trusting(&authority).proxy(proxy).build(net()).unwrap();
    assert_eq!(fetch(&client, &format!("https://{place}/path?sig=CANARY")).await.unwrap(), b"ok");
    // base64 of me:p@ss
    let expected =
        format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nProxy-Authorization: Basic bWU6cEBzcw==\r\n\r\n");
    assert_eq!(asked.recv().await.unwrap(), expected);
    assert_eq!(told.recv().await.unwrap(), format!("GET /path?sig=CANARY HTTP/1.1\r\nhost: {place}\r\n\r\n"));
}

async fn plain_http_is_asked_of_the_proxy_by_its_whole_url() {
    let (tell, mut told) = mpsc::channel(1);
    let proxy = serve(move |_, mut stream| {
        let tell = tell.clone();
        async move {
            tell.send(head(&mut stream).await).await.unwrap();
            stream.write_all(OK.as_bytes()).await.unwrap();
        }
    })
    .await;
    let client = builder().proxy(by(format!("http://me:p%40ss@{proxy}/"), "direct.example")).build(net()).unwrap();
    assert_eq!(fetch(&client, "http://user:CANARY@origin.example/a?b").await.unwrap(), b"ok");
    let expected = "GET http://origin.example/a?b HTTP/1.1\r\nproxy-authorization: Basic bWU6cEBzcw==\r\nhost: origin.example\r\n\r\n";
    assert_eq!(told.recv().await.unwrap(), expected);
}

async fn a_proxy_may_itself_speak_tls() {
    let authority = Authority::new();
    let acceptor = authority.acceptor(&["localhost"], &["h2", "http/1.1"], false);
    let origin = authority.acceptor(&["origin.example"], &["h2", "http/1.1"], false);
    let proxy = serve(move |_, stream| {
        let (acceptor, origin) = (acceptor.clone(), origin.clone());
        async move {
            let mut stream = acceptor.accept(stream).await.unwrap();
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"http/1.1".as_slice()));
            assert!(head(&mut stream).await.starts_with("CONNECT origin.example:443 "));
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let inner = origin.accept(stream).await.unwrap();
            crate::http2::say(inner, "inside").await;
        }
    })
    .await;
    let proxy = by(format!("https://localhost:{}", proxy.port()), "");
    let client = trusting(&authority).proxy(proxy).build(net()).unwrap();
    assert_eq!(fetch(&client, "https://origin.example/").await.unwrap(), b"inside");
}

async fn hosts_excepted_are_reached_directly() {
    let origin = answers(&[OK]).await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for (except, direct) in
        [("127.0.0.1", true), ("10.0.0.0/8, 127.0.0.0/8", true), ("*", true), ("example.com", false), ("", false)]
    {
        let client = builder().proxy(by(format!("http://{nobody}"), except)).build(net()).unwrap();
        let fetched = fetch(&client, &format!("http://{origin}/")).await;
        assert_eq!(fetched.is_ok(), direct, "{except:?}: {fetched:?}");
    }
}

async fn what_is_wrong_with_a_proxy_is_told() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let client = builder().proxy(by(format!("http://me:CANARY@{nobody}"), "")).build(net()).unwrap();
    for url in ["http://origin.example/", "https://origin.example/"] {
        let fault = fetch(&client, url).await.unwrap_err();
        assert_eq!((fault.kind, fault.sent), (FaultKind::Proxy, Sent::No), "{fault}");
        assert!(fault.detail.contains(&nobody.to_string()) && !fault.detail.contains("CANARY"), "{fault}");
    }
    for (answer, words) in [
        ("HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\n\r\n", "credentials"),
        ("HTTP/1.1 403 Forbidden\r\n\r\n", "refused a tunnel to origin.example:443 (HTTP 403)"),
        ("HTTP/1.1 302 Found\r\nlocation: http://login/\r\n\r\n", "HTTP 302"),
        ("", "closed the connection"),
        ("SSH-2.0-x\r\n\r\n", "does not speak HTTP"),
    ] {
        let proxy = serve(move |_, mut stream| async move {
            head(&mut stream).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
        })
        .await;
        let client = builder().proxy(by(format!("http://me:CANARY@{proxy}"), "")).build(net()).unwrap();
        let fault = fetch(&client, "https://origin.example/").await.unwrap_err();
        assert_eq!((fault.kind, fault.sent), (FaultKind::Proxy, Sent::No), "{fault}");
        assert!(fault.detail.contains(words) && !fault.detail.contains("CANARY"), "{fault}");
    }
}

async fn an_endless_answer_of_a_proxy_is_refused() {
    let proxy = serve(|_, mut stream| async move {
        head(&mut stream).await;
        while stream.write_all(b"HTTP/1.1 200 OK x x x x x x x x").await.is_ok() {}
    })
    .await;
    let client = builder().proxy(by(format!("http://{proxy}"), "")).build(net()).unwrap();
    let fault = fetch(&client, "https://origin.example/").await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Proxy, "{fault}");
}

async fn k1_no_password_of_a_proxy_is_shown() {
    let proxy = by(String::from("http://me:CANARY@proxy.example:3128"), "");
    let builder = HyperTransport::builder().proxy(proxy.clone());
    let mut shown = format!("{proxy:?} {builder:?}");
    shown.push_str(&format!("{:?}", builder.build(net()).unwrap()));
    assert!(!shown.contains("CANARY"), "{shown}");
    for url in
        ["", "ftp://me:CANARY@proxy.example", "http://", "http://me:CANARY@", "socks5://me:CANARY@x", "not a url"]
    {
        let error = HyperTransport::builder().proxy(by(String::from(url), "")).build(net()).map(drop).unwrap_err();
        assert!(error.to_string().contains("must be a URL") && !error.to_string().contains("CANARY"), "{error}");
    }
}

const URL: &str = "LONGHAUL_TEST_URL";

/// Nothing in an ordinary run.
#[tokio::test]
async fn plays_its_part() {
    let Ok(url) = std::env::var(URL) else { return };
    let transport = match HyperTransport::builder().build(net()) {
        Ok(transport) => transport,
        Err(error) => return println!("SAYS {error}"),
    };
    let fetched = fetch(&transport, &url).await;
    println!("SAYS {:?}", fetched.map(|body| String::from_utf8(body).unwrap()).map_err(|fault| fault.kind));
}

async fn the_environment_names_proxies() {
    let proxy = answers(&["HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nproxied"]).await;
    let origin = answers(&["HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\ndirect"]).await;
    let url = format!("http://127.0.0.1:{}/", origin.port());
    let proxy = format!("http://{proxy}");
    for (variables, expected) in [
        ([("http_proxy", proxy.as_str()), ("NO_PROXY", "")], "proxied"),
        ([("HTTP_PROXY", &proxy), ("no_proxy", "example.com")], "proxied"),
        ([("ALL_PROXY", &proxy), ("NO_PROXY", "127.0.0.1")], "direct"),
        ([("ALL_PROXY", &proxy), ("NO_PROXY", "*")], "direct"),
        ([("HTTPS_PROXY", &proxy), ("NO_PROXY", "")], "direct"),
        ([("HTTP_PROXY", proxy.trim_start_matches("http://")), ("NO_PROXY", "")], "proxied"),
    ] {
        let said = played(&url, &variables).await;
        assert!(said.contains(&format!("SAYS Ok(\"{expected}\")")), "{variables:?}: {said}");
    }
    // Not silently passed over.
    let said = played(&url, &[("HTTPS_PROXY", "http://me:CANARY@not a host")]).await;
    assert!(said.contains("SAYS HTTPS_PROXY must be a URL") && !said.contains("CANARY"), "{said}");
}

/// What a process with exactly these variables says.
async fn played(url: &str, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "proxy::plays_its_part", "--nocapture"])
        .env_clear()
        .env(URL, url)
        .envs(variables.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    String::from_utf8(output.stdout).unwrap()
}

crate::nets::on_every_net!(
    https_goes_through_a_tunnel_that_sees_nothing_else,
    plain_http_is_asked_of_the_proxy_by_its_whole_url,
    a_proxy_may_itself_speak_tls,
    hosts_excepted_are_reached_directly,
    what_is_wrong_with_a_proxy_is_told,
    an_endless_answer_of_a_proxy_is_refused,
    k1_no_password_of_a_proxy_is_shown,
    the_environment_names_proxies,
);
