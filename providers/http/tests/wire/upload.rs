//! The default upload protocol's answers, row by row, and its requests' invariants.

use std::time::Duration;

use crate::common::{NOW, cx, fatal, md5, part, range, read};
use http::Method;
use longhaul_core::error::ServerFaultKind;
use longhaul_core::intent::{Body, Piece};
use longhaul_core::provider::{Begin, Context, Order, Provider, Receipt, Reply, Step, Verdict};
use longhaul_core::retry::RetryAfter;
use longhaul_core::{Algorithm, Digest};
use longhaul_http::{Headers, HttpUpload};
use proptest::prelude::*;

fn upload() -> HttpUpload {
    HttpUpload::new("https://example.com/upload?sig=canary", "report.pdf").expect("sound")
}

fn answer(step: &Step, status: u16, body: &str) -> Result<Reply, Box<Verdict>> {
    read(&upload(), &cx(), step, status, &[], body)
}

/// Where the answer says to go on, and the file's id if the upload is complete.
#[track_caller]
fn next(step: &Step, body: &str) -> (Option<u64>, Option<String>) {
    let id = |receipt: Option<Receipt>| receipt.and_then(|receipt| receipt.id);
    match answer(step, 200, body) {
        Ok(Reply::Begun { session: None, next, receipt }) if *step == Step::Begin => (next, id(receipt)),
        Ok(Reply::Part { next, receipt, .. }) if *step != Step::Begin => (next, id(receipt)),
        other => panic!("{body}: {other:?}"),
    }
}

#[test]
fn the_profile_is_that_of_a_serial_protocol_without_commit() {
    let profile = upload().profile();
    assert_eq!((profile.order, profile.begin), (Order::ServerOffset, Begin::Idempotent));
    assert_eq!((profile.content_digest, profile.part_digest, profile.needs_total), (Some(Algorithm::Md5), None, true));
    assert!(!profile.commit && !profile.confirm && !profile.list && !profile.abort && profile.single.is_none());
}

#[test]
fn one_url_takes_many_files() {
    let other = HttpUpload::new("https://example.com/upload?sig=canary", "other.pdf").expect("sound");
    assert_eq!(upload().object(), "https://example.com/upload [report.pdf]");
    assert_ne!(upload().object(), other.object());
    assert_eq!(upload().authority(), "example.com:443");
}

