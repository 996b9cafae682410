//! A runtime of a few threads, and the small things every test needs. Used by the crate's unit tests too.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test binary uses its share")]
#![allow(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a runtime and clock of the tests' own"
)]

pub mod provider;
pub mod server;

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use longhaul_core::error::{Fault, FaultKind, Sent};
use longhaul_core::time::{Now, Time, Wall};
use longhaul_driver::runtime::{Spawn, Timer};
use longhaul_driver::transport::{Frames, SendBody, Transport};

/// Tasks on four threads, sleeps on one, blocking work on threads of its own. Ends when dropped.
pub struct Runtime(Arc<Inner>);

struct Inner {
    begin: Instant,
    queue: Mutex<Queue>,
    work: Condvar,
    /// Tasks and blocking calls that have not ended.
    live: AtomicUsize,
    /// Panics that a task let out.
    pub panics: AtomicUsize,
}

#[derive(Default)]
struct Queue {
    ready: std::collections::VecDeque<Arc<Task>>,
    sleepers: BTreeMap<(Instant, u64), Waker>,
    next: u64,
    over: bool,
}

struct Task {
    inner: Arc<Inner>,
    future: Mutex<Option<BoxFuture<'static, ()>>>,
    queued: AtomicBool,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            let inner = Arc::clone(&self.inner);
            inner.queue.lock().unwrap().ready.push_back(self);
            inner.work.notify_one();
        }
    }
}

impl Task {
    fn run(self: Arc<Self>) {
        let mut slot = self.future.lock().unwrap();
        self.queued.store(false, Ordering::Release);
        let Some(future) = slot.as_mut() else { return };
        let waker = Waker::from(Arc::clone(&self));
        let polled =
            std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut Context::from_waker(&waker))));
        if polled.is_err() {
            self.inner.panics.fetch_add(1, Ordering::AcqRel);
        }
        if !matches!(polled, Ok(Poll::Pending)) {
            let ended = slot.take();
            drop(slot);
            drop(ended);
            self.inner.live.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Runtime {
    pub fn new() -> Arc<Self> {
        let inner = Arc::new(Inner {
            begin: Instant::now(),
            queue: Mutex::default(),
            work: Condvar::new(),
            live: AtomicUsize::new(0),
            panics: AtomicUsize::new(0),
        });
        for _ in 0..4 {
            let inner = Arc::clone(&inner);
            std::thread::spawn(move || inner.work());
        }
        Arc::new(Self(inner))
    }

    pub fn live(&self) -> usize {
        self.0.live.load(Ordering::Acquire)
    }

    pub fn panics(&self) -> usize {
        self.0.panics.load(Ordering::Acquire)
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.0.queue.lock().unwrap().over = true;
        self.0.work.notify_all();
    }
}

impl Inner {
    fn work(&self) {
        let mut queue = self.queue.lock().unwrap();
        while !queue.over {
            let now = Instant::now();
            while let Some(entry) = queue.sleepers.first_entry()
                && entry.key().0 <= now
            {
                let waker = entry.remove();
                drop(queue);
                waker.wake();
                queue = self.queue.lock().unwrap();
            }
            if let Some(task) = queue.ready.pop_front() {
                drop(queue);
                task.run();
                queue = self.queue.lock().unwrap();
                continue;
            }
            let nap = queue
                .sleepers
                .keys()
                .next()
                .map_or(Duration::from_secs(1), |(at, _)| at.saturating_duration_since(Instant::now()));
            queue = self.work.wait_timeout(queue, nap).unwrap().0;
        }
    }
}

impl Spawn for Runtime {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.0.live.fetch_add(1, Ordering::AcqRel);
        let task = Task { inner: Arc::clone(&self.0), future: Mutex::new(Some(task)), queued: AtomicBool::new(false) };
        Arc::new(task).wake();
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        self.0.live.fetch_add(1, Ordering::AcqRel);
        let inner = Arc::clone(&self.0);
        std::thread::spawn(move || {
            work();
            inner.live.fetch_sub(1, Ordering::AcqRel);
        });
    }
}

impl Timer for Runtime {
    fn now(&self) -> Now {
        let mono = u64::try_from(self.0.begin.elapsed().as_micros()).unwrap();
        Now::new(Time::from_micros(mono), Wall::from_unix(1_700_000_000))
    }

    fn sleep_until(&self, at: Time) -> BoxFuture<'static, ()> {
        let inner = Arc::clone(&self.0);
        let at = inner.begin + Duration::from_micros(at.as_micros());
        let mut key = None;
        std::future::poll_fn(move |cx| {
            if at <= Instant::now() {
                return Poll::Ready(());
            }
            let mut queue = inner.queue.lock().unwrap();
            let key = *key.get_or_insert_with(|| {
                queue.next += 1;
                (at, queue.next)
            });
            queue.sleepers.insert(key, cx.waker().clone());
            drop(queue);
            inner.work.notify_one();
            Poll::Pending
        })
        .boxed()
    }
}

