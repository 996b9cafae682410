//! Successes, read: every step, also where a success turns out to be none (U6, U7, U8, U12, D13).

use crate::common::{crc64, download, upload};
use crate::support::{committing, cx, everything, get, part, parts, pinned, range, read};
use longhaul_core::error::{Changed, ServerFaultKind};
use longhaul_core::provider::{Context, Object, Receipt, Reply, Step, UploadedPart, Verdict};
use longhaul_core::{Algorithm, ByteRange, Digest};
use longhaul_oss::Integrity;

#[test]
fn an_upload_id_is_read_and_nothing_else_passes_for_one() {
    let answer = |id: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<InitiateMultipartUploadResult>\n  <Bucket>b</Bucket>\n  <UploadId>{id}</UploadId>\n</InitiateMultipartUploadResult>"
        )
    };
    let begun = read(&upload(), &cx(), &Step::Begin, 200, &[], &answer("0004B9894A22E5B1888A1E29F823")).expect("begun");
    let session = Some("0004B9894A22E5B1888A1E29F823".into());
    assert_eq!(begun, Reply::Begun { session, next: None, receipt: None });
    for body in ["", "<html/>", "<InitiateMultipartUploadResult/>", &answer(""), &answer(&"x".repeat(3000))] {
        let verdict = read(&upload(), &cx(), &Step::Begin, 200, &[], body).expect_err(body);
        assert!(matches!(&*verdict, Verdict::Fatal(fault) if fault.kind == ServerFaultKind::Protocol), "{verdict:?}");
    }
}

#[test]
fn d13_what_oss_received_is_compared_with_what_was_sent() {
    let mut cx = cx();
    cx.sent = Some(crc64(u64::MAX));
    let tag = "ETag: \"7265F4D211B56873A381D321F586E4A9\"";
    for step in [part(0, 3), Step::PutWhole { range: range(0, 5) }] {
        for (crc, good) in [
            ("x-oss-hash-crc64ecma: 18446744073709551615", true),
            ("x-oss-hash-crc64ecma: 18446744073709551614", false),
            ("x-oss-hash-crc64ecma: nonsense", true),
            ("x-none: 1", true),
        ] {
            let reply = read(&upload(), &cx, &step, 200, &[tag, crc], "");
            assert_eq!(reply.is_ok(), good, "{crc} {reply:?}");
            assert!(good || matches!(&*reply.expect_err("damaged"), Verdict::Retry { .. }));
        }
    }
    assert!(read(&upload(), &cx, &part(0, 3), 200, &[], "").is_err(), "a part is as good as its tag");
}

#[test]
fn u7_a_listing_is_read_page_by_page() {
    let parts = parts();
    let page = |more: bool, next: &str, list: &str| {
        format!(
            "<ListPartsResult><NextPartNumberMarker>{next}</NextPartNumberMarker><IsTruncated>{more}</IsTruncated>{list}</ListPartsResult>"
        )
    };
    let one = "<Part><PartNumber>1</PartNumber><LastModified>2012-02-23T07:01:34.000Z</LastModified><ETag>\"900150983cd24fb0d6963f7d28e17f72\"</ETag><HashCrc64ecma>1</HashCrc64ecma><Size>3</Size></Part>";
    let other = "<Part><PartNumber>2</PartNumber><ETag>\"X\"</ETag><Size>7</Size></Part>";
    let read = |body: &str| read(&upload(), &committing(&parts), &Step::ListParts { marker: None }, 200, &[], body);
    let first = Reply::Parts { parts: vec![parts[&1].clone()], marker: Some("1".into()) };
    assert_eq!(read(&page(true, "1", one)).expect("a page"), first);
    let foreign = UploadedPart::new(2, ByteRange::at(0, 7), "X");
    assert_eq!(read(&page(false, "2", other)).expect("the last"), Reply::Parts { parts: vec![foreign], marker: None });
    for body in ["", "<Error/>", &page(true, "", ""), "<ListPartsResult><Part>"] {
        assert!(read(body).is_err(), "{body}");
    }
}

const RESULT: &str = "<?xml version=\"1.0\"?>\n<CompleteMultipartUploadResult>\n  <ETag>\"B864DB6A936D376F9F8D3ED3BBE540DD-2\"</ETag>\n</CompleteMultipartUploadResult>";

fn whole() -> Digest {
    crc64(1).followed_by(&crc64(2), 2).expect("a CRC")
}

fn told(digest: &Digest) -> String {
    let number = digest.bytes().iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    format!("x-oss-hash-crc64ecma: {number}")
}

