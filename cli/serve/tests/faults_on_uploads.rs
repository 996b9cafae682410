//! Each fault as an upload meets it.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::io::Write;
use std::time::{Duration, Instant};

use longhaul_serve::{Fault, What, When};
use support::{End, Form, Rig, md5, pattern};

fn always(what: What) -> Fault {
    Fault::new(When::Always, what)
}

fn rig(fault: Fault) -> Rig {
    Rig::with(|config| config.faults(fault))
}

#[test]
fn a_refused_upload_is_read_to_its_end_and_the_connection_lives() {
    let rig = rig(Fault::new(When::First(1), What::Status { code: 503, retry_after: None }));
    let bytes = pattern(8 << 20);
    let mut wire = rig.connect();
    let chunk = Form::chunk(&bytes, "x", 0, bytes.len());
    let reply = wire.upload("POST", "/", &chunk);
    assert_eq!((reply.status, reply.end), (503, End::Complete));
    assert!(!rig.path("x").exists());
    assert_eq!(wire.upload("POST", "/", &chunk).file_id(), "/x");
    assert_eq!(rig.stats().connections, 1);
}

#[test]
fn a_client_that_waits_to_be_told_is_refused_before_it_sends() {
    let rig = rig(always(What::Status { code: 503, retry_after: None }));
    let (content_type, body) = Form::chunk(b"content", "x", 0, 7).encode();
    let length = body.len().to_string();
    let mut wire = rig.connect();
    let headers = [("Content-Type", content_type.as_str()), ("Content-Length", &length), ("Expect", "100-continue")];
    wire.send("POST", "/", &headers, b"");
    assert_eq!(wire.read(false).status, 503);
    // And told to go on when it is welcome.
    rig.faults(longhaul_serve::Faults::none());
    let mut wire = rig.connect();
    wire.send("POST", "/", &headers, b"");
    assert_eq!(wire.read(false).status, 100);
    wire.stream.write_all(&body).unwrap();
    assert_eq!(wire.read(false).file_id(), "/x");
}

#[test]
fn a_reset_inside_a_chunk_stores_nothing_of_it() {
    let bytes = pattern(3_000_000);
    let chunk = Form::chunk(&bytes, "x", 0, 2_000_000);
    let whole = chunk.encode().1.len() as u64;
    // After the last byte the request is complete, and still not acted on.
    for at in [0, 1, 200, 1_500_000, whole - 1, whole] {
        let rig = rig(Fault::new(When::Nth(1), What::ResetAfter { bytes: at }));
        let reply = rig.upload("/", &chunk);
        assert_eq!((reply.status, reply.end), (0, End::Reset), "at {at}");
        let prepare = Form::prepare(&md5(&bytes), "x", bytes.len());
        assert_eq!(rig.upload("/", &prepare).next_byte(), 0);
        let stats = rig.settle();
        assert_eq!(stats.faults_of("reset"), 1);
        assert_eq!((stats.content_stored, stats.content_discarded), (0, stats.content_received));
        assert!(stats.content_received <= at);
    }
}

#[test]
fn a_close_inside_a_chunk_is_orderly_even_with_bytes_unread() {
    let bytes = pattern(1_000_000);
    let rig = rig(always(What::CloseAfter { bytes: 1000 }));
    let mut wire = rig.connect();
    let reply = wire.upload("POST", "/", &Form::chunk(&bytes, "x", 0, 1_000_000));
    assert_eq!((reply.status, reply.end), (0, End::Closed));
    // No reset follows: the client may go on sending in vain.
    for _ in 0..4 {
        wire.stream.write_all(&bytes[..4096]).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(rig.settle().faults_of("close"), 1);
}

#[test]
fn a_stall_inside_a_chunk_lasts_until_the_client_goes() {
    let bytes = pattern(100_000);
    let rig = rig(always(What::StallAfter { bytes: 50_000 }));
    let mut wire = rig.connect().patience(Duration::from_millis(300));
    let reply = wire.upload("POST", "/", &Form::chunk(&bytes, "x", 0, 100_000));
    assert_eq!(reply.end, End::Silent);
    assert_eq!(rig.stats().requests_now, 1);
    drop(wire);
    let stats = rig.settle();
    assert_eq!((stats.faults_of("stall"), stats.content_stored), (1, 0));
}

#[test]
fn a_slow_server_takes_the_bytes_at_its_rate() {
    let bytes = pattern(50_000);
    let rig = rig(always(What::Slow { bytes_per_second: 100_000 }));
    let begun = Instant::now();
    rig.upload("/", &Form::chunk(&bytes, "x", 0, 50_000)).file_id();
    let took = begun.elapsed();
    assert!((Duration::from_millis(400)..Duration::from_secs(3)).contains(&took), "{took:?}");
}

#[test]
fn a_dropped_answer_hides_what_was_done() {
    let bytes = pattern(1000);
    let rig = rig(Fault::new(When::Every(2), What::DropAnswer));
    let prepare = Form::prepare(&md5(&bytes), "x", 1000);
    assert_eq!(rig.upload("/", &prepare).next_byte(), 0);
    let lost = rig.upload("/", &Form::chunk(&bytes, "x", 0, 600));
    assert_eq!((lost.status, lost.end), (0, End::Closed));
    assert_eq!(rig.upload("/", &prepare).next_byte(), 600);
    // The last answer of all is lost as well.
    let last = Form::chunk(&bytes, "x", 600, 400);
    assert_eq!(rig.upload("/", &last).status, 0);
    assert!(fs::read(rig.path("x")).unwrap() == bytes);
    assert_eq!(rig.upload("/", &last).file_id(), "/x");
    let stats = rig.settle();
    assert_eq!((stats.content_stored, stats.content_again), (1000, 400));
}

#[test]
fn a_corrupt_byte_on_the_way_to_the_disk_is_found() {
    let bytes = pattern(2000);
    let rig = rig(Fault::new(When::First(2), What::CorruptByte { at: 1500 }));
    rig.upload("/", &Form::chunk(&bytes, "x", 0, 1000)).next_byte();
    assert_eq!(rig.upload("/", &Form::chunk(&bytes, "x", 1000, 1000)).status, 422);
    assert_eq!(rig.stats().faults_of("corrupt-byte"), 1);
    assert_eq!(rig.upload("/", &Form::chunk(&bytes, "x", 0, 2000)).file_id(), "/x");
}

#[test]
fn a_server_can_lose_what_it_has_confirmed() {
    let bytes = pattern(1000);
    let rig = rig(Fault::new(When::Nth(2), What::LoseBytes { keep: 250 }));
    assert_eq!(rig.upload("/", &Form::chunk(&bytes, "x", 0, 600)).next_byte(), 600);
    assert_eq!(rig.upload("/", &Form::chunk(&bytes, "x", 600, 200)).next_byte(), 250);
    assert_eq!(rig.upload("/", &Form::chunk(&bytes, "x", 250, 750)).file_id(), "/x");
    assert!(fs::read(rig.path("x")).unwrap() == bytes);
    assert_eq!(rig.stats().faults_of("lose-bytes"), 1);
}

#[test]
fn a_connection_can_die_after_an_upload_was_answered() {
    let rig = rig(always(What::CloseAfterAnswer));
    let mut wire = rig.connect();
    wire.upload("POST", "/", &Form::chunk(b"content", "x", 0, 7)).file_id();
    assert_eq!(wire.rest(), (Vec::new(), End::Closed));
}
