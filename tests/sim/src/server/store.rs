//! A multipart store: sessions, parts with tags, listing by pages, commit by exact list, abort, and a bill for what is left open.
//!
//! | request | meaning |
//! |---|---|
//! | `POST /key?open` | open a session; its name in the body |
//! | `PUT /key?session=S&part=N&at=A` | one part; its tag in `etag` |
//! | `GET /key?session=S&after=M` | a page of parts: lines `number start end tag`, a last line `next M` |
//! | `POST /key?session=S` | commit: lines `number tag` in order |
//! | `HEAD /key` | the object: `etag`, `x-session`, and `x-digest`, its CRC-64/NVME |
//! | `DELETE /key?session=S` | abort |
//! | `PUT /key` | everything at once |
//!
//! [`Flavour`] says which limits and conditions it has; [`Habits`] how it goes wrong; [`Gate`] who passes.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use longhaul_core::{Algorithm, ByteRange, Time};

use super::condition::Condition;
use super::flavour::{Conditions, Flavour};
use super::gate::Gate;
use super::join;
use crate::content::{Content, Fill, digest};
use crate::wire::{Moment, WireAnswer, WireRequest};

/// A part as the store keeps it.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its bytes, as stretches of the source.
    pub pieces: Vec<(ByteRange, Fill)>,
    /// Where the uploader says it belongs.
    pub range: ByteRange,
    /// Its tag.
    pub tag: String,
}

impl Part {
    fn len(&self) -> u64 {
        self.pieces.iter().map(|(range, _)| range.len()).sum()
    }
}

/// An open session.
#[derive(Clone, Debug)]
pub struct Session {
    /// The object it is for.
    pub key: String,
    /// Its parts by number.
    pub parts: BTreeMap<u64, Part>,
    /// Aborts that were refused.
    refused: u64,
    /// Aborted, and there again because of a part that was under way: takes no more, and is billed until it is aborted again.
    lingers: bool,
}

impl Session {
    /// A session for `key`, without parts.
    #[must_use]
    pub fn new(key: &str) -> Self {
        Self { key: key.into(), parts: BTreeMap::new(), refused: 0, lingers: false }
    }
}

/// A stored object.
#[derive(Clone, Debug)]
pub struct Stored {
    /// What is in it.
    pub content: Content,
    /// The session that made it.
    pub session: Option<String>,
    /// Its tag.
    pub tag: String,
}

/// How often the store goes wrong: every so many times, 0 for never.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Habits {
    /// Commits without effect whose 200 turns out to hold an error.
    pub sour: u64,
    /// Commits that take effect and whose 200 holds white space only.
    pub mute: u64,
    /// Commits without effect because somebody else is writing: 409.
    pub contended: u64,
    /// So many aborts of each session are refused before one is carried out.
    pub reluctant: u64,
    /// Parts that come in after an abort are kept, as S3 documents of those that were under way:
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html>.
    pub lingering: bool,
}

/// What is paid for although it is no object.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Bill {
    /// Open sessions.
    pub sessions: usize,
    /// Content bytes in their parts.
    pub bytes: u64,
}

/// The store.
#[derive(Clone, Debug)]
pub struct Store {
    /// Its rules.
    pub flavour: Flavour,
    /// How it goes wrong.
    pub habits: Habits,
    /// What requests pass first.
    pub gate: Gate,
    /// Open sessions: what is billed.
    pub sessions: BTreeMap<String, Session>,
    /// Objects.
    pub objects: BTreeMap<String, Stored>,
    /// Parts per page of a listing.
    pub page: usize,
    /// Commits that took effect.
    pub commits: u64,
    /// Aborts that took effect.
    pub aborts: u64,
    /// Content bytes received.
    pub received: u64,
    /// When the request at hand was begun, if its sender has given up on it since.
    pub straggler: Option<Time>,
    /// The keys of aborted sessions, and when they were.
    aborted: BTreeMap<String, (String, Time)>,
    opened: u64,
    asked_to_commit: u64,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            flavour: Flavour::PLAIN,
            habits: Habits::default(),
            gate: Gate::default(),
            sessions: BTreeMap::new(),
            objects: BTreeMap::new(),
            page: 3,
            commits: 0,
            aborts: 0,
            received: 0,
            straggler: None,
            aborted: BTreeMap::new(),
            opened: 0,
            asked_to_commit: 0,
        }
    }
}

