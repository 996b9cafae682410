//! One transfer: what its requests, events and numbers come to.

use super::super::words;
use super::request::{Request, State};
use crate::record::{Event, Numbers};

/// One transfer.
#[derive(Debug, Default)]
pub(in crate::page) struct Transfer {
    pub(in crate::page) id: String,
    pub(in crate::page) upload: bool,
    pub(in crate::page) object: String,
    pub(in crate::page) begin: u64,
    pub(in crate::page) wall: i64,
    pub(in crate::page) end: u64,
    pub(in crate::page) verdict: Option<Event>,
    pub(in crate::page) numbers: Numbers,
    pub(in crate::page) total: Option<u64>,
    pub(in crate::page) reused: u64,
    pub(in crate::page) phase: String,
    pub(in crate::page) phases: Vec<(u64, String)>,
    pub(in crate::page) requests: Vec<Request>,
    pub(in crate::page) troubles: Vec<Trouble>,
    /// What an earlier run had recorded as being there.
    pub(in crate::page) recorded: Vec<(u64, u64)>,
    /// Content bytes that moved between two moments.
    pub(in crate::page) flow: Vec<(u64, u64, u64)>,
}

/// Something that went wrong, or nearly.
#[derive(Clone, Debug)]
pub(in crate::page) struct Trouble {
    pub(in crate::page) at: u64,
    pub(in crate::page) kind: &'static str,
    pub(in crate::page) what: String,
    pub(in crate::page) why: String,
    pub(in crate::page) then: String,
}

impl Transfer {
    /// The trace is at its end.
    pub(super) fn finish(&mut self, now: u64) {
        for request in self.requests.iter_mut().filter(|request| request.open) {
            request.close(now);
        }
        if self.verdict.is_none() {
            self.end = now;
            self.numbers.moved = self.flow.iter().fold(0, |sum, &(_, _, bytes)| sum.saturating_add(bytes));
            self.numbers.requests = self.requests.len() as u64;
            self.numbers.reused = self.reused;
            self.numbers.retries = self.troubles.iter().filter(|trouble| trouble.kind == "retry").count() as u64;
        }
        self.total = self.total.or(self.numbers.total);
        self.stalls();
        self.troubles.sort_by_key(|trouble| trouble.at);
    }

    fn stalls(&mut self) {
        for request in &self.requests {
            for span in request.spans.iter().filter(|span| span.state == State::Stalled) {
                let went_on = span.to < request.end || !request.is_bad();
                self.troubles.push(Trouble {
                    at: span.from,
                    kind: "stall",
                    what: request.name(),
                    why: format!("not a byte for {}", words::span(span.to - span.from)),
                    then: if went_on { "went on" } else { "was broken off" }.to_owned(),
                });
            }
        }
    }

    /// How long it took, in microseconds.
    pub(in crate::page) const fn took(&self) -> u64 {
        self.end.saturating_sub(self.begin)
    }
}
