//! What the server tells about itself, and how it stops.
#![allow(clippy::unwrap_used)]

mod support;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use longhaul_serve::{Fault, ServeConfig, Server, What, When};
use support::{End, Form, Rig, pattern};

#[test]
fn requests_bytes_and_concurrency_are_counted() {
    let rig = Rig::with(|config| config.faults(Fault::new(When::Always, What::Delay { millis: 300 }).path("/slow")));
    rig.file("slow", 100);
    std::thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| rig.get("/slow", &[]));
        }
    });
    let mut wire = rig.connect();
    wire.ask("HEAD", "/slow", &[], b"");
    wire.ask("BREW", "/slow", &[], b"");
    let stats = rig.settle();
    assert_eq!(stats.requests.iter().collect::<Vec<_>>(), [(&"GET", &5), (&"HEAD", &1), (&"OTHER", &1)]);
    assert_eq!((stats.requests_total(), stats.connections), (7, 6));
    assert_eq!((stats.requests_max, stats.requests_now), (5, 0));
    assert!((500..1000).contains(&stats.body_bytes_sent), "{stats:?}");
    assert!(stats.wire_bytes_sent > stats.body_bytes_sent);
    assert!(stats.wire_bytes_received > 0);
}

#[test]
fn the_url_leads_to_the_server() {
    let rig = Rig::new();
    let addr = rig.server().addr();
    assert_ne!(addr.port(), 0);
    assert_eq!(rig.server().url("/a%20b"), format!("http://{addr}/a%20b"));
    assert_eq!(rig.server().url("x"), format!("http://{addr}/x"));
}

#[test]
fn shutdown_cuts_connections_and_frees_the_port() {
    let mut rig = Rig::with(|config| config.faults(Fault::new(When::Always, What::StallAfter { bytes: 10 })));
    rig.file("f", 100);
    let addr = rig.server().addr();
    let mut stalled = rig.connect();
    stalled.send("GET", "/f", &[], b"");
    let mut idle = rig.connect();
    while rig.stats().body_bytes_sent < 10 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let begun = Instant::now();
    let stats = rig.stop();
    assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
    assert_eq!((stats.requests_now, stats.faults_of("stall")), (0, 1));
    assert_ne!(stalled.read(false).end, End::Silent);
    assert_ne!(idle.rest().1, End::Silent);
    std::net::TcpListener::bind(addr).unwrap();
}

#[test]
fn dropping_the_server_stops_it() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bind = || runtime.block_on(Server::bind(([127, 0, 0, 1], 0).into(), ServeConfig::new(dir.path())));
    let running = bind().unwrap();
    let addr = running.addr();
    drop(running);
    let gone = || std::net::TcpStream::connect(addr).is_err();
    assert!((0..200).any(|_| gone() || {
        std::thread::sleep(Duration::from_millis(5));
        false
    }));
}

#[test]
fn a_root_or_an_address_that_will_not_do_is_named() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bind = |addr, root: &std::path::Path| runtime.block_on(Server::bind(addr, ServeConfig::new(root)));
    let any = ([127, 0, 0, 1], 0).into();
    let dir = tempfile::tempdir().unwrap();
    let missing = bind(any, &dir.path().join("none")).unwrap_err();
    assert!(missing.to_string().contains("none"), "{missing}");
    std::fs::write(dir.path().join("plain"), "x").unwrap();
    let plain = bind(any, &dir.path().join("plain")).unwrap_err();
    assert!(plain.to_string().contains("plain"), "{plain}");
    let first = bind(any, dir.path()).unwrap();
    let taken = bind(first.addr(), dir.path()).unwrap_err();
    assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
    assert!(taken.to_string().contains(&first.addr().to_string()), "{taken}");
}

#[test]
fn connections_beyond_the_limit_wait_their_turn() {
    let rig = Rig::with(|mut config| {
        config.max_connections = 1;
        config
    });
    rig.file("f", 10);
    let mut first = rig.connect();
    assert_eq!(first.ask("GET", "/f", &[], b"").status, 200);
    let mut second = rig.connect().patience(Duration::from_millis(200));
    assert_eq!(second.ask("GET", "/f", &[], b"").end, End::Silent);
    drop(first);
    let mut second = second.patience(Duration::from_secs(10));
    assert_eq!(second.read(false).status, 200);
}

/// Collects the log of the whole process.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(buf)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn each_request_is_one_line_of_the_access_log_without_its_query() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let rig = Rig::new();
    rig.file("only-here", 1234);
    rig.get("/only-here?token=canary", &[("Authorization", "canary"), ("Range", "bytes=0-99")]);
    rig.upload("/only-here-up?token=canary", &Form::chunk(&pattern(10), "x", 0, 10));
    rig.settle();
    let text = || String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    while text().matches("only-here").count() < 2 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let text = text();
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("/only-here")).collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].contains("method=GET path=/only-here status=206 bytes=100 millis="), "{text}");
    assert!(lines[1].contains("method=POST path=/only-here-up status=200"), "{text}");
    assert!(!text.contains("canary"), "{text}");
}
