//! A provider for the model [`store`](crate::server::store): every step a multipart store can have, in as few words as possible.

use bytes::Bytes;
use http::header::ETAG;
use http::{Method, Request};
use longhaul_core::error::{BuildError, ServerFault, ServerFaultKind};
use longhaul_core::intent::Body;
use longhaul_core::layout::PartLimits;
use longhaul_core::provider::{
    Begin, Context, Head, Order, Profile, Provider, Receipt, Reply, Step, UploadedPart, Verdict,
};
use longhaul_core::{ByteRange, Now};

/// An upload of one key to a model store.
#[derive(Clone, Debug)]
pub struct StoreProvider {
    host: String,
    url: String,
    /// Limits and abilities; change them to model other stores.
    pub profile: Profile,
}

impl StoreProvider {
    /// An upload to `http://host/key`.
    #[must_use]
    pub fn new(host: &str, key: &str) -> Self {
        let mut profile = Profile::download();
        profile.parts = PartLimits::new(1 << 10, 64 << 10, 1_000, 1 << 40);
        profile.order = Order::Parallel;
        profile.begin = Begin::Creates;
        profile.commit = true;
        profile.confirm = true;
        profile.list = true;
        profile.abort = true;
        profile.needs_total = true;
        profile.single = Some(0);
        Self { host: host.into(), url: format!("http://{host}/{key}"), profile }
    }
}

impl Provider for StoreProvider {
    fn authority(&self) -> &str {
        &self.host
    }

    fn object(&self) -> &str {
        &self.url
    }

    fn profile(&self) -> Profile {
        self.profile
    }

    fn build(&self, step: &Step, cx: &Context<'_>, _: Now) -> Result<Request<Body>, BuildError> {
        let session = cx.session.unwrap_or("none");
        let url = &self.url;
        let (method, url, body) = match step {
            Step::Begin => (Method::POST, format!("{url}?open"), Body::Empty),
            Step::PutWhole { range } => (Method::PUT, url.clone(), Body::Source(*range)),
            Step::PutPart { number, range, .. } => (
                Method::PUT,
                format!("{url}?session={session}&part={number}&at={}", range.start()),
                Body::Source(*range),
            ),
            Step::ListParts { marker } => {
                let after = marker.as_deref().unwrap_or("0");
                let url = format!("{url}?session={session}&after={after}");
                (Method::GET, url, Body::Empty)
            }
            Step::Commit => {
                let lines = cx.parts.values();
                let list: String = lines.map(|part| format!("{} {}\n", part.number, part.tag)).collect();
                let url = format!("{url}?session={session}");
                (Method::POST, url, Body::Inline(Bytes::from(list)))
            }
            Step::Confirm => (Method::HEAD, url.clone(), Body::Empty),
            Step::Abort => (Method::DELETE, format!("{url}?session={session}"), Body::Empty),
            _ => return Err(BuildError::new("a store only takes uploads", "use another")),
        };
        Request::builder()
            .method(method)
            .uri(url)
            .body(body)
            .map_err(|error| BuildError::new(error.to_string(), "use a plain key"))
    }

    fn interpret(&self, step: &Step, cx: &Context<'_>, head: Head<'_>, body: &[u8], _: Now) -> Result<Reply, Verdict> {
        let status = head.status.as_u16();
        let text = String::from_utf8_lossy(body).into_owned();
        let fault = |kind, detail: &str| ServerFault::new(kind, step.kind(), Some(status), detail);
        let broken = || Verdict::Fatal(fault(ServerFaultKind::Protocol, "unreadable answer"));
        let header = |name: &str| {
            let value = head.headers.get(name)?;
            value.to_str().ok().map(String::from)
        };
        match (step, status) {
            (_, 429 | 503) => Err(Verdict::Retry {
                fault: fault(ServerFaultKind::Throttled, ""),
                after: longhaul_http::read::retry_after(head.headers),
            }),
            (_, 500..=599) => Err(Verdict::Retry { fault: fault(ServerFaultKind::Unavailable, ""), after: None }),
            (Step::Begin, 200) if !text.is_empty() => {
                Ok(Reply::Begun { session: Some(text), next: None, receipt: None })
            }
            // There is a session, and its name was lost.
            (Step::Begin, 200) => Err(Verdict::Unknown(fault(ServerFaultKind::Protocol, "no name"))),
            (Step::PutPart { .. }, 200) => {
                Ok(Reply::Part { tag: header(ETAG.as_str()).ok_or_else(broken)?, next: None, receipt: None })
            }
            (Step::PutWhole { .. }, 200) => Ok(Reply::Committed(receipt(header("etag")))),
            (Step::ListParts { .. }, 200) => parse_list(&text).ok_or_else(broken),
            // A success without its words is none yet: the store may have died while it committed.
            (Step::Commit, 200) => match text.strip_prefix("committed ") {
                Some(tag) => Ok(Reply::Committed(receipt(Some(tag.into())))),
                None => Err(Verdict::Unknown(fault(ServerFaultKind::Unavailable, "no words"))),
            },
            (Step::Confirm, 200) if header("x-session").as_deref() == cx.session => {
                Ok(Reply::Committed(receipt(header("etag"))))
            }
            (Step::Confirm, 200 | 404) => Ok(Reply::NotCommitted),
            (Step::Abort, 204) => Ok(Reply::Aborted),
            (_, 404) => Err(Verdict::Fatal(fault(ServerFaultKind::NotFound, &text))),
            (_, 300..=399) => Err(Verdict::Fatal(fault(ServerFaultKind::Redirected, ""))),
            (_, 401 | 403) => Err(Verdict::Refresh(fault(ServerFaultKind::Denied, &text))),
            _ => Err(Verdict::Fatal(fault(ServerFaultKind::Refused, &text))),
        }
    }
}

fn receipt(etag: Option<String>) -> Receipt {
    let mut receipt = Receipt::default();
    receipt.etag = etag;
    receipt
}

fn parse_list(text: &str) -> Option<Reply> {
    let (mut parts, mut marker) = (Vec::new(), None);
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["next", after] => marker = Some(String::from(*after)),
            [number, start, end, tag] => {
                let range = ByteRange::new(start.parse().ok()?, end.parse().ok()?)?;
                parts.push(UploadedPart::new(number.parse().ok()?, range, *tag));
            }
            _ => return None,
        }
    }
    Some(Reply::Parts { parts, marker })
}