impl Store {
    /// Answers.
    pub fn answer(&mut self, request: &WireRequest, now: Moment) -> WireAnswer {
        if let Some(refusal) = self.gate.refuse(request, now) {
            return refusal;
        }
        let key = String::from(request.path());
        let session = request.query("session").map(String::from);
        match (&request.method, session) {
            (&Method::POST, None) => self.open(key, request),
            (&Method::PUT, None) => self.put_whole(key, request),
            (&Method::HEAD, _) => self.head(&key),
            (&Method::PUT, Some(session)) if self.lingers(&session) => self.put_part(&session, request),
            (&Method::PUT | &Method::POST, Some(session)) if !self.is_open(&session) => {
                WireAnswer::status(404).text("NoSuchUpload")
            }
            (_, Some(session)) if !self.sessions.contains_key(&session) => WireAnswer::status(404).text("NoSuchUpload"),
            (&Method::DELETE, Some(session)) => self.abort(&session, now),
            (&Method::PUT, Some(session)) => self.put_part(&session, request),
            (&Method::GET, Some(session)) => self.list(&session, request),
            (&Method::POST, Some(session)) => self.commit(key, session, request),
            _ => WireAnswer::status(405),
        }
    }

    /// A session that the application's back end opens for a plan; its name.
    pub fn plan(&mut self, key: &str) -> String {
        self.opened += 1;
        let name = format!("plan{}", self.opened);
        self.sessions.insert(name.clone(), Session::new(key));
        name
    }

    /// Whether a session takes parts and can be committed.
    #[must_use]
    pub fn is_open(&self, session: &str) -> bool {
        self.sessions.get(session).is_some_and(|session| !session.lingers)
    }

    /// Whether a part for a session that was aborted is kept; the session is there again for it.
    fn lingers(&mut self, session: &str) -> bool {
        let Some((key, at)) = self.aborted.get(session).filter(|_| self.habits.lingering) else {
            return false;
        };
        // What was begun later is refused.
        if self.straggler.is_none_or(|begun| begun > *at) {
            return false;
        }
        let again = Session { lingers: true, ..Session::new(key) };
        self.sessions.entry(session.into()).or_insert(again);
        true
    }

    /// What is paid for under `key`, beside the sessions that are `known`.
    #[must_use]
    pub fn bill(&self, key: &str, known: &BTreeSet<String>) -> Bill {
        let open = self.sessions.iter().filter(|(name, session)| session.key == key && !known.contains(*name));
        open.fold(Bill::default(), |bill, (_, session)| Bill {
            sessions: bill.sessions + 1,
            bytes: bill.bytes + session.parts.values().map(Part::len).sum::<u64>(),
        })
    }

    /// Drops all open sessions: an expiry policy, or an operator.
    pub fn forget(&mut self) {
        self.sessions.clear();
    }

    fn open(&mut self, key: String, request: &WireRequest) -> WireAnswer {
        if self.flavour.conditions == Conditions::AlsoAtOpen
            && let Some(refusal) = self.condition(&key, request)
        {
            return refusal;
        }
        self.opened += 1;
        let name = format!("s{}", self.opened);
        self.sessions.insert(name.clone(), Session::new(&key));
        WireAnswer::status(200).text(name)
    }

    fn condition(&self, key: &str, request: &WireRequest) -> Option<WireAnswer> {
        let there = self.objects.get(key).map(|object| object.tag.as_str());
        if Condition::of(&request.headers).holds(there) {
            return None;
        }
        Some(match self.flavour.conditions {
            Conditions::AtCommit => WireAnswer::status(412).text("PreconditionFailed"),
            Conditions::AlsoAtOpen => WireAnswer::status(409).text("FileAlreadyExists"),
        })
    }

    fn put_part(&mut self, session: &str, request: &WireRequest) -> WireAnswer {
        let number = request.query("part").and_then(|n| n.parse::<u64>().ok());
        let at = request.query("at").and_then(|at| at.parse().ok());
        let (Some(number), Some(at)) = (number, at) else {
            return WireAnswer::status(400).text("InvalidPart");
        };
        let pieces = request.content();
        let len: u64 = pieces.iter().map(|(range, _)| range.len()).sum();
        self.received += len;
        let limits = self.flavour.parts;
        if number == 0 || number > limits.count {
            return WireAnswer::status(400).text("InvalidPartNumber");
        }
        if len > limits.max {
            return WireAnswer::status(400).text("EntityTooLarge");
        }
        let tag = format!("\"{}\"", digest(Algorithm::Crc64Nvme, &pieces).hex());
        let part = Part { pieces, range: ByteRange::at(at, len), tag: tag.clone() };
        if let Some(session) = self.sessions.get_mut(session) {
            session.parts.insert(number, part);
        }
        WireAnswer::status(200).with("etag", tag)
    }

