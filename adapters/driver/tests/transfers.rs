//! The straight way, both directions: content, events, outcome.
#![allow(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking, and measure real time"
)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::provider::Plain;
use common::server::Fate;
use common::{World, content, run};
use futures::StreamExt;
use longhaul_core::event::State;
use longhaul_core::intent::Deadlines;
use longhaul_core::layout::PartSize;
use longhaul_core::retry::RetryPolicy;
use longhaul_core::{Error, EventKind};
use longhaul_driver::{ClientConfig, SubmitError};

#[test]
fn a_download_is_there_whole_once_it_is_completed() {
    let world = World::new();
    for len in [0, 1, 4096, 3_000_000] {
        let name = format!("f{len}");
        world.server.put(&name, content(len));
        let (mut job, target) = World::download(&name);
        job.spec_mut().part_size = PartSize::Bytes(1 << 20);
        let transfer = run(world.client.submit(job)).unwrap();
        let id = transfer.id();
        let completed = run(transfer).unwrap();
        assert_eq!(completed.total, len as u64);
        assert_eq!(target.content().unwrap(), content(len));
        common::eventually("a dropped handle's id is forgotten", || world.client.status(id).is_none());
    }
    world.close();
}

#[test]
fn an_upload_is_there_whole_once_it_is_completed() {
    let world = World::new();
    for len in [0, 1, 4096, 3_000_000] {
        let name = format!("f{len}");
        let mut job = World::upload(&name, content(len));
        job.spec_mut().part_size = PartSize::Bytes(1 << 20);
        let transfer = run(world.client.submit(job)).unwrap();
        assert_eq!(run(transfer).unwrap().total, len as u64);
        assert_eq!(world.server.object(&name).unwrap(), content(len));
    }
    world.close();
}

#[test]
fn a_handle_tells_events_in_order_then_the_end_and_the_outcome_again() {
    let world = World::new();
    world.server.put("a", content(1_000_000));
    let (job, _) = World::download("a");
    let mut transfer = run(world.client.submit(job)).unwrap();
    let mut events = Vec::new();
    while let Some(event) = run(transfer.next()) {
        assert_eq!(event.task, transfer.id());
        events.push(event.kind);
    }
    assert_eq!(events.first(), Some(&EventKind::Started));
    assert!(matches!(events.last(), Some(EventKind::Ended(_))), "{events:?}");
    assert!(events.iter().any(|event| matches!(event, EventKind::Moving { total: Some(1_000_000), .. })));
    assert_eq!(events.iter().filter(|event| matches!(event, EventKind::Ended(_))).count(), 1);
    assert_eq!(transfer.status(), State::Ended);
    let progress = transfer.progress();
    assert_eq!((progress.total, progress.acknowledged), (Some(1_000_000), 1_000_000));
    // The id is valid as long as the handle is there.
    assert_eq!(world.client.status(transfer.id()), Some(State::Ended));
    assert_eq!(run(&mut transfer).unwrap().total, 1_000_000);
    assert_eq!(run(&mut transfer).unwrap().total, 1_000_000);
    world.close();
}

#[test]
fn many_transfers_in_one_batch_each_have_their_own_outcome() {
    let world = World::new();
    for index in 0..20 {
        world.server.put(&format!("f{index}"), content(10_000 + index));
    }
    let mut targets = Vec::new();
    let jobs: Vec<_> = (0..21)
        .map(|index| {
            let (job, target) = World::download(&format!("f{}", index.min(20)));
            targets.push(target);
            job
        })
        .collect();
    let transfers = run(world.client.submit_all(jobs));
    for (index, transfer) in transfers.into_iter().enumerate() {
        let result = run(transfer.unwrap());
        match index {
            20 => assert_eq!(result.unwrap_err().code(), 301),
            _ => assert_eq!(result.unwrap().total, 10_000 + index as u64),
        }
    }
    assert_eq!(targets[7].content().unwrap(), content(10_007));
    world.close();
}

#[test]
fn a_duplicate_is_refused_to_the_caller_alone() {
    let world = World::new();
    world.server.put("a", content(10));
    let transfer = run(world.client.submit(World::download("a").0.paused())).unwrap();
    let refused = run(world.client.submit(World::download("a").0)).map(|_| ());
    assert_eq!(refused, Err(SubmitError::Duplicate(transfer.id())));
    assert_eq!(transfer.outcome(), None);
    world.close();
}

