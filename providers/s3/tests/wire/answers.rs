//! Successes, read: every step, also where a success turns out to be none (U5, U6, U7, U8, D13).

use crate::common::{crc64, download, key, object, upload};
use crate::support::{committing, cx, everything, get, part, parts, pinned, range, read};
use longhaul_core::error::{Changed, ServerFaultKind};
use longhaul_core::provider::{Provider, Receipt, Reply, Step, UploadedPart, Verdict};
use longhaul_core::{Algorithm, ByteRange, Digest};
use longhaul_http::Headers;
use longhaul_s3::{Bucket, Etags, Integrity, Object, Rules, S3Upload};

const COMPOSITE: &str = "fd279fa64fe1fa9a3551a4a88ae83424-2";

#[test]
fn the_tag_in_these_tests_is_that_of_these_parts() {
    let parts = parts();
    assert_eq!(longhaul_store::etag::composite(parts.values()).as_deref(), Some(COMPOSITE));
}

#[test]
fn an_upload_id_is_read_and_nothing_else_passes_for_one() {
    let answer = |id: &str| {
        format!(
            "<?xml version=\"1.0\"?><InitiateMultipartUploadResult xmlns=\"x\"><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
        )
    };
    let begun = read(&upload(), &cx(), &Step::Begin, 200, &[], &answer("a/b+&amp;=")).expect("begun");
    assert_eq!(begun, Reply::Begun { session: Some("a/b+&=".into()), next: None, receipt: None });
    for body in
        ["", "<html/>", "<InitiateMultipartUploadResult/>", &answer(""), &answer("a&#10;b"), &answer(&"x".repeat(3000))]
    {
        let verdict = read(&upload(), &cx(), &Step::Begin, 200, &[], body).expect_err(body);
        assert!(matches!(&*verdict, Verdict::Fatal(fault) if fault.kind == ServerFaultKind::Protocol), "{verdict:?}");
    }
}

#[test]
fn a_part_is_as_good_as_its_tag() {
    let reply = read(&upload(), &cx(), &part(0, 3), 200, &["ETag: \"abc\""], "").expect("stored");
    assert_eq!(reply, Reply::Part { tag: "abc".into(), next: None, receipt: None });
    assert!(read(&upload(), &cx(), &part(0, 3), 200, &[], "").is_err());
}

#[test]
fn d13_what_the_store_received_is_compared_with_what_was_sent() {
    let mut cx = cx();
    cx.sent = Some(crc64(1));
    let told = |value: &'static str| [value, "ETag: \"abc\""];
    let same = told("x-amz-checksum-crc64nvme: AAAAAAAAAAE=");
    let other = told("x-amz-checksum-crc64nvme: AAAAAAAAAAI=");
    let foreign = told("x-amz-checksum-crc32: AAAAAA==");
    for step in [part(0, 3), Step::PutWhole { range: range(0, 5) }] {
        assert!(read(&upload(), &cx, &step, 200, &same, "").is_ok());
        assert!(read(&upload(), &cx, &step, 200, &foreign, "").is_ok());
        let verdict = read(&upload(), &cx, &step, 200, &other, "").expect_err("damaged");
        assert!(
            matches!(&*verdict, Verdict::Retry { fault, .. } if fault.detail.contains("0000000000000002")),
            "{verdict:?}"
        );
    }
}

