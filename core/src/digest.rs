//! Digests as values: which algorithm, which bytes. Computed by adapters while the bytes stream, compared here.

mod combine;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// A checksum or hash that an adapter can compute.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Algorithm {
    /// MD5 (RFC 1321).
    Md5,
    /// SHA-1 (FIPS 180-4).
    Sha1,
    /// SHA-256 (FIPS 180-4).
    Sha256,
    /// SHA-512 (FIPS 180-4).
    Sha512,
    /// CRC-32 as in gzip and Ethernet (CRC-32/ISO-HDLC).
    Crc32,
    /// CRC-32C (Castagnoli, CRC-32/ISCSI).
    Crc32c,
    /// CRC-64/NVME: Amazon S3's and Azure's.
    Crc64Nvme,
    /// CRC-64/XZ (ECMA-182 reflected): Aliyun OSS's.
    Crc64Xz,
}

#[expect(clippy::len_without_is_empty, reason = "a digest is never empty")]
impl Algorithm {
    /// All of them, strongest first.
    pub const ALL: [Self; 8] =
        [Self::Sha512, Self::Sha256, Self::Sha1, Self::Md5, Self::Crc64Nvme, Self::Crc64Xz, Self::Crc32c, Self::Crc32];

    /// The usual lower-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha-1",
            Self::Sha256 => "sha-256",
            Self::Sha512 => "sha-512",
            Self::Crc32 => "crc32",
            Self::Crc32c => "crc32c",
            Self::Crc64Nvme => "crc64nvme",
            Self::Crc64Xz => "crc64xz",
        }
    }

    /// The algorithm of that name, case and dashes ignored.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let plain = |name: &str| -> String {
            name.chars().filter(|c| !matches!(c, '-' | '_' | '/')).map(|c| c.to_ascii_lowercase()).collect()
        };
        let wanted = plain(name);
        Self::ALL.into_iter().find(|algorithm| plain(algorithm.name()) == wanted)
    }

    /// Length of a digest in bytes.
    #[must_use]
    pub const fn len(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme | Self::Crc64Xz => 8,
        }
    }
}

/// A digest: the algorithm and its value, most significant byte first.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest {
    algorithm: Algorithm,
    bytes: [u8; 64],
}

impl Digest {
    /// A digest of `algorithm`. `None` when `bytes` has not its length.
    #[must_use]
    pub fn new(algorithm: Algorithm, bytes: &[u8]) -> Option<Self> {
        let mut all = [0; 64];
        if bytes.len() != algorithm.len() {
            return None;
        }
        all.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(Self { algorithm, bytes: all })
    }

    /// A digest written in hexadecimal, either case. `None` when that is malformed.
    #[must_use]
    pub fn from_hex(algorithm: Algorithm, hex: &str) -> Option<Self> {
        let digits: Option<Vec<u8>> =
            hex.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
        let digits = digits?;
        if digits.len() % 2 != 0 {
            return None;
        }
        let bytes: Vec<u8> =
            digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
        Self::new(algorithm, &bytes)
    }

    /// The algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The value, most significant byte first.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.algorithm.len()).unwrap_or(&self.bytes)
    }

    /// The value in lower-case hexadecimal.
    #[must_use]
    pub fn hex(&self) -> String {
        use fmt::Write;
        let mut hex = String::with_capacity(self.algorithm.len() * 2);
        for byte in self.bytes() {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.name(), self.hex())
    }
}

/// What became of the comparison with an expected digest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Verification {
    /// A digest was given and the content has it.
    Verified(Digest),
    /// Neither caller nor server gave a digest of the whole content.
    #[default]
    NotProvided,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn digests_read_and_print_hexadecimal() {
        let digest = Digest::from_hex(Algorithm::Crc32c, "00fF10aB").expect("four bytes");
        assert_eq!((digest.bytes(), digest.to_string().as_str()), (&[0, 255, 16, 171][..], "crc32c:00ff10ab"));
        assert_eq!(Digest::from_hex(Algorithm::Crc32c, "00ff10a"), None);
        assert_eq!(Digest::from_hex(Algorithm::Md5, "00ff10ab"), None);
        assert_eq!(Digest::from_hex(Algorithm::Crc32c, "00ff10ag"), None);
    }

    #[test]
    fn algorithms_are_found_by_any_usual_spelling() {
        for (name, algorithm) in [
            ("SHA256", Algorithm::Sha256),
            ("sha-256", Algorithm::Sha256),
            ("MD5", Algorithm::Md5),
            ("crc64/xz", Algorithm::Crc64Xz),
        ] {
            assert_eq!(Algorithm::from_name(name), Some(algorithm));
        }
        assert_eq!(Algorithm::from_name("whirlpool"), None);
    }
}
