//! One HTTP intent as one future: request out, head to the loop, body to where the core says, one answer at the end.
//!
//! Everything is awaited beside the cancel flag, except a write that is under way: nothing may touch the target after the
//! answer. The answer comes exactly once on every path, a panic included: see [`Answer`].

mod piped;
mod receive;
mod send;
#[cfg(test)]
mod tests;

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures::channel::oneshot;
use futures::future::FutureExt;
use futures::stream::StreamExt;
use futures::task::AtomicWaker;
use http::Request;
use http::response::Parts;
use longhaul_core::error::{Fault, FaultKind, FileFault, Sent};
use longhaul_core::intent::{Body, Disposition, Outcome};
use longhaul_core::{Algorithm, OpId};
use pin_project_lite::pin_project;

use crate::cancel::Cancel;
use crate::mailbox::{Mailbox, Reply};
use crate::meter::Meter;
use crate::storage::Storage;
use crate::throttle::Throttle;
use crate::transport::{Frames, Transport, Unread};

/// A request to be made, and all it needs.
pub(crate) struct Exchange {
    pub(crate) op: OpId,
    pub(crate) request: Request<Body>,
    pub(crate) digest: Option<Algorithm>,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) send: Throttle,
    pub(crate) receive: Throttle,
    pub(crate) read_chunk: usize,
    pub(crate) write_batch: usize,
    pub(crate) controls: Controls,
    pub(crate) mailbox: Arc<Mailbox>,
}

/// What the loop keeps of an exchange.
#[derive(Clone, Debug, Default)]
pub(crate) struct Controls {
    pub(crate) cancel: Cancel,
    pub(crate) nudge: Nudge,
    pub(crate) meter: Arc<Meter>,
}

/// Asks an exchange to write what it has gathered although the batch is not full: set by the loop's tick.
#[derive(Clone, Debug, Default)]
pub(crate) struct Nudge(Arc<(AtomicBool, AtomicWaker)>);

impl Nudge {
    pub(crate) fn set(&self) {
        self.0.0.store(true, Ordering::Release);
        self.0.1.wake();
    }

    fn take(&self, cx: &Context<'_>) -> bool {
        self.0.1.register(cx.waker());
        self.0.0.swap(false, Ordering::AcqRel)
    }
}

impl Exchange {
    /// Makes the exchange and answers; also when it is dropped without having been polled.
    pub(crate) fn run(self) -> impl Future<Output = ()> + Send + 'static {
        let answer = Answer {
            mailbox: Arc::clone(&self.mailbox),
            op: self.op,
            meter: Arc::clone(&self.controls.meter),
            open: true,
        };
        AssertUnwindSafe(self.exchange()).catch_unwind().map(|outcome| answer.give(outcome.ok()))
    }

    #[expect(clippy::manual_async_fn, reason = "an async function keeps what it was given beside what becomes of it")]
    fn exchange(self) -> impl Future<Output = Outcome> + Send + 'static {
        async move {
            let Controls { cancel, nudge, meter } = self.controls;
            if cancel.is_set() {
                return Outcome::Cancelled { moved: meter.read() };
            }
            if !self.transport.reports_connections() {
                meter.connected();
            }
            let source = send::SourceState::default();
            let (head, body) = self.request.into_parts();
            let hasher = self.digest.map(crate::hash::Hasher::new);
            let outgoing = send::Outgoing::new(Arc::clone(&self.storage), body, hasher, self.read_chunk, self.send);
            let body = outgoing.into_body(Arc::clone(&meter), source.clone());

            // The source's fault wins over the transport's, which it causes.
            let broken = |fault: Fault| match source.take_fault() {
                Some(fault) => Outcome::Local { moved: meter.read(), fault },
                None => Outcome::Broken { moved: meter.read(), fault },
            };
            let cancelled = || Outcome::Cancelled { moved: meter.read() };

            let response = unless(&cancel, self.transport.send(Request::from_parts(head, body))).await;
            let broke = matches!(response, Some(Err(_)));
            if unless(&cancel, source.check_unread(&*self.storage, broke)).await.is_none() {
                return cancelled();
            }
            let response = match response {
                None => return cancelled(),
                Some(Err(fault)) => return broken(fault),
                Some(Ok(response)) => response,
            };
            if let Some(fault) = source.take_fault() {
                return Outcome::Local { moved: meter.read(), fault };
            }
            let (mut head, frames) = response.into_parts();
            let unread = head.extensions.remove::<Unread>();
            let disposition = match unless(&cancel, ask(&self.mailbox, self.op, head)).await {
                None => return cancelled(),
                Some(disposition) => disposition,
            };
            match disposition {
                Disposition::WriteAt { skip, offset, len, digest } => {
                    let place = receive::Place { skip, offset, len };
                    let mut target =
                        receive::Incoming::new(self.storage, frames, place, digest, self.write_batch, self.receive);
                    if let Some(unread) = unread {
                        target.leave_unread(unread);
                    }
                    match target.run(&cancel, &nudge, &meter).await {
                        receive::Ended::Complete => Outcome::Complete { moved: meter.read(), body: Bytes::new() },
                        receive::Ended::Broken(fault) => broken(fault),
                        receive::Ended::Local(fault) => Outcome::Local { moved: meter.read(), fault },
                        receive::Ended::Cancelled => cancelled(),
                    }
                }
                Disposition::Collect { max } => match unless(&cancel, collect(frames, max, &meter)).await {
                    None => cancelled(),
                    Some(Err(fault)) => broken(fault),
                    Some(Ok(body)) => Outcome::Complete { moved: meter.read(), body },
                },
                _ => cancelled(),
            }
        }
    }
}