#[test]
fn u7_a_listing_is_read_page_by_page() {
    let parts = parts();
    let page = |more: bool, next: &str, list: &str| {
        format!(
            "<ListPartsResult><IsTruncated>{more}</IsTruncated><NextPartNumberMarker>{next}</NextPartNumberMarker>{list}</ListPartsResult>"
        )
    };
    let one = "<Part><PartNumber>1</PartNumber><ETag>&quot;900150983cd24fb0d6963f7d28e17f72&quot;</ETag><Size>3</Size></Part>";
    let other = "<Part><PartNumber>2</PartNumber><ETag>x</ETag><Size>7</Size></Part>";
    let untagged = "<Part><PartNumber>2</PartNumber><Size>2</Size></Part>";
    let cx = committing(&parts);
    let list = Step::ListParts { marker: None };
    let read = |body: &str| read(&upload(), &cx, &list, 200, &[], body);
    let ours = |number: u64| parts[&number].clone();
    assert_eq!(
        read(&page(true, "1", one)).expect("a page"),
        Reply::Parts { parts: vec![ours(1)], marker: Some("1".into()) }
    );
    let foreign = UploadedPart::new(2, ByteRange::at(0, 7), "x");
    assert_eq!(read(&page(false, "2", other)).expect("the last"), Reply::Parts { parts: vec![foreign], marker: None });
    assert_eq!(read(&page(false, "", untagged)).expect("no tags"), Reply::Parts { parts: vec![ours(2)], marker: None });
    assert_eq!(
        read(&page(true, "0", one)).expect("no marker"),
        Reply::Parts { parts: vec![ours(1)], marker: Some("1".into()) }
    );
    for body in [
        "",
        "<Error/>",
        &page(true, "", ""),
        &page(false, "", "<Part/>"),
        "<ListPartsResult><Part>",
        &page(false, "", "<Part><PartNumber>0</PartNumber><Size>1</Size></Part>"),
    ] {
        assert!(read(body).is_err(), "{body}");
    }
}

#[test]
fn u7_a_listing_that_always_goes_on_comes_to_an_end() {
    let parts = parts();
    let page = |next: &str, number: u64| {
        format!(
            "<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>{next}</NextPartNumberMarker>\
             <Part><PartNumber>{number}</PartNumber><Size>3</Size></Part></ListPartsResult>"
        )
    };
    let read = |after: &str, body: &str| {
        let list = Step::ListParts { marker: Some(after.into()) };
        read(&upload(), &committing(&parts), &list, 200, &[], body)
    };
    assert!(matches!(read("7", &page("8", 8)).expect("a page"), Reply::Parts { marker: Some(_), .. }));
    // Nothing is behind the last part there can be.
    assert!(matches!(read("9", &page("10000", 10_000)).expect("the end"), Reply::Parts { marker: None, .. }));
    // Back, on the spot, and beyond the last part there can be.
    for (after, next, number) in [("7", "7", 8), ("7", "3", 8), ("7", "0", 7), ("9", "12000", 10), ("9", "10", 10_001)]
    {
        let verdict = read(after, &page(next, number)).expect_err(next);
        assert!(matches!(&*verdict, Verdict::Fatal(fault) if fault.detail.contains("the list")), "{verdict:?}");
    }
}

fn commit(body: &str) -> Result<Reply, Box<Verdict>> {
    let parts = parts();
    read(&upload(), &committing(&parts), &Step::Commit, 200, &["x-amz-version-id: v1"], body)
}

fn result(inside: &str) -> String {
    format!(
        "\n\n   <?xml version=\"1.0\"?>\n  <CompleteMultipartUploadResult xmlns=\"x\">{inside}</CompleteMultipartUploadResult>"
    )
}

#[test]
fn u6_only_a_whole_result_is_a_success_and_it_is_unknown_at_every_cut() {
    let body = result(&format!("<ETag>&quot;{COMPOSITE}&quot;</ETag>"));
    let mut receipt = Receipt::default();
    (receipt.etag, receipt.id) = (Some(format!("\"{COMPOSITE}\"")), Some("v1".into()));
    assert_eq!(commit(&body).expect("committed"), Reply::Committed(receipt));
    for cut in 0..body.len() {
        let verdict = commit(&body[..cut]).expect_err("cut off");
        assert!(matches!(*verdict, Verdict::Unknown(_)), "{cut}: {verdict:?}");
    }
    for body in [" \n ", "<html>busy</html>", "<CompleteMultipartUploadResult>", "\u{0}", "not xml"] {
        let verdict = commit(body).expect_err(body);
        assert!(matches!(*verdict, Verdict::Unknown(_)), "{body}: {verdict:?}");
    }
}

