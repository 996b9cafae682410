//! Upload of an object: in one request where it is small, else in parts side by side.
//!
//! | step | request | page |
//! |---|---|---|
//! | `PutWhole` | `PUT key` | <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html> |
//! | `Begin` | `POST key?uploads` | <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html> |
//! | `PutPart` | `PUT key?partNumber=…&uploadId=…` | <https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html> |
//! | `ListParts` | `GET key?uploadId=…` | <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html> |
//! | `Commit` | `POST key?uploadId=…`, the exact part list | <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html> |
//! | `Confirm` | `HEAD key` | <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html> |
//! | `Abort` | `DELETE key?uploadId=…` | <https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html> |
//!
//! Bodies go up as they are, with their length, never `aws-chunked`: every store takes them so.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use http::Request;
use http::header::{self, HeaderMap, HeaderValue};
use longhaul_core::error::{BuildError, ServerFault};
use longhaul_core::intent::Body;
use longhaul_core::provider::{Context, Head, Profile, Provider, Reply, Step, Verdict};
use longhaul_core::{Algorithm, Digest, Now, Wall};
use longhaul_http::Headers;
use longhaul_sign::xml::Element;
use longhaul_store::multipart::{self, Dialect, Reader, Tags, content_digest, whole_digest};
use longhaul_store::{Access, Fields, Item as _};

use crate::access::Payload;
use crate::checksum::{self, Integrity};
use crate::fields::RULES;
use crate::object::Object;
use crate::rules::Etags;

pub use longhaul_store::multipart::MOST_ANSWER;

/// Objects up to this size, in bytes, go up in one request unless told otherwise.
pub const SINGLE: u64 = 16 << 20;

/// Uploads an object.
#[derive(Clone, Debug)]
pub struct S3Upload {
    object: Object,
    fields: Fields,
    integrity: Integrity,
    single: u64,
    refresh: bool,
}

impl S3Upload {
    /// An upload that makes, or replaces, `object`.
    #[must_use]
    pub fn new(object: Object) -> Self {
        Self { object, fields: Fields::none(&RULES), integrity: Integrity::default(), single: SINGLE, refresh: false }
    }

    /// With header fields: content type, cache control, metadata (`x-amz-meta-…`), tags (`x-amz-tagging`), encryption, storage
    /// class, conditions (`If-None-Match: *`, `If-Match`). Each goes on the requests it belongs to.
    ///
    /// # Errors
    /// When one of them is set by longhaul itself, or a condition is not one that S3 knows.
    pub fn with_headers(mut self, headers: Headers) -> Result<Self, BuildError> {
        if let Some((_, value)) = headers.iter().find(|(name, _)| **name == header::IF_NONE_MATCH)
            && value.as_bytes() != b"*"
        {
            return Err(BuildError::new("S3 knows If-None-Match with '*' only", "use '*', or If-Match with a tag"));
        }
        if headers.contains(&header::IF_NONE_MATCH) && headers.contains(&header::IF_MATCH) {
            return Err(BuildError::new("If-Match and If-None-Match contradict each other", "give one of them"));
        }
        self.fields = Fields::new(headers, &RULES)?;
        Ok(self)
    }

    /// With checksums. Default [`Integrity::Returned`], which is also what becomes of another where the store does not know it
    /// (U12): the request goes once more without, and so do those that follow.
    #[must_use]
    pub const fn with_integrity(mut self, integrity: Integrity) -> Self {
        self.integrity = integrity;
        self
    }

    /// With another statement about content in signatures. Default [`Payload::Unsigned`].
    #[must_use]
    pub fn with_payload(mut self, payload: Payload) -> Self {
        self.object = self.object.with_payload(payload);
        self
    }

    /// In one request up to this size in bytes; cut to what the store takes at once. An empty object always goes up so: it has
    /// no part. Default [`SINGLE`].
    #[must_use]
    pub const fn single_up_to(mut self, bytes: u64) -> Self {
        self.single = bytes;
        self
    }

    /// Whether the application can supply a fresh provider when the credentials have expired. Default false.
    #[must_use]
    pub const fn refreshable(mut self, refreshable: bool) -> Self {
        self.refresh = refreshable;
        self
    }

