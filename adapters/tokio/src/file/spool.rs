//! A stream of unknown length as the source of an upload.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use futures::future::{BoxFuture, Either, select};
use futures::stream::{self, BoxStream, Stream, StreamExt};
use longhaul_core::error::{FileFault, FileFaultKind};
use longhaul_core::intent::{FileOp, FileReply};
use longhaul_driver::cancel::Cancel;
use longhaul_driver::storage::{Batch, Chunk, Storage};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::{Mutex, OnceCell};

use super::fault::{at, cancelled, fault, unsupported};
use super::{blocking, digests, fill};
use crate::sys;

/// How much is read from an `AsyncRead` at once.
const READ: usize = 256 << 10;

/// How much is gathered before it is written.
const GATHER: usize = 1 << 20;

/// A stream as the source of an upload: what is needed next is copied to a file without a name, from where parts can be sent
/// side by side and again after a failure.
///
/// Memory stays at about a megabyte; the disk holds what the transfer has asked for so far. The file goes when this goes, or
/// the process.
#[derive(Clone)]
pub struct SpoolSource(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    file: OnceCell<File>,
    /// Bytes in the file.
    len: AtomicU64,
    feed: Mutex<Feed>,
}

struct Feed {
    frames: BoxStream<'static, io::Result<Bytes>>,
    /// Read and not yet written.
    pending: Vec<Bytes>,
    end: bool,
}

impl SpoolSource {
    /// What `reader` gives until its end.
    pub fn from_reader(reader: impl AsyncRead + Send + 'static) -> Self {
        Self::from_stream(stream::unfold(Some(Box::pin(reader)), |reader| async {
            let mut reader = reader?;
            let mut buffer = BytesMut::with_capacity(READ);
            match reader.read_buf(&mut buffer).await {
                Ok(0) => None,
                Ok(_) => Some((Ok(buffer.freeze()), Some(reader))),
                Err(error) => Some((Err(error), None)),
            }
        }))
    }

    /// What `frames` gives until its end, or its first error.
    pub fn from_stream(frames: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Self {
        Self::with_folder(frames.boxed(), std::env::temp_dir())
    }

    /// Spools to `folder` rather than the system's folder for temporary files. Only before the first use.
    #[must_use]
    pub fn spool_in(self, folder: impl Into<PathBuf>) -> Self {
        match Arc::try_unwrap(self.0) {
            Ok(inner) => Self::with_folder(inner.feed.into_inner().frames, folder.into()),
            Err(shared) => Self(shared),
        }
    }

    fn with_folder(frames: BoxStream<'static, io::Result<Bytes>>, folder: PathBuf) -> Self {
        let feed = Mutex::new(Feed {
            frames,
            pending: Vec::new(),
            end: false,
        });
        Self(Arc::new(Inner {
            folder,
            file: OnceCell::new(),
            len: AtomicU64::new(0),
            feed,
        }))
    }
}

impl std::fmt::Debug for SpoolSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SpoolSource")
            .field("folder", &self.0.folder)
            .field("len", &self.0.len)
            .finish_non_exhaustive()
    }
}

impl Inner {
    async fn fill(self: Arc<Self>, upto: u64, mut cancel: Cancel) -> Result<FileReply, FileFault> {
        let mut feed = self.feed.lock().await;
        let feed = &mut *feed;
        while !feed.end && self.len.load(Ordering::Acquire) < upto {
            let gathered: usize = feed.pending.iter().map(Bytes::len).sum();
            let enough = GATHER
                .min(usize::try_from(upto - self.len.load(Ordering::Acquire)).unwrap_or(GATHER));
            if gathered >= enough {
                Arc::clone(&self).write(feed).await?;
                continue;
            }
            // A frame that arrives is kept also when the call is given up right after.
            match select(&mut cancel, feed.frames.next()).await {
                Either::Left(_) => return Err(cancelled()),
                Either::Right((Some(Ok(frame)), _)) => feed.pending.push(frame),
                Either::Right((Some(Err(error)), _)) => {
                    return Err(FileFault::new(
                        FileFaultKind::Io,
                        format!("cannot read the source stream: {error}"),
                    ));
                }
                Either::Right((None, _)) => {
                    Arc::clone(&self).write(feed).await?;
                    feed.end = true;
                }
            }
        }
        Ok(FileReply::Filled {
            len: self.len.load(Ordering::Acquire),
            end: feed.end,
        })
    }