#[test]
fn u6_an_error_under_status_200_is_an_error() {
    let error =
        |code: &str| commit(&format!("  \n <Error><Code>{code}</Code><Message>m</Message></Error>")).expect_err(code);
    assert!(matches!(*error("InternalError"), Verdict::Retry { .. }));
    assert!(matches!(*error("SlowDown"), Verdict::Retry { .. }));
    assert!(matches!(*error("NoSuchUpload"), Verdict::Unknown(_)));
    assert!(matches!(*error("WhatIsThis"), Verdict::Unknown(_)));
    assert!(matches!(&*error("InvalidPart"), Verdict::Fatal(fault) if fault.code.as_deref() == Some("InvalidPart")));
}

#[test]
fn u8_an_object_made_of_other_parts_is_no_success() {
    for (inside, good) in [
        (format!("<ETag>\"{COMPOSITE}\"</ETag>"), true),
        (format!("<ETag>{}</ETag>", COMPOSITE.to_uppercase()), true),
        ("<ETag>\"ffffffffffffffffffffffffffffffff-2\"</ETag>".into(), false),
        // Another shape says nothing: not every store makes its tags as Amazon does.
        ("<ETag>\"opaque\"</ETag>".into(), true),
        (String::new(), true),
    ] {
        assert_eq!(commit(&result(&inside)).is_ok(), good, "{inside}");
    }
    let (parts, digests) = (parts(), [(1, crc64(1)), (2, crc64(2))].into());
    let mut cx = committing(&parts);
    cx.digests = &digests;
    let wrong = result("<ChecksumCRC64NVME>AAAAAAAAAAE=</ChecksumCRC64NVME><ChecksumType>FULL_OBJECT</ChecksumType>");
    let verdict = read(&upload(), &cx, &Step::Commit, 200, &[], &wrong).expect_err("another object");
    assert!(matches!(&*verdict, Verdict::Fatal(fault) if fault.detail.contains("crc64nvme")), "{verdict:?}");
}

#[test]
fn u6_a_commit_in_doubt_is_decided_by_head() {
    let parts = parts();
    let cx = committing(&parts);
    let read = |status, lines: &[&str]| read(&upload(), &cx, &Step::Confirm, status, lines, "");
    let tag = format!("ETag: \"{COMPOSITE}\"");
    assert!(matches!(read(200, &["Content-Length: 5", &tag]), Ok(Reply::Committed(_))));
    assert_eq!(read(404, &[]).expect("told"), Reply::NotCommitted);
    assert_eq!(read(200, &["Content-Length: 6", &tag]).expect("told"), Reply::NotCommitted);
    assert_eq!(
        read(200, &["Content-Length: 5", "ETag: \"5d41402abc4b2a76b9719d911017c592\""]).expect("told"),
        Reply::NotCommitted
    );
    let veiled = ["Content-Length: 5", "ETag: \"opaque\"", "x-amz-server-side-encryption: aws:kms"];
    assert!(matches!(*read(200, &veiled).expect_err("cannot tell"), Verdict::Fatal(_)));
}

#[test]
fn u6_a_checksum_of_the_whole_decides_where_the_tag_cannot() {
    let (parts, digests) = (parts(), [(1, crc64(1)), (2, crc64(2))].into());
    let mut cx = committing(&parts);
    cx.digests = &digests;
    let whole = crc64(1).followed_by(&crc64(2), 2).expect("a CRC");
    use base64::Engine as _;
    let told = format!("x-amz-checksum-crc64nvme: {}", base64::engine::general_purpose::STANDARD.encode(whole.bytes()));
    let read = |line: &str| {
        let lines = ["Content-Length: 5", "x-amz-server-side-encryption: aws:kms", line];
        read(&upload(), &cx, &Step::Confirm, 200, &lines, "").expect("told")
    };
    assert!(matches!(read(&told), Reply::Committed(_)));
    assert_eq!(read("x-amz-checksum-crc64nvme: AAAAAAAAAAE="), Reply::NotCommitted);
}

