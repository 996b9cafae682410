//! Options that bound or steer a transfer, and that they reach it.

use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use longhaul_serve::{Fault, What, When};

use crate::support::Place;

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_is_kept_both_ways() {
    let place = Place::new().await;
    let (size, rate) = (3 << 20, NonZeroU64::new(1536 << 10).unwrap());
    place.remote("a.bin", size);
    let (file, _) = place.local("x.bin", size);
    let least = Duration::from_secs(size as u64 / rate);
    for words in [
        format!("get {} -o a.bin --limit-rate {rate}", place.url("a.bin")),
        format!("put {} {} --limit-rate 1536K", file.display(), place.url("up")),
    ] {
        let began = Instant::now();
        place.words(&words).await.expect(0);
        // A tenth of a second's worth may go at once.
        assert!(began.elapsed() >= least - Duration::from_millis(150), "{words}: {:?}", began.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_parts_of_such_a_size() {
    let place = Place::new().await;
    place.server.set_faults(Fault::new(When::Always, What::Delay { millis: 50 }).method("GET"));
    place.remote("a.bin", 8 << 20);
    let told =
        place.words(&format!("get {} -o a.bin --json --parts 2 --part-size 1MiB", place.url("a.bin"))).await.expect(0);
    let stats = place.server.stats();
    assert!(stats.requests_max <= 2, "{stats:?}");
    // The last ones may be split when nothing else is left to do.
    assert!(stats.requests["GET"] >= 8, "{stats:?}");
    assert!(told.summary()["requests"].as_u64().expect("a number") >= 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_noticed_after_the_idle_timeout() {
    let place = Place::with_faults(Fault::new(When::First(2), What::StallAfter { bytes: 1000 }).method("GET")).await;
    let bytes = place.remote("a.bin", 1 << 20);
    let began = Instant::now();
    let told = place.words(&format!("get {} -o a.bin --json --idle-timeout 300ms", place.url("a.bin"))).await.expect(0);
    assert!(began.elapsed() < Duration::from_secs(20), "far below the default of 30 s: {:?}", began.elapsed());
    assert_eq!(std::fs::read(place.out("a.bin")).unwrap(), bytes);
    assert!(told.summary()["retries"].as_u64() >= Some(1), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_used_from_the_option_and_from_the_environment_unless_refused() {
    let place = Place::new().await;
    place.remote("a.bin", 1000);
    // A proxy's port where nobody listens.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let proxy = format!("http://{}", socket.local_addr().unwrap());
    let url = place.url("a.bin");
    place.words(&format!("get {url} -o a.bin --retries 0 --proxy {proxy}")).await.expect(1);
    for (more, code) in [("", 1), ("--proxy none", 0)] {
        let mut command = place.command(["get", &url, "-o", "a.bin", "--retries", "0"]);
        command.args(more.split_whitespace()).env("http_proxy", &proxy);
        crate::support::Told::of(command).await.expect(code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_put_stores_under_the_urls_name_where_the_server_speaks_it() {
    let place = Place::new().await;
    let (file, _) = place.local("x.bin", 1000);
    // The reference server speaks the default protocol only; what matters here is that one PUT came, and its refusal is told.
    let told = place.words(&format!("put {} {} --method put --json", file.display(), place.url("up/y.bin"))).await;
    assert_eq!(place.server.stats().requests.get("PUT"), Some(&1), "{told:?}");
    assert!(matches!(told.code, Some(0 | 4)), "{told:?}");
}
