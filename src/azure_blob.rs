//! What a blob of Azure adds to [`StoreObject`].

use std::sync::Arc;

use longhaul_azblob::{Access, AzureDownload, AzureUpload, Blob, Container, Integrity};
use longhaul_core::Provider;
use longhaul_core::error::BuildError;
use longhaul_http::Headers;

use crate::store_object::{Store, StoreObject, sealed::Sealed};

/// A block blob of Azure and how to move it.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use longhaul::AzureBlob;
/// use longhaul::azblob::{Access, Container};
///
/// let container = Container::new("acme", "backups")?;
/// let access = Access::key("acme", &std::env::var("AZURE_STORAGE_KEY")?)?;
/// let client = longhaul::client()?;
/// let blob = AzureBlob::new(container, "2026/big.iso", access)?;
/// client.submit(blob.clone().from("big.iso", "/var/lib/me/uploads")).await?.await?;
/// client.submit(blob.to("copy.iso")?).await?.await?;
/// # Ok(())
/// # }
/// ```
pub type AzureBlob = StoreObject<Azure>;

/// The providers of a blob of Azure.
#[derive(Clone, Debug)]
pub struct Azure {
    upload: AzureUpload,
    headers: Headers,
    moment: Option<Moment>,
}

/// What is downloaded in the place of the blob as it is now.
#[derive(Clone, Debug)]
enum Moment {
    Version(String),
    Snapshot(String),
}

impl StoreObject<Azure> {
    /// The blob `name` of `container`, asked for with `access`: an account key, a SAS or [`Access::Anonymous`].
    ///
    /// # Errors
    /// When the name is not usable; the message says what to change.
    pub fn new(container: Container, name: &str, access: impl Into<Access>) -> Result<Self, BuildError> {
        Ok(Self::blob(Blob::new(container, name, access)?))
    }

    /// The blob that a SAS URL is for.
    ///
    /// # Errors
    /// When the URL is none; nothing of its query is repeated.
    pub fn from_sas_url(url: &str) -> Result<Self, BuildError> {
        Ok(Self::blob(Blob::from_sas_url(url)?))
    }

    fn blob(blob: Blob) -> Self {
        Self::of(Azure { upload: AzureUpload::new(blob), headers: Headers::new(), moment: None })
    }

    /// Header fields. For an upload: content type, metadata (`x-ms-meta-…`), tags, access tier, encryption, a lease, conditions
    /// (`If-None-Match: *` to replace nothing). For a download: a customer's encryption key, a lease.
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
        self.store.moment = Some(Moment::Version(id.to_owned()));
        self
    }

    /// Downloads a snapshot, by its time as the service gave it.
    pub fn snapshot(mut self, time: &str) -> Self {
        self.store.moment = Some(Moment::Snapshot(time.to_owned()));
        self
    }

    /// Checksums that go along with an upload. Default [`Integrity::Returned`].
    pub fn integrity(mut self, integrity: Integrity) -> Self {
        self.store.upload = self.store.upload.with_integrity(integrity);
        self
    }

    /// Whether the MD5 of the whole content is stored with an uploaded blob, at the cost of reading it once more. Default false.
    pub fn stored_md5(mut self, stored: bool) -> Self {
        self.store.upload = self.store.upload.with_stored_md5(stored);
        self
    }

    /// Uploads of up to this many bytes take one request. Default [`longhaul_azblob::upload::SINGLE`].
    pub fn single_up_to(mut self, bytes: u64) -> Self {
        self.store.upload = self.store.upload.single_up_to(bytes);
        self
    }
}

impl Sealed for Azure {}

impl Store for Azure {
    type Access = Access;

    fn url(&self) -> &str {
        self.upload.target().url()
    }

    fn file_name(&self) -> Option<&str> {
        self.upload.target().file_name()
    }

    fn access(&self) -> &Access {
        self.upload.target().access()
    }

    fn with_access(mut self, access: Access) -> Self {
        self.upload = self.upload.with_access(access);
        self
    }

    fn download(&self, refreshable: bool) -> Result<Arc<dyn Provider>, BuildError> {
        let download = AzureDownload::new(self.upload.target().clone())?.refreshable(refreshable);
        let download = download.with_headers(self.headers.clone())?;
        Ok(Arc::new(match &self.moment {
            Some(Moment::Version(id)) => download.with_version(id)?,
            Some(Moment::Snapshot(time)) => download.with_snapshot(time)?,
            None => download,
        }))
    }

    fn upload(&self, refreshable: bool) -> Arc<dyn Provider> {
        Arc::new(self.upload.clone().refreshable(refreshable))
    }
}
