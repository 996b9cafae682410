//! Refusals, judged: one row per error code and step (R3, R5, O7), as a snapshot that can be read.

use crate::common::{download, upload};
use crate::support::{NOW, cx, error, range, read, table_of_codes, table_of_statuses};
use longhaul_core::Wall;
use longhaul_core::error::ServerFaultKind;
use longhaul_core::provider::{Step, Verdict};
use longhaul_http::Headers;

const CODES: [(u16, &str); 40] = [
    (503, "SlowDown"),
    (503, "ServiceUnavailable"),
    (500, "InternalError"),
    (400, "RequestTimeout"),
    (409, "OperationAborted"),
    (409, "ConditionalRequestConflict"),
    (400, "BadDigest"),
    (400, "IncompleteBody"),
    (400, "ExpiredToken"),
    (400, "InvalidToken"),
    (403, "InvalidAccessKeyId"),
    (403, "SignatureDoesNotMatch"),
    (403, "AccessDenied"),
    (403, "RequestTimeTooSkewed"),
    (301, "PermanentRedirect"),
    (307, "TemporaryRedirect"),
    (400, "AuthorizationHeaderMalformed"),
    (412, "PreconditionFailed"),
    (404, "NoSuchUpload"),
    (404, "NoSuchBucket"),
    (404, "NoSuchKey"),
    (404, "NoSuchVersion"),
    (403, "InvalidObjectState"),
    (400, "EntityTooSmall"),
    (400, "EntityTooLarge"),
    (400, "InvalidPart"),
    (400, "InvalidPartOrder"),
    (400, "InvalidStorageClass"),
    (400, "MetadataTooLarge"),
    (501, "NotImplemented"),
    (400, "InvalidDigest"),
    (400, "KMS.DisabledException"),
    (507, "XMinioStorageFull"),
    (400, "SomethingNew"),
    (403, "SomethingNew"),
    (409, "SomethingNew"),
    (503, "SomethingNew"),
    (404, "SomethingNew"),
    (418, "SomethingNew"),
    (501, "SomethingNew"),
];

#[test]
fn r5_every_code_has_its_verdict() {
    insta::assert_snapshot!("codes", table_of_codes(&download(), &upload(), &CODES));
}

#[test]
fn r5_without_a_code_the_status_decides() {
    insta::assert_snapshot!("statuses", table_of_statuses(&download(), &upload()));
}

fn refused(status: u16, lines: &[&str], body: &str) -> Verdict {
    *read(&upload(), &cx(), &Step::Begin, status, lines, body).expect_err("refused")
}

#[test]
fn o7_a_wrong_region_is_answered_with_the_right_one() {
    for (status, lines, body) in [
        (
            301,
            vec!["x-amz-bucket-region: us-west-2"],
            error("PermanentRedirect", "<Endpoint>my-bucket.s3.amazonaws.com</Endpoint>"),
        ),
        (400, vec![], error("AuthorizationHeaderMalformed", "<Region>us-west-2</Region>")),
        (301, vec!["x-amz-bucket-region: us-west-2"], String::new()),
        (400, vec!["x-amz-bucket-region: us-west-2"], String::new()),
    ] {
        let verdict = refused(status, &lines, &body);
        let Verdict::Fatal(fault) = &verdict else { panic!("{verdict:?}") };
        assert!(fault.detail.contains("region us-west-2, not eu-central-1"), "{fault}");
    }
    let verdict = refused(307, &[], &error("TemporaryRedirect", "<Endpoint>other.s3.amazonaws.com</Endpoint>"));
    assert!(
        matches!(&verdict, Verdict::Fatal(fault) if fault.detail.contains("at other.s3.amazonaws.com")),
        "{verdict:?}"
    );
    // Also where only a HEAD was asked.
    let verdict =
        read(&download(), &cx(), &Step::Probe, 301, &["x-amz-bucket-region: us-west-2"], "").expect_err("elsewhere");
    assert!(matches!(&*verdict, Verdict::Fatal(fault) if fault.detail.contains("us-west-2")), "{verdict:?}");
}

#[test]
fn r3_a_wrong_clock_is_answered_with_the_servers_time() {
    let at = Wall::from_unix(NOW.wall.as_unix() + 1200);
    let time = "<ServerTime>2026-11-21T00:20:00Z</ServerTime>";
    for (lines, body) in [
        (vec![], error("RequestTimeTooSkewed", time)),
        (vec!["Date: Sat, 21 Nov 2026 00:20:00 GMT"], error("RequestTimeTooSkewed", "")),
        // To a HEAD the code is not told.
        (vec!["Date: Sat, 21 Nov 2026 00:20:00 GMT"], String::new()),
    ] {
        let verdict = refused(403, &lines, &body);
        assert!(matches!(&verdict, Verdict::Skew { server, .. } if *server == at), "{verdict:?}");
    }
    let verdict = refused(403, &["Date: Sat, 21 Nov 2026 00:14:00 GMT"], "");
    assert!(matches!(&verdict, Verdict::Fatal(_)), "{verdict:?}");
    // A clock that is corrected already is not at fault.
    let mut cx = cx();
    cx.skew = 1200;
    let lines = ["Date: Sat, 21 Nov 2026 00:20:00 GMT"];
    let verdict = read(&upload(), &cx, &Step::Begin, 403, &lines, "").expect_err("refused");
    assert!(matches!(*verdict, Verdict::Fatal(_)), "{verdict:?}");
}

#[test]
fn errors_carry_code_message_and_both_ids() {
    let verdict =
        refused(403, &["x-amz-request-id: 4442587FB7D0A2F9", "x-amz-id-2: abc+/="], &error("AccessDenied", ""));
    let Verdict::Fatal(fault) = verdict else { panic!("{verdict:?}") };
    assert_eq!(fault.code.as_deref(), Some("AccessDenied"));
    assert_eq!(fault.request_id.as_deref(), Some("4442587FB7D0A2F9 / abc+/="));
    assert_eq!(fault.kind, ServerFaultKind::Denied);
    assert!(fault.detail.contains("s3:PutObject") && fault.detail.ends_with("the server says: Words."), "{fault}");
    let Verdict::Fatal(fault) = refused(403, &[], &error("AccessDenied", "")) else { panic!() };
    assert_eq!(fault.request_id.as_deref(), Some("R"), "from the body where the head has none");
}

#[test]
fn a_condition_that_does_not_hold_says_so() {
    let headers = Headers::new().with("If-None-Match", "*").expect("sound");
    let upload = upload().with_headers(headers).expect("sound");
    for step in [Step::PutWhole { range: range(0, 5) }, Step::Commit] {
        let verdict = read(&upload, &cx(), &step, 412, &[], &error("PreconditionFailed", "")).expect_err("refused");
        let Verdict::Fatal(fault) = &*verdict else { panic!("{verdict:?}") };
        assert!(fault.kind == ServerFaultKind::Conflict && fault.detail.contains("nothing was replaced"), "{fault}");
    }
}

#[test]
fn retry_after_is_passed_on() {
    let verdict = refused(503, &["Retry-After: 7"], &error("SlowDown", ""));
    let Verdict::Retry { fault, after } = verdict else { panic!("{verdict:?}") };
    assert_eq!(fault.kind, ServerFaultKind::Throttled);
    assert!(after.is_some());
}