/// No session, no parts: what went up at once is known by its checksum, else by its tag.
#[test]
fn u6_what_went_up_at_once_is_found_by_its_checksum_or_its_tag() {
    let md5 = Digest::from_hex(Algorithm::Md5, "5d41402abc4b2a76b9719d911017c592").expect("an MD5");
    let amazon = || S3Upload::new(object("key"));
    let other = |rules| {
        let bucket = Bucket::at("http://127.0.0.1:9", "eu-central-1", "my-bucket").expect("sound").with_rules(rules);
        S3Upload::new(Object::new(bucket, "key", key()).expect("sound"))
    };
    let (ours, theirs) = ("ETag: \"5d41402abc4b2a76b9719d911017c592\"", "ETag: \"6d41402abc4b2a76b9719d911017c592\"");
    let crc = "x-amz-checksum-crc64nvme: AAAAAAAAAAE=";
    let kms = "x-amz-server-side-encryption: aws:kms";
    let tell = |upload: &S3Upload, digest: Option<Digest>, total: u64, lines: &[&str]| {
        let mut cx = cx();
        (cx.session, cx.total, cx.content_digest) = (None, Some(total), digest.as_ref());
        let length = format!("Content-Length: {}", lines[0]);
        let lines: Vec<&str> = [&*length].into_iter().chain(lines[1..].iter().copied()).collect();
        match read(upload, &cx, &Step::Confirm, 200, &lines, "") {
            Ok(Reply::Committed(_)) => Some(true),
            Ok(Reply::NotCommitted) => Some(false),
            other => {
                assert!(matches!(&other, Err(verdict) if matches!(**verdict, Verdict::Fatal(_))), "{other:?}");
                None
            }
        }
    };
    for (upload, digest, lines, told) in [
        (amazon(), Some(crc64(1)), &["5", theirs, crc][..], Some(true)),
        (amazon(), Some(crc64(2)), &["5", ours, crc], Some(false)),
        (amazon(), Some(crc64(1)), &["6", ours, crc], Some(false)),
        (amazon(), Some(crc64(1)), &["5", ours], None),
        (amazon(), Some(md5), &["5", ours], Some(true)),
        (amazon(), Some(md5), &["5", theirs], Some(false)),
        (amazon(), Some(md5), &["5", theirs, kms], None),
        (other(Rules::OTHERS), Some(md5), &["5", ours], Some(true)),
        (other(Rules::OTHERS), Some(md5), &["5", theirs], None),
        (other(Rules::OTHERS.with_etags(Etags::Opaque)), Some(md5), &["5", ours], None),
        (amazon(), None, &["5", ours], None),
    ] {
        assert_eq!(tell(&upload, digest, 5, lines), told, "{digest:?} {lines:?}");
    }
    // There is only one object without content.
    assert_eq!(tell(&amazon(), None, 0, &["0", theirs]), Some(true));
    assert_eq!(tell(&amazon(), None, 0, &["1", theirs]), Some(false));
}

/// A store that tells no CRC is only asked by tag, and only where something may be in the way.
#[test]
fn u6_what_is_computed_of_what_is_sent_is_what_the_store_can_tell() {
    let others = || {
        let bucket = Bucket::at("http://127.0.0.1:9", "eu-central-1", "my-bucket").expect("sound");
        S3Upload::new(Object::new(bucket, "key", key()).expect("sound"))
    };
    let careful = |upload: S3Upload| {
        let mut headers = Headers::new();
        headers.add_line("If-None-Match: *").expect("a field");
        upload.with_headers(headers).expect("sound")
    };
    let unchecked = |upload: S3Upload| upload.with_integrity(Integrity::Unchecked);
    for (upload, sent) in [
        (upload(), Some(Algorithm::Crc64Nvme)),
        (careful(upload()), Some(Algorithm::Crc64Nvme)),
        (others(), Some(Algorithm::Crc64Nvme)),
        (careful(others()), Some(Algorithm::Md5)),
        (unchecked(upload()), None),
        (unchecked(others()), None),
        // Which object is one's own must be known.
        (careful(unchecked(upload())), Some(Algorithm::Crc64Nvme)),
        (careful(unchecked(others())), Some(Algorithm::Md5)),
    ] {
        assert_eq!(upload.profile().sent_digest, sent, "{upload:?}");
    }
}

#[test]
fn an_abort_is_done_when_the_upload_is_gone() {
    for status in [204, 200, 404] {
        assert_eq!(read(&upload(), &cx(), &Step::Abort, status, &[], "").expect("gone"), Reply::Aborted);
    }
    assert!(read(&upload(), &cx(), &Step::Abort, 500, &[], "").is_err());
}

