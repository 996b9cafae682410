//! No secret is ever shown (K1, K2), and no name a server suggests leaves the folder (K3).
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, LazyLock, Mutex};

use futures::StreamExt;
use longhaul::http::Headers;
use longhaul::{Client, Download, Error, Job, PartSize, Upload};
use support::raw::{Answer, Object, Raw, Then};
use support::{Folder, client, content, download, impatient, quick, run, until, within};
use tracing_subscriber::fmt::MakeWriter;

/// In every secret of these tests; also found when it was percent-encoded, or in base64.
const CANARY: &str = "c4n4ry";

fn has_canary(text: &str) -> bool {
    // Basic credentials hold it in base64, at any of three alignments.
    let encoded = ["YzRuNHJ5", "M0bjRye", "jNG40cn"];
    let lower = text.to_ascii_lowercase();
    lower.contains(CANARY) || encoded.iter().any(|encoded| text.contains(encoded))
}

/// Everything that was traced.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// What all threads of this process trace, whatever test they are of: no one may hold a canary.
fn traced() -> Log {
    static LOG: LazyLock<Log> = LazyLock::new(|| {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_writer(log.clone())
            .with_ansi(false)
            .finish();
        tracing_subscriber::util::SubscriberInitExt::try_init(subscriber).unwrap();
        log
    });
    LOG.clone()
}

/// Headers whose values are secret, by well-known names and by others.
fn headers() -> Headers {
    Headers::new()
        .with("Authorization", &format!("Bearer {CANARY}-1"))
        .unwrap()
        .with("Cookie", &format!("id={CANARY}-2; theme={CANARY}-3"))
        .unwrap()
        .with("X-Anything", &format!("{CANARY}-4"))
        .unwrap()
}

fn query(url: &str) -> String {
    format!("{url}?sig={CANARY}-5&X-Amz-Signature={CANARY}%2f6")
}

/// What a server does that may bring a secret to light: it says it back, in all the places it can.
fn echo(answer: Answer, request: &support::raw::Request) -> Answer {
    let mut said = request.target.clone();
    for (name, value) in &request.headers {
        write!(said, " {name}: {value}").unwrap();
    }
    let mut answer = answer.set("X-Echo", &said).set("Content-Length", &said.len().to_string());
    answer.body = if request.is_head() { Vec::new() } else { said.into_bytes() };
    answer
}

/// Runs `job` and gives everything that can be shown of it.
async fn shown(client: &Client, job: Job) -> String {
    let mut text = format!("{job:?} {:?} ", job.spec());
    let mut transfer = client.submit(job).await.unwrap();
    while let Some(event) = within(transfer.next()).await {
        write!(text, "{event:?} ").unwrap();
        let snapshot = client.snapshot().await;
        write!(text, "{snapshot:?} {transfer:?} {:?} {:?} ", transfer.status(), transfer.progress()).unwrap();
    }
    let outcome = transfer.outcome().unwrap();
    write!(text, "{outcome:?} {client:?} ").unwrap();
    if let Err(error) = outcome {
        write!(text, "{error} ").unwrap();
        let mut source = std::error::Error::source(&error);
        while let Some(inner) = source {
            write!(text, "{inner} {inner:?} ").unwrap();
            source = inner.source();
        }
    }
    text
}

/// Names and contents of everything in a folder, but for the objects themselves.
fn left_in(folder: &Folder) -> String {
    let mut text = String::new();
    for name in folder.names() {
        let bytes = std::fs::read(folder.join(&name)).unwrap();
        write!(text, "{name} {} ", String::from_utf8_lossy(&bytes)).unwrap();
    }
    text
}

async fn k1_k2_no_secret_is_in_anything_that_can_be_shown_traced_or_kept() {
    let log = traced();
    everything_with_secrets().await;
    let traced = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(traced.contains("longhaul"), "nothing was traced at all");
    // Other crates' lines are looked at as well.
    let leaks: Vec<&str> = traced.lines().filter(|line| has_canary(line)).collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
}

