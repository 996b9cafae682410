//! Files of pseudo-random bytes, and their SHA-256.

use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::exit::{Code, Failure};

/// Bytes made, written and read at once.
const BLOCK: usize = 1 << 20;

/// A SHA-256.
pub(super) type Sum = [u8; 32];

/// Writes `size` bytes that do not compress and repeat nowhere to `path`; their digest.
pub(super) async fn make(path: PathBuf, size: u64) -> Result<Sum, Failure> {
    blocking(move || {
        let failed = |error| Failure::disk("write", &path, &error);
        let mut file = File::create_new(&path).map_err(failed)?;
        let (mut hash, mut state, mut left) = (Sha256::new(), 0x1234_5678_9abc_def0_u64, size);
        let mut block = vec![0; BLOCK];
        while left > 0 {
            for word in block.chunks_exact_mut(8) {
                // xorshift64, Marsaglia 2003.
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                word.copy_from_slice(&state.to_le_bytes());
            }
            let len = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
            let bytes = block.get(..len).unwrap_or(&block);
            hash.update(bytes);
            file.write_all(bytes).map_err(failed)?;
            left -= bytes.len() as u64;
        }
        Ok(hash.finalize().into())
    })
    .await
}

/// The digest of the file at `path`.
pub(super) async fn sha256(path: PathBuf) -> Result<Sum, Failure> {
    blocking(move || {
        let failed = |error| Failure::disk("read", &path, &error);
        let mut file = File::open(&path).map_err(failed)?;
        let (mut hash, mut block) = (Sha256::new(), vec![0; BLOCK]);
        loop {
            match file.read(&mut block).map_err(failed)? {
                0 => return Ok(hash.finalize().into()),
                len => hash.update(block.get(..len).unwrap_or_default()),
            }
        }
    })
    .await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Failure> + Send + 'static) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => Err(Failure::new(Code::Failed, "work of the demo was broken off")),
    }
}