fn found(lines: &[&str]) -> longhaul_core::provider::Object {
    match read(&download(), &cx(), &Step::Probe, 200, lines, "") {
        Ok(Reply::Object(object)) => object,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_probe_tells_size_version_and_checksum() {
    let crc = "x-amz-checksum-crc64nvme: AAAAAAAAAAE=";
    let object = found(&["Content-Length: 7", "ETag: \"abc-2\"", "x-amz-checksum-type: FULL_OBJECT", crc]);
    assert_eq!((object.total, object.validator, object.digests), (Some(7), pinned("\"abc-2\""), vec![crc64(1)]));
    assert_eq!(found(&["Content-Length: 0"]).total, Some(0), "P4: believed");
    // What is stored encoded is wanted as it is stored.
    assert_eq!(found(&["Content-Length: 7", "Content-Encoding: gzip"]).total, Some(7));
    assert!(matches!(
        *read(&download(), &cx(), &Step::Probe, 200, &[], "").expect_err("no length"),
        Verdict::ProbeByRange
    ));
}

#[test]
fn d13_a_tag_is_an_md5_only_where_that_is_certain() {
    let md5 = "ETag: \"5d41402abc4b2a76b9719d911017c592\"";
    let is_md5 = |lines: &[&str]| found(lines).digests.iter().any(|digest| digest.algorithm() == Algorithm::Md5);
    assert!(is_md5(&["Content-Length: 5", md5]));
    assert!(is_md5(&["Content-Length: 5", md5, "x-amz-server-side-encryption: AES256"]));
    assert!(!is_md5(&["Content-Length: 5", md5, "x-amz-server-side-encryption: aws:kms"]));
    assert!(!is_md5(&["Content-Length: 5", md5, "x-amz-server-side-encryption-customer-algorithm: AES256"]));
    assert!(!is_md5(&["Content-Length: 5", "ETag: \"5d41402abc4b2a76b9719d911017c592-1\""]));
    assert!(!is_md5(&["Content-Length: 5", md5, "x-amz-checksum-crc64nvme: AAAAAAAAAAE="]), "one digest is enough");
    let other = Bucket::at("https://store.example", "auto", "my-bucket").expect("sound");
    let other = Object::new(other, "a", key()).and_then(longhaul_s3::S3Download::new).expect("sound");
    let Ok(Reply::Object(object)) = read(&other, &cx(), &Step::Probe, 200, &["Content-Length: 5", md5], "") else {
        panic!()
    };
    assert_eq!(object.digests, [], "other stores make tags of anything");
}

#[test]
fn ranges_are_read_as_strictly_as_over_plain_http() {
    let strong = pinned("\"a\"");
    let mut cx = cx();
    cx.validator = &strong;
    let crc = "x-amz-checksum-crc64nvme: AAAAAAAAAAE=";
    let lines = ["Content-Range: bytes 0-4/9", "Content-Length: 5", "ETag: \"a\"", crc];
    let Ok(Reply::Range { range: there, object }) = read(&download(), &cx, &get(0, 5), 206, &lines, "") else {
        panic!()
    };
    assert_eq!((there, object.digests), (range(0, 5), vec![]), "a checksum on a part is that part's");
    assert!(read(&download(), &cx, &get(0, 5), 206, &["Content-Range: bytes 1-5/9"], "").is_err());
    let verdict = read(&download(), &cx, &get(0, 5), 412, &[], "<Error><Code>PreconditionFailed</Code></Error>")
        .expect_err("changed");
    assert_eq!(*verdict, Verdict::Changed(Changed::Condition));
    let Ok(Reply::Whole(object)) = read(&download(), &cx, &everything(), 200, &["Content-Length: 9", crc], "") else {
        panic!()
    };
    assert_eq!((object.total, object.digests), (Some(9), vec![crc64(1)]));
    let size = "<Error><Code>InvalidRange</Code><ActualObjectSize>3</ActualObjectSize></Error>";
    let reply = read(&download(), &cx, &get(5, 9), 416, &[], size).expect("told");
    assert_eq!(reply, Reply::Unsatisfiable { total: Some(3) });
}
