//! Validators and preconditions: no answer ever mixes two versions of a file.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs::{self, File, FileTimes};
use std::io::{Read, Write};
use std::time::{Duration, SystemTime};

use support::{End, Rig};

fn set_modified(rig: &Rig, name: &str, time: SystemTime) {
    let file = File::options().write(true).open(rig.path(name)).unwrap();
    file.set_times(FileTimes::new().set_modified(time)).unwrap();
}

#[test]
fn the_etag_changes_with_the_content_even_when_size_and_time_are_put_back() {
    let rig = Rig::new();
    rig.file("f", 1000);
    let time = fs::metadata(rig.path("f")).unwrap().modified().unwrap();
    let first = rig.get("/f", &[]).etag();
    assert_eq!(rig.get("/f", &[]).etag(), first);
    fs::write(rig.path("f"), vec![7; 1000]).unwrap();
    set_modified(&rig, "f", time);
    assert_ne!(rig.get("/f", &[]).etag(), first);
}

#[test]
fn edits_in_quick_succession_never_share_an_etag() {
    let rig = Rig::new();
    let mut seen = std::collections::BTreeMap::new();
    for round in 0..40_u8 {
        fs::write(rig.path("f"), [round; 100]).unwrap();
        let reply = rig.get("/f", &[]);
        assert_eq!(reply.body, [round; 100]);
        assert_eq!(seen.insert(reply.etag(), round), None, "an ETag was used twice");
    }
}

#[test]
fn preconditions_are_honoured() {
    let rig = Rig::new();
    rig.file("f", 1000);
    set_modified(&rig, "f", SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    let first = rig.get("/f", &[]);
    let (etag, date) = (first.etag(), first.header("last-modified").unwrap().to_owned());
    assert_eq!(date, "Tue, 14 Nov 2023 22:13:20 GMT");
    let (before, after) = ("Tue, 14 Nov 2023 22:13:19 GMT", "Tue, 14 Nov 2023 22:13:21 GMT");
    let weak = format!("W/{etag}");
    let range = ("Range", "bytes=1-2");
    let cases: &[(&[(&str, &str)], u16)] = &[
        (&[("If-Match", &etag)], 200),
        (&[("If-Match", &etag), range], 206),
        (&[("If-Match", "\"other\""), range], 412),
        (&[("If-Match", &weak)], 412),
        (&[("If-Match", &etag), ("If-Unmodified-Since", before)], 200),
        (&[("If-Unmodified-Since", before)], 412),
        (&[("If-Unmodified-Since", &date)], 200),
        (&[("If-None-Match", &etag)], 304),
        (&[("If-None-Match", &weak)], 304),
        (&[("If-None-Match", "\"other\""), ("If-Modified-Since", after)], 200),
        (&[("If-Modified-Since", &date)], 304),
        (&[("If-Modified-Since", before)], 200),
        (&[("If-Range", &etag), range], 206),
        (&[("If-Range", &weak), range], 200),
        (&[("If-Range", "\"other\""), range], 200),
        (&[("If-Range", &date), range], 206),
        (&[("If-Range", before), range], 200),
        (&[("If-Range", after), range], 200),
        // A stale If-Range makes even an unsatisfiable range harmless.
        (&[("If-Range", "\"other\""), ("Range", "bytes=5000-")], 200),
        (&[("If-Match", "\"other\""), ("If-Range", &etag), range], 412),
    ];
    let mut wire = rig.connect();
    for (headers, status) in cases {
        let reply = wire.ask("GET", "/f", headers, b"");
        assert_eq!(reply.status, *status, "{headers:?}");
        assert_eq!(reply.etag(), etag);
        assert_eq!(reply.end, End::Complete);
    }
}

#[test]
fn a_fresh_date_is_no_strong_validator() {
    let rig = Rig::new();
    rig.file("f", 10);
    let mut wire = rig.connect();
    let date = wire.ask("GET", "/f", &[], b"").header("last-modified").unwrap().to_owned();
    let file_time = fs::metadata(rig.path("f")).unwrap().modified().unwrap();
    let ask = [("If-Range", date.as_str()), ("Range", "bytes=0-1")];
    let status = wire.ask("GET", "/f", &ask, b"").status;
    let second_is_over = || {
        let second = file_time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() + 1;
        SystemTime::now() >= SystemTime::UNIX_EPOCH + Duration::from_secs(second)
    };
    // Unless the machine was so slow that the second was over by then.
    assert!(status == 200 || second_is_over());
    while !second_is_over() {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(wire.ask("GET", "/f", &ask, b"").status, 206);
}

#[test]
fn a_time_that_lies_ahead_is_not_told() {
    let rig = Rig::new();
    rig.file("f", 10);
    set_modified(&rig, "f", SystemTime::now() + Duration::from_secs(5000));
    let reply = rig.get("/f", &[]);
    assert_eq!((reply.status, reply.header("last-modified")), (200, None));
}

#[test]
fn a_file_changed_while_it_is_sent_cuts_the_answer() {
    let rig = Rig::new();
    let bytes = rig.file("f", 64 << 20);
    let mut wire = rig.connect();
    wire.send("GET", "/f", &[], b"");
    // The client's silence and the socket's buffers hold back the rest.
    let mut first = [0; 1000];
    wire.stream.read_exact(&mut first).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let mut file = File::options().write(true).open(rig.path("f")).unwrap();
    file.write_all(&vec![0; bytes.len()]).unwrap();
    let (rest, end) = wire.rest();
    assert_eq!(end, End::Closed);
    assert!(rest.len() < bytes.len());
    let head = first.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    let got: Vec<u8> = first[head..].iter().chain(&rest).copied().collect();
    assert!(got == bytes[..got.len()], "bytes of the new version were sent as the old one");
}
