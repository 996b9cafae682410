//! Uploads by the default protocol against the reference server and its faults: what arrives is what the source held, or nothing
//! (U1), nothing is read oftener than needed (U2), no redirect counts as success (U3), and the wire is as servers know it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use std::fs::File;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use longhaul::driver::memory::MemorySource;
use longhaul::http::Headers;
use longhaul::tokio::{FileSource, TokioRuntime};
use longhaul::{
    Algorithm, Client, ClientConfig, Error, EventKind, FileFaultKind, Job, PartSize, ServerFaultKind, Upload,
};
use longhaul_serve::{Fault, What, When};
use support::raw::{Answer, Raw, Request};
use support::watch::Watched;
use support::{Folder, Reference, client, content, digest, impatient, quick, run, run_told, until, within};
use tokio::io::{AsyncRead, ReadBuf};

const LEN: usize = 1_000_000;
const PART: u64 = 100_000;

fn upload(url: &str) -> Upload {
    Upload::new(url, "stored.bin").unwrap().retry(quick()).part_size(PartSize::Bytes(PART))
}

fn stored(server: &Reference) -> Option<Vec<u8>> {
    std::fs::read(server.folder.join("up/stored.bin")).ok()
}

async fn reference() -> Reference {
    Reference::start(&[], |config| config).await
}

async fn an_upload_arrives_whole_with_a_receipt_and_every_byte_sent_once() {
    let server = reference().await;
    let folder = Folder::new();
    let source = folder.file("source", &content(LEN, 1));
    let (outcome, _, transfer) = run_told(&client(), upload(&server.url("up/")).from(&source)).await;
    let done = outcome.unwrap();
    assert_eq!(stored(&server), Some(content(LEN, 1)));
    assert_eq!(done.total, LEN as u64);
    assert_eq!(done.receipt.id.as_deref(), Some("/up/stored.bin"));
    let (progress, stats) = (transfer.progress(), server.running.stats());
    assert_eq!((progress.acknowledged, progress.moved, progress.resent), (LEN as u64, LEN as u64, 0));
    assert_eq!((stats.content_stored, stats.content_resent()), (LEN as u64, 0));
    assert_eq!(stats.requests["POST"], 1 + (LEN as u64).div_ceil(PART), "prepare and the chunks");
}

async fn p4_an_empty_object_goes_up_and_comes_down() {
    let server = reference().await;
    let folder = Folder::new();
    let source = folder.file("source", b"");
    let client = client();
    let done = run(&client, upload(&server.url("up/")).from(&source)).await.unwrap();
    assert_eq!((done.total, stored(&server)), (0, Some(Vec::new())));
    assert_eq!(server.running.stats().requests["POST"], 1, "prepare completes it, no chunk is sent");
    let job = longhaul::Download::new(&server.url("up/stored.bin")).unwrap().to(folder.join("back"));
    assert_eq!(run(&client, job).await.unwrap().total, 0);
    assert_eq!(std::fs::read(folder.join("back")).unwrap(), b"");
}

/// The bytes of a form field, told apart by its name.
fn fields(request: &Request) -> Vec<(String, Vec<u8>)> {
    let kind = request.header("content-type").unwrap();
    let boundary = format!("--{}", kind.split_once("boundary=").unwrap().1.trim_matches('"'));
    let body = &request.body;
    let find = |from: usize, what: &[u8]| {
        body[from..].windows(what.len()).position(|window| window == what).map(|at| from + at)
    };
    let mut found = Vec::new();
    let mut at = find(0, boundary.as_bytes()).unwrap() + boundary.len();
    while body[at..].starts_with(b"\r\n") {
        let head_end = find(at, b"\r\n\r\n").unwrap();
        let head = std::str::from_utf8(&body[at + 2..head_end]).unwrap().to_owned();
        let end = find(head_end + 4, format!("\r\n{boundary}").as_bytes()).unwrap();
        found.push((head, body[head_end + 4..end].to_vec()));
        at = end + 2 + boundary.len();
    }
    assert!(body[at..].starts_with(b"--"), "the last boundary closes the form");
    found
}