async fn everything_with_secrets() {
    let good = content(4000, 1);
    let object = Object::new(good.clone());
    let server = Raw::start(move |request| {
        let path = request.target.split('?').next().unwrap();
        match path {
            "/good" => object.answer(request),
            "/redirect" => {
                Answer::with_body("302 X", "").set("Location", &format!("/good?token={CANARY}-7")).set("Refresh", "0")
            }
            "/loop" => Answer::with_body("302 X", "").set("Location", &format!("/loop?token={CANARY}-8")),
            "/away" => Answer::with_body("302 X", "")
                .set("Location", &format!("http://u:{CANARY}@127.0.0.1:1/x?token={CANARY}-9")),
            "/denied" => echo(Answer::new("403 Forbidden"), request),
            "/missing" => echo(Answer::new("404 Not Found"), request),
            "/busy" => echo(Answer::new("503 Busy").set("Retry-After", "0"), request),
            "/broken" => object.answer(request).set("Content-Range", &format!("bytes {CANARY}")),
            "/reset" => object.answer(request).cut(3, Then::Reset),
            "/silent" => object.answer(request).cut(0, Then::Silence),
            "/changed" => object.answer(request).set("ETag", &format!("\"{}\"", request.number)),
            "/nonsense" => Answer::with_body("200 OK", format!("{{\"nextByte\": \"{CANARY}\"}}")),
            _ => Answer::with_body("200 OK", ""),
        }
    })
    .await;
    let (folder, client) = (Folder::new(), client());
    let paths =
        ["good", "redirect", "loop", "away", "denied", "missing", "busy", "broken", "reset", "silent", "changed"];
    for path in paths {
        let url = query(&server.url(&format!("/{path}")));
        let describe = download(&url, 1000).headers(headers()).unwrap().deadlines(impatient());
        let describe = describe.retry(quick().with_retries(1));
        assert!(!has_canary(&format!("{describe:?}")), "{path}: the description: {describe:?}");
        let text = shown(&client, describe.to(folder.join(path))).await;
        assert!(!has_canary(&text), "download of {path}: {text}");
    }
    for path in ["take", "redirect", "denied", "busy", "reset", "silent", "nonsense"] {
        let url = query(&server.url(&format!("/{path}")));
        let describe = Upload::new(&url, "name").unwrap().headers(headers()).unwrap().deadlines(impatient());
        let describe = describe.retry(quick().with_retries(1)).part_size(PartSize::Bytes(1500));
        assert!(!has_canary(&format!("{describe:?}")), "{path}: the description: {describe:?}");
        let text = shown(&client, describe.from_bytes(good.clone())).await;
        assert!(!has_canary(&text), "upload to {path}: {text}");
        let put = Upload::put(&url).unwrap().headers(headers()).unwrap().retry(quick().with_retries(1));
        let text = shown(&client, put.deadlines(impatient()).from_bytes(good.clone())).await;
        assert!(!has_canary(&text), "put to {path}: {text}");
    }

    // What lies on the disk in the middle of a download.
    let slow = Raw::object(Object::new(good.clone()), |request, right| {
        if request.range().is_some_and(|(start, _)| start >= 2000) { right.cut(0, Then::Silence) } else { right }
    })
    .await;
    let half = download(&query(&slow.url("/half")), 1000).headers(headers()).unwrap().recheck(true);
    let transfer = client.submit(half.to(folder.join("half"))).await.unwrap();
    until("half of it is there", || transfer.progress().acknowledged >= 2000).await;
    transfer.pause().await.unwrap();
    until("it is paused", || matches!(transfer.status(), longhaul::State::Paused(_))).await;
    let kept = left_in(&folder);
    assert!(kept.contains("journal"), "{:?}", folder.names());
    assert!(!has_canary(&kept), "kept: {:?}", folder.names());
    client.close().await;
}

async fn k2_urls_that_are_refused_are_shown_without_query_and_userinfo() {
    let urls = [
        format!("ftp://user:{CANARY}@host/x?sig={CANARY}"),
        format!("http://user:{CANARY}@/x?sig={CANARY}"),
        format!("http://host:99999/x?sig={CANARY}"),
        format!("http://ho st/x?sig={CANARY}"),
        format!("http://host/x?sig={CANARY}\r\nX: y"),
        format!("//host/x?sig={CANARY}"),
        format!("?sig={CANARY}"),
        format!("http://user:{CANARY}@host/x#f"),
    ];
    for url in urls {
        let errors = [Download::new(&url).map(drop), Upload::new(&url, "n").map(drop), Upload::put(&url).map(drop)];
        for error in errors.into_iter().filter_map(Result::err) {
            assert!(!has_canary(&format!("{error} {error:?}")), "{error:?}");
            assert!(!error.what.is_empty() && !error.remedy.is_empty());
        }
    }
}

