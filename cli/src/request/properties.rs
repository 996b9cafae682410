//! What an upload says of the object it makes. Amazon S3 and OSS are told when it begins: a run that goes on cannot say otherwise.

use sha2::{Digest, Sha256};

use super::{Remote, Request, What};
use crate::args::Made;
use crate::exit::Failure;

impl Request {
    /// A fingerprint of what is said when an upload to a store begins: media type, metadata, class, header fields. Values may be
    /// secret, so they are not kept themselves. `None` where nothing is said for good: downloads, and all other servers.
    pub(crate) fn properties(&self) -> Result<Option<String>, Failure> {
        let (What::Put { made, .. }, Remote::Store(store)) = (&self.what, &self.remote) else { return Ok(None) };
        if !store.is_told_at_begin() {
            return Ok(None);
        }
        let Made { content_type, metadata, storage_class, no_overwrite: _ } = made;
        let mut said = vec![format!("{content_type:?} {storage_class:?}").into_bytes()];
        said.extend(metadata.iter().map(|pair| format!("{pair:?}").into_bytes()));
        let headers = self.options.fields.headers()?;
        said.extend(headers.iter().map(|(name, value)| [name.as_str().as_bytes(), b": ", value.as_bytes()].concat()));
        said.sort();
        let mut hash = Sha256::new();
        for one in said {
            hash.update((one.len() as u64).to_le_bytes());
            hash.update(one);
        }
        Ok(Some(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()))
    }
}