async fn the_wire_is_what_servers_of_the_protocol_know() {
    let good = content(250, 1);
    let server = Raw::start(|request| {
        let last = fields(request).iter().any(|(head, value)| head.contains("\"offset\"") && value == b"200");
        let answer = if last { r#"{"fileId":"f-1","other":[1]}"# } else { "" };
        Answer::with_body("201 Created", answer)
    })
    .await;
    let headers = Headers::new().with("X-Tenant", "seven").unwrap();
    let job = Upload::new(&server.url("/take/it?key=value"), "näme \"1\".bin")
        .unwrap()
        .headers(headers)
        .unwrap()
        .category("books")
        .unwrap()
        .part_size(PartSize::Bytes(100))
        .from_bytes(good.clone());
    let done = run(&client(), job).await.unwrap();
    assert_eq!(done.receipt.id.as_deref(), Some("f-1"));

    let log = server.log();
    assert_eq!(log.len(), 4, "prepare and three chunks");
    let md5 = digest(Algorithm::Md5, &good).hex();
    for (at, request) in log.iter().enumerate() {
        assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/take/it?key=value"));
        assert_eq!(request.header("x-tenant"), Some("seven"));
        assert!(request.header("transfer-encoding").is_none(), "never chunked");
        let length: usize = request.header("content-length").unwrap().parse().unwrap();
        assert_eq!(length, request.body.len());
        let names: Vec<_> = fields(request)
            .iter()
            .map(|(head, _)| head.split("name=\"").nth(1).unwrap().split('"').next().unwrap().to_owned())
            .collect();
        let value = |name: &str| {
            let sought = format!("name=\"{name}\"");
            let field = fields(request).into_iter().find(|(head, _)| head.contains(&sought)).unwrap();
            field.1
        };
        let text = |name: &str| String::from_utf8(value(name)).unwrap();
        assert_eq!((text("fileMd5"), text("category"), text("totalSize")), (md5.clone(), "books".into(), "250".into()));
        assert_eq!(text("fileName"), "näme \"1\".bin");
        if at == 0 {
            assert_eq!(names, ["fileMd5", "fileName", "category", "totalSize"]);
            continue;
        }
        assert_eq!(names, ["file", "fileMd5", "fileName", "category", "offset", "partSize", "totalSize"]);
        let offset: usize = text("offset").parse().unwrap();
        assert_eq!(offset, (at - 1) * 100, "strictly one after another");
        let end = (offset + 100).min(250);
        assert_eq!(text("partSize"), (end - offset).to_string());
        assert_eq!(value("file"), good[offset..end]);
        let (head, _) = fields(request).swap_remove(0);
        assert!(head.contains("filename=\"upload_chunk_data\""), "{head}");
        assert!(head.to_ascii_lowercase().contains("content-type: application/octet-stream"), "{head}");
        for (head, _) in &fields(request)[1..] {
            assert!(!head.to_ascii_lowercase().contains("content-type"), "{head}");
        }
    }
}

/// Overwrites bytes in place and gives the file its former time.
fn edit_unnoticed(path: &Path, at: u64) {
    let modified = std::fs::metadata(path).unwrap().modified().unwrap();
    support::overwrite(path, at, b"EDITED");
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(modified).unwrap();
    file.sync_all().unwrap();
}

async fn u1_a_source_edited_under_way_with_size_and_time_kept_is_never_stored_as_a_mixture() {
    // The edit comes before the read of one chunk or another.
    for verify in [true, false] {
        for chunk in [0, 1, 5, 9] {
            let server = Reference::start(&[], |config| config.verify(verify)).await;
            let folder = Folder::new();
            let path = folder.file("source", &content(LEN, 1));
            let edited = AtomicBool::new(false);
            let victim = path.clone();
            let source = Watched::new(FileSource::new(&path)).before_read(move |offset| {
                if offset >= chunk * PART && !edited.swap(true, Ordering::SeqCst) {
                    // In what was sent and in what is still to be sent.
                    edit_unnoticed(&victim, 10);
                    edit_unnoticed(&victim, 999_000);
                }
            });
            let job = upload(&server.url("up/")).from_storage(Arc::new(source), "source");
            let outcome = run(&client(), job).await;
            let case = format!("server verifies: {verify}, before chunk {chunk}");
            let versions = [content(LEN, 1), std::fs::read(&path).unwrap()];
            match (outcome, stored(&server)) {
                (Ok(_), Some(there)) => assert!(versions.contains(&there), "{case}: a mixture counts as a success"),
                (Ok(_), None) => panic!("{case}: a success that is not there"),
                (Err(_), Some(there)) => assert!(versions.contains(&there), "{case}: a mixture is published"),
                (Err(error), None) => assert!(
                    matches!(&error, Error::Disk(fault) if fault.kind == FileFaultKind::Changed)
                        || matches!(&error, Error::Server(_)),
                    "{case}: {error:?}"
                ),
            }
        }
    }
}

async fn u1_a_source_truncated_or_replaced_under_way_fails_as_changed() {
    type Harm = fn(&Path);
    let harms: [(&str, Harm); 3] = [
        ("truncated", |path| File::options().write(true).open(path).unwrap().set_len(300_000).unwrap()),
        ("emptied", |path| std::fs::write(path, b"").unwrap()),
        ("grown and edited", |path| {
            let mut bytes = content(LEN, 3);
            bytes.extend_from_slice(b"more");
            std::fs::write(path, bytes).unwrap();
        }),
    ];
    for (what, harm) in harms {
        let server = reference().await;
        let folder = Folder::new();
        let path = folder.file("source", &content(LEN, 1));
        let done = AtomicBool::new(false);
        let victim = path.clone();
        let source = Watched::new(FileSource::new(&path)).before_read(move |offset| {
            if offset >= 4 * PART && !done.swap(true, Ordering::SeqCst) {
                harm(&victim);
            }
        });
        let error =
            run(&client(), upload(&server.url("up/")).from_storage(Arc::new(source), "source")).await.expect_err(what);
        let changed = matches!(&error, Error::Disk(fault) if fault.kind == FileFaultKind::Changed);
        assert!(changed || matches!(error, Error::Server(_)), "{what}: {error:?}");
        assert_eq!(stored(&server), None, "{what}");
    }
}

async fn u2_the_source_is_read_once_to_know_it_and_once_to_send_it() {
    let server = reference().await;
    let source = Watched::new(MemorySource::new(content(LEN, 1)));
    let counts = Arc::clone(&source.counts);
    run(&client(), upload(&server.url("up/")).from_storage(Arc::new(source), "source")).await.unwrap();
    assert_eq!(counts.digested.load(Ordering::SeqCst), LEN as u64, "the protocol's MD5, once");
    assert_eq!(counts.read.load(Ordering::SeqCst), LEN as u64, "each byte sent is read once");

    // A single PUT asks for no digest: nothing is hashed.
    let taken = Raw::start(|_| Answer::with_body("201 Created", "")).await;
    let source = Watched::new(MemorySource::new(content(LEN, 1)));
    let counts = Arc::clone(&source.counts);
    let put = Upload::put(&taken.url("/dav/x")).unwrap();
    run(&client(), put.from_storage(Arc::new(source), "source")).await.unwrap();
    assert_eq!(counts.digested.load(Ordering::SeqCst), 0);
    assert_eq!(counts.read.load(Ordering::SeqCst), LEN as u64);
    assert_eq!(taken.log()[0].body, content(LEN, 1));
}

async fn u3_redirects_of_uploads_are_never_a_success_and_never_followed() {
    let elsewhere = Raw::start(|_| Answer::with_body("200 OK", "")).await;
    for status in [301, 302, 303, 307, 308] {
        // On prepare, on the second chunk, and of a single PUT.
        for which in [0, 2, usize::MAX] {
            let location = elsewhere.url("/landed");
            let server = Raw::start(move |request| {
                if request.number == which || which == usize::MAX {
                    Answer::with_body(&format!("{status} Elsewhere"), "").set("Location", &location)
                } else {
                    Answer::with_body("200 OK", "")
                }
            })
            .await;
            let job = if which == usize::MAX {
                Upload::put(&server.url("/x?sig=canary")).unwrap().from_bytes(content(LEN, 1))
            } else {
                upload(&server.url("/up?sig=canary")).from_bytes(content(LEN, 1))
            };
            let error = run(&client(), job).await.expect_err("a redirect is no success");
            let Error::Server(fault) = &error else { panic!("{status} {which}: {error:?}") };
            assert_eq!((fault.kind, fault.status), (ServerFaultKind::Redirected, Some(status)), "{error}");
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }
    assert_eq!(elsewhere.connections(), 0, "nothing was sent there");
}

/// An upload with these faults; gives what happened and the server.
async fn with_faults(faults: Vec<Fault>) -> (Vec<EventKind>, longhaul::Progress, Reference) {
    let server = reference().await;
    server.faults(faults.clone());
    let job = upload(&server.url("up/")).deadlines(impatient()).from_bytes(content(LEN, 1));
    let (outcome, told, transfer) = run_told(&client(), job).await;
    assert!(outcome.is_ok(), "{faults:?}: {outcome:?}");
    assert_eq!(stored(&server), Some(content(LEN, 1)), "{faults:?}");
    let progress = transfer.progress();
    assert_eq!(progress.acknowledged, LEN as u64, "{faults:?}");
    assert!(server.running.stats().faults.values().sum::<u64>() > 0, "{faults:?}: no fault happened");
    (told, progress, server)
}

async fn uploads_survive_every_fault_of_the_server_and_store_what_the_source_held() {
    let mut kinds = vec![
        What::Status { code: 503, retry_after: None },
        What::Status { code: 500, retry_after: None },
        What::Status { code: 408, retry_after: None },
        What::Status { code: 429, retry_after: None },
        What::CloseAfterAnswer,
        What::DropAnswer,
    ];
    for bytes in [0, 1, PART / 2, PART - 1, PART] {
        kinds.extend([What::ResetAfter { bytes }, What::CloseAfter { bytes }]);
    }
    for what in kinds {
        // The prepare, a chunk in the middle, the last chunk.
        for nth in [1, 6, 11] {
            if nth == 1 && matches!(what, What::ResetAfter { bytes } | What::CloseAfter { bytes } if bytes > 1) {
                continue;
            }
            let (_, progress, server) = with_faults(vec![Fault::new(When::Nth(nth), what.clone())]).await;
            let again = server.running.stats().content_again;
            let lost = matches!(what, What::DropAnswer);
            assert!(again <= if lost { PART } else { 0 }, "{what:?} {nth}: {again} bytes stored twice");
            assert!(progress.resent <= PART + 64 * 1024, "{what:?} {nth}: {progress:?}");
        }
    }
}

async fn r1_a_server_that_falls_silent_in_an_upload_is_left_and_the_rest_goes_on() {
    let each = [0, 1, PART / 2, PART - 1]
        .map(|bytes| with_faults(vec![Fault::new(When::Nth(6), What::StallAfter { bytes }).method("POST")]));
    for (told, ..) in futures::future::join_all(each).await {
        assert!(told.iter().any(|kind| matches!(kind, EventKind::Retrying { .. })), "{told:?}");
    }
}

async fn a_server_that_loses_bytes_gets_them_again() {
    for (nth, keep) in [(3, 0), (6, 250_000), (11, 1), (11, 899_999)] {
        let (_, progress, server) = with_faults(vec![Fault::new(When::Nth(nth), What::LoseBytes { keep })]).await;
        let stats = server.running.stats();
        assert!(stats.content_received >= LEN as u64, "{stats:?}");
        assert_eq!(progress.moved - progress.resent, LEN as u64, "lost at {nth}, kept {keep}: {progress:?}");
    }
}

async fn a_server_that_loses_bytes_for_ever_ends_the_upload() {
    let server = Raw::start(|request| {
        let begins = fields(request).iter().all(|(head, _)| !head.contains("\"offset\""));
        Answer::with_body("200 OK", if begins { "" } else { r#"{"nextByte":0}"# })
    })
    .await;
    let error = run(&client(), upload(&server.url("/up")).from_bytes(content(LEN, 1))).await.unwrap_err();
    assert!(matches!(&error, Error::Server(fault) if fault.kind == ServerFaultKind::Protocol), "{error:?}");
    assert!(server.requests() < 20, "{} requests", server.requests());
}

async fn offsets_beyond_what_was_sent_and_other_nonsense_are_no_success() {
    let answers = [
        r#"{"nextByte":1000001}"#,
        r#"{"nextByte":-1}"#,
        r#"{"nextByte":1.5}"#,
        r#"{"nextByte":"12"}"#,
        "stored, thank you",
        "[]",
        r#"{"fileId":7}"#,
        "{",
    ];
    for answer in answers {
        for on in [0, 1] {
            let server =
                Raw::start(move |request| Answer::with_body("200 OK", if request.number == on { answer } else { "" }))
                    .await;
            let error = run(&client(), upload(&server.url("/up")).from_bytes(content(LEN, 1))).await;
            let error = error.expect_err(answer);
            assert!(matches!(&error, Error::Server(f) if f.kind == ServerFaultKind::Protocol), "{answer}: {error:?}");
            assert_eq!(server.requests(), on + 1, "{answer}: nothing more is sent");
        }
    }
    // Further than what was sent, although within the object.
    let server = Raw::start(|request| {
        Answer::with_body("200 OK", if request.number == 1 { r#"{"nextByte":150000}"# } else { "" })
    })
    .await;
    let error = run(&client(), upload(&server.url("/up")).from_bytes(content(LEN, 1))).await.unwrap_err();
    assert!(matches!(&error, Error::Server(fault) if fault.kind == ServerFaultKind::Protocol), "{error:?}");
}

async fn the_servers_offset_is_the_authority_aligned_or_not() {
    for start in [1, 99_999, 100_000, 555_555, 999_999, 1_000_000] {
        let server = Raw::start(move |request| {
            Answer::with_body(
                "200 OK",
                if request.number == 0 { format!("{{\"nextByte\":{start}}}") } else { String::new() },
            )
        })
        .await;
        let (outcome, _, transfer) = run_told(&client(), upload(&server.url("/up")).from_bytes(content(LEN, 1))).await;
        assert!(outcome.is_ok(), "{start}: {outcome:?}");
        let sent: Vec<u8> = server.log()[1..].iter().flat_map(|request| fields(request).swap_remove(0).1).collect();
        assert_eq!(sent, content(LEN, 1)[start..], "from {start}");
        assert_eq!(transfer.progress().reused, start as u64);
    }
}

fn start_and_drop(server: &Reference, path: &Path, upto: u64) {
    let url = server.url("up/");
    let path = path.to_path_buf();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let transfer = client().submit(upload(&url).from(&path)).await.unwrap();
            until("some of it is stored", || transfer.progress().acknowledged >= upto).await;
        });
        // Everything at once, as near to a kill as a process can be to itself.
        drop(runtime);
    })
    .join()
    .unwrap();
}

async fn u7_uploads_whose_program_goes_away_go_on_where_the_server_is() {
    for upto in [1, 3 * PART, 7 * PART] {
        let server = reference().await;
        server.faults(Fault::new(When::Always, What::Slow { bytes_per_second: 4 << 20 }));
        let folder = Folder::new();
        let source = folder.file("source", &content(LEN, 1));
        tokio::task::block_in_place(|| start_and_drop(&server, &source, upto));
        server.faults(longhaul_serve::Faults::none());
        let before = server.running.stats().content_stored;
        let (outcome, _, transfer) = run_told(&client(), upload(&server.url("up/")).from(&source)).await;
        assert!(outcome.is_ok(), "{outcome:?}");
        assert_eq!(stored(&server), Some(content(LEN, 1)));
        let progress = transfer.progress();
        assert!(progress.reused >= upto.saturating_sub(PART), "{progress:?}");
        assert_eq!(progress.reused + progress.moved, LEN as u64, "{progress:?}");
        let stats = server.running.stats();
        assert!(before >= upto && stats.content_again <= PART, "{stats:?}");
    }
}

/// A reader of unknown length that makes its bytes as they are read.
struct Made {
    at: u64,
    end: u64,
}

impl AsyncRead for Made {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let room = buffer.remaining().min(usize::try_from(self.end - self.at).unwrap()).min(10_000);
        let from = self.at;
        buffer.put_slice(&(from..from + room as u64).map(|at| (at % 251) as u8).collect::<Vec<_>>());
        self.at += room as u64;
        Poll::Ready(Ok(()))
    }
}

async fn c7_streams_and_memory_are_each_a_source_of_their_own() {
    let server = reference().await;
    let client: Client = client();
    let mut jobs: Vec<Job> = Vec::new();
    for n in 0..8 {
        let url = server.url(&format!("up{n}/"));
        let reader = |len| Made { at: 0, end: len };
        jobs.push(upload(&url).from_stream(longhaul::tokio::frames(reader(1000))).paused());
        jobs.push(upload(&url).from_stream(longhaul::tokio::frames(reader(2000))).paused());
        jobs.push(upload(&url).from_bytes(content(10, 1)).paused());
        jobs.push(upload(&url).from_bytes(content(10, 2)).paused());
    }
    for (at, result) in client.submit_all(jobs).await.into_iter().enumerate() {
        assert!(result.is_ok(), "{at}: {result:?}");
    }
}

async fn r5_refusals_of_uploads_end_them_at_once() {
    for status in ["400 X", "401 X", "403 X", "404 X", "405 X", "411 X", "413 X", "415 X", "507 X"] {
        for on in [0, 2] {
            let server =
                Raw::start(move |request| Answer::with_body(if request.number == on { status } else { "200 OK" }, ""))
                    .await;
            let error = run(&client(), upload(&server.url("/up")).from_bytes(content(LEN, 1))).await.expect_err(status);
            let Error::Server(fault) = &error else { panic!("{status}: {error:?}") };
            assert_eq!(fault.status, status[..3].parse().ok(), "{error}");
            assert_eq!(server.requests(), on + 1, "{status}");
        }
    }
}

async fn u3_an_early_refusal_in_the_middle_of_a_body_is_heard() {
    // Answers before the body is read, and closes.
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            assert!(stream.read(&mut [0; 1000]).await.unwrap() > 0);
            let answer = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            stream.write_all(answer).await.unwrap();
            tokio::spawn(async move { while stream.read(&mut [0; 65536]).await.is_ok_and(|read| read > 0) {} });
        }
    });
    let put = Upload::put(&format!("http://{addr}/x")).unwrap().from_bytes(content(8 * LEN, 1));
    let error = within(run(&client(), put)).await.unwrap_err();
    assert!(matches!(&error, Error::Server(fault) if fault.status == Some(413)), "{error:?}");
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

