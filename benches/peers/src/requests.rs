//! reqwest: a task for each of so many requests at once, and what its answers bring written as it comes.

use futures::{StreamExt, TryStreamExt, stream};
use longhaul_benches::Failure;
use longhaul_benches::files::Shared;
use longhaul_benches::job::{Job, parts};
use reqwest::header::{CONTENT_LENGTH, RANGE};
use reqwest::{Certificate, Client};

pub(crate) async fn run(job: Job) -> Result<(), Failure> {
    let mut builder = Client::builder().no_proxy();
    if let Job::Down { ca: Some(ca), .. } | Job::Up { ca: Some(ca), .. } = &job {
        builder = builder.tls_certs_merge([Certificate::from_pem(&std::fs::read(ca)?)?]);
    }
    let client = builder.build()?;
    match job {
        Job::Down { url, file, parts: at_once, .. } => {
            let head = client.head(&url).send().await?.error_for_status()?;
            let len: u64 = head.headers().get(CONTENT_LENGTH).ok_or("no length")?.to_str()?.parse()?;
            let file = Shared::create(&file)?;
            let part = |(offset, len): (u64, u64)| {
                let request = client.get(&url).header(RANGE, format!("bytes={offset}-{}", offset + len - 1));
                tokio::spawn(into(request, file.clone(), offset))
            };
            all(parts(len).map(part), at_once).await
        }
        Job::Up { file, endpoint, parts: at_once, .. } => {
            let (file, len) = Shared::open(&file)?;
            let part = |(number, (offset, len)): (usize, (u64, u64))| {
                let url = format!("{endpoint}/bucket/object?partNumber={}&uploadId=u", number + 1);
                let (request, file) = (client.put(url), file.clone());
                tokio::spawn(async move {
                    request.body(file.read(offset, len).await?).send().await?.error_for_status()?;
                    Ok(())
                })
            };
            all(parts(len).enumerate().map(part), at_once).await
        }
        Job::ManyDown { list, at_once } => {
            let one = |(url, path): (String, std::path::PathBuf)| {
                let request = client.get(url);
                tokio::spawn(async move { into(request, Shared::create(&path)?, 0).await })
            };
            all(list.into_iter().map(one), at_once).await
        }
        Job::ManyUp { list, at_once } => {
            let one = |(url, path): (String, std::path::PathBuf)| {
                let request = client.put(url);
                tokio::spawn(async move {
                    let (file, len) = Shared::open(&path)?;
                    request.body(file.read(0, len).await?).send().await?.error_for_status()?;
                    Ok(())
                })
            };
            all(list.into_iter().map(one), at_once).await
        }
    }
}

async fn into(request: reqwest::RequestBuilder, file: Shared, mut offset: u64) -> Result<(), Failure> {
    let mut answer = request.send().await?.error_for_status()?;
    while let Some(frame) = answer.chunk().await? {
        let len = frame.len() as u64;
        file.write(frame, offset).await?;
        offset += len;
    }
    Ok(())
}

/// So many of these tasks at once. A task begins when its turn comes.
pub(crate) async fn all(
    tasks: impl Iterator<Item = tokio::task::JoinHandle<Result<(), Failure>>>,
    at_once: usize,
) -> Result<(), Failure> {
    stream::iter(tasks).map(|task| async { task.await? }).buffer_unordered(at_once).try_collect().await
}
