//! Plans as JSON.

use crate::common::{BACKEND, NOW, S3, policy};
use longhaul_core::plan::{BodyDraft, DownloadDraft, PartDraft, RequestDraft, TagDraft, UploadDraft, UploadPlan};
use longhaul_presigned::json;
use proptest::prelude::*;

#[test]
fn errors_name_the_place_and_what_is_wanted() {
    let said = |text: &str| json::upload_draft(text.as_bytes()).expect_err(text).to_string();
    insta::assert_snapshot!(
        "errors",
        [
            said(""),
            said("[]"),
            said("{"),
            said(r#"{"part_size": 1}"#),
            said(r#"{"total_size": -1}"#),
            said(r#"{"total_size": 1.5}"#),
            said(r#"{"total_size": 1, "total_size": 1}"#),
            said(r#"{"total_size": 1, "part_size": 1, "expires": 7}"#),
            said(r#"{"total_size": 1, "part_size": 1, "complete": {"url": "x", "body": "xml"}}"#),
            said(r#"{"total_size": 1, "part_size": 1, "parts": [{"number": 1, "offset": 0, "size": 1}]}"#),
            said(r#"{"total_size": 1, "part_size": 1} x"#),
        ]
        .join("\n")
    );
}

#[test]
fn k4_what_is_too_long_or_too_deep_is_not_read() {
    let long = vec![b' '; json::MOST_BYTES + 1];
    assert!(json::upload_draft(&long).is_err());
    let deep = format!("{{\"metadata\": {}", "{\"a\":".repeat(1000));
    assert!(json::upload_draft(deep.as_bytes()).is_err());
}

#[test]
fn other_names_of_members_are_understood() {
    let text = S3.replace("\"part_size\"", "\"chunk_size\"").replace("\"number\"", "\"part_number\"");
    assert_eq!(json::upload_draft(text.as_bytes()), json::upload_draft(S3.as_bytes()));
}

#[test]
fn a_draft_is_written_as_it_is_read() {
    for text in [S3, BACKEND] {
        let draft = json::upload_draft(text.as_bytes()).expect("a plan");
        let again = serde_json::to_vec(&draft).expect("JSON");
        assert_eq!(json::upload_draft(&again).as_ref(), Ok(&draft));
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{0,12}", "https://[a-z]{1,6}\\.example\\.org/[a-z?=&%#@]{0,9}"]
}

fn request() -> impl Strategy<Value = RequestDraft> {
    let body = prop_oneof![
        Just(BodyDraft::Empty),
        Just(BodyDraft::PartsJson),
        Just(BodyDraft::AzureBlockList),
        text().prop_map(BodyDraft::Text)
    ];
    (proptest::option::of(text()), text(), proptest::collection::btree_map(text(), text(), 0..3), body)
        .prop_map(|(method, url, headers, body)| RequestDraft { method, url, headers, body, expires_at: None })
}

prop_compose! {
    fn draft()(
        total_size in 0_u64..40, part_size in 0_u64..20, complete in proptest::option::of(request()),
        abort in proptest::option::of(request()), tag in prop_oneof![Just(TagDraft::Etag), text().prop_map(TagDraft::Header)],
        parts in proptest::collection::vec(
            (0_u64..5, 0_u64..40, 0_u64..20, text(), proptest::option::of(text()), proptest::option::of(any::<i64>())), 0..4),
    ) -> UploadDraft {
        let parts = parts.into_iter().map(|(number, offset, size, url, id, expires_at)| PartDraft {
            number, offset, size, url, provider_part_id: id, expires_at, ..PartDraft::default()
        }).collect();
        UploadDraft { total_size, part_size, parts, complete, abort, tag, ..UploadDraft::default() }
    }
}

proptest! {
    /// Whatever is in a draft: it survives JSON, and what is made a plan holds.
    #[test]
    fn drafts_survive_json_and_plans_hold(draft in draft(), refresh: bool) {
        let again = json::upload_draft(&serde_json::to_vec(&draft).expect("JSON"));
        prop_assert_eq!(again.as_ref(), Ok(&draft));
        if let Ok(plan) = UploadPlan::new(&draft, &policy().refreshable(refresh), NOW.wall) {
            for part in &draft.parts {
                prop_assert!(plan.part(part.number).is_some() && part.offset + part.size <= plan.total());
                prop_assert!(part.url.starts_with("https://") && !part.url.contains('@') && !part.url.contains('#'));
            }
            prop_assert!(refresh || (1..=plan.count()).all(|number| plan.next_usable(number, NOW.wall) == Some(number)));
        }
    }
}

#[test]
fn a_download_draft_is_read_the_same_way() {
    let draft = json::download_draft(br#"{"url": "https://h/k", "total_size": 7}"#);
    let right = DownloadDraft { url: "https://h/k".into(), total_size: Some(7), ..DownloadDraft::default() };
    assert_eq!(draft, Ok(right));
    assert!(json::download_draft(br#"{"url": "https://h/k", "size": 7}"#).is_err());
}
