//! Successes, read: every step, also where a success turns out to be none (U4, U6, U7, U8, D13).

use crate::common::{IDS, blocks, crc64, download, list, md5, upload};
use crate::support::{committing, cx, error, everything, get, part, pinned, range, read};
use longhaul_azblob::Integrity;
use longhaul_core::Algorithm;
use longhaul_core::error::{Changed, ServerFaultKind};
use longhaul_core::provider::{Receipt, Reply, Step, Verdict};

const FOREIGN: &str = "Zm9yZWlnbi1ibG9jay1pZA==";

fn committed(etag: &str) -> Reply {
    let mut receipt = Receipt::default();
    receipt.etag = Some(etag.into());
    Reply::Committed(receipt)
}

#[test]
fn a_block_is_committed_by_its_own_id() {
    let reply = read(&upload(), &cx(), &part(0, 3), 201, &[], "").expect("stored");
    assert_eq!(reply, Reply::Part { tag: IDS[0].into(), next: None, receipt: None });
    // Another success is not the service's.
    for status in [200, 202, 204] {
        assert!(read(&upload(), &cx(), &part(0, 3), status, &[], "<html>").is_err(), "{status}");
    }
}

#[test]
fn d13_what_the_service_received_is_compared_with_what_was_sent() {
    let mut cx = cx();
    cx.sent = Some(crc64(1));
    for step in [part(0, 3), Step::PutWhole { range: range(0, 5) }] {
        let read = |line: &str| read(&upload(), &cx, &step, 201, &[line], "");
        assert!(read("x-ms-content-crc64: AQAAAAAAAAA=").is_ok());
        assert!(read("Content-MD5: AQEBAQEBAQEBAQEBAQEBAQ==").is_ok(), "another algorithm tells nothing");
        let verdict = read("x-ms-content-crc64: AgAAAAAAAAA=").expect_err("damaged");
        assert!(
            matches!(&*verdict, Verdict::Retry { fault, .. } if fault.detail.contains("0000000000000002")),
            "{verdict:?}"
        );
    }
    // What was declared too, should the service not have looked.
    let step = Step::PutPart { number: 1, range: range(0, 3), digest: Some(md5(1)) };
    let by_md5 = upload().with_integrity(Integrity::Md5);
    let other = ["Content-MD5: AgICAgICAgICAgICAgICAg=="];
    assert!(read(&by_md5, &crate::support::cx(), &step, 201, &other, "").is_err());
}

