//! What a plan is held against.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::time::Wall;

mod bounds;

const NOW: Wall = Wall::from_unix(1_800_000_000);
const LATER: i64 = 1_800_000_600;

fn policy() -> Policy {
    Policy::new(Hosts::These(vec![HostRule::Below("example.com".into()), HostRule::Exact("localhost".into())]))
}

fn part(number: u64, offset: u64, size: u64) -> PartDraft {
    PartDraft {
        number,
        offset,
        size,
        url: format!("https://bucket.example.com/key?partNumber={number}&sig=canary"),
        expires_at: Some(LATER),
        ..PartDraft::default()
    }
}

/// 25 bytes in parts of 10.
fn draft() -> UploadDraft {
    UploadDraft {
        upload_id: Some("u1".into()),
        total_size: 25,
        part_size: 10,
        parts: vec![part(1, 0, 10), part(2, 10, 10), part(3, 20, 5)],
        complete: Some(RequestDraft {
            url: "https://api.example.com/done?token=canary".into(),
            body: BodyDraft::PartsJson,
            ..RequestDraft::default()
        }),
        ..UploadDraft::default()
    }
}

fn url(text: &str) -> UploadDraft {
    let mut draft = draft();
    draft.parts[1].url = text.into();
    draft
}

fn header(name: &str, value: &str) -> UploadDraft {
    let mut draft = draft();
    draft.parts[1].headers.insert(name.into(), value.into());
    draft
}

fn with(change: impl FnOnce(&mut UploadDraft)) -> UploadDraft {
    let mut draft = draft();
    change(&mut draft);
    draft
}

#[track_caller]
fn refused(draft: &UploadDraft, place: Place, field: &str) {
    let error = UploadPlan::new(draft, &policy(), NOW).expect_err("refused");
    assert_eq!((error.place, error.field), (place, field), "{error}");
    assert!(!error.remedy.is_empty() && !error.to_string().contains("canary"), "{error}");
}

#[test]
fn a_sound_draft_becomes_a_plan() {
    let plan = UploadPlan::new(&draft(), &policy(), NOW).expect("sound");
    assert_eq!((plan.count(), plan.total(), plan.part_size()), (3, 25, 10));
    assert_eq!(plan.object(), "https://bucket.example.com/key");
    assert_eq!(plan.authority(), "bucket.example.com:443");
    assert_eq!(plan.session(), "u1");
    assert_eq!(plan.part(2).map(|part| part.request().method().as_str()), Some("PUT"));
    assert_eq!(plan.part(4), None);
}

#[test]
fn p2_parts_cover_the_object_exactly() {
    refused(&with(|plan| plan.part_size = 0), Place::Plan, "part_size");
    refused(&with(|plan| drop(plan.parts.remove(1))), Place::Part(2), "url");
    refused(&with(|plan| plan.parts[1].offset = 9), Place::Part(2), "offset");
    refused(&with(|plan| plan.parts[1].size = 11), Place::Part(2), "size");
    refused(&with(|plan| plan.parts[2].size = 10), Place::Part(3), "size");
    refused(&with(|plan| plan.parts[2].number = 2), Place::Part(2), "offset");
    refused(&with(|plan| plan.parts[2] = part(2, 10, 10)), Place::Part(2), "number");
    refused(&with(|plan| plan.parts[2].number = 4), Place::Part(4), "number");
    refused(&with(|plan| plan.parts[0].number = 0), Place::Part(0), "number");
    refused(&with(|plan| plan.parts.push(part(4, 30, 5))), Place::Plan, "parts");
    refused(&with(|plan| plan.total_size = u64::MAX), Place::Plan, "total_size");
    refused(&with(|plan| (plan.total_size, plan.part_size) = (1 << 20, 1)), Place::Plan, "parts");
    refused(&with(|plan| plan.parts.clear()), Place::Part(1), "url");
    let nothing = with(|plan| (plan.parts, plan.total_size, plan.complete) = (Vec::new(), 0, None));
    refused(&nothing, Place::Plan, "parts");
}

