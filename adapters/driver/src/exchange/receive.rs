//! The body of an answer into the target: frames gathered into batches, one batch being written while the next is gathered; or, where
//! nobody wants to look at them, bytes in pipes instead of frames (see [`Piped`]).

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::StreamExt;
use longhaul_core::Algorithm;
use longhaul_core::error::{Fault, FaultKind, Sent};

use super::piped::Piped;
use super::{Local, Nudge};
use crate::cancel::Cancel;
use crate::hash::Hasher;
use crate::meter::Meter;
use crate::storage::{Batch, Pipe, Storage};
use crate::throttle::{Gate, Throttle};
use crate::transport::{Frames, Moved, Unread};

/// Where a body goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) skip: u64,
    pub(super) offset: u64,
    /// `u64::MAX`: up to the end of the body.
    pub(super) len: u64,
}

/// How it ended; whatever was gathered has been written, except after a local fault.
#[derive(Debug)]
pub(super) enum Ended {
    Complete,
    Broken(Fault),
    Local(Local),
    Cancelled,
}

/// A body on its way into the target. Holds at most two batches and one frame.
pub(super) struct Incoming {
    storage: Arc<dyn Storage>,
    frames: Option<Frames>,
    place: Place,
    left: u64,
    hasher: Option<Hasher>,
    batch: usize,
    gate: Gate,
    /// The part of a frame that waits for its rate limit.
    held: Bytes,
    gathered: Vec<Bytes>,
    gathered_len: usize,
    /// The emptied vector of the batch before.
    spare: Vec<Bytes>,
    /// What has been asked for instead of frames. Once it comes, it is what is gathered.
    piped: Option<Piped>,
    write: Option<(Write, u64)>,
    room: Option<BoxFuture<'static, ()>>,
    /// Whether to write although the batch is not full.
    flush: bool,
    end: Option<Ended>,
}

