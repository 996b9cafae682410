//! hyper's connections and nothing around them: one for each of so many at once, in a task of its own.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, RANGE};
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use longhaul_benches::Failure;
use longhaul_benches::files::Shared;
use longhaul_benches::job::{Job, parts};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

type Sender = SendRequest<Full<Bytes>>;

pub(crate) async fn run(job: Job) -> Result<(), Failure> {
    match job {
        Job::Down { url, file, parts: at_once, ca } => {
            let server = Server::of(&url, ca.as_deref())?;
            let mut sender = server.connect().await?;
            let head = send(&mut sender, request(Method::HEAD, &url)?.body(Full::default())?).await?;
            let len: u64 = head.headers().get(CONTENT_LENGTH).ok_or("no length")?.to_str()?.parse()?;
            let file = Shared::create(&file)?;
            each(parts(len).collect(), at_once, server, move |sender, (offset, len)| {
                let (url, file) = (url.clone(), file.clone());
                async move {
                    let range = format!("bytes={offset}-{}", offset + len - 1);
                    let request = request(Method::GET, &url)?.header(RANGE, range).body(Full::default())?;
                    into(sender, request, file, offset).await
                }
            })
            .await
        }
        Job::Up { file, endpoint, parts: at_once, ca } => {
            let (file, len) = Shared::open(&file)?;
            let server = Server::of(&endpoint, ca.as_deref())?;
            let all: Vec<(usize, (u64, u64))> = parts(len).enumerate().collect();
            each(all, at_once, server, move |sender, (number, (offset, len))| {
                let (endpoint, file) = (endpoint.clone(), file.clone());
                async move {
                    let url = format!("{endpoint}/bucket/object?partNumber={}&uploadId=u", number + 1);
                    put(sender, &url, file.read(offset, len).await?).await
                }
            })
            .await
        }
        Job::ManyDown { list, at_once } => {
            let server = Server::of(&list.first().ok_or("an empty list")?.0, None)?;
            each(list, at_once, server, |sender, (url, path)| async move {
                let request = request(Method::GET, &url)?.body(Full::default())?;
                into(sender, request, Shared::create(&path)?, 0).await
            })
            .await
        }
        Job::ManyUp { list, at_once } => {
            let server = Server::of(&list.first().ok_or("an empty list")?.0, None)?;
            each(list, at_once, server, |sender, (url, path)| async move {
                let (file, len) = Shared::open(&path)?;
                put(sender, &url, file.read(0, len).await?).await
            })
            .await
        }
    }
}

/// Does `work` for all items on so many connections.
async fn each<T, W, F>(items: Vec<T>, at_once: usize, server: Server, work: W) -> Result<(), Failure>
where
    T: Clone + Send + Sync + 'static,
    W: Fn(Sender, T) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Sender, Failure>> + Send,
{
    let (items, next, work) = (Arc::new(items), Arc::new(AtomicUsize::new(0)), Arc::new(work));
    let server = Arc::new(server);
    let tasks: Vec<_> = (0..at_once)
        .map(|_| {
            let (items, next, work) = (Arc::clone(&items), Arc::clone(&next), Arc::clone(&work));
            let server = Arc::clone(&server);
            tokio::spawn(async move {
                let mut sender = server.connect().await?;
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    sender = work(sender, item.clone()).await?;
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

/// Where connections go, and with whose certificates.
struct Server {
    host: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Server {
    fn of(url: &str, ca: Option<&Path>) -> Result<Self, Failure> {
        let url: Uri = url.parse()?;
        let host = url.authority().ok_or("no host")?;
        let tls = ca.map(|ca| -> Result<_, Failure> {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_file(ca)?)?;
            // The same cryptography as longhaul's.
            let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_root_certificates(roots)
                .with_no_client_auth();
            Ok((TlsConnector::from(Arc::new(config)), ServerName::try_from(host.host().to_owned())?))
        });
        Ok(Self { host: host.to_string(), tls: tls.transpose()? })
    }

    async fn connect(&self) -> Result<Sender, Failure> {
        let stream = TcpStream::connect(&self.host).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => spoken(stream).await,
            Some((tls, name)) => spoken(tls.connect(name.clone(), stream).await?).await,
        }
    }
}

async fn spoken(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<Sender, Failure> {
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