#[test]
fn k2_urls_are_absolute_plain_and_of_admitted_hosts() {
    for text in [
        "",
        "/key?sig=canary",
        "bucket.example.com/key",
        "ftp://bucket.example.com/key?canary",
        "http://bucket.example.com/key?canary",
        "http://localhost/key?canary",
        "https://me:canary@bucket.example.com/key",
        "https://bucket.example.com/key#canary",
        "https://bucket.example.com\\@evil.test/canary",
        "https://bucket.example.com/a b",
        "https://bucket.example.com/\r\nX: canary",
        "https://bucket.example.com/ä",
        "https://bucket.example.com:/key",
        "https://bucket.example.com:0/key",
        "https://bucket.example.com:99999/key",
        "https:///key?canary",
        "https://example.com/key?canary",
        "https://evilexample.com/key?canary",
        "https://example.com.evil.test/key?canary",
        "https://.example.com/key?canary",
        "https://127.0.0.1/key?canary",
        "https://[::1]/key?canary",
    ] {
        refused(&url(text), Place::Part(2), "url");
    }
    refused(&url("https://other.example.com/key?canary"), Place::Part(2), "url");
    let same = url("https://BUCKET.example.com:443/key?sig=canary");
    assert!(UploadPlan::new(&same, &policy(), NOW).is_ok(), "one host, written otherwise");
}

#[test]
fn plain_http_goes_where_the_policy_says() {
    let to = |host: &str, plain| {
        let draft = with(|plan| {
            for part in &mut plan.parts {
                part.url = format!("http://{host}/key");
            }
        });
        UploadPlan::new(&draft, &Policy::new(Hosts::Any).with_plain_http(plain), NOW).is_ok()
    };
    for host in ["localhost", "127.0.0.1:9000", "127.1.2.3", "[::1]:9000"] {
        assert!(to(host, PlainHttp::Loopback) && !to(host, PlainHttp::Never), "{host}");
    }
    for host in ["localhost.evil.test", "127.0.0.1.evil.test", "10.0.0.1", "example.com", "[::2]"] {
        assert!(!to(host, PlainHttp::Loopback) && to(host, PlainHttp::Anywhere), "{host}");
    }
}

#[test]
fn k3_headers_that_frame_the_message_or_break_lines_are_refused() {
    for name in ["Connection", "transfer-encoding", "Range", "Expect", "proxy-authorization", "Upgrade", "TE"] {
        refused(&header(name, "canary"), Place::Part(2), "headers");
    }
    for (name, value) in [("x-a", "canary\r\nx-b: 1"), ("x-a", "canary\0"), ("x a", "canary"), ("", "canary")] {
        refused(&header(name, value), Place::Part(2), "headers");
    }
    refused(&header("Host", "evil.test"), Place::Part(2), "headers");
    refused(&header("Content-Length", "11"), Place::Part(2), "headers");
    let twice = with(|plan| {
        plan.parts[1].headers = BTreeMap::from([("X-A".into(), "1".into()), ("x-a".into(), "2".into())]);
    });
    refused(&twice, Place::Part(2), "headers");
    let signed = with(|plan| {
        plan.parts[1].headers = BTreeMap::from([
            ("Host".into(), "bucket.example.com".into()),
            ("Content-Length".into(), "10".into()),
            ("x-amz-meta".into(), "canary".into()),
        ]);
    });
    let plan = UploadPlan::new(&signed, &policy(), NOW).expect("what the signer listed, and it is so");
    let headers = plan.part(2).expect("there").request().headers();
    assert_eq!(headers.len(), 1, "what the transport sets anyway is left out");
    assert!(headers["x-amz-meta"].is_sensitive());
    let picky = policy().with_headers(vec![HeaderRule::Prefix("x-amz-".into())]);
    assert!(UploadPlan::new(&signed, &picky, NOW).is_ok());
    assert!(UploadPlan::new(&header("x-other", "1"), &picky, NOW).is_err());
}

#[test]
fn r6_what_has_expired_is_refused_where_nobody_can_be_asked() {
    for (expires, sound) in [(LATER, true), (NOW.as_unix() + 61, true), (NOW.as_unix() + 60, false), (0, false)] {
        let draft = with(|plan| plan.parts[1].expires_at = Some(expires));
        assert_eq!(UploadPlan::new(&draft, &policy(), NOW).is_ok(), sound, "{expires}");
        let plan = UploadPlan::new(&draft, &policy().refreshable(true), NOW).expect("can be asked for");
        assert_eq!(plan.next_usable(2, NOW), Some(if sound { 2 } else { 3 }));
    }
    refused(&with(|plan| plan.parts[2].expires_at = Some(0)), Place::Part(3), "expires_at");
    refused(&with(|plan| plan.refresh_margin = Some(600)), Place::Part(1), "expires_at");
    let partial = with(|plan| drop(plan.parts.remove(0)));
    let plan = UploadPlan::new(&partial, &policy().refreshable(true), NOW).expect("can be asked for");
    assert_eq!((plan.next_usable(1, NOW), plan.next_usable(3, NOW)), (Some(2), Some(3)));
    assert_eq!(plan.next_usable(1, Wall::from_unix(LATER)), None);
}

