//! What the wire suites of the object stores share: answers from a line of text, requests as readable transcripts, secrets that
//! must not show, bodies of all kinds.
//!
//! Included by path from `providers/*/tests/wire`; nothing in it is of one store.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use longhaul_core::error::ServerFault;
use longhaul_core::intent::{Body, Piece};
use longhaul_core::provider::{Context, Head, Provider, Reply, Step, UploadedPart, Validator, Verdict};
use longhaul_core::{ByteRange, Now, Time, Wall};
use longhaul_http::Headers;
use proptest::prelude::*;
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

/// The caller's header fields, from `Name: value` lines.
pub(crate) fn caller(lines: &[&str]) -> Headers {
    let mut headers = Headers::new();
    for line in lines {
        headers.add_line(line).expect(line);
    }
    headers
}

/// The request for a step, as text.
#[track_caller]
pub(crate) fn sent(provider: &dyn Provider, step: &Step, cx: &Context<'_>) -> String {
    transcript(&provider.build(step, cx, NOW).expect("a request"))
}

/// An upload under way.
pub(crate) fn session<'a>() -> Context<'a> {
    let mut cx = cx();
    cx.session = Some("VXBs/b2Fk+ID=");
    cx.total = Some(5);
    cx
}

/// An upload whose parts are all there.
pub(crate) fn committing(parts: &BTreeMap<u64, UploadedPart>) -> Context<'_> {
    let mut cx = session();
    cx.parts = parts;
    cx
}

/// The names of the fields on each request of an upload, so that what is missing or too much on one of them is seen beside the
/// others (U11).
pub(crate) fn fields_by_step(upload: &dyn Provider) -> String {
    let mut text = String::new();
    for step in upload_steps() {
        // Not every store has every step.
        let Ok(request) = upload.build(&step, &session(), NOW) else { continue };
        let mut names: Vec<&str> = request.headers().keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        text += &format!("{:?}\n    {}\n", step.kind(), names.join("\n    "));
    }
    text
}

/// An `<Error>`.
pub(crate) fn error(code: &str, more: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code><Message>Words.</Message>{more}<RequestId>R</RequestId></Error>"
    )
}

/// A verdict in a line of a table.
pub(crate) fn judged(provider: &dyn Provider, step: &Step, status: u16, body: &str) -> String {
    let verdict = match read(provider, &cx(), step, status, &[], body) {
        Ok(reply) => return format!("{reply:?}"),
        Err(verdict) => verdict,
    };
    let name = format!("{verdict:?}");
    let name = name.split([' ', '(']).next().unwrap_or_default();
    match fault(&verdict) {
        Some(fault) => format!("{name} {:?}: {}", fault.kind, fault.detail),
        None => name.into(),
    }
}

/// What each code of a list is taken for, by step.
pub(crate) fn table_of_codes(download: &dyn Provider, upload: &dyn Provider, codes: &[(u16, &str)]) -> String {
    let mut table = String::new();
    for (status, code) in codes {
        table += &format!("{status} {code}\n");
        for (provider, step) in [
            (download, get(0, 5)),
            (upload, Step::Begin),
            (upload, part(0, 5)),
            (upload, Step::Commit),
            (upload, Step::Abort),
        ] {
            let verdict = judged(provider, &step, *status, &error(code, ""));
            table += &format!("    {:<10} {verdict}\n", format!("{:?}", step.kind()));
        }
    }
    table
}

/// What each status is taken for where there is no code, by step.
pub(crate) fn table_of_statuses(download: &dyn Provider, upload: &dyn Provider) -> String {
    let mut table = String::new();
    for status in [301, 400, 401, 403, 404, 405, 408, 409, 411, 412, 429, 500, 501, 502, 503, 504, 507] {
        table += &format!("{status}\n");
        for (provider, step) in [
            (download, Step::Probe),
            (download, get(0, 5)),
            (upload, Step::PutWhole { range: range(0, 5) }),
            (upload, Step::Confirm),
        ] {
            let body =
                if matches!(step, Step::Probe | Step::Confirm) { "" } else { "<html><title>Gateway</title></html>" };
            let verdict = judged(provider, &step, status, body);
            table += &format!("    {:<10} {verdict}\n", format!("{:?}", step.kind()));
        }
    }
    table
}

/// Every step there is.
pub(crate) fn steps() -> Vec<Step> {
    let mut steps = upload_steps();
    steps.extend([Step::Probe, Step::ProbeRange, get(0, 10), everything()]);
    steps
}

/// Fails where a text has a canary in it.
#[track_caller]
pub(crate) fn clean(text: &str) {
    assert!(!text.contains("canary"), "{text}");
}

