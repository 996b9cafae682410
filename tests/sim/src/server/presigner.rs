//! The application's back end: holds the store's credentials, opens sessions, issues plans of URLs that expire, and stands for a
//! store that checks them.
//!
//! | request to host `presigned` | meaning |
//! |---|---|
//! | `PUT /key?session=S&part=N&at=A&expires=T` | one part |
//! | `POST /key?session=S&expires=T` | completion, as S3's XML; answered in XML |
//! | `GET /key?session=S&expires=T` | whether that session made the object: 200 or 404 |
//! | `DELETE /key?session=S&expires=T` | abort |
//!
//! At host `signed` are the objects of [`Ranged`](super::ranged::Ranged), by `GET` only: `GET /path?expires=T`.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{Method, Uri};
use longhaul_core::plan::{
    BodyDraft, DownloadDraft, HostRule, Hosts, PartDraft, PlainHttp, Policy, RequestDraft, UploadDraft,
};
use longhaul_core::{ByteRange, Wall};
use longhaul_sign::xml::{self, Limits};

use super::store::Store;
use crate::wire::{Moment, WireAnswer, WireBody, WirePiece, WireRequest};

/// The host of objects that are had by presigned URLs only.
pub const SIGNED: &str = "signed";

/// Seconds before its end that a URL is not used any more.
pub const MARGIN: u32 = 60;

/// The back end.
#[derive(Clone, Debug)]
pub struct Presigner {
    /// Seconds that URLs are good for.
    pub lifetime: i64,
    /// URLs for so many parts come with the first plan.
    pub first: u64,
    /// Parts asked for at once, and how many URLs are left when they are.
    pub batch: (u32, u32),
    /// Whether commits can be asked about.
    pub confirms: bool,
    /// URLs issued before this moment are refused: the key they were signed with was withdrawn.
    pub withdrawn: Option<Wall>,
    /// Fresh plans issued.
    pub answers: u64,
    /// Numbers of the parts that URLs were asked for, in order.
    pub asked: Vec<Vec<u64>>,
    /// Requests that came with a URL that had expired.
    pub expired: u64,
    /// Requests that came with one that was withdrawn.
    pub refused: u64,
}

impl Default for Presigner {
    fn default() -> Self {
        Self {
            lifetime: 600,
            first: 4,
            batch: (4, 2),
            confirms: true,
            withdrawn: None,
            answers: 0,
            asked: Vec::new(),
            expired: 0,
            refused: 0,
        }
    }
}

impl Presigner {
    /// What the application lets a plan say.
    #[must_use]
    pub fn policy(&self) -> Policy {
        let (batch, ahead) = self.batch;
        Policy::new(Hosts::These(vec![HostRule::Exact("presigned".into()), HostRule::Exact(SIGNED.into())]))
            .with_plain_http(PlainHttp::Anywhere)
            .refreshable(true)
            .with_batch(batch, ahead)
    }

    /// URLs for `numbers`, of an object of `total` bytes in the open session `session`.
    #[must_use]
    pub fn draft(
        &self,
        key: &str,
        session: &str,
        total: u64,
        size: u64,
        numbers: &BTreeSet<u64>,
        now: Wall,
    ) -> UploadDraft {
        let expires = now.as_unix() + self.lifetime;
        let url = |more: String| {
            format!(
                "http://presigned{key}?session={session}{more}&expires={expires}&issued={}&sig=secret",
                now.as_unix()
            )
        };
        let part = |&number: &u64| {
            let offset = (number - 1) * size;
            let range = ByteRange::at(offset, size.min(total.saturating_sub(offset)));
            PartDraft {
                number,
                offset,
                size: range.len(),
                url: url(format!("&part={number}&at={offset}")),
                expires_at: Some(expires),
                ..PartDraft::default()
            }
        };
        let request =
            |body| RequestDraft { url: url(String::new()), body, expires_at: Some(expires), ..RequestDraft::default() };
        let count = total.div_ceil(size);
        UploadDraft {
            upload_id: Some(session.into()),
            object: Some(format!("http://presigned{key}")),
            total_size: total,
            part_size: size,
            parts: numbers.iter().filter(|&&number| (1..=count).contains(&number)).map(part).collect(),
            complete: Some(request(BodyDraft::S3Xml)),
            confirm: self.confirms.then(|| request(BodyDraft::Empty)),
            abort: Some(request(BodyDraft::Empty)),
            refresh_margin: Some(MARGIN),
            ..UploadDraft::default()
        }
    }

