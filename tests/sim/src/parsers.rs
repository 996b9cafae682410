//! What every reader of untrusted input must hold for any bytes at all. One function per reader; the fuzzer calls them, and the
//! ordinary tests replay the fuzzer's corpus through them.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use longhaul_core::checkpoint::Checkpoint;
use longhaul_core::plan::{HostRule, Hosts, PlainHttp, Policy, UploadPlan};
use longhaul_core::provider::{Context, Head, Step};
use longhaul_core::range::ByteRange;
use longhaul_core::rng::Rng;
use longhaul_core::time::{Now, Time, Wall};
use longhaul_core::{Digest, Provider};
use longhaul_http::url::shown;
use longhaul_http::{HttpDownload, HttpUpload, Url, read};
use longhaul_sign::{json, xml};

/// A property of one reader.
pub type Property = fn(&[u8]);

/// All readers, by the name of their fuzz target and corpus folder.
pub const ALL: [(&str, Property); 9] = [
    ("checkpoint", checkpoint),
    ("content_range", content_range),
    ("download_answer", download_answer),
    ("file_name", file_name),
    ("json", json_document),
    ("plan", plan),
    ("upload_answer", upload_answer),
    ("url", url),
    ("xml", xml_document),
];

/// The property of that name.
#[must_use]
pub fn by_name(name: &str) -> Option<Property> {
    ALL.iter().find(|(known, _)| *known == name).map(|&(_, property)| property)
}

/// A journal: what is read is written back the same, and never claims bytes outside its object.
pub fn checkpoint(bytes: &[u8]) {
    let Ok(checkpoint) = Checkpoint::decode(bytes) else { return };
    let again = Checkpoint::decode(&checkpoint.encode());
    assert_eq!(again.as_ref(), Ok(&checkpoint), "a checkpoint reads back as it was written");
    if let (longhaul_core::Direction::Download, Some(total)) = (checkpoint.direction(), checkpoint.total()) {
        assert!(checkpoint.stored() <= total, "no more is stored than there is");
    }
}

/// `Content-Range`: never reversed, never beyond its own total.
pub fn content_range(bytes: &[u8]) {
    if let Ok(read::ContentRange::Bytes { range, total }) = read::ContentRange::parse(bytes) {
        assert!(!range.is_empty() && total.is_none_or(|total| range.end() <= total), "{range} of {total:?}");
    }
}

/// The answer to a ranged GET: status, then header lines, any bytes. What is accepted lies within what was asked.
pub fn download_answer(bytes: &[u8]) {
    let Some((status, headers)) = answer(bytes) else { return };
    let Ok(provider) = HttpDownload::new("http://host/object?secret=canary") else { return };
    let cx = context();
    let head = Head { status, headers: &headers };
    let asked = ByteRange::at(100, 900);
    for step in [Step::Probe, Step::ProbeRange, Step::GetRange { range: asked }] {
        let reply = provider.interpret(&step, &cx, head, b"", now());
        // What the server itself says is no secret of ours.
        assert!(told(bytes) || !format!("{reply:?}").contains("canary"), "no secret in an answer");
        if let (Step::GetRange { .. }, Ok(longhaul_core::provider::Reply::Range { range, .. })) = (&step, &reply) {
            assert!(range.start() <= asked.start() && range.end() <= asked.end() && !range.is_empty(), "{range}");
        }
    }
}

/// A suggested file name: what comes out is one plain path component.
pub fn file_name(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(name) = read::safe_file_name(&text) {
        let plain = !name.contains(['/', '\\', ':', '\0']) && name != "." && name != ".." && name.len() <= 255;
        assert!(plain && !name.is_empty() && !name.chars().any(char::is_control), "{name:?}");
    }
}

/// A JSON document within bounds.
pub fn json_document(bytes: &[u8]) {
    let _ = json::parse(bytes, &json::Limits::SMALL);
}