/// K1, K2: neither the provider nor what it builds shows a canary, and signatures are marked.
pub(crate) fn shows_nothing(provider: &dyn Provider) {
    let parts = parts();
    let cx = committing(&parts);
    clean(&format!("{provider:?} {} {}", provider.object(), provider.authority()));
    for step in steps() {
        match provider.build(&step, &cx, NOW) {
            Ok(request) => {
                clean(&format!("{:?} {:?} {:?}", request.headers(), request.uri(), request.body()));
                assert!(request.headers().get("authorization").expect("signed").is_sensitive());
            }
            Err(error) => clean(&format!("{error} {error:?}")),
        }
    }
}

/// K1: servers that echo what they were sent, in every status, to every step, bring no canary into what may be shown. `lines` are
/// fields of the answers.
pub(crate) fn repeats_nothing(provider: &dyn Provider, echo: &str, lines: &[&str]) {
    let xml = format!("<Error><Code>AccessDenied</Code><Message>{echo}</Message><Token-0>{echo}</Token-0></Error>");
    for step in steps() {
        for status in (200..=599).filter(|status| *status < 220 || *status >= 300) {
            for body in [echo, &xml, &format!("<html><title>{echo}</title></html>")] {
                match read(provider, &cx(), &step, status, lines, body) {
                    Ok(reply) => clean(&format!("{reply:?}")),
                    Err(verdict) => {
                        clean(&format!("{verdict:?}"));
                        if let Some(fault) = fault(&verdict) {
                            clean(&format!("{fault} {fault:?}"));
                        }
                        assert!(!matches!(*verdict, Verdict::Redirect { .. }), "a signature holds for one host");
                    }
                }
            }
        }
    }
}

/// Bytes, XML-like texts, and documents that are nearly right.
pub(crate) fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let element = prop_oneof![
        Just("Error"),
        Just("Code"),
        Just("Message"),
        Just("ListPartsResult"),
        Just("Part"),
        Just("PartNumber"),
        Just("ETag"),
        Just("Size"),
        Just("IsTruncated"),
        Just("NextPartNumberMarker"),
        Just("UploadId"),
        Just("InitiateMultipartUploadResult"),
        Just("CompleteMultipartUploadResult"),
        Just("ChecksumCRC64NVME")
    ];
    let piece =
        (element, any::<u8>(), "[ -~]{0,12}|[0-9]{0,25}|true|NoSuchUpload|SlowDown").prop_map(|(name, shape, text)| {
            match shape % 5 {
                0 => format!("<{name}>"),
                1 => format!("</{name}>"),
                2 => format!("<{name}>{text}</{name}>"),
                3 => format!("<{name}/>"),
                _ => text,
            }
        });
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        proptest::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat().into_bytes()),
    ]
}

/// K4: whatever a server says, there is no panic, no commit by accident, no endless text.
pub(crate) fn commits_nothing_by_accident(
    download: &dyn Provider,
    upload: &dyn Provider,
    status: u16,
    body: &[u8],
    lines: &[&str],
) {
    let parts = parts();
    let cx = committing(&parts);
    let headers = headers(lines);
    let head = Head { status: StatusCode::from_u16(status).expect("a status"), headers: &headers };
    for step in upload_steps() {
        match upload.interpret(&step, &cx, head, body, NOW) {
            Ok(Reply::Committed(_)) if step == Step::Commit => {
                assert_eq!(status, 200);
                let text = String::from_utf8_lossy(body);
                assert!(
                    text.contains("</CompleteMultipartUploadResult>")
                        || text.contains("<CompleteMultipartUploadResult/>")
                );
            }
            Ok(_) => {}
            Err(verdict) => assert!(fault(&verdict).is_none_or(|fault| fault.detail.len() < 2_000)),
        }
    }
    for step in [Step::Probe, Step::ProbeRange, get(0, 5)] {
        let _ = download.interpret(&step, &cx, head, body, NOW);
    }
}

/// O4: keys that tempt to be normalised, and their paths.
pub(crate) fn keys() -> Vec<(String, String)> {
    [
        ("a b", "a%20b"),
        ("a+b", "a%2Bb"),
        ("a%20b", "a%2520b"),
        ("a=b&c?d#e", "a%3Db%26c%3Fd%23e"),
        ("/a", "/a"),
        ("//a//b/", "//a//b/"),
        ("./../.", "./../."),
        ("..", ".."),
        ("日本", "%E6%97%A5%E6%9C%AC"),
    ]
    .map(|(key, path)| (key.to_string(), path.to_string()))
    .into_iter()
    .chain([("é".repeat(512), "%C3%A9".repeat(512))])
    .collect()
}

/// Keys that are none.
pub(crate) fn no_keys() -> [String; 5] {
    ["".into(), "k".repeat(1025), "a\nb".into(), "a\rb".into(), "a\0b".into()]
}
