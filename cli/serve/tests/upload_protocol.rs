//! The default upload protocol, request by request.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;

use longhaul_serve::{Fault, What, When};
use support::{Form, Rig, md5, pattern};

const EMPTY_MD5: &str = "d41d8cd98f00b204e9800998ecf8427e";

#[test]
fn an_upload_goes_from_prepare_through_chunks_to_a_file() {
    let rig = Rig::new();
    let bytes = pattern(3_500_000);
    let mut wire = rig.connect();
    let prepare = Form::prepare(&md5(&bytes), "big.bin", bytes.len());
    assert_eq!(wire.upload("POST", "/up/", &prepare).next_byte(), 0);
    // Above and below what the server keeps in memory.
    for (offset, len) in [(0, 1_500_000), (1_500_000, 100_000), (1_600_000, 1_400_000)] {
        let chunk = Form::chunk(&bytes, "big.bin", offset, len);
        assert_eq!(wire.upload("POST", "/up/", &chunk).next_byte(), (offset + len) as u64);
        assert!(!rig.path("up/big.bin").exists(), "published before it is complete");
    }
    let last = wire.upload("POST", "/up/", &Form::chunk(&bytes, "big.bin", 3_000_000, 500_000));
    assert_eq!(last.file_id(), "/up/big.bin");
    assert!(fs::read(rig.path("up/big.bin")).unwrap() == bytes);
    let stats = rig.settle();
    assert_eq!((stats.requests["POST"], stats.uploads_completed), (5, 1));
    assert_eq!((stats.content_received, stats.content_stored), (3_500_000, 3_500_000));
    assert_eq!((stats.content_resent(), stats.highest_again), (0, None));
}

#[test]
fn the_file_id_is_where_the_file_can_be_fetched() {
    let rig = Rig::new();
    let id = rig.upload("/a%20b//c", &Form::chunk(b"content", "ü ?#%.bin", 0, 7)).file_id();
    assert_eq!(id, "/a%20b/c/%C3%BC%20%3F%23%25.bin");
    assert_eq!(rig.get(&id, &[]).body, b"content");
}

#[test]
fn every_method_of_the_protocol_is_accepted() {
    let rig = Rig::new();
    for method in ["POST", "PUT", "PATCH"] {
        let reply = rig.connect().upload(method, "/", &Form::chunk(b"content", method, 0, 7));
        assert_eq!(reply.file_id(), format!("/{method}"));
    }
}

#[test]
fn a_prepare_says_where_to_go_on_also_after_a_restart() {
    let mut rig = Rig::new();
    let bytes = pattern(3_000_000);
    let prepare = Form::prepare(&md5(&bytes), "x", bytes.len());
    rig.upload("/", &Form::chunk(&bytes, "x", 0, 1_234_567)).next_byte();
    assert_eq!(rig.upload("/", &prepare).next_byte(), 1_234_567);
    rig.restart();
    assert_eq!(rig.upload("/", &prepare).next_byte(), 1_234_567);
    let rest = Form::chunk(&bytes, "x", 1_234_567, 3_000_000 - 1_234_567);
    assert_eq!(rig.upload("/", &rest).file_id(), "/x");
    assert!(fs::read(rig.path("x")).unwrap() == bytes);
}

#[test]
fn state_belongs_to_folder_digest_and_name() {
    let rig = Rig::new();
    let (one, two) = (pattern(1000), vec![7; 1000]);
    assert_eq!(rig.upload("/", &Form::chunk(&one, "x", 0, 400)).next_byte(), 400);
    let fresh = |path: &str, bytes: &[u8], name: &str| {
        let prepare = Form::prepare(&md5(bytes), name, bytes.len());
        rig.upload(path, &prepare).next_byte()
    };
    assert_eq!(fresh("/", &one, "x"), 400);
    assert_eq!(fresh("/", &two, "x"), 0);
    assert_eq!(fresh("/", &one, "y"), 0);
    assert_eq!(fresh("/other", &one, "x"), 0);
}

#[test]
fn an_offset_beyond_what_is_stored_is_answered_with_what_is() {
    let rig = Rig::new();
    let bytes = pattern(1000);
    assert_eq!(rig.upload("/", &Form::chunk(&bytes, "x", 500, 500)).next_byte(), 0);
    assert_eq!(rig.upload("/", &Form::chunk(&bytes, "x", 0, 300)).next_byte(), 300);
    assert_eq!(rig.upload("/", &Form::chunk(&bytes, "x", 301, 99)).next_byte(), 300);
    let stats = rig.settle();
    assert_eq!((stats.content_stored, stats.content_discarded), (300, 599));
}

