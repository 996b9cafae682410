//! Golden requests: what goes over the wire, reviewed as snapshot files.

use std::sync::Arc;

use crate::common::{BACKEND, NOW, S3, cx, download, get, part, policy, recorded, refreshable, transcript, upload};
use bytes::Bytes;
use http::HeaderValue;
use longhaul_core::error::BuildError;
use longhaul_core::provider::{Context, Provider, Step, Validator};
use longhaul_core::{Now, Wall};
use longhaul_presigned::{BodyBuilder, Said, Uploaded};

#[track_caller]
fn sent(provider: &dyn Provider, step: &Step, cx: &Context<'_>) -> String {
    transcript(&provider.build(step, cx, NOW).expect("a request"))
}

#[test]
fn an_upload_with_s3_urls() {
    let upload = upload(S3);
    let parts = recorded(&upload, &[&["etag: \"e<1>\""], &["etag: \"e2\""]]);
    let mut cx = cx();
    insta::assert_snapshot!("s3_part", sent(&upload, &part(1, 0, 3), &cx));
    insta::assert_snapshot!("s3_part_with_headers", sent(&upload, &part(2, 3, 2), &cx));
    cx.parts = &parts;
    insta::assert_snapshot!("s3_complete", sent(&upload, &Step::Commit, &cx));
    insta::assert_snapshot!("s3_abort", sent(&upload, &Step::Abort, &cx));
}

#[test]
fn an_upload_that_the_backend_completes() {
    let upload = upload(BACKEND);
    let parts = recorded(&upload, &[&[], &[]]);
    let mut cx = cx();
    insta::assert_snapshot!("backend_part", sent(&upload, &part(1, 0, 3), &cx));
    cx.parts = &parts;
    insta::assert_snapshot!("backend_complete", sent(&upload, &Step::Commit, &cx));
    insta::assert_snapshot!("backend_confirm", sent(&upload, &Step::Confirm, &cx));
    insta::assert_snapshot!("backend_abort", sent(&upload, &Step::Abort, &cx));
}

#[test]
fn an_azure_block_list() {
    let upload = upload(&BACKEND.replace("parts_json", "azure_block_list"));
    let parts = recorded(&upload, &[&[], &[]]);
    let mut cx = cx();
    cx.parts = &parts;
    insta::assert_snapshot!("azure_complete", sent(&upload, &Step::Commit, &cx));
}

/// `number=etag` lines.
#[derive(Debug)]
struct Lines;

impl BodyBuilder for Lines {
    fn build(&self, uploaded: &Uploaded<'_>) -> Result<Said, BuildError> {
        let line = |part: &longhaul_presigned::UploadedPart<'_>| {
            format!("{}={}\n", part.part_number, part.etag.unwrap_or_default())
        };
        let text: String = uploaded.parts.iter().map(line).collect();
        Ok(Said { content_type: Some(HeaderValue::from_static("text/plain")), bytes: Bytes::from(text) })
    }
}

#[test]
fn a_body_of_the_applications_own() {
    let upload = upload(S3).with_completion(Arc::new(Lines)).with_abort(Arc::new(Lines));
    let parts = recorded(&upload, &[&["etag: \"e1\""], &["etag: \"e2\""]]);
    let mut cx = cx();
    cx.parts = &parts;
    insta::assert_snapshot!("own_complete", sent(&upload, &Step::Commit, &cx));
    assert!(sent(&upload, &Step::Abort, &cx).ends_with("1=\"e1\"\n2=\"e2\"\n\n"));
    // And it stays with a fresh plan.
    let fresh = upload.with_plan(refreshable(S3).plan().expect("a plan").clone()).expect("taken");
    assert_eq!(sent(fresh.as_ref(), &Step::Commit, &cx), sent(&upload, &Step::Commit, &cx));
}

#[test]
fn u4_parts_of_an_earlier_run_are_in_the_completion_although_the_fresh_plan_does_not_know_them() {
    let parts = recorded(&upload(BACKEND), &[&[], &[]]);
    let first = BACKEND.find(r#"{"number": 1"#).expect("there");
    let second = BACKEND.find(r#"{"number": 2"#).expect("there");
    let partial = format!("{}{}", &BACKEND[..first], &BACKEND[second..]);
    let resumed = refreshable(&partial);
    let mut cx = cx();
    cx.parts = &parts;
    assert_eq!(sent(&resumed, &Step::Commit, &cx), sent(&upload(BACKEND), &Step::Commit, &cx));
}

#[test]
fn u8_less_than_all_parts_is_never_committed() {
    let upload = upload(S3);
    let mut parts = recorded(&upload, &[&["etag: \"e1\""], &["etag: \"e2\""]]);
    parts.remove(&1);
    let mut cx = cx();
    cx.parts = &parts;
    assert!(upload.build(&Step::Commit, &cx, NOW).is_err());
}

#[test]
fn r6_what_has_expired_is_never_built() {
    let upload = refreshable(S3);
    // The margin is 60 s.
    for (ahead, good) in [(0, true), (539, true), (540, false), (600, false), (1_000_000, false)] {
        let wall = Wall::from_unix(NOW.wall.as_unix() + ahead);
        let now = Now::new(NOW.mono, wall);
        let step = part(1, 0, 3);
        assert_eq!(upload.is_ready(&step, wall), good, "{ahead}");
        assert_eq!(upload.build(&step, &cx(), now).is_ok(), good, "{ahead}");
        let mut skewed = cx();
        skewed.skew = ahead;
        assert_eq!(upload.build(&step, &skewed, NOW).is_ok(), good, "{ahead}: by the server's clock");
        assert!(upload.is_ready(&part(2, 3, 2), wall), "this one never expires");
        let down = download(&policy().refreshable(true));
        assert_eq!(down.is_ready(&get(0, 5), wall), good);
        assert_eq!(down.build(&get(0, 5), &cx(), now).is_ok(), good);
    }
}

#[test]
fn parts_that_are_not_the_plans_are_not_sent() {
    let upload = upload(S3);
    for step in [part(1, 0, 2), part(1, 1, 3), part(2, 3, 3), part(3, 5, 1), Step::Begin, Step::Confirm] {
        assert!(upload.build(&step, &cx(), NOW).is_err(), "{step:?}");
    }
    assert!(!upload.is_ready(&part(3, 5, 1), NOW.wall), "there is no URL for it");
}

#[test]
fn a_download() {
    let download = download(&policy());
    let validator = Validator { etag: Some("\"v\"".into()), modified: None };
    let mut cx = cx();
    insta::assert_snapshot!("download_probe", sent(&download, &Step::Probe, &cx));
    cx.validator = &validator;
    insta::assert_snapshot!("download_range", sent(&download, &get(1, 4), &cx));
}
