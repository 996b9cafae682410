//! C8: a full command queue fails fast for `try_submit`, waits for control, loses nothing.
#![allow(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking, and measure real time"
)]

mod common;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use common::server::Server;
use common::{Runtime, World, content, run};
use futures::FutureExt;
use futures::future::BoxFuture;
use longhaul_driver::runtime::Spawn;
use longhaul_driver::{Client, ClientConfig, SubmitError};

/// Holds the first task, the loop, back until it is let go.
struct Holding(Arc<Runtime>, Mutex<Option<BoxFuture<'static, ()>>>, Mutex<bool>);

impl Spawn for Holding {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        if std::mem::replace(&mut *self.2.lock().unwrap(), true) {
            self.0.spawn(task);
        } else {
            *self.1.lock().unwrap() = Some(task);
        }
    }
}

#[test]
fn c8_a_full_queue_fails_fast_for_try_submit_waits_for_control_and_loses_nothing() {
    let runtime = Runtime::new();
    let server = Server::new(&runtime);
    let spawn = Arc::new(Holding(runtime.clone(), Mutex::default(), Mutex::default()));
    let config = ClientConfig::builder().command_capacity(NonZeroUsize::new(2).unwrap()).build().unwrap();
    let client = Client::new(config, Arc::new(server.clone()), runtime.clone(), spawn.clone());
    for name in ["a", "b", "c"] {
        server.put(name, content(100));
    }
    let (mut a, mut b) =
        (Box::pin(client.try_submit(World::download("a").0)), Box::pin(client.try_submit(World::download("b").0)));
    assert!((&mut a).now_or_never().is_none());
    assert!((&mut b).now_or_never().is_none());
    let refused = client.try_submit(World::download("c").0).now_or_never();
    assert!(matches!(refused, Some(Err(SubmitError::Busy))), "at once: {refused:?}");

    let mut waiting: Vec<_> = (0..10).map(|_| Box::pin(client.snapshot())).collect();
    let mut c = Box::pin(client.submit(World::download("c").0));
    for waiting in &mut waiting {
        assert!(waiting.now_or_never().is_none());
    }
    assert!((&mut c).now_or_never().is_none());

    let task = spawn.1.lock().unwrap().take().unwrap();
    runtime.spawn(task);
    let (a, b, snapshots, c) = run(futures::future::join4(a, b, futures::future::join_all(waiting), c));
    assert_eq!(snapshots.len(), 10);
    for transfer in [a, b, c] {
        assert_eq!(run(transfer.unwrap()).unwrap().total, 100);
    }
    run(client.close());
}

#[test]
fn c8_ten_thousand_commands_from_many_threads_are_all_answered() {
    let world = World::with(ClientConfig::builder().command_capacity(NonZeroUsize::new(4).unwrap()));
    world.server.put("a", content(100));
    let transfer = run(world.client.submit(World::download("a").0.paused())).unwrap();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let client = world.client.clone();
            let id = transfer.id();
            std::thread::spawn(move || {
                run(async {
                    let all = (0..2500).map(|_| client.pause(id));
                    futures::future::join_all(all).await.into_iter().filter(Result::is_ok).count()
                })
            })
        })
        .collect();
    let answered: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(answered, 10_000);
    run(transfer.cancel()).unwrap();
    world.close();
}
