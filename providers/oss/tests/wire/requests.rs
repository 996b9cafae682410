//! Golden requests: what goes over the wire, reviewed as snapshot files; the signatures are covered by vectors elsewhere.

use crate::common::{CALLER, download, key, object, upload};
use crate::support::{
    NOW, caller, committing, cx, everything, fields_by_step, get, keys, no_keys, part, parts, pinned, range, sent,
    session,
};
use http::{HeaderMap, Method};
use longhaul_core::provider::{Provider, Step};
use longhaul_core::{Algorithm, Digest, Wall};
use longhaul_http::Headers;
use longhaul_oss::{Access, AccessKey, Bucket, Integrity, Object, OssDownload, OssUpload, Style};

#[test]
fn download_requests() {
    let download = download();
    insta::assert_snapshot!("probe", sent(&download, &Step::Probe, &cx()));
    insta::assert_snapshot!("probe_by_range", sent(&download, &Step::ProbeRange, &cx()));
    let strong = pinned("\"ABC-2\"");
    let mut cx = cx();
    cx.validator = &strong;
    insta::assert_snapshot!("range", sent(&download, &get(1024, 2048), &cx));
    insta::assert_snapshot!("everything", sent(&download, &everything(), &cx));
    let version = download.with_version("v/1+ =").expect("sound");
    let payer = Headers::new().with("x-oss-request-payer", "requester").expect("sound");
    insta::assert_snapshot!("range_of_a_version", sent(&version.with_headers(payer).expect("sound"), &get(0, 1), &cx));
}

#[test]
fn upload_requests() {
    let upload = upload();
    insta::assert_snapshot!("put", sent(&upload, &Step::PutWhole { range: range(0, 5) }, &cx()));
    insta::assert_snapshot!("put_of_nothing", sent(&upload, &Step::PutWhole { range: range(0, 0) }, &cx()));
    insta::assert_snapshot!("initiate", sent(&upload, &Step::Begin, &cx()));
    insta::assert_snapshot!("part", sent(&upload, &part(0, 3), &session()));
    insta::assert_snapshot!("list", sent(&upload, &Step::ListParts { marker: None }, &session()));
    insta::assert_snapshot!("list_on", sent(&upload, &Step::ListParts { marker: Some("1000".into()) }, &session()));
    let parts = parts();
    insta::assert_snapshot!("complete", sent(&upload, &Step::Commit, &committing(&parts)));
    insta::assert_snapshot!("confirm", sent(&upload, &Step::Confirm, &committing(&parts)));
    insta::assert_snapshot!("abort", sent(&upload, &Step::Abort, &session()));
}

/// U11: one snapshot for all requests, so that what is missing or too much on one of them is seen beside the others.
#[test]
fn u11_the_callers_fields_are_on_the_requests_they_belong_to() {
    let upload = upload().with_headers(caller(&CALLER)).expect("sound");
    insta::assert_snapshot!("fields", fields_by_step(&upload));
}

#[test]
fn u8_an_upload_that_must_not_replace_says_so_where_oss_looks_for_it() {
    let upload = upload().overwriting(false);
    let parts = parts();
    for step in crate::support::upload_steps() {
        let request = upload.build(&step, &committing(&parts), NOW).expect("a request");
        let told = request.headers().get("x-oss-forbid-overwrite").map(|value| value.as_bytes());
        let makes = matches!(step, Step::PutWhole { .. } | Step::Begin | Step::Commit);
        assert_eq!(told, makes.then_some(&b"true"[..]), "{step:?}");
    }
}

