//! C2, C3, C4: what pause, resume, cancel and close do, in every state and with any peer.
#![allow(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking, and measure real time"
)]

mod common;

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use common::server::Fate;
use common::{World, content, eventually, run};
use futures::StreamExt;
use longhaul_core::event::State;
use longhaul_core::layout::PartSize;
use longhaul_core::spec::{CommandError, Parallel};
use longhaul_core::{Error, Event, EventKind};
use longhaul_driver::memory::MemoryTarget;
use longhaul_driver::{ClientConfig, Job, Transfer};

/// What C2 and C4 allow.
const PROMPT: Duration = Duration::from_millis(250);

#[track_caller]
fn promptly<T>(what: &str, future: impl Future<Output = T>) -> T {
    let begin = Instant::now();
    let done = run(future);
    let took = begin.elapsed();
    assert!(took < PROMPT, "{what} took {took:?}");
    done
}

async fn until(transfer: &mut Transfer, wanted: impl Fn(&EventKind) -> bool) -> Event {
    while let Some(event) = transfer.next().await {
        if wanted(&event.kind) {
            return event;
        }
    }
    panic!("the transfer ended first");
}

/// A download in parts of 64 KiB, one at a time.
fn download(name: &str) -> (Job, MemoryTarget) {
    let (mut job, target) = World::download(name);
    job.spec_mut().part_size = PartSize::Bytes(64 << 10);
    job.spec_mut().parallel = Parallel::Most(NonZeroU32::MIN);
    (job, target)
}

#[test]
fn c2_pause_stops_growth_at_once_also_with_a_silent_server_and_resume_goes_on_from_what_is_stored() {
    for fate in [Fate::Silent, Fate::StallAfter(0), Fate::StallAfter(30_000)] {
        let world = World::new();
        world.server.put("a", content(200_000));
        world.server.fate("GET", [None, Some(fate), None]);
        let (job, target) = download("a");
        let mut transfer = run(world.client.submit(job)).unwrap();
        eventually("the server is silent", || world.server.seen("GET") == 2);
        promptly("pause", async {
            transfer.pause().await.unwrap();
            until(&mut transfer, |event| *event == EventKind::Paused).await;
        });
        assert!(matches!(transfer.status(), State::Paused(_)));
        let stored = transfer.progress().acknowledged;
        assert!(stored >= 65_536, "{stored}");
        if let Fate::StallAfter(len) = fate {
            assert!(stored >= 65_536 + len as u64, "what had come is kept: {stored}");
        }
        let size = target.draft_len();
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!((target.draft_len(), world.server.seen("GET")), (size, 2));

        run(transfer.resume()).unwrap();
        run(&mut transfer).unwrap();
        assert_eq!(target.content().unwrap(), content(200_000));
        let progress = transfer.progress();
        assert_eq!((progress.moved, progress.resent), (200_000, 0), "nothing is fetched twice");
        drop(transfer);
        world.close();
    }
}

#[test]
fn c2_progress_never_falls_over_pauses() {
    let world = World::new();
    world.server.put("a", content(1_000_000));
    let (job, _) = download("a");
    let transfer = run(world.client.submit(job.with_rate(std::num::NonZeroU64::new(2_000_000)))).unwrap();
    let mut last = 0;
    for _ in 0..5 {
        std::thread::sleep(Duration::from_millis(30));
        run(transfer.pause()).unwrap();
        let now = transfer.progress().acknowledged;
        assert!(now >= last);
        last = now;
        run(transfer.resume()).unwrap();
    }
    let completed = run(transfer).unwrap();
    assert_eq!(completed.total, 1_000_000);
    world.close();
}

/// The states a transfer can be caught in.
#[derive(Clone, Copy, Debug, PartialEq)]
enum In {
    Queued,
    PausedUnstarted,
    Active,
    Waiting,
    Paused,
    Ending,
    Ended,
    Forgotten,
}

const STATES: [In; 8] =
    [In::Queued, In::PausedUnstarted, In::Active, In::Waiting, In::Paused, In::Ending, In::Ended, In::Forgotten];

