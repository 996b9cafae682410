//! The bounds that a plan is held to, each at its edge, and what a plan tells of itself.

use super::*;

fn sound(draft: &UploadDraft) -> bool {
    UploadPlan::new(draft, &policy(), NOW).is_ok()
}

fn down(url: &str, policy: &Policy) -> bool {
    let draft = DownloadDraft { url: url.into(), ..DownloadDraft::default() };
    DownloadPlan::new(&draft, policy, NOW).is_ok()
}

#[test]
fn a_url_of_the_longest_length_is_taken_and_one_byte_more_is_not() {
    let of = |len: usize| format!("https://bucket.example.com/{}", "x".repeat(len - 27));
    assert!(sound(&url(&of(16 << 10))));
    refused(&url(&of((16 << 10) + 1)), Place::Part(2), "url");
    refused(&url(&of(20_000)), Place::Part(2), "url");
}

#[test]
fn a_port_is_a_number_from_1() {
    for (port, good) in [("1", true), ("65535", true), ("0", false), ("65536", false), ("", false)] {
        assert_eq!(down(&format!("https://a.example.com:{port}/k"), &policy()), good, "{port}");
    }
}

#[test]
fn k3_as_many_header_fields_as_long_as_the_bounds_say() {
    let many = |many: u32| {
        with(|plan| plan.parts[1].headers = (0..many).map(|at| (format!("x-{at}"), String::from("1"))).collect())
    };
    assert!(sound(&many(64)));
    refused(&many(65), Place::Part(2), "headers");
    refused(&many(100), Place::Part(2), "headers");
    assert!(sound(&header("x-a", &"v".repeat(8 << 10))));
    refused(&header("x-a", &"v".repeat((8 << 10) + 1)), Place::Part(2), "headers");
    refused(&header("x-a", &"v".repeat(10_000)), Place::Part(2), "headers");
    assert!(sound(&header("x-a", "one\tand two")), "a tab is no line break");
}

#[test]
fn a_body_of_text_is_at_most_a_mebibyte() {
    let text = |len: usize| {
        with(|plan| {
            let url = String::from("https://a.example.com/abort");
            let body = BodyDraft::Text("t".repeat(len));
            plan.abort = Some(RequestDraft { url, body, ..RequestDraft::default() });
        })
    };
    assert!(sound(&text(1 << 20)));
    refused(&text((1 << 20) + 1), Place::Abort, "body");
    refused(&text(2 << 20), Place::Abort, "body");
}

#[test]
fn ids_and_metadata_are_bounded() {
    let id = |len: usize| with(|plan| plan.upload_id = Some("i".repeat(len)));
    assert!(sound(&id(1024)));
    refused(&id(1025), Place::Plan, "upload_id");
    let words = |many: u32| with(|plan| plan.metadata = (0..many).map(|at| (at.to_string(), String::new())).collect());
    assert!(sound(&words(64)));
    refused(&words(65), Place::Plan, "metadata");
    refused(&words(66), Place::Plan, "metadata");
}

#[test]
fn a_policy_admits_exactly_as_much_as_it_says() {
    let under = |policy: Policy| UploadPlan::new(&draft(), &policy, NOW).map_err(|error| error.field);
    assert!(under(policy().with_most_bytes(25).with_most_parts(3)).is_ok());
    assert_eq!(under(policy().with_most_bytes(24)).err(), Some("total_size"));
    assert_eq!(under(policy().with_most_parts(2)).err(), Some("parts"));
}

#[test]
fn a_margin_is_a_day_at_most() {
    let day = 86_400;
    let margin = |seconds| with(|plan| plan.refresh_margin = Some(seconds));
    let policy = policy().refreshable(true);
    let of = |seconds| UploadPlan::new(&margin(seconds), &policy, NOW).map(|plan| plan.margin());
    assert_eq!((of(0), of(5), of(day)), (Ok(0), Ok(5), Ok(day)));
    assert_eq!(of(day + 1).expect_err("more").field, "refresh_margin");
    let down = |seconds| {
        let (url, refresh_margin) = ("https://a.example.com/".into(), Some(seconds));
        DownloadPlan::new(&DownloadDraft { url, refresh_margin, ..DownloadDraft::default() }, &policy, NOW).is_ok()
    };
    assert!(down(day) && !down(day + 1));
}