#[test]
fn d13_content_md5_goes_with_the_content_where_it_is_chosen() {
    let md5 = Digest::from_hex(Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72").expect("an MD5");
    let upload = upload().with_integrity(Integrity::ContentMd5);
    let step = Step::PutPart { number: 1, range: range(0, 3), digest: Some(md5) };
    insta::assert_snapshot!("part_with_md5", sent(&upload, &step, &session()));
    let mut cx = cx();
    cx.content_digest = Some(&md5);
    let whole = Step::PutWhole { range: range(0, 3) };
    let request = upload.build(&whole, &cx, NOW).expect("a request");
    assert_eq!(request.headers()["content-md5"], "kAFQmDzST7DWlj99KOF/cg==");
    assert_eq!((upload.profile().part_digest, upload.profile().sent_digest), (Some(Algorithm::Md5), None));
    // Without the digest there is no such request, rather than one that protects nothing.
    assert!(upload.build(&part(0, 3), &session(), NOW).is_err());
}

#[test]
fn anonymous_requests_carry_no_signature() {
    let bucket = Bucket::at("http://127.0.0.1:9000", "cn-hangzhou", "public").expect("sound");
    let object = Object::new(bucket, "a", Access::Anonymous).expect("sound");
    insta::assert_snapshot!("anonymous", sent(&OssDownload::new(object).expect("sound"), &get(0, 1), &cx()));
}

#[test]
fn temporary_credentials_and_a_corrected_clock_are_signed() {
    let upload = upload().with_access(key().with_session_token("to/ken+=="));
    let mut cx = session();
    cx.skew = -1200;
    insta::assert_snapshot!("security_token", sent(&upload, &Step::Begin, &cx));
}

#[test]
fn additional_header_fields_are_signed_where_a_request_has_them() {
    let object = object("a").also_signing(&["Range", "If-Match", "x-absent"]);
    let download = OssDownload::new(object).expect("sound");
    let strong = pinned("\"A\"");
    let mut cx = cx();
    cx.validator = &strong;
    let authorization = |step: &Step| {
        let request = download.build(step, &cx, NOW).expect("a request");
        request.headers()["authorization"].to_str().expect("text").to_string()
    };
    assert!(authorization(&get(0, 5)).contains(",AdditionalHeaders=if-match;range,"), "{}", authorization(&get(0, 5)));
    assert!(!authorization(&Step::Probe).contains("AdditionalHeaders"));
}

/// The bucket stands in the signature whether or not it stands in the URL.
#[test]
fn the_style_changes_the_url_and_not_the_signature() {
    let sign = |style| {
        let bucket = Bucket::at("https://files.example.com", "cn-hangzhou", "my-bucket")
            .and_then(|bucket| bucket.with_style(style))
            .expect("sound");
        let upload = OssUpload::new(Object::new(bucket, "k", key()).expect("sound"));
        let request = upload.build(&Step::Begin, &cx(), NOW).expect("a request");
        (request.uri().to_string(), request.headers()["authorization"].clone())
    };
    let (path, hosted, own) = (sign(Style::Path), sign(Style::Virtual), sign(Style::Custom));
    assert_eq!(path.0, "https://files.example.com/my-bucket/k?uploads");
    assert_eq!(hosted.0, "https://my-bucket.files.example.com/k?uploads");
    assert_eq!(own.0, "https://files.example.com/k?uploads");
    assert!(path.1 == hosted.1 && hosted.1 == own.1);
}

#[test]
fn a_presigned_url_carries_everything_and_shows_nothing() {
    let object = object("a b").with_access(key().with_session_token("to/ken+=="));
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "text/plain".parse().expect("a value"));
    let url = object.presign(&Method::PUT, "partNumber=1&uploadId=U", &headers, 600, NOW).expect("a URL");
    insta::assert_snapshot!("presigned", url.expose().to_string());
    assert!(!format!("{url:?} {url}").contains("ken"), "{url:?}");
    for seconds in [0, 604_801] {
        assert!(object.presign(&Method::GET, "", &headers, seconds, NOW).is_err(), "{seconds}");
    }
    let expiring = key().with_expiry(NOW.wall.as_unix() + 60);
    assert!(object.clone().with_access(expiring).presign(&Method::GET, "", &headers, 61, NOW).is_err());
    assert!(object.with_access(Access::Anonymous).presign(&Method::GET, "", &headers, 60, NOW).is_err());
}

