//! Against a real nginx, in every way it is configured to be difficult: byte-exact, with the target absent before the end.
//!
//! Starts one by `tests/oracles/nginx.sh`, and gets it first where it is missing. Without one these tests fail and say how to get
//! it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use longhaul::core::Config;
use longhaul::http::Headers;
use longhaul::{
    Algorithm, Client, ClientBuilder, ClientConfig, Digest, Download, Error, PartSize, Phase, Progress, Rate,
    ServerFaultKind, State, Upload,
};
use support::nginx::Nginx;
use support::{Folder, client, client_with, content, quick, run, transport, until};

/// The digest of a file, without holding it in memory.
fn digest_of(path: &Path) -> Digest {
    use std::io::Read;
    let mut hasher = longhaul::driver::hash::Hasher::new(Algorithm::Sha256);
    let (mut file, mut buffer) = (std::fs::File::open(path).unwrap(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer).unwrap() {
            0 => return hasher.digest().unwrap(),
            read => hasher.update(&buffer[..read]),
        }
    }
}

/// Downloads and compares; the target must not exist while bytes are missing.
async fn fetch(client: &Client, url: &str, target: &Path, original: &Path) -> Progress {
    let job = Download::new(url).unwrap().to(target);
    let mut transfer = client.submit(job).await.unwrap();
    let id = transfer.id();
    while transfer.outcome().is_none() {
        // In this order: whatever was there then was there before these bytes were missing.
        let exists = target.exists();
        let phase = transfer.status();
        let missing = matches!(phase, State::Queued | State::Active(Phase::Probing | Phase::Reserving | Phase::Moving));
        assert!(!(exists && missing), "{url}: there in {phase:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let done = support::within(&mut transfer).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    assert_eq!(done.total, original.metadata().unwrap().len(), "{url}");
    assert_eq!(digest_of(target), digest_of(original), "{url}: another content");
    client.progress(id).unwrap()
}

/// In how many ways the server gives a file of any size.
const WAYS: [&str; 10] = ["conn2", "rps", "files", "noetag", "nodate", "gzip", "norange", "redir", "redirabs", "cd"];

/// Downloads a file in each of these ways, some at a time.
async fn through(ways: &[(&str, &str)], nginx: &Nginx) {
    let (folder, client) = (Folder::new(), client());
    for chunk in ways.chunks(6) {
        let fetches = chunk.iter().map(|(way, name)| {
            let (url, target, original) =
                (nginx.url(&format!("/{way}/{name}")), folder.join(way), nginx.files().join(name));
            let client = &client;
            async move {
                fetch(client, &url, &target, &original).await;
                std::fs::remove_file(target).unwrap();
            }
        });
        futures::future::join_all(fetches).await;
    }
    assert_eq!(folder.names(), Vec::<String>::new(), "something is left behind");
}

fn with_6_mib() -> Nginx {
    let nginx = Nginx::start();
    std::fs::write(nginx.files().join("6m.bin"), content(6 << 20, 1)).unwrap();
    nginx
}

/// Once: minutes on every adapter, for what the smaller file below shows as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a3_64_mib_through_every_location_arrive_whole() {
    let ways: Vec<_> = WAYS.iter().map(|way| (*way, "64m.bin")).chain([("slow", "6m.bin")]).collect();
    through(&ways, &with_6_mib()).await;
}

async fn a3_6_mib_through_every_location_arrive_whole() {
    through(&WAYS.map(|way| (way, "6m.bin")), &with_6_mib()).await;
}

async fn p4_empty_small_text_and_oddly_named_files_arrive_whole() {
    let nginx = Nginx::start();
    let (folder, client) = (Folder::new(), client());
    for way in ["files", "noetag", "nodate", "gzip", "norange", "redir", "redirabs", "cd"] {
        for name in ["empty.bin", "1000.bin", "text.txt"] {
            let target = folder.join(&format!("{way}-{name}"));
            fetch(&client, &nginx.url(&format!("/{way}/{name}")), &target, &nginx.files().join(name)).await;
        }
    }
    let odd = "/files/%E5%90%8D%20%E5%89%8D%20%2B%25.bin";
    let original = nginx.files().join("名 前 +%.bin");
    fetch(&client, &nginx.url(odd), &folder.join("odd"), &original).await;
    // By the name of the URL, and by the one the server gives.
    let into = folder.join("into");
    std::fs::create_dir(&into).unwrap();
    for (url, name) in [(odd, "名 前 +%.bin"), ("/cd/1000.bin", "名 前.bin")] {
        let done = run(&client, Download::new(&nginx.url(url)).unwrap().to_folder(&into)).await.unwrap();
        assert_eq!(done.path.map(PathBuf::from), Some(into.join(name)));
    }
}

/// The bytes nginx sent for `uri` from line `from` of its log on, once as many `requests` and all others are in it.
async fn sent_for(nginx: &Nginx, from: usize, uri: &str, requests: u64) -> u64 {
    let all = || -> Vec<String> { nginx.log()[from..].iter().filter(|line| line.contains(uri)).cloned().collect() };
    let mut before = 0;
    until("the log is complete", || {
        let now = all().len();
        std::mem::replace(&mut before, now) == now && now as u64 >= requests
    })
    .await;
    let sent = |line: &String| {
        let field = line.split(' ').find_map(|field| field.strip_prefix("sent=")).unwrap_or_else(|| panic!("{line:?}"));
        field.parse::<u64>().unwrap()
    };
    all().iter().map(sent).sum()
}

async fn a3_d8_ended_at_half_it_goes_on_and_fetches_no_more_than_was_in_flight_and_one_interval() {
    const PART: u64 = 1 << 20;
    const PARTS: u32 = 4;
    const INTERVAL: u64 = 4 << 20;
    let nginx = Nginx::start();
    let folder = Folder::new();
    let original = nginx.files().join("64m.bin");
    let (url, target) = (nginx.url("/files/64m.bin"), folder.join("target"));
    let from = nginx.log().len();
    let recording = || {
        let mut core = Config::default();
        core.interval.bytes = INTERVAL;
        client_with(ClientConfig::builder().core(core).build().unwrap())
    };
    let job = |url: &str, target: &Path| {
        Download::new(url).unwrap().part_size(PartSize::Bytes(PART)).parts(PARTS.try_into().unwrap()).to(target)
    };
    // The first run has a runtime of its own, which is gone at half.
    let first = job(&url, &target).with_rate(Rate::new(64 << 20));
    let killed = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let transfer = recording().submit(first).await.unwrap();
            until("half of it", || transfer.progress().acknowledged >= 32 << 20).await;
            transfer.progress().requests
        })
        // The runtime is dropped with everything in it.
    });
    let before = tokio::task::block_in_place(|| killed.join().unwrap());
    assert!(!target.exists());

    let client = recording();
    let mut transfer = client.submit(job(&url, &target)).await.unwrap();
    support::within(&mut transfer).await.unwrap();
    assert_eq!(digest_of(&target), digest_of(&original));
    let progress = transfer.progress();
    assert!(progress.reused > 0, "{progress:?}");
    // What the first run had just asked for may never have left it.
    let least = before.saturating_sub(PARTS.into()) + progress.requests;
    let sent = sent_for(&nginx, from, "/files/64m.bin", least).await;
    let heads = 1000 * (progress.requests + 100);
    let bound = (64 << 20) + u64::from(PARTS) * PART + INTERVAL + heads;
    assert!(sent <= bound, "nginx sent {sent} bytes, the bound is {bound}; {progress:?}");
}

