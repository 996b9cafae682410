//! A server in memory behind a [`Transport`]: objects, uploads, and how it misbehaves.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use http::{Method, Request, Response};
use longhaul_core::error::{Fault, FaultKind, Sent};
use longhaul_driver::runtime::Timer;
use longhaul_driver::transport::{Frames, SendBody, Transport};

use super::{Runtime, cut, drain, frames};

/// How one request is answered, where not as it should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate {
    /// Nothing ever comes.
    Silent,
    /// The head, this many bytes, then nothing.
    StallAfter(usize),
    /// The head, this many bytes, then the connection breaks.
    BreakAfter(usize),
    /// This status.
    Status(u16),
    /// All of it, whatever range was asked for.
    Whole,
    /// The right answer, this much later.
    Late(Duration),
    /// The head, and then so many blanks with this much time before each.
    Blanks(usize, Duration),
}

#[derive(Default)]
pub struct Model {
    pub objects: BTreeMap<String, Bytes>,
    /// Parts of uploads that are open.
    pub parts: BTreeMap<String, BTreeMap<u64, Vec<u8>>>,
    /// What befalls the next requests of a kind (`GET`, `PUT`, `POST begin`, …): once each; the last stays.
    pub fates: BTreeMap<String, VecDeque<Option<Fate>>>,
    /// Every request: its kind.
    pub seen: Vec<String>,
    /// Requests being answered.
    pub open: usize,
}

/// Clones are one server.
#[derive(Clone)]
pub struct Server {
    model: Arc<Mutex<Model>>,
    runtime: Arc<Runtime>,
}

impl Server {
    pub fn new(runtime: &Arc<Runtime>) -> Self {
        Self { model: Arc::default(), runtime: Arc::clone(runtime) }
    }

    pub fn put(&self, name: &str, content: Bytes) {
        self.model().objects.insert(format!("/{name}"), content);
    }

    pub fn object(&self, name: &str) -> Option<Bytes> {
        self.model().objects.get(&format!("/{name}")).cloned()
    }

    /// The next requests of `kind` fare so; the last fate is that of all later ones.
    pub fn fate(&self, kind: &str, fates: impl IntoIterator<Item = Option<Fate>>) {
        self.model().fates.insert(kind.into(), fates.into_iter().collect());
    }

    pub fn seen(&self, kind: &str) -> usize {
        self.model().seen.iter().filter(|seen| *seen == kind).count()
    }

    pub fn model(&self) -> std::sync::MutexGuard<'_, Model> {
        self.model.lock().unwrap()
    }

    fn fate_of(&self, kind: &str) -> Option<Fate> {
        let mut model = self.model();
        model.seen.push(kind.into());
        let fates = model.fates.get_mut(kind)?;
        if fates.len() > 1 { fates.pop_front()? } else { *fates.front()? }
    }

    async fn answer(self, request: Request<SendBody>) -> Result<Response<Frames>, Fault> {
        let path = request.uri().path().to_owned();
        let query = request.uri().query().unwrap_or_default().to_owned();
        let name = query.split(['=', '&']).next().unwrap_or_default().replace("sig", "");
        let kind = format!("{} {name}", request.method()).trim().to_owned();
        let fate = self.fate_of(&kind);
        match fate {
            Some(Fate::Silent) => std::future::pending::<()>().await,
            Some(Fate::Late(delay)) => {
                self.runtime.sleep_until(self.runtime.now().mono + delay).await;
            }
            Some(Fate::Status(status)) => {
                return Ok(Response::builder().status(status).body(frames(vec![])).unwrap());
            }
            _ => {}
        }
        let (head, body) = request.into_parts();
        let empty = |status: u16| Response::builder().status(status).body(frames(vec![])).unwrap();
        Ok(match head.method {
            Method::GET | Method::HEAD => {
                let Some(object) = self.object(&path[1..]) else {
                    return Ok(empty(404));
                };
                let total = object.len();
                let answer = Response::builder().header("etag", "\"v1\"");
                if head.method == Method::HEAD {
                    return Ok(answer.header("content-length", total).body(frames(vec![])).unwrap());
                }
                let range = head.headers.get("range").filter(|_| fate != Some(Fate::Whole)).map(|range| {
                    let range = range.to_str().unwrap().strip_prefix("bytes=").unwrap();
                    let (first, last) = range.split_once('-').unwrap();
                    (first.parse().unwrap(), last.parse::<usize>().unwrap().min(total - 1))
                });
                let (answer, wanted) = match range {
                    Some((first, last)) => {
                        let told = format!("bytes {first}-{last}/{total}");
                        (answer.status(206).header("content-range", told), object.slice(first..=last))
                    }
                    None => (answer, object),
                };
                answer.body(Self::body(&wanted, fate)).unwrap()
            }
            Method::PUT => {
                let number = query.split(['=', '&']).nth(1).unwrap().parse().unwrap();
                let Ok(part) = drain(body).await else {
                    return Err(Fault::new(FaultKind::Reset, Sent::Maybe, "body"));
                };
                self.model().parts.entry(path).or_default().insert(number, part);
                empty(200)
            }
            Method::POST if query.starts_with("commit") => {
                let mut model = self.model();
                let parts = model.parts.remove(&path).unwrap_or_default();
                let whole: Vec<u8> = parts.into_values().flatten().collect();
                model.objects.insert(path, whole.into());
                match fate {
                    Some(Fate::Blanks(count, pause)) => {
                        let timer = Arc::clone(&self.runtime);
                        let blanks = stream::iter(0..count).then(move |_| {
                            let wait = timer.sleep_until(timer.now().mono + pause);
                            async move {
                                wait.await;
                                Ok(Bytes::from_static(b" "))
                            }
                        });
                        Response::new(blanks.boxed())
                    }
                    _ => empty(200),
                }
            }
            Method::DELETE => {
                self.model().parts.remove(&path);
                empty(204)
            }
            _ => empty(200),
        })
    }

    fn body(wanted: &Bytes, fate: Option<Fate>) -> Frames {
        let all = cut(wanted, 4096);
        let some = |len: usize| stream::iter(cut(&wanted.slice(..len.min(wanted.len())), 4096)).map(Ok);
        match fate {
            Some(Fate::StallAfter(len)) => some(len).chain(stream::pending()).boxed(),
            Some(Fate::BreakAfter(len)) => {
                let fault = Fault::new(FaultKind::Reset, Sent::Maybe, "broken");
                some(len).chain(stream::iter([Err(fault)])).boxed()
            }
            _ => stream::iter(all).map(Ok).boxed(),
        }
    }
}

impl Transport for Server {
    fn send(&self, request: Request<SendBody>) -> BoxFuture<'static, Result<Response<Frames>, Fault>> {
        self.clone().answer(request).boxed()
    }
}
