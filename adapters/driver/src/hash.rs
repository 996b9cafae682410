//! Digests computed while bytes stream by.

use longhaul_core::digest::{Algorithm, Digest};

/// A running digest of one algorithm.
#[derive(Clone, Debug)]
pub struct Hasher {
    algorithm: Algorithm,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Crc(crc_fast::Digest),
    Md5(md5::Md5),
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
}

impl Hasher {
    /// A digest of nothing yet.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        use crc_fast::CrcAlgorithm as Crc;
        let crc = |crc| State::Crc(crc_fast::Digest::new(crc));
        let state = match algorithm {
            Algorithm::Md5 => State::Md5(md5::Md5::default()),
            Algorithm::Sha1 => State::Sha1(sha1::Sha1::default()),
            Algorithm::Sha512 => State::Sha512(sha2::Sha512::default()),
            Algorithm::Crc32 => crc(Crc::Crc32IsoHdlc),
            Algorithm::Crc32c => crc(Crc::Crc32Iscsi),
            Algorithm::Crc64Nvme => crc(Crc::Crc64Nvme),
            Algorithm::Crc64Xz => crc(Crc::Crc64Xz),
            _ => State::Sha256(sha2::Sha256::default()),
        };
        Self { algorithm, state }
    }

    /// Whether it is as quick as a copy: not worth a thread of its own.
    #[must_use]
    pub fn is_quick(&self) -> bool {
        matches!(self.state, State::Crc(_))
    }

    /// Which digest it makes.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Takes `bytes` in.
    pub fn update(&mut self, bytes: &[u8]) {
        use md5::Digest as _;
        match &mut self.state {
            State::Crc(crc) => crc.update(bytes),
            State::Md5(md5) => md5.update(bytes),
            State::Sha1(sha) => sha.update(bytes),
            State::Sha256(sha) => sha.update(bytes),
            State::Sha512(sha) => sha.update(bytes),
        }
    }

    /// The digest of all bytes so far; more may follow.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        use md5::Digest as _;
        match &self.state {
            State::Crc(crc) => {
                let bytes = crc.finalize().to_be_bytes();
                Digest::new(self.algorithm, bytes.get(bytes.len() - self.algorithm.len()..)?)
            }
            State::Md5(md5) => Digest::new(self.algorithm, &md5.clone().finalize()),
            State::Sha1(sha) => Digest::new(self.algorithm, &sha.clone().finalize()),
            State::Sha256(sha) => Digest::new(self.algorithm, &sha.clone().finalize()),
            State::Sha512(sha) => Digest::new(self.algorithm, &sha.clone().finalize()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of the catalogues: digests of `123456789`.
    #[test]
    fn every_algorithm_gives_its_check_value() {
        for (algorithm, check) in [
            (Algorithm::Crc32, "cbf43926"),
            (Algorithm::Crc32c, "e3069283"),
            (Algorithm::Crc64Nvme, "ae8b14860a799888"),
            (Algorithm::Crc64Xz, "995dc9bbdf1939fa"),
            (Algorithm::Md5, "25f9e794323b453885f5181f1b624d0b"),
            (Algorithm::Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
            (Algorithm::Sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
        ] {
            let mut hasher = Hasher::new(algorithm);
            hasher.update(b"1234");
            hasher.update(b"56789");
            assert_eq!(hasher.digest().expect("right length").hex(), check);
        }
    }
}
