//! Each fault as a download meets it, at the exact byte.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::{Duration, Instant, SystemTime};

use longhaul_serve::{Fault, Faults, RetryAfter, What, When};
use support::{End, Reply, Rig};

fn always(what: What) -> Fault {
    Fault::new(When::Always, what)
}

/// One GET of a file of `len` bytes.
fn fetch(len: usize, fault: Fault) -> (Rig, Vec<u8>, Reply) {
    let rig = Rig::with(|config| config.faults(fault));
    let bytes = rig.file("f", len);
    let reply = rig.get("/f", &[]);
    (rig, bytes, reply)
}

#[test]
fn a_status_comes_with_retry_after_in_both_forms() {
    let status = |retry_after| always(What::Status { code: 503, retry_after });
    let (rig, _, reply) = fetch(10, status(Some(RetryAfter::Seconds(2))));
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("2")));
    assert_eq!(rig.head("/f", &[]).status, 503);
    assert_eq!(rig.stats().faults_of("status"), 2);

    let (_rig, _, reply) = fetch(10, status(Some(RetryAfter::Date(60))));
    let date = httpdate::parse_http_date(reply.header("retry-after").unwrap()).unwrap();
    let ahead = date.duration_since(SystemTime::now()).unwrap();
    assert!((50..=60).contains(&ahead.as_secs()), "{ahead:?}");

    let (rig, _, reply) = fetch(10, status(None));
    assert_eq!((reply.status, reply.header("retry-after")), (503, None));
    rig.faults(always(What::Status { code: 7, retry_after: None }));
    assert_eq!(rig.get("/f", &[]).status, 500);
}

#[test]
fn a_reset_comes_after_exactly_so_many_bytes() {
    for at in [0, 1, 1000, 524_288, 600_000, 999_999, 1_000_000] {
        let (rig, bytes, reply) = fetch(1_000_000, always(What::ResetAfter { bytes: at }));
        assert_eq!(reply.status, 200);
        assert_eq!(reply.body.len() as u64, at);
        assert!(bytes.starts_with(&reply.body));
        if at < 1_000_000 {
            assert_eq!(reply.end, End::Reset, "at {at}");
        }
        let stats = rig.settle();
        assert_eq!((stats.faults_of("reset"), stats.body_bytes_sent), (1, at));
    }
}

#[test]
fn a_close_comes_after_exactly_so_many_bytes_and_is_orderly() {
    for at in [0, 1, 1000, 524_288, 600_000, 999_999] {
        let (rig, bytes, reply) = fetch(1_000_000, always(What::CloseAfter { bytes: at }));
        assert_eq!((reply.status, reply.end), (200, End::Closed), "at {at}");
        assert_eq!(reply.header("content-length"), Some("1000000"));
        assert_eq!(reply.body.len() as u64, at);
        assert!(bytes.starts_with(&reply.body));
        assert_eq!(rig.settle().faults_of("close"), 1);
    }
}

#[test]
fn a_fault_beyond_the_body_does_not_happen() {
    let rules = vec![
        always(What::CloseAfter { bytes: 1001 }),
        always(What::StallAfter { bytes: 1001 }),
        always(What::CorruptByte { at: 1000 }),
        always(What::ShortRange { bytes: 1000 }),
    ];
    let rig = Rig::with(|config| config.faults(rules));
    let bytes = rig.file("f", 1000);
    let mut wire = rig.connect();
    for _ in 0..2 {
        let reply = wire.ask("GET", "/f", &[("Range", "bytes=0-")], b"");
        assert_eq!((reply.status, reply.end), (206, End::Complete));
        assert!(reply.body == bytes);
    }
    assert!(rig.settle().faults.is_empty(), "{:?}", rig.stats());
}

