//! Checksums of Azure: which go along with content, how they are written, what answers tell.
//!
//! Follows <https://learn.microsoft.com/rest/api/storageservices/put-block> (transactional `Content-MD5` or `x-ms-content-crc64`, never
//! both) and <https://learn.microsoft.com/rest/api/storageservices/put-block-list> (`x-ms-blob-content-md5`: stored, not verified).
//! Azure's CRC-64 is CRC-64/NVME, written least significant byte first.

use alloc::format;
use alloc::string::{String, ToString};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use longhaul_core::error::BuildError;
use longhaul_core::{Algorithm, Digest};
use longhaul_http::read::single;

/// The MD5 of a whole blob, stored with it.
pub(crate) const BLOB_MD5: &str = "x-ms-blob-content-md5";

/// Which checksums go along with content.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Integrity {
    /// None is sent. The CRC-64 that Azure returns of what it received is compared with what was sent.
    #[default]
    Returned,
    /// `x-ms-content-crc64` with every request that carries content. It is read twice.
    Crc64,
    /// `Content-MD5` with every request that carries content. It is read twice.
    Md5,
    /// None is sent, and nothing is compared: what goes up need not be looked at. Damage under way shows only where TLS notices it.
    Unchecked,
}

impl Integrity {
    /// The algorithm of the digests that are sent.
    #[must_use]
    pub const fn algorithm(self) -> Option<Algorithm> {
        match self {
            Self::Returned | Self::Unchecked => None,
            Self::Crc64 => Some(Algorithm::Crc64Nvme),
            Self::Md5 => Some(Algorithm::Md5),
        }
    }
}

/// The field for a digest of a request's content.
fn field(algorithm: Algorithm) -> Option<&'static str> {
    match algorithm {
        Algorithm::Crc64Nvme => Some("x-ms-content-crc64"),
        Algorithm::Md5 => Some("content-md5"),
        _ => None,
    }
}

/// A digest as Azure writes it.
fn text(digest: &Digest) -> String {
    if digest.algorithm() != Algorithm::Crc64Nvme {
        return STANDARD.encode(digest.bytes());
    }
    let mut bytes = digest.bytes().to_vec();
    bytes.reverse();
    STANDARD.encode(bytes)
}

fn parse(algorithm: Algorithm, value: &[u8]) -> Option<Digest> {
    // No digest is longer.
    let mut bytes = STANDARD.decode(Some(value).filter(|value| value.len() <= 128)?).ok()?;
    if algorithm == Algorithm::Crc64Nvme {
        bytes.reverse();
    }
    Digest::new(algorithm, &bytes)
}

/// Puts the digest of its content on a request.
pub(crate) fn declare(
    headers: &mut HeaderMap,
    integrity: Integrity,
    digest: Option<&Digest>,
) -> Result<(), BuildError> {
    let Some(algorithm) = integrity.algorithm() else { return Ok(()) };
    match field(algorithm).zip(digest.filter(|digest| digest.algorithm() == algorithm)) {
        Some((field, digest)) => insert(headers, field, digest),
        None => {
            let what = format!("the content's {} is not known when its request is made", algorithm.name());
            Err(BuildError::new(what, "choose Integrity::Returned"))
        }
    }
}

/// Puts the MD5 of the whole blob on the request that makes it.
pub(crate) fn store(headers: &mut HeaderMap, digest: &Digest) -> Result<(), BuildError> {
    insert(headers, BLOB_MD5, digest)
}

fn insert(headers: &mut HeaderMap, field: &'static str, digest: &Digest) -> Result<(), BuildError> {
    let value = HeaderValue::try_from(text(digest))
        .map_err(|error| BuildError::new(error.to_string(), "report this as a bug"))?;
    headers.insert(HeaderName::from_static(field), value);
    Ok(())
}

/// What the service says it received: its digest of this algorithm.
pub(crate) fn received(headers: &HeaderMap, algorithm: Algorithm) -> Option<Digest> {
    parse(algorithm, single(headers, field(algorithm)?).ok().flatten()?)
}

/// The MD5 stored with a blob, where a range of it is answered.
pub(crate) fn stored(headers: &HeaderMap) -> Option<Digest> {
    parse(Algorithm::Md5, single(headers, BLOB_MD5).ok().flatten()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crc_is_written_least_significant_byte_first() {
        let digest = Digest::new(Algorithm::Crc64Nvme, &1u64.to_be_bytes()).expect("eight bytes");
        assert_eq!(text(&digest), "AQAAAAAAAAA=");
        assert_eq!(parse(Algorithm::Crc64Nvme, b"AQAAAAAAAAA="), Some(digest));
        let md5 = Digest::new(Algorithm::Md5, &[1; 16]).expect("sixteen bytes");
        assert_eq!(parse(Algorithm::Md5, text(&md5).as_bytes()), Some(md5));
        for bad in ["", "!", "AQ==", "AQAAAAAAAAAAAA==", &"A".repeat(129)] {
            assert_eq!(parse(Algorithm::Crc64Nvme, bad.as_bytes()), None, "{bad}");
        }
    }
}