/// A presigned plan: what is made a plan covers its object exactly, stays with its policy, reads back as it was, and shows no query
/// and no header; what is refused says why.
pub fn plan(bytes: &[u8]) {
    let hosts = Hosts::These(vec![HostRule::Below("example.com".into()), HostRule::Exact("localhost".into())]);
    let policy = Policy::new(hosts).with_plain_http(PlainHttp::Loopback).with_most_parts(64);
    let draft = match longhaul_presigned::json::upload_draft(bytes) {
        Ok(draft) => draft,
        Err(error) => return assert!(told(bytes) || !error.problem.contains("canary"), "{error}"),
    };
    for policy in [policy.clone(), policy.refreshable(true)] {
        let plan = match UploadPlan::new(&draft, &policy, now().wall) {
            Ok(plan) => plan,
            Err(error) => {
                assert!(!error.problem.is_empty() && !error.remedy.is_empty(), "{error:?}");
                continue;
            }
        };
        assert!(plan.count() <= 64 && !plan.object().contains('?'), "{plan:?}");
        let mut covered = 0;
        for number in 1..=plan.count() {
            let Some(part) = plan.part(number) else { continue };
            let uri = part.request().uri();
            let host = uri.host().unwrap_or_default().to_ascii_lowercase();
            let local = host == "localhost";
            assert!(local || (host.ends_with(".example.com") && uri.scheme_str() == Some("https")), "{host}");
            let shown = format!("{:?}", part.request());
            let authority = shown.split_once("://").and_then(|(_, rest)| rest.split('/').next());
            // A path may have one; no userinfo.
            assert!(!shown.contains('?') && authority.is_some_and(|text| !text.contains('@')), "{shown}");
            covered += 1;
        }
        assert!(policy.is_refreshable() || covered == plan.count(), "nothing is missing where nobody can be asked");
        assert_eq!(plan.refreshed(&plan, false).as_ref(), Ok(&plan), "a plan refreshes itself");
    }
}

/// The answer to a prepare or chunk of the default upload protocol: status, one empty line, body.
pub fn upload_answer(bytes: &[u8]) {
    let Some((&code, body)) = bytes.split_first() else { return };
    let status = StatusCode::from_u16(100 + u16::from(code) * 2).unwrap_or(StatusCode::OK);
    let Ok(provider) = HttpUpload::new("http://host/upload?secret=canary", "name") else { return };
    let headers = HeaderMap::new();
    let head = Head { status, headers: &headers };
    let range = ByteRange::at(100, 900);
    for step in [Step::Begin, Step::PutPart { number: 1, range, digest: None }] {
        let reply = provider.interpret(&step, &context(), head, body, now());
        assert!(reply.is_err() || status.is_success(), "only 2xx is success");
        assert!(told(bytes) || !format!("{reply:?}").contains("canary"), "no secret in an answer");
    }
}

/// Whether the input has the secret in it already.
fn told(bytes: &[u8]) -> bool {
    bytes.windows(6).any(|word| word == b"canary")
}

/// A URL as typed: what is shown of it has neither query nor userinfo.
pub fn url(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Url::parse(&text) {
        Ok(url) => {
            assert!(!url.object().contains(['?', '#', '@']) || !url.object().contains('?'), "{}", url.object());
            assert!(!shown(url.uri()).contains('?'));
            assert!(url.authority().contains(':'), "the authority has its port");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// An XML document within bounds.
pub fn xml_document(bytes: &[u8]) {
    let _ = xml::parse(bytes, &xml::Limits::SMALL);
}

/// A status from the first byte, header lines from the rest.
fn answer(bytes: &[u8]) -> Option<(StatusCode, HeaderMap)> {
    let (&code, rest) = bytes.split_first()?;
    let status = match code {
        0..=63 => StatusCode::PARTIAL_CONTENT,
        64..=127 => StatusCode::OK,
        _ => StatusCode::from_u16(200 + u16::from(code - 128) * 3).ok()?,
    };
    let mut headers = HeaderMap::new();
    for line in rest.split(|&byte| byte == b'\n').take(32) {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
        let (name, value) = line.split_at(colon);
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(&value[1..])) {
            headers.append(name, value);
        }
    }
    Some((status, headers))
}

fn context() -> Context<'static> {
    static DIGEST: std::sync::OnceLock<Option<Digest>> = std::sync::OnceLock::new();
    let digest = DIGEST.get_or_init(|| Digest::new(longhaul_core::Algorithm::Md5, &[0; 16]));
    let mut cx = Context::new(Rng::new(1).uuid());
    cx.total = Some(1000);
    cx.content_digest = digest.as_ref();
    cx
}

fn now() -> Now {
    Now::new(Time::ZERO, Wall::from_unix(1_700_000_000))
}
