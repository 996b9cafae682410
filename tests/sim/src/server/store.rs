//! A multipart store: sessions, parts with tags, listing by pages, commit by exact list, abort, and a bill for what is left open.
//!
//! | request | meaning |
//! |---|---|
//! | `POST /key?open` | open a session; its name in the body |
//! | `PUT /key?session=S&part=N&at=A` | one part; its tag in `etag` |
//! | `GET /key?session=S&after=M` | a page of parts: lines `number start end tag`, a last line `next M` |
//! | `POST /key?session=S` | commit: lines `number tag` in order |
//! | `HEAD /key` | the object: `etag`, `x-session` |
//! | `DELETE /key?session=S` | abort |
//! | `PUT /key` | everything at once |

use std::collections::BTreeMap;

use http::Method;
use longhaul_core::{Algorithm, ByteRange};

use crate::content::{Content, Fill, digest};
use crate::wire::{WireAnswer, WireRequest};

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

/// An open session.
#[derive(Clone, Debug)]
pub struct Session {
    /// The object it is for.
    pub key: String,
    /// Its parts by number.
    pub parts: BTreeMap<u64, Part>,
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

/// The store.
#[derive(Clone, Debug)]
pub struct Store {
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
    opened: u64,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            sessions: BTreeMap::new(),
            objects: BTreeMap::new(),
            page: 3,
            commits: 0,
            aborts: 0,
            received: 0,
            opened: 0,
        }
    }
}

impl Store {
    /// Answers.
    pub fn answer(&mut self, request: &WireRequest) -> WireAnswer {
        let key = String::from(request.path());
        let session = request.query("session").map(String::from);
        match (&request.method, session) {
            (&Method::POST, None) => self.open(key),
            (&Method::PUT, None) => self.put_whole(key, request),
            (&Method::HEAD, _) => self.head(&key),
            (&Method::DELETE, Some(session)) => self.abort(&session),
            (_, Some(session)) if !self.sessions.contains_key(&session) => WireAnswer::status(404).text("NoSuchUpload"),
            (&Method::PUT, Some(session)) => self.put_part(&session, request),
            (&Method::GET, Some(session)) => self.list(&session, request),
            (&Method::POST, Some(session)) => self.commit(key, session, request),
            _ => WireAnswer::status(405),
        }
    }

    /// Drops all open sessions: an expiry policy, or an operator.
    pub fn forget(&mut self) {
        self.sessions.clear();
    }

    fn open(&mut self, key: String) -> WireAnswer {
        self.opened += 1;
        let name = format!("s{}", self.opened);
        let parts = BTreeMap::new();
        self.sessions.insert(name.clone(), Session { key, parts });
        WireAnswer::status(200).text(name)
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
        let Some(open) = self.sessions.get(&session) else {
            return WireAnswer::status(404);
        };
        let text = request.text();
        let listed: Vec<(u64, &str)> = text
            .lines()
            .filter_map(|line| {
                let (number, tag) = line.split_once(' ')?;
                Some((number.parse().ok()?, tag))
            })
            .collect();
        let ordered = listed.windows(2).all(|two| match two {
            [(a, _), (b, _)] => a < b,
            _ => true,
        });
        let known = listed.iter().all(|(number, tag)| open.parts.get(number).is_some_and(|part| part.tag == *tag));
        if !ordered || !known {
            return WireAnswer::status(400).text("InvalidPart");
        }
        let mut content = Content::empty();
        for (number, _) in &listed {
            let Some(part) = open.parts.get(number) else {
                continue;
            };
            for (range, fill) in &part.pieces {
                let to = ByteRange::at(content.len(), range.len());
                // A store joins parts end to end: where that is not their place, it is noise.
                let fill = if to == *range { *fill } else { Fill::Noise(to.start()) };
                content.write(to, fill);
            }
        }
        self.sessions.remove(&session);
        self.commits += 1;
        let tag = format!("\"c{}\"", self.commits);
        self.objects.insert(key, Stored { content, session: Some(session), tag: tag.clone() });
        WireAnswer::status(200).text(format!("committed {tag}"))
    }

    fn put_whole(&mut self, key: String, request: &WireRequest) -> WireAnswer {
        let mut content = Content::empty();
        for (range, fill) in request.content() {
            content.write(range, fill);
        }
        self.received += content.len();
        self.commits += 1;
        let tag = format!("\"p{}\"", self.commits);
        self.objects.insert(key, Stored { content, session: None, tag: tag.clone() });
        WireAnswer::status(200).with("etag", tag)
    }

    fn head(&self, key: &str) -> WireAnswer {
        match self.objects.get(key) {
            Some(object) => WireAnswer::status(200)
                .with("etag", &object.tag)
                .with("content-length", object.content.len().to_string())
                .with("x-session", object.session.as_deref().unwrap_or("none")),
            None => WireAnswer::status(404),
        }
    }

    fn abort(&mut self, session: &str) -> WireAnswer {
        if self.sessions.remove(session).is_some() {
            self.aborts += 1;
            WireAnswer::status(204)
        } else {
            WireAnswer::status(404).text("NoSuchUpload")
        }
    }
}
