//! Every behaviour on every adapter. The test and its servers are on a tokio runtime of their own; the clients it starts are on the
//! adapter's.
#![allow(unused_imports, unused_macros, reason = "the suites of the stores run on one adapter, and share the rest")]

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::channel::oneshot;
use futures::future::BoxFuture;
use longhaul::core::time::{Now, Time};
use longhaul::tokio::{HyperTransport, TokioRuntime};
use longhaul::{Client, ClientConfig, Net, Spawn, Timer};
use longhaul_hyper::Io;
use longhaul_reqwest::{ReqwestTransport, prepared};
use tokio::runtime::{Builder, Handle};

#[path = "../../examples/own_runtime"]
mod own_runtime {
    pub(super) mod http1;
    pub(super) mod runtime;
    pub(super) mod transport;
}

pub(crate) use own_runtime::runtime::block_on;

use super::sips::Sipping;
use own_runtime::runtime::Threads;
use own_runtime::transport::BlockingTransport;

/// On what a client runs and by what it sends.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Adapter {
    TokioMultiThread,
    TokioCurrentThread,
    /// On tokio, and what no digest is wanted of is left to the kernel, however little it is.
    Unread,
    AsyncStd,
    Smol,
    /// On tokio, sending by a reqwest client.
    Reqwest,
    /// No async runtime: the example `own_runtime`.
    Blocking,
}

type Start = Box<dyn Fn(ClientConfig) -> Client>;

thread_local! {
    /// Starts the clients of the test on this thread.
    static CURRENT: RefCell<Option<(Adapter, Start)>> = const { RefCell::new(None) };
}

/// A client on the adapter that is tested; outside of [`run`], on the tokio runtime one is on.
pub fn start(config: ClientConfig) -> Client {
    CURRENT.with_borrow(|start| match start {
        Some((_, start)) => start(config),
        None => on(TokioRuntime::current().unwrap(), config),
    })
}

/// What this thread's test is run on: tests of one behaviour run side by side, and may have to keep out of each other's way.
pub fn current() -> Option<Adapter> {
    CURRENT.with_borrow(|current| current.as_ref().map(|(adapter, _)| *adapter))
}

/// Runs a behaviour with all its clients on `adapter`.
pub fn run<F: Future<Output = ()>>(adapter: Adapter, behaviour: impl FnOnce() -> F) {
    let servers = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let alone = (adapter == Adapter::TokioCurrentThread).then(Alone::start);
    let handle = alone.as_ref().map_or_else(|| servers.handle().clone(), |alone| alone.handle.clone());
    let start: Start = Box::new(move |config| match adapter {
        Adapter::TokioMultiThread | Adapter::TokioCurrentThread => on(TokioRuntime::new(handle.clone()), config),
        Adapter::Unread => unread(TokioRuntime::new(handle.clone()), config).0,
        Adapter::AsyncStd => on(longhaul_async_std::runtime(), config),
        Adapter::Smol => on(longhaul_smol::runtime(), config),
        Adapter::Reqwest => {
            let client = prepared(reqwest::Client::builder().no_proxy()).build().unwrap();
            let runtime = Arc::new(Counted(TokioRuntime::new(handle.clone())));
            Client::new(config, Arc::new(ReqwestTransport::new(client)), Arc::clone(&runtime) as _, runtime)
        }
        Adapter::Blocking => {
            let runtime = Arc::new(Counted(Threads::new().unwrap()));
            Client::new(config, Arc::new(BlockingTransport::default()), Arc::clone(&runtime) as _, runtime)
        }
    });
    CURRENT.set(Some((adapter, start)));
    // Boxed: the futures of some tests are too large for a test's stack.
    servers.block_on(Box::pin(behaviour()));
    CURRENT.set(None);
}

