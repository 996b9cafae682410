//! What the suites share: answers from a line of text, requests as readable transcripts.

use std::fmt::Write as _;

use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use longhaul_core::error::{ServerFault, ServerFaultKind};
use longhaul_core::intent::{Body, Piece};
use longhaul_core::provider::{Context, Head, Provider, Reply, Step, Validator, Verdict};
use longhaul_core::{Algorithm, ByteRange, Digest, Now, Time, Wall};
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

/// MD5 of nothing.
pub(crate) fn md5() -> Digest {
    Digest::from_hex(Algorithm::Md5, "d41d8cd98f00b204e9800998ecf8427e").expect("16 bytes")
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

/// The fault of a fatal verdict, which must be of `kind`.
#[track_caller]
pub(crate) fn fatal(answer: Result<Reply, Box<Verdict>>, kind: ServerFaultKind) -> ServerFault {
    match answer.map_err(|verdict| *verdict) {
        Err(Verdict::Fatal(fault)) if fault.kind == kind => fault,
        other => panic!("expected a fatal {kind:?}, got {other:?}"),
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
