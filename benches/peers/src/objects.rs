//! object_store: ranges side by side down, a multipart upload with so many parts in flight up.

use std::path::Path as File;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use longhaul_benches::Failure;
use longhaul_benches::files::Shared;
use longhaul_benches::job::{Job, PART, parts};
use object_store::aws::AmazonS3Builder;
use object_store::http::HttpBuilder;
use object_store::path::Path;
use object_store::{
    Certificate, ClientOptions, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart,
};

fn options(ca: Option<&File>) -> Result<ClientOptions, Failure> {
    let options = ClientOptions::new().with_allow_http(true);
    Ok(match ca {
        Some(ca) => options.with_root_certificate(Certificate::from_pem(&std::fs::read(ca)?)?),
        None => options,
    })
}

/// The server of a URL, and the path there.
fn web(url: &str, ca: Option<&File>) -> Result<(Arc<dyn ObjectStore>, Path), Failure> {
    let (at, path) = split(url)?;
    Ok((Arc::new(HttpBuilder::new().with_url(at).with_client_options(options(ca)?).build()?), Path::from(path)))
}

fn split(url: &str) -> Result<(&str, &str), Failure> {
    let host = url.find("://").ok_or("no scheme")? + 3;
    let end = url[host..].find('/').ok_or("no path")? + host;
    Ok((&url[..end], &url[end + 1..]))
}

/// The bucket of the sink, signed for.
fn bucket(endpoint: &str, ca: Option<&File>) -> Result<Arc<dyn ObjectStore>, Failure> {
    let builder = AmazonS3Builder::from_env().with_endpoint(endpoint).with_bucket_name("bucket");
    Ok(Arc::new(builder.with_allow_http(true).with_client_options(options(ca)?).build()?))
}

pub(crate) async fn run(job: Job) -> Result<(), Failure> {
    match job {
        Job::Down { url, file, parts: at_once, ca } => {
            let (store, path) = web(&url, ca.as_deref())?;
            let (len, file) = (store.head(&path).await?.size, Shared::create(&file)?);
            let part = |(offset, len): (u64, u64)| {
                let (store, path, file) = (Arc::clone(&store), path.clone(), file.clone());
                async move { tokio::spawn(async move { into(&*store, &path, Some((offset, len)), &file).await }).await? }
            };
            stream::iter(parts(len)).map(part).buffer_unordered(at_once).try_collect().await
        }
        Job::Up { file, endpoint, parts: at_once, ca } => {
            let store = bucket(&endpoint, ca.as_deref())?;
            let upload = store.put_multipart(&Path::from("object")).await?;
            let mut upload = WriteMultipart::new_with_chunk_size(upload, usize::try_from(PART)?);
            let (file, len) = Shared::open(&file)?;
            for (offset, len) in parts(len) {
                upload.wait_for_capacity(at_once).await?;
                upload.put(file.read(offset, len).await?);
            }
            upload.finish().await?;
            Ok(())
        }
        Job::ManyDown { list, at_once } => {
            let (store, _) = web(&list.first().ok_or("an empty list")?.0, None)?;
            let one = |(url, file): (String, std::path::PathBuf)| {
                let store = Arc::clone(&store);
                async move { tokio::spawn(async move { fetch(&*store, &url, &file).await }).await? }
            };
            stream::iter(list).map(one).buffer_unordered(at_once).try_collect().await
        }
        Job::ManyUp { list, at_once } => {
            let endpoint = list.first().ok_or("an empty list")?.0.rsplitn(3, '/').nth(2).ok_or("no path")?.to_owned();
            let store = bucket(&endpoint, None)?;
            let one = |(url, file): (String, std::path::PathBuf)| {
                let store = Arc::clone(&store);
                async move {
                    tokio::spawn(async move {
                        let (file, len) = Shared::open(&file)?;
                        let key = Path::from(url.rsplit('/').next().unwrap_or_default());
                        store.put(&key, PutPayload::from_bytes(file.read(0, len).await?)).await?;
                        Ok(())
                    })
                    .await?
                }
            };
            stream::iter(list).map(one).buffer_unordered(at_once).try_collect().await
        }
    }
}

async fn fetch(store: &dyn ObjectStore, url: &str, file: &File) -> Result<(), Failure> {
    into(store, &Path::from(split(url)?.1), None, &Shared::create(file)?).await
}

async fn into(store: &dyn ObjectStore, path: &Path, range: Option<(u64, u64)>, file: &Shared) -> Result<(), Failure> {
    let mut offset = range.map_or(0, |(offset, _)| offset);
    let range = range.map(|(offset, len)| GetRange::Bounded(offset..offset + len));
    let mut frames = store.get_opts(path, GetOptions { range, ..GetOptions::default() }).await?.into_stream();
    while let Some(frame) = frames.try_next().await? {
        let len = frame.len() as u64;
        file.write(frame, offset).await?;
        offset += len;
    }
    Ok(())
}