#[test]
fn a_rule_for_a_domain_admits_what_is_below_it_and_nothing_that_only_looks_so() {
    let below = |parent: &str| Policy::new(Hosts::These(vec![HostRule::Below(parent.into())]));
    assert!(
        down("https://a.example.com/", &below("example.com"))
            && down("https://A.B.Example.COM/", &below(".Example.com"))
    );
    // Of the same length, with a dot at the right place, or an address that ends as a rule does.
    for (host, parent) in [
        ("a.exemple.com", "example.com"),
        ("a.notexample1", "example.com"),
        ("127.0.0.1", "0.0.1"),
        ("x.", ""),
        ("x", ""),
    ] {
        assert!(!down(&format!("https://{host}/"), &below(parent)), "{host} below {parent:?}");
    }
}

#[test]
fn a_rule_for_a_header_field_admits_that_one() {
    let name = http::HeaderName::from_static("x-a");
    let only = policy().with_headers(vec![HeaderRule::Exact(name)]);
    assert!(UploadPlan::new(&header("X-A", "1"), &only, NOW).is_ok());
    assert!(UploadPlan::new(&header("x-ab", "1"), &only, NOW).is_err());
}

#[test]
fn each_request_has_the_methods_that_make_sense_for_it() {
    let confirm = |method: &str| {
        with(|plan| {
            let url = String::from("https://a.example.com/there");
            plan.confirm = Some(RequestDraft { url, method: Some(method.into()), ..RequestDraft::default() });
        })
    };
    for good in ["GET", "HEAD", "POST"] {
        assert!(sound(&confirm(good)), "{good}");
    }
    for bad in ["PUT", "DELETE", "PATCH", "get"] {
        refused(&confirm(bad), Place::Confirm, "method");
    }
    let complete = |method: &str| {
        with(|plan| {
            if let Some(complete) = &mut plan.complete {
                complete.method = Some(method.into());
            }
        })
    };
    assert!(sound(&complete("PUT")));
    refused(&complete("HEAD"), Place::Complete, "method");
}

#[test]
fn a_plan_tells_what_it_was_given() {
    let draft = with(|plan| {
        plan.parts[1].provider_part_id = Some("b2".into());
        plan.parts[2].expires_at = None;
        plan.metadata.insert("for".into(), "whom".into());
    });
    let plan = UploadPlan::new(&draft, &policy(), NOW).expect("sound");
    let part = |number| plan.part(number).expect("there");
    assert_eq!((part(1).id(), part(2).id()), (None, Some("b2")));
    assert_eq!(part(2).request().expires(), Some(Wall::from_unix(LATER)));
    assert_eq!(part(3).request().expires(), None);
    assert_eq!((plan.upload_id(), plan.margin(), plan.is_refreshable()), (Some("u1"), 60, false));
    assert_eq!(plan.metadata().get("for").map(String::as_str), Some("whom"));
    let nameless = UploadPlan::new(&with(|plan| plan.upload_id = None), &policy().refreshable(true), NOW);
    let nameless = nameless.expect("sound");
    assert_eq!((nameless.upload_id(), nameless.is_refreshable()), (None, true));
    for (batch, told) in [((5, 3), (5, 3)), ((0, 0), (1, 1)), ((1, 1), (1, 1))] {
        let policy = policy().with_batch(batch.0, batch.1);
        let plan = UploadPlan::new(&draft, &policy, NOW).expect("sound");
        assert_eq!((plan.batch(), plan.ahead()), told);
    }
}

#[test]
fn a_download_tells_what_it_was_given() {
    let draft = |total_size| {
        let url = String::from("https://a.example.com/k");
        DownloadDraft { url, total_size, ..DownloadDraft::default() }
    };
    for total in [None, Some(0), Some(7)] {
        for refreshable in [false, true] {
            let plan = DownloadPlan::new(&draft(total), &policy().refreshable(refreshable), NOW).expect("sound");
            assert_eq!((plan.total(), plan.is_refreshable()), (total, refreshable));
        }
    }
}

#[test]
fn the_host_of_the_parts_is_known_with_the_first_part_and_stays() {
    let policy = policy().refreshable(true);
    let new = |draft: &UploadDraft| UploadPlan::new(draft, &policy, NOW).expect("sound");
    let bare = new(&with(|plan| plan.parts.clear()));
    assert_eq!(bare.authority(), "api.example.com:443");
    let full = new(&draft());
    let merged = bare.refreshed(&full, false).expect("the same upload");
    assert_eq!(merged.authority(), "bucket.example.com:443");
    let merged = full.refreshed(&bare, false).expect("the same upload");
    assert_eq!(merged.authority(), "bucket.example.com:443");
    let moved = with(|plan| {
        plan.object = Some("https://bucket.example.com/key".into());
        for part in &mut plan.parts {
            part.url = part.url.replace("bucket", "other");
        }
    });
    assert_eq!(full.refreshed(&new(&moved), false).expect_err("elsewhere").field, "parts");
}
