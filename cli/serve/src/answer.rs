//! Answers: their heads, their bodies, and the error bodies in JSON.

use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};

use crate::exchange::Exchange;
use crate::fault::RetryAfter;
use crate::file_body::FileBody;
use crate::link::Ending;
use crate::shape::{Gate, Shaper};

/// An answer before it is tied to its connection.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) content: Content,
    pub(crate) len: u64,
}

/// The bytes of an answer.
pub(crate) enum Content {
    Bytes(Bytes),
    File(FileBody),
}

impl Answer {
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self::bytes(status, Bytes::new())
    }

    fn bytes(status: StatusCode, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { status, headers: HeaderMap::new(), len: bytes.len() as u64, content: Content::Bytes(bytes) }
    }

    pub(crate) fn html(page: String) -> Self {
        Self::bytes(StatusCode::OK, page).with(header::CONTENT_TYPE, "text/html; charset=utf-8")
    }

    pub(crate) fn json(status: StatusCode, value: &serde_json::Value) -> Self {
        Self::bytes(status, value.to_string()).with(header::CONTENT_TYPE, "application/json")
    }

    /// An error, told as `{"error": "..."}`.
    pub(crate) fn error(status: StatusCode, text: &str) -> Self {
        Self::json(status, &serde_json::json!({ "error": text }))
    }

    /// An I/O error: what the operating system said goes to the log, not to the client.
    pub(crate) fn disk(error: &io::Error) -> Self {
        tracing::warn!(%error, "file access failed");
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::error(StatusCode::INSUFFICIENT_STORAGE, "the server's disk is full")
            }
            io::ErrorKind::PermissionDenied => {
                Self::error(StatusCode::FORBIDDEN, "the server may not access this file")
            }
            _ => Self::error(StatusCode::INTERNAL_SERVER_ERROR, "the server could not access this file"),
        }
    }

    /// Adds a header. A value that is not a legal one is left out.
    #[must_use]
    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// The answer of a status fault.
    pub(crate) fn of_fault(code: u16, retry_after: Option<RetryAfter>) -> Self {
        let status = StatusCode::from_u16(code).ok().filter(|status| !status.is_informational());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let answer = match status.as_u16() {
            // These have no body.
            204 | 304 => Self::empty(status),
            _ => Self::error(status, "a fault was injected"),
        };
        match retry_after {
            None => answer,
            Some(RetryAfter::Seconds(seconds)) => answer.with(header::RETRY_AFTER, &seconds.to_string()),
            Some(RetryAfter::Date(ahead)) => {
                // Beyond a century the date has no meaning, and far beyond no notation.
                const FARTHEST: u64 = 100 * 366 * 86_400;
                let date = SystemTime::now() + Duration::from_secs(ahead.min(FARTHEST));
                answer.with(header::RETRY_AFTER, &httpdate::fmt_http_date(date))
            }
        }
    }

    /// Ties the answer to its request. `head_only` keeps the length and drops the bytes.
    pub(crate) fn send(
        mut self,
        exchange: Exchange,
        mut shaper: Option<Shaper>,
        head_only: bool,
    ) -> Response<AnswerBody> {
        if !matches!(self.status.as_u16(), 204 | 304) {
            self.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(self.len));
        }
        let left = if head_only { 0 } else { self.len };
        if let Some(shaper) = &mut shaper {
            shaper.end_here();
        }
        let mut body = AnswerBody { content: self.content, ready: Bytes::new(), left, shaper, exchange };
        body.exchange.answered(self.status);
        if left == 0 {
            body.content = Content::Bytes(Bytes::new());
            body.close_if_done();
        }
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// The body hyper sends. It keeps the exchange open until the last byte was handed over.
pub(crate) struct AnswerBody {
    content: Content,
    /// Bytes read but not yet let through.
    ready: Bytes,
    left: u64,
    shaper: Option<Shaper>,
    exchange: Exchange,
}

impl AnswerBody {
    fn close_if_done(&self) {
        if self.left == 0 && self.exchange.plan.close_after_answer {
            self.exchange.fired("close-after-answer");
            self.exchange.link.end(Ending::Close);
        }
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ready.is_empty() {
            self.ready = match &mut self.content {
                Content::Bytes(bytes) => std::mem::take(bytes),
                Content::File(file) => match ready!(file.poll_block(cx)) {
                    Some(block) => block?,
                    None => Bytes::new(),
                },
            };
        }
        Poll::Ready(Ok(()))
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        if this.left == 0 {
            return Poll::Ready(None);
        }
        let most = match &mut this.shaper {
            None => u64::MAX,
            Some(shaper) => match ready!(shaper.poll_gate(cx)) {
                Gate::Open(most) => most,
                // The flush that follows ends the connection.
                Gate::Shut => return Poll::Pending,
            },
        };
        if let Err(error) = ready!(this.poll_ready(cx)) {
            return Poll::Ready(Some(Err(error)));
        }
        let len = usize::try_from(most).unwrap_or(usize::MAX).min(this.ready.len());
        if len == 0 {
            return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
        }
        let data = this.ready.split_to(len);
        this.left -= len as u64;
        this.exchange.shared.counters.body_sent.fetch_add(len as u64, Relaxed);
        this.exchange.sent += len as u64;
        if let Some(shaper) = &mut this.shaper {
            shaper.moved(len as u64);
        }
        this.close_if_done();
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
