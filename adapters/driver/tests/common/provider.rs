//! The smallest protocol that has everything: ranged download, and an upload of begin, parts, commit and abort.

use std::sync::Arc;

use http::{HeaderMap, Method, Request, StatusCode};
use longhaul_core::error::{BuildError, Changed, ServerFault, ServerFaultKind};
use longhaul_core::intent::Body;
use longhaul_core::layout::PartLimits;
use longhaul_core::provider::{Begin, Context, Head, Object, Profile, Receipt, Reply, Step, Validator, Verdict};
use longhaul_core::spec::TransferKey;
use longhaul_core::{ByteRange, Direction, Now, Provider, Spec};

/// An object at `http://test/<name>`.
#[derive(Debug)]
pub struct Plain {
    url: String,
}

impl Plain {
    pub fn new(name: &str) -> Self {
        Self { url: format!("http://test/{name}") }
    }

    pub fn download(name: &str) -> Spec {
        Self::spec(Direction::Download, name)
    }

    pub fn upload(name: &str) -> Spec {
        Self::spec(Direction::Upload, name)
    }

    fn spec(direction: Direction, name: &str) -> Spec {
        let key = TransferKey::new(direction, name, "here");
        let mut spec = Spec::new(direction, Arc::new(Self::new(name)), key);
        spec.journal = false;
        spec
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn fault(step: &Step, status: StatusCode) -> Verdict {
    let fault = |kind| ServerFault::new(kind, step.kind(), Some(status.as_u16()), "");
    match status.as_u16() {
        403 => Verdict::Refresh(fault(ServerFaultKind::Denied)),
        404 => Verdict::Fatal(fault(ServerFaultKind::NotFound)),
        429 => Verdict::Retry { fault: fault(ServerFaultKind::Throttled), after: None },
        500.. => Verdict::Retry { fault: fault(ServerFaultKind::Unavailable), after: None },
        _ => Verdict::Fatal(fault(ServerFaultKind::Refused)),
    }
}

fn object(headers: &HeaderMap, total: Option<u64>) -> Object {
    let mut object = Object::default();
    object.total = total;
    object.validator = Validator { etag: text(headers, "etag").map(String::from), modified: None };
    object.ranges = Some(true);
    object
}

impl Provider for Plain {
    fn authority(&self) -> &str {
        "test:80"
    }

    fn object(&self) -> &str {
        &self.url
    }

    fn profile(&self) -> Profile {
        let mut profile = Profile::download();
        profile.parts = PartLimits::new(1, 1 << 30, 10_000, 1 << 40);
        profile.begin = Begin::Creates;
        profile.commit = true;
        profile.abort = true;
        profile.refresh = true;
        profile
    }

    fn build(&self, step: &Step, _: &Context<'_>, _: Now) -> Result<Request<Body>, BuildError> {
        let (method, query, body) = match step {
            Step::Probe => (Method::HEAD, String::new(), Body::Empty),
            Step::Begin => (Method::POST, "?begin".into(), Body::Empty),
            Step::PutPart { number, range, .. } => (Method::PUT, format!("?part={number}"), Body::Source(*range)),
            Step::Commit => (Method::POST, "?commit".into(), Body::Empty),
            Step::Abort => (Method::DELETE, String::new(), Body::Empty),
            _ => (Method::GET, String::new(), Body::Empty),
        };
        let mut request = Request::builder().method(method).uri(format!("{}{query}", self.url));
        if let Step::GetRange { range } = step
            && range.end() != u64::MAX
        {
            request = request.header("range", format!("bytes={}-{}", range.start(), range.end() - 1));
        }
        request.body(body).map_err(|error| BuildError::new(error.to_string(), "mend the name"))
    }

    fn interpret(&self, step: &Step, cx: &Context<'_>, head: Head<'_>, _: &[u8], _: Now) -> Result<Reply, Verdict> {
        let headers = head.headers;
        if !head.status.is_success() {
            return Err(fault(step, head.status));
        }
        let _ = Changed::Ranges;
        Ok(match step {
            Step::Probe => {
                let total = text(headers, "content-length").and_then(|len| len.parse().ok());
                Reply::Object(object(headers, total))
            }
            Step::GetRange { .. } if head.status == StatusCode::PARTIAL_CONTENT => {
                let told = text(headers, "content-range").unwrap_or_default();
                let numbers: Vec<u64> =
                    told.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
                let &[first, last, total] = numbers.as_slice() else { panic!("{told:?}") };
                let range = ByteRange::new(first, last + 1).unwrap();
                Reply::Range { range, object: object(headers, Some(total)) }
            }
            Step::GetRange { .. } => Reply::Whole(object(headers, cx.total)),
            Step::Begin => Reply::Begun { session: Some("s".into()), next: None, receipt: None },
            Step::PutPart { number, .. } => Reply::Part { tag: format!("t{number}"), next: None, receipt: None },
            Step::Commit => Reply::Committed(Receipt::default()),
            Step::Abort => Reply::Aborted,
            other => panic!("{other:?}"),
        })
    }
}
