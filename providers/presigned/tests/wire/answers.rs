//! What the provider makes of answers.

use crate::common::{BACKEND, S3, download, get, part, policy, read, refreshable, upload};
use longhaul_core::error::ServerFaultKind;
use longhaul_core::provider::{Provider, Reply, Step, Verdict};

fn tag(reply: Result<Reply, Verdict>) -> Option<String> {
    match reply {
        Ok(Reply::Part { tag, next: None, receipt: None }) => Some(tag),
        _ => None,
    }
}

#[test]
fn a_part_is_named_by_the_field_that_the_plan_names() {
    let step = part(1, 0, 3);
    for status in [200, 201, 204] {
        assert_eq!(tag(read(&upload(S3), &step, status, &["etag: \"e1\""], "")).as_deref(), Some(" \"e1\""));
    }
    assert_eq!(tag(read(&upload(BACKEND), &step, 201, &[], "")).as_deref(), Some("QUFB "));
    let named = upload(&S3.replace("\"total_size\"", "\"tag\": {\"header\": \"X-Part-Tag\"}, \"total_size\""));
    assert_eq!(tag(read(&named, &step, 200, &["x-part-tag: t1", "etag: \"e\""], "")).as_deref(), Some(" t1"));
    for lines in [&[][..], &["etag: "], &["etag: \"a\"", "etag: \"b\""]] {
        let verdict = read(&upload(S3), &step, 200, lines, "");
        assert!(matches!(verdict, Err(Verdict::Fatal(fault)) if fault.kind == ServerFaultKind::Protocol), "{lines:?}");
    }
    let long = format!("etag: \"{}\"", "x".repeat(2000));
    assert!(read(&upload(S3), &step, 200, &[&long], "").is_err());
    assert!(matches!(read(&upload(S3), &step, 202, &["etag: \"e\""], ""), Err(Verdict::Fatal(_))));
}

#[test]
fn r5_each_refusal_has_its_verdict() {
    let (plain, asks) = (upload(S3), refreshable(S3));
    // Also of a part that is not in the plan any more: it went out before a fresh one came.
    for step in [part(1, 0, 3), part(9, 24, 27), Step::Commit, Step::Abort] {
        for status in [401, 403] {
            assert!(matches!(read(&asks, &step, status, &[], ""), Err(Verdict::Refresh(_))), "{status}");
            assert!(matches!(read(&plain, &step, status, &[], ""), Err(Verdict::Fatal(_))), "{status}");
        }
        for status in [408, 425, 429, 500, 502, 503, 504] {
            assert!(matches!(read(&plain, &step, status, &[], ""), Err(Verdict::Retry { .. })), "{status}");
        }
        for status in [400, 404, 405, 409, 411, 412, 413, 501] {
            assert!(matches!(read(&plain, &step, status, &[], ""), Err(Verdict::Fatal(_))), "{status}");
        }
        let moved = read(&plain, &step, 307, &["location: https://evil.test/k?canary"], "");
        let Err(Verdict::Fatal(fault)) = moved else { panic!("a redirect of an upload is not followed") };
        assert_eq!(fault.kind, ServerFaultKind::Redirected);
        let slow = "<Error><Code>RequestTimeout</Code></Error>";
        assert!(matches!(read(&plain, &step, 400, &[], slow), Err(Verdict::Retry { .. })));
    }
}

#[test]
fn u6_a_completion_by_s3_is_what_its_document_says() {
    let upload = upload(S3);
    let done = "<CompleteMultipartUploadResult><ETag>\"abc-2\"</ETag></CompleteMultipartUploadResult>";
    let Ok(Reply::Committed(receipt)) = read(&upload, &Step::Commit, 200, &[], done) else { panic!("committed") };
    assert_eq!(receipt.etag.as_deref(), Some("\"abc-2\""));
    for cut in 0..done.len() {
        let verdict = read(&upload, &Step::Commit, 200, &[], &done[..cut]);
        assert!(matches!(verdict, Err(Verdict::Unknown(_))), "cut at {cut}: {verdict:?}");
    }
    for white in ["", "  \n", "<html></html>"] {
        assert!(matches!(read(&upload, &Step::Commit, 200, &[], white), Err(Verdict::Unknown(_))), "{white:?}");
    }
    let error = |code: &str| read(&upload, &Step::Commit, 200, &[], &format!("<Error><Code>{code}</Code></Error>"));
    assert!(matches!(error("InternalError"), Err(Verdict::Retry { .. })));
    assert!(matches!(error("NoSuchUpload"), Err(Verdict::Fatal(fault)) if fault.kind == ServerFaultKind::NotFound));
    assert!(matches!(error("InvalidPart"), Err(Verdict::Fatal(fault)) if fault.code.as_deref() == Some("InvalidPart")));
}

#[test]
fn a_backend_says_done_by_its_status() {
    let upload = upload(BACKEND);
    for status in [200, 201, 204] {
        assert!(matches!(read(&upload, &Step::Commit, status, &[], "anything"), Ok(Reply::Committed(_))), "{status}");
        assert!(matches!(read(&upload, &Step::Confirm, status, &[], ""), Ok(Reply::Committed(_))), "{status}");
        assert!(matches!(read(&upload, &Step::Abort, status, &[], ""), Ok(Reply::Aborted)), "{status}");
    }
    assert!(matches!(read(&upload, &Step::Commit, 202, &[], ""), Err(Verdict::Unknown(_))));
    assert!(matches!(read(&upload, &Step::Confirm, 404, &[], ""), Ok(Reply::NotCommitted)));
    let gone = read(&upload, &Step::Abort, 404, &[], "");
    assert!(matches!(gone, Err(Verdict::Fatal(fault)) if fault.kind == ServerFaultKind::NotFound));
}

#[test]
fn the_profile_is_the_plans() {
    let (s3, backend) = (upload(S3).profile(), upload(BACKEND).profile());
    assert_eq!((s3.parts.min, s3.parts.max), (3, 3));
    assert!(s3.commit && s3.abort && !s3.confirm && !s3.refresh);
    assert!(backend.commit && backend.abort && backend.confirm);
    assert!(refreshable(S3).profile().refresh);
    assert_eq!((upload(S3).object(), upload(BACKEND).object()), ("https://b.s3.amazonaws.com/k%20y", "report.bin"));
    assert_eq!(upload(BACKEND).authority(), "a.blob.core.windows.net:443");
}

#[test]
fn a_download_is_read_as_any_other_and_redirected_only_where_the_policy_admits() {
    let download = download(&policy().refreshable(true));
    let lines = ["content-range: bytes 1-3/5", "etag: \"v\"", "content-length: 3"];
    let reply = read(&download, &get(1, 4), 206, &lines, "");
    assert!(matches!(reply, Ok(Reply::Range { range, .. }) if (range.start(), range.end()) == (1, 4)), "{reply:?}");
    let probe = read(&download, &Step::Probe, 206, &["content-range: bytes 0-0/5", "etag: \"v\""], "");
    assert!(matches!(probe, Ok(Reply::Object(object)) if object.total == Some(5)));
    assert!(matches!(read(&download, &Step::Probe, 403, &[], ""), Err(Verdict::Refresh(_))));
    let to = |location: &str| read(&download, &get(1, 4), 307, &[&format!("location: {location}")], "");
    assert!(matches!(to("https://c.s3.amazonaws.com/k?s"), Err(Verdict::Redirect { .. })));
    for away in ["https://evil.test/k", "http://c.s3.amazonaws.com/k", "https://127.0.0.1/k"] {
        assert!(matches!(to(away), Err(Verdict::Fatal(_))), "{away}");
    }
}
