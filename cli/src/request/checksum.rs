//! Checksums of local files, where the transfer itself does not compute them.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use longhaul::driver::hash::Hasher;
use longhaul::{Digest, Error};

use crate::exit::{Code, Failure};

/// Bytes read at once.
const BLOCK: usize = 1 << 20;

/// Whether the file has all these checksums; the error says which one it has not.
pub(crate) async fn file_has(path: PathBuf, expected: Vec<Digest>) -> Result<(), Failure> {
    if expected.is_empty() {
        return Ok(());
    }
    match tokio::task::spawn_blocking(move || compare(&path, &expected)).await {
        Ok(result) => result,
        Err(_) => Err(Failure::new(Code::Failed, "computing a checksum was broken off")),
    }
}

fn compare(path: &Path, expected: &[Digest]) -> Result<(), Failure> {
    let failed = |error| Failure::disk("read", path, &error);
    let mut file = File::open(path).map_err(failed)?;
    let mut hashers: Vec<_> = expected.iter().map(|digest| Hasher::new(digest.algorithm())).collect();
    let mut block = vec![0; BLOCK];
    loop {
        let read = file.read(&mut block).map_err(failed)?;
        if read == 0 {
            break;
        }
        for hasher in &mut hashers {
            hasher.update(block.get(..read).unwrap_or_default());
        }
    }
    for (hasher, &expected) in hashers.iter().zip(expected) {
        let actual = hasher.digest().filter(|actual| *actual != expected);
        if let Some(actual) = actual {
            return Err(Error::Integrity { expected, actual }.into());
        }
    }
    Ok(())
}