#[test]
fn a_stall_is_silence_until_the_client_goes() {
    let rig = Rig::with(|config| config.faults(always(What::StallAfter { bytes: 700 })));
    rig.file("f", 1000);
    let mut wire = rig.connect().patience(Duration::from_millis(300));
    let reply = wire.ask("GET", "/f", &[], b"");
    assert_eq!((reply.status, reply.body.len(), reply.end), (200, 700, End::Silent));
    assert_eq!(rig.stats().requests_now, 1);
    drop(wire);
    assert_eq!(rig.settle().faults_of("stall"), 1);
}

#[test]
fn a_stall_ends_at_its_bound_with_a_close() {
    let rig = Rig::with(|mut config| {
        config.stall_bound = Duration::from_millis(200);
        config.faults(always(What::StallAfter { bytes: 700 }))
    });
    rig.file("f", 1000);
    let begun = Instant::now();
    let reply = rig.get("/f", &[]);
    assert_eq!((reply.body.len(), reply.end), (700, End::Closed));
    assert!(begun.elapsed() >= Duration::from_millis(200));
}

#[test]
fn a_slow_body_keeps_its_rate() {
    let begun = Instant::now();
    let rate = always(What::Slow { bytes_per_second: 100_000 });
    let (rig, bytes, reply) = fetch(50_000, rate);
    assert!(reply.body == bytes);
    let took = begun.elapsed();
    // The last portion goes without a wait after it.
    assert!((Duration::from_millis(400)..Duration::from_secs(3)).contains(&took), "{took:?}");
    assert_eq!(rig.settle().faults_of("slow"), 1);
}

#[test]
fn a_delay_comes_before_the_head() {
    let begun = Instant::now();
    let (rig, _, reply) = fetch(10, always(What::Delay { millis: 150 }));
    assert_eq!(reply.status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(150));
    assert_eq!(rig.stats().faults_of("delay"), 1);
}

#[test]
fn a_dropped_answer_closes_without_a_byte() {
    let (rig, _, reply) = fetch(10, always(What::DropAnswer));
    assert_eq!((reply.status, reply.end), (0, End::Closed));
    assert_eq!(rig.settle().faults_of("drop-answer"), 1);
}

#[test]
fn a_connection_can_die_after_an_answer_that_promised_more() {
    let rig = Rig::with(|config| config.faults(always(What::CloseAfterAnswer)));
    let bytes = rig.file("f", 1000);
    for method in ["GET", "HEAD"] {
        let mut wire = rig.connect();
        let reply = wire.ask(method, "/f", &[], b"");
        assert_eq!((reply.status, reply.end), (200, End::Complete));
        assert_eq!(reply.header("connection"), None);
        assert!(method == "HEAD" || reply.body == bytes);
        assert_eq!(wire.rest(), (Vec::new(), End::Closed));
    }
    assert_eq!(rig.settle().faults_of("close-after-answer"), 2);
}

#[test]
fn head_and_ranges_can_be_refused() {
    let rules = vec![always(What::RefuseHead(405)), always(What::NoRanges)];
    let rig = Rig::with(|config| config.faults(rules));
    let bytes = rig.file("f", 1000);
    assert_eq!(rig.head("/f", &[]).status, 405);
    let reply = rig.get("/f", &[("Range", "bytes=10-19")]);
    assert_eq!((reply.status, reply.header("accept-ranges")), (200, Some("none")));
    assert_eq!(reply.header("content-range"), None);
    assert!(reply.body == bytes);
    let stats = rig.settle();
    assert_eq!((stats.faults_of("refuse-head"), stats.faults_of("no-ranges")), (1, 1));
}

#[test]
fn a_range_can_be_answered_short() {
    let rig = Rig::with(|config| config.faults(always(What::ShortRange { bytes: 5 })));
    let bytes = rig.file("f", 1000);
    let reply = rig.get("/f", &[("Range", "bytes=10-19")]);
    assert_eq!((reply.status, reply.header("content-range")), (206, Some("bytes 10-14/1000")));
    assert_eq!(reply.body, bytes[10..15]);
    assert_eq!(rig.stats().faults_of("short-range"), 1);
}

