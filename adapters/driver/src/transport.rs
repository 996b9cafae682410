//! The seam to an HTTP client: one request out, one head and a stream of frames back.
//!
//! To bring another client, implement [`Transport`]; nothing else is needed. A transport never retries, never follows
//! redirects, never decodes bodies and never times out by itself: the core decides all of that.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, Stream};
use longhaul_core::error::Fault;

use crate::meter::Meter;
use crate::storage::{Pipe, Span};

/// An HTTP client.
pub trait Transport: Send + Sync + 'static {
    /// Sends `request` and gives the head of the answer as soon as it is there, also when the request's body is not through yet
    /// (an early refusal). Dropping the future, or the answer's frames, gives the exchange up and closes its connection unless
    /// it was at its end.
    ///
    /// The request's target is absolute. Its body must go out with `Content-Length: body.len()`; `Host` is the transport's to
    /// set; no other header may be added that a signature could cover (no `Content-Type`, no `Accept-Encoding`).
    fn send(&self, request: http::Request<SendBody>) -> BoxFuture<'static, Result<http::Response<Frames>, Fault>>;

    /// Whether it calls [`Meter::connected`]. Without that the connect deadline cannot be watched, and is not.
    fn reports_connections(&self) -> bool {
        false
    }
}

/// The frames of an answer's body, in order. A clean end means the body was complete as announced; anything else is an error.
pub type Frames = BoxStream<'static, Result<Bytes, Fault>>;

/// What an answer's head may carry in its extensions: the kernel can move the answer's body to a [`Pipe`], and nobody has to read it.
/// The answer's frames are there all the same, for those who do not want that. The connection is closed when both are dropped
/// before the body's end.
#[derive(Clone)]
pub struct Unread(Arc<dyn Splice>);

/// The transport's side of [`Unread`].
pub trait Splice: Send + Sync {
    /// See [`Unread::begin`].
    fn begin(&self);

    /// See [`Unread::poll_move`].
    fn poll_move(&self, cx: &mut Context<'_>, pipe: &Pipe, most: usize) -> Poll<Result<Moved, Fault>>;
}

/// What [`Unread::poll_move`] has done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moved {
    /// So many bytes, at least one, are in the pipe.
    Bytes(usize),
    /// Nothing, because the pipe takes no more. It never says so of an empty one.
    Full,
    /// Nothing, because the body is at its end, complete as announced.
    End,
}

impl Unread {
    /// The body that `splice` moves.
    pub fn new(splice: Arc<dyn Splice>) -> Self {
        Self(splice)
    }

    /// Nothing more is to be read. The frames end, without an error, after what has been read already; the rest is had by
    /// [`Self::poll_move`]. (That may be nothing: the frames go on where the transport finds that it cannot.)
    pub fn begin(&self) {
        self.0.begin();
    }

    /// Moves what comes next, at most `most` bytes of it, to `pipe`. To be called when the frames are at their end.
    pub fn poll_move(&self, cx: &mut Context<'_>, pipe: &Pipe, most: usize) -> Poll<Result<Moved, Fault>> {
        self.0.poll_move(cx, pipe, most)
    }
}

impl std::fmt::Debug for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unread").finish_non_exhaustive()
    }
}

/// A request body of known length.
pub struct SendBody {
    len: u64,
    frames: Pin<Box<dyn Spans>>,
    meter: Arc<Meter>,
}

/// A body's frames, some of which need not be read where the kernel can send them.
pub trait Spans: Stream<Item = Result<Bytes, SourceGone>> + Send {
    /// See [`SendBody::poll_span`].
    fn poll_span(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Span>>;
}

impl Spans for BoxStream<'static, Result<Bytes, SourceGone>> {
    fn poll_span(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Span>> {
        Poll::Ready(None)
    }
}

/// Most bytes of a span that a transport is given. They count as sent when it is given, as those of a frame do: a longer one would look
/// like silence on a slow connection.
pub const LONGEST_SPAN: usize = 256 << 10;

/// The source of a request body failed; the exchange must be given up. The reason reaches the engine by another way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SourceGone;

impl std::fmt::Display for SourceGone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the source of the request body failed")
    }
}

impl std::error::Error for SourceGone {}

impl SendBody {
    /// `frames` of together `len` bytes.
    #[must_use]
    pub fn new(len: u64, frames: BoxStream<'static, Result<Bytes, SourceGone>>, meter: Arc<Meter>) -> Self {
        Self::with_spans(len, Box::pin(frames), meter)
    }

    /// The same where some bytes need not be read.
    #[must_use]
    pub fn with_spans(len: u64, frames: Pin<Box<dyn Spans>>, meter: Arc<Meter>) -> Self {
        Self { len, frames, meter }
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is nothing to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where the transport tells that a connection carries the request.
    #[must_use]
    pub fn meter(&self) -> Arc<Meter> {
        Arc::clone(&self.meter)
    }

    /// The frames.
    #[must_use]
    pub fn into_frames(self) -> BoxStream<'static, Result<Bytes, SourceGone>> {
        self.frames
    }

    /// What comes next as part of a file, up to [`LONGEST_SPAN`], for a connection on which the kernel can send it without anybody
    /// reading it: such a transport asks for this first, each time. `None`: a frame is next, or the end. A span counts as sent when
    /// it is given, as a frame does.
    pub fn poll_span(&mut self, cx: &mut Context<'_>) -> Poll<Option<Span>> {
        self.frames.as_mut().poll_span(cx)
    }

    /// What comes next as bytes.
    pub fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, SourceGone>>> {
        self.frames.as_mut().poll_next(cx)
    }
}

impl std::fmt::Debug for SendBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SendBody").field("len", &self.len).finish_non_exhaustive()
    }
}
