//! One request: when its bytes moved, when it waited and when it stalled.

use super::super::words;
use crate::record::Step;

/// Without a byte for this long a request that had moved some counts as stalled, in microseconds.
const STALL: u64 = 1_000_000;

/// A request and what became of it.
#[derive(Clone, Debug)]
pub(in crate::page) struct Request {
    pub(in crate::page) step: Step,
    pub(in crate::page) method: String,
    pub(in crate::page) url: String,
    pub(in crate::page) begin: u64,
    pub(in crate::page) end: u64,
    pub(in crate::page) lane: usize,
    /// Bytes that its body has.
    pub(in crate::page) body: u64,
    pub(in crate::page) status: Option<u16>,
    pub(in crate::page) headed: Option<u64>,
    /// Bytes that moved, and when the last of them did.
    pub(in crate::page) moved: u64,
    pub(in crate::page) last: u64,
    pub(in crate::page) spans: Vec<Span>,
    pub(in crate::page) ended: Ended,
    /// When it is tried again.
    pub(in crate::page) retry: Option<u64>,
    pub(super) open: bool,
}

/// What a request was doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::page) struct Span {
    pub(in crate::page) from: u64,
    pub(in crate::page) to: u64,
    pub(in crate::page) state: State,
}

/// States of a request, the more remarkable the later.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::page) enum State {
    Waiting,
    Moving,
    Stalled,
    Failed,
}

/// How a request ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::page) enum Ended {
    Not,
    Well,
    Cancelled,
    Badly(String),
}

impl Request {
    pub(super) fn new(step: Step, method: &str, url: &str, body: u64, lane: usize, now: u64) -> Self {
        Self {
            step,
            method: method.to_owned(),
            url: url.to_owned(),
            begin: now,
            end: now,
            lane,
            body,
            status: None,
            headed: None,
            moved: 0,
            last: now,
            spans: Vec::new(),
            ended: Ended::Not,
            retry: None,
            open: true,
        }
    }

    /// `total` bytes have moved by `now`. What moved since the last time, and since when.
    pub(super) fn advance(&mut self, total: u64, now: u64, held: bool, upload: bool) -> Option<(u64, u64, u64)> {
        if total <= self.moved {
            // While a consumer holds it up nothing is wrong with the network.
            if held {
                self.push(self.last, now, State::Waiting);
                self.last = now;
            }
            return None;
        }
        let (from, bytes) = (self.last, total - self.moved);
        let headed = self.headed.map(|headed| headed.clamp(from, now));
        let (begin, end) = match headed {
            // The answer comes after what is sent, and before what is received.
            Some(headed) if upload && headed > from => (from, headed),
            Some(headed) if !upload && self.moved == 0 => (headed, now),
            _ => (from, now),
        };
        self.pause(begin);
        self.push(begin, end, State::Moving);
        (self.moved, self.last) = (total, end);
        Some((begin, end, bytes))
    }

    /// Nothing moved from the last byte up to `now`.
    fn pause(&mut self, now: u64) {
        if now <= self.last {
            return;
        }
        let sent = self.body > 0 && self.moved >= self.body;
        let state = if self.moved == 0 || sent {
            State::Waiting
        } else if now - self.last >= STALL {
            State::Stalled
        } else {
            State::Moving
        };
        self.push(self.last, now, state);
    }

    fn push(&mut self, from: u64, to: u64, state: State) {
        // Two looks are up to a tick apart: a longer one between them is a stall.
        let state = if state == State::Moving && to - from >= 2 * STALL { State::Stalled } else { state };
        match self.spans.last_mut() {
            Some(last) if last.state == state && last.to >= from => last.to = to,
            _ => self.spans.push(Span { from, to, state }),
        }
    }

    pub(super) fn close(&mut self, now: u64) {
        self.pause(now);
        self.end = now;
        self.open = false;
    }

    /// What it was about, for people.
    pub(in crate::page) fn name(&self) -> String {
        words::step(&self.step)
    }

    pub(in crate::page) fn is_bad(&self) -> bool {
        matches!(self.ended, Ended::Badly(_))
    }
}