#[test]
fn validators_can_be_weak_or_missing() {
    let rig = Rig::with(|config| config.faults(always(What::WeakValidators)));
    rig.file("f", 1000);
    let weak = rig.get("/f", &[]);
    assert!(weak.etag().starts_with("W/\""));
    assert_eq!(weak.header("last-modified"), None);
    assert_eq!(rig.get("/f", &[("If-Match", &weak.etag())]).status, 412);
    let range = ("Range", "bytes=0-1");
    assert_eq!(rig.get("/f", &[("If-Range", &weak.etag()), range]).status, 200);
    rig.faults(always(What::NoValidators));
    let none = rig.get("/f", &[range]);
    assert_eq!((none.status, none.header("etag"), none.header("last-modified")), (206, None, None));
}

#[test]
fn a_corrupt_byte_differs_in_one_bit_wherever_it_is_read() {
    let rig = Rig::with(|config| config.faults(always(What::CorruptByte { at: 600_000 })));
    let mut bytes = rig.file("f", 1_000_000);
    bytes[600_000] ^= 1;
    assert!(rig.get("/f", &[]).body == bytes);
    let part = rig.get("/f", &[("Range", "bytes=599999-600001")]);
    assert_eq!(part.body, bytes[599_999..=600_001]);
    assert_eq!(rig.get("/f", &[("Range", "bytes=0-9")]).body, bytes[..10]);
    assert_eq!(rig.settle().faults_of("corrupt-byte"), 2);
}

#[test]
fn rules_pick_their_requests_and_can_be_replaced_while_running() {
    let one = |when| Fault::new(when, What::Status { code: 500, retry_after: None });
    let rig = Rig::with(|config| config.faults(one(When::Every(3)).path("/a").method("GET")));
    rig.file("a", 10);
    rig.file("b", 10);
    let statuses = |paths: &[&str]| -> Vec<u16> { paths.iter().map(|p| rig.get(p, &[]).status).collect() };
    assert_eq!(statuses(&["/a", "/b", "/b", "/a", "/b"]), [200; 5]);
    assert_eq!(rig.head("/a", &[]).status, 200);
    assert_eq!(statuses(&["/a", "/a", "/a", "/a"]), [500, 200, 200, 500]);
    rig.faults(one(When::First(2)));
    assert_eq!(statuses(&["/a", "/b", "/a"]), [500, 500, 200]);
    rig.faults(one(When::After(1)));
    assert_eq!(statuses(&["/a", "/b", "/a"]), [200, 500, 500]);
    rig.faults(Faults::none());
    assert_eq!(statuses(&["/a", "/b", "/a"]), [200; 3]);
}

#[test]
fn a_seed_repeats_its_faults() {
    let draw = |seed| -> Vec<u16> {
        let rule = Fault::new(When::PerMille(300), What::Status { code: 500, retry_after: None });
        let rig = Rig::with(|config| config.faults(Faults::seeded(seed).with(rule)));
        rig.file("f", 1);
        let mut wire = rig.connect();
        (0..60).map(|_| wire.ask("GET", "/f", &[], b"").status).collect()
    };
    let first = draw(1);
    assert_eq!(first, draw(1));
    assert_ne!(first, draw(2));
}

#[test]
fn faults_that_hit_together_act_together() {
    let rules = vec![
        always(What::Slow { bytes_per_second: 100_000 }),
        always(What::CloseAfter { bytes: 20_000 }),
        // Comes too late: the first ending wins.
        always(What::ResetAfter { bytes: 10 }),
    ];
    let rig = Rig::with(|config| config.faults(rules));
    rig.file("f", 50_000);
    let reply = rig.get("/f", &[]);
    assert_eq!((reply.body.len(), reply.end), (20_000, End::Closed));
    let stats = rig.settle();
    assert_eq!((stats.faults_of("slow"), stats.faults_of("close"), stats.faults_of("reset")), (1, 1, 0));
}
