//! hyper's connections and nothing around them: one for each of so many at once, in a task of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, RANGE};
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::file::Shared;
use crate::{Failure, Job, parts};

type Sender = SendRequest<Full<Bytes>>;

pub(crate) async fn run(job: Job) -> Result<(), Failure> {
    match job {
        Job::Down { url, file, parts: at_once, .. } => {
            let mut sender = connect(&url).await?;
            let head = send(&mut sender, request(Method::HEAD, &url)?.body(Full::default())?).await?;
            let len: u64 = head.headers().get(CONTENT_LENGTH).ok_or("no length")?.to_str()?.parse()?;
            let file = Shared::create(&file)?;
            each(parts(len).collect(), at_once, url, move |url, sender, (offset, len)| {
                let file = file.clone();
                async move {
                    let range = format!("bytes={offset}-{}", offset + len - 1);
                    let request = request(Method::GET, &url)?.header(RANGE, range).body(Full::default())?;
                    into(sender, request, file, offset).await
                }
            })
            .await
        }
        Job::Up { file, endpoint, parts: at_once } => {
            let (file, len) = Shared::open(&file)?;
            let all: Vec<(usize, (u64, u64))> = parts(len).enumerate().collect();
            each(all, at_once, endpoint, move |endpoint, sender, (number, (offset, len))| {
                let file = file.clone();
                async move {
                    let url = format!("{endpoint}/bucket/object?partNumber={}&uploadId=u", number + 1);
                    put(sender, &url, file.read(offset, len).await?).await
                }
            })
            .await
        }
        Job::ManyDown { list, at_once } => {
            let server = list.first().ok_or("an empty list")?.0.clone();
            each(list, at_once, server, |_, sender, (url, path)| async move {
                let request = request(Method::GET, &url)?.body(Full::default())?;
                into(sender, request, Shared::create(&path)?, 0).await
            })
            .await
        }
        Job::ManyUp { list, at_once } => {
            let server = list.first().ok_or("an empty list")?.0.clone();
            each(list, at_once, server, |_, sender, (url, path)| async move {
                let (file, len) = Shared::open(&path)?;
                put(sender, &url, file.read(0, len).await?).await
            })
            .await
        }
    }
}

/// Does `work` for all items on so many connections to the server of `url`.
async fn each<T, W, F>(items: Vec<T>, at_once: usize, url: String, work: W) -> Result<(), Failure>
where
    T: Clone + Send + Sync + 'static,
    W: Fn(Arc<str>, Sender, T) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Sender, Failure>> + Send,
{
    let (items, next, work, url) = (Arc::new(items), Arc::new(AtomicUsize::new(0)), Arc::new(work), Arc::from(url));
    let tasks: Vec<_> = (0..at_once)
        .map(|_| {
            let (items, next, work) = (Arc::clone(&items), Arc::clone(&next), Arc::clone(&work));
            let url: Arc<str> = Arc::clone(&url);
            tokio::spawn(async move {
                let mut sender = connect(&url).await?;
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    sender = work(Arc::clone(&url), sender, item.clone()).await?;
                }
                Ok::<_, Failure>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}

async fn connect(url: &str) -> Result<Sender, Failure> {
    let url: Uri = url.parse()?;
    let stream = TcpStream::connect(url.authority().ok_or("no host")?.as_str()).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = Builder::new().handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

fn request(method: Method, url: &str) -> Result<http::request::Builder, Failure> {
    let url: Uri = url.parse()?;
    let host = url.authority().ok_or("no host")?.as_str();
    let path = url.path_and_query().ok_or("no path")?.as_str();
    Ok(Request::builder().method(method).uri(path).header(HOST, host))
}

async fn send(sender: &mut Sender, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Failure> {
    sender.ready().await?;
    let answer = sender.send_request(request).await?;
    if answer.status().is_success() { Ok(answer) } else { Err(answer.status().to_string().into()) }
}

async fn into(
    mut sender: Sender,
    request: Request<Full<Bytes>>,
    file: Shared,
    mut offset: u64,
) -> Result<Sender, Failure> {
    let mut body = send(&mut sender, request).await?.into_body();
    while let Some(frame) = body.frame().await {
        if let Ok(bytes) = frame?.into_data() {
            let len = bytes.len() as u64;
            file.write(bytes, offset).await?;
            offset += len;
        }
    }
    Ok(sender)
}

async fn put(mut sender: Sender, url: &str, content: Bytes) -> Result<Sender, Failure> {
    let request = request(Method::PUT, url)?.body(Full::new(content))?;
    send(&mut sender, request).await?.into_body().collect().await?;
    Ok(sender)
}
