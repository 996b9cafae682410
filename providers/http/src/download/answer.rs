//! Reading what a server answers to a download's requests. What the one answer shows to be wrong is refused here; comparing it
//! with earlier answers is the engine's part.

#![allow(clippy::result_large_err, reason = "a reply is as large as a verdict: a box would save nothing")]

use alloc::format;
use alloc::string::{String, ToString};

use http::header::LOCATION;
use longhaul_core::error::{Changed, ServerFault, ServerFaultKind};
use longhaul_core::provider::{Context, Head, Object, Reply, Step, Verdict};
use longhaul_core::{ByteRange, Now};

use super::{HttpDownload, condition, is_everything};
use crate::fault::{self, Asked};
use crate::read::{
    Content, ContentRange, Malformed, accept_ranges, content_disposition, content_encoding, content_length,
    content_range, digests, is_multipart_ranges, safe_file_name, version,
};
use crate::url::{resolve, shown};

/// One answer and what is needed to read it.
pub(super) struct Reader<'a> {
    pub(super) download: &'a HttpDownload,
    pub(super) step: &'a Step,
    pub(super) cx: &'a Context<'a>,
    pub(super) head: Head<'a>,
    pub(super) body: &'a [u8],
    pub(super) now: Now,
}

impl Reader<'_> {
    pub(super) fn read(&self) -> Result<Reply, Verdict> {
        match (self.step, self.head.status.as_u16()) {
            (Step::Probe, 200) => self.probe(),
            // HEAD is refused, or answered as if it were another method.
            (Step::Probe, 201..=299 | 403 | 405 | 501) => Err(Verdict::ProbeByRange),
            // Why a signature is refused stands in a body, which this answer cannot have.
            (Step::Probe, 400 | 401) if self.download.endpoint.url.is_signed() => Err(Verdict::ProbeByRange),
            (Step::ProbeRange, 200) => self.whole(Some(false)).map(Reply::Object),
            // Azurite's 206 to a range of nothing.
            (Step::ProbeRange, 206) if self.unsatisfied_total() == Some(0) => self.probe_unsatisfied(),
            (Step::ProbeRange, 206) => self.part(ByteRange::at(0, 1)).map(|(_, object)| Reply::Object(object)),
            (Step::ProbeRange, 416) => self.probe_unsatisfied(),
            (Step::GetRange { range }, 200) => {
                let ranges = if is_everything(*range) { accept_ranges(self.head.headers) } else { Some(false) };
                self.whole(ranges).map(Reply::Whole)
            }
            (Step::GetRange { range }, 206) if !is_everything(*range) => {
                self.part(*range).map(|(range, object)| Reply::Range { range, object })
            }
            (Step::GetRange { range }, 416) if !is_everything(*range) => self.unsatisfied(*range),
            (Step::GetRange { range }, 412) if !is_everything(*range) && condition(self.cx).is_some() => {
                Err(Verdict::Changed(Changed::Condition))
            }
            (Step::Probe | Step::ProbeRange | Step::GetRange { .. }, 301 | 302 | 303 | 307 | 308) => {
                Err(self.redirect())
            }
            (_, 206) => Err(self.broken("a part of the object comes although all of it was asked for")),
            (_, 304) => Err(self.broken("the server says that nothing changed, which was not asked")),
            _ => Err(self.refused()),
        }
    }

    /// HEAD. Without a usable length the object is probed by a range: also where the length is 0, for that is what some
    /// servers say of everything, and an empty file must not pass for a large one.
    fn probe(&self) -> Result<Reply, Verdict> {
        let encoded = content_encoding(self.head.headers).map_err(|error| self.malformed(error))?.is_some();
        let length = content_length(self.head.headers).map_err(|error| self.malformed(error))?;
        match length.filter(|length| *length > 0 && (!encoded || self.download.keep_encoded)) {
            Some(length) => {
                self.object(Content::Head, Some(length), accept_ranges(self.head.headers)).map(Reply::Object)
            }
            None => Err(Verdict::ProbeByRange),
        }
    }

    /// 416 to the first byte: the object is empty. Where it is not, or the server does not say, ranges are of no use here, but
    /// all of it in one answer may be.
    fn probe_unsatisfied(&self) -> Result<Reply, Verdict> {
        let total = self.unsatisfied_total();
        self.object(Content::Part, total, Some(total == Some(0))).map(Reply::Object)
    }

    /// 200: the whole object follows.
    fn whole(&self, ranges: Option<bool>) -> Result<Object, Verdict> {
        self.plain()?;
        let total = content_length(self.head.headers).map_err(|error| self.malformed(error))?;
        self.object(Content::Whole, total, ranges)
    }

    /// 206: usable only if every byte's place is certain.
    fn part(&self, asked: ByteRange) -> Result<(ByteRange, Object), Verdict> {
        if is_multipart_ranges(self.head.headers) {
            return Err(self.broken("one range was asked for and an answer of several parts comes"));
        }
        self.plain()?;
        let (range, total) = match content_range(self.head.headers).map_err(|error| self.malformed(error))? {
            Some(ContentRange::Bytes { range, total }) => (range, total),
            Some(ContentRange::Unsatisfied { .. }) => {
                return Err(self.broken("the Content-Range names no bytes although some follow"));
            }
            None => return Err(self.broken("a part of the object comes without a Content-Range")),
        };
        if range.start() > asked.start() {
            return Err(self.broken(format!(
                "asked for bytes from {}, got them from {}",
                asked.start(),
                range.start()
            )));
        }
        if range.end() > asked.end() {
            return Err(self.broken(format!("asked for bytes up to {}, got them up to {}", asked.end(), range.end())));
        }
        if range.end() <= asked.start() {
            return Err(self.broken(format!("asked for bytes {asked}, got {range}: none of them")));
        }
        let length = content_length(self.head.headers).map_err(|error| self.malformed(error))?;
        if length.is_some_and(|length| length != range.len()) {
            return Err(self.broken("Content-Length and Content-Range disagree"));
        }
        Ok((range, self.object(Content::Part, total, Some(true))?))
    }

    /// 416: the range lies beyond the object.
    fn unsatisfied(&self, asked: ByteRange) -> Result<Reply, Verdict> {
        let total = self.unsatisfied_total();
        match total {
            Some(total) if total > asked.start() => {
                Err(self.broken(format!("the server refuses bytes {asked} and says that the object has {total}")))
            }
            total => Ok(Reply::Unsatisfiable { total }),
        }
    }

    /// No bytes follow, so an unreadable Content-Range only tells nothing.
    fn unsatisfied_total(&self) -> Option<u64> {
        match content_range(self.head.headers) {
            Ok(Some(ContentRange::Unsatisfied { total })) => Some(total),
            _ => None,
        }
    }

    fn object(&self, content: Content, total: Option<u64>, ranges: Option<bool>) -> Result<Object, Verdict> {
        let headers = self.head.headers;
        let version = version(headers).map_err(|error| self.malformed(error))?;
        let mut object = Object::default();
        object.total = total;
        object.validator = version.validator;
        object.modified = version.modified;
        object.ranges = ranges;
        object.name = content_disposition(headers).and_then(|name| safe_file_name(&name));
        object.digests = digests(headers, content);
        Ok(object)
    }

    /// Refuses encoded content: its bytes are not the object's, and their places are not either.
    fn plain(&self) -> Result<(), Verdict> {
        match content_encoding(self.head.headers).map_err(|error| self.malformed(error))? {
            Some(coding) if !self.download.keep_encoded => {
                Err(self.broken(format!("the content comes encoded ({coding}) although it was asked for as it is")))
            }
            _ => Ok(()),
        }
    }

    fn redirect(&self) -> Verdict {
        let base = self.cx.location.unwrap_or_else(|| self.download.endpoint.url.uri());
        let mut locations = self.head.headers.get_all(LOCATION).iter();
        let target = match (locations.next(), locations.next()) {
            (Some(location), None) => resolve(base, location.as_bytes()),
            (None, _) => {
                // S3 names the endpoint to ask in the body.
                let (kind, hint) = (ServerFaultKind::Protocol, "the server redirects and does not say where to");
                let hide = self.download.endpoint.hide(self.cx.location);
                return Verdict::Fatal(fault::explained(kind, self.step, self.head, self.body, &hide, hint));
            }
            (Some(_), Some(_)) => {
                return self.broken("the server redirects to several places at once");
            }
        };
        let status = Some(self.head.status.as_u16());
        let fault = |detail| ServerFault::new(ServerFaultKind::Redirected, self.step.kind(), status, detail);
        match target {
            Ok(location) => Verdict::Redirect { fault: fault(format!("to {}", shown(&location))), location },
            Err(error) => Verdict::Fatal(fault(error.to_string())),
        }
    }

    /// Neither success nor redirect. What a redirect led to may have been signed for a while only: the way there is worth
    /// another try.
    fn refused(&self) -> Verdict {
        let hide = self.download.endpoint.hide(self.cx.location);
        let refresh = self.download.refresh || self.cx.location.is_some();
        let asked = Asked { uri: self.download.endpoint.url.uri(), hide, refresh, now: self.now };
        fault::verdict(self.step, self.head, self.body, &asked)
    }

    fn broken(&self, detail: impl Into<String>) -> Verdict {
        Verdict::Fatal(fault::protocol(self.step, self.head.status, detail))
    }

    fn malformed(&self, error: Malformed) -> Verdict {
        fault::malformed(self.step, self.head.status, error)
    }
}
