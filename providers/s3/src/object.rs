//! A key in a bucket, and who asks for it: everything that the requests for one object have in common.
//!
//! Keys follow <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html>: any UTF-8 of 1 to 1,024 bytes. A key is
//! percent-encoded once and never normalised: double slashes, `.` and `..` segments, `+` and `%` name different objects.

use alloc::format;
use alloc::string::{String, ToString};

use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Uri};
use longhaul_core::error::BuildError;
use longhaul_core::intent::Body;
use longhaul_core::provider::Context;
use longhaul_core::{Digest, Now};
use longhaul_http::Url;
use longhaul_http::fault::Hide;
use longhaul_sign::encode;

use crate::access::{Access, Payload};
use crate::bucket::Bucket;

/// Longest key, in bytes.
const MOST_KEY: usize = 1024;

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("longhaul/", env!("CARGO_PKG_VERSION")));

/// An object of a bucket, and with whose rights it is asked for.
///
/// ```
/// use longhaul_s3::{AccessKey, Bucket, Object};
/// let bucket = Bucket::amazon("eu-central-1", "my-bucket")?;
/// let object = Object::new(bucket, "2026/a b+c.bin", AccessKey::new("AKIDEXAMPLE", "secret"))?;
/// assert_eq!(object.url(), "https://my-bucket.s3.eu-central-1.amazonaws.com/2026/a%20b%2Bc.bin");
/// # Ok::<(), longhaul_core::error::BuildError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Object {
    bucket: Bucket,
    key: String,
    url: Url,
    access: Access,
    pub(crate) payload: Payload,
}

impl Object {
    /// The object `key` of `bucket`.
    ///
    /// # Errors
    /// What is wrong with the key.
    pub fn new(bucket: Bucket, key: &str, access: impl Into<Access>) -> Result<Self, BuildError> {
        check_key(key)?;
        let url = Url::parse(&format!("{}{}", bucket.prefix(), encode::path(key)))?;
        Ok(Self { bucket, key: key.to_string(), url, access: access.into(), payload: Payload::default() })
    }

    /// The same asked for with other rights: what a refresh of credentials makes.
    #[must_use]
    pub fn with_access(mut self, access: impl Into<Access>) -> Self {
        self.access = access.into();
        self
    }

    /// The same with another statement about content in signatures.
    #[must_use]
    pub const fn with_payload(mut self, payload: Payload) -> Self {
        self.payload = payload;
        self
    }

    /// The bucket.
    #[must_use]
    pub const fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// The key, as it is.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The object's URL without any query.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.object()
    }

    /// `host:port`.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.url.authority()
    }

    /// A file name made of the key's last segment, already safe. `None` where the key ends with `/`.
    #[must_use]
    pub fn file_name(&self) -> Option<&str> {
        self.url.file_name()
    }

    /// A request for the object, signed. `query` is encoded, without `?`.
    pub(crate) fn request(&self, head: Start<'_>, cx: &Context<'_>, now: Now) -> Result<Request<Body>, BuildError> {
        let Start { method, query, headers, body, content } = head;
        let text = if query.is_empty() { self.url().to_string() } else { format!("{}?{query}", self.url()) };
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = Uri::try_from(text)
            .map_err(|_| BuildError::new("the store's id of the upload makes no URL", "start the upload anew"))?;
        *request.headers_mut() = headers;
        request.headers_mut().entry(header::USER_AGENT).or_insert(USER_AGENT);
        self.sign(&mut request, content, cx, now)?;
        Ok(request)
    }

    /// Signs a complete request.
    pub(crate) fn sign(
        &self,
        request: &mut Request<Body>,
        content: Option<&Digest>,
        cx: &Context<'_>,
        now: Now,
    ) -> Result<(), BuildError> {
        let wall = now.wall.as_unix().saturating_add(cx.skew);
        self.access.sign(request, self.bucket.region(), self.payload, content, wall)
    }

    /// What must not be shown of a server's words.
    pub(crate) fn hide(&self) -> Hide {
        self.access.hide(Hide::new())
    }
}

/// What a request begins with.
pub(crate) struct Start<'a> {
    pub(crate) method: Method,
    /// Encoded, without `?`.
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    /// Digest of the source bytes in the body, for [`Payload::Signed`].
    pub(crate) content: Option<&'a Digest>,
}

fn check_key(key: &str) -> Result<(), BuildError> {
    if key.is_empty() {
        return Err(BuildError::new("the key is empty", "name the object in the bucket"));
    }
    if key.len() > MOST_KEY {
        let what = format!("the key has {} bytes", key.len());
        return Err(BuildError::new(what, format!("use at most {MOST_KEY} bytes (of UTF-8, not characters)")));
    }
    // They would be encoded and could do no harm here, but in logs, listings and file names they do (K3).
    if let Some(c) = key.chars().find(|c| matches!(c, '\0' | '\r' | '\n')) {
        return Err(BuildError::new(format!("the key has the character {c:?}"), "remove it"));
    }
    Ok(())
}
