//! The bytes of a chunk between their arrival and the moment their place is known: the first ones in memory, all
//! others in a file without a name.

use std::fs::{self, File};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::file;
use crate::shared::{Halt, Shared};

/// Bytes kept in memory; a chunk up to this size never touches the spool's file.
const BLOCK: usize = 1 << 20;

/// Counts what it receives. When it is dropped before [`Spool::settled`], its bytes count as discarded.
#[derive(Debug)]
pub(super) struct Spool {
    shared: Arc<Shared>,
    /// What comes after the bytes in the file.
    tail: Vec<u8>,
    file: Option<Arc<File>>,
    filed: u64,
    settled: bool,
}

impl Spool {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, tail: Vec::new(), file: None, filed: 0, settled: false }
    }

    pub(super) fn len(&self) -> u64 {
        self.filed + self.tail.len() as u64
    }

    pub(super) async fn push(&mut self, data: &[u8]) -> io::Result<()> {
        self.shared.counters.content_received.fetch_add(data.len() as u64, Relaxed);
        self.tail.extend_from_slice(data);
        if self.tail.len() > BLOCK {
            self.spill().await?;
        }
        Ok(())
    }

    async fn spill(&mut self) -> io::Result<()> {
        let tail = std::mem::take(&mut self.tail);
        let len = tail.len() as u64;
        // Should the write fail, the bytes still count.
        let (file, at) = (self.file.take(), self.filed);
        self.filed += len;
        let folder = self.shared.uploads.folder().to_owned();
        let written = self.shared.blocking(move |_| {
            let file = match file {
                Some(file) => file,
                None => {
                    fs::create_dir_all(&folder)?;
                    Arc::new(tempfile::tempfile_in(&folder)?)
                }
            };
            file::write_all_at(&file, &tail, at)?;
            Ok((file, tail))
        });
        let (file, mut tail) = written.await?;
        tail.clear();
        self.file = Some(file);
        self.tail = tail;
        Ok(())
    }

    /// Hands out all bytes in order, with their index in the chunk. Blocks.
    pub(super) fn for_each_block(
        &mut self,
        halt: &Halt,
        mut take: impl FnMut(u64, &mut [u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        if let Some(file) = &self.file {
            let mut buf = vec![0; BLOCK];
            let mut at = 0;
            while at < self.filed {
                halt.check()?;
                let len = usize::try_from(self.filed - at).unwrap_or(BLOCK).min(BLOCK);
                file::read_exact_at(file, &mut buf[..len], at)?;
                take(at, &mut buf[..len])?;
                at += len as u64;
            }
        }
        if self.tail.is_empty() {
            return Ok(());
        }
        take(self.filed, &mut self.tail)
    }

    /// The bytes were stored, or were known already, and counted as such.
    pub(super) fn settled(&mut self) {
        self.settled = true;
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if !self.settled {
            self.shared.counters.discarded(self.len());
        }
    }
}