/// A write under way.
enum Write {
    Frames(BoxFuture<'static, Result<Batch, Local>>),
    Piped(BoxFuture<'static, Result<Pipe, Local>>),
}

impl Incoming {
    pub(super) fn new(
        storage: Arc<dyn Storage>,
        frames: Frames,
        place: Place,
        digest: Option<Algorithm>,
        batch: usize,
        throttle: Throttle,
    ) -> Self {
        Self {
            storage,
            frames: Some(frames),
            place,
            left: place.len,
            hasher: digest.map(Hasher::new),
            batch,
            gate: Gate::new(throttle),
            held: Bytes::new(),
            gathered: Vec::new(),
            gathered_len: 0,
            spare: Vec::new(),
            piped: None,
            write: None,
            room: None,
            flush: false,
            end: None,
        }
    }

    /// Has the kernel move what it can, if nobody wants to see the bytes, all of them belong into the target, and that takes them so.
    pub(super) fn leave_unread(&mut self, unread: Unread) {
        if self.hasher.is_none() && self.place.skip == 0 && self.left > 0 {
            self.piped = self.storage.pipe().map(|pipe| Piped::begin(unread, pipe));
        }
    }

    /// Moves everything. Must be awaited to its end: a write is never left alone.
    pub(super) async fn run(&mut self, cancel: &Cancel, nudge: &Nudge, meter: &Meter) -> Ended {
        if let Some(digest) = self.hasher.as_ref().and_then(Hasher::digest) {
            meter.written(0, Some(digest));
        }
        std::future::poll_fn(|cx| {
            if cancel.poll_set(cx).is_ready() {
                self.stop(Ended::Cancelled);
            }
            self.flush |= nudge.take(cx);
            self.poll(cx, meter)
        })
        .await
    }

    fn poll(&mut self, cx: &mut Context<'_>, meter: &Meter) -> Poll<Ended> {
        loop {
            if let Poll::Ready(Err(fault)) = self.poll_write(cx, meter) {
                return Poll::Ready(Ended::Local(fault));
            }
            self.gather(cx);
            if self.write.is_some() {
                return Poll::Pending;
            }
            if self.gathered_len == 0 {
                return self.end.take().map_or(Poll::Pending, Poll::Ready);
            }
            if self.gathered_len < self.batch && self.end.is_none() && !self.flush {
                return Poll::Pending;
            }
            if !self.begin_write(cx, meter) {
                return Poll::Pending;
            }
        }
    }

    /// Sees to the write under way.
    fn poll_write(&mut self, cx: &mut Context<'_>, meter: &Meter) -> Poll<Result<(), Local>> {
        let Some((write, len)) = &mut self.write else {
            return Poll::Pending;
        };
        let len = *len;
        match write {
            Write::Frames(write) => {
                let batch = ready!(write.poll_unpin(cx))?;
                self.hasher = batch.hasher;
                self.spare = batch.frames;
                self.spare.clear();
            }
            Write::Piped(write) => {
                let pipe = ready!(write.poll_unpin(cx))?;
                if let Some(piped) = &mut self.piped {
                    piped.back(pipe);
                }
            }
        }
        self.write = None;
        meter.written(len, self.hasher.as_ref().and_then(Hasher::digest));
        self.place.offset += len;
        Poll::Ready(Ok(()))
    }

    /// Takes frames until none is ready, the batch is full, or all is there.
    fn gather(&mut self, cx: &mut Context<'_>) {
        while self.gathered_len < self.batch || self.left == 0 {
            if self.left > 0 && self.piped.as_ref().is_some_and(Piped::is_next) {
                if self.gather_piped(cx).is_pending() {
                    return;
                }
                continue;
            }
            if !self.held.is_empty() {
                let Poll::Ready(slice) = self.gate.poll(self.held.len(), cx) else {
                    return;
                };
                let frame =
                    if slice == self.held.len() { mem::take(&mut self.held) } else { self.held.split_to(slice) };
                self.count(slice);
                self.gathered.push(frame);
                continue;
            }
            if self.left == 0 && self.end.is_none() {
                self.end = Some(Ended::Complete);
            }
            let Some(frames) = &mut self.frames else {
                return;
            };
            let Poll::Ready(frame) = frames.poll_next_unpin(cx) else {
                return;
            };
            match frame {
                // Asked on to the end, so that the connection can be used again; more than was wanted closes it.
                None | Some(Err(_)) if self.left == 0 => self.frames = None,
                Some(Ok(frame)) if self.left == 0 => {
                    if !frame.is_empty() {
                        self.frames = None;
                    }
                }
                Some(Ok(mut frame)) => {
                    let skipped = self.place.skip.min(frame.len() as u64);
                    self.place.skip -= skipped;
                    // Both are at most the frame's length.
                    let _ = frame.split_to(usize::try_from(skipped).unwrap_or(usize::MAX));
                    frame.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
                    self.held = frame;
                }
                Some(Err(fault)) => self.stop(Ended::Broken(fault)),
                None => match &mut self.piped {
                    Some(piped) => {
                        piped.frames_ended();
                        self.frames = None;
                        self.batch = piped.batch();
                        // What came as frames goes first.
                        self.flush |= self.gathered_len > 0;
                    }
                    None => self.through(),
                },
            }
        }
    }

    /// The same with what the kernel moves. Ready: to be asked again.
    fn gather_piped(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(piped) = self.piped.as_mut().filter(|_| self.gathered.is_empty()) else {
            return Poll::Pending;
        };
        let Some(pipe) = piped.pipe(&*self.storage) else {
            return Poll::Pending;
        };
        // In the pipe, and waiting for its rate limit.
        let held = pipe.len - self.gathered_len;
        if held > 0 {
            let slice = ready!(self.gate.poll(held, cx));
            self.count(slice);
            return Poll::Ready(());
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        match ready!(piped.poll_move(cx, self.gate.most(most))) {
            Ok(Moved::Bytes(_)) => Poll::Ready(()),
            Ok(Moved::Full) => {
                self.flush = true;
                Poll::Pending
            }
            Ok(Moved::End) => {
                self.through();
                Poll::Pending
            }
            Err(fault) => {
                self.stop(Ended::Broken(fault));
                Poll::Pending
            }
        }
    }

    /// So many bytes more are to be written.
    fn count(&mut self, len: usize) {
        self.left -= if self.left == u64::MAX { 0 } else { len as u64 };
        self.gathered_len += len;
    }

    /// The body is at its end.
    fn through(&mut self) {
        let whole = self.left == u64::MAX && self.place.skip == 0;
        let end = if whole { Ended::Complete } else { Ended::Broken(self.truncated()) };
        self.stop(end);
    }

    /// Reads no more; what is gathered is still written. Being cancelled overrides any other end.
    fn stop(&mut self, end: Ended) {
        if self.end.is_none() || matches!(end, Ended::Cancelled) {
            self.end = Some(end);
        }
        self.frames = None;
        self.held = Bytes::new();
        if let Some(piped) = &mut self.piped {
            piped.stop();
        }
    }

    fn truncated(&self) -> Fault {
        let detail = if self.place.len == u64::MAX {
            format!("{} bytes before the wanted ones are missing", self.place.skip)
        } else {
            format!("{} of {} bytes came", self.place.len - self.left, self.place.len)
        };
        Fault::new(FaultKind::Truncated, Sent::Maybe, detail)
    }

    /// Begins to write what is gathered. False while a consumer has to make room first.
    fn begin_write(&mut self, cx: &mut Context<'_>, meter: &Meter) -> bool {
        if self.room.is_none() {
            self.room = self.storage.room(self.place.offset + self.gathered_len as u64);
        }
        if let Some(room) = &mut self.room {
            match room.poll_unpin(cx) {
                Poll::Pending if !matches!(self.end, Some(Ended::Cancelled)) => {
                    meter.held(true);
                    return false;
                }
                // Cancelled: nobody waits for a slow consumer.
                Poll::Pending => (self.gathered, self.gathered_len) = (Vec::new(), 0),
                Poll::Ready(()) => {}
            }
            self.room = None;
            meter.held(false);
            if self.gathered_len == 0 {
                return true;
            }
        }
        let (offset, len) = (self.place.offset, mem::take(&mut self.gathered_len));
        let pipe = self.piped.as_mut().filter(|_| self.gathered.is_empty()).and_then(|piped| piped.take(len));
        let write = match pipe {
            Some(pipe) => Write::Piped(self.storage.write_piped(offset, pipe, len)),
            None => {
                let frames = mem::replace(&mut self.gathered, mem::take(&mut self.spare));
                Write::Frames(self.storage.write(offset, Batch { frames, hasher: self.hasher.take() }))
            }
        };
        self.write = Some((write, len as u64));
        self.flush = false;
        true
    }
}
