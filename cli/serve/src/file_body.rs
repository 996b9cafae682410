//! A file's bytes in big blocks: read on blocking threads, one block ahead of the socket, two buffers in all.

use std::fs::File;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use tokio::task::JoinHandle;

use crate::file;
use crate::shared::Shared;
use crate::version::Version;

/// Bytes of one read.
const BLOCK: usize = 512 * 1024;

/// A range of a file, as a stream of blocks. It fails, so that the connection is cut, when the file is changed
/// while it is read: two versions are never mixed in one answer.
#[derive(Debug)]
pub(crate) struct FileBody {
    shared: Arc<Shared>,
    source: Arc<Source>,
    /// The next byte to read.
    at: u64,
    end: u64,
    reading: Option<JoinHandle<io::Result<BytesMut>>>,
    /// The block given out last; it becomes a buffer again once the connection has let go of it.
    given: Bytes,
}

#[derive(Debug)]
struct Source {
    file: Arc<File>,
    version: Version,
    /// Offsets whose byte is read with one bit flipped.
    corrupt: Vec<u64>,
}

impl FileBody {
    /// Begins to read at once; must be called inside the runtime.
    pub(crate) fn new(
        shared: Arc<Shared>,
        file: Arc<File>,
        version: Version,
        (start, len): (u64, u64),
        corrupt: Vec<u64>,
    ) -> Self {
        let source = Source { file, version, corrupt };
        let mut body =
            Self { shared, source: Arc::new(source), at: start, end: start + len, reading: None, given: Bytes::new() };
        body.read_ahead(BytesMut::new());
        body
    }

    /// The next block, or `None` at the end.
    pub(crate) fn poll_block(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let Some(reading) = &mut self.reading else {
            return Poll::Ready(None);
        };
        let read = ready!(Pin::new(reading).poll(cx)).map_err(io::Error::other).flatten();
        self.reading = None;
        Poll::Ready(Some(read.map(|block| {
            let block = block.freeze();
            let free = std::mem::replace(&mut self.given, block.clone());
            self.read_ahead(free.try_into_mut().unwrap_or_default());
            block
        })))
    }

    fn read_ahead(&mut self, mut buf: BytesMut) {
        let len = usize::try_from(self.end - self.at).unwrap_or(BLOCK).min(BLOCK);
        if len == 0 {
            return;
        }
        let (at, source, shared) = (self.at, Arc::clone(&self.source), Arc::clone(&self.shared));
        self.at += len as u64;
        self.reading = Some(self.shared.start(move |_| {
            buf.resize(len, 0);
            file::read_exact_at(&source.file, &mut buf, at)?;
            if Version::of(&source.file.metadata()?) != source.version {
                return Err(io::Error::other("the file changed while it was sent"));
            }
            for &wrong in &source.corrupt {
                let index = wrong.checked_sub(at).and_then(|index| usize::try_from(index).ok());
                if let Some(byte) = index.and_then(|index| buf.get_mut(index)) {
                    *byte ^= 1;
                    shared.counters.fault("corrupt-byte");
                }
            }
            Ok(buf)
        }));
    }
}
