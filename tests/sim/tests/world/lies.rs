//! Servers whose answers cannot be true, again and again: what they cost is bounded, and the error says what was wrong.

use crate::common::*;
use crate::hand::Hand;
use bytes::Bytes;
use http::Method;
use longhaul_core::Config;
use longhaul_core::error::{Changed, Error, ServerFaultKind};
use longhaul_core::intent::{Moved, Outcome};
use longhaul_core::layout::PartSize;
use longhaul_sim::Style;

/// Whatever was asked for, its ranges begin at the first byte.
#[test]
fn d3_ranges_that_always_begin_at_the_first_byte_do_not_cost_the_square() {
    const LEN: u64 = 16 << 20;
    let mut world = world();
    let job = download(&mut world, LEN, Style { early: u64::MAX, ..Style::GOOD });
    world.jobs[job].part_size = PartSize::Bytes(256 << 10);
    world.jobs[job].parallel = most(1);
    go(&mut world, job);
    let clear = |error: &Error| matches!(error, Error::Server(fault) if fault.kind == ServerFaultKind::Protocol && fault.detail.contains("begins far before"));
    assert!(world.error(job).is_some_and(clear), "{:?}", world.jobs[job].end);
    // Five parts that begin within the first megabyte, and the retries of the next.
    assert_eq!(arrived(&world, Method::GET, "origin"), 5 + 1 + world.jobs[job].retries as usize);
    assert_eq!(world.jobs[job].received, 5 * (256 << 10));
}

/// Some align: what they send beside what was asked for is little, and is let pass.
#[test]
fn d3_ranges_that_begin_a_little_early_are_taken() {
    const LEN: u64 = 4 << 20;
    let mut world = world();
    let job = download(&mut world, LEN, Style { early: 1 << 20, ..Style::GOOD });
    world.jobs[job].part_size = PartSize::Bytes(256 << 10);
    go(&mut world, job);
    done(&world, job);
    assert_eq!(world.jobs[job].received, LEN);
}

/// One tag, and two lengths: that of HEAD, and where the answer to GET, which tells none, ends.
#[test]
fn d2_a_length_that_head_and_get_never_agree_on_ends_within_its_budget() {
    for ends_at in [500, 2_000] {
        let mut hand = Hand::new(Config::default());
        let task = hand.get("http://origin/object");
        let mut gets = 0;
        while hand.error(task).is_none() && gets < 100 {
            let (op, request) = hand.request();
            if request.method() == Method::HEAD {
                hand.answer(op, 200, &[("etag", "\"one\""), ("content-length", "1000")], "");
                continue;
            }
            gets += 1;
            let _ = hand.head(op, 200, &[("etag", "\"one\"")]);
            let moved = Moved { connected: true, written: ends_at, ..Moved::default() };
            hand.engine.handle_done(op, Outcome::Complete { moved, body: Bytes::new() }, hand.now);
        }
        let restarts = longhaul_core::retry::RetryPolicy::default().restarts;
        assert!(gets <= 2 * (1 + restarts), "{gets} answers were fetched");
        let clear = |error| matches!(error, Error::Changed(Changed::Size { known: 1_000, seen }) if seen == ends_at);
        assert!(hand.error(task).is_some_and(clear), "{:?}", hand.error(task));
    }
}