    /// Moves what is pending to the file. On an error, or when given up, it stays pending.
    async fn write(self: Arc<Self>, feed: &mut Feed) -> Result<(), FileFault> {
        let (frames, inner) = (feed.pending.clone(), Arc::clone(&self));
        let offset = self.len.load(Ordering::Acquire);
        self.file().await?;
        blocking(move || {
            let file = inner
                .file
                .get()
                .ok_or_else(|| at(FileFaultKind::Lost, &inner.folder, "has no spool file"))?;
            sys::write_all(file, offset, &frames)
                .map_err(|error| fault("spool to", &inner.folder, &error))
        })
        .await?;
        let written: u64 = feed.pending.drain(..).map(|frame| frame.len() as u64).sum();
        self.len.store(offset + written, Ordering::Release);
        Ok(())
    }

    async fn file(&self) -> Result<&File, FileFault> {
        let folder = self.folder.clone();
        let create = || {
            blocking(move || {
                sys::create_unnamed(&folder)
                    .map_err(|error| fault("create a file in", &folder, &error))
            })
        };
        self.file.get_or_try_init(create).await
    }

    /// Runs `work` on the spool file where blocking is allowed.
    async fn with<T: Send + 'static>(
        self: Arc<Self>,
        work: impl FnOnce(&Self, &File) -> Result<T, FileFault> + Send + 'static,
    ) -> Result<T, FileFault> {
        self.file().await?;
        blocking(move || {
            let file = self
                .file
                .get()
                .ok_or_else(|| at(FileFaultKind::Lost, &self.folder, "has no spool file"))?;
            work(&self, file)
        })
        .await
    }
}

impl Storage for SpoolSource {
    fn run(&self, op: FileOp, cancel: Cancel) -> BoxFuture<'static, Result<FileReply, FileFault>> {
        let inner = Arc::clone(&self.0);
        match op {
            FileOp::Stat => Box::pin(async move {
                let len = inner
                    .feed
                    .lock()
                    .await
                    .end
                    .then(|| inner.len.load(Ordering::Acquire));
                Ok(FileReply::Source {
                    len,
                    fingerprint: None,
                })
            }),
            FileOp::Fill { upto } => Box::pin(inner.fill(upto, cancel)),
            FileOp::Digest { algorithm, ranges } => Box::pin(inner.with(move |inner, file| {
                digests(file, &inner.folder, algorithm, &ranges, &cancel).map(FileReply::Digests)
            })),
            FileOp::Sync | FileOp::Remove | FileOp::Release => {
                Box::pin(async { Ok(FileReply::Done) })
            }
            _ => Box::pin(async { Err(unsupported("a source stream cannot be written")) }),
        }
    }

    fn read(&self, offset: u64, mut chunk: Chunk) -> BoxFuture<'static, Result<Chunk, FileFault>> {
        Box::pin(Arc::clone(&self.0).with(move |inner, file| {
            chunk.buffer.clear();
            fill(file, offset, &mut chunk.buffer)
                .map_err(|error| fault("read the spool in", &inner.folder, &error))?;
            if let Some(hasher) = &mut chunk.hasher {
                hasher.update(&chunk.buffer);
            }
            Ok(chunk)
        }))
    }

    fn write(&self, _: u64, _: Batch) -> BoxFuture<'static, Result<Batch, FileFault>> {
        Box::pin(async { Err(unsupported("a source stream cannot be written")) })
    }
}