    /// The same upload with other rights: what a refresh makes.
    #[must_use]
    pub fn with_access(mut self, access: impl Into<Access>) -> Self {
        self.object = self.object.with_access(access);
        self
    }

    /// The object.
    #[must_use]
    pub const fn target(&self) -> &Object {
        &self.object
    }

    /// The checksum that goes along.
    fn declares(&self, cx: &Context<'_>) -> Option<Algorithm> {
        self.integrity.algorithm().filter(|_| !cx.plain)
    }

    /// Whether a refusal means that the store does not know the checksum that went along: S3-style stores answer 501, or 400 with
    /// words about it.
    fn is_unknown(&self, step: &Step, cx: &Context<'_>, fault: &ServerFault) -> bool {
        let carries = matches!(step, Step::Begin | Step::PutWhole { .. } | Step::PutPart { .. } | Step::Commit);
        // Who compared it knows it.
        let compared = fault.code.as_deref().is_some_and(|code| code.contains("Digest") || code.contains("Mismatch"));
        let speaks = || fault.detail.to_ascii_lowercase().contains("checksum");
        let unknown = fault.status == Some(501) || fault.status == Some(400) && !compared && speaks();
        carries && self.declares(cx).is_some() && unknown
    }

    /// The digest of what is sent. Amazon S3 tells the CRC of whatever it holds. What other stores hold shows by its tag at best, and
    /// that must be known where an object that is in the way may be one's own.
    fn compared(&self) -> Option<Algorithm> {
        if self.is_conditional() && self.object.bucket().rules().etags == Etags::Composite {
            return Some(Algorithm::Md5);
        }
        (self.integrity != Integrity::Unchecked || self.is_conditional()).then_some(Algorithm::Crc64Nvme)
    }

    /// The digest that content must have before its request is built.
    fn known_before(&self) -> Option<Algorithm> {
        match self.object.payload {
            // One reading serves both: S3's SHA-256 checksum and the signature's hash are the same bytes.
            Payload::Signed => Some(Algorithm::Sha256),
            Payload::Unsigned => self.integrity.algorithm(),
        }
    }
}

impl Provider for S3Upload {
    fn authority(&self) -> &str {
        self.object.authority()
    }

    fn object(&self) -> &str {
        self.object.url()
    }

    fn profile(&self) -> Profile {
        let rules = self.object.bucket().rules();
        let mut profile = multipart::profile(rules.parts, self.single.min(rules.single));
        profile.part_digest = self.known_before();
        profile.sent_digest = self.compared().filter(|_| profile.part_digest.is_none());
        profile.refresh = self.refresh;
        profile
    }

    fn build(&self, step: &Step, cx: &Context<'_>, now: Now) -> Result<Request<Body>, BuildError> {
        if contradicts(self.object.payload, self.integrity.algorithm()) {
            let what = "signed content is hashed by SHA-256, and another checksum is asked for besides";
            return Err(BuildError::new(what, "choose Integrity::Sha256, or leave the payload unsigned"));
        }
        self.request(step, cx, now)
    }

    fn interpret(
        &self,
        step: &Step,
        cx: &Context<'_>,
        head: Head<'_>,
        body: &[u8],
        now: Now,
    ) -> Result<Reply, Verdict> {
        let read = Reader { dialect: self, step, cx, head, body, now }.read();
        match read {
            Err(Verdict::Fatal(fault) | Verdict::Retry { fault, .. }) if self.is_unknown(step, cx, &fault) => {
                Err(Verdict::Plain(fault))
            }
            read => read,
        }
    }

    fn is_ready(&self, _: &Step, wall: Wall) -> bool {
        self.object.is_ready(self.refresh, wall)
    }
}

impl Dialect for S3Upload {
    const NAME: &'static str = "S3";
    const NAMESPACE: Option<&'static str> = Some("http://s3.amazonaws.com/doc/2006-03-01/");
    const VERSION: &'static str = "x-amz-version-id";
    type Item = Object;

    fn item(&self) -> &Object {
        &self.object
    }

    fn fields(&self) -> &Fields {
        &self.fields
    }

