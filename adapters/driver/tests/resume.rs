//! A journal carries a transfer over the end of its client; the application is asked for fresh credentials.
#![allow(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking, and measure real time"
)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::provider::Plain;
use common::server::Fate;
use common::{World, content, eventually, run};
use futures::FutureExt;
use longhaul_core::Error;
use longhaul_core::intent::{Answer, Question};
use longhaul_core::layout::PartSize;
use longhaul_driver::Job;
use longhaul_driver::job::Recalled;
use longhaul_driver::journal::JournalName;
use longhaul_driver::memory::{MemoryJournal, MemorySource, MemoryTarget};

fn name() -> JournalName {
    JournalName { id: "a".into(), beside: None }
}

fn download(target: &MemoryTarget, journal: &MemoryJournal) -> Job {
    let mut spec = Plain::download("a");
    spec.journal = true;
    spec.part_size = PartSize::Bytes(50_000);
    Job::new(spec, Arc::new(target.clone())).with_journal(Arc::new(journal.clone()), name())
}

fn upload(journal: &MemoryJournal) -> Job {
    let mut spec = Plain::upload("a");
    spec.journal = true;
    spec.part_size = PartSize::Bytes(50_000);
    let source = MemorySource::new(content(400_000));
    Job::new(spec, Arc::new(source)).with_journal(Arc::new(journal.clone()), name())
}

#[test]
fn a_download_goes_on_in_another_client_from_what_is_stored() {
    let (target, journal) = (MemoryTarget::new(1 << 24), MemoryJournal::new());
    let world = World::new();
    world.server.put("a", content(400_000));
    world.server.fate("GET", [None, None, None, Some(Fate::StallAfter(20_000))]);
    let transfer = run(world.client.submit(download(&target, &journal))).unwrap();
    eventually("the server is silent", || transfer.progress().acknowledged >= 150_000);
    let server = world.server.clone();
    world.close();
    assert_eq!(transfer.outcome(), Some(Err(Error::Closed)));
    assert_eq!(journal.names(), ["a"]);

    let world = World::new();
    world.server.put("a", content(400_000));
    let mut job = download(&target, &journal);
    assert_eq!(run(job.recall()).unwrap(), Recalled::Checkpoint);
    let mut transfer = run(world.client.submit(download(&target, &journal))).unwrap();
    run(&mut transfer).unwrap();
    assert_eq!(target.content().unwrap(), content(400_000));
    let progress = transfer.progress();
    assert!(progress.reused >= 150_000, "{progress:?}");
    assert_eq!(progress.reused + progress.moved, 400_000);
    assert!(journal.names().is_empty(), "nothing is left to resume");
    drop(server);
    world.close();
}

#[test]
fn an_upload_goes_on_in_another_client_with_the_parts_the_server_has() {
    let journal = MemoryJournal::new();
    let world = World::new();
    world.server.fate("PUT part", [None, None, None, Some(Fate::Silent)]);
    let transfer = run(world.client.submit(upload(&journal))).unwrap();
    eventually("three parts are there", || transfer.progress().acknowledged >= 150_000);
    let server = world.server.clone();
    world.close();
    assert_eq!(server.seen("DELETE"), 0, "nothing is aborted");

    server.fate("PUT part", [None]);
    let seen = server.seen("PUT part");
    let world = World::on(&server);
    run(run(world.client.submit(upload(&journal))).unwrap()).unwrap();
    assert_eq!(server.object("a").unwrap(), content(400_000));
    assert!(server.seen("PUT part") - seen <= 5, "what is confirmed is not sent again");
    assert!(journal.names().is_empty());
    world.close();
}

#[test]
fn a_journal_that_holds_rubbish_is_no_obstacle() {
    use longhaul_core::intent::JournalOp;
    use longhaul_driver::journal::Journal;
    let (target, journal) = (MemoryTarget::new(1 << 24), MemoryJournal::new());
    run(journal.run(&name(), JournalOp::Replace(content(500)), false)).unwrap();
    let world = World::new();
    world.server.put("a", content(100_000));
    assert!(matches!(run(download(&target, &journal).recall()), Ok(Recalled::Unusable(_))));
    run(run(world.client.submit(download(&target, &journal))).unwrap()).unwrap();
    assert_eq!(target.content().unwrap(), content(100_000));
    world.close();
}

#[test]
fn fresh_credentials_are_asked_for_once_and_used() {
    let world = World::new();
    world.server.put("a", content(400_000));
    world.server.fate("GET", [Some(Fate::Status(403)), None]);
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let (job, target) = World::download("a");
    let job = job.with_refresher(move |question| {
        assert!(matches!(question, Question::Refresh(_)));
        count.fetch_add(1, Ordering::SeqCst);
        async { Answer::Provider(Arc::new(Plain::new("a"))) }.boxed()
    });
    run(run(world.client.submit(job)).unwrap()).unwrap();
    assert_eq!((asked.load(Ordering::SeqCst), target.content()), (1, Some(content(400_000))));
    world.close();
}

#[test]
fn with_nobody_to_ask_or_no_answer_the_transfer_fails_or_can_be_stopped() {
    let world = World::new();
    world.server.put("a", content(10));
    world.server.fate("GET", [Some(Fate::Status(403))]);
    let transfer = run(world.client.submit(World::download("a").0)).unwrap();
    assert!(matches!(run(transfer), Err(Error::Issuer(_))));

    let panics = World::download("a").0.with_refresher(|_| async { panic!("the application's own") }.boxed());
    let transfer = run(world.client.submit(panics)).unwrap();
    assert!(matches!(run(transfer), Err(Error::Issuer(_))));

    let never = World::download("a").0.with_refresher(|_| std::future::pending().boxed());
    let transfer = run(world.client.submit(never)).unwrap();
    eventually("asked", || world.server.seen("GET") == 3);
    std::thread::sleep(std::time::Duration::from_millis(20));
    run(transfer.cancel()).unwrap();
    assert_eq!(run(transfer), Err(Error::Cancelled));
    world.close();
}