#[test]
fn ids_names_and_methods_are_held_to_their_form() {
    refused(&with(|plan| plan.upload_id = Some(String::new())), Place::Plan, "upload_id");
    refused(&with(|plan| plan.upload_id = Some("a\nb".into())), Place::Plan, "upload_id");
    refused(&with(|plan| plan.object = Some("https://h/p?canary".into())), Place::Plan, "object");
    refused(&with(|plan| plan.parts[1].provider_part_id = Some("a b".into())), Place::Part(2), "provider_part_id");
    refused(&with(|plan| plan.parts[1].method = Some("GET".into())), Place::Part(2), "method");
    refused(&with(|plan| plan.tag = TagDraft::Header("a b".into())), Place::Plan, "tag");
    refused(&with(|plan| plan.refresh_margin = Some(u32::MAX)), Place::Plan, "refresh_margin");
    let blocks = with(|plan| {
        if let Some(complete) = &mut plan.complete {
            complete.body = BodyDraft::AzureBlockList;
        }
    });
    refused(&blocks, Place::Part(1), "provider_part_id");
    let far = with(|plan| {
        plan.abort = Some(RequestDraft { url: "https://evil.test/?canary".into(), ..RequestDraft::default() });
    });
    refused(&far, Place::Abort, "url");
}

#[test]
fn a_fresh_plan_brings_urls_and_changes_nothing_else() {
    let policy = policy().refreshable(true);
    let first = UploadPlan::new(&with(|plan| plan.parts.truncate(2)), &policy, NOW).expect("sound");
    let fresh = |change: fn(&mut UploadDraft)| {
        let draft = with(|plan| {
            plan.parts.drain(..2);
            change(plan);
        });
        UploadPlan::new(&draft, &policy, NOW).expect("sound")
    };
    let merged = first.refreshed(&fresh(|_| {}), false).expect("the same upload");
    assert_eq!((merged.next_usable(1, NOW), merged.next_usable(3, NOW)), (Some(1), Some(3)));
    let distrusted = first.refreshed(&fresh(|_| {}), true).expect("the same upload");
    assert_eq!(distrusted.next_usable(1, NOW), Some(3), "URLs that were refused are not used again");
    let error = first.refreshed(&fresh(|plan| plan.upload_id = Some("u2".into())), false).expect_err("another");
    assert_eq!(error.field, "upload_id");
    // A completion alone, without a name: it stays the same upload.
    let last = fresh(|plan| plan.parts.clear());
    assert_eq!(first.refreshed(&last, false).expect("the same upload").object(), first.object());
    assert_eq!(
        first.refreshed(&fresh(|plan| plan.object = Some("it".into())), false).expect_err("other").field,
        "object"
    );
    let other = with(|plan| {
        plan.parts = vec![PartDraft { provider_part_id: Some("b2".into()), ..part(2, 10, 10) }];
    });
    let other = UploadPlan::new(&other, &policy, NOW).expect("sound");
    assert_eq!(first.refreshed(&other, false).expect_err("another id").field, "provider_part_id");
}

/// The answer to a part may come when its URL has been refused since and dropped: without its name no list of parts could have it.
#[test]
fn u4_a_part_keeps_its_name_when_its_url_is_dropped() {
    let policy = policy().refreshable(true);
    let of = |number: u64, id: &str| {
        let draft = with(|plan| {
            let offset = (number - 1) * plan.part_size;
            plan.parts = vec![PartDraft { provider_part_id: Some(id.into()), ..part(number, offset, 10) }];
        });
        UploadPlan::new(&draft, &policy, NOW).expect("sound")
    };
    let mut plan = of(1, "b1").refreshed(&of(2, "b2"), true).expect("the same upload");
    assert_eq!((plan.part(1), plan.part_id(1), plan.part_id(2)), (None, Some("b1"), Some("b2")));
    plan = plan.refreshed(&of(2, "b2"), true).expect("the same upload");
    assert_eq!((plan.part_id(1), plan.part_id(3)), (Some("b1"), None), "however often");
    assert_eq!(plan.refreshed(&of(1, "b9"), false).expect_err("another id").field, "provider_part_id");
    assert_eq!(plan.refreshed(&of(1, "b1"), false).expect("the same upload").part_id(1), Some("b1"));
}

