//! Refusals, judged: one row per error code and step (R3, R5, O7), as a snapshot that can be read.

use crate::common::{download, upload};
use crate::support::{NOW, cx, error, get, range, read, table_of_codes, table_of_statuses};
use longhaul_core::Wall;
use longhaul_core::error::ServerFaultKind;
use longhaul_core::provider::{Step, Verdict};

const CODES: [(u16, &str); 47] = [
    (503, "SlowDown"),
    (503, "TotalQpsLimitExceeded"),
    (503, "IntranetUploadTrafficRateLimitExceeded"),
    (503, "ServiceUnavailable"),
    (500, "InternalError"),
    (400, "RequestTimeout"),
    (409, "OperationAborted"),
    (400, "InvalidDigest"),
    (403, "SecurityTokenExpired"),
    (403, "InvalidSecurityToken"),
    (403, "AccessKeyIdAndSecurityTokenNotMatch"),
    (403, "InvalidAccessKeyId"),
    (403, "SecurityTokenNotSupported"),
    (403, "SignatureDoesNotMatch"),
    (403, "AccessDenied"),
    (403, "UserDisable"),
    (403, "RequestTimeTooSkewed"),
    (403, "InvalidArgument"),
    (403, "SecondLevelDomainForbidden"),
    (307, "TemporaryRedirect"),
    (409, "FileAlreadyExists"),
    (412, "PreconditionFailed"),
    (409, "FileImmutable"),
    (409, "PartAlreadyExist"),
    (409, "PartNotSequential"),
    (404, "NoSuchUpload"),
    (404, "NoSuchBucket"),
    (404, "NoSuchKey"),
    (404, "NoSuchVersion"),
    (403, "InvalidObjectState"),
    (405, "MethodNotAllowed"),
    (203, "CallbackFailed"),
    (400, "EntityTooSmall"),
    (400, "EntityTooLarge"),
    (400, "InvalidPart"),
    (400, "InvalidPartOrder"),
    (400, "InvalidObjectName"),
    (400, "InvalidEncryptionRequest"),
    (400, "InvalidTag"),
    (501, "NotImplemented"),
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
fn o7_a_wrong_endpoint_is_answered_with_the_right_one() {
    let verdict = refused(403, &[], &error("AccessDenied", "<Endpoint>oss-cn-shanghai.aliyuncs.com</Endpoint>"));
    let Verdict::Fatal(fault) = &verdict else { panic!("{verdict:?}") };
    assert!(fault.detail.contains("at oss-cn-shanghai.aliyuncs.com: use that endpoint"), "{fault}");
    assert!(!fault.detail.contains("allow oss:"), "{fault}");
}

#[test]
fn r3_a_wrong_clock_is_answered_with_the_servers_time() {
    let at = Wall::from_unix(NOW.wall.as_unix() + 1200);
    let time = "<ServerTime>2026-11-21T00:20:00.000Z</ServerTime>";
    for (lines, body) in [
        (vec![], error("RequestTimeTooSkewed", time)),
        (vec!["Date: Sat, 21 Nov 2026 00:20:00 GMT"], error("RequestTimeTooSkewed", "")),
        (vec!["Date: Sat, 21 Nov 2026 00:20:00 GMT"], String::new()),
    ] {
        let verdict = refused(403, &lines, &body);
        assert!(matches!(&verdict, Verdict::Skew { server, .. } if *server == at), "{verdict:?}");
    }
}

/// OSS puts the error into a header field of the answer to a HEAD.
#[test]
fn the_error_of_a_head_is_read_from_its_field() {
    let field = |code: &str| {
        use base64::Engine as _;
        format!("x-oss-err: {}", base64::engine::general_purpose::STANDARD.encode(error(code, "")))
    };
    let probe =
        |status, lines: &[&str]| *read(&download(), &cx(), &Step::Probe, status, lines, "").expect_err("refused");
    let verdict = probe(403, &[&field("SignatureDoesNotMatch"), "x-oss-ec: 0002-00000201"]);
    let Verdict::Fatal(fault) = &verdict else { panic!("{verdict:?}") };
    assert_eq!(fault.code.as_deref(), Some("SignatureDoesNotMatch"));
    assert!(fault.detail.contains("check the secret") && fault.detail.contains("(0002-00000201)"), "{fault}");
    assert!(matches!(probe(403, &[&field("SecurityTokenExpired")]), Verdict::Refresh(_)));
    assert!(
        matches!(probe(404, &[&field("NoSuchKey")]), Verdict::Fatal(fault) if fault.kind == ServerFaultKind::NotFound)
    );
    // Without it a GET is asked.
    for lines in [&[][..], &["x-oss-err: !"], &["x-oss-err: PGh0bWwvPg=="]] {
        assert!(matches!(probe(403, lines), Verdict::ProbeByRange), "{lines:?}");
    }
}

#[test]
fn errors_carry_code_cause_message_and_id() {
    let body = error("AccessDenied", "<EC>0003-00000001</EC>");
    let verdict = refused(403, &["x-oss-request-id: 636B68BA80DA8539399F0000"], &body);
    let Verdict::Fatal(fault) = verdict else { panic!("{verdict:?}") };
    assert_eq!(fault.code.as_deref(), Some("AccessDenied"));
    assert_eq!(fault.request_id.as_deref(), Some("636B68BA80DA8539399F0000"));
    assert_eq!(fault.kind, ServerFaultKind::Denied);
    assert!(fault.detail.contains("oss:PutObject"), "{fault}");
    assert!(fault.detail.ends_with("the server says: Words. (0003-00000001)"), "{fault}");
    let Verdict::Fatal(fault) = refused(403, &[], &error("AccessDenied", "")) else { panic!() };
    assert_eq!(fault.request_id.as_deref(), Some("R"), "from the body where the head has none");
}

#[test]
fn u8_what_is_there_already_is_not_replaced_and_says_so() {
    let upload = upload().overwriting(false);
    for step in [Step::PutWhole { range: range(0, 5) }, Step::Begin, Step::Commit] {
        let verdict = read(&upload, &cx(), &step, 409, &[], &error("FileAlreadyExists", "")).expect_err("refused");
        let Verdict::Fatal(fault) = &*verdict else { panic!("{verdict:?}") };
        assert!(fault.kind == ServerFaultKind::Conflict && fault.detail.contains("nothing was replaced"), "{fault}");
    }
}

#[test]
fn retry_after_is_passed_on() {
    let verdict = read(&download(), &cx(), &get(0, 5), 503, &["Retry-After: 7"], &error("QpsLimitExceeded", ""));
    let Verdict::Retry { fault, after } = *verdict.expect_err("refused") else { panic!() };
    assert!(fault.kind == ServerFaultKind::Throttled && after.is_some());
}
