//! The CRC of two stretches of content from the CRC of each: arithmetic over GF(2), no content needed.
//!
//! All four CRCs here are reflected, with all ones as initial value and final XOR, so crc(A‖B) = crc(A)·x^(8·|B|) + crc(B) modulo
//! the polynomial (the construction of zlib's `crc32_combine`). The work is logarithmic in the length.

use super::{Algorithm, Digest};

impl Digest {
    /// The digest of this content followed by `len` bytes that have the digest `next`. `None` where the algorithms differ or
    /// do not combine: only CRCs do.
    #[must_use]
    pub fn followed_by(&self, next: &Self, len: u64) -> Option<Self> {
        let field = Field::of(self.algorithm()).filter(|_| self.algorithm() == next.algorithm())?;
        let crc = field.multiply(number(self), field.shift(len)) ^ number(next);
        let bytes = crc.to_be_bytes();
        Self::new(self.algorithm(), bytes.get(bytes.len() - self.algorithm().len()..)?)
    }
}

fn number(digest: &Digest) -> u64 {
    digest.bytes().iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// Polynomials modulo a CRC's own, reflected: the highest bit is the coefficient of x⁰.
#[derive(Clone, Copy)]
struct Field {
    polynomial: u64,
    one: u64,
}

impl Field {
    const fn of(algorithm: Algorithm) -> Option<Self> {
        let (polynomial, bits) = match algorithm {
            Algorithm::Crc32 => (0xedb8_8320, 32),
            Algorithm::Crc32c => (0x82f6_3b78, 32),
            Algorithm::Crc64Nvme => (0x9a6c_9329_ac4b_c9b5, 64),
            Algorithm::Crc64Xz => (0xc96c_5795_d787_0f42, 64),
            _ => return None,
        };
        Some(Self { polynomial, one: 1 << (bits - 1) })
    }

    fn multiply(self, a: u64, mut b: u64) -> u64 {
        let (mut product, mut bit) = (0, self.one);
        while bit != 0 {
            if a & bit != 0 {
                product ^= b;
            }
            bit >>= 1;
            b = if b & 1 == 1 { b >> 1 ^ self.polynomial } else { b >> 1 };
        }
        product
    }

    /// x^(8·bytes).
    fn shift(self, mut bytes: u64) -> u64 {
        let (mut power, mut square) = (self.one, self.one >> 8);
        while bytes > 0 {
            if bytes & 1 == 1 {
                power = self.multiply(power, square);
            }
            square = self.multiply(square, square);
            bytes >>= 1;
        }
        power
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CRCS: [Algorithm; 4] = [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme, Algorithm::Crc64Xz];

    /// Bit by bit, as the definition says.
    fn crc(algorithm: Algorithm, content: &[u8]) -> Digest {
        let field = Field::of(algorithm).expect("a CRC");
        let ones = field.one | (field.one - 1);
        let mut crc = ones;
        for &byte in content {
            crc ^= u64::from(byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { crc >> 1 ^ field.polynomial } else { crc >> 1 };
            }
        }
        let bytes = (crc ^ ones).to_be_bytes();
        Digest::new(algorithm, &bytes[8 - algorithm.len()..]).expect("its length")
    }

    #[test]
    fn the_reference_values_of_the_catalogue() {
        for (algorithm, check) in [
            (Algorithm::Crc32, "cbf43926"),
            (Algorithm::Crc32c, "e3069283"),
            (Algorithm::Crc64Nvme, "ae8b14860a799888"),
            (Algorithm::Crc64Xz, "995dc9bbdf1939fa"),
        ] {
            assert_eq!(crc(algorithm, b"123456789").hex(), check);
            let (head, tail) = (crc(algorithm, b"12345"), crc(algorithm, b"6789"));
            assert_eq!(head.followed_by(&tail, 4).expect("a CRC").hex(), check);
        }
    }

    #[test]
    fn hashes_and_different_algorithms_do_not_combine() {
        let md5 = Digest::new(Algorithm::Md5, &[0; 16]).expect("16 bytes");
        assert_eq!(md5.followed_by(&md5, 1), None);
        let (nvme, xz) = (crc(Algorithm::Crc64Nvme, b"a"), crc(Algorithm::Crc64Xz, b"a"));
        assert_eq!(nvme.followed_by(&xz, 1), None);
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_digest_of_the_whole(content in proptest::collection::vec(any::<u8>(), 0..200), cut in 0usize..200) {
            let (head, tail) = content.split_at(cut.min(content.len()));
            for algorithm in CRCS {
                let combined = crc(algorithm, head).followed_by(&crc(algorithm, tail), tail.len() as u64);
                prop_assert_eq!(combined, Some(crc(algorithm, &content)));
            }
        }

        #[test]
        fn any_length_takes_logarithmic_time(len in any::<u64>()) {
            for algorithm in CRCS {
                prop_assert!(crc(algorithm, b"a").followed_by(&crc(algorithm, b"b"), len).is_some());
            }
        }
    }
}
