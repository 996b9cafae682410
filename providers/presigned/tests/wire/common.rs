//! What the suites share: plans, answers from a line of text, requests as readable transcripts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use longhaul_core::intent::{Body, Piece};
use longhaul_core::plan::{HostRule, Hosts, PlannedRequest, Policy, UploadPlan};
use longhaul_core::provider::{Context, Head, Provider, Reply, Step, UploadedPart, Verdict};
use longhaul_core::{ByteRange, Now, Time, Wall};
use longhaul_presigned::{DownloadPlan, PresignedDownload, PresignedUpload, json};
use uuid::Uuid;

/// Sat, 21 Nov 2026 00:00:00 GMT.
pub(crate) const NOW: Now = Now::new(Time::ZERO, Wall::from_unix(1_795_219_200));
const NONCE: Uuid = Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);

/// A backend that issues S3 URLs, five bytes in two parts.
pub(crate) const S3: &str = r#"{
    "upload_id": "u/1+=", "total_size": 5, "part_size": 3,
    "metadata": {"order": "canary-metadata"},
    "parts": [
        {"number": 1, "offset": 0, "size": 3, "url": "https://b.s3.amazonaws.com/k%20y?partNumber=1&X-Amz-Signature=canary-one", "expires_at": 1795219800},
        {"number": 2, "offset": 3, "size": 2, "url": "https://b.s3.amazonaws.com/k%20y?partNumber=2&X-Amz-Signature=canary-two",
         "headers": {"Host": "b.s3.amazonaws.com", "Content-Length": "2", "x-amz-sdk-checksum": "canary-header"}}
    ],
    "complete": {"url": "https://b.s3.amazonaws.com/k%20y?uploadId=u1&X-Amz-Signature=canary-three", "body": "s3_xml"},
    "abort": {"url": "https://b.s3.amazonaws.com/k%20y?uploadId=u1&X-Amz-Signature=canary-four"}
}"#;

/// A backend that completes by itself, told in JSON, with Azure block URLs.
pub(crate) const BACKEND: &str = r#"{
    "object": "report.bin", "total_size": 5, "part_size": 3, "tag": "none", "refresh_margin": 30,
    "parts": [
        {"number": 1, "offset": 0, "size": 3, "provider_part_id": "QUFB", "headers": {"x-ms-blob-type": "BlockBlob"},
         "url": "https://a.blob.core.windows.net/c/k?comp=block&blockid=QUFB&sig=canary-one"},
        {"number": 2, "offset": 3, "size": 2, "provider_part_id": "QUFC", "headers": {"x-ms-blob-type": "BlockBlob"},
         "url": "https://a.blob.core.windows.net/c/k?comp=block&blockid=QUFC&sig=canary-two"}
    ],
    "complete": {"url": "https://api.example.org/uploads/7/done", "headers": {"Authorization": "Bearer canary-token"}, "body": "parts_json"},
    "confirm": {"method": "HEAD", "url": "https://api.example.org/uploads/7?key=canary-confirm"},
    "abort": {"method": "POST", "url": "https://api.example.org/uploads/7/cancel", "body": {"text": "canary-text"}}
}"#;

pub(crate) fn policy() -> Policy {
    let hosts = ["amazonaws.com", "core.windows.net", "example.org"].map(|name| HostRule::Below(name.into()));
    Policy::new(Hosts::These(hosts.into()))
}

pub(crate) fn plan(text: &str, policy: &Policy) -> UploadPlan {
    UploadPlan::new(&json::upload_draft(text.as_bytes()).expect("a plan"), policy, NOW.wall).expect("sound")
}

pub(crate) fn upload(text: &str) -> PresignedUpload {
    PresignedUpload::new(plan(text, &policy()))
}

pub(crate) fn refreshable(text: &str) -> PresignedUpload {
    PresignedUpload::new(plan(text, &policy().refreshable(true)))
}

pub(crate) fn download(policy: &Policy) -> PresignedDownload {
    let text = br#"{"url": "https://b.s3.amazonaws.com/k?X-Amz-Signature=canary-url", "headers": {"x-amz-request-payer": "canary-payer"},
        "total_size": 5, "expires_at": 1795219800}"#;
    let plan = DownloadPlan::new(&json::download_draft(text).expect("a plan"), policy, NOW.wall).expect("sound");
    PresignedDownload::new(plan).expect("sound")
}

pub(crate) fn cx() -> Context<'static> {
    let mut cx = Context::new(NONCE);
    cx.total = Some(5);
    cx
}

pub(crate) fn part(number: u64, start: u64, len: u64) -> Step {
    Step::PutPart { number, range: ByteRange::at(start, len), digest: None }
}

pub(crate) fn get(start: u64, end: u64) -> Step {
    Step::GetRange { range: ByteRange::new(start, end).expect("not reversed") }
}

/// Both parts as the provider recorded them.
pub(crate) fn recorded(provider: &PresignedUpload, lines: &[&[&str]; 2]) -> BTreeMap<u64, UploadedPart> {
    let mut parts = BTreeMap::new();
    for (number, range, lines) in [(1, ByteRange::at(0, 3), lines[0]), (2, ByteRange::at(3, 2), lines[1])] {
        let step = Step::PutPart { number, range, digest: None };
        let Ok(Reply::Part { tag, .. }) = read(provider, &step, 200, lines, "") else { panic!("part {number}") };
        parts.insert(number, UploadedPart::new(number, range, tag));
    }
    parts
}

pub(crate) fn headers(lines: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").expect("a field");
        headers.append(
            name.parse::<HeaderName>().expect("a name"),
            HeaderValue::from_bytes(value.as_bytes()).expect("a value"),
        );
    }
    headers
}

/// What `provider` makes of an answer.
pub(crate) fn read(
    provider: &dyn Provider,
    step: &Step,
    status: u16,
    lines: &[&str],
    body: &str,
) -> Result<Reply, Verdict> {
    let headers = headers(lines);
    let head = Head { status: StatusCode::from_u16(status).expect("a status"), headers: &headers };
    provider.interpret(step, &cx(), head, body.as_bytes(), NOW)
}

pub(crate) fn shown(request: &PlannedRequest) -> String {
    format!("{request:?}")
}

/// A request as text: method and target, fields sorted, pieces of the body.
pub(crate) fn transcript(request: &Request<Body>) -> String {
    let mut text = format!("{} {}\n", request.method(), request.uri());
    let mut fields: Vec<String> = request
        .headers()
        .iter()
        .map(|(name, value)| {
            let mark = if value.is_sensitive() { " (sensitive)" } else { "" };
            format!("{name}: {}{mark}", value.to_str().expect("text"))
        })
        .collect();
    fields.sort();
    for field in fields {
        writeln!(text, "{field}").expect("written");
    }
    let body = request.body();
    writeln!(text, "\n-- body of {} bytes", body.len()).expect("written");
    for piece in body.clone().into_pieces() {
        match piece {
            Piece::Inline(bytes) => writeln!(text, "{}", String::from_utf8_lossy(&bytes)).expect("written"),
            Piece::Source(range) => writeln!(text, "<source {range}>").expect("written"),
        }
    }
    text
}
