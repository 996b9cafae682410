//! A download whose consumer takes the bytes in order: no more is fetched than the window lets in.

use std::sync::Arc;

use crate::common::most;
use crate::hand::Hand;
use http::Request;
use longhaul_core::intent::{Body, Disposition, Moved, Outcome};
use longhaul_core::{Config, Direction, OpId, TaskId};
use longhaul_http::HttpDownload;

pub(crate) const RANGED: [(&str, &str); 3] =
    [("content-length", "30000"), ("etag", "\"a\""), ("accept-ranges", "bytes")];

fn windowed(hand: &mut Hand, window: u64) -> TaskId {
    let provider = Arc::new(HttpDownload::new("https://origin/a").expect("a URL"));
    hand.submit_with(provider, Direction::Download, |spec| {
        (spec.window, spec.parallel) = (Some(window), most(1));
    })
}

fn range(request: &Request<Body>) -> &str {
    request.headers()["range"].to_str().expect("printable")
}

/// All that was asked for comes.
pub(crate) fn comes(hand: &mut Hand, op: OpId, from: u64, to: u64) {
    let told = format!("bytes {from}-{}/30000", to - 1);
    let len = (to - from).to_string();
    let disposition = hand.head(op, 206, &[("content-range", &told), ("content-length", &len), ("etag", "\"a\"")]);
    assert!(matches!(disposition, Disposition::WriteAt { offset, .. } if offset == from), "{disposition:?}");
    let mut moved = Moved::default();
    (moved.connected, moved.written) = (true, to - from);
    hand.engine.handle_done(op, Outcome::Complete { moved, body: bytes::Bytes::new() }, hand.now);
}

#[test]
fn no_more_is_fetched_than_the_window_lets_in() {
    let mut hand = Hand::new(Config::default());
    let task = windowed(&mut hand, 10_000);
    let (probe, _) = hand.request();
    hand.answer(probe, 200, &RANGED, "");
    let (op, request) = hand.request();
    assert_eq!(range(&request), "bytes=0-9999");
    comes(&mut hand, op, 0, 10_000);
    assert!(hand.requests().is_empty(), "nothing was consumed yet");
    // Consumption only grows, and is this transfer's alone.
    hand.engine.handle_consumed(task, 4_000, hand.now);
    let (op, request) = hand.request();
    assert_eq!(range(&request), "bytes=10000-13999");
    comes(&mut hand, op, 10_000, 14_000);
    hand.engine.handle_consumed(task, 1_000, hand.now);
    assert!(hand.requests().is_empty());
    hand.engine.handle_consumed(task, u64::MAX, hand.now);
    let (op, request) = hand.request();
    assert_eq!(range(&request), "bytes=14000-23999");
    comes(&mut hand, op, 14_000, 24_000);
    let (op, request) = hand.request();
    assert_eq!(range(&request), "bytes=24000-29999");
    comes(&mut hand, op, 24_000, 30_000);
    hand.pump();
    assert!(hand.engine.end(task).is_some());
}

/// Without ranges everything comes in one answer, as fast as the consumer takes it: while it holds the answer up, silence is no
/// fault of the network; while it waits for more, it is.
#[test]
fn r1_a_consumer_that_stops_breaks_no_answer_that_it_holds_up() {
    for held in [true, false] {
        let mut hand = Hand::new(Config::default());
        let provider = Arc::new(HttpDownload::new("https://origin/a").expect("a URL"));
        hand.submit_with(provider, Direction::Download, |spec| spec.window = Some(10_000));
        let (probe, _) = hand.request();
        hand.answer(probe, 200, &[("content-length", "30000")], "");
        let (op, _) = hand.request();
        let _ = hand.head(op, 200, &[("content-length", "30000")]);
        for _ in 0..360 {
            let moved = Moved { connected: true, written: 10_000, held, ..Moved::default() };
            hand.engine.handle_progress(op, moved, hand.now);
            hand.now.mono = hand.now.mono + std::time::Duration::from_secs(10);
            hand.engine.handle_timeout(hand.now);
            hand.pump();
        }
        assert_eq!(hand.cancelled.is_empty(), held);
    }
}
