//! A backend that issues presigned plans for S3, OSS or Azure over HTTP, and a client that uploads and downloads by them without
//! ever having a key.
//!
//! As it is, it starts a small Azure of its own. With arguments it goes to a real server by plain http, with the keys from the
//! environment: `cargo run --example presigned -- s3 bucket` (`oss bucket`, `az container`), see cli/README.md for the variables.
#![allow(clippy::print_stdout, reason = "an example speaks")]

#[allow(dead_code, reason = "the client here has nothing but URLs")]
#[path = "../support/azure.rs"]
mod azure;
mod backend;
#[path = "../../tests/support/mod.rs"]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "the tests' own")]
mod support;

use std::error::Error;
use std::sync::Arc;

use azure::Azure;
use backend::Backend;
use longhaul::core::plan::Hosts;
use longhaul::core::plan::PlainHttp;
use longhaul::presigned::{DownloadDraft, Policy, UploadDraft, json};
use longhaul::{Client, Download, Environment, Place, PlannedDownload, PlannedUpload};
use support::raw::{Answer, Raw, Request};

const OBJECT: &str = "reports/2026.bin";
const PART: u64 = 5 << 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let own = Azure::start(OBJECT).await?;
    let backend = Arc::new(choose(&args, &own)?);
    let api = Raw::start(move |request| answer(&backend, request)).await;

    // From here on there are URLs, and no keys.
    let (client, folder) = (longhaul::client()?, tempfile::tempdir()?);
    let (source, copy) = (folder.path().join("report.bin"), folder.path().join("copy.bin"));
    let content: Vec<u8> = (0..12u32 << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(&source, &content)?;
    // The stores that this backend works with.
    let policy = Policy::new(Hosts::Any).with_plain_http(PlainHttp::Loopback);

    let begin = api.url(&format!("/upload?size={}&part={PART}", content.len()));
    let plan = json::upload_draft(&fetch(&client, &begin).await?)?;
    let id = plan.upload_id.clone().unwrap_or_default();
    let (asking, again) = (client.clone(), format!("{begin}&id={}", longhaul_sign::encode::component(&id)));
    let upload = PlannedUpload::new(first_part_of(plan), policy.clone()).asking(move |wanted| {
        let numbers: Vec<String> = wanted.parts.iter().map(u64::to_string).collect();
        let (client, url) = (asking.clone(), format!("{again}&parts={}", numbers.join(",")));
        async move {
            println!("fresh URLs for the parts {}", numbers.join(", "));
            let text = fetch(&client, &url).await?;
            json::upload_draft(&text).map_err(|error| error.to_string())
        }
    });
    let done = client.submit(upload.from(&source, folder.path().join("uploads"))?).await?.await?;
    println!("{} bytes up", done.total);

    let link: DownloadDraft = json::download_draft(&fetch(&client, &api.url("/download")).await?)?;
    let done = client.submit(PlannedDownload::new(link, policy).to(&copy)?).await?.await?;
    println!("{} bytes down, the same: {}", done.total, std::fs::read(&copy)? == content);
    client.close().await;
    Ok(())
}

/// As if the backend had issued but one URL: the others are asked for.
fn first_part_of(mut plan: UploadDraft) -> UploadDraft {
    plan.parts.truncate(1);
    plan
}

/// What the backend says. It is asked with this library, too.
async fn fetch(client: &Client, url: &str) -> Result<Vec<u8>, String> {
    let (job, memory) = Download::new(url).map_err(|error| error.to_string())?.to_memory(1 << 20);
    let transfer = client.submit(job).await.map_err(|error| error.to_string())?;
    transfer.await.map_err(|error| error.to_string())?;
    Ok(memory.content().unwrap_or_default().to_vec())
}

fn choose(args: &[String], own: &Azure) -> Result<Backend, Box<dyn Error>> {
    let environment = Environment::of_process();
    let bucket = args.get(1).map_or("tbucket", String::as_str);
    let lacks = "the key is missing in the environment";
    Ok(match args.first().map(String::as_str) {
        None => Backend::Azure { container: own.container()?, name: azure::CONTAINER.to_owned(), key: own.key() },
        Some("s3") => Backend::S3 {
            bucket: environment.s3_place(Place::default()).s3_bucket(bucket)?,
            key: environment.s3_access()?.key().ok_or(lacks)?.clone(),
        },
        Some("oss") => Backend::Oss {
            bucket: environment.oss_place(Place::default()).oss_bucket(bucket)?,
            key: environment.oss_access()?.key().ok_or(lacks)?.clone(),
        },
        Some(_) => {
            let place = environment.azure_place(Place::default());
            let longhaul::azblob::Access::Key(key) = environment.azure_access(&place)? else {
                return Err(lacks.into());
            };
            Backend::Azure { container: place.azure_container(bucket)?, name: bucket.to_owned(), key: (*key).clone() }
        }
    })
}

/// The backend's own protocol: `/upload?size=…&part=…[&id=…&parts=1,2]` and `/download`. A real one asks who it is first.
fn answer(backend: &Backend, request: &Request) -> Answer {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let value = |name: &str| {
        let pair = longhaul_sign::encode::query_pairs(query).find(|(known, _)| *known == name)?;
        String::from_utf8(longhaul_sign::encode::decode_query(pair.1).ok()?).ok()
    };
    let number = |name: &str| value(name).and_then(|text| text.parse().ok()).unwrap_or(0);
    let parts: Vec<u64> =
        value("parts").unwrap_or_default().split(',').filter_map(|number| number.parse().ok()).collect();
    let text = if path == "/upload" {
        let id = value("id");
        let open = id.as_deref().map(|id| (id, &*parts));
        backend.upload(OBJECT, number("size"), number("part").max(1), open).map(|plan| serde_json::to_string(&plan))
    } else {
        backend.download(OBJECT).map(|plan| serde_json::to_string(&plan))
    };
    match text {
        Ok(Ok(text)) => Answer::with_body("200 OK", text).set("Cache-Control", "no-store"),
        _ => Answer::with_body("500 Internal Server Error", "no plan could be issued"),
    }
}
