//! K1, K2: a canary in every secret, and no trace of it in anything that may be shown.

use crate::common::{NOW, cx, everything, fault, get, parts, read, upload_steps};
use longhaul_core::provider::{Provider, Step, Verdict};
use longhaul_http::Headers;
use longhaul_s3::{AccessKey, Bucket, Object, S3Download, S3Upload};

fn object() -> Object {
    let key = AccessKey::new("AKIDEXAMPLE", "canary-secret").with_session_token("canary-token/+==");
    Object::new(Bucket::amazon("eu-central-1", "my-bucket").expect("sound"), "a", key).expect("sound")
}

fn headers() -> Headers {
    let mut headers = Headers::new();
    for line in [
        "x-amz-server-side-encryption-customer-key: canary-customer-key",
        "x-amz-meta-note: canary-note",
        "Cookie: session=canary-session",
    ] {
        headers.add_line(line).expect(line);
    }
    headers
}

fn providers() -> [Box<dyn Provider>; 2] {
    [
        Box::new(
            S3Download::new(object())
                .and_then(|it| it.with_version("v"))
                .and_then(|it| it.with_headers(headers()))
                .expect("sound"),
        ),
        Box::new(S3Upload::new(object()).with_headers(headers()).expect("sound")),
    ]
}

fn steps() -> Vec<Step> {
    let mut steps = upload_steps();
    steps.extend([Step::Probe, Step::ProbeRange, get(0, 10), everything()]);
    steps
}

#[track_caller]
fn clean(text: &str) {
    assert!(!text.contains("canary"), "{text}");
}

#[test]
fn k1_providers_and_requests_show_nothing() {
    let parts = parts();
    let mut cx = cx();
    (cx.session, cx.parts) = (Some("id"), &parts);
    for provider in providers() {
        clean(&format!("{provider:?} {} {}", provider.object(), provider.authority()));
        for step in steps() {
            match provider.build(&step, &cx, NOW) {
                Ok(request) => {
                    clean(&format!("{:?} {:?} {:?}", request.headers(), request.uri(), request.body()));
                    let secret = request.headers().get("authorization").expect("signed");
                    assert!(secret.is_sensitive());
                }
                Err(error) => clean(&format!("{error} {error:?}")),
            }
        }
    }
}

/// Servers that echo what they were sent, in every status, to every step.
#[test]
fn k1_no_answer_brings_a_secret_into_an_error() {
    let echo = "canary-secret canary-token/+== canary-customer-key, canary-note; session=canary-session";
    for provider in providers() {
        for step in steps() {
            for status in (200..=599).filter(|status| *status < 220 || *status >= 300) {
                let xml = format!(
                    "<Error><Code>AccessDenied</Code><Message>{echo}</Message><Token-0>{echo}</Token-0></Error>"
                );
                for body in [echo, &xml, &format!("<html><title>{echo}</title></html>")] {
                    let lines = ["x-amz-id-2: canary-token/+==", "x-amz-version-id: canary-note"];
                    match read(provider.as_ref(), &cx(), &step, status, &lines, body) {
                        Ok(reply) => clean(&format!("{reply:?}")),
                        Err(verdict) => {
                            clean(&format!("{verdict:?}"));
                            if let Some(fault) = fault(&verdict) {
                                clean(&format!("{fault} {fault:?}"));
                            }
                            assert!(!matches!(*verdict, Verdict::Redirect { .. }), "a signature holds for one host");
                        }
                    }
                }
            }
        }
    }
}
