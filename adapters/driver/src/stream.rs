//! A download as an ordered stream of bytes: a target that hands its content on instead of keeping it.
//!
//! Ranges may still be fetched side by side: what comes early waits, at most a window ahead of the reader
//! ([`Spec::window`](longhaul_core::Spec::window), set to [`StreamTarget::window`]). Bytes are handed on before the whole content could be
//! verified; a mismatch, like any failure, is the last item of the stream.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, Bytes};
use futures::future::{BoxFuture, FutureExt};
use futures::io::AsyncRead;
use futures::{Stream, StreamExt};
use longhaul_core::Error;
use longhaul_core::error::{FileFault, FileFaultKind};
use longhaul_core::event::End;
use longhaul_core::intent::{FileOp, FileReply};
use longhaul_core::{Algorithm, ByteRange, Digest};

use crate::cancel::Cancel;
use crate::hash::Hasher;
use crate::listen::outcome;
use crate::storage::{Batch, Chunk, Link, Storage};

/// A target and the reader of what arrives there, at most `window` bytes ahead of the reader (and one frame per request).
#[must_use]
pub fn target(window: u64) -> (StreamTarget, StreamReader) {
    let inner = Inner {
        window: window.max(1),
        next: 0,
        told: 0,
        hashers: Vec::new(),
        pieces: BTreeMap::new(),
        end: None,
        gone: false,
        link: None,
        reader: None,
        writers: Vec::new(),
    };
    let shared = Arc::new(Shared(Mutex::new(inner)));
    (StreamTarget(Arc::clone(&shared)), StreamReader { shared, rest: Bytes::new() })
}

struct Shared(Mutex<Inner>);

struct Inner {
    window: u64,
    /// Where the reader is.
    next: u64,
    /// What the engine knows of that.
    told: u64,
    /// Of everything before `next`.
    hashers: Vec<Hasher>,
    /// What came and was not read, by offset; disjoint, nothing before `next`.
    pieces: BTreeMap<u64, Bytes>,
    end: Option<Result<u64, Error>>,
    /// The reader was dropped.
    gone: bool,
    link: Option<Link>,
    reader: Option<Waker>,
    /// Who waits for room: one per request at most, each at most once.
    writers: Vec<Waker>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll_room(&self, end: u64, cx: &Context<'_>) -> Poll<()> {
        let mut inner = self.lock();
        // A reader that waits gets what there is, however large, or all would stand still.
        let starving = !inner.pieces.contains_key(&inner.next);
        if inner.gone || starving || end <= inner.next.saturating_add(inner.window) {
            return Poll::Ready(());
        }
        if !inner.writers.iter().any(|waker| waker.will_wake(cx.waker())) {
            inner.writers.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl Inner {
    /// Keeps those of `bytes` that are new.
    fn insert(&mut self, mut offset: u64, mut bytes: Bytes) {
        let read = usize::try_from(self.next.saturating_sub(offset)).unwrap_or(usize::MAX).min(bytes.len());
        bytes.advance(read);
        offset += read as u64;
        while !bytes.is_empty() {
            if let Some((&start, piece)) = self.pieces.range(..=offset).next_back()
                && start + piece.len() as u64 > offset
            {
                let known = usize::try_from(start + piece.len() as u64 - offset).unwrap_or(usize::MAX).min(bytes.len());
                bytes.advance(known);
                offset += known as u64;
                continue;
            }
            let gap = self.pieces.range(offset..).next().map_or(u64::MAX, |(&start, _)| start - offset);
            let new = bytes.split_to(usize::try_from(gap).unwrap_or(usize::MAX).min(bytes.len()));
            let len = new.len() as u64;
            self.pieces.insert(offset, new);
            offset += len;
        }
    }

    fn run(&mut self, op: FileOp) -> Result<FileReply, FileFault> {
        match op {
            FileOp::Reserve { keep, .. } => {
                if self.next > 0 && !keep {
                    let detail = "the transfer has to start over, and part of the content was handed on already";
                    return Err(FileFault::new(FileFaultKind::Unusable, detail));
                }
                if !keep {
                    self.pieces.clear();
                }
                Ok(FileReply::Reserved { kept: self.next > 0 || !self.pieces.is_empty() })
            }
            FileOp::Digest { algorithm, ranges } => {
                let digest = |range: &ByteRange| self.digest(algorithm, *range);
                Ok(FileReply::Digests(ranges.iter().map(digest).collect()))
            }
            FileOp::Publish { len, .. } => {
                if self.gone && self.next < len {
                    return Err(dropped());
                }
                self.end = Some(Ok(len));
                Ok(FileReply::Published { path: String::new() })
            }
            FileOp::Remove | FileOp::Release | FileOp::Sync => Ok(FileReply::Done),
            _ => Err(FileFault::new(FileFaultKind::Unusable, "the target of a stream cannot be a source")),
        }
    }

    /// That of the whole content, where it was asked for before the first byte was handed on: nothing can be read again.
    fn digest(&self, algorithm: Algorithm, range: ByteRange) -> Option<Digest> {
        let mut hasher = self.hashers.iter().find(|hasher| hasher.algorithm() == algorithm)?.clone();
        let mut at = self.next;
        for (&start, piece) in &self.pieces {
            if start != at {
                return None;
            }
            hasher.update(piece);
            at += piece.len() as u64;
        }
        if range == ByteRange::at(0, at) { hasher.digest() } else { None }
    }

    /// The next bytes in order. The engine is told of a quarter of a window at a time: less would make for tiny requests, and
    /// it cannot wait for more than that, since it fetches a whole window ahead of what it was told.
    fn take(&mut self) -> Option<Bytes> {
        let bytes = self.pieces.remove(&self.next)?;
        self.next += bytes.len() as u64;
        self.hashers.iter_mut().for_each(|hasher| hasher.update(&bytes));
        if self.next - self.told >= self.window / 4 {
            self.told = self.next;
            if let Some(link) = &self.link {
                link.consumed(self.next);
            }
        }
        Some(bytes)
    }
}

/// The target: goes into a [`Job`](crate::Job).
pub struct StreamTarget(Arc<Shared>);

impl StreamTarget {
    /// The window, in bytes: what [`Spec::window`](longhaul_core::Spec::window) has to be.
    #[must_use]
    pub fn window(&self) -> u64 {
        self.0.lock().window
    }

    /// Has these digests of the whole content made while it is handed on, so that a checksum can be held against it. To be called
    /// before the transfer begins.
    pub fn digest(&self, algorithms: impl IntoIterator<Item = Algorithm>) {
        self.0.lock().hashers = algorithms.into_iter().map(Hasher::new).collect();
    }

    fn wake(reader: Option<Waker>, writers: Vec<Waker>) {
        reader.into_iter().chain(writers).for_each(Waker::wake);
    }
}

impl Storage for StreamTarget {
    fn run(&self, op: FileOp, _: Cancel) -> BoxFuture<'static, Result<FileReply, FileFault>> {
        let mut inner = self.0.lock();
        let reply = inner.run(op);
        let reader = inner.reader.take();
        drop(inner);
        Self::wake(reader, Vec::new());
        futures::future::ready(reply).boxed()
    }

    fn read(&self, _: u64, _: Chunk) -> BoxFuture<'static, Result<Chunk, FileFault>> {
        let fault = FileFault::new(FileFaultKind::Unusable, "the target of a stream cannot be a source");
        futures::future::ready(Err(fault)).boxed()
    }

    fn write(&self, mut offset: u64, mut batch: Batch) -> BoxFuture<'static, Result<Batch, FileFault>> {
        if let Some(hasher) = &mut batch.hasher {
            batch.frames.iter().for_each(|frame| hasher.update(frame));
        }
        let mut inner = self.0.lock();
        if inner.gone {
            return futures::future::ready(Err(dropped())).boxed();
        }
        for frame in batch.frames.drain(..) {
            let len = frame.len() as u64;
            inner.insert(offset, frame);
            offset += len;
        }
        let reader = inner.reader.take();
        drop(inner);
        Self::wake(reader, Vec::new());
        futures::future::ready(Ok(batch)).boxed()
    }

