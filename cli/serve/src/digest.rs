//! `Repr-Digest: sha-256` on demand, [RFC 9530](https://www.rfc-editor.org/rfc/rfc9530).

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName};
use sha2::{Digest, Sha256};

use crate::file;
use crate::shared::{Halt, Shared};
use crate::version::Version;

pub(crate) const WANT_REPR_DIGEST: HeaderName = HeaderName::from_static("want-repr-digest");
pub(crate) const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

/// Digests kept; the cache starts anew when it is full.
const MAX_CACHED: usize = 1024;
const BLOCK: usize = 1 << 20;

/// The SHA-256 of files, each computed once for a version of a path.
#[derive(Debug, Default)]
pub(crate) struct DigestCache {
    known: Mutex<HashMap<PathBuf, (Version, [u8; 32])>>,
    /// Held while a file is hashed: the second asker waits for the first one's result.
    hashing: tokio::sync::Mutex<()>,
}

impl DigestCache {
    fn get(&self, path: &Path, version: &Version) -> Option<[u8; 32]> {
        let known = self.lock();
        let (of, digest) = known.get(path)?;
        (of == version).then_some(*digest)
    }

    fn put(&self, path: &Path, version: &Version, digest: [u8; 32]) {
        let mut known = self.lock();
        if known.len() >= MAX_CACHED {
            known.clear();
        }
        known.insert(path.to_owned(), (version.clone(), digest));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, (Version, [u8; 32])>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the client asks for SHA-256: a member `sha-256` whose weight is not zero.
pub(crate) fn wants_sha256(headers: &HeaderMap) -> bool {
    let values = headers.get_all(WANT_REPR_DIGEST).iter();
    let members = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    members
        .filter_map(|member| member.trim().split_once('='))
        .any(|(name, weight)| name == "sha-256" && weight.trim().parse::<u8>().is_ok_and(|weight| weight > 0))
}

/// The value of Repr-Digest for an open file.
pub(crate) async fn sha256(shared: &Shared, path: &Path, file: &Arc<File>, version: &Version) -> io::Result<String> {
    let cached = || shared.digests.get(path, version);
    let mut digest = cached();
    if digest.is_none() {
        let _alone = shared.digests.hashing.lock().await;
        digest = cached();
        if digest.is_none() {
            let (file, len) = (Arc::clone(file), version.len);
            let fresh = shared.blocking(move |halt| hash(&file, len, halt)).await?;
            shared.digests.put(path, version, fresh);
            digest = Some(fresh);
        }
    }
    Ok(format!("sha-256=:{}:", STANDARD.encode(digest.unwrap_or_default())))
}

fn hash(file: &File, len: u64, halt: &Halt) -> io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    let mut buf = vec![0; usize::try_from(len).unwrap_or(BLOCK).min(BLOCK)];
    let mut at = 0;
    while at < len {
        halt.check()?;
        let n = usize::try_from(len - at).unwrap_or(BLOCK).min(BLOCK);
        file::read_exact_at(file, &mut buf[..n], at)?;
        hasher.update(&buf[..n]);
        at += n as u64;
    }
    Ok(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wish_is_read_as_a_dictionary_with_weights() {
        let wants = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(WANT_REPR_DIGEST, value.parse().unwrap());
            wants_sha256(&headers)
        };
        assert!(wants("sha-256=1"));
        assert!(wants("sha-512=3, sha-256=10"));
        assert!(!wants("sha-256=0"));
        assert!(!wants("sha-512=3"));
        assert!(!wants("sha-256"));
        assert!(!wants("rubbish"));
    }
}