#[test]
fn row_file_id_completes_the_upload() {
    for step in [Step::Begin, part(0, 10)] {
        assert_eq!(next(&step, r#"{"fileId":"f-1"}"#).1.as_deref(), Some("f-1"));
        assert_eq!(next(&step, r#"{"fileId":"f-1","nextByte":10,"other":[{"x":1}]}"#), (Some(10), Some("f-1".into())));
        assert_eq!(next(&step, r#"{"fileId":null,"nextByte":5}"#), (Some(5), None));
        assert_eq!(next(&step, r#"{"fileId":""}"#).1.as_deref(), Some(""));
        // Not yet an id: the server wants more.
        assert_eq!(next(&step, r#"{"fileId":"","nextByte":5}"#), (Some(5), None));
    }
}

#[test]
fn row_without_next_byte_nothing_or_everything_sent_is_there() {
    for body in ["", " \r\n\t", "{}", r#"{"nextByte":null}"#, r#"{"ok":true}"#] {
        assert_eq!(next(&Step::Begin, body), (Some(0), None), "{body}");
        assert_eq!(next(&part(10, 25), body), (Some(25), None), "{body}");
    }
}

#[test]
fn row_the_servers_offset_is_told_as_it_is() {
    for offset in [0u64, 1, 10, 24, u64::MAX] {
        let body = format!("{{\"nextByte\":{offset}}}");
        // Whether it lies beyond what was sent, or before, is judged by the engine: it knows.
        assert_eq!(next(&Step::Begin, &body).0, Some(offset));
        assert_eq!(next(&part(10, 25), &body).0, Some(offset));
    }
}

#[test]
fn row_an_offset_that_is_none_is_a_protocol_error() {
    for (body, words) in [
        (r#"{"nextByte":-1}"#, "negative"),
        (r#"{"nextByte":1.0}"#, "whole number"),
        (r#"{"nextByte":1e3}"#, "whole number"),
        (r#"{"nextByte":18446744073709551616}"#, "whole number"),
        (r#"{"nextByte":"5"}"#, "JSON"),
        (r#"{"nextByte":true}"#, "JSON"),
        (r#"{"nextByte":1,"nextByte":2}"#, "JSON"),
        (r#"{"fileId":5}"#, "JSON"),
        (r#"{"fileId":"a"} x"#, "JSON"),
        (r#"{"fileId":"a""#, "JSON"),
        ("[\"a\",5]", "JSON object"),
        ("null", "JSON object"),
        ("ok", "JSON object"),
        ("<html></html>", "JSON object"),
    ] {
        for step in [Step::Begin, part(0, 10)] {
            let fault = fatal(answer(&step, 200, body), ServerFaultKind::Protocol);
            assert!(fault.detail.contains(words), "{body}: {fault}");
        }
    }
}

#[test]
fn k4_answers_are_bounded_in_size_and_depth() {
    let limit = upload().profile().answer_limit;
    let long = format!("{}{{\"fileId\":\"a\"}}", " ".repeat(limit));
    // The engine cuts there; white space alone would look like success.
    fatal(answer(&part(0, 10), 200, &long[..limit]), ServerFaultKind::Protocol);
    // Members of no interest are skipped without recursion, however deep.
    let deep = format!(r#"{{"x":{}{},"nextByte":5}}"#, "[".repeat(20_000), "]".repeat(20_000));
    assert_eq!(next(&Step::Begin, &deep).0, Some(5));
    let deep = format!(r#"{{"fileId":{}"#, "{\"a\":".repeat(9_000));
    fatal(answer(&part(0, 10), 200, &deep), ServerFaultKind::Protocol);
}

#[test]
fn every_2xx_is_a_success() {
    for status in [200, 201, 202, 204, 206, 226] {
        assert!(answer(&part(0, 10), status, "").is_ok(), "{status}");
    }
}

#[test]
fn u3_a_redirect_is_never_followed_into_success() {
    for status in [300, 301, 302, 303, 304, 307, 308] {
        for step in [Step::Begin, part(0, 10)] {
            let answer = read(&upload(), &cx(), &step, status, &["Location: https://b.example/up?sig=canary"], "");
            let fault = fatal(answer, ServerFaultKind::Redirected);
            assert!(fault.detail.contains("https://b.example/up") && !fault.to_string().contains("canary"), "{fault}");
        }
    }
    // S3 names the endpoint to ask in the body.
    let body = "<Error><Code>PermanentRedirect</Code><Endpoint>b.s3.example</Endpoint></Error>";
    let fault = fatal(read(&upload(), &cx(), &part(0, 10), 301, &[], body), ServerFaultKind::Redirected);
    assert!(fault.detail.ends_with("; the server says: (Endpoint: b.s3.example)"), "{fault}");
}

#[test]
fn d5_r5_the_statuses_are_those_of_downloads() {
    for status in [408, 425, 429, 500, 502, 503, 504] {
        match read(&upload(), &cx(), &part(0, 10), status, &["Retry-After: 3"], "busy").map_err(|verdict| *verdict) {
            Err(Verdict::Retry { fault, after }) => {
                assert_eq!((fault.status, after), (Some(status), Some(RetryAfter::Delay(Duration::from_secs(3)))));
            }
            other => panic!("{other:?}"),
        }
    }
    for (status, kind) in [
        (400, ServerFaultKind::Refused),
        (401, ServerFaultKind::Denied),
        (403, ServerFaultKind::Denied),
        (404, ServerFaultKind::NotFound),
        (409, ServerFaultKind::Conflict),
        (413, ServerFaultKind::Refused),
        (501, ServerFaultKind::Refused),
    ] {
        fatal(answer(&Step::Begin, status, ""), kind);
    }
    assert!(fatal(answer(&part(0, 10), 413, ""), ServerFaultKind::Refused).detail.contains("smaller parts"));
    let refreshed = read(&upload().refreshable(true), &cx(), &Step::Begin, 403, &[], "");
    assert!(matches!(refreshed.map_err(|verdict| *verdict), Err(Verdict::Refresh(_))));
}

#[test]
fn k3_names_that_could_end_a_field_are_refused() {
    for name in ["", "a\r\nb", "a\nb", "a\0b", "a\u{7f}b", "a\u{85}b"] {
        assert!(HttpUpload::new("https://example.com/", name).is_err(), "{name:?}");
        assert!(name.is_empty() || upload().with_category(name).is_err(), "{name:?}");
    }
    assert!(HttpUpload::new("https://example.com/", &"a".repeat(4097)).is_err());
}

#[test]
fn what_the_protocol_sets_cannot_be_given() {
    for name in ["Content-Type", "Content-Encoding", "Range"] {
        let error = upload().with_headers(Headers::new().with(name, "x").expect("sound")).expect_err(name);
        assert!(error.what.contains(&name.to_ascii_lowercase()), "{error}");
    }
    for method in [Method::GET, Method::DELETE, Method::HEAD, Method::OPTIONS, Method::CONNECT] {
        assert!(upload().with_method(method).is_err());
    }
}

#[test]
fn what_is_missing_is_named() {
    let digest = md5();
    let other = Digest::new(Algorithm::Crc32, &[0; 4]).expect("four bytes");
    let mut cx = cx();
    let error = |cx: &Context<'_>| upload().build(&Step::Begin, cx, NOW).expect_err("missing").to_string();
    assert!(error(&cx).contains("MD5"));
    cx.content_digest = Some(&other);
    assert!(error(&cx).contains("MD5"));
    cx.content_digest = Some(&digest);
    assert!(error(&cx).contains("size"));
    cx.total = Some(1);
    for step in [Step::Probe, Step::Commit, Step::Abort, Step::PutWhole { range: range(0, 1) }] {
        assert!(upload().build(&step, &cx, NOW).is_err());
        assert!(answer(&step, 200, "").is_err());
    }
}

proptest! {
    /// The form is exactly as long as it says, its source range is the part, and its boundary separates only what it should.
    #[test]
    fn forms_are_as_long_as_they_say(start in any::<u64>(), len in 0u64..1 << 40, name in "[^\\pC]{1,40}", category in "[^\\pC]{0,20}") {
        let digest = md5();
        let mut cx = cx();
        (cx.total, cx.content_digest) = (Some(u64::MAX), Some(&digest));
        let upload = HttpUpload::new("https://example.com/", &name).and_then(|upload| upload.with_category(&category)).expect("sound");
        let range = range(start.min(1 << 60), start.min(1 << 60) + len);
        let request = upload.build(&Step::PutPart { number: 1, range, digest: None }, &cx, NOW).expect("a request");
        let length = request.headers()["content-length"].to_str().expect("text").parse::<u64>().expect("number");
        prop_assert_eq!(length, request.body().len());
        let Body::Pieces(pieces) = request.body() else { return Err(TestCaseError::fail("no pieces")) };
        let [Piece::Inline(head), Piece::Source(source), Piece::Inline(tail)] = &pieces[..] else { return Err(TestCaseError::fail("other pieces")) };
        prop_assert_eq!(*source, range);
        prop_assert_eq!(head.len() as u64 + range.len() + tail.len() as u64, length);
        let text = String::from_utf8([&head[..], &tail[..]].concat()).expect("text");
        prop_assert_eq!(text.matches("--longhaul-").count(), 8);
        prop_assert!(text.contains(&name) && text.ends_with("--\r\n"));
    }

    #[test]
    fn answers_never_panic(status in 100u16..600, body in "\\PC{0,80}|[{}\\[\\]\",:0-9a-z.-]{0,60}|\\{\"(fileId|nextByte)\":[-0-9.e\"a-z]{0,25}\\}") {
        for step in [Step::Begin, part(5, 10), Step::Commit] {
            let _ = answer(&step, status, &body);
        }
    }
}