fn commit(status: u16, lines: &[&str], body: &str) -> Result<Reply, Box<Verdict>> {
    let (parts, digests) = (parts(), [(1, crc64(1)), (2, crc64(2))].into());
    let mut cx = committing(&parts);
    cx.digests = &digests;
    read(&upload(), &cx, &Step::Commit, status, lines, body)
}

#[test]
fn u6_only_a_whole_result_is_a_success_and_it_is_unknown_at_every_cut() {
    let mut receipt = Receipt::default();
    receipt.etag = Some("\"B864DB6A936D376F9F8D3ED3BBE540DD-2\"".into());
    receipt.id = Some("v1".into());
    let lines = [&*told(&whole()), "x-oss-version-id: v1"];
    assert_eq!(commit(200, &lines, RESULT).expect("committed"), Reply::Committed(receipt));
    for cut in 0..RESULT.len() {
        let verdict = commit(200, &[], &RESULT[..cut]).expect_err("cut off");
        assert!(matches!(*verdict, Verdict::Unknown(_)), "{cut}: {verdict:?}");
    }
    // The answer of the application's server to a callback, which OSS passes on.
    assert!(matches!(*commit(200, &[], "{\"Status\":\"OK\"}").expect_err("no result"), Verdict::Unknown(_)));
    let failed =
        "<Error><Code>CallbackFailed</Code><Message>Private address is forbidden to callback.</Message></Error>";
    assert!(matches!(*commit(203, &[], failed).expect_err("made, perhaps"), Verdict::Unknown(_)));
}

#[test]
fn d13_u8_an_object_of_another_crc_than_that_of_the_parts_is_no_success() {
    let verdict = commit(200, &[&told(&crc64(7))], RESULT).expect_err("another object");
    assert!(matches!(&*verdict, Verdict::Fatal(fault) if fault.detail.contains("crc64xz")), "{verdict:?}");
    // Another tag than S3 would make says nothing.
    assert!(commit(200, &[], RESULT).is_ok());
}

#[test]
fn u6_a_commit_in_doubt_is_decided_by_head() {
    let (parts, digests) = (parts(), [(1, crc64(1)), (2, crc64(2))].into());
    let mut cx = committing(&parts);
    cx.digests = &digests;
    let (ours, another) = (told(&whole()), told(&crc64(7)));
    let head = |cx: &Context<'_>, status, lines: &[&str]| read(&upload(), cx, &Step::Confirm, status, lines, "");
    assert!(matches!(head(&cx, 200, &["Content-Length: 5", &ours]), Ok(Reply::Committed(_))));
    assert_eq!(head(&cx, 200, &["Content-Length: 5", &another]).expect("told"), Reply::NotCommitted);
    assert_eq!(head(&cx, 200, &["Content-Length: 6", &ours]).expect("told"), Reply::NotCommitted);
    assert_eq!(head(&cx, 404, &[]).expect("told"), Reply::NotCommitted);
    // Where the CRC of a part is not known, the tag may prove it; nothing disproves it.
    let nothing = [].into();
    cx.digests = &nothing;
    let tag = format!("ETag: \"{}\"", longhaul_store::etag::composite(parts.values()).expect("MD5s").to_uppercase());
    assert!(matches!(head(&cx, 200, &["Content-Length: 5", &ours, &tag]), Ok(Reply::Committed(_))));
    let verdict = head(&cx, 200, &["Content-Length: 5", &ours, "ETag: \"X-2\""]).expect_err("cannot tell");
    assert!(matches!(*verdict, Verdict::Fatal(_)), "{verdict:?}");
}