    /// Small, because nothing is gained by gathering: the reader gets each frame as it came.
    fn write_batch(&self) -> Option<usize> {
        Some(1)
    }

    fn room(&self, end: u64) -> Option<BoxFuture<'static, ()>> {
        let shared = Arc::clone(&self.0);
        if shared.poll_room(end, &Context::from_waker(Waker::noop())).is_ready() {
            return None;
        }
        Some(std::future::poll_fn(move |cx| shared.poll_room(end, cx)).boxed())
    }

    fn attach(&self, link: Link) {
        let mut inner = self.0.lock();
        if inner.gone {
            link.consumed(u64::MAX);
        }
        inner.link = Some(link);
    }

    fn ended(&self, end: &End) {
        let mut inner = self.0.lock();
        match (outcome(end), &inner.end) {
            (Err(error), _) => inner.end = Some(Err(error)),
            (Ok(completed), None) => inner.end = Some(Ok(completed.total)),
            (Ok(_), Some(_)) => {}
        }
        let reader = inner.reader.take();
        drop(inner);
        Self::wake(reader, Vec::new());
    }
}

/// The content in order: a [`Stream`] of frames or an [`AsyncRead`]. Dropping it makes the transfer fail.
pub struct StreamReader {
    shared: Arc<Shared>,
    /// What [`AsyncRead`] left of a frame.
    rest: Bytes,
}

impl StreamReader {
    /// Bytes taken up to now.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.shared.lock().next - self.rest.len() as u64
    }
}

impl Stream for StreamReader {
    type Item = Result<Bytes, Error>;