#[test]
fn faults_on_the_way_are_retried_and_what_was_written_is_kept() {
    use common::server::Fate;
    let world = World::new();
    world.server.put("a", content(2_000_000));
    world.server.fate("GET", [Some(Fate::BreakAfter(300_000)), Some(Fate::Status(503)), None]);
    let (job, target) = World::download("a");
    let transfer = run(world.client.submit(job)).unwrap();
    run(world.client.snapshot());
    let completed = common::run_within(Duration::from_secs(60), transfer).unwrap();
    assert_eq!(completed.total, 2_000_000);
    assert_eq!(target.content().unwrap(), content(2_000_000));
    world.close();
}

#[test]
fn a_paused_transfer_does_nothing_at_all() {
    let world = World::new();
    world.server.put("a", content(10));
    let (job, target) = World::download("a");
    let transfer = run(world.client.submit(job.paused())).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    assert!(world.server.model().seen.is_empty());
    assert_eq!(target.draft_len(), 0);
    run(transfer.resume()).unwrap();
    run(transfer).unwrap();
    world.close();
}

#[test]
fn a_client_that_nobody_holds_any_more_closes() {
    let world = World::new();
    world.server.put("a", content(10));
    world.server.fate("GET", [Some(Fate::Silent)]);
    let transfer = run(world.client.submit(World::download("a").0)).unwrap();
    let World { runtime, client, .. } = world;
    drop(client);
    // The handle holds it too.
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(transfer.outcome(), None);
    drop(transfer);
    common::eventually("every task ends", || runtime.live() == 0);
}

#[test]
fn a_runtime_that_goes_away_leaves_no_handle_waiting() {
    /// Keeps tasks so that they can be dropped.
    struct Dropping(std::sync::Mutex<Vec<futures::future::BoxFuture<'static, ()>>>);
    impl longhaul_driver::runtime::Spawn for Dropping {
        fn spawn(&self, task: futures::future::BoxFuture<'static, ()>) {
            self.0.lock().unwrap().push(task);
        }
    }
    let runtime = common::Runtime::new();
    let server = common::server::Server::new(&runtime);
    let spawn = Arc::new(Dropping(std::sync::Mutex::default()));
    let config = ClientConfig::default();
    let client = longhaul_driver::Client::new(config, Arc::new(server), runtime, spawn.clone());
    let mut submit = Box::pin(client.submit(longhaul_driver::Job::new(
        Plain::download("a"),
        Arc::new(longhaul_driver::memory::MemoryTarget::new(1)),
    )));
    assert!(futures::FutureExt::now_or_never(&mut submit).is_none());
    // One turn of the loop, then the runtime is gone.
    let mut task = spawn.0.lock().unwrap().remove(0);
    assert!(futures::FutureExt::now_or_never(&mut task).is_none());
    let transfer = run(submit).unwrap();
    let mut waiting = Box::pin(client.snapshot());
    assert!(futures::FutureExt::now_or_never(&mut waiting).is_none());
    drop(task);
    assert_eq!(run(transfer), Err(Error::Closed));
    assert_eq!(run(waiting), longhaul_core::event::Snapshot::default());
    run(client.close());
    assert!(client.is_closed());
}

#[test]
fn r1_an_answer_that_shows_signs_of_life_is_waited_for_and_not_without_end() {
    let idle = Duration::from_millis(500);
    for (blanks, pause, done) in [(12, idle / 4, true), (usize::MAX, idle / 50, false)] {
        let world = World::with(ClientConfig::builder().tick(idle / 20));
        world.server.fate("POST commit", [Some(Fate::Blanks(blanks, pause))]);
        let mut job = World::upload("a", content(100_000));
        job.spec_mut().deadlines = Deadlines::default().with_idle(Some(idle));
        job.spec_mut().retry = RetryPolicy::default().with_retries(0);
        let outcome = run(run(world.client.submit(job)).unwrap());
        assert_eq!(outcome.is_ok(), done, "{outcome:?}");
        assert!(done || matches!(outcome, Err(Error::Network(_))), "{outcome:?}");
        assert_eq!(world.server.seen("POST commit"), 1);
        world.close();
    }
}
