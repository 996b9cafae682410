//! What an object of Aliyun OSS adds to [`StoreObject`].

use std::sync::Arc;

use longhaul_core::Provider;
use longhaul_core::error::BuildError;
use longhaul_http::Headers;
use longhaul_oss::{Access, Bucket, Integrity, Object, OssDownload, OssUpload};
use longhaul_store::Item;

use crate::store_object::{Store, StoreObject, sealed::Sealed};

/// An object of Aliyun OSS and how to move it.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use longhaul::oss::{AccessKey, Bucket};
/// use longhaul::OssObject;
///
/// let bucket = Bucket::aliyun("cn-hangzhou", "my-bucket")?;
/// let key = AccessKey::new("LTAIEXAMPLE", std::env::var("OSS_ACCESS_KEY_SECRET")?);
/// let client = longhaul::client()?;
/// let object = OssObject::new(bucket, "backup/big.iso", key)?;
/// client.submit(object.clone().from("big.iso", "/var/lib/me/uploads")).await?.await?;
/// client.submit(object.to("copy.iso")?).await?.await?;
/// # Ok(())
/// # }
/// ```
pub type OssObject = StoreObject<Oss>;

/// The providers of an object of Aliyun OSS.
#[derive(Clone, Debug)]
pub struct Oss {
    upload: OssUpload,
    headers: Headers,
    version: Option<String>,
}

impl StoreObject<Oss> {
    /// The object `key` of `bucket`, asked for with `access`: an [`AccessKey`](longhaul_oss::AccessKey) or [`Access::Anonymous`].
    ///
    /// # Errors
    /// When the key is not usable; the message says what to change.
    pub fn new(bucket: Bucket, key: &str, access: impl Into<Access>) -> Result<Self, BuildError> {
        Ok(Self::of_object(Object::new(bucket, key, access)?))
    }

    /// An object with settings of its own, such as further header fields in the signature.
    pub fn of_object(object: Object) -> Self {
        Self::of(Oss { upload: OssUpload::new(object), headers: Headers::new(), version: None })
    }

    /// Header fields. For an upload: content type, metadata (`x-oss-meta-…`), tags, encryption, storage class, ACL, callback. For a
    /// download: the payer, a limit of the rate.
    ///
    /// # Errors
    /// When one of them is longhaul's to set, or is a condition that OSS does not know.
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

    /// Whether an upload may replace an object that is there. Default true.
    pub fn overwriting(mut self, overwrite: bool) -> Self {
        self.store.upload = self.store.upload.overwriting(overwrite);
        self
    }

    /// The checksum that protects an upload. Default [`Integrity::Crc64`].
    pub fn integrity(mut self, integrity: Integrity) -> Self {
        self.store.upload = self.store.upload.with_integrity(integrity);
        self
    }

    /// Uploads of up to this many bytes take one request. Default [`longhaul_oss::upload::SINGLE`].
    pub fn single_up_to(mut self, bytes: u64) -> Self {
        self.store.upload = self.store.upload.single_up_to(bytes);
        self
    }
}

impl Sealed for Oss {}

impl Store for Oss {
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
        let download = OssDownload::new(self.upload.target().clone())?.refreshable(refreshable);
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
