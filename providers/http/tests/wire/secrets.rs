//! K1, K2: a canary in every secret, and no trace of it in anything that may be shown.

use crate::common::{NOW, cx, everything, fault, get, md5, part, range, read};
use http::Uri;
use longhaul_core::provider::{Provider, Step, Verdict};
use longhaul_http::{Headers, HttpDownload, HttpPut, HttpUpload};

const URL: &str = "https://canary-user:canary-pass@example.com/a/b.bin?sig=canary%2Fsig&X-Amz-Credential=canary-key";

fn headers() -> Headers {
    let mut headers = Headers::new();
    for line in [
        "Authorization: Bearer canary-token",
        "Cookie: session=canary-session; a=canary-b",
        "X-Api-Key: canary-api",
        "Proxy-Authorization: Basic Y2FuYXJ5LXByb3h5OmNhbmFyeS1wdw==",
    ] {
        headers.add_line(line).expect(line);
    }
    headers
}

fn providers() -> Vec<Box<dyn Provider>> {
    vec![
        Box::new(HttpDownload::new(URL).and_then(|provider| provider.with_headers(headers())).expect("sound")),
        Box::new(HttpDownload::new(URL).expect("sound")),
        Box::new(HttpUpload::new(URL, "b.bin").and_then(|provider| provider.with_headers(headers())).expect("sound")),
        Box::new(HttpPut::new(URL).and_then(|provider| provider.with_headers(headers())).expect("sound")),
    ]
}

fn steps() -> Vec<Step> {
    vec![
        Step::Probe,
        Step::ProbeRange,
        get(0, 10),
        everything(),
        Step::Begin,
        part(0, 10),
        Step::PutWhole { range: range(0, 10) },
        Step::Commit,
    ]
}

#[track_caller]
fn clean(text: &str) {
    assert!(!text.contains("canary") && !text.contains("Y2FuYXJ5"), "{text}");
}

#[test]
fn k1_providers_show_nothing() {
    for provider in providers() {
        clean(&format!("{provider:?} {} {}", provider.object(), provider.authority()));
    }
}

#[test]
fn k1_header_values_of_requests_are_marked_sensitive() {
    let digest = md5();
    let mut cx = cx();
    (cx.total, cx.content_digest) = (Some(10), Some(&digest));
    for provider in providers() {
        for step in steps() {
            match provider.build(&step, &cx, NOW) {
                // The query is part of every request; its owner shows requests by `url::shown`.
                Ok(request) => {
                    clean(&format!("{:?} {:?}", request.headers(), longhaul_http::url::shown(request.uri())))
                }
                Err(error) => clean(&format!("{error} {error:?}")),
            }
        }
    }
}

/// Servers that echo what they were sent, in every status, to every step.
#[test]
fn k1_k2_no_answer_brings_a_secret_into_an_error() {
    let location = Uri::from_static("https://b.example/c?Signature=canary-location");
    let echo = "canary-user:canary-pass sig=canary%2Fsig canary/sig canary-key, Authorization: Bearer canary-token Y2FuYXJ5LXByb3h5OmNhbmFyeS1wdw== \
                canary-proxy canary-pw canary-session canary-b X-Api-Key=canary-api canary-location";
    for with_location in [false, true] {
        let mut cx = cx();
        cx.location = with_location.then_some(&location);
        // A provider without headers has fewer secrets than the echo.
        for (index, provider) in providers().iter().enumerate().filter(|(index, _)| *index != 1) {
            let downloads = index == 0;
            let echo = if with_location && downloads { echo.into() } else { echo.replace("canary-location", "") };
            for step in steps() {
                for status in (200..=599).filter(|status| *status < 232 || *status >= 300) {
                    let page = format!("<html><title>{echo}</title></html>");
                    for body in [&echo, &page, &format!("{{\"nextByte\":-1,\"x\":\"{echo}\"}}")] {
                        let lines = [
                            "Location: https://canary:canary@c.example/d?canary#canary",
                            "WWW-Authenticate: canary",
                            "Content-Range: bytes 0-9/canary",
                        ];
                        let Err(verdict) = read(provider.as_ref(), &cx, &step, status, &lines, body) else {
                            continue;
                        };
                        if let Some(fault) = fault(&verdict) {
                            clean(&format!("{fault} {fault:?}"));
                        }
                        if !matches!(*verdict, Verdict::Redirect { .. }) {
                            clean(&format!("{verdict:?}"));
                        }
                    }
                }
            }
        }
    }
}
