//! An HTTP/1.1 client that blocks: a thread for each request, one more while a body goes up. Connections are kept for the next request to
//! the same host. No TLS.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use futures::channel::{mpsc, oneshot};
use futures::future::{BoxFuture, FutureExt, poll_fn};
use futures::{SinkExt, Stream, StreamExt};
use http::request::Parts;
use http::{Request, Response};
use longhaul::Transport;
use longhaul::core::error::{Fault, FaultKind, Sent};
use longhaul::driver::meter::Meter;
use longhaul::driver::transport::{Frames, SendBody, SourceGone};

use super::http1::{Framing, keeps, read_head, write_head};
use super::runtime::block_on;

/// Sends each request on a thread of its own.
#[derive(Default)]
pub(crate) struct BlockingTransport {
    idle: Arc<Mutex<Idle>>,
}

/// Connections that can serve again, by host and port.
type Idle = HashMap<String, Vec<Arc<TcpStream>>>;

/// How many of them are kept for one host.
const KEPT: usize = 64;

impl Transport for BlockingTransport {
    fn send(&self, request: Request<SendBody>) -> BoxFuture<'static, Result<Response<Frames>, Fault>> {
        let (request, body) = request.into_parts();
        let line = Line::default();
        let (answer, mut head) = oneshot::channel();
        let (upload, outgoing) = mpsc::channel(0);
        let job =
            Job { len: body.len(), meter: body.meter(), idle: Arc::clone(&self.idle), line: line.clone(), request };
        let started = Builder::new().name("request".into()).spawn(move || job.run(outgoing, answer));
        let mut upload = Upload(Some(pump(body, upload).boxed()));
        let wanted = Wanted(line);
        Box::pin(async move {
            started.map_err(|error| Fault::new(FaultKind::Other, Sent::No, error.to_string()))?;
            // The body goes up until the head of the answer is there, and on while its body is read.
            let head = poll_fn(|cx| {
                upload.poll(cx)?;
                head.poll_unpin(cx).map(|head| head.unwrap_or_else(|_| Err(lost())))
            });
            let (answer, frames) = head.await?;
            Ok(answer.map(|()| Incoming { frames, upload, wanted: Some(wanted) }.boxed()))
        })
    }

    fn reports_connections(&self) -> bool {
        true
    }
}

/// The connection of one request, for whoever has to hang up.
#[derive(Clone, Default)]
struct Line(Arc<Mutex<(bool, Option<Arc<TcpStream>>)>>);

impl Line {
    fn lock(&self) -> MutexGuard<'_, (bool, Option<Arc<TcpStream>>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// False when nobody wants the answer any more.
    fn is_wanted(&self, connection: Option<Arc<TcpStream>>) -> bool {
        let mut line = self.lock();
        line.1 = connection;
        !line.0
    }
}

/// As long as this is there, somebody wants the answer. Then the connection is shut down, which wakes the threads at it.
struct Wanted(Line);

