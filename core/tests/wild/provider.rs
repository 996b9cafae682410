//! A provider with any abilities, whose answers mean whatever their head says by number.

use http::{HeaderMap, HeaderValue, StatusCode, Uri};

use longhaul_core::digest::Algorithm;
use longhaul_core::error::{BuildError, Changed, ServerFault, ServerFaultKind};
use longhaul_core::intent::Body;
use longhaul_core::layout::PartLimits;
use longhaul_core::provider::{
    Begin, Context, Head, Object, Order, Profile, Provider, Receipt, Reply, Step, UploadedPart, Validator, Verdict,
};
use longhaul_core::retry::RetryAfter;
use longhaul_core::rng::Rng;
use longhaul_core::spec::Direction;
use longhaul_core::{ByteRange, Now, Wall};

use super::{digest, number, span};

const MEANS: &str = "means";

#[derive(Debug)]
pub(super) struct Whim {
    name: &'static str,
    authority: &'static str,
    profile: Profile,
    unbuildable: u64,
    unready: u64,
}

impl Whim {
    pub(super) fn draw(rng: &mut Rng, name: &'static str, direction: Direction) -> Self {
        let mut profile = Profile::download();
        let mut flag = || rng.up_to(1) == 0;
        profile.refresh = flag();
        if direction == Direction::Upload {
            (profile.commit, profile.confirm, profile.list, profile.abort) = (flag(), flag(), flag(), flag());
            profile.order = if flag() { Order::Parallel } else { Order::ServerOffset };
            profile.begin = if flag() {
                Begin::Creates
            } else if flag() {
                Begin::Idempotent
            } else {
                Begin::None
            };
            profile.content_digest = flag().then_some(Algorithm::Md5).filter(|_| flag());
            profile.part_digest = flag().then_some(Algorithm::Md5).filter(|_| flag());
            profile.sent_digest = flag().then_some(Algorithm::Crc64Nvme);
            profile.single = if flag() { Some(number(rng)) } else { None };
            if rng.up_to(2) == 0 {
                profile.parts = PartLimits::new(number(rng), number(rng).max(1), number(rng), number(rng));
                profile.parts.min = profile.parts.min.min(profile.parts.max);
                profile.parts.multiple = number(rng);
            }
        }
        Self {
            name,
            authority: ["a:1", "b:1"][rng.up_to(1) as usize],
            profile,
            unbuildable: rng.up_to(400),
            unready: rng.up_to(40),
        }
    }
}

/// The head of an answer that means anything.
pub(super) fn head(rng: &mut Rng) -> (StatusCode, HeaderMap) {
    let statuses = [200, 206, 206, 206, 404, 416, 503, 101];
    let status = StatusCode::from_u16(statuses[rng.up_to(7) as usize]).expect("a status");
    let mut headers = HeaderMap::new();
    headers.insert(MEANS, HeaderValue::from(rng.next_u64()));
    (status, headers)
}

fn object(rng: &mut Rng) -> Object {
    let mut object = Object::default();
    object.total = if rng.up_to(5) == 0 { None } else { Some(number(rng)) };
    let tag = ["a", "a", "a", "b"][rng.up_to(3) as usize];
    object.validator = Validator {
        etag: (rng.up_to(4) > 0).then(|| String::from(tag)),
        modified: (rng.up_to(4) > 0).then(|| Wall::from_unix(number(rng) as i64)),
    };
    object.modified = object.validator.modified;
    object.ranges = [None, Some(true), Some(true), Some(false)][rng.up_to(3) as usize];
    if rng.up_to(9) == 0 {
        object.digests.push(digest(rng));
    }
    object
}

fn fault(rng: &mut Rng, step: &Step) -> ServerFault {
    let kinds = [
        ServerFaultKind::NotFound,
        ServerFaultKind::Denied,
        ServerFaultKind::Throttled,
        ServerFaultKind::Unavailable,
        ServerFaultKind::Conflict,
    ];
    ServerFault::new(kinds[rng.up_to(4) as usize], step.kind(), Some(503), "")
}

