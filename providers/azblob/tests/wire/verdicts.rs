//! Refusals, judged: one row per error code and step (R3, R5, O7), as a snapshot that can be read.

use crate::common::{SAS, blob, by_sas, download, upload};
use crate::support::{NOW, caller, cx, error, get, judged, part, range, read, table_of_statuses};
use longhaul_azblob::{Access, AzureDownload};
use longhaul_core::Wall;
use longhaul_core::error::ServerFaultKind;
use longhaul_core::provider::{Provider, Step, Verdict};

const CODES: [(u16, &str); 53] = [
    (503, "ServerBusy"),
    (500, "InternalError"),
    (500, "OperationTimedOut"),
    (409, "AccountBeingCreated"),
    (400, "Md5Mismatch"),
    (400, "Crc64Mismatch"),
    (403, "AuthenticationFailed"),
    (400, "InvalidAuthenticationInfo"),
    (401, "NoAuthenticationInformation"),
    (409, "PublicAccessNotPermitted"),
    (403, "KeyBasedAuthenticationNotPermitted"),
    (403, "AuthorizationFailure"),
    (403, "AuthorizationPermissionMismatch"),
    (403, "AuthorizationResourceTypeMismatch"),
    (403, "AuthorizationServiceMismatch"),
    (403, "AuthorizationProtocolMismatch"),
    (403, "AuthorizationSourceIPMismatch"),
    (403, "AccountIsDisabled"),
    (400, "AccountRequiresHttps"),
    (412, "ConditionNotMet"),
    (409, "BlobAlreadyExists"),
    (403, "UnauthorizedBlobOverwrite"),
    (400, "InvalidBlockList"),
    (400, "InvalidBlobOrBlock"),
    (409, "BlockCountExceedsLimit"),
    (413, "RequestBodyTooLarge"),
    (409, "InvalidBlobType"),
    (409, "BlobOperationNotSupported"),
    (404, "ContainerNotFound"),
    (404, "ResourceNotFound"),
    (404, "BlobNotFound"),
    (409, "ContainerBeingDeleted"),
    (412, "LeaseIdMissing"),
    (412, "LeaseIdMismatchWithBlobOperation"),
    (412, "LeaseLost"),
    (409, "BlobArchived"),
    (409, "BlobBeingRehydrated"),
    (409, "BlobImmutableDueToPolicy"),
    (409, "PendingCopyOperation"),
    (409, "BlobUsesCustomerSpecifiedEncryption"),
    (409, "BlobDoesNotUseCustomerSpecifiedEncryption"),
    (409, "BlobTierInadequateForContentLength"),
    (400, "InvalidMetadata"),
    (400, "MetadataTooLarge"),
    (400, "InvalidHeaderValue"),
    (400, "InvalidResourceName"),
    (400, "SomethingNew"),
    (403, "SomethingNew"),
    (404, "SomethingNew"),
    (409, "SomethingNew"),
    (418, "SomethingNew"),
    (501, "SomethingNew"),
    (503, "SomethingNew"),
];

#[test]
fn r5_every_code_has_its_verdict() {
    let mut table = String::new();
    for (status, code) in CODES {
        table += &format!("{status} {code}\n");
        for (provider, step) in [
            (&download() as &dyn Provider, get(0, 5)),
            (&upload(), Step::PutWhole { range: range(0, 5) }),
            (&upload(), part(0, 5)),
            (&upload(), Step::ListParts { marker: None }),
            (&upload(), Step::Commit),
            (&upload(), Step::Confirm),
        ] {
            let verdict = judged(provider, &step, status, &error(code, ""));
            table += &format!("    {:<10} {verdict}\n", format!("{:?}", step.kind()));
        }
    }
    insta::assert_snapshot!("codes", table);
}

#[test]
fn r5_without_a_code_the_status_decides() {
    insta::assert_snapshot!("statuses", table_of_statuses(&download(), &upload()));
}

/// The answer to a HEAD has no body; the code is in its head.
#[test]
fn r5_the_code_in_the_head_counts() {
    let probe = |status, code: &str| {
        let line = format!("x-ms-error-code: {code}");
        read(&download(), &cx(), &Step::Probe, status, &[&line, "x-ms-request-id: R1"], "").expect_err("refused")
    };
    let verdict = probe(404, "BlobNotFound");
    let Verdict::Fatal(fault) = &*verdict else { panic!("{verdict:?}") };
    assert_eq!(fault.kind, ServerFaultKind::NotFound);
    assert_eq!((fault.code.as_deref(), fault.request_id.as_deref()), (Some("BlobNotFound"), Some("R1")));
    assert!(matches!(*probe(403, "AuthenticationFailed"), Verdict::Refresh(_)));
    assert!(matches!(*probe(503, "ServerBusy"), Verdict::Retry { .. }));
    // Where there is none, or one that does not tell, a GET is asked.
    assert!(matches!(*probe(403, "AuthorizationFailure"), Verdict::ProbeByRange));
    assert!(matches!(*read(&download(), &cx(), &Step::Probe, 403, &[], "").expect_err("mute"), Verdict::ProbeByRange));
    assert!(matches!(*read(&download(), &cx(), &Step::Probe, 404, &[], "").expect_err("none"), Verdict::Fatal(_)));
}