#[test]
fn an_offset_below_what_is_stored_rewrites_and_never_answers_beyond_the_chunk() {
    let rig = Rig::new();
    let bytes = pattern(1000);
    rig.upload("/", &Form::chunk(&bytes, "x", 0, 600)).next_byte();
    assert_eq!(rig.upload("/", &Form::chunk(&bytes, "x", 100, 200)).next_byte(), 300);
    assert_eq!(rig.upload("/", &Form::chunk(&bytes, "x", 500, 200)).next_byte(), 700);
    assert_eq!(rig.upload("/", &Form::chunk(&bytes, "x", 700, 300)).file_id(), "/x");
    assert!(fs::read(rig.path("x")).unwrap() == bytes);
    let stats = rig.settle();
    assert_eq!((stats.content_again, stats.highest_again), (300, Some(600)));
    assert_eq!((stats.content_stored, stats.content_received), (1000, 1300));
}

#[test]
fn a_content_that_does_not_match_its_digest_is_forgotten() {
    let rig = Rig::new();
    let bytes = pattern(1000);
    let mut wrong = bytes.clone();
    wrong[10] ^= 1;
    fs::write(rig.path("x"), "the good old file").unwrap();
    let first = Form::chunk(&wrong, "x", 0, 600).set("fileMd5", Some(&md5(&bytes)));
    rig.upload("/", &first).next_byte();
    let reply = rig.upload("/", &Form::chunk(&bytes, "x", 600, 400));
    assert_eq!(reply.status, 422);
    assert!(reply.error().contains("MD5"));
    assert_eq!(fs::read(rig.path("x")).unwrap(), b"the good old file");
    let prepare = Form::prepare(&md5(&bytes), "x", 1000);
    assert_eq!(rig.upload("/", &prepare).next_byte(), 0);
    assert_eq!(rig.upload("/", &Form::chunk(&bytes, "x", 0, 1000)).file_id(), "/x");
}

#[test]
fn rewritten_bytes_are_verified_too() {
    let rig = Rig::new();
    let bytes = pattern(1000);
    let zeros = vec![0; 1000];
    rig.upload("/", &Form::chunk(&bytes, "x", 0, 600)).next_byte();
    let bad = Form::chunk(&zeros, "x", 100, 100).set("fileMd5", Some(&md5(&bytes)));
    rig.upload("/", &bad).next_byte();
    assert_eq!(rig.upload("/", &Form::chunk(&bytes, "x", 600, 400)).status, 422);
}

#[test]
fn without_verification_the_digest_is_only_a_name() {
    let rig = Rig::with(|config| config.verify(false));
    let form = Form::chunk(b"content", "x", 0, 7).set("fileMd5", Some(EMPTY_MD5));
    assert_eq!(rig.upload("/", &form).file_id(), "/x");
}

#[test]
fn an_empty_object_is_complete_when_it_is_prepared() {
    let rig = Rig::new();
    assert_eq!(rig.upload("/", &Form::prepare(EMPTY_MD5, "empty", 0)).file_id(), "/empty");
    assert_eq!(fs::read(rig.path("empty")).unwrap(), b"");
    assert_eq!(rig.upload("/", &Form::prepare(EMPTY_MD5, "empty", 0)).file_id(), "/empty");
    let wrong = rig.upload("/", &Form::prepare(&md5(b"x"), "wrong", 0));
    assert_eq!(wrong.status, 422);
    assert!(!rig.path("wrong").exists());
}

#[test]
fn what_is_complete_stays_complete_until_the_file_is_touched() {
    let mut rig = Rig::new();
    let bytes = pattern(1000);
    let (prepare, last) = (Form::prepare(&md5(&bytes), "x", 1000), Form::chunk(&bytes, "x", 600, 400));
    rig.upload("/", &Form::chunk(&bytes, "x", 0, 600)).next_byte();
    rig.upload("/", &last).file_id();
    // The answer was lost: the client asks or sends again, also after a restart.
    assert_eq!(rig.upload("/", &prepare).file_id(), "/x");
    assert_eq!(rig.upload("/", &last).file_id(), "/x");
    let stats = rig.settle();
    assert_eq!((stats.content_again, stats.highest_again, stats.uploads_completed), (400, Some(1000), 1));
    rig.restart();
    assert_eq!(rig.upload("/", &prepare).file_id(), "/x");
    fs::write(rig.path("x"), "another").unwrap();
    assert_eq!(rig.upload("/", &prepare).next_byte(), 0);
    assert_eq!(fs::read(rig.path("x")).unwrap(), b"another");
}