#[test]
fn u7_only_this_uploads_blocks_are_found_again_committed_or_not() {
    let read = |body: &str| read(&upload(), &cx(), &Step::ListParts { marker: None }, 200, &[], body);
    let numbers = |body: &str| match read(body) {
        Ok(Reply::Parts { parts, marker: None }) => {
            parts.iter().map(|part| (part.number, part.range.len(), part.tag.clone())).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let ours = |number: usize, size| (number as u64, size, IDS[number - 1].to_string());
    assert_eq!(numbers(&list(&[], &[(IDS[0], 3), (FOREIGN, 9), (IDS[1], 2)])), [ours(1, 3), ours(2, 2)]);
    assert_eq!(numbers(&list(&[(IDS[0], 3), (FOREIGN, 9)], &[(IDS[1], 2)])), [ours(1, 3), ours(2, 2)]);
    // Ids that only look like ours: another nonce, number 0, another length, another spelling.
    for name in [
        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWUtMDAwMDAwMDAwMDAwMDAx",
        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYtMDAwMDAwMDAwMDAwMDAw",
        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYtMQ==",
        "!",
    ] {
        assert_eq!(numbers(&list(&[], &[(name, 3)])), [], "{name}");
    }
    assert_eq!(numbers("<BlockList/>"), []);
    for body in ["", "<Error/>", "<BlockList><UncommittedBlocks>", &list(&[], &[("", 1)])] {
        assert!(read(body).is_err(), "{body}");
    }
}

#[test]
fn u7_no_blob_and_no_blocks_is_an_empty_list_and_no_container_is_an_error() {
    let read = |code: &str| read(&upload(), &cx(), &Step::ListParts { marker: None }, 404, &[], &error(code, ""));
    assert_eq!(read("BlobNotFound").expect("nothing"), Reply::Parts { parts: vec![], marker: None });
    let verdict = read("ContainerNotFound").expect_err("no container");
    assert!(matches!(&*verdict, Verdict::Fatal(fault) if fault.kind == ServerFaultKind::Refused), "{verdict:?}");
}

#[test]
fn u6_a_commit_is_done_when_the_service_says_created_and_in_doubt_otherwise() {
    let blocks = blocks();
    let read =
        |status, body: &str| read(&upload(), &committing(&blocks), &Step::Commit, status, &["ETag: \"0x8\""], body);
    assert_eq!(read(201, "").expect("created"), committed("\"0x8\""));
    for (status, body) in [
        (200, "<html>welcome</html>"),
        (204, ""),
        (500, &*error("InternalError", "")),
        (500, &error("OperationTimedOut", "")),
        (502, "<html>bad gateway</html>"),
        (504, ""),
        (400, &error("InvalidBlockList", "")),
    ] {
        let verdict = read(status, body).expect_err("in doubt");
        assert!(matches!(*verdict, Verdict::Unknown(_)), "{status} {body}: {verdict:?}");
    }
    // It was not even begun (U5).
    let verdict = read(503, &error("ServerBusy", "")).expect_err("busy");
    assert!(matches!(*verdict, Verdict::Retry { .. }), "{verdict:?}");
}

#[test]
fn u6_a_commit_in_doubt_is_decided_by_the_names_of_the_blocks() {
    let blocks = blocks();
    let cx = committing(&blocks);
    let read = |status, lines: &[&str], body: &str| read(&upload(), &cx, &Step::Confirm, status, lines, body);
    let whole = list(&[(IDS[0], 3), (IDS[1], 2)], &[]);
    let lines = ["ETag: \"0x8\"", "x-ms-blob-content-length: 5"];
    assert_eq!(read(200, &lines, &whole).expect("told"), committed("\"0x8\""));
    assert_eq!(read(404, &[], &error("BlobNotFound", "")).expect("told"), Reply::NotCommitted);
    for other in [
        // A part of it, the wrong order, somebody else's, more than that, other sizes, one that has no blocks.
        list(&[(IDS[0], 3)], &[(IDS[1], 2)]),
        list(&[(IDS[1], 2), (IDS[0], 3)], &[]),
        list(&[(FOREIGN, 5)], &[]),
        list(&[(IDS[0], 3), (IDS[1], 2), (FOREIGN, 0)], &[]),
        list(&[(IDS[0], 3), (IDS[1], 3)], &[]),
        // Cut the same way, with other names or in another order.
        list(&[(FOREIGN, 3), (FOREIGN, 2)], &[]),
        list(&[(IDS[1], 3), (IDS[0], 2)], &[]),
        // Found by a property: its first block alone, as long as all of it.
        list(&[(IDS[0], 5)], &[]),
        list(&[], &[]),
    ] {
        assert_eq!(read(200, &lines, &other).expect("told"), Reply::NotCommitted, "{other}");
    }
    assert_eq!(read(200, &["x-ms-blob-content-length: 6"], &whole).expect("told"), Reply::NotCommitted);
    assert!(read(200, &[], "<html>").is_err());
    for cut in 0..whole.len() {
        let Some(cut) = whole.get(..cut) else { continue };
        assert!(!matches!(read(200, &lines, cut), Ok(Reply::Committed(_))), "{cut}");
    }
}

/// The record of the former run lacks a part, for it was not believed: the names tell all the same.
#[test]
fn u6_a_commit_of_a_former_run_is_recognised_without_a_record_of_every_part() {
    let mut blocks = blocks();
    blocks.remove(&2);
    let cx = committing(&blocks);
    let read = |body: &str| read(&upload(), &cx, &Step::Confirm, 200, &["ETag: \"0x8\""], body).expect("told");
    assert_eq!(read(&list(&[(IDS[0], 3), (IDS[1], 2)], &[])), committed("\"0x8\""));
    for other in [list(&[(IDS[1], 2), (IDS[0], 3)], &[]), list(&[(FOREIGN, 5)], &[]), list(&[(IDS[0], 3)], &[])] {
        assert_eq!(read(&other), Reply::NotCommitted, "{other}");
    }
}

#[test]
fn an_empty_blob_that_went_up_at_once_is_no_proof_for_a_longer_one() {
    let none = std::collections::BTreeMap::new();
    let mut cx = committing(&none);
    cx.total = Some(0);
    let read = |length: &str| {
        let line = format!("x-ms-blob-content-length: {length}");
        read(&upload(), &cx, &Step::Confirm, 200, &[&line], &list(&[], &[])).expect("told")
    };
    assert!(matches!(read("0"), Reply::Committed(_)));
    assert_eq!(read("9"), Reply::NotCommitted);
}

fn found(lines: &[&str]) -> longhaul_core::provider::Object {
    match read(&download(), &cx(), &Step::Probe, 200, lines, "") {
        Ok(Reply::Object(object)) => object,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_probe_tells_size_version_and_stored_md5() {
    let md5_line = "Content-MD5: AQEBAQEBAQEBAQEBAQEBAQ==";
    let object = found(&["Content-Length: 7", "ETag: \"0x8DC\"", md5_line]);
    assert_eq!((object.total, object.validator, object.digests), (Some(7), pinned("\"0x8DC\""), vec![md5(1)]));
    assert_eq!(found(&["Content-Length: 0"]).total, Some(0), "P4: believed");
    assert_eq!(found(&["Content-Length: 7", "Content-Encoding: gzip"]).total, Some(7), "as it is stored");
    assert_eq!(found(&["Content-Length: 7", "ETag: 0x8DC"]).validator, pinned("0x8DC"), "some send it without quotes");
}

#[test]
fn d13_the_md5_of_a_range_is_not_the_blobs() {
    let strong = pinned("\"a\"");
    let mut cx = cx();
    cx.validator = &strong;
    let (range_md5, blob_md5) =
        ("Content-MD5: AgICAgICAgICAgICAgICAg==", "x-ms-blob-content-md5: AQEBAQEBAQEBAQEBAQEBAQ==");
    let lines = ["Content-Range: bytes 0-4/9", "Content-Length: 5", "ETag: \"a\"", range_md5, blob_md5];
    let Ok(Reply::Range { range: there, object }) = read(&download(), &cx, &get(0, 5), 206, &lines, "") else {
        panic!()
    };
    assert_eq!((there, object.digests), (range(0, 5), vec![md5(1)]));
    let Ok(Reply::Range { object, .. }) = read(&download(), &cx, &get(0, 5), 206, &lines[..4], "") else { panic!() };
    assert_eq!(object.digests, []);
    let lines = ["Content-Length: 9", "Content-MD5: AQEBAQEBAQEBAQEBAQEBAQ=="];
    let Ok(Reply::Whole(object)) = read(&download(), &cx, &everything(), 200, &lines, "") else { panic!() };
    assert_eq!(object.digests.iter().map(|digest| digest.algorithm()).collect::<Vec<_>>(), [Algorithm::Md5]);
}

#[test]
fn d1_a_blob_that_changed_is_told_apart_from_a_lease() {
    let strong = pinned("\"a\"");
    let mut cx = cx();
    cx.validator = &strong;
    let read = |code: &str| read(&download(), &cx, &get(0, 5), 412, &[], &error(code, "")).expect_err("refused");
    assert_eq!(*read("ConditionNotMet"), Verdict::Changed(Changed::Condition));
    let verdict = read("LeaseIdMismatchWithBlobOperation");
    assert!(matches!(&*verdict, Verdict::Fatal(fault) if fault.detail.contains("leased")), "{verdict:?}");
    let beyond = crate::support::read(&download(), &cx, &get(5, 9), 416, &["Content-Range: bytes */3"], "");
    assert_eq!(beyond.expect("told"), Reply::Unsatisfiable { total: Some(3) });
}
