//! A server of mutable objects by `GET` and `HEAD` with ranges (RFC 9110 §14), as good and as bad as they come.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use longhaul_core::{Algorithm, ByteRange, Wall};

use crate::content::{Fill, digest};
use crate::wire::{Moment, WireAnswer, WireBody, WireRequest, imf_fixdate};

/// An object and how its server speaks of it.
#[derive(Clone, Debug)]
pub struct Object {
    /// Goes up with every change.
    pub version: u32,
    /// Size in bytes.
    pub len: u64,
    /// When it last changed.
    pub modified: Wall,
    /// The server's habits.
    pub style: Style,
    /// Changes since the beginning: older versions are legal results of transfers that began earlier.
    pub history: Vec<(u32, u64)>,
}

/// What a server tells about an object, and what it can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Style {
    /// Its entity tags.
    pub tag: Tag,
    /// Whether it sends `Last-Modified`.
    pub dates: bool,
    /// Its ranges.
    pub ranges: Ranges,
    /// Its answer to `HEAD`.
    pub head: HeadStyle,
    /// `*` in place of the total.
    pub star: bool,
    /// Ranges are answered with at most so many bytes.
    pub most: Option<u64>,
    /// Ranges begin up to so many bytes before what was asked for.
    pub early: u64,
    /// Sends a digest of the whole content.
    pub digest: bool,
    /// Sends no length with whole bodies (chunked).
    pub chunked: bool,
    /// Redirects to the same path on this host.
    pub redirect: Option<&'static str>,
    /// Says everything that matters twice, and `Content-Encoding: identity`: legal, and nothing changes by it.
    pub wordy: bool,
}

/// Entity tags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tag {
    /// Strong.
    Strong,
    /// Weak.
    Weak,
    /// None at all.
    None,
    /// Another one in every answer, as from a farm of servers.
    PerNode,
}

/// Range support.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ranges {
    /// Served and announced.
    Yes,
    /// Served, not announced.
    Silent,
    /// Ignored: 200.
    No,
    /// Ignored, and announced as such.
    Refused,
}

/// `HEAD` support.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeadStyle {
    /// Fine.
    Fine,
    /// Refused with this status.
    Refused(u16),
    /// Without a length.
    NoLength,
}

impl Style {
    /// A server that does all of it right.
    pub const GOOD: Self = Self {
        tag: Tag::Strong,
        dates: true,
        ranges: Ranges::Yes,
        head: HeadStyle::Fine,
        star: false,
        most: None,
        early: 0,
        digest: false,
        chunked: false,
        redirect: None,
        wordy: false,
    };
}

/// One wrong answer (D2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Defect {
    /// 200 and everything, to a range.
    Whole,
    /// A range that begins later than asked.
    Late,
    /// A range that goes on beyond what was asked.
    Long,
    /// Another total than before.
    Total,
    /// A total that the range does not fit into.
    SmallTotal,
    /// Another tag than before, same bytes.
    OtherTag,
    /// Another date than before, same bytes.
    OtherDate,
    /// First byte after the last.
    Reversed,
    /// Not `bytes`.
    Unit,
    /// 206 without Content-Range.
    NoRange,
    /// gzip, of a range or of the whole.
    Encoded,
    /// `multipart/byteranges` to one range.
    Multipart,
    /// Two Content-Ranges that differ.
    Conflict,
    /// Two tags that differ.
    TwoTags,
    /// Two lengths that differ.
    TwoLengths,
    /// 416 for a range inside.
    Unsatisfied,
    /// Content-Length and Content-Range disagree.
    Length,
}

impl Defect {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Whole,
        Self::Late,
        Self::Long,
        Self::Total,
        Self::SmallTotal,
        Self::OtherTag,
        Self::OtherDate,
        Self::Reversed,
        Self::Unit,
        Self::NoRange,
        Self::Encoded,
        Self::Multipart,
        Self::Conflict,
        Self::TwoTags,
        Self::TwoLengths,
        Self::Unsatisfied,
        Self::Length,
    ];
}

/// The server.
#[derive(Clone, Debug, Default)]
pub struct Ranged {
    objects: BTreeMap<String, Object>,
    answers: u64,
}

impl Ranged {
    /// Adds an object at `path`.
    pub fn add(&mut self, path: &str, len: u64, modified: Wall, style: Style) {
        let object = Object { version: 1, len, modified, style, history: vec![(1, len)] };
        self.objects.insert(path.into(), object);
    }

    /// The object at `path`.
    #[must_use]
    pub fn object(&self, path: &str) -> Option<&Object> {
        self.objects.get(path)
    }

    /// The object at `path`, to change its habits.
    pub fn object_mut(&mut self, path: &str) -> Option<&mut Object> {
        self.objects.get_mut(path)
    }

    /// Replaces the object by a new version.
    pub fn change(&mut self, path: &str, len: u64, at: Wall) {
        if let Some(object) = self.objects.get_mut(path) {
            object.version += 1;
            object.len = len;
            object.modified = at;
            object.history.push((object.version, len));
        }
    }

    /// Answers.
    pub fn answer(&mut self, request: &WireRequest, defect: Option<Defect>, now: Moment) -> WireAnswer {
        self.answers += 1;
        let Some(object) = self.objects.get(request.path()) else {
            return WireAnswer::status(404);
        };
        let style = object.style;
        if let Some(host) = style.redirect
            && request.uri.authority().is_none_or(|at| at.as_str() != host)
        {
            return WireAnswer::status(302).with("location", format!("http://{host}{}", request.path()));
        }
        let mut answer = match request.method {
            Method::HEAD => Self::head(object),
            Method::GET => Self::get(object, request, defect),
            _ => return WireAnswer::status(405),
        };
        if answer.status.is_success() {
            answer = self.describe(object, answer, defect, now);
        }
        answer.with("date", imf_fixdate(now.wall))
    }

