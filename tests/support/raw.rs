//! A server that says exactly what a test wants said, byte by byte: no HTTP library, so that nothing is corrected.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Path and query, or what else stands in the request line.
    pub target: String,
    /// In order, names as sent.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Which request of the server it is, from 0.
    pub number: usize,
    /// Which connection it came on, from 0, and which request there.
    pub connection: usize,
    pub on_connection: usize,
    pub at: Instant,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The bytes asked for, end exclusive.
    pub fn range(&self) -> Option<(usize, usize)> {
        let (first, last) = self.header("range")?.strip_prefix("bytes=")?.split_once('-')?;
        Some((first.parse().unwrap(), last.parse::<usize>().map_or(usize::MAX, |last| last + 1)))
    }

    pub fn is_head(&self) -> bool {
        self.method == "HEAD"
    }
}

/// What comes after the last byte of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Then {
    /// The next request.
    Keep,
    Fin,
    Reset,
    /// Nothing, until the client goes or [`Raw::release`].
    Silence,
}

/// An answer, and where it breaks off.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Bytes of head and body that are sent.
    pub cut: Option<usize>,
    pub then: Then,
    pub delay: Duration,
}

impl Answer {
    pub fn new(status: &str) -> Self {
        Self {
            status: status.into(),
            headers: Vec::new(),
            body: Vec::new(),
            cut: None,
            then: Then::Keep,
            delay: Duration::ZERO,
        }
    }

    /// An answer with a body and its length.
    pub fn with_body(status: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let mut answer = Self::new(status).set("Content-Length", &body.len().to_string());
        answer.body = body;
        answer
    }