/// Runs `future` on this thread; a test that hangs fails instead.
#[track_caller]
pub fn run<T>(future: impl Future<Output = T>) -> T {
    run_within(Duration::from_secs(30), future)
}

/// The same with a limit of its own.
#[track_caller]
pub fn run_within<T>(limit: Duration, future: impl Future<Output = T>) -> T {
    struct Thread(std::thread::Thread);
    impl Wake for Thread {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Thread(std::thread::current())));
    let mut future = pin!(future);
    let end = Instant::now() + limit;
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return done;
        }
        let left = end.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "not done within {limit:?}");
        std::thread::park_timeout(left);
    }
}

/// Waits until `holds`; fails after ten seconds.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A transport that is one function.
pub struct Scripted<F>(pub F);

impl<F, R> Transport for Scripted<F>
where
    F: Fn(http::Request<SendBody>) -> R + Send + Sync + 'static,
    R: Future<Output = Result<http::Response<Frames>, Fault>> + Send + 'static,
{
    fn send(&self, request: http::Request<SendBody>) -> BoxFuture<'static, Result<http::Response<Frames>, Fault>> {
        (self.0)(request).boxed()
    }
}

/// Frames that come at once.
pub fn frames(frames: Vec<Result<Bytes, Fault>>) -> Frames {
    stream::iter(frames).boxed()
}

/// These frames, then silence.
pub fn stalled(first: Vec<Bytes>) -> Frames {
    stream::iter(first).map(Ok).chain(stream::pending()).boxed()
}

/// `content` in frames of `size`.
pub fn cut(content: &Bytes, size: usize) -> Vec<Bytes> {
    let mut rest = content.clone();
    let mut cut = Vec::new();
    while !rest.is_empty() {
        cut.push(rest.split_to(size.min(rest.len())));
    }
    cut
}

pub fn reset() -> Fault {
    Fault::new(FaultKind::Reset, Sent::Maybe, "reset")
}

/// Bytes that differ everywhere.
pub fn content(len: usize) -> Bytes {
    let mut state = 0x9E37_79B9_u32;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .collect()
}

/// Everything a request's body has, or how it failed.
pub async fn drain(body: SendBody) -> Result<Vec<u8>, longhaul_driver::transport::SourceGone> {
    let mut all = Vec::new();
    let mut frames = body.into_frames();
    while let Some(frame) = frames.next().await {
        all.extend_from_slice(&frame?);
    }
    Ok(all)
}

/// A client on a server of its own.
pub struct World {
    pub runtime: Arc<Runtime>,
    pub server: server::Server,
    pub client: longhaul_driver::Client,
}

impl World {
    pub fn new() -> Self {
        Self::with(longhaul_driver::ClientConfig::builder().seed(1))
    }

    pub fn with(config: longhaul_driver::config::ClientConfigBuilder) -> Self {
        let runtime = Runtime::new();
        let server = server::Server::new(&runtime);
        let client = longhaul_driver::Client::new(
            config.build().unwrap(),
            Arc::new(server.clone()),
            runtime.clone(),
            runtime.clone(),
        );
        Self { runtime, server, client }
    }

    /// Another client on the same server.
    pub fn on(server: &server::Server) -> Self {
        let mut world = Self::new();
        let runtime: Arc<Runtime> = world.runtime.clone();
        let config = longhaul_driver::ClientConfig::default();
        world.server = server.clone();
        world.client = longhaul_driver::Client::new(config, Arc::new(server.clone()), runtime.clone(), runtime);
        world
    }

    /// A download of `name` into memory.
    pub fn download(name: &str) -> (longhaul_driver::Job, longhaul_driver::memory::MemoryTarget) {
        let target = longhaul_driver::memory::MemoryTarget::new(1 << 28);
        let spec = provider::Plain::download(name);
        (longhaul_driver::Job::new(spec, Arc::new(target.clone())), target)
    }

    /// An upload of `content` to `name`.
    pub fn upload(name: &str, content: Bytes) -> longhaul_driver::Job {
        let source = longhaul_driver::memory::MemorySource::new(content);
        longhaul_driver::Job::new(provider::Plain::upload(name), Arc::new(source))
    }

    /// Closes within the time C4 and C9 allow, and leaves nothing behind.
    pub fn close(self) {
        let begin = Instant::now();
        run(self.client.close());
        let took = begin.elapsed();
        assert!(took < Duration::from_millis(250), "closing took {took:?}");
        eventually("every task ends", || self.runtime.live() == 0);
        assert_eq!(self.runtime.panics(), 0);
    }
}
