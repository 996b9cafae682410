//! K1, K2: a canary in every secret, and no trace of it in anything that may be shown.

use crate::common::{BACKEND, NOW, S3, cx, download, get, part, policy, read, recorded, shown, upload};
use longhaul_core::provider::{Provider, Step, Verdict};
use longhaul_presigned::json;

#[track_caller]
fn clean(text: &str) {
    assert!(!text.contains("canary"), "{text}");
}

#[test]
fn k1_providers_plans_and_requests_show_nothing() {
    for text in [S3, BACKEND] {
        let upload = upload(text);
        clean(&format!("{} {}", upload.object(), upload.authority()));
        let plan = upload.plan().expect("there").clone();
        for request in [plan.complete(), plan.confirm(), plan.abort()].into_iter().flatten() {
            clean(&shown(request));
        }
        clean(&format!("{upload:?} {plan:?}").replace("canary-metadata", ""));
        let parts = recorded(&upload, &[&["etag: \"a\""], &["etag: \"b\""]]);
        let mut cx = cx();
        cx.parts = &parts;
        for step in [part(1, 0, 3), part(2, 3, 2), Step::Commit, Step::Confirm, Step::Abort] {
            let Ok(request) = upload.build(&step, &cx, NOW) else { continue };
            clean(&format!("{:?}", request.headers()));
        }
        clean(&format!("{parts:?}"));
    }
    clean(&format!("{:?}", download(&policy())));
}

#[test]
fn k1_what_a_server_echoes_is_hidden() {
    let echo = "sig=canary-one canary-two canary-three canary-four canary-token canary-confirm canary-url canary-payer";
    for text in [S3, BACKEND] {
        let upload = upload(text);
        for step in [part(1, 0, 3), part(2, 3, 2), Step::Commit, Step::Confirm, Step::Abort] {
            // A server knows only the request that it got.
            let Ok(request) = upload.build(&step, &cx(), NOW) else { continue };
            let query = request.uri().query().unwrap_or_default();
            for body in [query, echo] {
                let Err(verdict) = read(&upload, &step, 400, &["x-request-id: 7"], body) else { panic!("refused") };
                if body == query {
                    clean(&format!("{verdict:?}"));
                }
            }
        }
    }
    let download = download(&policy());
    for step in [Step::Probe, get(0, 5)] {
        let Err(Verdict::Fatal(fault)) = read(&download, &step, 400, &[], "X-Amz-Signature=canary-url canary-payer")
        else {
            panic!("refused")
        };
        clean(&fault.to_string());
    }
}

#[test]
fn k1_errors_of_the_reader_repeat_no_value() {
    for text in [
        r#""canary""#,
        r#"{"total_size": "canary"}"#,
        r#"{"total_size": 1, "part_size": 1, "canary": 1}"#,
        r#"{"total_size": 1, "part_size": 1, "tag": "canary"}"#,
        r#"{"total_size": 1, "part_size": 1, "parts": [{"number": 1, "offset": 0, "size": 1, "url": ["canary"]}]}"#,
        r#"{"total_size": 1, "part_size": 1, "parts": "https://h/?canary"}"#,
        r#"{"total_size": 1, "part_size": 1, "complete": {"url": "canary", "body": "canary"}}"#,
        r#"{"total_size": 1 canary"#,
    ] {
        let error = json::upload_draft(text.as_bytes()).expect_err(text);
        clean(&error.to_string());
        assert!(error.line == 1 && !error.problem.is_empty(), "{error}");
    }
}