    /// Replaces a field.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self = self.without(name);
        self.add(name, value)
    }

    /// Adds a field, also beside one of the same name.
    pub fn add(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    pub fn status(mut self, status: &str) -> Self {
        self.status = status.into();
        self
    }

    /// Breaks off after `bytes` of head and body.
    pub fn cut(mut self, bytes: usize, then: Then) -> Self {
        self.cut = Some(bytes);
        self.then = then;
        self
    }

    /// Breaks off after `bytes` of the body.
    pub fn cut_body(self, bytes: usize, then: Then) -> Self {
        let head = self.head().len();
        self.cut(head + bytes, then)
    }

    pub fn delayed(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    pub fn head(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {}\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    /// All of it.
    pub fn bytes(&self) -> Vec<u8> {
        [self.head(), self.body.clone()].concat()
    }
}

/// An object served as it should be: what scripts depart from.
#[derive(Clone, Debug)]
pub struct Object {
    pub content: Vec<u8>,
    pub etag: Option<String>,
    pub modified: Option<String>,
}

impl Object {
    pub fn new(content: Vec<u8>) -> Self {
        Self { content, etag: Some("\"v1\"".into()), modified: Some("Wed, 01 Jan 2020 00:00:00 GMT".into()) }
    }

    pub fn validators(mut self, etag: Option<&str>, modified: Option<&str>) -> Self {
        self.etag = etag.map(Into::into);
        self.modified = modified.map(Into::into);
        self
    }

    /// The right answer to `request`.
    pub fn answer(&self, request: &Request) -> Answer {
        let total = self.content.len();
        let mut answer = match request.range() {
            Some((start, end)) if start < total => {
                let end = end.min(total);
                Answer::with_body("206 Partial Content", &self.content[start..end])
                    .set("Content-Range", &format!("bytes {start}-{}/{total}", end - 1))
            }
            Some(_) => {
                Answer::with_body("416 Range Not Satisfiable", "").set("Content-Range", &format!("bytes */{total}"))
            }
            None => Answer::with_body("200 OK", self.content.as_slice()),
        };
        answer = answer.set("Date", "Sat, 21 Nov 2026 00:00:00 GMT").set("Accept-Ranges", "bytes");
        if let Some(etag) = &self.etag {
            answer = answer.set("ETag", etag);
        }
        if let Some(modified) = &self.modified {
            answer = answer.set("Last-Modified", modified);
        }
        if request.is_head() {
            answer.body.clear();
        }
        answer
    }
}

type Script = dyn Fn(&Request) -> Answer + Send + Sync;

struct Shared {
    script: Box<Script>,
    log: Mutex<Vec<Request>>,
    requests: AtomicUsize,
    connections: AtomicUsize,
    open: AtomicUsize,
    most_open: AtomicUsize,
    release: watch::Sender<bool>,
}

/// The server. Dropping it ends it.
pub struct Raw {
    pub addr: SocketAddr,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Raw {
    /// Answers every request by `script`.
    pub async fn start(script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Box::new(script),
            log: Mutex::default(),
            requests: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            most_open: AtomicUsize::new(0),
            release: watch::Sender::new(false),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { addr, shared, task }
    }

    /// Serves `object`; `script` departs from the right answer.
    pub async fn object(object: Object, script: impl Fn(&Request, Answer) -> Answer + Send + Sync + 'static) -> Self {
        Self::start(move |request| {
            let right = object.answer(request);
            script(request, right)
        })
        .await
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// Every request up to now.
    pub fn log(&self) -> Vec<Request> {
        self.shared.log.lock().unwrap().clone()
    }

    pub fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// Connections accepted, requests or not.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Most connections that were open at one time.
    pub fn most_open(&self) -> usize {
        self.shared.most_open.load(Ordering::SeqCst)
    }

    /// Silent answers go on and end.
    pub fn release(&self) {
        self.shared.release.send_replace(true);
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut conversations = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).unwrap();
        let shared = Arc::clone(&shared);
        let connection = shared.connections.fetch_add(1, Ordering::SeqCst);
        let open = shared.open.fetch_add(1, Ordering::SeqCst) + 1;
        shared.most_open.fetch_max(open, Ordering::SeqCst);
        conversations.spawn(async move {
            converse(stream, &shared, connection).await;
            shared.open.fetch_sub(1, Ordering::SeqCst);
        });
        while conversations.try_join_next().is_some() {}
    }
}

async fn converse(mut stream: TcpStream, shared: &Shared, connection: usize) -> Option<()> {
    let mut ahead = Vec::new();
    for on_connection in 0.. {
        let mut request = read_request(&mut stream, &mut ahead).await?;
        request.number = shared.requests.fetch_add(1, Ordering::SeqCst);
        request.connection = connection;
        request.on_connection = on_connection;
        shared.log.lock().unwrap().push(request.clone());
        let answer = (shared.script)(&request);
        tokio::time::sleep(answer.delay).await;
        let bytes = answer.bytes();
        let sent = &bytes[..answer.cut.unwrap_or(bytes.len()).min(bytes.len())];
        stream.write_all(sent).await.ok()?;
        match answer.then {
            Then::Keep => {}
            Then::Fin => {
                stream.shutdown().await.ok()?;
                // What the client still sends is taken, so that the end stays an orderly one.
                let mut rest = [0; 4096];
                while stream.read(&mut rest).await.ok()? > 0 {}
                return None;
            }
            Then::Reset => {
                stream.set_zero_linger().ok()?;
                return None;
            }
            Then::Silence => {
                let mut released = shared.release.subscribe();
                let mut byte = [0];
                tokio::select! {
                    _ = released.wait_for(|released| *released) => {}
                    _ = stream.read(&mut byte) => return None,
                }
                stream.write_all(&bytes[sent.len()..]).await.ok()?;
            }
        }
    }
    None
}

async fn read_request(stream: &mut TcpStream, ahead: &mut Vec<u8>) -> Option<Request> {
    let split = loop {
        if let Some(at) = ahead.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        (stream.read_buf(ahead).await.ok()? > 0).then_some(())?;
    };
    let head = String::from_utf8(ahead.drain(..split).collect()).unwrap();
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap().split(' ');
    let fields = lines.filter_map(|line| line.split_once(':'));
    let mut request = Request {
        method: first.next().unwrap().into(),
        target: first.next().unwrap().into(),
        headers: fields.map(|(name, value)| (name.into(), value.trim().into())).collect(),
        body: Vec::new(),
        number: 0,
        connection: 0,
        on_connection: 0,
        at: Instant::now(),
    };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    while ahead.len() < length {
        (stream.read_buf(ahead).await.ok()? > 0).then_some(())?;
    }
    request.body = ahead.drain(..length).collect();
    Some(request)
}
