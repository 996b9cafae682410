//! Checksums of OSS: the CRC-64 that it tells of whatever it received and holds, and Content-MD5.
//!
//! Follows <https://www.alibabacloud.com/help/en/oss/user-guide/check-data-transmission-integrity-by-using-crc-64>.

use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use longhaul_core::error::BuildError;
use longhaul_core::{Algorithm, Digest};
use longhaul_http::read::{Content, digests, single};

/// Which checksum protects an upload.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Integrity {
    /// The CRC-64 that OSS tells of each part, and of the object, is compared with what was sent. The content is read once.
    #[default]
    Crc64,
    /// `Content-MD5` goes along: OSS refuses what does not have it. The content is read twice, and the object is not compared as
    /// a whole: its parts were, one by one.
    ContentMd5,
}

const CRC64: &str = "x-oss-hash-crc64ecma";
pub(crate) const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");

/// The CRC-64 in an answer's head, decimal: of what a request brought, or of the whole object, also on a range of it. OSS leaves
/// it out of objects from before it had one.
pub(crate) fn in_head(headers: &HeaderMap) -> Option<Digest> {
    let text = str::from_utf8(single(headers, CRC64).ok().flatten()?).ok()?;
    // `parse` would take a sign.
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let crc: u64 = text.parse().ok().filter(|_| plain)?;
    Digest::new(Algorithm::Crc64Xz, &crc.to_be_bytes())
}

/// Digests of the whole object in the head of an answer to HEAD: its CRC-64, else the MD5 of what went up at once.
pub(crate) fn of_whole(headers: &HeaderMap) -> Vec<Digest> {
    match in_head(headers) {
        Some(crc) => alloc::vec![crc],
        None => digests(headers, Content::Head),
    }
}

/// `Content-MD5` for a digest.
pub(crate) fn content_md5(digest: Option<&Digest>) -> Result<HeaderValue, BuildError> {
    let digest = digest.filter(|digest| digest.algorithm() == Algorithm::Md5).ok_or_else(|| {
        BuildError::new("the content's MD5 is not known when its request is made", "choose Integrity::Crc64")
    })?;
    HeaderValue::try_from(STANDARD.encode(digest.bytes()))
        .map_err(|_| BuildError::new("a checksum makes no header", "report this as a bug"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn d13_a_crc_is_an_unsigned_decimal_of_64_bits_and_nothing_else() {
        let read = |value| in_head(&head(&[(CRC64, value)])).map(|digest| digest.hex());
        assert_eq!(read("11051210869376104954").as_deref(), Some("995dc9bbdf1939fa"));
        assert_eq!(read("0").as_deref(), Some("0000000000000000"));
        assert_eq!(read("18446744073709551615").as_deref(), Some("ffffffffffffffff"));
        for bad in ["", "+1", "-1", "18446744073709551616", "995dc9bbdf1939fa", "1 2", "0x1", "1.0"] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(in_head(&head(&[(CRC64, "1"), (CRC64, "2")])), None, "two are none");
        assert_eq!(in_head(&HeaderMap::new()), None);
    }

    #[test]
    fn d13_an_md5_stands_in_where_there_is_no_crc() {
        let md5 = ("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==");
        let found = |lines: &[(&'static str, &'static str)]| -> Vec<Algorithm> {
            of_whole(&head(lines)).iter().map(Digest::algorithm).collect()
        };
        assert_eq!(found(&[md5, (CRC64, "0")]), [Algorithm::Crc64Xz]);
        assert_eq!(found(&[md5]), [Algorithm::Md5]);
        assert_eq!(found(&[]), []);
    }
}
