//! The body of a request: source pieces read into buffers that are used again, or, where the transport and the
//! storage can, not read at all but left to the kernel.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures::Stream;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use longhaul_core::ByteRange;
use longhaul_core::error::FileFaultKind;
use longhaul_core::intent::{Body, Piece};

use super::Local;
use crate::blocking::Home;
use crate::hash::Hasher;
use crate::meter::Meter;
use crate::storage::{Chunk, Span, Storage};
use crate::throttle::{Gate, Throttle};
use crate::transport::{LONGEST_SPAN, SendBody, SourceGone, Spans};

/// What the exchange has to know of the body, which the transport owns.
#[derive(Clone, Debug, Default)]
pub(super) struct SourceState(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    fault: Option<Local>,
    /// From the first byte that was handed out unread to behind the last one.
    unread: Option<(u64, u64)>,
}

impl SourceState {
    /// Why the source failed.
    pub(super) fn take_fault(&self) -> Option<Local> {
        self.lock().fault.take()
    }

    /// Whether somebody wrote to the source while the kernel sent what nobody had read. The answer is there: what was to arrive
    /// has arrived, and nothing that is written later matters. Where the connection `broke` instead, it may be the disk that did: the
    /// kernel says the same of both, so what it was about to send is read.
    pub(super) async fn check_unread(&self, storage: &dyn Storage, broke: bool) {
        let unread = self.lock().unread;
        if let Some((first, end)) = unread {
            let offset = if broke { end.saturating_sub(ABOUT).max(first) } else { first };
            let len = if broke { usize::try_from(end - offset).unwrap_or(1) } else { 1 };
            let chunk = Chunk { buffer: BytesMut::with_capacity(len), hasher: None };
            if let Err(fault) = storage.read(offset, chunk).await {
                self.lock().fault.get_or_insert(fault);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A range shorter than this is read: less would be saved than a span costs.
const WORTHWHILE: u64 = 96 << 10;

/// So much is looked at once before it is left to the kernel span by span.
const LOOKED_AT: usize = 1 << 20;

/// The end of each range is read, so that a file that was written to is noticed before the server has all of it.
const TAIL: u64 = 16 << 10;

/// Spans that a transport may have taken and not sent yet come to so many bytes.
const ABOUT: u64 = 4 * LONGEST_SPAN as u64;

/// Buffers in rotation: one being read into, the others on their way out.
const BUFFERS: usize = 3;

/// Reads a body piece by piece; at most one read at a time. What has to be waited for is begun when the frame before it is handed out;
/// what is there at once is read when it is wanted, so that it goes from one buffer to the socket while the processor still has it.
pub(super) struct Outgoing {
    storage: Arc<dyn Storage>,
    len: u64,
    pieces: VecDeque<Piece>,
    /// The read under way and the length it must have.
    read: Option<(BoxFuture<'static, Result<Chunk, Local>>, usize)>,
    /// What is left to the kernel next.
    span: Option<Span>,
    /// The transport has asked for spans, so it takes them.
    spans: bool,
    /// The last read did not have to be waited for.
    at_once: bool,
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
            span: None,
            spans: false,
            at_once: false,
            frame: Bytes::new(),
            hasher,
            spare: VecDeque::new(),
            chunk,
            gate: Gate::new(throttle),
            failed: false,
        }
    }

    /// The body as a transport takes it.
    pub(super) fn into_body(self, meter: Arc<Meter>, state: SourceState) -> SendBody {
        let len = self.len;
        if len == 0 {
            meter.written(0, self.hasher.as_ref().and_then(Hasher::digest));
            return SendBody::new(0, stream::empty().boxed(), meter);
        }
        let frames = Metered { outgoing: self, meter: Arc::clone(&meter), state, home: Home::here() };
        SendBody::with_spans(len, Box::pin(frames), meter)
    }

    /// Whether everything has been handed out.
    fn is_through(&self) -> bool {
        let waits = self.read.is_some() || self.span.is_some();
        self.frame.is_empty() && !waits && self.pieces.iter().all(Piece::is_empty)
    }

    /// The range of the source that comes next.
    fn next_range(&mut self) -> Option<ByteRange> {
        while self.pieces.front().is_some_and(Piece::is_empty) {
            self.pieces.pop_front();
        }
        match self.pieces.front() {
            Some(Piece::Source(range)) => Some(*range),
            _ => None,
        }
    }

    /// Takes its first `len` bytes off.
    fn take_range(&mut self, range: ByteRange, len: u64) {
        self.pieces.pop_front();
        if let Some(rest) = ByteRange::new(range.start() + len, range.end()).filter(|rest| !rest.is_empty()) {
            self.pieces.push_front(Piece::Source(rest));
        }
    }

    /// Looks for a span where the transport takes them, and begins to read where there is none.
    fn look_ahead(&mut self, cx: &mut Context<'_>) {
        if self.spans && self.span.is_none() {
            self.span = self.next_span();
        }
        if self.span.is_none() && !self.at_once {
            self.read_ahead(cx);
        }
    }

    fn next_span(&mut self) -> Option<Span> {
        if self.hasher.is_some() || self.read.is_some() || !self.frame.is_empty() {
            return None;
        }
        let range = self.next_range().filter(|range| range.len() >= WORTHWHILE)?;
        let len = usize::try_from(range.len() - TAIL).unwrap_or(usize::MAX).min(LOOKED_AT);
        let mut span = self.storage.span(range.start(), len)?;
        let span = span.split_to(len);
        self.take_range(range, span.len as u64);
        Some(span).filter(|span| span.len > 0)
    }

    /// Begins to read what comes next, if that is to be read.
    fn read_ahead(&mut self, cx: &mut Context<'_>) {
        if self.read.is_some() {
            return;
        }
        let Some(range) = self.next_range() else {
            return;
        };
        let len = usize::try_from(range.len()).unwrap_or(usize::MAX).min(self.chunk);
        let offset = range.start();
        self.take_range(range, len as u64);
        let chunk = Chunk { buffer: self.buffer(len), hasher: self.hasher.take() };
        let mut read = self.storage.read(offset, chunk);
        // Polled once so that it begins now, not when the socket has taken the frame before.
        let begun = read.as_mut().poll(cx);
        self.at_once = begun.is_ready();
        if let Poll::Ready(done) = begun {
            read = Box::pin(std::future::ready(done));
        }
        self.read = Some((read, len));
    }

    /// An empty buffer of exactly `len` bytes of capacity: one whose frame the transport has let go of, if there is one.
    fn buffer(&mut self, len: usize) -> BytesMut {
        let wanted = self.chunk.min(len.next_power_of_two());
        let mut buffer = match self.spare.iter_mut().position(|spare| spare.try_reclaim(wanted)) {
            Some(free) => self.spare.swap_remove_back(free).unwrap_or_default(),
            None if self.spare.len() < BUFFERS => BytesMut::new(),
            None => self.spare.pop_front().unwrap_or_default(),
        };
        buffer.reserve(wanted);
        if buffer.capacity() > len {
            drop(buffer.split_off(len));
        }
        buffer
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Local>>> {
        // Found for a transport that takes bytes now.
        if let Some(span) = self.span.take() {
            self.pieces.push_front(Piece::Source(ByteRange::at(span.offset, span.len as u64)));
        }
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
        // Less than what waited, perhaps, when that was a span.
        let slice = ready!(self.gate.poll(self.frame.len(), cx)).min(self.frame.len());
        let frame =
            if slice == self.frame.len() { std::mem::take(&mut self.frame) } else { self.frame.split_to(slice) };
        if self.frame.is_empty() {
            self.look_ahead(cx);
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn poll_span(&mut self, cx: &mut Context<'_>) -> Poll<Option<Span>> {
        self.spans = true;
        if self.span.is_none() {
            self.span = self.next_span();
        }
        let Some(span) = &mut self.span else {
            return Poll::Ready(None);
        };
        let slice = span.split_to(ready!(self.gate.poll(span.len.min(LONGEST_SPAN), cx)));
        if span.len == 0 {
            self.span = None;
            self.look_ahead(cx);
        }
        Poll::Ready(Some(slice))
    }
}

/// [`Outgoing`] with its bookkeeping: what was sent, the digest at the end, the source's fault.
struct Metered {
    outgoing: Outgoing,
    meter: Arc<Meter>,
    state: SourceState,
    /// The transport polls it, and its reads are its client's nevertheless.
    home: Home,
}

impl Stream for Metered {
    type Item = Result<Bytes, SourceGone>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.outgoing.failed {
            return Poll::Ready(None);
        }
        match ready!(this.home.poll(|| this.outgoing.poll_frame(cx))) {
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
                this.state.lock().fault = Some(fault);
                Poll::Ready(Some(Err(SourceGone)))
            }
        }
    }
}

impl Spans for Metered {
    fn poll_span(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Span>> {
        let this = &mut *self;
        if this.outgoing.failed {
            return Poll::Ready(None);
        }
        let span = ready!(this.home.poll(|| this.outgoing.poll_span(cx)));
        if let Some(span) = &span {
            this.meter.sent(span.len as u64);
            let end = span.offset + span.len as u64;
            this.state.lock().unread.get_or_insert((span.offset, end)).1 = end;
        }
        Poll::Ready(span)
    }
}