/// No session, no parts: what went up at once is known by its CRC, or by the MD5 that its tag is.
#[test]
fn u6_what_went_up_at_once_is_found_by_its_crc_or_its_tag() {
    let md5 = Digest::from_hex(Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72").expect("an MD5");
    let (ours, theirs) = ("ETag: \"900150983CD24FB0D6963F7D28E17F72\"", "ETag: \"A00150983CD24FB0D6963F7D28E17F72\"");
    let crc = told(&crc64(1));
    let head = |digest: &Digest, lines: &[&str]| {
        let mut cx = cx();
        (cx.session, cx.total, cx.content_digest) = (None, Some(3), Some(digest));
        let lines: Vec<&str> = ["Content-Length: 3"].into_iter().chain(lines.iter().copied()).collect();
        read(&upload(), &cx, &Step::Confirm, 200, &lines, "").map(|reply| matches!(reply, Reply::Committed(_)))
    };
    assert_eq!(head(&crc64(1), &[theirs, &crc]).ok(), Some(true));
    assert_eq!(head(&crc64(2), &[ours, &crc]).ok(), Some(false));
    assert_eq!(head(&md5, &[ours]).ok(), Some(true));
    assert_eq!(head(&md5, &[theirs]).ok(), Some(false));
    assert_eq!(head(&md5, &[theirs, "x-oss-server-side-encryption: KMS"]).ok(), None, "a veiled tag tells nothing");
}

/// A store that keeps the first of two parts of one number: ours where its tag is the MD5 of what was sent.
#[test]
fn u12_a_part_that_is_there_already_is_taken_only_where_it_is_known_to_be_the_same() {
    let md5 = Digest::from_hex(Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72").expect("an MD5");
    let upload = upload().with_integrity(Integrity::ContentMd5);
    let step = |digest| Step::PutPart { number: 1, range: range(0, 3), digest };
    let there = |tag: &str| {
        format!("<Error><Code>PartAlreadyExist</Code><PartNumber>1</PartNumber><PartEtag>\"{tag}\"</PartEtag></Error>")
    };
    let same = there("900150983CD24FB0D6963F7D28E17F72");
    let reply = read(&upload, &cx(), &step(Some(md5)), 409, &[], &same).expect("ours");
    assert_eq!(reply, Reply::Part { tag: "900150983CD24FB0D6963F7D28E17F72".into(), next: None, receipt: None });
    for (digest, body) in [
        (Some(md5), there("5F02F0889301FD7BE1AC972C11BF3E7D")),
        (Some(md5), there("opaque")),
        (Some(md5), "<Error><Code>PartAlreadyExist</Code></Error>".into()),
        (None, same),
    ] {
        let verdict = read(&upload, &cx(), &step(digest), 409, &[], &body).expect_err("not known");
        assert!(matches!(&*verdict, Verdict::Fatal(fault) if fault.kind == ServerFaultKind::Conflict), "{verdict:?}");
    }
}

#[test]
fn an_abort_is_done_when_the_upload_is_gone() {
    for status in [204, 404] {
        assert_eq!(read(&upload(), &cx(), &Step::Abort, status, &[], "").expect("gone"), Reply::Aborted);
    }
    assert!(read(&upload(), &cx(), &Step::Abort, 500, &[], "").is_err());
}

fn found(step: &Step, status: u16, lines: &[&str]) -> Object {
    match read(&download(), &cx(), step, status, lines, "") {
        Ok(Reply::Object(object) | Reply::Whole(object) | Reply::Range { object, .. }) => object,
        other => panic!("{other:?}"),
    }
}

#[test]
fn d13_the_crc_of_the_whole_object_is_told_everywhere_and_wins_over_an_md5() {
    let lines =
        ["Content-Length: 7", "ETag: \"A\"", "x-oss-hash-crc64ecma: 1", "Content-MD5: 1B2M2Y8AsgTpgAmY7PhCfg=="];
    let object = found(&Step::Probe, 200, &lines);
    assert_eq!((object.total, object.validator, object.digests), (Some(7), pinned("\"A\""), vec![crc64(1)]));
    assert_eq!(found(&everything(), 200, &lines).digests, [crc64(1)]);
    let part = ["Content-Range: bytes 0-6/9", "Content-Length: 7", "x-oss-hash-crc64ecma: 1"];
    assert_eq!(found(&get(0, 7), 206, &part).digests, [crc64(1)], "also on a range it is the whole object's");
    assert_eq!(found(&get(0, 7), 206, &part[..2]).digests, []);
    let md5 = |object: Object| object.digests.first().map(Digest::algorithm);
    assert_eq!(md5(found(&Step::Probe, 200, &[lines[0], lines[3]])), Some(Algorithm::Md5));
    assert_eq!(md5(found(&everything(), 200, &[lines[0], lines[3]])), Some(Algorithm::Md5));
    assert_eq!(found(&Step::Probe, 200, &["Content-Length: 0"]).total, Some(0), "P4: believed");
}

#[test]
fn ranges_are_read_as_strictly_as_over_plain_http() {
    let strong = pinned("\"A\"");
    let mut cx = cx();
    cx.validator = &strong;
    assert!(read(&download(), &cx, &get(0, 5), 206, &["Content-Range: bytes 1-5/9"], "").is_err());
    let condition = "<Error><Code>PreconditionFailed</Code></Error>";
    let verdict = read(&download(), &cx, &get(0, 5), 412, &[], condition).expect_err("changed");
    assert_eq!(*verdict, Verdict::Changed(Changed::Condition));
    let size = "<Error><Code>InvalidRange</Code><ActualObjectSize>3</ActualObjectSize></Error>";
    let reply = read(&download(), &cx, &get(5, 9), 416, &[], size).expect("told");
    assert_eq!(reply, Reply::Unsatisfiable { total: Some(3) });
}