    /// A URL for the object at `path`.
    #[must_use]
    pub fn download(&self, path: &str, now: Wall) -> DownloadDraft {
        let (issued, expires) = (now.as_unix(), now.as_unix() + self.lifetime);
        DownloadDraft {
            url: format!("http://{SIGNED}{path}?expires={expires}&issued={issued}&sig=secret"),
            expires_at: Some(expires),
            refresh_margin: Some(MARGIN),
            ..DownloadDraft::default()
        }
    }

    /// Whether the URL has expired.
    #[must_use]
    pub fn is_expired(uri: &Uri, now: Wall) -> bool {
        number(uri, "expires").is_some_and(|expires| now.as_unix() >= expires)
    }

    /// The refusal of a URL that is not good any more.
    fn refuse(&mut self, request: &WireRequest, now: Moment) -> Option<WireAnswer> {
        if Self::is_expired(&request.uri, now.wall) {
            self.expired += 1;
            return Some(WireAnswer::status(403).text("<Error><Code>AccessDenied</Code></Error>"));
        }
        if let (Some(withdrawn), Some(issued)) = (self.withdrawn, number(&request.uri, "issued"))
            && issued < withdrawn.as_unix()
        {
            self.refused += 1;
            return Some(WireAnswer::status(403).text("<Error><Code>InvalidAccessKeyId</Code></Error>"));
        }
        None
    }

    /// The refusal of a request for an object: its URL was signed for `GET`, and for a while.
    pub fn refuse_download(&mut self, request: &WireRequest, now: Moment) -> Option<WireAnswer> {
        if request.method != Method::GET {
            return Some(WireAnswer::status(403).text("<Error><Code>SignatureDoesNotMatch</Code></Error>"));
        }
        self.refuse(request, now)
    }

    /// Answers in the store's stead.
    pub fn answer(&mut self, store: &mut Store, request: &WireRequest, now: Moment) -> WireAnswer {
        if let Some(refusal) = self.refuse(request, now) {
            return refusal;
        }
        match request.method {
            Method::POST => complete(store, request, now),
            Method::GET => {
                let made = store.objects.get(request.path()).and_then(|object| object.session.as_deref());
                WireAnswer::status(if made.is_some() && made == request.query("session") { 200 } else { 404 })
            }
            _ => store.answer(request, now),
        }
    }
}

fn number(uri: &Uri, name: &str) -> Option<i64> {
    uri.query()?.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

/// S3's words to the store's, and back.
fn complete(store: &mut Store, request: &WireRequest, now: Moment) -> WireAnswer {
    let Ok(root) = xml::parse(request.text().as_bytes(), &Limits::LIST) else {
        return WireAnswer::status(400).text("<Error><Code>MalformedXML</Code></Error>");
    };
    let line = |part: &xml::Element| {
        let (number, tag) = (part.text_at(&["PartNumber"])?, part.text_at(&["ETag"])?);
        Some(format!("{number} {tag}\n"))
    };
    let list: String = root.all("Part").filter_map(line).collect();
    let answer = if list.is_empty() {
        store.make_empty(request.path(), request.query("session").unwrap_or_default())
    } else {
        let mut worded = request.clone();
        worded.body = vec![WirePiece::Bytes(Bytes::from(list))];
        store.answer(&worded, now)
    };
    let text = match &answer.body {
        WireBody::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        WireBody::Object(..) => String::new(),
    };
    match text.strip_prefix("committed ") {
        Some(tag) => WireAnswer::status(200).text(format!(
            "<CompleteMultipartUploadResult><ETag>{}</ETag></CompleteMultipartUploadResult>",
            xml::escape(tag)
        )),
        None if answer.status.is_success() => answer,
        None => WireAnswer::status(answer.status.as_u16()).text(format!("<Error><Code>{text}</Code></Error>")),
    }
}
