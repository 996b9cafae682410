//! What a download makes of answers that bring no content: refusals, redirects, changes.

use std::time::Duration;

use crate::common::{NOW, cx, everything, fatal, get, part, pinned, read};
use http::Uri;
use longhaul_core::error::{Changed, ServerFaultKind};
use longhaul_core::provider::{Context, Provider as _, Reply, Step, Verdict};
use longhaul_core::retry::RetryAfter;
use longhaul_http::HttpDownload;

fn download() -> HttpDownload {
    HttpDownload::new("https://example.com/a/b.bin?sig=canary").expect("sound")
}

fn answer(step: &Step, status: u16, lines: &[&str]) -> Result<Reply, Box<Verdict>> {
    read(&download(), &cx(), step, status, lines, "")
}

#[track_caller]
fn protocol(step: &Step, status: u16, lines: &[&str], words: &str) {
    let fault = fatal(answer(step, status, lines), ServerFaultKind::Protocol);
    assert!(fault.detail.contains(words), "{fault}");
}

#[test]
fn d5_what_passes_is_retried_and_retry_after_is_told() {
    for (status, kind) in [
        (408, ServerFaultKind::Unavailable),
        (425, ServerFaultKind::Unavailable),
        (429, ServerFaultKind::Throttled),
        (500, ServerFaultKind::Unavailable),
        (502, ServerFaultKind::Unavailable),
        (503, ServerFaultKind::Unavailable),
        (504, ServerFaultKind::Unavailable),
        (520, ServerFaultKind::Unavailable),
    ] {
        for step in [Step::Probe, Step::ProbeRange, get(0, 10), everything()] {
            match answer(&step, status, &["Retry-After: 7", "X-Request-Id: r-1"]).map_err(|verdict| *verdict) {
                Err(Verdict::Retry { fault, after }) => {
                    assert_eq!(
                        (fault.kind, fault.status, fault.request_id.as_deref()),
                        (kind, Some(status), Some("r-1"))
                    );
                    assert_eq!(after, Some(RetryAfter::Delay(Duration::from_secs(7))));
                }
                other => panic!("{status}: {other:?}"),
            }
        }
    }
}

#[test]
fn r5_what_stays_fails_at_once() {
    for (status, kind) in [
        (400, ServerFaultKind::Refused),
        (401, ServerFaultKind::Denied),
        (403, ServerFaultKind::Denied),
        (404, ServerFaultKind::NotFound),
        (407, ServerFaultKind::Denied),
        (409, ServerFaultKind::Conflict),
        (410, ServerFaultKind::NotFound),
        (418, ServerFaultKind::Refused),
        (501, ServerFaultKind::Refused),
        (505, ServerFaultKind::Refused),
    ] {
        let fault = fatal(read(&download(), &cx(), &get(0, 10), status, &[], "no\r\nway"), kind);
        assert!(fault.status == Some(status) && fault.detail.contains("no way"), "{fault}");
    }
}

/// A URL signed until a second before [`NOW`], or for another hour.
fn signed(expired: bool) -> HttpDownload {
    let seconds = if expired { 3599 } else { 7200 };
    let url = format!("https://b.example/k?X-Amz-Date=20261120T230000Z&X-Amz-Expires={seconds}&X-Amz-Signature=canary");
    HttpDownload::new(&url).expect("sound")
}

fn store_error(code: &str, message: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message><Token>canary</Token></Error>"
    )
}

#[test]
fn a_refused_signature_asks_for_a_fresh_url_and_says_when_it_ended() {
    let ended = "the URL's signature expired on 2026-11-20T23:59:59Z: get a fresh URL";
    let unsure = "the URL's signature has expired, or is not good yet: get a fresh URL";
    let refused =
        "the URL's signature is not accepted: take the URL whole, for what it was signed for, or get a fresh one";
    let token = "the credentials that signed the URL have expired: get a fresh URL";
    let expired = store_error("AccessDenied", "Request has expired");
    for (past, status, body, words) in [
        (true, 403, expired.clone(), format!("the server says: Request has expired; {ended}")),
        (true, 403, String::new(), ended.to_owned()),
        (true, 403, "<title>Forbidden</title>".to_owned(), format!("the server says: Forbidden; {ended}")),
        (false, 403, expired, format!("the server says: Request has expired; {unsure}")),
        (
            false,
            403,
            store_error("AuthenticationFailed", "No.\nRequestId:1")
                .replace("<Token>canary", "<Token>Signature not valid in the specified time frame"),
            format!("the server says: No; {unsure}"),
        ),
        (
            false,
            403,
            store_error("SignatureDoesNotMatch", "It does not"),
            format!("the server says: It does not; {refused}"),
        ),
        (false, 400, store_error("ExpiredToken", "The token"), format!("the server says: The token; {token}")),
    ] {
        let verdict = read(&signed(past), &cx(), &get(0, 10), status, &[], &body).map_err(|verdict| *verdict);
        let Err(Verdict::Refresh(fault)) = verdict else { panic!("{words}: {verdict:?}") };
        assert_eq!((fault.kind, fault.detail), (ServerFaultKind::Denied, words));
    }
    // By the server's clock.
    let verdict = read(&signed(true), &cx(), &get(0, 10), 403, &["Date: Fri, 20 Nov 2026 23:00:00 GMT"], "");
    fatal(verdict, ServerFaultKind::Denied);
    // Other refusals, and those of URLs without a signature.
    for (download, status, code) in [
        (signed(false), 403, "AccessDenied"),
        (signed(true), 400, "EntityTooLarge"),
        (download(), 403, "SignatureDoesNotMatch"),
    ] {
        let kind = if status == 403 { ServerFaultKind::Denied } else { ServerFaultKind::Refused };
        let fault = fatal(read(&download, &cx(), &get(0, 10), status, &[], &store_error(code, "No")), kind);
        assert_eq!((fault.code.as_deref(), &*fault.detail), (Some(code), "No"));
    }
    // Why stands in a body: the answer to HEAD has none.
    for status in [400, 401, 403] {
        let verdict = read(&signed(true), &cx(), &Step::Probe, status, &[], "").map_err(|verdict| *verdict);
        assert!(matches!(verdict, Err(Verdict::ProbeByRange)), "{verdict:?}");
    }
}