    fn head(object: &Object) -> WireAnswer {
        match object.style.head {
            HeadStyle::Refused(status) => WireAnswer::status(status),
            HeadStyle::NoLength => WireAnswer::status(200),
            HeadStyle::Fine => WireAnswer::status(200).with("content-length", object.len.to_string()),
        }
    }

    fn get(object: &Object, request: &WireRequest, defect: Option<Defect>) -> WireAnswer {
        let tag = format!("\"v{}\"", object.version);
        if let Some(wanted) = request.header("if-match")
            && (wanted != tag || object.style.tag != Tag::Strong)
        {
            return WireAnswer::status(412);
        }
        let asked = request.header("range").and_then(parse_range);
        let whole = matches!(object.style.ranges, Ranges::No | Ranges::Refused) || defect == Some(Defect::Whole);
        let Some((first, last)) = asked.filter(|_| !whole) else {
            let body = WireBody::Object(ByteRange::at(0, object.len), Fill::Version(object.version));
            let mut answer = WireAnswer::status(200).body(body);
            answer.framed = !object.style.chunked;
            return if object.style.chunked { answer } else { answer.with("content-length", object.len.to_string()) };
        };
        let unsatisfied = WireAnswer::status(416).with("content-range", format!("bytes */{}", object.len));
        if first >= object.len || defect == Some(Defect::Unsatisfied) {
            return unsatisfied;
        }
        let (mut start, mut end) = (first, last.map_or(object.len, |last| (last + 1).min(object.len)));
        end = end.min(object.style.most.map_or(u64::MAX, |most| start + most.max(1)));
        start -= object.style.early.min(start);
        match defect {
            Some(Defect::Late) => start = (first + 1).min(end - 1),
            Some(Defect::Long) => end = (end + 7).min(object.len),
            _ => {}
        }
        let Some(range) = ByteRange::new(start, end) else {
            return unsatisfied;
        };
        let body = WireBody::Object(range, Fill::Version(object.version));
        WireAnswer::status(206).body(body)
    }

    fn describe(&self, object: &Object, mut answer: WireAnswer, defect: Option<Defect>, _: Moment) -> WireAnswer {
        let style = object.style;
        if answer.status.as_u16() == 206
            && let WireBody::Object(range, _) = answer.body
        {
            answer = Self::describe_range(object, answer, range, defect);
        }
        let node = self.answers;
        answer = match style.tag {
            _ if defect == Some(Defect::OtherTag) => answer.with("etag", format!("\"other{node}\"")),
            Tag::Strong => answer.with("etag", format!("\"v{}\"", object.version)),
            Tag::Weak => answer.with("etag", format!("W/\"v{}\"", object.version)),
            Tag::PerNode => answer.with("etag", format!("\"n{}-{}\"", object.version, node % 3)),
            Tag::None => answer,
        };
        if style.dates {
            let off = if defect == Some(Defect::OtherDate) { 7 } else { 0 };
            answer = answer.with("last-modified", imf_fixdate(Wall::from_unix(object.modified.as_unix() - off)));
        }
        answer = match style.ranges {
            Ranges::Yes => answer.with("accept-ranges", "bytes"),
            Ranges::Refused => answer.with("accept-ranges", "none"),
            Ranges::Silent | Ranges::No => answer,
        };
        if style.wordy {
            answer = answer.with("content-encoding", "identity").twice();
        }
        answer = match defect {
            Some(Defect::Encoded) => answer.with("content-encoding", "gzip"),
            Some(Defect::TwoTags) => answer.with("etag", "\"one\"").with("etag", "\"another\""),
            // One alone would not differ from another, it would be a lie.
            Some(Defect::TwoLengths) if answer.headers.contains_key("content-length") => {
                let other = (answer.body.len() + 1).to_string();
                answer.with("content-length", other)
            }
            _ => answer,
        };
        if style.digest {
            let all = [(ByteRange::at(0, object.len), Fill::Version(object.version))];
            let sum = STANDARD.encode(digest(Algorithm::Sha256, &all).bytes());
            answer = answer.with("repr-digest", format!("sha-256=:{sum}:"));
        }
        answer
    }

    fn describe_range(object: &Object, answer: WireAnswer, range: ByteRange, defect: Option<Defect>) -> WireAnswer {
        let total = match defect {
            Some(Defect::Total) => (object.len + 1).to_string(),
            Some(Defect::SmallTotal) => range.start().to_string(),
            _ if object.style.star => "*".into(),
            _ => object.len.to_string(),
        };
        let (first, last) = (range.start(), range.end().saturating_sub(1));
        let said = match defect {
            Some(Defect::Reversed) => format!("bytes {}-{first}/{total}", last + 1),
            Some(Defect::Unit) => format!("items {first}-{last}/{total}"),
            _ => format!("bytes {first}-{last}/{total}"),
        };
        let length = range.len() + u64::from(defect == Some(Defect::Length));
        let mut answer = answer.with("content-length", length.to_string());
        if !matches!(defect, Some(Defect::NoRange | Defect::Multipart)) {
            answer = answer.with("content-range", said);
        }
        match defect {
            Some(Defect::Conflict) => answer.with("content-range", format!("bytes {}-{}/{total}", first + 1, last + 1)),
            Some(Defect::Multipart) => answer.with("content-type", "multipart/byteranges; boundary=b"),
            _ => answer,
        }
    }
}

fn parse_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (first, last) = value.strip_prefix("bytes=")?.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()))
}
