//! A key in a bucket, and who asks for it: everything that the requests for one object have in common.
//!
//! Keys follow <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html>.

use alloc::format;
use alloc::string::{String, ToString};

use http::Request;
use longhaul_core::error::BuildError;
use longhaul_core::intent::Body;
use longhaul_core::provider::Context;
use longhaul_core::{Digest, Now};
use longhaul_http::Url;
use longhaul_sign::encode;
use longhaul_store::fault::Errors;
use longhaul_store::fields::Rules;
use longhaul_store::{Item, key};

use crate::access::{Access, Payload, sign};
use crate::bucket::Bucket;
use crate::fault::ERRORS;
use crate::fields::RULES;

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
        key::check(key)?;
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
}

impl Item for Object {
    const RULES: &'static Rules = &RULES;
    const ERRORS: Errors = ERRORS;
    type Access = Access;

    fn url(&self) -> &str {
        self.url()
    }

    fn authority(&self) -> &str {
        self.authority()
    }

    fn region(&self) -> &str {
        self.bucket.region()
    }

    fn access(&self) -> &Access {
        &self.access
    }

    fn renewed(self, access: Access) -> Self {
        self.with_access(access)
    }

    fn sign(
        &self,
        request: &mut Request<Body>,
        content: Option<&Digest>,
        cx: &Context<'_>,
        now: Now,
    ) -> Result<(), BuildError> {
        let wall = now.wall.as_unix().saturating_add(cx.skew);
        sign(&self.access, request, self.bucket.region(), self.payload, content, wall)
    }
}
