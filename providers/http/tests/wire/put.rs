//! A single `PUT`: what counts as stored, and what does not.

use crate::common::{NOW, cx, fatal, range, read};
use longhaul_core::error::ServerFaultKind;
use longhaul_core::provider::{Provider, Reply, Step, Verdict};
use longhaul_http::{Headers, HttpPut};

const WHOLE: fn() -> Step = || Step::PutWhole { range: range(0, 10) };

fn put() -> HttpPut {
    HttpPut::new("https://example.com/dav/b.bin?sig=canary").expect("sound")
}

fn answer(status: u16, lines: &[&str], body: &str) -> Result<Reply, Box<Verdict>> {
    read(&put(), &cx(), &WHOLE(), status, lines, body)
}

#[test]
fn everything_goes_in_one_request_of_any_size() {
    let profile = put().profile();
    assert_eq!((profile.single, profile.content_digest, profile.commit), (Some(u64::MAX), None, false));
    assert_eq!((put().authority(), put().object()), ("example.com:443", "https://example.com/dav/b.bin"));
    assert!(put().build(&Step::Begin, &cx(), NOW).is_err());
}

#[test]
fn only_200_201_and_204_mean_that_it_is_stored() {
    for status in [200, 201, 204] {
        match answer(status, &["ETag: \"v1\""], "") {
            Ok(Reply::Committed(receipt)) => assert_eq!(receipt.etag.as_deref(), Some("\"v1\"")),
            other => panic!("{other:?}"),
        }
        // The tag helps nobody decide: it may be odd.
        assert!(matches!(answer(status, &["ETag: \"a\"", "ETag: \"b\""], ""), Ok(Reply::Committed(_))));
    }
    for status in [202, 203, 205, 206, 207] {
        fatal(answer(status, &[], ""), ServerFaultKind::Protocol);
    }
    for status in [301, 302, 307, 308] {
        fatal(answer(status, &["Location: /other"], ""), ServerFaultKind::Redirected);
    }
}

#[test]
fn a_condition_that_fails_is_a_conflict_and_a_missing_folder_is_named() {
    fatal(answer(412, &[], ""), ServerFaultKind::Conflict);
    let fault = fatal(answer(409, &[], "no such collection"), ServerFaultKind::Refused);
    assert!(fault.detail.contains("parent folder") && fault.detail.contains("no such collection"), "{fault}");
    assert!(matches!(answer(503, &["Retry-After: 1"], "").map_err(|v| *v), Err(Verdict::Retry { after: Some(_), .. })));
    fatal(answer(403, &[], "<Error><Code>AccessDenied</Code></Error>"), ServerFaultKind::Denied);
    let refreshed = read(&put().refreshable(true), &cx(), &WHOLE(), 403, &[], "");
    assert!(matches!(refreshed.map_err(|v| *v), Err(Verdict::Refresh(_))));
    assert!(read(&put(), &cx(), &Step::Begin, 200, &[], "").is_err());
}

#[test]
fn u11_the_callers_fields_are_sent() {
    let headers = Headers::new()
        .with("If-Match", "\"v0\"")
        .and_then(|headers| headers.with("x-amz-acl", "private"))
        .expect("sound");
    let request = put().with_headers(headers).expect("sound").build(&WHOLE(), &cx(), NOW).expect("a request");
    assert_eq!(request.headers()["if-match"], "\"v0\"");
    assert_eq!(request.headers()["x-amz-acl"], "private");
}