/// With the transports of hyper: the blocking client of the example has no TLS, and reqwest's is its caller's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_and_http2_with_the_servers_own_authority() {
    let nginx = Nginx::start();
    let folder = Folder::new();
    let original = nginx.files().join("64m.bin");
    let from = nginx.log().len();
    let trusting = ClientBuilder::new().transport(transport().root_certificates(&nginx.ca())).start().unwrap();
    fetch(&trusting, &nginx.tls_url("/files/64m.bin"), &folder.join("target"), &original).await;
    let log = nginx.log();
    let gets: Vec<_> = log[from..].iter().filter(|line| line.contains(" GET ")).collect();
    assert!(!gets.is_empty() && gets.iter().all(|line| line.contains("HTTP/2.0")), "{gets:?}");

    // Nobody else is trusted, at once and without retries.
    let target = folder.join("other");
    let error = run(&client(), Download::new(&nginx.tls_url("/files/64m.bin")).unwrap().to(&target)).await.unwrap_err();
    let Error::Network(fault) = &error else { panic!("{error:?}") };
    assert_eq!(fault.kind, longhaul::core::error::FaultKind::Tls, "{error}");
}

async fn u3_credentials_stay_with_their_origin() {
    let nginx = Nginx::start();
    let (folder, client) = (Folder::new(), client());
    let original = nginx.files().join("1000.bin");
    let headers = || Headers::new().with("Authorization", "Basic dXNlcjpwYXNz").unwrap();
    let get = |path: &str| Download::new(&nginx.url(path)).unwrap().retry(quick());
    for (path, kept) in [("/redir/1000.bin", true), ("/redirabs/1000.bin", false)] {
        let from = nginx.log().len();
        run(&client, get(path).headers(headers()).unwrap().to(folder.join("target"))).await.unwrap();
        assert_eq!(digest_of(&folder.join("target")), digest_of(&original));
        let log = nginx.log();
        let landed: Vec<_> = log[from..].iter().filter(|line| line.contains(" /files/1000.bin")).collect();
        assert!(!landed.is_empty());
        assert!(landed.iter().all(|line| line.contains(r#"auth="-""#) != kept), "{path}: {landed:?}");
    }
    run(&client, get("/auth/1000.bin").headers(headers()).unwrap().to(folder.join("target"))).await.unwrap();
    let error = run(&client, get("/auth/1000.bin").to(folder.join("other"))).await.unwrap_err();
    assert!(matches!(&error, Error::Server(fault) if fault.status == Some(401)), "{error:?}");
}

async fn r5_refusals_and_loops_end_with_their_status() {
    let nginx = Nginx::start();
    let (folder, client) = (Folder::new(), client());
    let cases = [
        ("/s403/x", ServerFaultKind::Denied, 403),
        ("/s410/x", ServerFaultKind::NotFound, 410),
        ("/files/missing", ServerFaultKind::NotFound, 404),
        ("/loop/x", ServerFaultKind::Redirected, 302),
        ("/s503/x", ServerFaultKind::Unavailable, 503),
    ];
    for (path, kind, status) in cases {
        let job = Download::new(&nginx.url(path)).unwrap().retry(quick().with_retries(2)).to(folder.join("target"));
        let error = run(&client, job).await.unwrap_err();
        let Error::Server(fault) = &error else { panic!("{path}: {error:?}") };
        assert_eq!((fault.kind, fault.status), (kind, Some(status)), "{path}: {error}");
    }
    assert_eq!(folder.names(), Vec::<String>::new());
}

async fn a_single_put_is_stored_by_a_webdav_server() {
    let nginx = Nginx::start();
    let folder = Folder::new();
    for len in [0, 1, 5 << 20] {
        let source = folder.file("source", &content(len, 1));
        let name = format!("put-{len}.bin");
        let job = Upload::put(&nginx.url(&format!("/dav/{name}"))).unwrap().from(&source);
        run(&client(), job).await.unwrap();
        let there = nginx.files().parent().unwrap().join("dav").join(name);
        assert_eq!(digest_of(&there), digest_of(&source), "{len}");
    }
}

support::adapters::on_every_adapter!(
    a3_6_mib_through_every_location_arrive_whole,
    p4_empty_small_text_and_oddly_named_files_arrive_whole,
    a3_d8_ended_at_half_it_goes_on_and_fetches_no_more_than_was_in_flight_and_one_interval,
    u3_credentials_stay_with_their_origin,
    r5_refusals_and_loops_end_with_their_status,
    a_single_put_is_stored_by_a_webdav_server,
);