fn verdict(rng: &mut Rng, step: &Step) -> Verdict {
    let fault = fault(rng, step);
    match rng.up_to(9) {
        0 | 1 => {
            let after = match rng.up_to(2) {
                0 => None,
                1 => Some(RetryAfter::Delay(span(number(rng)))),
                _ => Some(RetryAfter::At(Wall::from_unix(number(rng) as i64))),
            };
            Verdict::Retry { fault, after }
        }
        2 => {
            let there = ["http://a:1/x", "https://elsewhere/", "/relative"][rng.up_to(2) as usize];
            Verdict::Redirect { location: Uri::from_static(there), fault }
        }
        3 => Verdict::Refresh(fault),
        4 => Verdict::Skew { server: Wall::from_unix(number(rng) as i64), fault },
        5 => Verdict::Plain(fault),
        6 => Verdict::ProbeByRange,
        7 => Verdict::Changed(Changed::Condition),
        8 => Verdict::Unknown(fault),
        _ => Verdict::Fatal(fault),
    }
}

/// A reply, mostly of the step's kind.
fn reply(rng: &mut Rng, step: &Step) -> Reply {
    let receipt = |rng: &mut Rng| (rng.up_to(3) == 0).then(Receipt::default);
    let next = |rng: &mut Rng| (rng.up_to(2) > 0).then(|| number(rng));
    let usual = match step {
        Step::Probe | Step::ProbeRange => 0,
        Step::GetRange { .. } => 1,
        Step::Begin => 4,
        Step::PutPart { .. } => 5,
        Step::ListParts { .. } => 6,
        Step::PutWhole { .. } | Step::Commit => 7,
        Step::Confirm => 7 + rng.up_to(1),
        _ => 9,
    };
    match if rng.up_to(9) == 0 { rng.up_to(9) } else { usual } {
        0 => Reply::Object(object(rng)),
        1 => {
            let range = match step.range().filter(|_| rng.up_to(5) > 0) {
                Some(asked) if rng.up_to(1) == 0 => asked,
                Some(asked) => {
                    let start = asked.start().saturating_sub(rng.up_to(20));
                    ByteRange::at(start, number(rng).max(1))
                }
                None => ByteRange::at(number(rng), number(rng)),
            };
            if rng.up_to(5) == 0 { Reply::Whole(object(rng)) } else { Reply::Range { range, object: object(rng) } }
        }
        2 => Reply::Whole(object(rng)),
        3 => Reply::Unsatisfiable { total: next(rng) },
        4 => {
            let session = (rng.up_to(4) > 0).then(|| String::from("s"));
            Reply::Begun { session, next: next(rng), receipt: receipt(rng) }
        }
        5 => Reply::Part { tag: String::from("t"), next: next(rng), receipt: receipt(rng) },
        6 => {
            let part = |rng: &mut Rng| UploadedPart::new(number(rng), ByteRange::at(number(rng), number(rng)), "t");
            let many = rng.up_to(3);
            let marker = (rng.up_to(2) == 0).then(|| number(rng).to_string());
            Reply::Parts { parts: (0..many).map(|_| part(rng)).collect(), marker }
        }
        7 => Reply::Committed(Receipt::default()),
        8 => Reply::NotCommitted,
        _ => Reply::Aborted,
    }
}

impl Provider for Whim {
    fn authority(&self) -> &str {
        self.authority
    }

    fn object(&self) -> &str {
        self.name
    }

    fn profile(&self) -> Profile {
        self.profile
    }

    fn build(&self, step: &Step, cx: &Context<'_>, _: Now) -> Result<http::Request<Body>, BuildError> {
        if self.unbuildable == cx.skew.unsigned_abs() + 1 {
            return Err(BuildError::new("a whim", "none"));
        }
        let body = match step {
            Step::PutPart { range, .. } | Step::PutWhole { range } => Body::Source(*range),
            _ => Body::Empty,
        };
        Ok(http::Request::new(body))
    }

    fn interpret(&self, step: &Step, _: &Context<'_>, head: Head<'_>, _: &[u8], _: Now) -> Result<Reply, Verdict> {
        let means = head.headers.get(MEANS).and_then(|means| means.to_str().ok()?.parse().ok()).unwrap_or(0);
        let mut rng = Rng::new(means);
        if rng.up_to(3) == 0 { Err(verdict(&mut rng, step)) } else { Ok(reply(&mut rng, step)) }
    }

    fn is_ready(&self, _: &Step, wall: Wall) -> bool {
        self.unready != 0 || wall.as_unix() % 3 != 0
    }
}
