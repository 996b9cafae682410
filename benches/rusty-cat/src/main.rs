//! rusty-cat doing the jobs of `side_by_side`: `rusty-cat JOB`, with a [`Job`] in words. Uploads by its provider-neutral plan of presigned
//! parts, which need no signature here.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use longhaul_benches::Failure;
use longhaul_benches::job::{self, Job, PART, parts};
use rusty_cat::api::{
    DownloadPounceBuilder, MeowClient, MeowConfig, PounceTask, PresignedMultipartUpload, PresignedMultipartUploadPlan,
    PresignedUploadPart, UploadPounceBuilder,
};

#[tokio::main]
async fn main() -> ExitCode {
    // The client asks for it, for plain HTTP too; where somebody was first, that is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let words: Vec<String> = std::env::args().skip(1).collect();
    job::end("rusty-cat", async { run(Job::parse(&words)?).await }.await)
}

async fn run(job: Job) -> Result<(), Failure> {
    match job {
        Job::Down { ca: Some(_), .. } | Job::Up { ca: Some(_), .. } => Err("measured without TLS only".into()),
        Job::Down { url, file, parts, .. } => all(vec![down(&url, &file, parts)], 1).await,
        Job::Up { file, endpoint, parts, .. } => {
            let url = |number| format!("{endpoint}/bucket/object?partNumber={number}&uploadId=u");
            all(vec![up(&file, parts, url)?], 1).await
        }
        Job::ManyDown { list, at_once } => {
            all(list.into_iter().map(|(url, file)| down(&url, &file, 1)).collect(), at_once).await
        }
        Job::ManyUp { list, at_once } => {
            let tasks: Result<_, Failure> =
                list.into_iter().map(|(url, file): (String, PathBuf)| up(&file, 1, |_| url.clone())).collect();
            all(tasks?, at_once).await
        }
    }
}

fn down(url: &str, file: &Path, parts: usize) -> PounceTask {
    DownloadPounceBuilder::new("object", file, PART, url).with_max_parts_in_flight(parts).build()
}

fn up(file: &Path, at_once: usize, url: impl Fn(u64) -> String) -> Result<PounceTask, Failure> {
    let len = file.metadata()?.len();
    let all =
        (1..).zip(parts(len)).map(|(number, (offset, len))| PresignedUploadPart::put(number, offset, len, url(number)));
    let plan = PresignedMultipartUploadPlan::new(len, PART, all.collect());
    let task = UploadPounceBuilder::new("object", file, PART)
        .with_url(url(1))
        .with_breakpoint_upload(Arc::new(PresignedMultipartUpload::new(plan)))
        .with_max_parts_in_flight(at_once);
    Ok(task.build()?)
}

async fn all(tasks: Vec<PounceTask>, at_once: usize) -> Result<(), Failure> {
    let config = MeowConfig::builder().max_download_concurrency(at_once).max_upload_concurrency(at_once).build()?;
    let client = MeowClient::new(config);
    let one = |task| async { client.enqueue_and_wait(task, |_| {}).await.map(drop) };
    let done: Result<(), _> = stream::iter(tasks).map(one).buffer_unordered(at_once).try_collect().await;
    client.close().await?;
    Ok(done?)
}
