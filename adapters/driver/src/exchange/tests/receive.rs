//! Answers on their way into a target.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use bytes::Bytes;
use futures::FutureExt;
use futures::channel::oneshot;
use futures::stream::{self, StreamExt};
use longhaul_core::Algorithm;
use longhaul_core::error::FaultKind;
use longhaul_core::intent::{Disposition, Outcome};

use crate::common::{content, cut, frames, reset};
use crate::memory::MemorySource;

use super::{Bench, answering, digest, published, write_at};

#[test]
fn an_answer_goes_where_it_belongs_however_it_is_cut() {
    let object = content(30_000);
    for size in [1, 7, 4096, 8192, 10_000, 30_000] {
        for (skip, offset, len) in [(0, 0, 30_000), (0, 5, 29_000), (10, 0, 1), (8192, 3, 8192), (29_999, 0, 1)] {
            let (bench, target) = Bench::target();
            let parts = cut(&object, size);
            let transport = answering(move || frames(parts.iter().cloned().map(Ok).collect()));
            let outcome = bench.run(transport, write_at(skip, offset, len, Some(Algorithm::Md5)));
            let Outcome::Complete { moved, .. } = outcome else { panic!("{outcome:?}") };
            let wanted = &object[skip as usize..(skip + len) as usize];
            assert_eq!(moved.written, len);
            assert_eq!(moved.digest, Some(digest(Algorithm::Md5, wanted)));
            assert_eq!(&published(&target, offset + len)[offset as usize..], wanted);
        }
    }
}

#[test]
fn without_a_length_the_end_of_the_body_is_the_end_of_the_object() {
    for len in [0, 1, 20_000] {
        let (bench, target) = Bench::target();
        let object = content(len);
        let parts = cut(&object, 5000);
        let transport = answering(move || frames(parts.iter().cloned().map(Ok).collect()));
        let outcome = bench.run(transport, write_at(0, 0, u64::MAX, Some(Algorithm::Md5)));
        let Outcome::Complete { moved, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(moved.digest, Some(digest(Algorithm::Md5, &object)));
        assert_eq!(published(&target, len as u64), object);
    }
}

#[test]
fn an_answer_cut_at_any_byte_keeps_what_came() {
    let object = content(3000);
    for at in (0..3000).step_by(97).chain([1, 2, 2999]) {
        for broken in [false, true] {
            let (mut bench, target) = Bench::target();
            bench.batch = 500;
            let mut parts: Vec<_> = cut(&object.slice(..at), 64).into_iter().map(Ok).collect();
            if broken {
                parts.push(Err(reset()));
            }
            let parts = Mutex::new(Some(parts));
            let transport = answering(move || frames(parts.lock().unwrap().take().unwrap()));
            let outcome = bench.run(transport, write_at(0, 0, 3000, Some(Algorithm::Crc32)));
            let Outcome::Broken { moved, fault } = outcome else { panic!("{outcome:?}") };
            assert_eq!(fault.kind, if broken { FaultKind::Reset } else { FaultKind::Truncated });
            assert_eq!(moved.written, at as u64);
            assert_eq!(moved.digest, Some(digest(Algorithm::Crc32, &object[..at])));
            assert_eq!(published(&target, at as u64), object.slice(..at));
        }
    }
}

#[test]
fn more_than_announced_is_not_written_and_the_exchange_closed() {
    let (bench, target) = Bench::target();
    let (gone, closed) = oneshot::channel::<()>();
    let gone = Mutex::new(Some(gone));
    let transport = answering(move || {
        let gone = gone.lock().unwrap().take();
        stream::iter(cut(&content(10_000), 3000))
            .map(Ok)
            .chain(stream::pending())
            .inspect(move |_| {
                let _ = &gone;
            })
            .boxed()
    });
    let outcome = bench.run(transport, write_at(0, 0, 4000, None));
    assert!(matches!(outcome, Outcome::Complete { .. }), "{outcome:?}");
    assert_eq!(outcome.moved().written, 4000);
    assert_eq!(published(&target, 4000), content(10_000).slice(..4000));
    assert!(closed.now_or_never().is_some(), "the frames are dropped");
}

#[test]
fn a_body_that_is_through_is_asked_for_its_end_so_that_the_connection_can_be_used_again() {
    let (bench, _target) = Bench::target();
    let ended = Arc::new(AtomicUsize::new(0));
    let transport = {
        let ended = Arc::clone(&ended);
        answering(move || {
            let ended = Arc::clone(&ended);
            let end = stream::poll_fn(move |_| {
                ended.fetch_add(1, Ordering::SeqCst);
                Poll::Ready(None)
            });
            stream::iter(vec![Ok(content(100))]).chain(end).boxed()
        })
    };
    bench.run(transport, write_at(0, 0, 100, None));
    assert_eq!(ended.load(Ordering::SeqCst), 1);
}

#[test]
fn a_small_body_is_collected_up_to_its_limit() {
    for (parts, max, wanted) in [
        (vec![], 10, ""),
        (vec!["abc"], 10, "abc"),
        (vec!["abc", "", "def"], 10, "abcdef"),
        (vec!["abc", "def"], 6, "abcdef"),
        (vec!["abc", "def", "ghi"], 5, "abcde"),
        (vec!["abc"], 0, ""),
    ] {
        let bench = Bench::new(MemorySource::new(Bytes::new()));
        let given = parts.clone();
        let transport =
            answering(move || frames(given.iter().map(|part| Ok(Bytes::from_static(part.as_bytes()))).collect()));
        let outcome = bench.run(transport, Disposition::Collect { max });
        let Outcome::Complete { body, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(body, wanted, "{parts:?}");
    }
    let bench = Bench::new(MemorySource::new(Bytes::new()));
    let endless = || stream::repeat_with(|| Ok(Bytes::from_static(b"x"))).boxed();
    let outcome = bench.run(answering(endless), Disposition::Collect { max: 1000 });
    assert!(matches!(&outcome, Outcome::Complete { body, .. } if body.len() == 1000));
    let outcome = bench
        .run(answering(|| frames(vec![Ok(Bytes::from_static(b"x")), Err(reset())])), Disposition::Collect { max: 10 });
    assert!(matches!(&outcome, Outcome::Broken { fault, .. } if fault.kind == FaultKind::Reset));
}