    fn list(&self, session: &str, request: &WireRequest) -> WireAnswer {
        let after: u64 = request.query("after").and_then(|after| after.parse().ok()).unwrap_or(0);
        let Some(session) = self.sessions.get(session) else {
            return WireAnswer::status(404);
        };
        let mut text = String::new();
        let mut rest = session.parts.range(after + 1..);
        let mut last = after;
        for (number, part) in rest.by_ref().take(self.page) {
            let (start, end) = (part.range.start(), part.range.end());
            text += &format!("{number} {start} {end} {}\n", part.tag);
            last = *number;
        }
        if rest.next().is_some() {
            text += &format!("next {last}\n");
        }
        WireAnswer::status(200).text(text)
    }

    fn commit(&mut self, key: String, session: String, request: &WireRequest) -> WireAnswer {
        self.asked_to_commit += 1;
        let now = |every: u64| every > 0 && self.asked_to_commit.is_multiple_of(every);
        if now(self.habits.contended) {
            return WireAnswer::status(409).text("ConditionalRequestConflict");
        }
        if now(self.habits.sour) {
            return WireAnswer::status(200).text("  \n <Error>InternalError</Error>");
        }
        if let Some(refusal) = self.condition(&key, request) {
            return refusal;
        }
        let parts = match self.listed(&session, &request.text()) {
            Ok(parts) => parts,
            Err(code) => return WireAnswer::status(400).text(code),
        };
        let content = join(parts.iter().map(|part| part.pieces.as_slice()));
        let mute = now(self.habits.mute);
        self.sessions.remove(&session);
        self.commits += 1;
        let tag = format!("\"c{}\"", self.commits);
        self.objects.insert(key, Stored { content, session: Some(session), tag: tag.clone() });
        WireAnswer::status(200).text(if mute { String::from("    \n") } else { format!("committed {tag}") })
    }

    /// What a back end does for a plan without parts, because no store takes a commit without any: it makes the empty object.
    pub fn make_empty(&mut self, key: &str, session: &str) -> WireAnswer {
        if self.sessions.remove(session).is_none() {
            return WireAnswer::status(404).text("NoSuchUpload");
        }
        self.commits += 1;
        let tag = format!("\"c{}\"", self.commits);
        let stored = Stored { content: Content::empty(), session: Some(session.into()), tag: tag.clone() };
        self.objects.insert(key.into(), stored);
        WireAnswer::status(200).text(format!("committed {tag}"))
    }

    /// The parts that a commit lists, if the list is right.
    fn listed(&self, session: &str, text: &str) -> Result<Vec<Part>, &'static str> {
        let open = self.sessions.get(session).ok_or("NoSuchUpload")?;
        let (mut parts, mut last) = (Vec::new(), 0);
        for line in text.lines() {
            let (number, tag) = line.split_once(' ').ok_or("MalformedXML")?;
            let number: u64 = number.parse().map_err(|_| "MalformedXML")?;
            if number <= last {
                return Err("InvalidPartOrder");
            }
            last = number;
            let part = open.parts.get(&number).filter(|part| part.tag == tag).ok_or("InvalidPart")?;
            parts.push(part.clone());
        }
        let limits = self.flavour.parts;
        let Some((end, before)) = parts.split_last() else {
            return Err("MalformedXML");
        };
        if before.iter().any(|part| part.len() < limits.min) {
            return Err("EntityTooSmall");
        }
        let first = before.first().map_or(u64::MAX, Part::len);
        if limits.equal && (before.iter().any(|part| part.len() != first) || end.len() > first) {
            return Err("InvalidPart");
        }
        Ok(parts)
    }

    fn put_whole(&mut self, key: String, request: &WireRequest) -> WireAnswer {
        let content = join([request.content().as_slice()].into_iter());
        self.received += content.len();
        if let Some(refusal) = self.condition(&key, request) {
            return refusal;
        }
        self.commits += 1;
        let tag = format!("\"p{}\"", self.commits);
        self.objects.insert(key, Stored { content, session: None, tag: tag.clone() });
        WireAnswer::status(200).with("etag", tag)
    }

    fn head(&self, key: &str) -> WireAnswer {
        let Some(object) = self.objects.get(key) else { return WireAnswer::status(404) };
        let all = ByteRange::at(0, object.content.len());
        WireAnswer::status(200)
            .with("etag", &object.tag)
            .with("content-length", all.len().to_string())
            .with("x-digest", digest(Algorithm::Crc64Nvme, &object.content.pieces(all)).hex())
            .with("x-session", object.session.as_deref().unwrap_or("none"))
    }

    fn abort(&mut self, session: &str, now: Moment) -> WireAnswer {
        let Some(open) = self.sessions.get_mut(session) else {
            return WireAnswer::status(404).text("NoSuchUpload");
        };
        if open.refused < self.habits.reluctant {
            open.refused += 1;
            return WireAnswer::status(500).text("InternalError");
        }
        if let Some(open) = self.sessions.remove(session) {
            self.aborted.insert(session.into(), (open.key, now.at));
        }
        self.aborts += 1;
        WireAnswer::status(204)
    }
}
