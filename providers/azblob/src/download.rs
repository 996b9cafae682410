//! Ranged download of a blob: Get Blob Properties and Get Blob.
//!
//! Follows <https://learn.microsoft.com/rest/api/storageservices/get-blob-properties> and
//! <https://learn.microsoft.com/rest/api/storageservices/get-blob>. Requests and answers are those of [`HttpDownload`], signed, with what
//! Azure adds: the MD5 stored with a blob, versions and snapshots, its own errors. Every range is pinned by `If-Match`, so that all
//! bytes are of one version.

use alloc::format;

use http::Request;
use longhaul_core::error::BuildError;
use longhaul_core::intent::Body;
use longhaul_core::provider::{Context, Head, Object as Found, Profile, Provider, Reply, Step, Verdict};
use longhaul_core::{Now, Wall};
use longhaul_http::read::{Content, digests};
use longhaul_http::{Headers, HttpDownload};
use longhaul_sign::encode;
use longhaul_store::download::{self, plain};
use longhaul_store::{Fields, Kind};

use crate::access::Access;
use crate::blob::Blob;
use crate::checksum;
use crate::fault::Answer;
use crate::fields::{self, RULES};

/// Downloads a blob by ranges.
#[derive(Clone, Debug)]
pub struct AzureDownload {
    blob: Blob,
    http: HttpDownload,
    fields: Fields,
    refresh: bool,
}

impl AzureDownload {
    /// A download of `blob` as it is now.
    ///
    /// # Errors
    /// When its URL is unusable.
    pub fn new(blob: Blob) -> Result<Self, BuildError> {
        let http = plain(blob.url())?;
        Ok(Self { blob, http, fields: Fields::none(&RULES), refresh: false })
    }

    /// Of one version, by the id the service gave it.
    ///
    /// # Errors
    /// When the id is none.
    pub fn with_version(self, id: &str) -> Result<Self, BuildError> {
        self.with_moment("versionid", id)
    }

    /// Of a snapshot, by the time the service gave it.
    ///
    /// # Errors
    /// When the time is none.
    pub fn with_snapshot(self, time: &str) -> Result<Self, BuildError> {
        self.with_moment("snapshot", time)
    }

    fn with_moment(mut self, name: &str, time: &str) -> Result<Self, BuildError> {
        if time.is_empty() || time.len() > 64 {
            return Err(BuildError::new(format!("the {name} is empty or too long"), "give it as the service did"));
        }
        self.http = plain(&format!("{}?{name}={}", self.blob.url(), encode::component(time)))?;
        Ok(self)
    }

    /// With header fields for every request: a customer's encryption key, a lease.
    ///
    /// # Errors
    /// When one of them is set by longhaul itself.
    pub fn with_headers(mut self, headers: Headers) -> Result<Self, BuildError> {
        // What only downloads refuse is known there.
        self.http.clone().with_headers(headers.clone())?;
        self.fields = fields::checked(headers)?;
        Ok(self)
    }

    /// Whether the application can supply a fresh provider when the credentials have expired. Default false.
    #[must_use]
    pub const fn refreshable(mut self, refreshable: bool) -> Self {
        self.refresh = refreshable;
        self
    }

    /// The same blob with other rights: what a refresh makes.
    #[must_use]
    pub fn with_access(mut self, access: impl Into<Access>) -> Self {
        self.blob = self.blob.with_access(access);
        self
    }

    /// The blob.
    #[must_use]
    pub const fn source(&self) -> &Blob {
        &self.blob
    }
}

/// Adds the MD5 that is stored with the blob, and not that of a range.
fn digested(reply: Reply, head: Head<'_>) -> Reply {
    let add = |mut found: Found, content| {
        if found.digests.is_empty() {
            found.digests = digests(head.headers, content);
        }
        found.digests.extend(checksum::stored(head.headers).filter(|_| found.digests.is_empty()));
        found
    };
    let content = if head.status.as_u16() == 206 { Content::Part } else { Content::Head };
    match reply {
        Reply::Object(found) => Reply::Object(add(found, content)),
        Reply::Whole(found) => Reply::Whole(add(found, content)),
        Reply::Range { range, object } => Reply::Range { range, object: add(object, content) },
        reply => reply,
    }
}

impl Provider for AzureDownload {
    fn authority(&self) -> &str {
        self.blob.authority()
    }

    fn object(&self) -> &str {
        self.blob.url()
    }

    fn profile(&self) -> Profile {
        let mut profile = Profile::download();
        profile.refresh = self.refresh;
        profile
    }

    fn build(&self, step: &Step, cx: &Context<'_>, now: Now) -> Result<Request<Body>, BuildError> {
        let mut request = self.http.build(step, cx, now)?;
        for (name, value) in &fields::on(&self.fields, Kind::Read) {
            request.headers_mut().append(name, value.clone());
        }
        self.blob.sign(&mut request, cx, now)?;
        Ok(request)
    }

    fn interpret(
        &self,
        step: &Step,
        cx: &Context<'_>,
        head: Head<'_>,
        body: &[u8],
        now: Now,
    ) -> Result<Reply, Verdict> {
        let answer = Answer { step, cx, head, body, now, fields: &self.fields, blob: &self.blob };
        // 412 speaks of leases too.
        let is_refused = head.status.as_u16() == 412 && !answer.is_condition();
        let read = if is_refused { None } else { download::read(&self.http, step, cx, head, body, now) };
        read.unwrap_or_else(|| {
            // The answer to a HEAD has no body; where the head has no code either, a GET may bring one.
            let mute = *step == Step::Probe && answer.is_mute() && matches!(head.status.as_u16(), 400..=405 | 501);
            match answer.verdict() {
                Verdict::Skew { server, fault } => Err(Verdict::Skew { server, fault }),
                _ if mute && head.status.as_u16() != 404 => Err(Verdict::ProbeByRange),
                verdict => Err(verdict),
            }
        })
        .map(|reply| digested(reply, head))
    }

    fn is_ready(&self, _: &Step, wall: Wall) -> bool {
        // With nobody to ask for another one, the service's word counts: it is this machine's clock that may be wrong.
        !self.refresh || self.blob.access().is_good_at(wall.as_unix())
    }
}