/// A refreshed provider is a new value for the same object.
#[test]
fn fresh_credentials_change_nothing_but_the_signature() {
    let fresh = upload().with_access(AccessKey::new("LTAIOTHER", "other"));
    assert_eq!((fresh.object(), fresh.authority()), (upload().object(), upload().authority()));
    let strip = |text: String| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with("authorization")).map(String::from).collect()
    };
    assert_eq!(strip(sent(&fresh, &Step::Begin, &cx())), strip(sent(&upload(), &Step::Begin, &cx())));
}

/// O4: the path is the key, encoded once, whatever it looks like.
#[test]
fn o4_keys_are_encoded_once_and_never_normalised() {
    for (key, path) in keys() {
        let download = OssDownload::new(object(&key)).expect(&key);
        let uri = download.build(&Step::Probe, &cx(), NOW).expect(&key).uri().to_string();
        assert_eq!(uri, format!("https://my-bucket.oss-cn-hangzhou.aliyuncs.com/{path}"));
    }
    let bucket = || Bucket::aliyun("cn-hangzhou", "my-bucket").expect("sound");
    for key in no_keys() {
        assert!(Object::new(bucket(), &key, Access::Anonymous).is_err(), "{key:?}");
    }
}

#[test]
fn profiles_are_data() {
    let profile = upload().profile();
    assert_eq!((profile.parts.min, profile.parts.max, profile.parts.count), (100 << 10, 5 << 30, 10_000));
    assert_eq!((profile.single, profile.sent_digest), (Some(16 << 20), Some(Algorithm::Crc64Xz)));
    assert_eq!(upload().single_up_to(u64::MAX).profile().single, Some(5 << 30));
    assert!(!profile.refresh && upload().refreshable(true).profile().refresh);
}

#[test]
fn fields_that_are_longhauls_own_are_refused() {
    for line in [
        "Authorization: x",
        "Date: x",
        "x-oss-date: x",
        "x-oss-content-sha256: x",
        "x-oss-security-token: x",
        "x-oss-hash-crc64ecma: 1",
        "x-oss-copy-source: /a/b",
        "x-oss-copy-source-if-match: a",
        "x-oss-complete-all: yes",
        "x-oss-range-behavior: standard",
        "Content-MD5: x",
        "Range: bytes=0-1",
        "If-None-Match: *",
        "If-Match: \"a\"",
    ] {
        assert!(upload().with_headers(caller(&[line])).is_err(), "{line}");
    }
    assert!(download().with_headers(caller(&["If-Match: \"a\""])).is_err(), "ranges are pinned by longhaul");
}

#[test]
fn each_provider_has_its_own_steps() {
    for step in [Step::Probe, get(0, 1)] {
        assert!(upload().build(&step, &session(), NOW).is_err(), "{step:?}");
    }
    for step in [Step::Begin, Step::Commit, part(0, 1)] {
        assert!(download().build(&step, &cx(), NOW).is_err(), "{step:?}");
    }
    assert!(upload().build(&part(0, 1), &cx(), NOW).is_err(), "no session");
}

/// Where another key can be had, one that ends within five seconds is not used; else the store's clock decides, not this one.
#[test]
fn r6_a_key_that_has_ended_is_not_ready_where_another_can_be_had() {
    let end = NOW.wall.as_unix() + 60;
    let up = |refresh| upload().with_access(key().with_expiry(end)).refreshable(refresh);
    let down = |refresh| download().with_access(key().with_expiry(end)).refreshable(refresh);
    for (at, ready) in [(end - 6, true), (end - 5, false)] {
        let wall = Wall::from_unix(at);
        assert_eq!((up(true).is_ready(&Step::Begin, wall), down(true).is_ready(&Step::Probe, wall)), (ready, ready));
        assert!(up(false).is_ready(&Step::Begin, wall) && down(false).is_ready(&Step::Probe, wall));
    }
    assert!(upload().refreshable(true).is_ready(&Step::Begin, Wall::from_unix(i64::MAX)), "no end is known");
}