#[test]
fn an_upload_replaces_a_file_of_the_same_name() {
    let rig = Rig::new();
    fs::write(rig.path("x"), "old").unwrap();
    rig.upload("/", &Form::chunk(b"content", "x", 0, 7)).file_id();
    assert_eq!(fs::read(rig.path("x")).unwrap(), b"content");
}

#[test]
fn names_are_reduced_to_plain_ones() {
    let rig = Rig::new();
    for (raw, name) in [("../../evil", "evil"), ("/etc/passwd", "passwd")] {
        let id = rig.upload("/deep/er", &Form::chunk(b"content", raw, 0, 7)).file_id();
        assert_eq!(id, format!("/deep/er/{name}"));
        assert!(rig.path("deep/er").join(name).exists());
    }
    // A separator on Windows, where it is refused; a character like others elsewhere.
    let reply = rig.upload("/deep/er", &Form::chunk(b"content", "..\\..\\boot.ini", 0, 7));
    if cfg!(windows) {
        assert_eq!(reply.status, 400);
    } else {
        assert_eq!(reply.file_id(), "/deep/er/..%5C..%5Cboot.ini");
        assert!(rig.path("deep/er").join("..\\..\\boot.ini").exists());
    }
    let mut top: Vec<_> = fs::read_dir(rig.dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    top.sort();
    assert_eq!(top, [".longhaul-uploads", "deep"]);
}

#[test]
fn folders_that_cannot_be_are_the_requests_fault() {
    let rig = Rig::new();
    for path in [format!("/{}", "y".repeat(300)), String::from("/a%0ab")] {
        assert_eq!(rig.upload(&path, &Form::chunk(b"content", "x", 0, 7)).status, 400, "{path}");
    }
}

#[test]
fn two_clients_of_one_upload_are_served_one_after_the_other() {
    let rig = Rig::new();
    let bytes = pattern(4_000_000);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut wire = rig.connect();
                for offset in (0..bytes.len()).step_by(500_000) {
                    let reply = wire.upload("POST", "/", &Form::chunk(&bytes, "x", offset, 500_000));
                    assert_eq!(reply.status, 200, "{reply:?}");
                }
            });
        }
    });
    assert!(fs::read(rig.path("x")).unwrap() == bytes);
    let stats = rig.settle();
    assert_eq!(stats.uploads_completed, 1);
    assert_eq!(stats.content_received, stats.content_stored + stats.content_resent());
    assert_eq!(stats.content_stored, 4_000_000);
}

#[test]
fn a_chunk_cut_short_leaves_what_was_stored() {
    let rig = Rig::new();
    let bytes = pattern(3_000_000);
    rig.upload("/", &Form::chunk(&bytes, "x", 0, 1_000_000)).next_byte();
    let (content_type, body) = Form::chunk(&bytes, "x", 1_000_000, 2_000_000).encode();
    let length = body.len().to_string();
    let headers = [("Content-Type", content_type.as_str()), ("Content-Length", &length)];
    let mut wire = rig.connect();
    wire.send("POST", "/", &headers, &body[..1_500_000]);
    drop(wire);
    let stats = loop {
        let stats = rig.settle();
        if stats.requests_total() == 2 {
            break stats;
        }
    };
    assert_eq!(stats.content_stored, 1_000_000);
    assert_eq!(stats.content_discarded, stats.content_received - 1_000_000);
    let prepare = Form::prepare(&md5(&bytes), "x", bytes.len());
    assert_eq!(rig.upload("/", &prepare).next_byte(), 1_000_000);
    // The spool has no name and is gone.
    let hidden = fs::read_dir(rig.path(".longhaul-uploads")).unwrap();
    assert_eq!(hidden.count(), 1);
}

#[test]
fn bytes_that_wait_in_the_socket_are_taken_piece_by_piece() {
    // While the server waits, the network's buffers fill; the parser would take all that is there at once, and
    // what it takes without making anything of it is bounded.
    let rule = Fault::new(When::Always, What::Delay { millis: 300 });
    let rig = Rig::with(|config| config.faults(rule));
    let bytes = pattern(16 << 20);
    let chunk = Form::chunk(&bytes, "x", 0, bytes.len());
    assert_eq!(rig.upload("/", &chunk).file_id(), "/x");
}