fn refused(provider: &dyn Provider, status: u16, lines: &[&str], body: &str) -> Verdict {
    *read(provider, &cx(), &part(0, 5), status, lines, body).expect_err("refused")
}

#[test]
fn r3_a_wrong_clock_is_answered_with_the_servers_time() {
    let at = Wall::from_unix(NOW.wall.as_unix() + 1200);
    let late = ["Date: Sat, 21 Nov 2026 00:20:00 GMT"];
    for code in ["AuthenticationFailed", "AuthorizationFailure"] {
        let verdict = refused(&upload(), 403, &late, &error(code, ""));
        assert!(matches!(&verdict, Verdict::Skew { server, .. } if *server == at), "{code}: {verdict:?}");
    }
    // Clocks agree well enough: it is the key.
    let verdict = refused(&upload(), 403, &["Date: Sat, 21 Nov 2026 00:14:00 GMT"], &error("AuthenticationFailed", ""));
    assert!(
        matches!(&verdict, Verdict::Refresh(fault) if fault.detail.contains("check account and key")),
        "{verdict:?}"
    );
    // A clock that is corrected already is not at fault; neither is it with a SAS, which somebody else signed.
    let mut cx = cx();
    cx.skew = 1200;
    let body = error("AuthenticationFailed", "");
    let verdict = read(&upload(), &cx, &part(0, 5), 403, &late, &body).expect_err("refused");
    assert!(matches!(*verdict, Verdict::Refresh(_)), "{verdict:?}");
    assert!(matches!(refused(&by_sas(), 403, &late, &body), Verdict::Refresh(_)));
}

#[test]
fn o7_what_is_wrong_with_a_sas_is_said_and_a_fresh_one_asked_for() {
    let body = |detail: &str| {
        error("AuthenticationFailed", &format!("<AuthenticationErrorDetail>{detail}</AuthenticationErrorDetail>"))
    };
    let frame = body("Signature not valid in the specified time frame: Start [x] - Expiry [y] - Current [z]");
    let (before, after) = ("Date: Sat, 21 Nov 2026 00:59:00 GMT", "Date: Sat, 21 Nov 2026 01:01:00 GMT");
    for (line, body, words) in [
        (after, &frame, "has expired: get a fresh one"),
        (after, &body(""), "has expired: get a fresh one"),
        (before, &frame, "or the policy it names"),
        (before, &body("Signature did not match. String to sign used was s3cr3t"), "copy it whole"),
    ] {
        let verdict = refused(&by_sas(), 403, &[line], body);
        assert!(matches!(&verdict, Verdict::Refresh(fault) if fault.detail.contains(words)), "{words}: {verdict:?}");
        assert!(!format!("{verdict:?}").contains("s3cr3t"), "what was signed is not shown");
    }
    let early = by_sas().with_access(Access::sas(&format!("st=2026-11-21T00:30:00Z&{SAS}")).expect("sound"));
    let verdict = refused(&early, 403, &["Date: Sat, 21 Nov 2026 00:10:00 GMT"], &frame);
    assert!(matches!(&verdict, Verdict::Fatal(fault) if fault.detail.contains("not valid yet")), "{verdict:?}");
    let anonymous = AzureDownload::new(blob("a", Access::Anonymous)).expect("sound");
    let verdict = *read(&anonymous, &cx(), &get(0, 1), 403, &[], &body("")).expect_err("refused");
    assert!(matches!(&verdict, Verdict::Fatal(fault) if fault.detail.contains("not public")), "{verdict:?}");
}

#[test]
fn errors_carry_code_message_and_id() {
    let body = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>AuthorizationPermissionMismatch</Code>\
                <Message>This request is not authorized.\nRequestId:abc\nTime:2026-11-21T00:00:00Z</Message></Error>";
    let verdict = refused(&upload(), 403, &["x-ms-request-id: 5a660560"], body);
    let Verdict::Fatal(fault) = verdict else { panic!("{verdict:?}") };
    assert_eq!(fault.code.as_deref(), Some("AuthorizationPermissionMismatch"));
    assert_eq!((fault.kind, fault.request_id.as_deref()), (ServerFaultKind::Denied, Some("5a660560")));
    assert!(fault.detail.ends_with("the server says: This request is not authorized."), "{fault}");
}

#[test]
fn a_condition_that_does_not_hold_says_so() {
    let upload = upload().with_headers(caller(&["If-None-Match: *"])).expect("sound");
    for (status, code) in [(412, "ConditionNotMet"), (409, "BlobAlreadyExists")] {
        let verdict = read(&upload, &cx(), &Step::Commit, status, &[], &error(code, "")).expect_err("refused");
        let Verdict::Fatal(fault) = &*verdict else { panic!("{verdict:?}") };
        assert!(fault.kind == ServerFaultKind::Conflict && fault.detail.contains("nothing was replaced"), "{fault}");
    }
}

#[test]
fn retry_after_is_passed_on() {
    let verdict = refused(&upload(), 503, &["Retry-After: 7"], &error("ServerBusy", ""));
    let Verdict::Retry { fault, after } = verdict else { panic!("{verdict:?}") };
    assert_eq!(fault.kind, ServerFaultKind::Throttled);
    assert!(after.is_some());
}
