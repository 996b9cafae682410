//! A plain HTTP upload, described.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use longhaul_core::Provider;
use longhaul_core::error::BuildError;
use longhaul_core::intent::Deadlines;
use longhaul_core::layout::PartSize;
use longhaul_core::retry::RetryPolicy;
use longhaul_core::spec::{Direction, Spec, TransferKey};
use longhaul_driver::Job;
use longhaul_driver::memory::MemorySource;
use longhaul_driver::storage::Storage;
use longhaul_http::{Headers, HttpPut, HttpUpload};

/// What to upload to and how; where from is said last and makes a [`Job`] of it.
#[derive(Clone)]
#[must_use = "an upload is described until `from`, `from_bytes` or `from_storage` makes a job of it"]
pub struct Upload {
    url: String,
    /// What the server is told by the default protocol, which tells files by it: name and category.
    told: Vec<String>,
    protocol: Protocol,
    part_size: PartSize,
    retry: RetryPolicy,
    deadlines: Deadlines,
}

#[derive(Clone, Debug)]
enum Protocol {
    Form(HttpUpload),
    Put(HttpPut),
}

impl Upload {
    /// An upload to `url` by the default multipart/form-data protocol, which resumes; the server stores it as `file_name`.
    ///
    /// # Errors
    /// When URL or name are not usable; the message says what to change.
    pub fn new(url: &str, file_name: &str) -> Result<Self, BuildError> {
        Ok(Self::by(url, vec![file_name.to_owned()], Protocol::Form(HttpUpload::new(url, file_name)?)))
    }

    /// An upload to `url` by a single `PUT`: WebDAV servers, presigned URLs. A broken one starts again.
    ///
    /// # Errors
    /// When the URL is not usable; the message says what to change.
    pub fn put(url: &str) -> Result<Self, BuildError> {
        Ok(Self::by(url, Vec::new(), Protocol::Put(HttpPut::new(url)?)))
    }

    fn by(url: &str, told: Vec<String>, protocol: Protocol) -> Self {
        let (part_size, retry, deadlines) = <(PartSize, RetryPolicy, Deadlines)>::default();
        Self { url: url.to_owned(), told, protocol, part_size, retry, deadlines }
    }

    /// Header fields for every request.
    ///
    /// # Errors
    /// When one of them is longhaul's to set.
    pub fn headers(mut self, headers: Headers) -> Result<Self, BuildError> {
        self.protocol = match self.protocol {
            Protocol::Form(form) => Protocol::Form(form.with_headers(headers)?),
            Protocol::Put(put) => Protocol::Put(put.with_headers(headers)?),
        };
        Ok(self)
    }

    /// The protocol's `category` field. No effect on a single `PUT`.
    ///
    /// # Errors
    /// When it is not usable in a form.
    pub fn category(mut self, category: &str) -> Result<Self, BuildError> {
        if let Protocol::Form(form) = self.protocol {
            self.protocol = Protocol::Form(form.with_category(category)?);
            self.told.truncate(1);
            self.told.push(category.to_owned());
        }
        Ok(self)
    }

    /// Bytes per request. Default [`PartSize::Auto`].
    pub fn part_size(mut self, size: PartSize) -> Self {
        self.part_size = size;
        self
    }

    /// How often what fails is tried again.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// The clocks that run on each request.
    pub fn deadlines(mut self, deadlines: Deadlines) -> Self {
        self.deadlines = deadlines;
        self
    }

    /// From any storage; `source` names it, to tell duplicates.
    pub fn from_storage(self, storage: Arc<dyn Storage>, source: &str) -> Job {
        let provider: Arc<dyn Provider> = match self.protocol {
            Protocol::Form(form) => Arc::new(form),
            Protocol::Put(put) => Arc::new(put),
        };
        // Quoted, so that no name looks like another with a category.
        let destination = self.told.iter().fold(self.url, |text, told| format!("{text} {told:?}"));
        let key = TransferKey::new(Direction::Upload, source, &destination);
        let mut spec = Spec::new(Direction::Upload, provider, key);
        spec.part_size = self.part_size;
        spec.retry = self.retry;
        spec.deadlines = self.deadlines;
        Job::new(spec, storage)
    }

    /// From memory.
    pub fn from_bytes(self, content: impl Into<Bytes>) -> Job {
        let content = content.into();
        let name = format!("memory {:p} {}", content.as_ptr(), content.len());
        self.from_storage(Arc::new(MemorySource::new(content)), &name)
    }
}

/// Without the URL's query and user information.
impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("protocol", &self.protocol).finish_non_exhaustive()
    }
}

#[cfg(feature = "files")]
mod files {
    use std::io;
    use std::path::PathBuf;
    use std::sync::Arc;

    use bytes::Bytes;
    use futures::Stream;
    use longhaul_disk::{FileSource, SpoolFile};
    use longhaul_driver::Job;
    use longhaul_driver::spool::SpooledSource;

    use super::Upload;

    impl Upload {
        /// From the file `path`. The default protocol resumes by what the server holds, so no local record is needed.
        pub fn from(self, path: impl Into<PathBuf>) -> Job {
            let path = path.into();
            let name = path.to_string_lossy().into_owned();
            self.from_storage(Arc::new(FileSource::new(path)), &name)
        }

        /// From a stream of unknown length, which is kept in an unlinked temporary file as far as the protocol needs it.
        /// `longhaul::tokio::frames` makes one of a reader of tokio's.
        pub fn from_stream(self, frames: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Job {
            let source = SpooledSource::new(frames, Arc::new(SpoolFile::default()));
            self.from_storage(Arc::new(source), &crate::own_name("stream"))
        }
    }
}