/// A transfer in that state, and one that blocks the queue where that needs it.
fn caught(world: &World, state: In) -> (Option<Transfer>, longhaul_core::TaskId, Vec<Transfer>) {
    let mut others = Vec::new();
    world.server.put("a", content(100_000));
    if state == In::Queued {
        world.server.put("b", content(10));
        world.server.fate("HEAD", [Some(Fate::Silent)]);
        others.push(run(world.client.submit(download("b").0)).unwrap());
        eventually("the other one works", || world.server.seen("HEAD") == 1);
    }
    let job = match state {
        // An upload whose abort never ends stays on its way out.
        In::Ending => World::upload("a", content(100)),
        _ => download("a").0,
    };
    match state {
        In::Active | In::Paused | In::PausedUnstarted => world.server.fate("GET", [Some(Fate::Silent)]),
        In::Waiting => world.server.fate("HEAD", [Some(Fate::Status(503))]),
        In::Ending => {
            world.server.fate("PUT part", [Some(Fate::Silent)]);
            world.server.fate("DELETE", [Some(Fate::Silent)]);
        }
        _ => {}
    }
    let job = if state == In::PausedUnstarted { job.paused() } else { job };
    let mut transfer = run(world.client.submit(job)).unwrap();
    let id = transfer.id();
    match state {
        In::Queued => eventually("queued", || transfer.status() == State::Queued),
        In::PausedUnstarted => {}
        In::Active => eventually("active", || world.server.seen("GET") == 1),
        In::Waiting => {
            run(until(&mut transfer, |event| matches!(event, EventKind::Retrying { .. })));
        }
        In::Paused => {
            eventually("active", || world.server.seen("GET") == 1);
            run(transfer.pause()).unwrap();
            run(until(&mut transfer, |event| *event == EventKind::Paused));
        }
        In::Ending => {
            eventually("a part is on its way", || world.server.seen("PUT part") == 1);
            run(transfer.cancel()).unwrap();
            assert_eq!(transfer.status(), State::Ending);
            eventually("the abort is on its way", || world.server.seen("DELETE") == 1);
        }
        In::Ended => drop(run(&mut transfer).unwrap()),
        In::Forgotten => {
            run(&mut transfer).unwrap();
            drop(transfer);
            eventually("forgotten", || world.client.status(id).is_none());
            return (None, id, others);
        }
    }
    (Some(transfer), id, others)
}

#[test]
fn c3_every_command_in_every_state_has_one_defined_result_and_a_transfer_ends_once() {
    for state in STATES {
        for command in ["pause", "resume", "cancel", "weight", "close"] {
            let world = World::with(one_download());
            let (transfer, id, others) = caught(&world, state);
            let client = &world.client;
            let result = promptly(command, async {
                match command {
                    "pause" => client.pause(id).await,
                    "resume" => client.resume(id).await,
                    "cancel" => client.cancel(id).await,
                    "weight" => client.set_weight(id, NonZeroU32::new(3).unwrap()).await,
                    _ => {
                        client.close().await;
                        Ok(())
                    }
                }
            });
            let wanted = match (state, command) {
                (_, "close") => Ok(()),
                (In::Ending | In::Ended, _) => Err(CommandError::Over),
                (In::Forgotten, _) => Err(CommandError::Unknown),
                _ => Ok(()),
            };
            assert_eq!(result, wanted, "{command} when {state:?}");

            run(client.close());
            // After the close every id answers the same.
            assert_eq!(run(client.pause(id)), Err(CommandError::Closed));
            if let Some(mut transfer) = transfer {
                let events: Vec<_> = run(async {
                    let mut events = Vec::new();
                    while let Some(event) = transfer.next().await {
                        events.push(event.kind);
                    }
                    events
                });
                let ends = events.iter().filter(|event| matches!(event, EventKind::Ended(_)));
                assert_eq!(ends.count(), 1, "{command} when {state:?}: {events:?}");
                assert!(matches!(events.last(), Some(EventKind::Ended(_))));
                assert_eq!(client.status(id), Some(State::Ended), "the id is valid");
                let outcome = transfer.outcome().unwrap();
                match (state, command) {
                    (In::Ended, _) => assert!(outcome.is_ok()),
                    (In::Ending, _) | (_, "cancel") => assert_eq!(outcome, Err(Error::Cancelled)),
                    _ => assert_eq!(outcome, Err(Error::Closed), "{command} when {state:?}"),
                }
            }
            drop(others);
            world.close();
        }
    }
}