    /// After an error, or the end, the stream is at its end.
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.rest))));
        }
        let mut inner = self.shared.lock();
        if let Some(bytes) = inner.take() {
            let writers = std::mem::take(&mut inner.writers);
            drop(inner);
            StreamTarget::wake(None, writers);
            return Poll::Ready(Some(Ok(bytes)));
        }
        match &inner.end {
            Some(Err(error)) => {
                let error = error.clone();
                inner.end = Some(Ok(inner.next));
                Poll::Ready(Some(Err(error)))
            }
            Some(Ok(len)) if *len <= inner.next => Poll::Ready(None),
            _ => {
                inner.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl AsyncRead for StreamReader {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        while self.rest.is_empty() {
            match ready!(self.poll_next_unpin(cx)) {
                Some(Ok(bytes)) => self.rest = bytes,
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(Failed(error)))),
                None => return Poll::Ready(Ok(0)),
            }
        }
        let len = buffer.len().min(self.rest.len());
        if let Some(place) = buffer.get_mut(..len) {
            self.rest.copy_to_slice(place);
        }
        Poll::Ready(Ok(len))
    }
}

impl Drop for StreamReader {
    fn drop(&mut self) {
        let mut inner = self.shared.lock();
        inner.gone = true;
        let pieces = std::mem::take(&mut inner.pieces);
        let writers = std::mem::take(&mut inner.writers);
        let link = inner.link.take();
        drop(inner);
        drop(pieces);
        StreamTarget::wake(None, writers);
        // The window opens, so that the next bytes come, and are refused.
        link.into_iter().for_each(|link| link.consumed(u64::MAX));
    }
}

fn dropped() -> FileFault {
    FileFault::new(FileFaultKind::Io, "the reader of the stream was dropped")
}

/// The transfer's [`Error`] inside an [`io::Error`].
#[derive(Clone, PartialEq, Debug)]
pub struct Failed(pub Error);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Failed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl fmt::Debug for StreamTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamTarget").field("window", &self.window()).finish_non_exhaustive()
    }
}

impl fmt::Debug for StreamReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamReader").field("position", &self.position()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::common::content;
    use longhaul_core::ByteRange;

    fn write(target: &StreamTarget, offset: u64, bytes: Bytes) -> Result<Batch, FileFault> {
        let batch = Batch { frames: vec![bytes], hasher: None };
        target.write(offset, batch).now_or_never().expect("at once")
    }

    fn read(reader: &mut StreamReader) -> Option<Result<Bytes, Error>> {
        reader.next().now_or_never().flatten()
    }

    fn run(target: &StreamTarget, op: FileOp) -> Result<FileReply, FileFault> {
        target.run(op, Cancel::default()).now_or_never().expect("at once")
    }

    #[test]
    fn pieces_in_any_order_twice_and_overlapping_are_read_once_in_order() {
        let object = content(1000);
        // A fixed shuffle of overlapping pieces that together cover everything.
        let pieces = (0..100u64).map(|index| (index * 37) % 100).map(|place| {
            let start = place * 10;
            ByteRange::new(start.saturating_sub(place % 7), (start + 10 + place % 5).min(1000)).expect("ordered")
        });
        let (target, mut reader) = target(1000);
        let mut seen = Vec::new();
        for range in pieces {
            let (start, end) = (range.start() as usize, range.end() as usize);
            write(&target, range.start(), object.slice(start..end)).expect("written");
            while let Some(bytes) = read(&mut reader) {
                seen.extend_from_slice(&bytes.expect("no error"));
            }
        }
        assert_eq!(seen, object);
        run(&target, FileOp::Publish { len: 1000, modified: None, durable: false }).expect("published");
        assert_eq!(reader.next().now_or_never(), Some(None));
    }

    #[test]
    fn starting_over_is_only_possible_before_anything_was_handed_on() {
        let reserve = |keep| FileOp::Reserve { total: None, keep, name: None, modified: None };
        let (target, mut reader) = target(1000);
        assert_eq!(run(&target, reserve(false)), Ok(FileReply::Reserved { kept: false }));
        write(&target, 0, content(10)).expect("written");
        assert_eq!(run(&target, reserve(true)), Ok(FileReply::Reserved { kept: true }));
        assert_eq!(run(&target, reserve(false)), Ok(FileReply::Reserved { kept: false }));
        assert!(read(&mut reader).is_none(), "thrown away");
        write(&target, 0, content(10)).expect("written");
        assert!(read(&mut reader).is_some());
        assert_eq!(run(&target, reserve(true)), Ok(FileReply::Reserved { kept: true }));
        assert_eq!(run(&target, reserve(false)).expect_err("too late").kind, FileFaultKind::Unusable);
    }

    #[test]
    fn a_failure_comes_after_what_was_received() {
        let (target, mut reader) = target(1000);
        write(&target, 0, content(10)).expect("written");
        target.ended(&End::Failed(Error::Cancelled));
        assert_eq!(read(&mut reader), Some(Ok(content(10))));
        assert_eq!(read(&mut reader), Some(Err(Error::Cancelled)));
        assert_eq!(reader.next().now_or_never(), Some(None));
    }

    #[test]
    fn nothing_is_published_behind_the_back_of_a_dropped_reader() {
        let (target, reader) = target(1000);
        write(&target, 0, content(10)).expect("written");
        drop(reader);
        assert!(write(&target, 10, content(10)).is_err());
        assert!(target.room(u64::MAX).is_none(), "nobody waits for it");
        assert!(run(&target, FileOp::Publish { len: 10, modified: None, durable: false }).is_err());
    }
}