    fn is_conditional(&self) -> bool {
        self.fields.contains(&header::IF_NONE_MATCH) || self.fields.contains(&header::IF_MATCH)
    }

    fn dress(&self, step: &Step, cx: &Context<'_>, headers: &mut HeaderMap) -> Result<(), BuildError> {
        let algorithm = self.declares(cx);
        match step {
            Step::PutWhole { .. } | Step::PutPart { .. } => match algorithm {
                Some(algorithm) => checked(headers, algorithm, content_digest(step, cx)),
                None => Ok(()),
            },
            Step::Begin => {
                if let Some((name, kind)) = self.integrity.declared().filter(|_| !cx.plain) {
                    headers.insert("x-amz-checksum-algorithm", HeaderValue::from_static(name));
                    headers.insert("x-amz-checksum-type", HeaderValue::from_static(kind));
                }
                Ok(())
            }
            // Where the checksum is one of the whole object, the store compares it before it makes the object. Its type goes with it only:
            // some stores refuse a type of nothing.
            Step::Commit => match whole_digest(cx).zip(self.integrity.declared().filter(|_| !cx.plain)) {
                Some((whole, (_, kind)))
                    if self.integrity == Integrity::Crc64Nvme && Some(whole.algorithm()) == algorithm =>
                {
                    headers.insert("x-amz-checksum-type", HeaderValue::from_static(kind));
                    checked(headers, whole.algorithm(), Some(&whole))
                }
                _ => Ok(()),
            },
            Step::Confirm => {
                headers.insert(checksum::MODE, HeaderValue::from_static("ENABLED"));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn dress_part(&self, number: u64, cx: &Context<'_>, list: &mut String) -> Result<(), BuildError> {
        let Some(algorithm) = self.declares(cx) else { return Ok(()) };
        let digest = cx.digests.get(&number).filter(|digest| digest.algorithm() == algorithm);
        let (Some(name), Some(digest)) = (checksum::element(algorithm), digest) else {
            let what = alloc::format!("the {} of part {number} is not known any more", algorithm.name());
            return Err(BuildError::new(what, "cancel the upload and start it anew"));
        };
        // Writing to a String cannot fail.
        let _ = write!(list, "<{name}>{}</{name}>", checksum::text(digest));
        Ok(())
    }

    fn received(&self, headers: &HeaderMap) -> Vec<Digest> {
        checksum::in_head(headers)
    }

    fn of_whole(&self, headers: &HeaderMap) -> Vec<Digest> {
        checksum::of_whole(headers)
    }

    fn of_result(&self, result: &Element, _: &HeaderMap) -> Vec<Digest> {
        checksum::in_result(result)
    }

    fn tags(&self, at_once: bool, headers: &HeaderMap) -> Tags {
        match self.object.bucket().rules().etags {
            _ if checksum::is_veiled(headers) => Tags::Opaque,
            Etags::Md5 => Tags::Foretold,
            Etags::Composite if at_once => Tags::Perhaps,
            Etags::Composite => Tags::Foretold,
            Etags::Opaque => Tags::Opaque,
        }
    }
}

/// Puts a checksum on a request. Nothing at all has a checksum without being read.
fn checked(headers: &mut HeaderMap, algorithm: Algorithm, digest: Option<&Digest>) -> Result<(), BuildError> {
    let digest = digest.filter(|digest| digest.algorithm() == algorithm);
    let field = checksum::field(algorithm);
    let (Some(field), Some(digest)) = (field, digest) else {
        let what = alloc::format!("the content's {} is not known when its request is made", algorithm.name());
        return Err(BuildError::new(what, "choose Integrity::Returned"));
    };
    let value = HeaderValue::try_from(checksum::text(digest))
        .map_err(|_| BuildError::new("a checksum makes no header", "report this as a bug"))?;
    headers.insert(field, value);
    Ok(())
}

/// Whether SHA-256 serves the signature while another checksum is declared: two digests would have to be known beforehand.
fn contradicts(payload: Payload, declared: Option<Algorithm>) -> bool {
    payload == Payload::Signed && declared.is_some_and(|algorithm| algorithm != Algorithm::Sha256)
}