fn one_download() -> longhaul_driver::config::ClientConfigBuilder {
    let mut core = longhaul_core::Config::default();
    core.limits.downloads = 1;
    ClientConfig::builder().seed(1).core(core)
}

#[test]
fn c4_cancel_ends_a_download_at_once_with_a_stalled_peer() {
    for fate in [Fate::Silent, Fate::StallAfter(0), Fate::StallAfter(30_000)] {
        let world = World::new();
        world.server.put("a", content(200_000));
        world.server.fate("GET", [None, Some(fate)]);
        let (job, target) = download("a");
        let mut transfer = run(world.client.submit(job)).unwrap();
        eventually("the server is silent", || world.server.seen("GET") == 2);
        promptly("cancel", async {
            transfer.cancel().await.unwrap();
            assert_eq!((&mut transfer).await, Err(Error::Cancelled));
        });
        assert_eq!((target.draft_len(), target.content()), (0, None), "nothing is left");
        world.close();
    }
}

#[test]
fn c4_a_slow_abort_delays_no_command_of_any_transfer() {
    let world = World::new();
    world.server.put("b", content(100_000));
    world.server.fate("PUT part", [Some(Fate::Silent)]);
    world.server.fate("DELETE", [Some(Fate::Silent)]);
    let transfer = run(world.client.submit(World::upload("a", content(100)))).unwrap();
    eventually("a part is on its way", || world.server.seen("PUT part") == 1);
    promptly("cancel", transfer.cancel()).unwrap();
    eventually("the abort is on its way", || world.server.seen("DELETE") == 1);
    promptly("snapshot", world.client.snapshot());
    let (job, _) = download("b");
    let job = job.with_rate(std::num::NonZeroU64::new(200_000));
    let other = promptly("submit", world.client.submit(job)).unwrap();
    promptly("pause", other.pause()).unwrap();
    promptly("resume", other.resume()).unwrap();
    run(other).unwrap();
    assert_eq!(transfer.outcome(), None);
    // An abort that cannot be waited for does not hide why the transfer ended.
    let client = world.client.clone();
    world.close();
    assert!(client.is_closed());
    assert_eq!(transfer.outcome(), Some(Err(Error::Cancelled)));
}

#[test]
fn c4_close_right_after_a_cancel_waits_for_neither_abort_nor_commit() {
    for step in ["PUT part", "POST commit"] {
        let world = World::new();
        world.server.fate(step, [Some(Fate::Silent)]);
        world.server.fate("DELETE", [Some(Fate::Silent)]);
        let transfer = run(world.client.submit(World::upload("a", content(100)))).unwrap();
        eventually("the server is silent", || world.server.seen(step) == 1);
        run(transfer.cancel()).unwrap();
        world.close();
        // The abort may have begun by then or not. Without it, and after a commit nobody answered, the record stays for a later run.
        let end = transfer.outcome();
        assert!(matches!(end, Some(Err(Error::Cancelled | Error::Closed))), "{step}: {end:?}");
    }
}

#[test]
fn c4_close_is_prompt_at_every_step_of_an_upload() {
    for step in ["POST begin", "PUT part", "POST commit"] {
        let world = World::new();
        world.server.fate(step, [Some(Fate::Silent)]);
        let transfer = run(world.client.submit(World::upload("a", content(100)))).unwrap();
        eventually("the server is silent", || world.server.seen(step) == 1);
        world.close();
        assert_eq!(transfer.outcome(), Some(Err(Error::Closed)), "{step}");
    }
}

#[test]
fn c6_submitting_again_right_after_a_cancel_works_and_the_old_run_touches_nothing() {
    let world = World::new();
    world.server.put("a", content(200_000));
    world.server.fate("GET", [Some(Fate::StallAfter(100)), None]);
    let (job, old_target) = download("a");
    let old = run(world.client.submit(job)).unwrap();
    eventually("it works", || world.server.seen("GET") == 1);
    run(old.cancel()).unwrap();
    let (job, target) = download("a");
    let new = run(world.client.submit(job)).unwrap();
    assert_eq!(run(old), Err(Error::Cancelled));
    run(new).unwrap();
    assert_eq!((target.content(), old_target.content()), (Some(content(200_000)), None));
    world.close();
}
