//! longhaul, by its facade: many small files, as an application would move them, and as the other libraries here do it: a task for
//! each; and a large one whose bytes pass through the program, with and without a digest of them (the command has the kernel move what
//! nobody wants to look at).

use std::path::PathBuf;

use longhaul::core::spec::{Config, Probing};
use longhaul::tokio::TransportBuilder;
use longhaul::{ClientBuilder, ClientConfig, Download, Upload};
use longhaul_benches::Failure;
use longhaul_benches::job::Job;

/// Most requests at once, however many transfers are active.
const CONNECTIONS: usize = 64;

pub(crate) async fn run(job: Job, digest: bool) -> Result<(), Failure> {
    match job {
        Job::Down { url, file, ca: None, .. } => {
            let transport = TransportBuilder::default().by_kernel(false);
            let client = ClientBuilder::new().transport(transport).start()?;
            client.submit(Download::new(&url)?.recheck(digest).to(file)).await?.await?;
            client.close().await;
            Ok(())
        }
        Job::ManyDown { list, at_once } => {
            let job = |url: &str, path| Ok(Download::new(url)?.probing(Probing::FirstRange).to(path));
            all(list, job, at_once).await
        }
        Job::ManyUp { list, at_once } => all(list, |url, path| Ok(Upload::put(url)?.from(path)), at_once).await,
        Job::Down { .. } | Job::Up { .. } => Err("large files are measured by the command".into()),
    }
}

async fn all(
    list: Vec<(String, PathBuf)>,
    job: fn(&str, PathBuf) -> Result<longhaul::Job, Failure>,
    at_once: usize,
) -> Result<(), Failure> {
    let mut core = Config::default();
    let (limits, requests) = (&mut core.limits, at_once.min(CONNECTIONS));
    (limits.downloads, limits.uploads, limits.requests, limits.per_authority) = (at_once, at_once, requests, requests);
    let client = ClientBuilder::new().config(ClientConfig::builder().core(core).build()?).start()?;
    let one = |(url, path): (String, PathBuf)| {
        let client = client.clone();
        tokio::spawn(async move {
            client.submit(job(&url, path)?).await?.await?;
            Ok(())
        })
    };
    crate::requests::all(list.into_iter().map(one), at_once).await?;
    client.close().await;
    Ok(())
}
