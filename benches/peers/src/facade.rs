//! longhaul, by its facade: many small files, as an application would move them.

use futures::{StreamExt, TryStreamExt, stream};
use longhaul::core::spec::{Config, Probing};
use longhaul::{Client, ClientBuilder, ClientConfig, Download, Upload};
use longhaul_benches::Failure;
use longhaul_benches::job::Job;

/// Most requests at once, however many transfers are active.
const CONNECTIONS: usize = 64;

pub(crate) async fn run(job: Job) -> Result<(), Failure> {
    match job {
        Job::ManyDown { list, at_once } => {
            let job = |(url, path): (String, _)| Ok(Download::new(&url)?.probing(Probing::FirstRange).to(path));
            all(list.into_iter().map(job), at_once).await
        }
        Job::ManyUp { list, at_once } => {
            let job = |(url, path): (String, std::path::PathBuf)| Ok(Upload::put(&url)?.from(path));
            all(list.into_iter().map(job), at_once).await
        }
        Job::Down { .. } | Job::Up { .. } => Err("large files are measured by the command".into()),
    }
}

async fn all(jobs: impl Iterator<Item = Result<longhaul::Job, Failure>>, at_once: usize) -> Result<(), Failure> {
    let mut core = Config::default();
    let (limits, requests) = (&mut core.limits, at_once.min(CONNECTIONS));
    (limits.downloads, limits.uploads, limits.requests, limits.per_authority) = (at_once, at_once, requests, requests);
    let client = ClientBuilder::new().config(ClientConfig::builder().core(core).build()?).start()?;
    stream::iter(jobs).map(|job| one(&client, job)).buffer_unordered(at_once).try_collect::<()>().await?;
    client.close().await;
    Ok(())
}

async fn one(client: &Client, job: Result<longhaul::Job, Failure>) -> Result<(), Failure> {
    client.submit(job?).await?.await?;
    Ok(())
}
