//! What faults do to a body while it moves: at which byte it ends or stalls, and how fast it goes.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::Instant;

use crate::link::{Ending, Link};
use crate::plan::Plan;
use crate::shared::Shared;

/// Whether a body may go on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// At most this many bytes, at least 1.
    Open(u64),
    /// The connection is ending; nothing more may move.
    Shut,
}

/// Counts the bytes of one body and applies the plan to them.
pub(crate) struct Shaper {
    shared: Arc<Shared>,
    link: Arc<Link>,
    moved: u64,
    end: Option<(u64, Ending)>,
    stall: Option<u64>,
    rate: Option<u64>,
    slowed: bool,
    /// When the bytes moved so far are paid for at the rate.
    due: Instant,
    wait: Option<Wait>,
}

enum Wait {
    Pace(Pin<Box<tokio::time::Sleep>>),
    Stall(Pin<Box<dyn Future<Output = ()> + Send>>),
}

impl Shaper {
    pub(crate) fn new(shared: Arc<Shared>, link: Arc<Link>, plan: &Plan) -> Self {
        Self {
            shared,
            link,
            moved: 0,
            end: plan.end,
            stall: plan.stall,
            rate: plan.rate,
            slowed: false,
            due: Instant::now(),
            wait: None,
        }
    }

    /// Waits until bytes may move.
    pub(crate) fn poll_gate(&mut self, cx: &mut Context<'_>) -> Poll<Gate> {
        match &mut self.wait {
            Some(Wait::Pace(sleep)) => ready!(sleep.as_mut().poll(cx)),
            Some(Wait::Stall(stall)) => {
                ready!(stall.as_mut().poll(cx));
                self.link.end(Ending::Close);
            }
            None => {}
        }
        self.wait = None;
        self.end_here();
        if self.link.is_ending() {
            return Poll::Ready(Gate::Shut);
        }
        if self.stall.is_some_and(|at| self.moved >= at) {
            self.stall = None;
            self.shared.counters.fault("stall");
            self.wait = Some(Wait::Stall(self.silence()));
            return self.poll_gate(cx);
        }
        // About twenty portions a second make a rate look like a slow line.
        let portion = self.rate.map_or(u64::MAX, |rate| (rate / 20).max(1));
        let end = self.end.map_or(u64::MAX, |(at, _)| at - self.moved);
        let stall = self.stall.map_or(u64::MAX, |at| at - self.moved);
        Poll::Ready(Gate::Open(portion.min(end).min(stall)))
    }

    /// Bytes have moved. When this was the last one allowed, the connection's ending is armed at once.
    pub(crate) fn moved(&mut self, bytes: u64) {
        self.moved += bytes;
        if let Some(rate) = self.rate {
            if !std::mem::replace(&mut self.slowed, true) {
                self.shared.counters.fault("slow");
            }
            let cost = u128::from(bytes) * 1_000_000_000 / u128::from(rate);
            let cost = Duration::from_nanos(u64::try_from(cost).unwrap_or(u64::MAX));
            self.due = self.due.max(Instant::now()) + cost;
            self.wait = Some(Wait::Pace(Box::pin(tokio::time::sleep_until(self.due))));
        }
        self.end_here();
    }

    /// Arms the ending when its byte is reached; for a body of no bytes this is before its first poll.
    pub(crate) fn end_here(&mut self) {
        if let Some((at, ending)) = self.end
            && self.moved >= at
        {
            self.end = None;
            self.shared.counters.fault(match ending {
                Ending::Close => "close",
                Ending::Reset => "reset",
            });
            self.link.end(ending);
        }
    }

    fn silence(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let link = Arc::clone(&self.link);
        let bound = self.shared.config.stall_bound;
        Box::pin(async move {
            // Either way the stall is over; only its end matters.
            let _ = tokio::time::timeout(bound, link.peer_gone()).await;
        })
    }
}