async fn k3_names_with_control_characters_are_refused_before_anything_is_sent() {
    for bad in ["a\r\nX-Injected: 1", "a\nb", "a\rb", "a\0b"] {
        assert!(Headers::new().with("X-Name", bad).is_err(), "{bad:?}");
        assert!(Headers::new().with(bad, "value").is_err(), "{bad:?}");
        assert!(Upload::new("http://127.0.0.1:1/", bad).is_err(), "{bad:?}");
        let upload = Upload::new("http://127.0.0.1:1/", "fine").unwrap();
        assert!(upload.category(bad).is_err(), "{bad:?}");
    }
}

async fn k3_no_name_a_server_suggests_leaves_the_folder() {
    let names = [
        r#"attachment; filename="../../escape""#,
        r#"attachment; filename="..\\..\\escape""#,
        r#"attachment; filename="/etc/escape""#,
        r#"attachment; filename="C:\\escape""#,
        r#"attachment; filename="sub/escape""#,
        r#"attachment; filename="..""#,
        r#"attachment; filename=".""#,
        r#"attachment; filename="""#,
        r#"attachment; filename="~/escape""#,
        r#"attachment; filename*=UTF-8''..%2f..%2fescape"#,
        r#"attachment; filename*=UTF-8''%2e%2e%2fescape"#,
        r#"attachment; filename*=UTF-8''nul%00escape"#,
        r#"attachment; filename*=UTF-8''line%0d%0aescape"#,
        r#"attachment; filename="CON""#,
        r#"attachment; filename=".hidden""#,
        r#"attachment; filename="-rf""#,
    ];
    let good = content(300, 1);
    for name in names {
        let server =
            Raw::object(Object::new(good.clone()), move |_, right| right.set("Content-Disposition", name)).await;
        let outer = Folder::new();
        let inner = outer.join("deep/er");
        std::fs::create_dir_all(&inner).unwrap();
        let done = run(&client(), download(&server.url("/fallback.bin"), 1000).to_folder(&inner)).await;
        match done {
            Ok(done) => {
                let path = std::path::PathBuf::from(done.path.unwrap());
                assert_eq!(path.parent().unwrap(), inner, "{name}: {path:?}");
                assert_eq!(std::fs::read(&path).unwrap(), good);
                assert_eq!(std::fs::read_dir(&inner).unwrap().count(), 1, "{name}");
                let file = path.file_name().unwrap().to_str().unwrap();
                assert!(!file.starts_with('.') && !file.chars().any(char::is_control), "{name}: {file:?}");
            }
            Err(error) => assert!(matches!(error, Error::Disk(_) | Error::Server(_)), "{name}: {error:?}"),
        }
        assert_eq!(outer.names(), ["deep"], "{name}");
        assert_eq!(std::fs::read_dir(outer.join("deep")).unwrap().count(), 1, "{name}");
    }
    // The URL's own name is no better.
    for path in ["/..%2f..%2fescape", "/%2e%2e", "/a%00b", "/", "/..;/x/"] {
        let server = Raw::object(Object::new(good.clone()), |_, right| right).await;
        let outer = Folder::new();
        let inner = outer.join("deep");
        std::fs::create_dir(&inner).unwrap();
        let Ok(job) = Download::new(&server.url(path)) else { continue };
        let outcome = run(&client(), job.retry(quick()).to_folder(&inner)).await;
        assert_eq!(outer.names(), ["deep"], "{path}: {outcome:?}");
        let inside = std::fs::read_dir(&inner).unwrap().count();
        assert_eq!(inside, usize::from(outcome.is_ok()), "{path}: {outcome:?}");
    }
}

support::adapters::on_every_adapter!(
    k1_k2_no_secret_is_in_anything_that_can_be_shown_traced_or_kept,
    k2_urls_that_are_refused_are_shown_without_query_and_userinfo,
    k3_names_with_control_characters_are_refused_before_anything_is_sent,
    k3_no_name_a_server_suggests_leaves_the_folder,
);
