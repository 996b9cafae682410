//! A file read and written at places, on the threads that may block.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::spawn_blocking;

/// A file that several tasks use at once.
#[derive(Clone)]
pub struct Shared(Arc<File>);

impl Shared {
    /// Empty.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self(Arc::new(File::create(path)?)))
    }

    /// And how long it is.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(path: &Path) -> io::Result<(Self, u64)> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok((Self(Arc::new(file)), len))
    }

    /// All of `frame`, at its place.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn write(&self, frame: Bytes, offset: u64) -> io::Result<()> {
        let file = Arc::clone(&self.0);
        spawn_blocking(move || file.write_all_at(&frame, offset)).await?
    }

    /// So many bytes.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn read(&self, offset: u64, len: u64) -> io::Result<Bytes> {
        let file = Arc::clone(&self.0);
        let len = usize::try_from(len).map_err(io::Error::other)?;
        spawn_blocking(move || {
            let mut bytes = vec![0; len];
            file.read_exact_at(&mut bytes, offset)?;
            Ok(bytes.into())
        })
        .await?
    }
}
