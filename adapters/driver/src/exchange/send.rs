//! The body of a request: source pieces read ahead of the socket into buffers that are used again.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures::Stream;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use longhaul_core::ByteRange;
use longhaul_core::error::FileFaultKind;
use longhaul_core::intent::{Body, Piece};

use super::Local;
use crate::hash::Hasher;
use crate::meter::Meter;
use crate::storage::{Chunk, Storage};
use crate::throttle::{Gate, Throttle};
use crate::transport::{SendBody, SourceGone};

/// Why the source failed: from the body, which the transport owns, to the exchange.
#[derive(Clone, Debug, Default)]
pub(super) struct SourceFault(Arc<Mutex<Option<Local>>>);

impl SourceFault {
    fn set(&self, fault: Local) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    }

    pub(super) fn take(&self) -> Option<Local> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Buffers in rotation: one being read into, the others on their way out.
const BUFFERS: usize = 3;

/// Reads a body piece by piece; at most one read at a time, begun when the frame before it is handed out.
pub(super) struct Outgoing {
    storage: Arc<dyn Storage>,
    len: u64,
    pieces: VecDeque<Piece>,
    /// The read under way and the length it must have.
    read: Option<(BoxFuture<'static, Result<Chunk, Local>>, usize)>,
    /// What is being handed out, in slices where a rate limit applies.
    frame: Bytes,
    hasher: Option<Hasher>,
    spare: VecDeque<BytesMut>,
    chunk: usize,
    gate: Gate,
    failed: bool,
}

impl Outgoing {
    pub(super) fn new(
        storage: Arc<dyn Storage>,
        body: Body,
        hasher: Option<Hasher>,
        chunk: usize,
        throttle: Throttle,
    ) -> Self {
        Self {
            storage,
            len: body.len(),
            pieces: body.into_pieces().into(),
            read: None,
            frame: Bytes::new(),
            hasher,
            spare: VecDeque::new(),
            chunk,
            gate: Gate::new(throttle),
            failed: false,
        }
    }

    /// The body as a transport takes it.
    pub(super) fn into_body(self, meter: Arc<Meter>, fault: SourceFault) -> SendBody {
        let len = self.len;
        if len == 0 {
            meter.written(0, self.hasher.as_ref().and_then(Hasher::digest));
            return SendBody::new(0, stream::empty().boxed(), meter);
        }
        let frames = Metered { outgoing: self, meter: Arc::clone(&meter), fault };
        SendBody::new(len, frames.boxed(), meter)
    }

    /// Whether everything has been handed out.
    fn is_through(&self) -> bool {
        self.frame.is_empty() && self.pieces.is_empty() && self.read.is_none()
    }

    /// Begins to read what comes next, if that is to be read.
    fn read_ahead(&mut self, cx: &mut Context<'_>) {
        if self.read.is_some() {
            return;
        }
        while self.pieces.front().is_some_and(Piece::is_empty) {
            self.pieces.pop_front();
        }
        let Some(Piece::Source(range)) = self.pieces.front_mut() else {
            return;
        };
        let len = usize::try_from(range.len()).unwrap_or(usize::MAX).min(self.chunk);
        let offset = range.start();
        let rest = ByteRange::new(offset + len as u64, range.end()).unwrap_or_default();
        if rest.is_empty() {
            self.pieces.pop_front();
        } else {
            *range = rest;
        }
        let chunk = Chunk { buffer: self.buffer(len), hasher: self.hasher.take() };
        let mut read = self.storage.read(offset, chunk);
        // Polled once so that it begins now, not when the socket has taken the frame before.
        if let Poll::Ready(done) = read.as_mut().poll(cx) {
            read = Box::pin(std::future::ready(done));
        }
        self.read = Some((read, len));
    }

    /// An empty buffer of exactly `len` bytes of capacity: one whose frame the transport has let go of, if there is one.
    fn buffer(&mut self, len: usize) -> BytesMut {
        let mut buffer =
            if self.spare.len() < BUFFERS { BytesMut::new() } else { self.spare.pop_front().unwrap_or_default() };
        buffer.reserve(self.chunk.min(len.next_power_of_two()));
        if buffer.capacity() > len {
            drop(buffer.split_off(len));
        }
        buffer
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Local>>> {
        while self.frame.is_empty() {
            self.read_ahead(cx);
            if let Some((read, len)) = &mut self.read {
                let chunk = ready!(read.as_mut().poll(cx));
                let len = *len;
                self.read = None;
                let mut chunk = match chunk {
                    Ok(chunk) => chunk,
                    Err(fault) => return Poll::Ready(Some(Err(fault))),
                };
                if chunk.buffer.len() != len {
                    let fault = Local::new(FileFaultKind::Changed, "it has become shorter");
                    return Poll::Ready(Some(Err(fault)));
                }
                self.hasher = chunk.hasher;
                self.frame = chunk.buffer.split().freeze();
                self.spare.push_back(chunk.buffer);
            } else if let Some(Piece::Inline(bytes)) = self.pieces.pop_front() {
                self.frame = bytes;
            } else {
                return Poll::Ready(None);
            }
        }
        let slice = ready!(self.gate.poll(self.frame.len(), cx));
        let frame =
            if slice == self.frame.len() { std::mem::take(&mut self.frame) } else { self.frame.split_to(slice) };
        if self.frame.is_empty() {
            self.read_ahead(cx);
        }
        Poll::Ready(Some(Ok(frame)))
    }
}

/// [`Outgoing`] with its bookkeeping: what was sent, the digest at the end, the source's fault.
struct Metered {
    outgoing: Outgoing,
    meter: Arc<Meter>,
    fault: SourceFault,
}

impl Stream for Metered {
    type Item = Result<Bytes, SourceGone>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.outgoing.failed {
            return Poll::Ready(None);
        }
        match ready!(this.outgoing.poll_frame(cx)) {
            None => Poll::Ready(None),
            Some(Ok(frame)) => {
                this.meter.sent(frame.len() as u64);
                // Told with the last frame: a transport that has its length need not ask for the end.
                if this.outgoing.is_through() {
                    this.meter.written(0, this.outgoing.hasher.as_ref().and_then(Hasher::digest));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(fault)) => {
                this.outgoing.failed = true;
                this.fault.set(fault);
                Poll::Ready(Some(Err(SourceGone)))
            }
        }
    }
}
