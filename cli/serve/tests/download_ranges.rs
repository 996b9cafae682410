//! What GET and HEAD answer for whole files and ranges.
#![allow(clippy::unwrap_used)]

mod support;

use support::{End, Rig};

#[test]
fn a_whole_file_comes_with_its_length_and_validators() {
    let rig = Rig::new();
    let bytes = rig.file("a/big.bin", 3_000_001);
    let reply = rig.get("/a/big.bin", &[]);
    assert_eq!((reply.status, reply.end), (200, End::Complete));
    assert!(reply.body == bytes);
    assert_eq!(reply.header("content-length"), Some("3000001"));
    assert_eq!(reply.header("accept-ranges"), Some("bytes"));
    assert_eq!(reply.header("content-disposition"), None);
    assert!(reply.etag().starts_with('"'));
    assert!(reply.header("last-modified").unwrap().ends_with(" GMT"));
}

#[test]
fn head_tells_what_get_would_and_sends_nothing() {
    let rig = Rig::new();
    rig.file("big.bin", 1_000_000);
    let mut wire = rig.connect();
    // Range means nothing to HEAD.
    let head = wire.ask("HEAD", "/big.bin", &[("Range", "bytes=5-9")], b"");
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-length"), Some("1000000"));
    // The connection is still in step: no stray body bytes.
    let get = wire.ask("GET", "/big.bin", &[("Range", "bytes=0-0")], b"");
    assert_eq!((get.status, get.body.len()), (206, 1));
    assert_eq!(head.etag(), get.etag());
    assert_eq!(head.header("last-modified"), get.header("last-modified"));
}

#[test]
fn every_kind_of_single_range_is_served() {
    let rig = Rig::new();
    let bytes = rig.file("f", 2_000_000);
    let mut wire = rig.connect();
    for (range, start, end) in [
        ("bytes=0-0", 0, 1),
        ("bytes=0-1999999", 0, 2_000_000),
        ("bytes=524287-524288", 524_287, 524_289),
        ("bytes=1000000-", 1_000_000, 2_000_000),
        ("bytes=1999999-9999999", 1_999_999, 2_000_000),
        ("bytes=-700000", 1_300_000, 2_000_000),
        ("bytes=-9999999", 0, 2_000_000),
    ] {
        let reply = wire.ask("GET", "/f", &[("Range", range)], b"");
        assert_eq!((reply.status, reply.end), (206, End::Complete), "{range}");
        assert!(reply.body == bytes[start..end], "{range}");
        let content_range = format!("bytes {start}-{}/2000000", end - 1);
        assert_eq!(reply.header("content-range"), Some(content_range.as_str()));
        assert_eq!(reply.header("content-length"), Some((end - start).to_string().as_str()));
    }
}

#[test]
fn a_range_beyond_the_end_answers_416_with_the_total() {
    let rig = Rig::new();
    rig.file("f", 10);
    let mut wire = rig.connect();
    for range in ["bytes=10-", "bytes=10-20", "bytes=-0"] {
        let reply = wire.ask("GET", "/f", &[("Range", range)], b"");
        assert_eq!(reply.status, 416, "{range}");
        assert_eq!(reply.header("content-range"), Some("bytes */10"));
    }
}

#[test]
fn malformed_and_multiple_ranges_answer_the_whole_file() {
    let rig = Rig::new();
    let bytes = rig.file("f", 10);
    let mut wire = rig.connect();
    for range in ["bytes=5-2", "bytes=x-2", "items=0-1", "bytes=0-1,4-5"] {
        let reply = wire.ask("GET", "/f", &[("Range", range)], b"");
        assert_eq!((reply.status, reply.body.as_slice()), (200, bytes.as_slice()), "{range}");
        assert_eq!(reply.header("content-range"), None);
    }
}

#[test]
fn an_empty_file_is_a_file() {
    let rig = Rig::new();
    rig.file("empty", 0);
    let mut wire = rig.connect();
    let reply = wire.ask("GET", "/empty", &[], b"");
    assert_eq!((reply.status, reply.header("content-length")), (200, Some("0")));
    let reply = wire.ask("HEAD", "/empty", &[], b"");
    assert_eq!((reply.status, reply.header("content-length")), (200, Some("0")));
    for range in ["bytes=0-", "bytes=0-0", "bytes=-1"] {
        let reply = wire.ask("GET", "/empty", &[("Range", range)], b"");
        assert_eq!((reply.status, reply.header("content-range")), (416, Some("bytes */0")), "{range}");
    }
}

#[test]
fn the_digest_comes_when_it_is_wanted() {
    let rig = Rig::new();
    std::fs::write(rig.path("abc"), "abc").unwrap();
    let wanted = [("Want-Repr-Digest", "sha-256=5")];
    let digest = "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:";
    assert_eq!(rig.get("/abc", &wanted).header("repr-digest"), Some(digest));
    assert_eq!(rig.head("/abc", &wanted).header("repr-digest"), Some(digest));
    // Of the whole file, not of the range.
    let ranged = rig.get("/abc", &[wanted[0], ("Range", "bytes=1-1")]);
    assert_eq!((ranged.status, ranged.header("repr-digest")), (206, Some(digest)));
    assert_eq!(rig.get("/abc", &[]).header("repr-digest"), None);
    // A new content has a new digest.
    std::fs::write(rig.path("abc"), "abd").unwrap();
    let changed = rig.get("/abc", &wanted);
    assert_ne!(changed.header("repr-digest"), Some(digest));
}

#[test]
fn other_methods_are_refused_with_what_is_allowed() {
    let rig = Rig::new();
    let reply = rig.connect().ask("DELETE", "/f", &[], b"");
    assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD, POST, PUT, PATCH")));
    let read_only = Rig::with(|config| config.uploads(false));
    let mut wire = read_only.connect();
    let form = support::Form::chunk(b"abc", "x", 0, 3);
    let reply = wire.upload("POST", "/", &form);
    assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD")));
    // The body was read, the connection lives on.
    assert_eq!(wire.ask("GET", "/", &[], b"").status, 200);
    assert!(!read_only.path("x").exists());
}