/// A client of [`Adapter::Unread`], and its transport.
pub fn unread(runtime: impl Net, config: ClientConfig) -> (Client, HyperTransport) {
    let runtime = Arc::new(Counted(Sipping(runtime)));
    let transport = super::transport().by_kernel_from(1).build(Arc::clone(&runtime) as _).unwrap();
    (Client::new(config, Arc::new(transport.clone()), Arc::clone(&runtime) as _, runtime), transport)
}

fn on(runtime: impl Net, config: ClientConfig) -> Client {
    let runtime = Arc::new(Counted(runtime));
    let transport = super::transport().build(Arc::clone(&runtime) as _).unwrap();
    Client::new(config, Arc::new(transport), Arc::clone(&runtime) as _, runtime)
}

/// A runtime whose tasks are counted.
struct Counted<R>(R);

/// Tasks, and pieces of blocking work, that have been started and are not over.
static TASKS: AtomicUsize = AtomicUsize::new(0);

/// How many tasks of clients there are in this process.
pub fn tasks() -> usize {
    TASKS.load(Ordering::SeqCst)
}

/// One of them.
struct Task;

impl Task {
    fn new() -> Self {
        TASKS.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        TASKS.fetch_sub(1, Ordering::SeqCst);
    }
}

impl<R: Timer> Timer for Counted<R> {
    fn now(&self) -> Now {
        self.0.now()
    }

    fn sleep_until(&self, at: Time) -> BoxFuture<'static, ()> {
        self.0.sleep_until(at)
    }
}

impl<R: Spawn> Spawn for Counted<R> {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        let counted = Task::new();
        self.0.spawn(Box::pin(async move {
            task.await;
            drop(counted);
        }));
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        let counted = Task::new();
        self.0.spawn_blocking(Box::new(move || {
            work();
            drop(counted);
        }));
    }
}

impl<R: Net> Net for Counted<R> {
    fn resolve(&self, host: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        self.0.resolve(host, port)
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Io>>> {
        self.0.connect(address)
    }
}

/// A runtime of a single thread, which has nothing else to do.
struct Alone {
    handle: Handle,
    thread: Option<(oneshot::Sender<()>, std::thread::JoinHandle<()>)>,
}

impl Alone {
    fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let (handle, (stop, stopped)) = (runtime.handle().clone(), oneshot::channel());
        let thread = std::thread::spawn(move || {
            let _ = runtime.block_on(stopped);
        });
        Self { handle, thread: Some((stop, thread)) }
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.thread.take() {
            drop(stop);
            thread.join().unwrap();
        }
    }
}

/// Makes a test of each behaviour (an `async fn` without arguments beside the call) on each adapter; after `recorded:` on each where
/// downloads are recorded for a later run.
macro_rules! on_every_adapter {
    (@on $module:ident $adapter:ident ($($behaviour:ident),*)) => {
        mod $module {
            $(#[test]
            fn $behaviour() {
                crate::support::adapters::run(crate::support::adapters::Adapter::$adapter, super::$behaviour);
            })*
        }
    };
    ($($behaviour:ident),* $(,)?) => {
        crate::support::adapters::on_every_adapter!(@on unread Unread ($($behaviour),*));
        crate::support::adapters::on_every_adapter!(recorded: $($behaviour),*);
    };
    (recorded: $($behaviour:ident),* $(,)?) => {
        crate::support::adapters::on_every_adapter!(@on tokio_multi_thread TokioMultiThread ($($behaviour),*));
        crate::support::adapters::on_every_adapter!(@on tokio_current_thread TokioCurrentThread ($($behaviour),*));
        crate::support::adapters::on_every_adapter!(@on async_std AsyncStd ($($behaviour),*));
        crate::support::adapters::on_every_adapter!(@on smol Smol ($($behaviour),*));
        crate::support::adapters::on_every_adapter!(@on reqwest Reqwest ($($behaviour),*));
        crate::support::adapters::on_every_adapter!(@on blocking Blocking ($($behaviour),*));
    };
}
pub(crate) use on_every_adapter;
