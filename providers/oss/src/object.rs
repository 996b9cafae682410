//! A key in a bucket, and who asks for it: everything that the requests for one object have in common, their signature too.
//!
//! Follows <https://www.alibabacloud.com/help/en/oss/developer-reference/recommend-to-use-signature-version-4> and
//! <https://www.alibabacloud.com/help/en/oss/developer-reference/add-signatures-to-urls>. A signature is made when its request is built, with
//! the wall time of that moment on the server's clock, and is never used twice.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use http::header::HeaderMap;
use http::{Method, Request, Uri};
use longhaul_core::error::BuildError;
use longhaul_core::intent::Body;
use longhaul_core::provider::Context;
use longhaul_core::{Digest, Now};
use longhaul_http::Url;
use longhaul_sign::oss_v4::{Resource, Signer};
use longhaul_sign::{SecretUri, Target, encode};
use longhaul_store::Access;
use longhaul_store::access::unsigned;
use longhaul_store::fault::Errors;
use longhaul_store::fields::Rules;
use longhaul_store::{Item, key};

use crate::bucket::Bucket;
use crate::fault::ERRORS;
use crate::fields::RULES;

/// An object of a bucket, and with whose rights it is asked for.
///
/// ```
/// use longhaul_oss::{AccessKey, Bucket, Object};
/// let bucket = Bucket::aliyun("cn-hangzhou", "my-bucket")?;
/// let object = Object::new(bucket, "2026/a b+c.bin", AccessKey::new("LTAIEXAMPLE", "secret"))?;
/// assert_eq!(object.url(), "https://my-bucket.oss-cn-hangzhou.aliyuncs.com/2026/a%20b%2Bc.bin");
/// # Ok::<(), longhaul_core::error::BuildError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Object {
    bucket: Bucket,
    key: String,
    url: Url,
    access: Access,
    also_signed: Vec<String>,
}

impl Object {
    /// The object `key` of `bucket`.
    ///
    /// # Errors
    /// What is wrong with the key.
    pub fn new(bucket: Bucket, key: &str, access: impl Into<Access>) -> Result<Self, BuildError> {
        key::check(key)?;
        let url = Url::parse(&format!("{}{}", bucket.prefix(), encode::path(key)))?;
        Ok(Self { bucket, key: key.to_string(), url, access: access.into(), also_signed: Vec::new() })
    }

    /// The same asked for with other rights: what a refresh of credentials makes.
    #[must_use]
    pub fn with_access(mut self, access: impl Into<Access>) -> Self {
        self.access = access.into();
        self
    }

    /// The same with further header fields in the signature, where a request has them (`range`, `if-match`, …). Always signed are
    /// `x-oss-*`, `content-type` and `content-md5`. A proxy that changes one of them breaks the request.
    #[must_use]
    pub fn also_signing(mut self, names: &[&str]) -> Self {
        self.also_signed = names.iter().map(|name| name.to_ascii_lowercase()).collect();
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

    /// A URL that carries its signature, for somebody without the key: what a backend issues. `query` is encoded, without `?`
    /// (`partNumber=1&uploadId=…`, or empty). Whoever uses the URL sends `headers` as they are, in the next `seconds` (1 to
    /// 604,800, and not longer than the key lives) from `now`, and no `Content-Type` beside them.
    ///
    /// # Errors
    /// When access is anonymous, or the request cannot be signed.
    pub fn presign(
        &self,
        method: &Method,
        query: &str,
        headers: &HeaderMap,
        seconds: u32,
        now: Now,
    ) -> Result<SecretUri, BuildError> {
        let Some(key) = self.access.key() else {
            return Err(BuildError::new("an anonymous URL carries no signature", "give an access key"));
        };
        let text = if query.is_empty() { self.url().to_string() } else { format!("{}?{query}", self.url()) };
        let uri = Uri::try_from(text).map_err(|_| BuildError::new("the query makes no URL", "encode it"))?;
        let names: Vec<&str> = self.also_signed.iter().map(String::as_str).collect();
        let signer = Signer::new(key, self.bucket.region(), now.wall.as_unix()).additional(&names);
        let target = Target::new(method, &uri, headers);
        let presigned = signer.presign(target, self.resource(), seconds).map_err(|error| unsigned(&error))?;
        Ok(presigned.into_url())
    }

    fn resource(&self) -> Resource<'_> {
        Resource::object(self.bucket.name(), &self.key)
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
        _: Option<&Digest>,
        cx: &Context<'_>,
        now: Now,
    ) -> Result<(), BuildError> {
        let Some(key) = self.access.key() else { return Ok(()) };
        let names: Vec<&str> = self.also_signed.iter().map(String::as_str).collect();
        let wall = now.wall.as_unix().saturating_add(cx.skew);
        let signer = Signer::new(key, self.bucket.region(), wall).additional(&names);
        let signed = signer.sign(Target::from(&*request), self.resource()).map_err(|error| unsigned(&error))?;
        signed.apply(request.headers_mut());
        Ok(())
    }
}
