//! Downloads into a reader, uploads from a stream of unknown length.
#![allow(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking, and measure real time"
)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use common::provider::Plain;
use common::server::Fate;
use common::{World, content, cut, run};
use futures::io::AsyncReadExt;
use futures::{StreamExt, stream};
use longhaul_core::Error;
use longhaul_core::layout::PartSize;
use longhaul_driver::memory::MemoryTarget;
use longhaul_driver::spool::SpooledSource;
use longhaul_driver::stream::{self as target, StreamReader};
use longhaul_driver::{Job, Transfer};

fn open(world: &World, name: &str, window: u64) -> (Transfer, StreamReader) {
    let (target, reader) = target::target(window);
    let mut spec = Plain::download(name);
    spec.window = Some(target.window());
    spec.part_size = PartSize::Bytes(50_000);
    let transfer = run(world.client.submit(Job::new(spec, Arc::new(target)))).unwrap();
    (transfer, reader)
}

async fn all(mut reader: StreamReader) -> Result<Vec<u8>, Error> {
    let mut all = Vec::new();
    while let Some(bytes) = reader.next().await {
        all.extend_from_slice(&bytes?);
    }
    assert!(reader.next().await.is_none());
    Ok(all)
}

#[test]
fn a_download_is_read_in_order_whatever_order_it_comes_in() {
    let world = World::new();
    for (len, window) in [(0, 1000), (1, 1000), (1_000_000, 200_000), (1_000_000, 10_000)] {
        let name = format!("f{len}-{window}");
        world.server.put(&name, content(len));
        let (transfer, reader) = open(&world, &name, window);
        assert_eq!(run(all(reader)).unwrap(), content(len));
        let done = run(transfer).unwrap();
        assert_eq!((done.total, done.path), (len as u64, None), "a stream lies nowhere");
    }
    world.close();
}

#[test]
fn a_reader_that_does_not_read_holds_the_download_within_its_window() {
    let world = World::new();
    world.server.put("a", content(1_000_000));
    let (transfer, mut reader) = open(&world, "a", 200_000);
    std::thread::sleep(Duration::from_millis(300));
    let moved = transfer.progress().acknowledged;
    assert!((1..=200_000).contains(&moved), "{moved}");
    let mut first = vec![0; 100_001];
    run(reader.read_exact(&mut first)).unwrap();
    assert_eq!((first, reader.position()), (content(1_000_000)[..100_001].to_vec(), 100_001));
    let rest = run(all(reader)).unwrap();
    assert_eq!(rest, content(1_000_000)[100_001..]);
    run(transfer).unwrap();
    world.close();
}

#[test]
fn a_slow_reader_of_a_server_without_ranges_is_no_stall() {
    let world = World::new();
    world.server.put("a", content(1_000_000));
    world.server.fate("GET", [Some(Fate::Whole)]);
    let (target, mut reader) = target::target(100_000);
    let mut spec = Plain::download("a");
    spec.window = Some(target.window());
    spec.deadlines = spec.deadlines.with_idle(Some(Duration::from_millis(500)));
    let transfer = run(world.client.submit(Job::new(spec, Arc::new(target)))).unwrap();
    let mut first = vec![0; 1000];
    run(reader.read_exact(&mut first)).unwrap();
    std::thread::sleep(Duration::from_millis(1_500));
    assert!(transfer.progress().acknowledged <= 150_000, "held within its window");
    assert_eq!([first, run(all(reader)).unwrap()].concat(), content(1_000_000));
    assert_eq!(transfer.progress().retries, 0);
    run(transfer).unwrap();
    world.close();
}

#[test]
fn a_failure_is_the_last_thing_read() {
    let world = World::new();
    let (transfer, reader) = open(&world, "missing", 1000);
    let error = run(all(reader)).unwrap_err();
    assert_eq!(error.code(), 301);
    assert_eq!(run(transfer), Err(error));

    world.server.put("a", content(1_000_000));
    world.server.fate("GET", [None, Some(Fate::Status(410)), Some(Fate::Status(404))]);
    let (transfer, mut reader) = open(&world, "a", 200_000);
    let mut buffer = vec![0; 2_000_000];
    let error = run(reader.read_exact(&mut buffer)).unwrap_err();
    let error = error.get_ref().unwrap().downcast_ref::<target::Failed>().unwrap().0.clone();
    assert_eq!(run(transfer), Err(error));
    world.close();
}

#[test]
fn a_dropped_reader_ends_the_transfer() {
    let world = World::new();
    world.server.put("a", content(1_000_000));
    let (transfer, reader) = open(&world, "a", 200_000);
    drop(reader);
    assert!(matches!(run(transfer), Err(Error::Disk(_))));
    world.close();
}

#[test]
fn a_paused_download_goes_on_where_the_reader_is() {
    let world = World::new();
    world.server.put("a", content(1_000_000));
    let (transfer, mut reader) = open(&world, "a", 200_000);
    let mut first = vec![0; 300_000];
    run(reader.read_exact(&mut first)).unwrap();
    run(transfer.pause()).unwrap();
    common::eventually("paused", || matches!(transfer.status(), longhaul_core::event::State::Paused(_)));
    run(transfer.resume()).unwrap();
    let rest = run(all(reader)).unwrap();
    assert_eq!([first, rest].concat(), content(1_000_000));
    run(transfer).unwrap();
    world.close();
}

#[test]
fn a_stream_of_unknown_length_is_uploaded_whole_also_when_a_part_has_to_be_repeated() {
    let world = World::new();
    for len in [0, 1, 50_000, 250_001] {
        let name = format!("f{len}");
        world.server.fate("PUT part", [Some(Fate::Status(503)), None]);
        let frames: Vec<std::io::Result<Bytes>> = cut(&content(len), 777).into_iter().map(Ok).collect();
        let source = SpooledSource::new(stream::iter(frames), Arc::new(MemoryTarget::new(1 << 24)));
        let mut spec = Plain::upload(&name);
        spec.part_size = PartSize::Bytes(50_000);
        let transfer = run(world.client.submit(Job::new(spec, Arc::new(source)))).unwrap();
        let completed = run(transfer).unwrap();
        assert_eq!(completed.total, len as u64);
        assert_eq!(world.server.object(&name).unwrap(), content(len));
    }
    world.close();
}

#[test]
fn a_stream_that_fails_fails_the_upload_with_its_words() {
    let world = World::new();
    let frames = vec![Ok(content(1000)), Err(std::io::Error::other("the tape is torn"))];
    let source = SpooledSource::new(stream::iter(frames), Arc::new(MemoryTarget::new(1 << 24)));
    let job = Job::new(Plain::upload("a"), Arc::new(source));
    let error = run(run(world.client.submit(job)).unwrap()).unwrap_err();
    assert!(error.to_string().contains("the tape is torn"), "{error}");
    assert_eq!(world.server.object("a"), None);
    world.close();
}

#[test]
fn a_stream_that_is_silent_delays_neither_cancel_nor_close() {
    let world = World::new();
    let source = SpooledSource::new(stream::pending(), Arc::new(MemoryTarget::new(1 << 24)));
    let transfer = run(world.client.submit(Job::new(Plain::upload("a"), Arc::new(source)))).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    run(transfer.cancel()).unwrap();
    assert_eq!(run(transfer), Err(Error::Cancelled));
    let source = SpooledSource::new(stream::pending(), Arc::new(MemoryTarget::new(1 << 24)));
    let transfer = run(world.client.submit(Job::new(Plain::upload("b"), Arc::new(source)))).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    world.close();
    assert_eq!(run(transfer), Err(Error::Closed));
}
