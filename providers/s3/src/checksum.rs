//! Checksums of S3: which go along with an upload, how they are written, and what entity tags tell.
//!
//! Follows <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html> and
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html>.

use alloc::string::String;
use alloc::vec::Vec;
use core::str;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::HeaderName;
use longhaul_core::{Algorithm, Digest};
use longhaul_http::read::single;
use longhaul_sign::xml::Element;
use longhaul_store::etag::bare;

/// Which checksums go along with an upload.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Integrity {
    /// None is sent: every store takes such an upload. What the store returns of its own accord is compared with what was
    /// sent: Amazon S3 does so for every part.
    #[default]
    Returned,
    /// CRC-32C, sent with every part and repeated at the end. The content is read twice.
    Crc32c,
    /// CRC-64/NVME, sent with every part and, combined, for the whole object at the end. The content is read twice.
    Crc64Nvme,
    /// SHA-256, sent with every part and repeated at the end. The content is read twice.
    Sha256,
    /// None is sent, and nothing is compared: what goes up need not be looked at. Damage under way shows only where TLS notices it.
    Unchecked,
}

impl Integrity {
    /// The algorithm declared to the store.
    #[must_use]
    pub const fn algorithm(self) -> Option<Algorithm> {
        match self {
            Self::Returned | Self::Unchecked => None,
            Self::Crc32c => Some(Algorithm::Crc32c),
            Self::Crc64Nvme => Some(Algorithm::Crc64Nvme),
            Self::Sha256 => Some(Algorithm::Sha256),
        }
    }

    /// `x-amz-checksum-algorithm` and `x-amz-checksum-type` of `CreateMultipartUpload`.
    pub(crate) const fn declared(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Returned | Self::Unchecked => None,
            Self::Crc32c => Some(("CRC32C", "COMPOSITE")),
            Self::Crc64Nvme => Some(("CRC64NVME", "FULL_OBJECT")),
            Self::Sha256 => Some(("SHA256", "COMPOSITE")),
        }
    }
}

/// The names a checksum has: algorithm, header field, element.
const NAMES: [(Algorithm, &str, &str); 5] = [
    (Algorithm::Sha256, "x-amz-checksum-sha256", "ChecksumSHA256"),
    (Algorithm::Sha1, "x-amz-checksum-sha1", "ChecksumSHA1"),
    (Algorithm::Crc64Nvme, "x-amz-checksum-crc64nvme", "ChecksumCRC64NVME"),
    (Algorithm::Crc32c, "x-amz-checksum-crc32c", "ChecksumCRC32C"),
    (Algorithm::Crc32, "x-amz-checksum-crc32", "ChecksumCRC32"),
];

/// The header field that asks for the checksums of an object.
pub(crate) const MODE: HeaderName = HeaderName::from_static("x-amz-checksum-mode");

/// The header field for a checksum.
pub(crate) fn field(algorithm: Algorithm) -> Option<HeaderName> {
    NAMES.into_iter().find(|(known, ..)| *known == algorithm).map(|(_, field, _)| HeaderName::from_static(field))
}

/// The element for a checksum in lists and results.
pub(crate) fn element(algorithm: Algorithm) -> Option<&'static str> {
    NAMES.into_iter().find(|(known, ..)| *known == algorithm).map(|(.., element)| element)
}

/// A checksum as it is written: base64, most significant byte first.
pub(crate) fn text(digest: &Digest) -> String {
    STANDARD.encode(digest.bytes())
}

/// Reads such a text. `None` for composite checksums (`…-3`) and everything malformed.
pub(crate) fn parse(algorithm: Algorithm, text: &str) -> Option<Digest> {
    // No digest is longer.
    let text = Some(text.trim()).filter(|text| text.len() <= 128)?;
    Digest::new(algorithm, &STANDARD.decode(text).ok()?)
}

/// The checksums in an answer's head, in the order of [`Algorithm::ALL`], whatever they are of.
pub(crate) fn in_head(headers: &HeaderMap) -> Vec<Digest> {
    NAMES
        .into_iter()
        .filter_map(|(algorithm, field, _)| {
            let value = single(headers, field).ok().flatten()?;
            parse(algorithm, str::from_utf8(value).ok()?)
        })
        .collect()
}

/// Those of them that are of the whole object: of type `FULL_OBJECT`, or without a type where the object did not go up in parts
/// (then they cannot be composite). A composite one has the number of parts behind it and is no digest of any content.
pub(crate) fn of_whole(headers: &HeaderMap) -> Vec<Digest> {
    let kind = single(headers, "x-amz-checksum-type").ok().flatten();
    let is_full = match kind {
        Some(kind) => kind.eq_ignore_ascii_case(b"FULL_OBJECT"),
        None => part_count(headers).is_none(),
    };
    // CRC-64/NVME is never composite.
    in_head(headers).into_iter().filter(|digest| is_full || digest.algorithm() == Algorithm::Crc64Nvme).collect()
}

/// The checksums of the whole object in a `CompleteMultipartUploadResult`.
pub(crate) fn in_result(result: &Element) -> Vec<Digest> {
    let composite = result.text_at(&["ChecksumType"]).map(str::trim) == Some("COMPOSITE");
    [Algorithm::Crc64Nvme, Algorithm::Crc32c, Algorithm::Crc32]
        .into_iter()
        .filter(|_| !composite)
        .filter_map(|algorithm| parse(algorithm, result.text_at(&[element(algorithm)?])?))
        .collect()
}

/// The number behind the dash of a multipart object's tag.
pub(crate) fn part_count(headers: &HeaderMap) -> Option<u64> {
    let tag = single(headers, "ETag").ok().flatten().and_then(|tag| str::from_utf8(tag).ok())?;
    bare(tag).rsplit_once('-')?.1.parse().ok()
}

/// Whether an object's tag may have nothing to do with its content: encrypted with KMS or with a customer's key.
pub(crate) fn is_veiled(headers: &HeaderMap) -> bool {
    let kms = headers.get_all("x-amz-server-side-encryption").iter().any(|value| value.as_bytes() != b"AES256");
    kms || headers.contains_key("x-amz-server-side-encryption-customer-algorithm")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn head(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn d13_only_checksums_of_the_whole_object_are_taken() {
        let crc64 = ("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=");
        let crc32 = ("x-amz-checksum-crc32", "AAAAAA==");
        let sha = ("x-amz-checksum-sha256", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        let found = |lines: &[(&'static str, &'static str)]| -> Vec<Algorithm> {
            of_whole(&head(lines)).iter().map(Digest::algorithm).collect()
        };
        assert_eq!(found(&[crc32, sha]), [Algorithm::Sha256, Algorithm::Crc32]);
        assert_eq!(found(&[crc32, ("x-amz-checksum-type", "FULL_OBJECT"), ("etag", "\"a-3\"")]), [Algorithm::Crc32]);
        assert_eq!(found(&[crc32, sha, ("etag", "\"a-3\"")]), []);
        assert_eq!(found(&[crc32, crc64, ("x-amz-checksum-type", "COMPOSITE")]), [Algorithm::Crc64Nvme]);
        for bad in ["AAAAAA==-3", "AAAAAAA=", "", "!"] {
            assert_eq!(found(&[("x-amz-checksum-crc32", bad)]), [], "{bad}");
        }
    }

    #[test]
    fn checksums_are_written_as_they_are_read() {
        for (algorithm, ..) in NAMES {
            let digest = Digest::new(algorithm, &alloc::vec![0xa5; algorithm.len()]).expect("its length");
            assert_eq!(parse(algorithm, &text(&digest)), Some(digest));
        }
    }
}