impl Drop for Wanted {
    fn drop(&mut self) {
        let mut line = self.0.lock();
        line.0 = true;
        if let Some(connection) = line.1.take() {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

/// The sending of a body, until it is through. Polled beside the answer, in the task that wants it.
struct Upload(Option<BoxFuture<'static, Result<(), Fault>>>);

impl Upload {
    fn poll(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        match self.0.as_mut().map(|upload| upload.poll_unpin(cx)) {
            Some(Poll::Ready(done)) => {
                self.0 = None;
                done
            }
            _ => Ok(()),
        }
    }
}

/// Hands a body to the thread that writes it. When that has gone, the answer says why.
async fn pump(body: SendBody, mut upload: mpsc::Sender<Bytes>) -> Result<(), Fault> {
    let (mut left, mut frames) = (body.len(), body.into_frames());
    while left > 0 {
        let Some(Ok(frame)) = frames.next().await else {
            return Err(Fault::new(FaultKind::Other, Sent::Maybe, SourceGone.to_string()));
        };
        left = left.saturating_sub(frame.len() as u64);
        if upload.send(frame).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// An answer's body.
struct Incoming {
    /// The last one is empty.
    frames: mpsc::Receiver<Result<Bytes, Fault>>,
    upload: Upload,
    /// Until the end.
    wanted: Option<Wanted>,
}

impl Stream for Incoming {
    type Item = Result<Bytes, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.wanted.is_none() {
            return Poll::Ready(None);
        }
        self.upload.poll(cx)?;
        let frame = ready!(self.frames.poll_next_unpin(cx)).unwrap_or_else(|| Err(lost()));
        if frame.as_ref().is_ok_and(|frame| !frame.is_empty()) {
            return Poll::Ready(Some(frame));
        }
        self.wanted = None;
        Poll::Ready(frame.err().map(Err))
    }
}

/// What the thread of a request has.
struct Job {
    request: Parts,
    len: u64,
    meter: Arc<Meter>,
    idle: Arc<Mutex<Idle>>,
    line: Line,
}

/// An answer: its head, and the frames to come.
type Answer = Result<(Response<()>, mpsc::Receiver<Result<Bytes, Fault>>), Fault>;

/// The head of an answer, how its body ends, and the thread that writes the request's.
type Asked = (Response<()>, Framing, Option<JoinHandle<()>>);

impl Job {
    fn run(self, body: mpsc::Receiver<Bytes>, answer: oneshot::Sender<Answer>) {
        let (address, (connection, reused)) =
            match address(&self.request).and_then(|at| Ok((at.clone(), self.connect(&at)?))) {
                Ok(connected) => connected,
                Err(fault) => return drop(answer.send(Err(fault))),
            };
        let mut reader = BufReader::with_capacity(64 << 10, &*connection);
        let (head, framing, writer) = match self.ask(&connection, reused, body, &mut reader) {
            Ok(asked) => asked,
            Err(fault) => return drop(answer.send(Err(fault))),
        };
        let keeps = keeps(&head) && framing != Framing::Close;
        let (mut frames, incoming) = mpsc::channel(1);
        if answer.send(Ok((head, incoming))).is_err() {
            return;
        }
        let end = receive(&mut reader, framing, &mut frames);
        let through = writer.is_none_or(|writer| writer.is_finished());
        if end.is_ok() && keeps && through && reader.buffer().is_empty() && self.line.is_wanted(None) {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let kept = idle.entry(address).or_default();
            kept.truncate(KEPT - 1);
            kept.push(Arc::clone(&connection));
        }
        let _ = block_on(frames.send(end.map(|()| Bytes::new())));
    }

    /// A connection, and whether it has served before.
    fn connect(&self, address: &str) -> Result<(Arc<TcpStream>, bool), Fault> {
        let kept = || self.idle.lock().unwrap_or_else(PoisonError::into_inner).get_mut(address)?.pop();
        let old = std::iter::from_fn(kept).find(|connection| is_open(connection));
        let reused = old.is_some();
        let connection = match old {
            Some(connection) => connection,
            None => {
                let unsent = |kind| move |error: io::Error| Fault::new(kind, Sent::No, format!("{address}: {error}"));
                let addresses = address.to_socket_addrs().map_err(unsent(FaultKind::Resolve))?;
                let mut last = Err(ErrorKind::NotFound.into());
                for address in addresses {
                    last = TcpStream::connect_timeout(&address, Duration::from_secs(30));
                    if last.is_ok() {
                        break;
                    }
                }
                Arc::new(last.map_err(unsent(FaultKind::Connect))?)
            }
        };
        if !self.line.is_wanted(Some(Arc::clone(&connection))) {
            return Err(lost());
        }
        let _ = connection.set_nodelay(true);
        self.meter.connected();
        Ok((connection, reused))
    }

    /// Sends the request and reads the head of its answer. A body goes up from a thread of its own, which may still be at it.
    fn ask(
        &self,
        connection: &Arc<TcpStream>,
        reused: bool,
        mut body: mpsc::Receiver<Bytes>,
        reader: &mut BufReader<&TcpStream>,
    ) -> Result<Asked, Fault> {
        // What breaks in writing shows in reading, and there an answer may have come before.
        let head = write_head(&mut &**connection, &self.request, self.len);
        let mut writer = None;
        if self.len > 0 && head.is_ok() {
            let connection = Arc::clone(connection);
            let write =
                move || while block_on(body.next()).is_some_and(|frame| (&*connection).write_all(&frame).is_ok()) {};
            let thread = Builder::new().name("upload".into()).spawn(write);
            writer = Some(thread.map_err(|error| Fault::new(FaultKind::Other, Sent::Maybe, error.to_string()))?);
        }
        let silent = reader.fill_buf().map_or(true, <[u8]>::is_empty);
        if silent && reused {
            return Err(Fault::new(FaultKind::Stale, Sent::Maybe, "an idle connection had been closed"));
        }
        let answer = read_head(reader).and_then(|head| Ok((Framing::of(&self.request.method, &head)?, head)));
        let (framing, head) = answer.map_err(|error| {
            let mut fault = broken(&error);
            if fault.kind == FaultKind::Truncated {
                fault.kind = FaultKind::Reset; // nothing of the answer's body was announced yet
            }
            fault
        })?;
        Ok((head, framing, writer))
    }
}

/// Hands out the frames of a body; ends early when nobody takes them.
fn receive(
    reader: &mut BufReader<&TcpStream>,
    mut framing: Framing,
    frames: &mut mpsc::Sender<Result<Bytes, Fault>>,
) -> Result<(), Fault> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match framing.read(reader, &mut buffer).map_err(|error| broken(&error))? {
            0 => return Ok(()),
            some => {
                let frame = Bytes::copy_from_slice(buffer.get(..some).unwrap_or_default());
                block_on(frames.send(Ok(frame))).map_err(|_| lost())?;
            }
        }
    }
}

/// Where a request goes that can be sent without TLS.
fn address(request: &Parts) -> Result<String, Fault> {
    match (request.uri.scheme_str(), request.uri.host()) {
        (Some("http"), Some(host)) => Ok(format!("{host}:{}", request.uri.port_u16().unwrap_or(80))),
        _ => Err(Fault::new(FaultKind::Other, Sent::No, "only http: URLs can be sent without TLS")),
    }
}

/// Whether the server has neither closed nor said anything since the last answer.
fn is_open(connection: &TcpStream) -> bool {
    let quiet = connection.set_nonblocking(true).and_then(|()| connection.peek(&mut [0]));
    let quiet = quiet.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
    connection.set_nonblocking(false).is_ok() && quiet
}

fn broken(error: &io::Error) -> Fault {
    let kind = match error.kind() {
        ErrorKind::UnexpectedEof => FaultKind::Truncated,
        ErrorKind::InvalidData => FaultKind::Protocol,
        _ => FaultKind::Reset,
    };
    Fault::new(kind, Sent::Maybe, error.to_string())
}

fn lost() -> Fault {
    Fault::new(FaultKind::Other, Sent::Maybe, "the thread of the request is gone")
}
