//! What the suites share: answers from a line of text, requests as readable transcripts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use longhaul_core::error::ServerFault;
use longhaul_core::intent::{Body, Piece};
use longhaul_core::provider::{Context, Head, Provider, Reply, Step, UploadedPart, Validator, Verdict};
use longhaul_core::{Algorithm, ByteRange, Digest, Now, Time, Wall};
use longhaul_http::Headers;
use longhaul_s3::{AccessKey, Bucket, Object, S3Download, S3Upload};
use uuid::Uuid;

/// Sat, 21 Nov 2026 00:00:00 GMT.
pub(crate) const NOW: Now = Now::new(Time::ZERO, Wall::from_unix(1_795_219_200));
pub(crate) const NONCE: Uuid = Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);

pub(crate) fn cx() -> Context<'static> {
    Context::new(NONCE)
}

pub(crate) fn range(start: u64, end: u64) -> ByteRange {
    ByteRange::new(start, end).expect("not reversed")
}

pub(crate) fn get(start: u64, end: u64) -> Step {
    Step::GetRange { range: range(start, end) }
}

pub(crate) fn everything() -> Step {
    get(0, u64::MAX)
}

pub(crate) fn part(start: u64, end: u64) -> Step {
    Step::PutPart { number: 1, range: range(start, end), digest: None }
}

pub(crate) fn pinned(etag: &str) -> Validator {
    Validator { etag: Some(etag.into()), modified: None }
}

/// CRC-64/NVME with this value.
pub(crate) fn crc64(value: u64) -> Digest {
    Digest::new(Algorithm::Crc64Nvme, &value.to_be_bytes()).expect("eight bytes")
}

pub(crate) fn key() -> AccessKey {
    AccessKey::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
}

pub(crate) fn object(name: &str) -> Object {
    let bucket = Bucket::amazon("eu-central-1", "my-bucket").expect("sound");
    Object::new(bucket, name, key()).expect("sound")
}

pub(crate) fn download() -> S3Download {
    S3Download::new(object("a b/c+d.bin")).expect("sound")
}

pub(crate) fn upload() -> S3Upload {
    S3Upload::new(object("a b/c+d.bin"))
}

pub(crate) fn caller() -> Headers {
    let mut headers = Headers::new();
    for line in CALLER {
        headers.add_line(line).expect(line);
    }
    headers
}

pub(crate) const CALLER: [&str; 10] = [
    "Content-Type: text/plain; charset=utf-8",
    "Cache-Control: no-store",
    "Content-Disposition: attachment",
    "x-amz-meta-who: me",
    "x-amz-tagging: a=1&b=2",
    "x-amz-storage-class: STANDARD_IA",
    "x-amz-server-side-encryption-customer-algorithm: AES256",
    "x-amz-request-payer: requester",
    "If-None-Match: *",
    "X-Gateway: 7",
];

/// Two parts of three and two bytes, confirmed.
pub(crate) fn parts() -> BTreeMap<u64, UploadedPart> {
    [
        (1, UploadedPart::new(1, ByteRange::at(0, 3), "900150983cd24fb0d6963f7d28e17f72")),
        (2, UploadedPart::new(2, ByteRange::at(3, 2), "5f02f0889301fd7be1ac972c11bf3e7d")),
    ]
    .into()
}

/// Every step of an upload.
pub(crate) fn upload_steps() -> Vec<Step> {
    vec![
        Step::PutWhole { range: range(0, 5) },
        Step::Begin,
        part(0, 3),
        Step::ListParts { marker: None },
        Step::Commit,
        Step::Confirm,
        Step::Abort,
    ]
}

/// Header fields from `Name: value` lines.
pub(crate) fn headers(lines: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
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
    cx: &Context<'_>,
    step: &Step,
    status: u16,
    lines: &[&str],
    body: &str,
) -> Result<Reply, Box<Verdict>> {
    let headers = headers(lines);
    let head = Head { status: StatusCode::from_u16(status).expect("a status"), headers: &headers };
    provider.interpret(step, cx, head, body.as_bytes(), NOW).map_err(Box::new)
}

/// The fault in a verdict, if it has one.
pub(crate) fn fault(verdict: &Verdict) -> Option<&ServerFault> {
    match verdict {
        Verdict::Retry { fault, .. }
        | Verdict::Redirect { fault, .. }
        | Verdict::Skew { fault, .. }
        | Verdict::Refresh(fault)
        | Verdict::Unknown(fault)
        | Verdict::Fatal(fault) => Some(fault),
        _ => None,
    }
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
            Piece::Inline(bytes) => {
                let shown = String::from_utf8(bytes.to_vec()).expect("text").replace("\r\n", "␍␊\n");
                write!(text, "{shown}").expect("written");
            }
            Piece::Source(range) => writeln!(text, "<source {range}>").expect("written"),
        }
    }
    text
}
