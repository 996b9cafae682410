//! Uploads as S3 and OSS have them: in one request, or begun, sent in parts side by side, and completed by the exact list of them.
//!
//! | step | request |
//! |---|---|
//! | `PutWhole` | `PUT key` |
//! | `Begin` | `POST key?uploads` |
//! | `PutPart` | `PUT key?partNumber=…&uploadId=…` |
//! | `ListParts` | `GET key?uploadId=…` |
//! | `Commit` | `POST key?uploadId=…`, the exact part list |
//! | `Confirm` | `HEAD key` |
//! | `Abort` | `DELETE key?uploadId=…` |
//!
//! Bodies go up as they are, with their length, never in chunks: every store takes them so. Signing is each store's own.

mod answer;
mod document;
mod request;

use alloc::string::String;
use alloc::vec::Vec;

use http::{HeaderMap, Request};
use longhaul_core::error::BuildError;
use longhaul_core::intent::Body;
use longhaul_core::layout::PartLimits;
use longhaul_core::provider::{Begin, Context, Order, Profile, Step};
use longhaul_core::{Digest, Now};
use longhaul_http::fault::Hide;
use longhaul_sign::xml::Element;

use crate::access::Rights as _;
use crate::fields::Fields;
use crate::item::Item;

pub use answer::Reader;
pub use document::MOST_ANSWER;
pub use request::Start;

/// What distinguishes the upload to one store from that to another.
pub trait Dialect {
    /// The store's name, for messages.
    const NAME: &'static str;
    /// The namespace of the part list, where the store wants one.
    const NAMESPACE: Option<&'static str>;
    /// The header field that tells an object's version.
    const VERSION: &'static str;
    /// What is uploaded to.
    type Item: Item;

    /// What is uploaded to.
    fn item(&self) -> &Self::Item;

    /// The caller's fields.
    fn fields(&self) -> &Fields;

    /// Whether the upload has a condition on what is there.
    fn is_conditional(&self) -> bool;

    /// Adds what is the store's own to a request's fields: checksums.
    ///
    /// # Errors
    /// When it is not known.
    fn dress(&self, step: &Step, cx: &Context<'_>, headers: &mut HeaderMap) -> Result<(), BuildError>;

    /// Adds what is the store's own to a part in the list that completes an upload.
    ///
    /// # Errors
    /// When it is not known any more.
    fn dress_part(&self, number: u64, cx: &Context<'_>, list: &mut String) -> Result<(), BuildError>;

    /// Digests, told in an answer's head, of what a request brought.
    fn received(&self, headers: &HeaderMap) -> Vec<Digest>;

    /// Digests, told in an answer's head, of the whole object.
    fn of_whole(&self, headers: &HeaderMap) -> Vec<Digest>;

    /// Digests of the whole object in the answer to a completion.
    fn of_result(&self, result: &Element, headers: &HeaderMap) -> Vec<Digest>;

    /// What the tag of an object tells that went up `at_once`, or else was made of parts, by the head of an answer about it.
    fn tags(&self, at_once: bool, headers: &HeaderMap) -> Tags;

    /// The request for a step, signed.
    ///
    /// # Errors
    /// When something that it needs is not known, or the step is none of an upload's.
    fn request(&self, step: &Step, cx: &Context<'_>, now: Now) -> Result<Request<Body>, BuildError>
    where
        Self: Sized,
    {
        let mut request = request::start(self, step, cx)?;
        self.item().sign(&mut request, content_digest(step, cx), cx, now)?;
        Ok(request)
    }

    /// What must not be shown of a server's words.
    fn hide(&self) -> Hide {
        self.fields().hide(self.item().access().hide())
    }
}

/// What the tag of an object tells: the MD5 of what went up at once, or what [`etag::composite`](crate::etag::composite) makes of
/// the tags of parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tags {
    /// It is made so: another one is of another object.
    Foretold,
    /// It may be made so: the same is of the same object, another one tells nothing.
    Perhaps,
    /// Nothing.
    Opaque,
}

/// The profile of such an upload, but for digests and credentials. `single`: objects up to this size, in bytes, go up at once.
#[must_use]
pub const fn profile(parts: PartLimits, single: u64) -> Profile {
    let mut profile = Profile::download();
    profile.parts = parts;
    profile.single = Some(single);
    profile.order = Order::Parallel;
    profile.begin = Begin::Creates;
    profile.commit = true;
    profile.confirm = true;
    profile.list = true;
    profile.abort = true;
    profile.answer_limit = MOST_ANSWER;
    profile
}

/// The CRC of the whole object, combined from those of its parts as they were sent. `None` where one is not known, or does not
/// combine.
#[must_use]
pub fn whole_digest(cx: &Context<'_>) -> Option<Digest> {
    let mut whole: Option<Digest> = None;
    for (number, part) in cx.parts {
        let digest = cx.digests.get(number)?;
        whole = Some(match whole {
            Some(before) => before.followed_by(digest, part.range.len())?,
            // Of nothing before it: tells whether the algorithm combines at all.
            None => digest.followed_by(digest, 0).map(|_| *digest)?,
        });
    }
    whole
}

/// The digest of the source bytes in a request, where it is known before they are sent.
#[must_use]
pub fn content_digest<'a>(step: &'a Step, cx: &Context<'a>) -> Option<&'a Digest> {
    match step {
        Step::PutWhole { .. } => cx.content_digest,
        Step::PutPart { digest, .. } => digest.as_ref(),
        _ => None,
    }
}
