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
struct Field {
    polynomial: u64,
    one: u64,
    /// x^(8·2ⁿ) for each n: a length of few bits, as those of parts are, then takes few multiplications.
    powers: [u64; 64],
}

static CRC32: Field = Field::new(0xedb8_8320, 32);
static CRC32C: Field = Field::new(0x82f6_3b78, 32);
static CRC64_NVME: Field = Field::new(0x9a6c_9329_ac4b_c9b5, 64);
static CRC64_XZ: Field = Field::new(0xc96c_5795_d787_0f42, 64);

impl Field {
    const fn of(algorithm: Algorithm) -> Option<&'static Self> {
        Some(match algorithm {
            Algorithm::Crc32 => &CRC32,
            Algorithm::Crc32c => &CRC32C,
            Algorithm::Crc64Nvme => &CRC64_NVME,
            Algorithm::Crc64Xz => &CRC64_XZ,
            _ => return None,
        })
    }

    const fn new(polynomial: u64, bits: u32) -> Self {
        let one = 1 << (bits - 1);
        let mut field = Self { polynomial, one, powers: [one >> 8; 64] };
        let mut n = 1;
        while n < 64 {
            let power = field.powers[n - 1];
            field.powers[n] = field.multiply(power, power);
            n += 1;
        }
        field
    }

    /// Without branches that depend on what is multiplied: they would be foretold wrong every other time.
    const fn multiply(&self, a: u64, mut b: u64) -> u64 {
        let (mut product, mut bit) = (0, self.one);
        while bit != 0 {
            product ^= b & 0_u64.wrapping_sub((a & bit != 0) as u64);
            b = b >> 1 ^ self.polynomial & 0_u64.wrapping_sub(b & 1);
            bit >>= 1;
        }
        product
    }

    /// x^(8·bytes).
    fn shift(&self, bytes: u64) -> u64 {
        let powers = self.powers.iter().enumerate().filter(|(n, _)| bytes >> n & 1 == 1);
        powers.map(|(_, &power)| power).reduce(|power, next| self.multiply(power, next)).unwrap_or(self.one)
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
