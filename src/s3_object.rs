//! What an object of an S3-style store adds to [`StoreObject`].

use std::sync::Arc;

use longhaul_core::Provider;
use longhaul_core::error::BuildError;
use longhaul_http::Headers;
use longhaul_s3::{Access, Bucket, Integrity, Object, Payload, S3Download, S3Upload};
use longhaul_store::Item;

use crate::store_object::{Store, StoreObject, sealed::Sealed};

/// An object of an S3-style store and how to move it.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use longhaul::s3::{AccessKey, Bucket};
/// use longhaul::S3Object;
///
/// let bucket = Bucket::amazon("eu-central-1", "my-bucket")?;
/// let key = AccessKey::new("AKIDEXAMPLE", std::env::var("AWS_SECRET_ACCESS_KEY")?);
/// let client = longhaul::client()?;
/// let object = S3Object::new(bucket, "backup/big.iso", key)?;
/// client.submit(object.clone().from("big.iso", "/var/lib/me/uploads")).await?.await?;
/// client.submit(object.to("copy.iso")?).await?.await?;
/// # Ok(())
/// # }
/// ```
pub type S3Object = StoreObject<S3>;

/// The providers of an object of an S3-style store.
#[derive(Clone, Debug)]
pub struct S3 {
    upload: S3Upload,
    headers: Headers,
    version: Option<String>,
}

impl StoreObject<S3> {
    /// The object `key` of `bucket`, asked for with `access`: an [`AccessKey`](longhaul_s3::AccessKey) or [`Access::Anonymous`].
    ///
    /// # Errors
    /// When the key is not usable; the message says what to change.
    pub fn new(bucket: Bucket, key: &str, access: impl Into<Access>) -> Result<Self, BuildError> {
        let upload = S3Upload::new(Object::new(bucket, key, access)?);
        Ok(Self::of(S3 { upload, headers: Headers::new(), version: None }))
    }

    /// Header fields. For an upload: content type, metadata (`x-amz-meta-…`), tags, encryption, storage class, conditions
    /// (`If-None-Match: *` to replace nothing). For a download: a customer's encryption key, the payer.
    ///
    /// # Errors
    /// When one of them is longhaul's to set.
    pub fn headers(mut self, headers: Headers) -> Result<Self, BuildError> {
        self.store.upload = self.store.upload.with_headers(headers.clone())?;
        self.store.headers = headers;
        Ok(self)
    }

    /// Downloads one version, by its id.
    pub fn version(mut self, id: &str) -> Self {
        self.store.version = Some(id.to_owned());
        self
    }

    /// Checksums that go along with an upload. Default [`Integrity::Returned`].
    pub fn integrity(mut self, integrity: Integrity) -> Self {
        self.store.upload = self.store.upload.with_integrity(integrity);
        self
    }

    /// Whether signatures cover content. Default [`Payload::Unsigned`].
    pub fn payload(mut self, payload: Payload) -> Self {
        self.store.upload = self.store.upload.with_payload(payload);
        self
    }

    /// Uploads of up to this many bytes take one request. Default [`longhaul_s3::upload::SINGLE`].
    pub fn single_up_to(mut self, bytes: u64) -> Self {
        self.store.upload = self.store.upload.single_up_to(bytes);
        self
    }
}

impl Sealed for S3 {}

impl Store for S3 {
    type Access = Access;

    fn url(&self) -> &str {
        self.upload.target().url()
    }

    fn file_name(&self) -> Option<&str> {
        self.upload.target().file_name()
    }

    fn access(&self) -> &Access {
        Item::access(self.upload.target())
    }

    fn with_access(mut self, access: Access) -> Self {
        self.upload = self.upload.with_access(access);
        self
    }

    fn download(&self, refreshable: bool) -> Result<Arc<dyn Provider>, BuildError> {
        let download = S3Download::new(self.upload.target().clone())?.refreshable(refreshable);
        let download = download.with_headers(self.headers.clone())?;
        Ok(match &self.version {
            Some(version) => Arc::new(download.with_version(version)?),
            None => Arc::new(download),
        })
    }

    fn upload(&self, refreshable: bool) -> Arc<dyn Provider> {
        Arc::new(self.upload.clone().refreshable(refreshable))
    }
}
