//! C10: callbacks and listeners that panic, dawdle or call back never stall a transfer or lose an end.
#![allow(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking, and measure real time"
)]

mod common;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{World, content, eventually, run};
use longhaul_core::event::Progress;
use longhaul_core::{Event, EventKind, TaskId};
use longhaul_driver::log::LogListener;
use longhaul_driver::{ClientConfig, Listener};

fn is_end(event: &Event) -> bool {
    matches!(event.kind, EventKind::Ended(_))
}

fn files(world: &World, count: usize) {
    for index in 0..count {
        world.server.put(&format!("f{index}"), content(100_000));
    }
}

#[test]
fn c10_a_panicking_callback_disturbs_nobody() {
    let world = World::new();
    files(&world, 3);
    let ends = Arc::new(AtomicUsize::new(0));
    world.client.add_listener(|_: &Event| panic!("a listener's own"));
    let counted = Arc::clone(&ends);
    world.client.add_listener(move |event: &Event| {
        counted.fetch_add(usize::from(is_end(event)), Ordering::SeqCst);
    });
    for index in 0..3 {
        let (job, _) = World::download(&format!("f{index}"));
        let job = job.on_progress(|_, _| panic!("progress")).on_end(|_, _| panic!("end"));
        run(run(world.client.submit(job)).unwrap()).unwrap();
    }
    eventually("every end is told", || ends.load(Ordering::SeqCst) == 3);
    world.close();
}

#[test]
fn c10_a_slow_listener_stalls_no_transfer_and_hears_every_end() {
    let world = World::with(ClientConfig::builder().listener_capacity(NonZeroUsize::new(4).unwrap()));
    files(&world, 20);
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&heard);
    world.client.add_listener(move |event: &Event| {
        std::thread::sleep(Duration::from_millis(20));
        if is_end(event) {
            listener.lock().unwrap().push(event.task);
        }
    });
    let begin = Instant::now();
    let jobs: Vec<_> = (0..20).map(|index| World::download(&format!("f{index}")).0).collect();
    let transfers: Vec<_> = run(world.client.submit_all(jobs)).into_iter().map(Result::unwrap).collect();
    let mut ids: Vec<TaskId> = transfers.iter().map(longhaul_driver::Transfer::id).collect();
    for transfer in transfers {
        run(transfer).unwrap();
    }
    assert!(begin.elapsed() < Duration::from_millis(350), "{:?}", begin.elapsed());
    run(world.client.close());
    let mut heard = std::mem::take(&mut *heard.lock().unwrap());
    heard.sort_unstable();
    ids.sort_unstable();
    assert_eq!(heard, ids, "each end once");
    world.close();
}

#[test]
fn c10_a_callback_may_call_the_client_and_wait_for_it() {
    let world = World::new();
    files(&world, 2);
    let (client, done) = (world.client.clone(), Arc::new(Mutex::new(None)));
    let told = Arc::clone(&done);
    let (first, _) = World::download("f0");
    let first = first.on_end(move |id, result| {
        assert!(result.is_ok());
        let second = run(client.submit(World::download("f1").0)).unwrap();
        let listener = client.add_listener(|_: &Event| {});
        assert!(client.remove_listener(listener));
        assert!(run(client.cancel(id)).is_err(), "over");
        *told.lock().unwrap() = Some(run(second).unwrap().total);
    });
    run(run(world.client.submit(first)).unwrap()).unwrap();
    eventually("the second transfer ends", || done.lock().unwrap().is_some());
    assert_eq!(*done.lock().unwrap(), Some(100_000));
    world.close();
}

#[test]
fn c10_listeners_come_and_go() {
    let world = World::new();
    files(&world, 4);
    let count = |count: &Arc<AtomicUsize>| {
        let count = Arc::clone(count);
        move |event: &Event| {
            count.fetch_add(usize::from(is_end(event)), Ordering::SeqCst);
        }
    };
    let (a, b) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let told = |a: &Arc<AtomicUsize>, b: &Arc<AtomicUsize>| (a.load(Ordering::SeqCst), b.load(Ordering::SeqCst));
    let download = |index: usize| {
        let transfer = run(world.client.submit(World::download(&format!("f{index}")).0)).unwrap();
        run(transfer).unwrap();
    };
    let first = world.client.add_listener(count(&a));
    world.client.add_listener(count(&b));
    download(0);
    eventually("both hear", || told(&a, &b) == (1, 1));
    assert!(world.client.remove_listener(first));
    assert!(!world.client.remove_listener(first));
    download(1);
    eventually("one hears", || told(&a, &b) == (1, 2));
    world.client.clear_listeners();
    download(2);
    world.client.add_listener(count(&a));
    download(3);
    eventually("the new one hears", || told(&a, &b) == (2, 2));
    world.close();
}

#[test]
fn c12_progress_callbacks_are_monotone_and_the_last_one_is_complete() {
    #[derive(Default)]
    struct Seen(Mutex<Vec<Progress>>, AtomicUsize);
    struct Told(Arc<Seen>);
    impl Listener for Told {
        fn event(&self, event: &Event) {
            self.0.1.fetch_add(usize::from(is_end(event)), Ordering::SeqCst);
        }
        fn progress(&self, _: TaskId, progress: &Progress) {
            assert_eq!(self.0.1.load(Ordering::SeqCst), 0, "the end comes last");
            self.0.0.lock().unwrap().push(*progress);
        }
    }
    let world = World::with(ClientConfig::builder().tick(Duration::from_millis(10)));
    world.server.put("a", content(400_000));
    let seen = Arc::new(Seen::default());
    world.client.add_listener(Told(Arc::clone(&seen)));
    let own = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&own);
    let (job, _) = World::download("a");
    let job = job
        .with_rate(std::num::NonZeroU64::new(2_000_000))
        .on_progress(move |_, progress| told.lock().unwrap().push(*progress));
    run(run(world.client.submit(job)).unwrap()).unwrap();
    run(world.client.close());
    let own = own.lock().unwrap();
    assert!(own.len() >= 5, "{}", own.len());
    assert!(own.windows(2).all(|pair| pair[0].acknowledged <= pair[1].acknowledged));
    assert_eq!(own.last().unwrap().acknowledged, 400_000);
    assert_eq!(*own, *seen.0.lock().unwrap());
    drop(own);
    world.close();
}

#[test]
fn c10_a_log_has_a_line_for_each_event_and_may_panic() {
    let world = World::new();
    files(&world, 1);
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&lines);
    world.client.add_listener(LogListener::new(move |level, line: &str| {
        log.lock().unwrap().push(format!("{level} {line}"));
        assert!(!line.ends_with("Started"), "the log's own");
    }));
    for name in ["f0", "missing"] {
        let (job, _) = World::download(name);
        let _ = run(run(world.client.submit(job)).unwrap());
    }
    let ends = |line: &String| line.starts_with("INFO") || line.starts_with("ERROR");
    eventually("both ends are told", || lines.lock().unwrap().iter().filter(|line| ends(line)).count() == 2);
    world.close();
    let lines = lines.lock().unwrap();
    let count =
        |level: &str, words: &str| lines.iter().filter(|line| line.starts_with(level) && line.contains(words)).count();
    assert_eq!(
        (count("INFO", "t0.0: completed, 100000 bytes"), count("ERROR", ": failed, code 3")),
        (1, 1),
        "{lines:?}"
    );
    assert!(count("DEBUG", "Started") == 2 && count("DEBUG", "Phase(Moving)") == 1, "{lines:?}");
}