#[test]
fn refused_credentials_ask_for_fresh_ones_where_there_may_be_some() {
    for status in [401, 403] {
        let refreshable = download().refreshable(true);
        assert!(refreshable.profile().refresh && !download().profile().refresh);
        let verdict = read(&refreshable, &cx(), &get(0, 10), status, &[], "").map_err(|verdict| *verdict);
        assert!(matches!(verdict, Err(Verdict::Refresh(fault)) if fault.kind == ServerFaultKind::Denied));
        // A redirect's target may have been signed for a while only.
        let location = Uri::from_static("https://b.example/c");
        let mut cx = cx();
        cx.location = Some(&location);
        assert!(matches!(
            read(&download(), &cx, &get(0, 10), status, &[], "").map_err(|verdict| *verdict),
            Err(Verdict::Refresh(_))
        ));
    }
}

#[test]
fn d1_412_says_that_the_object_changed() {
    let strong = pinned("\"v1\"");
    let mut pinned_cx = cx();
    pinned_cx.validator = &strong;
    assert_eq!(
        read(&download(), &pinned_cx, &get(10, 20), 412, &[], ""),
        Err(Box::new(Verdict::Changed(Changed::Condition)))
    );
    fatal(answer(&get(10, 20), 412, &[]), ServerFaultKind::Conflict);
}

#[test]
fn redirects_are_told_with_their_absolute_target() {
    let to = |cx: &Context<'_>, location: &str| match read(
        &download(),
        cx,
        &get(0, 1),
        302,
        &[&format!("Location: {location}")],
        "",
    )
    .map_err(|v| *v)
    {
        Err(Verdict::Redirect { location, fault }) => {
            assert_eq!(fault.kind, ServerFaultKind::Redirected);
            assert!(!fault.to_string().contains("secret"), "{fault}");
            location.to_string()
        }
        other => panic!("{location}: {other:?}"),
    };
    for (location, target) in [
        ("https://b.example/c?sig=secret", "https://b.example/c?sig=secret"),
        ("//b.example/c", "https://b.example/c"),
        ("/c", "https://example.com/c"),
        ("c", "https://example.com/a/c"),
        ("../c", "https://example.com/c"),
        ("?x=1", "https://example.com/a/b.bin?x=1"),
        ("/c d/é[1]#frag", "https://example.com/c%20d/%C3%A9%5B1%5D"),
        ("https://user:secret@b.example/c", "https://b.example/c"),
        ("HTTP://B.example:80/c", "http://b.example/c"),
        ("/100%", "https://example.com/100%25"),
    ] {
        assert_eq!(to(&cx(), location), target);
    }
    let here = Uri::from_static("https://b.example:8443/x/y?z=1");
    let mut after = cx();
    after.location = Some(&here);
    assert_eq!(to(&after, "w"), "https://b.example:8443/x/w");
    for status in [301, 303, 307, 308] {
        for step in [Step::Probe, Step::ProbeRange, everything()] {
            assert!(
                matches!(answer(&step, status, &["Location: /c"]).map_err(|v| *v), Err(Verdict::Redirect { .. })),
                "{status}"
            );
        }
    }
}

#[test]
fn redirects_to_nowhere_are_refused() {
    for (location, words) in [
        ("ftp://b.example/c", "scheme ftp"),
        ("file:///etc/passwd", "scheme file"),
        ("javascript:alert(1)", "no scheme"),
        ("https://", "no host"),
        ("https://b.example:99999/", "out of range"),
        ("#frag", "no target"),
        ("https:\\\\evil.example\\x", "//"),
    ] {
        let fault = fatal(answer(&get(0, 1), 302, &[&format!("Location: {location}")]), ServerFaultKind::Redirected);
        assert!(fault.detail.contains(words), "{location}: {fault}");
    }
    protocol(&get(0, 1), 302, &[], "does not say where");
    let elsewhere = store_error("PermanentRedirect", "Ask there").replace("Token>", "Endpoint>");
    let fault = fatal(read(&signed(false), &cx(), &get(0, 1), 301, &[], &elsewhere), ServerFaultKind::Protocol);
    assert_eq!(fault.code.as_deref(), Some("PermanentRedirect"));
    // What is signed with is hidden here, too.
    let words = "the server redirects and does not say where to; the server says: Ask there (Endpoint: [hidden])";
    assert_eq!(fault.detail, words);
    protocol(&get(0, 1), 302, &["Location: /a", "Location: /b"], "several places");
    fatal(answer(&get(0, 1), 300, &["Location: /a"]), ServerFaultKind::Redirected);
}

#[test]
fn steps_of_uploads_are_refused_without_panic() {
    for step in [Step::Begin, Step::Commit, Step::Abort, Step::Confirm, Step::ListParts { marker: None }, part(0, 1)] {
        assert!(download().build(&step, &cx(), NOW).is_err());
        for status in [200, 206, 302, 404, 503] {
            assert!(answer(&step, status, &["Location: /a"]).is_err());
        }
    }
    assert!(download().build(&get(5, 5), &cx(), NOW).is_err());
}
