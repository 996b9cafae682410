//! A provider for the model [`blocks`](crate::server::blocks): an upload without a session, with a commit, and with nothing to
//! abort.
//!
//! A block's name is the transfer's nonce and its number, of one length for all: a later run of the same transfer finds its own
//! blocks by it, and nobody else's.

use bytes::Bytes;
use http::header::ETAG;
use http::{Method, Request};
use longhaul_core::error::{BuildError, ServerFaultKind};
use longhaul_core::intent::Body;
use longhaul_core::layout::PartLimits;
use longhaul_core::provider::{Begin, Context, Head, Order, Profile, Provider, Reply, Step, UploadedPart, Verdict};
use longhaul_core::{ByteRange, Now, Wall};

use super::{Grant, fault, receipt, refusal};
use crate::server::condition::Condition;

/// An upload of one blob to a model store of blocks.
#[derive(Clone, Debug)]
pub struct BlocksProvider {
    host: String,
    url: String,
    grant: Grant,
    condition: Condition,
    /// Limits and abilities.
    pub profile: Profile,
}

impl BlocksProvider {
    /// An upload to `http://host/key`.
    #[must_use]
    pub fn new(host: &str, key: &str) -> Self {
        let mut profile = Profile::download();
        profile.parts = PartLimits::new(1, 64 << 10, 1_000, 1 << 40);
        profile.order = Order::Parallel;
        profile.begin = Begin::None;
        profile.commit = true;
        profile.confirm = true;
        profile.list = true;
        profile.needs_total = true;
        profile.single = Some(0);
        profile.refresh = true;
        let url = format!("http://{host}/{key}");
        Self { host: host.into(), url, grant: Grant::default(), condition: Condition::None, profile }
    }

    /// With this credential.
    #[must_use]
    pub const fn granted(mut self, grant: Grant) -> Self {
        self.grant = grant;
        self
    }

    /// Only if the blob is what this demands.
    #[must_use]
    pub fn when(mut self, condition: Condition) -> Self {
        self.condition = condition;
        self
    }

    /// The name of block `number`.
    fn block(cx: &Context<'_>, number: u64) -> String {
        format!("{}-{number:05}", cx.nonce.simple())
    }

    /// What the list says of this upload's own blocks, staged or committed.
    fn own(cx: &Context<'_>, text: &str, states: &[&str]) -> Option<Vec<UploadedPart>> {
        let mut parts = Vec::new();
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let &[is, id, len] = words.as_slice() else {
                return None;
            };
            let number = id.strip_prefix(&format!("{}-", cx.nonce.simple())).and_then(|number| number.parse().ok());
            if let Some(number) = number
                && states.contains(&is)
            {
                parts.push(UploadedPart::new(number, ByteRange::at(0, len.parse().ok()?), id));
            }
        }
        Some(parts)
    }
}

impl Provider for BlocksProvider {
    fn authority(&self) -> &str {
        &self.host
    }

    fn object(&self) -> &str {
        &self.url
    }

    fn profile(&self) -> Profile {
        self.profile
    }

    fn build(&self, step: &Step, cx: &Context<'_>, now: Now) -> Result<Request<Body>, BuildError> {
        let url = &self.url;
        let list = format!("{url}?comp=blocklist");
        let (method, url, body) = match step {
            Step::PutWhole { range } => (Method::PUT, url.clone(), Body::Source(*range)),
            Step::PutPart { number, range, .. } => {
                let id = Self::block(cx, *number);
                (Method::PUT, format!("{url}?comp=block&blockid={id}"), Body::Source(*range))
            }
            Step::Commit => {
                let ids: String = cx.parts.values().map(|part| format!("{}\n", part.tag)).collect();
                (Method::PUT, list, Body::Inline(Bytes::from(ids)))
            }
            Step::ListParts { .. } | Step::Confirm => (Method::GET, list, Body::Empty),
            _ => return Err(BuildError::new("a store of blocks takes uploads, and has no session", "use another")),
        };
        let makes = matches!(step, Step::Commit | Step::PutWhole { .. });
        self.grant.request(method, &url, Some(&self.condition).filter(|_| makes), body, cx, now)
    }

    fn interpret(&self, step: &Step, cx: &Context<'_>, head: Head<'_>, body: &[u8], _: Now) -> Result<Reply, Verdict> {
        let status = head.status.as_u16();
        let text = String::from_utf8_lossy(body).into_owned();
        let broken = || Verdict::Fatal(fault(step, status, ServerFaultKind::Protocol, "unreadable answer"));
        let etag = || head.headers.get(ETAG).and_then(|value| value.to_str().ok()).map(String::from);
        match (step, status) {
            (Step::PutPart { number, .. }, 201) => {
                Ok(Reply::Part { tag: Self::block(cx, *number), next: None, receipt: None })
            }
            (Step::PutWhole { .. } | Step::Commit, 201) => Ok(Reply::Committed(receipt(etag()))),
            // Its own blocks in the blob are there too: a commit took effect late, and the next one finds out.
            (Step::ListParts { .. }, 200) => {
                let parts = Self::own(cx, &text, &["staged", "committed"]).ok_or_else(broken)?;
                Ok(Reply::Parts { parts, marker: None })
            }
            (Step::ListParts { .. }, 404) => Ok(Reply::Parts { parts: Vec::new(), marker: None }),
            // The blob is this upload's when all of its blocks are. One that went up at once has none, whatever its length.
            (Step::Confirm, 200) => {
                let own = Self::own(cx, &text, &["committed"]).ok_or_else(broken)?;
                let all = text.lines().filter(|line| line.starts_with("committed")).count();
                let len: u64 = own.iter().map(|part| part.range.len()).sum();
                let there = head.headers.get("x-length").and_then(|length| length.to_str().ok()?.parse().ok());
                let mine = own.len() == all && Some(len) == cx.total && there == cx.total;
                Ok(if mine { Reply::Committed(receipt(None)) } else { Reply::NotCommitted })
            }
            (Step::Confirm, 404) => Ok(Reply::NotCommitted),
            // Blocks are dropped by another writer's commit, or by one's own.
            (Step::Commit, 400) if text == "InvalidBlockList" => {
                Err(Verdict::Unknown(fault(step, status, ServerFaultKind::NotFound, &text)))
            }
            (Step::Commit, 500..=599) if status != 503 => {
                Err(Verdict::Unknown(fault(step, status, ServerFaultKind::Unavailable, &text)))
            }
            _ => Err(refusal(step, head, &text)),
        }
    }

    fn is_ready(&self, _: &Step, wall: Wall) -> bool {
        self.grant.is_good_at(wall)
    }
}
