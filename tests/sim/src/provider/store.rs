//! A provider for the model [`store`](crate::server::store), in each of its flavours.

use bytes::Bytes;
use http::header::ETAG;
use http::{Method, Request};
use longhaul_core::error::{BuildError, ServerFaultKind};
use longhaul_core::intent::Body;
use longhaul_core::provider::{Begin, Context, Head, Order, Profile, Provider, Reply, Step, UploadedPart, Verdict};
use longhaul_core::{Algorithm, ByteRange, Now, Wall};

use super::{Grant, fault, receipt, refusal};
use crate::server::condition::Condition;
use crate::server::flavour::{Conditions, Flavour, Opener};

/// An upload of one key to a model store.
#[derive(Clone, Debug)]
pub struct StoreProvider {
    host: String,
    url: String,
    object: String,
    grant: Grant,
    condition: Condition,
    flavour: Flavour,
    /// The session of the plan, where somebody else opened it.
    plan: Option<String>,
    /// Limits and abilities; change them to model other stores.
    pub profile: Profile,
}

impl StoreProvider {
    /// An upload to `http://host/key` of a plain store.
    #[must_use]
    pub fn new(host: &str, key: &str) -> Self {
        let url = format!("http://{host}/{key}");
        let mut profile = Profile::download();
        profile.order = Order::Parallel;
        profile.commit = true;
        profile.confirm = true;
        profile.abort = true;
        profile.needs_total = true;
        profile.refresh = true;
        let plain = Self {
            host: host.into(),
            object: url.clone(),
            url,
            grant: Grant::default(),
            condition: Condition::None,
            flavour: Flavour::PLAIN,
            plan: None,
            profile,
        };
        plain.to(Flavour::PLAIN, None)
    }

    /// To a store of this flavour; with the session of a `plan` where it takes one.
    #[must_use]
    pub fn to(mut self, flavour: Flavour, plan: Option<&str>) -> Self {
        let plan = plan.filter(|_| flavour.opener == Opener::Plan);
        let planned = flavour.opener == Opener::Plan;
        self.flavour = flavour;
        self.profile.parts = flavour.parts;
        let single = if planned { 0 } else { flavour.single };
        self.profile.single = Some(single);
        self.profile.sent_digest = (single > 0).then_some(Algorithm::Crc64Nvme);
        self.profile.begin = if planned { Begin::None } else { Begin::Creates };
        self.profile.list = !planned;
        // What a plan's run recorded is of no use to another plan's.
        self.object = plan.map_or_else(|| self.url.clone(), |plan| format!("{} {plan}", self.url));
        self.plan = plan.map(String::from);
        self
    }

    /// With this credential.
    #[must_use]
    pub const fn granted(mut self, grant: Grant) -> Self {
        self.grant = grant;
        self
    }

    /// Only if the object is what this demands.
    #[must_use]
    pub fn when(mut self, condition: Condition) -> Self {
        self.condition = condition;
        self
    }
}

impl Provider for StoreProvider {
    fn authority(&self) -> &str {
        &self.host
    }

    fn object(&self) -> &str {
        &self.object
    }

    fn profile(&self) -> Profile {
        self.profile
    }

    fn build(&self, step: &Step, cx: &Context<'_>, now: Now) -> Result<Request<Body>, BuildError> {
        let session = cx.session.or(self.plan.as_deref()).unwrap_or("none");
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
        let conditional = match step {
            Step::Commit | Step::PutWhole { .. } => true,
            Step::Begin => self.flavour.conditions == Conditions::AlsoAtOpen,
            _ => false,
        };
        self.grant.request(method, &url, Some(&self.condition).filter(|_| conditional), body, cx, now)
    }

    fn interpret(&self, step: &Step, cx: &Context<'_>, head: Head<'_>, body: &[u8], _: Now) -> Result<Reply, Verdict> {
        let status = head.status.as_u16();
        let text = String::from_utf8_lossy(body).into_owned();
        let fault = |kind, detail: &str| fault(step, status, kind, detail);
        let broken = || Verdict::Fatal(fault(ServerFaultKind::Protocol, "unreadable answer"));
        let header = |name: &str| {
            let value = head.headers.get(name)?;
            value.to_str().ok().map(String::from)
        };
        match (step, status) {
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
            // What went up at once is known by its bytes.
            (Step::Confirm, 200) if cx.session.is_none() && (self.plan.is_none() || cx.total == Some(0)) => {
                let same = header("content-length").as_deref() == Some("0")
                    || cx.content_digest.is_some_and(|digest| header("x-digest") == Some(digest.hex()));
                let fits = header("content-length").and_then(|len| len.parse().ok()) == cx.total;
                Ok(if same && fits { Reply::Committed(receipt(header("etag"))) } else { Reply::NotCommitted })
            }
            (Step::Confirm, 200) if header("x-session").as_deref() == cx.session.or(self.plan.as_deref()) => {
                Ok(Reply::Committed(receipt(header("etag"))))
            }
            (Step::Confirm, 200 | 404) => Ok(Reply::NotCommitted),
            (Step::Abort, 204) => Ok(Reply::Aborted),
            _ => Err(refusal(step, head, &text)),
        }
    }

    fn is_ready(&self, _: &Step, wall: Wall) -> bool {
        self.grant.is_good_at(wall)
    }
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