/// `work`'s result, or `None` when cancelled first.
fn unless<F: Future>(cancel: &Cancel, work: F) -> Unless<'_, F> {
    Unless { cancel, work }
}

pin_project! {
    /// See [`unless`].
    struct Unless<'a, F> {
        cancel: &'a Cancel,
        #[pin]
        work: F,
    }
}

impl<F: Future> Future for Unless<'_, F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let this = self.project();
        if this.cancel.poll_set(cx).is_ready() { Poll::Ready(None) } else { this.work.poll(cx).map(Some) }
    }
}

/// Hands the head to the loop. A loop that is gone wants nothing more of the answer.
async fn ask(mailbox: &Mailbox, op: OpId, head: Parts) -> Disposition {
    let (disposition, answer) = oneshot::channel();
    mailbox.reply(Reply::Head { op, head, disposition });
    answer.await.unwrap_or(Disposition::Close)
}

/// So often a frame is a sign of life, and once more for each [`SIGN`] bytes: an answer that trickles is waited for half an hour for
/// each MiB at most, by the usual deadline. A store that completes an upload for minutes sends a blank now and then (Amazon's: some 20 s
/// apart); one that does nothing else is not waited for without end.
const SIGNS: usize = 120;
const SIGN: usize = 16 << 10;

/// The first `max` bytes of the body.
async fn collect(mut frames: Frames, max: usize, meter: &Meter) -> Result<Bytes, Fault> {
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    let mut signs = 0;
    while let Some(frame) = frames.next().await {
        let mut frame = frame?;
        let there = first.len().max(all.len());
        if signs < SIGNS + there / SIGN {
            signs += 1;
            meter.alive();
        }
        frame.truncate(max - there);
        if frame.is_empty() {
            if there == max {
                break; // more than is wanted
            }
        } else if first.is_empty() && all.is_empty() {
            first = frame; // most answers are one frame: no copy
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&frame);
        }
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

/// The obligation to answer, kept by `Drop`.
struct Answer {
    mailbox: Arc<Mailbox>,
    op: OpId,
    meter: Arc<Meter>,
    open: bool,
}

impl Answer {
    /// Answers with `outcome`, or with what can be said when there is none.
    fn give(mut self, outcome: Option<Outcome>) {
        if let Some(outcome) = outcome {
            self.open = false;
            self.mailbox.reply(Reply::Done { op: self.op, outcome });
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if self.open {
            let fault = Fault::new(FaultKind::Other, Sent::Maybe, "the exchange panicked, or its runtime dropped it");
            let outcome = Outcome::Broken { moved: self.meter.read(), fault };
            self.mailbox.reply(Reply::Done { op: self.op, outcome });
        }
    }
}

/// A local fault in one word for both directions.
type Local = FileFault;
