//! C9: closing rejects later work, drains events, tolerates company, and leaves nothing behind.
#![allow(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking, and measure real time"
)]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::server::Fate;
use common::{World, content, eventually, run};
use futures::StreamExt;
use longhaul_core::event::Snapshot;
use longhaul_core::spec::CommandError;
use longhaul_core::{Error, Event, EventKind};
use longhaul_driver::SubmitError;

#[test]
fn c9_a_closed_client_refuses_everything_with_a_result() {
    let world = World::new();
    world.server.put("a", content(10));
    let transfer = run(world.client.submit(World::download("a").0.paused())).unwrap();
    assert!(!world.client.is_closed());
    // From the call on, not from the first poll.
    let closing = world.client.close();
    assert!(world.client.is_closed());
    run(closing);
    let client = &world.client;
    assert!(matches!(run(client.submit(World::download("a").0)), Err(SubmitError::Closed)));
    assert!(matches!(run(client.try_submit(World::download("a").0)), Err(SubmitError::Closed)));
    let batch = run(client.submit_all([World::download("a").0, World::download("b").0]));
    assert_eq!(batch.iter().filter(|job| matches!(job, Err(SubmitError::Closed))).count(), 2);
    assert_eq!(run(transfer.resume()), Err(CommandError::Closed));
    assert_eq!(run(client.snapshot()), Snapshot::default());
    run(client.set_limits(longhaul_core::spec::Limits::default()));
    assert!(world.server.model().seen.is_empty(), "a paused transfer did nothing");
    assert_eq!(run(transfer), Err(Error::Closed));
    world.close();
}

#[test]
fn c9_events_are_drained_before_close_returns_and_each_transfer_has_its_end() {
    let world = World::new();
    let heard = Arc::new(AtomicUsize::new(0));
    let ends = Arc::clone(&heard);
    world.client.add_listener(move |event: &Event| {
        std::thread::sleep(Duration::from_millis(1));
        ends.fetch_add(usize::from(matches!(event.kind, EventKind::Ended(_))), Ordering::SeqCst);
    });
    world.server.fate("GET", [Some(Fate::Silent)]);
    let mut transfers = Vec::new();
    for index in 0..50 {
        let name = format!("f{index}");
        world.server.put(&name, content(1000));
        transfers.push(run(world.client.submit(World::download(&name).0)).unwrap());
    }
    run(world.client.close());
    assert_eq!(heard.load(Ordering::SeqCst), 50);
    for mut transfer in transfers {
        let last = run(async {
            let mut last = None;
            while let Some(event) = transfer.next().await {
                last = Some(event.kind);
            }
            last
        });
        assert!(matches!(last, Some(EventKind::Ended(_))));
    }
    world.close();
}

#[test]
fn c9_many_may_close_side_by_side() {
    let world = World::new();
    world.server.put("a", content(10));
    world.server.fate("GET", [Some(Fate::Silent)]);
    let _transfer = run(world.client.submit(World::download("a").0)).unwrap();
    eventually("it works", || world.server.seen("GET") == 1);
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let client = world.client.clone();
            std::thread::spawn(move || run(client.close()))
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    world.close();
}

#[test]
fn c9_close_may_be_called_and_waited_for_inside_a_callback() {
    let world = World::new();
    world.server.put("a", content(10));
    let (client, closed) = (world.client.clone(), Arc::new(Mutex::new(None)));
    let told = Arc::clone(&closed);
    let begin = Instant::now();
    let (job, _) = World::download("a");
    let job = job.on_end(move |_, _| {
        run(client.close());
        *told.lock().unwrap() = Some(begin.elapsed());
    });
    run(run(world.client.submit(job)).unwrap()).unwrap();
    eventually("the callback returns", || closed.lock().unwrap().is_some());
    assert!(closed.lock().unwrap().unwrap() < Duration::from_millis(250));
    world.close();
}

#[test]
fn c9_a_callback_that_never_returns_delays_close_no_longer_than_its_grace() {
    let config = longhaul_driver::ClientConfig::builder().callback_grace(Duration::from_millis(50));
    let world = World::with(config);
    world.server.put("a", content(10));
    let (release, held) = std::sync::mpsc::sync_channel::<()>(0);
    let held = Mutex::new(held);
    let (job, _) = World::download("a");
    let job = job.on_end(move |_, _| {
        let _ = held.lock().unwrap().recv();
    });
    run(run(world.client.submit(job)).unwrap()).unwrap();
    let begin = Instant::now();
    run(world.client.close());
    assert!((50..250).contains(&begin.elapsed().as_millis()), "{:?}", begin.elapsed());
    drop(release);
    world.close();
}

#[test]
fn c9_close_is_prompt_with_many_transfers_and_leaves_no_task() {
    let world = World::new();
    world.server.fate("HEAD", [Some(Fate::Silent)]);
    let jobs: Vec<_> = (0..1000).map(|index| World::download(&format!("f{index}")).0).collect();
    let transfers = run(world.client.submit_all(jobs));
    eventually("some are at work", || world.server.seen("HEAD") == 8);
    drop(transfers);
    assert_eq!(run(world.client.snapshot()).tasks.len(), 1000);
    world.close();
}