#[test]
fn k1_neither_drafts_nor_plans_show_a_secret() {
    let draft = header("x-secret", "canary");
    let plan = UploadPlan::new(&draft, &policy(), NOW).expect("sound");
    let download = DownloadDraft { url: "https://a.example.com/k?sig=canary".into(), ..DownloadDraft::default() };
    let down = DownloadPlan::new(&download, &policy(), NOW).expect("sound");
    for shown in [format!("{draft:?}"), format!("{plan:?}"), format!("{download:?}"), format!("{down:?}")] {
        assert!(!shown.contains("canary"), "{shown}");
    }
    assert_eq!(down.object(), "https://a.example.com/k");
}

#[test]
fn a_download_is_held_to_the_same_policy() {
    let draft = |url: &str, expires_at| DownloadDraft { url: url.into(), expires_at, ..DownloadDraft::default() };
    let good = "https://a.example.com/k?sig=canary";
    assert!(DownloadPlan::new(&draft(good, Some(0)), &policy(), NOW).is_err());
    let plan = DownloadPlan::new(&draft(good, Some(0)), &policy().refreshable(true), NOW).expect("can be asked for");
    assert!(!plan.is_usable(NOW));
    assert!(DownloadPlan::new(&draft("https://evil.test/k", None), &policy(), NOW).is_err());
    assert!(plan.check_redirect(&"https://b.example.com/".parse().expect("a URL")).is_ok());
    for away in ["https://evil.test/", "http://b.example.com/"] {
        assert!(plan.check_redirect(&away.parse().expect("a URL")).is_err(), "{away}");
    }
}

proptest! {
    /// P1: whatever the sizes, the arithmetic of the plan is that of the layout, and one byte off is noticed.
    #[test]
    fn p1_every_exact_cut_is_accepted_and_no_other(
        total in 0_u64..100_000, size in 200_u64..5_000, at in any::<prop::sample::Index>(), field in 0..3, off in 1_u64..50,
    ) {
        let count = total.div_ceil(size);
        let parts = (0..count).map(|index| part(index + 1, index * size, size.min(total - index * size))).collect();
        let mut draft = with(|plan| (plan.total_size, plan.part_size, plan.parts) = (total, size, parts));
        let plan = UploadPlan::new(&draft, &policy(), NOW).expect("exact");
        prop_assert_eq!(plan.count(), count);
        if count > 0 {
            let at = at.index(draft.parts.len());
            let part = &mut draft.parts[at];
            match field {
                0 => part.number += off,
                1 => part.offset += off,
                _ => part.size += off,
            }
            prop_assert!(UploadPlan::new(&draft, &policy(), NOW).is_err());
        }
    }

    /// Any text at all as a URL: what is accepted is https to an admitted host, and what is refused says why, without its query.
    #[test]
    fn no_url_gets_around_the_policy(text in "(https?://)?[a-z.@:\\[\\]/?#\\\\%]{0,12}(example\\.com)?[a-z.@:/?#\\\\ ]{0,12}") {
        let policy = Policy::new(Hosts::These(vec![HostRule::Exact("example.com".into())]));
        let draft = DownloadDraft { url: text.clone(), ..DownloadDraft::default() };
        if let Ok(plan) = DownloadPlan::new(&draft, &policy, NOW) {
            let authority = plan.request().authority();
            prop_assert_eq!(authority.split(':').next(), Some("example.com"));
            prop_assert_eq!(plan.request().uri().scheme_str(), Some("https"));
            prop_assert!(!plan.object().contains('?'));
        }
    }

    /// A URL within its margin is never usable, whatever the numbers.
    #[test]
    fn r6_no_url_is_usable_within_its_margin(now: i64, expires: Option<i64>, margin in 0_u32..86_400) {
        let draft = DownloadDraft {
            url: "https://a.example.com/".into(), expires_at: expires, refresh_margin: Some(margin), ..DownloadDraft::default()
        };
        let plan = DownloadPlan::new(&draft, &policy().refreshable(true), NOW).expect("sound");
        let usable = plan.is_usable(Wall::from_unix(now));
        let due = i128::from(now) + i128::from(margin);
        prop_assert_eq!(usable, expires.is_none_or(|at| due.min(i128::from(i64::MAX)) < i128::from(at)));
    }
}
