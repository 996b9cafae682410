//! Golden requests: what goes over the wire, byte for byte, reviewed as snapshot files.

use crate::common::{NOW, cx, everything, get, md5, part, pinned, range, transcript};
use http::{Method, Uri};
use longhaul_core::provider::{Context, Provider, Step};
use longhaul_http::{Headers, HttpDownload, HttpPut, HttpUpload};

#[track_caller]
fn sent(provider: &dyn Provider, step: &Step, cx: &Context<'_>) -> String {
    transcript(&provider.build(step, cx, NOW).expect("a request"))
}

fn upload(name: &str) -> HttpUpload {
    HttpUpload::new("https://example.com/upload?dir=a%2Fb", name).expect("sound")
}

fn caller() -> Headers {
    let mut headers = Headers::new();
    for line in [
        "Authorization: Bearer 123",
        "Cookie: a=b",
        "X-Tag: 1",
        "Accept: video/*",
        "Accept-Language: de",
        "User-Agent: me/1",
        "Referer: https://a.example/",
    ] {
        headers.add_line(line).expect(line);
    }
    headers
}

#[test]
fn a4_upload_prepare() {
    let digest = md5();
    let mut cx = cx();
    (cx.total, cx.content_digest) = (Some(1_000_000), Some(&digest));
    insta::assert_snapshot!("upload_prepare", sent(&upload("report.pdf"), &Step::Begin, &cx));
}

#[test]
fn a4_upload_chunk() {
    let digest = md5();
    let mut cx = cx();
    (cx.total, cx.content_digest) = (Some(1_000_000), Some(&digest));
    let upload =
        upload("report.pdf").with_category("reports").and_then(|upload| upload.with_headers(caller())).expect("sound");
    insta::assert_snapshot!("upload_chunk", sent(&upload, &part(524_288, 1_000_000), &cx));
}

#[test]
fn p4_upload_of_nothing() {
    let digest = md5();
    let mut cx = cx();
    (cx.total, cx.content_digest) = (Some(0), Some(&digest));
    insta::assert_snapshot!("upload_zero_bytes", sent(&upload("empty"), &Step::Begin, &cx));
}

#[test]
fn upload_with_a_unicode_name_and_another_method() {
    let digest = md5();
    let mut cx = cx();
    (cx.total, cx.content_digest) = (Some(5), Some(&digest));
    let upload = upload("名 前 \"+%.bin")
        .with_method(Method::PUT)
        .and_then(|upload| upload.with_category("Verträge"))
        .expect("sound");
    insta::assert_snapshot!("upload_unicode", sent(&upload, &part(0, 5), &cx));
}

#[test]
fn download_probes() {
    let download = HttpDownload::new("http://example.com:8080/a/b.bin?sig=1").expect("sound");
    insta::assert_snapshot!("download_probe", sent(&download, &Step::Probe, &cx()));
    insta::assert_snapshot!("download_probe_by_range", sent(&download, &Step::ProbeRange, &cx()));
}

#[test]
fn download_ranges() {
    let download = HttpDownload::new("https://user:p%40ss@example.com/a/b.bin").expect("sound");
    insta::assert_snapshot!("download_range", sent(&download, &get(1024, 2048), &cx()));
    let strong = pinned("\"v1\"");
    let mut cx = cx();
    cx.validator = &strong;
    insta::assert_snapshot!("download_range_conditional", sent(&download, &get(1024, 2048), &cx));
    insta::assert_snapshot!("download_range_to_the_end", sent(&download, &get(1024, u64::MAX), &cx));
    insta::assert_snapshot!("download_everything", sent(&download, &everything(), &cx));
}

#[test]
fn download_with_the_callers_fields() {
    let download = HttpDownload::new("https://user:pw@a.example/b.bin")
        .and_then(|download| download.with_headers(caller()))
        .expect("sound");
    insta::assert_snapshot!("download_own_fields", sent(&download, &get(0, 1), &cx()));
}

#[test]
fn u3_after_a_redirect_credentials_stay_with_their_origin() {
    let download = HttpDownload::new("https://user:pw@a.example/b.bin")
        .and_then(|download| download.with_headers(caller()))
        .expect("sound");
    let strong = pinned("\"v1\"");
    let mut cx = cx();
    cx.validator = &strong;
    let same = Uri::from_static("https://A.example:443/c.bin");
    cx.location = Some(&same);
    insta::assert_snapshot!("redirect_same_origin", sent(&download, &get(0, 1), &cx));
    let other = Uri::from_static("https://b.example/c.bin?sig=1");
    cx.location = Some(&other);
    insta::assert_snapshot!("redirect_other_origin", sent(&download, &get(0, 1), &cx));
    // Another scheme, port or host is another origin.
    for other in ["http://a.example/c", "https://a.example:8443/c", "https://x.a.example/c"] {
        let other = Uri::from_static(other);
        let mut cx = crate::common::cx();
        cx.location = Some(&other);
        let text = sent(&download, &get(0, 1), &cx);
        for name in ["authorization", "cookie", "x-tag", "referer"] {
            assert!(!text.contains(name), "{text}");
        }
    }
}

#[test]
fn a_single_put() {
    let put = HttpPut::new("https://example.com/dav/b.bin?sig=1").expect("sound");
    let whole = Step::PutWhole { range: range(0, 1000) };
    insta::assert_snapshot!("put", sent(&put, &whole, &cx()));
    let headers = Headers::new()
        .with("Content-Type", "text/plain")
        .and_then(|headers| headers.with("x-amz-meta-a", "b"))
        .expect("sound");
    let put = put.with_headers(headers).expect("sound").create_only(true);
    insta::assert_snapshot!("put_create_only_of_nothing", sent(&put, &Step::PutWhole { range: range(0, 0) }, &cx()));
}

#[test]
fn only_ranges_are_pinned_and_only_by_quoted_strong_tags() {
    let download = HttpDownload::new("https://example.com/a").expect("sound");
    for (tag, step, sends) in [
        ("\"v1\"", get(0, 5), true),
        ("\"v1\"", Step::Probe, false),
        ("\"v1\"", Step::ProbeRange, false),
        ("\"v1\"", everything(), false),
        ("0x8DB", get(0, 5), false),
        ("W/\"v1\"", get(0, 5), false),
        ("\"a\"\r\nX: y", get(0, 5), false),
    ] {
        let validator = pinned(tag);
        let mut cx = cx();
        cx.validator = &validator;
        let request = download.build(&step, &cx, NOW).expect("a request");
        assert_eq!(request.headers().contains_key("if-match"), sends, "{tag} {step:?}");
    }
}

#[test]
fn attempts_are_alike() {
    let digest = md5();
    let mut cx = cx();
    (cx.total, cx.content_digest) = (Some(5), Some(&digest));
    let upload = upload("a");
    assert_eq!(sent(&upload, &part(0, 5), &cx), sent(&upload, &part(0, 5), &cx));
}