async fn a_success_told_before_the_whole_body_was_sent_is_none() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/object", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut some = [0; 1000];
            assert!(stream.read(&mut some).await.unwrap() > 0);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
            // Reads no further, so that most of the body never leaves.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    });
    let job = Upload::put(&url).unwrap().retry(quick().with_retries(1)).from_bytes(content(64 << 20, 1));
    let error = within(run(&client(), job)).await.expect_err("64 MiB cannot be stored");
    assert!(matches!(error, Error::Network(_)), "{error:?}");
    server.abort();
}

support::adapters::on_every_adapter!(
    an_upload_arrives_whole_with_a_receipt_and_every_byte_sent_once,
    p4_an_empty_object_goes_up_and_comes_down,
    the_wire_is_what_servers_of_the_protocol_know,
    u1_a_source_edited_under_way_with_size_and_time_kept_is_never_stored_as_a_mixture,
    u1_a_source_truncated_or_replaced_under_way_fails_as_changed,
    u2_the_source_is_read_once_to_know_it_and_once_to_send_it,
    u3_redirects_of_uploads_are_never_a_success_and_never_followed,
    uploads_survive_every_fault_of_the_server_and_store_what_the_source_held,
    r1_a_server_that_falls_silent_in_an_upload_is_left_and_the_rest_goes_on,
    a_server_that_loses_bytes_gets_them_again,
    a_server_that_loses_bytes_for_ever_ends_the_upload,
    offsets_beyond_what_was_sent_and_other_nonsense_are_no_success,
    the_servers_offset_is_the_authority_aligned_or_not,
    u7_uploads_whose_program_goes_away_go_on_where_the_server_is,
    c7_streams_and_memory_are_each_a_source_of_their_own,
    r5_refusals_of_uploads_end_them_at_once,
    u3_an_early_refusal_in_the_middle_of_a_body_is_heard,
    a_success_told_before_the_whole_body_was_sent_is_none,
);

/// The other uploads of this suite take the same way where they run on tokio; here it is seen that they do.
#[tokio::test]
async fn the_kernel_sends_what_nobody_looks_at() {
    // In memory, where nothing has to be waited for.
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
    if !mounts.contains(" /dev/shm tmpfs ") {
        return;
    }
    let server = reference().await;
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let source = folder.path().join("source");
    std::fs::write(&source, content(LEN, 1)).unwrap();
    for by_kernel in [true, false] {
        let runtime = Arc::new(TokioRuntime::current().unwrap());
        let transport = support::transport().by_kernel(by_kernel).build(Arc::clone(&runtime) as _).unwrap();
        let config = ClientConfig::default();
        let client = Client::new(config, Arc::new(transport.clone()), Arc::clone(&runtime) as _, runtime);
        run(&client, upload(&server.url("up/")).from(&source)).await.unwrap();
        assert!(stored(&server).unwrap() == content(LEN, 1));
        let sent = transport.sent_by_kernel();
        assert!(if by_kernel { sent >= LEN as u64 * 8 / 10 } else { sent == 0 }, "{sent}");
    }
}
