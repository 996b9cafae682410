//! Every protocol's traces replay: sessions, listings, plans and questions, without the URLs, keys and bodies they were made of.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use longhaul::core::intent::Answer as Reply;
use longhaul::core::layout::PartLimits;
use longhaul::core::plan::{Hosts, PartDraft, PlainHttp, Policy, RequestDraft, UploadDraft};
use longhaul::http::Headers;
use longhaul::s3::{AccessKey, Bucket, Object as S3Name, Rules, S3Download, S3Upload};
use longhaul::{Download, Job, PartSize, PlannedUpload, Upload};
use longhaul_serve::ServeConfig;

use crate::store::{self, Store};
use crate::support::raw::{Answer, Object, Raw, Then};
use crate::support::{Folder, content, download, jobs, quick, run, stores};
use crate::{CANARY, Recorded, replays};

const PART: u64 = 32 << 10;

fn bytes() -> Vec<u8> {
    content(6 * PART as usize + 5, 3)
}

/// Headers whose values are secret.
fn secrets() -> Headers {
    Headers::new().with("Authorization", &format!("Bearer {CANARY}")).unwrap().with("Cookie", CANARY).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k2_a_signed_download_with_headers_a_redirect_and_cookies_replays_and_shows_none_of_them() {
    let object = Object::new(bytes());
    let broken = AtomicBool::new(false);
    let server = Raw::object(object, move |request, answer| {
        let answer = answer.set("Set-Cookie", &format!("id={CANARY}")).set("X-Echo", &format!("{:?}", request.headers));
        match request.number {
            0 => Answer::with_body("307 Temporary Redirect", "").set("Location", &format!("/there?sig={CANARY}")),
            3 => Answer::with_body("503 Service Unavailable", format!("{:?}", request.headers)),
            // By its range, not by its number: the last one is too short to be cut.
            _ if request.range().is_some_and(|(start, _)| start == PART as usize)
                && !broken.swap(true, Ordering::SeqCst) =>
            {
                answer.cut_body(100, Then::Reset)
            }
            _ => answer,
        }
    })
    .await;
    let (recorded, folder) = (Recorded::start(), Folder::new());
    let url = server.url(&format!("/a?X-Amz-Signature={CANARY}")).replace("http://", &format!("http://u:{CANARY}@"));
    let plain = server.url(&format!("/a?X-Amz-Signature={CANARY}"));
    for (job, name) in [(Download::new(&plain).unwrap().headers(secrets()), "a"), (Download::new(&url), "b")] {
        let job = job.unwrap().retry(quick()).part_size(PartSize::Bytes(PART));
        recorded.run(job.to(folder.join(name))).await.unwrap();
    }
    let page = replays(&recorded.close().await);
    assert!(page.contains("Completed") && page.contains("connection broke"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_by_http_replay_whole_and_resumed_and_from_streams() {
    let folder = Folder::new();
    std::fs::create_dir(folder.join("root")).unwrap();
    let config = ServeConfig::new(folder.join("root")).uploads(true);
    let server = longhaul_serve::Server::bind(([127, 0, 0, 1], 0).into(), config).await.unwrap();
    let recorded = Recorded::start();
    let source = folder.file("source", &bytes());
    let url = server.url("upload");
    let upload = || Upload::new(&url, "up.bin").unwrap().retry(quick()).part_size(PartSize::Bytes(PART));
    recorded.run(upload().from(&source)).await.unwrap();
    let frames = futures::stream::iter(bytes().chunks(1000).map(|chunk| Ok(chunk.to_vec().into())).collect::<Vec<_>>());
    recorded.run(Upload::new(&url, "stream.bin").unwrap().from_stream(frames)).await.unwrap();
    let page = replays(&recorded.close().await);
    assert!(page.contains("<h1><bdi>up.bin</bdi></h1>"), "the name that the server was given");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_that_was_stopped_and_resumed_replays_both_times_and_shows_what_was_reused() {
    let (folder, gate) = (Folder::new(), Arc::new(AtomicUsize::new(0)));
    let open = Arc::clone(&gate);
    let server = Raw::object(Object::new(bytes()), move |request, answer| {
        let late = request.range().is_some_and(|(start, _)| start >= 3 * PART as usize);
        if late && open.load(Ordering::SeqCst) == 0 { answer.cut_body(10, Then::Silence) } else { answer }
    })
    .await;
    let target = folder.join("a");
    let first = Recorded::start();
    let transfer = first.client.submit(download(&server.url("/a"), PART).to(&target)).await.unwrap();
    crate::support::until("three parts", || transfer.progress().acknowledged >= 3 * PART).await;
    let trace = first.close().await;
    drop(transfer);
    assert!(replays(&trace).contains("Stopped"));

    gate.store(1, Ordering::SeqCst);
    let second = Recorded::start();
    second.run(download(&server.url("/a"), PART).to(&target)).await.unwrap();
    let page = replays(&second.close().await);
    assert!(page.contains("were left by an earlier run"), "{page}");
}

fn s3(server: &Raw, key: &str, access: AccessKey) -> S3Name {
    let rules = Rules::AMAZON.with_parts(PartLimits::new(PART, 5 << 30, 10_000, 1 << 40));
    let bucket =
        Bucket::at(&format!("http://{}", server.addr), store::REGION, store::BUCKET).unwrap().with_rules(rules);
    S3Name::new(bucket, key, Arc::new(access)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_to_s3_replay_with_refusals_resumed_and_with_fresh_keys_asked_for() {
    let store = Store::new(PART as usize);
    let times = AtomicUsize::new(0);
    let server = store
        .serve(move |request, answer| {
            let part = request.method == "PUT" && request.target.contains("partNumber=");
            match times.fetch_add(usize::from(part), Ordering::SeqCst) {
                1 if part => store::error(503, "SlowDown", ""),
                3 if part => store::error(403, "ExpiredToken", ""),
                _ => answer,
            }
        })
        .await;
    let recorded = Recorded::start();
    let fresh = s3(&server, "a", store::access());
    let upload = S3Upload::new(s3(&server, "a", store::access())).single_up_to(PART - 1).refreshable(true);
    let job = jobs::from_bytes(upload, &bytes(), PART).with_refresher(move |_| {
        let upload = S3Upload::new(fresh.clone()).single_up_to(PART - 1).refreshable(true);
        Box::pin(async move { Reply::Provider(Arc::new(upload)) })
    });
    recorded.run(job).await.unwrap();
    let down = S3Download::new(s3(&server, "a", store::access())).unwrap();
    let folder = Folder::new();
    recorded.run(jobs::to_file(down, &folder.join("a"), PART)).await.unwrap();
    // Refused for good.
    let wrong = S3Upload::new(s3(&server, "b", AccessKey::new("TESTAK", &*format!("{CANARY}-wrong"))));
    recorded.run(jobs::from_bytes(wrong, &bytes(), PART)).await.unwrap_err();
    let trace = recorded.close().await;
    let page = replays(&trace);
    assert!(page.contains("SlowDown") && page.contains("What to do"));
    let text = String::from_utf8(trace).unwrap();
    assert!(text.contains("\"session\":\"session#1\""), "the upload's id has a name of its own");
    for id in ["uploadId", "canary-secret", "Signature=", "X-Amz"] {
        assert!(!text.contains(id), "{id}");
    }
}

/// The same against a server of somebody else's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_trip_through_moto_replays() {
    let endpoint = stores::endpoint("S3", "moto");
    let recorded = Recorded::start();
    let bucket = || Bucket::at(&endpoint, "us-east-1", store::BUCKET).unwrap();
    let name = || S3Name::new(bucket(), "traced", Arc::new(AccessKey::new("TESTAK", CANARY))).unwrap();
    let bytes = content((11 << 20) + 7, 4);
    recorded.run(jobs::from_bytes(S3Upload::new(name()).single_up_to(1), &bytes, 5 << 20)).await.unwrap();
    let folder = Folder::new();
    recorded.run(jobs::to_file(S3Download::new(name()).unwrap(), &folder.join("a"), 3 << 20)).await.unwrap();
    assert!(std::fs::read(folder.join("a")).unwrap() == bytes);
    replays(&recorded.close().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_by_a_presigned_plan_that_asks_for_more_replays() {
    let server = Raw::start(|request| {
        let answer = Answer::with_body("200 OK", "").set("ETag", &format!("\"{}\"", request.number));
        match request.number {
            2 => Answer::with_body(
                "403 Forbidden",
                "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>",
            ),
            _ => answer,
        }
    })
    .await;
    let base = server.url("/bucket/key");
    let total = bytes().len() as u64;
    let draft = move |numbers: &[u64]| UploadDraft {
        upload_id: Some(format!("id-{CANARY}")),
        total_size: total,
        part_size: PART,
        parts: numbers
            .iter()
            .map(|&number| PartDraft {
                number,
                offset: (number - 1) * PART,
                size: PART.min(total - (number - 1) * PART),
                url: format!("{base}?partNumber={number}&uploadId=id-{CANARY}&sig={CANARY}"),
                headers: [("x-amz-meta".to_owned(), CANARY.to_owned())].into(),
                ..PartDraft::default()
            })
            .collect(),
        complete: Some(RequestDraft {
            url: format!("{base}?uploadId=id-{CANARY}&sig={CANARY}"),
            ..RequestDraft::default()
        }),
        ..UploadDraft::default()
    };
    let policy = Policy::new(Hosts::Any).with_plain_http(PlainHttp::Loopback).refreshable(true).with_batch(2, 1);
    let upload = PlannedUpload::new(draft(&[1, 2]), policy).asking(move |wanted| {
        let fresh = draft(if wanted.parts.is_empty() { &[1] } else { &wanted.parts });
        async move { Ok(fresh) }
    });
    let recorded = Recorded::start();
    let mut job: Job = upload.from_bytes(bytes()).unwrap();
    job.spec_mut().retry = quick();
    recorded.run(job).await.unwrap();
    assert!(server.requests() >= 8, "seven parts and the end");
    replays(&recorded.close().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_streams_and_duplicates_replay() {
    use futures::StreamExt;
    let server = Raw::object(Object::new(bytes()), |_, answer| answer).await;
    let (recorded, folder) = (Recorded::start(), Folder::new());
    let url = server.url("/a");
    let (job, mut reader) = download(&url, PART).to_stream(2 * PART);
    let transfer = recorded.client.submit(job).await.unwrap();
    let mut read = Vec::new();
    while let Some(Ok(some)) = reader.next().await {
        read.extend_from_slice(&some);
    }
    assert!(read == bytes());
    transfer.await.unwrap();
    let paused = recorded.client.submit(download(&url, PART).to(folder.join("b")).paused()).await.unwrap();
    assert!(recorded.client.submit(download(&url, PART).to(folder.join("b"))).await.is_err(), "a duplicate");
    paused.set_weight(3.try_into().unwrap()).await.unwrap();
    recorded.client.set_limits(longhaul::Limits::default()).await;
    paused.resume().await.unwrap();
    let _ = paused.pause().await;
    let _ = paused.resume().await;
    let cancelled = recorded.client.submit(download(&url, PART).to(folder.join("c"))).await.unwrap();
    let _ = cancelled.cancel().await;
    assert!(run(&recorded.client, download(&url, PART).to(folder.join("d"))).await.is_ok());
    let _ = crate::support::within(paused).await;
    let _ = crate::support::within(cancelled).await;
    let page = replays(&recorded.close().await);
    assert!(page.contains("4 transfers") || page.contains("transfers</title>"));
}
