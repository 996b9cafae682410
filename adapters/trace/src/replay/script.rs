//! The trace as a script: where the replay stands in it, and the first difference.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Difference;
use crate::record::Record;
use crate::redact::Names;
use crate::show;

#[derive(Debug)]
pub(super) struct Script {
    records: Vec<Record>,
    at: usize,
    pub(super) names: Names,
    pub(super) difference: Option<Difference>,
    /// The trace ended in the middle of a call.
    pub(super) exhausted: bool,
}

/// Shared with the providers, which the engine asks in the middle of a call.
pub(super) type SharedScript = Arc<Mutex<Script>>;

pub(super) fn lock(script: &SharedScript) -> MutexGuard<'_, Script> {
    script.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Script {
    pub(super) fn new(records: Vec<Record>) -> SharedScript {
        let script = Self { records, at: 0, names: Names::kept(), difference: None, exhausted: false };
        Arc::new(Mutex::new(script))
    }

    /// The next record. `None` at the end, at a cut, and after a difference.
    pub(super) fn peek(&self) -> Option<&Record> {
        let goes_on = self.difference.is_none() && !self.exhausted;
        self.records.get(self.at).filter(|record| goes_on && !matches!(record, Record::Cut { .. }))
    }

    /// Why recording stopped here, if it did.
    pub(super) fn cut(&self) -> Option<&str> {
        match self.records.get(self.at) {
            Some(Record::Cut { why }) => Some(why),
            _ => None,
        }
    }

    pub(super) fn next(&mut self) -> Option<Record> {
        let record = self.peek().cloned();
        self.at += usize::from(record.is_some());
        record
    }

    /// How many records were passed.
    pub(super) const fn steps(&self) -> usize {
        self.at
    }

    /// The core does `now`. Whether that stands next in the trace; past its end there is nothing to compare.
    pub(super) fn expect(&mut self, now: &Record) -> bool {
        match self.peek() {
            Some(record) if record == now => {
                self.at += 1;
                true
            }
            None => {
                self.exhausted |= self.difference.is_none();
                false
            }
            Some(_) => {
                self.differs(show::line(now));
                false
            }
        }
    }

    /// What stands next is not what happens.
    pub(super) fn differs(&mut self, now: String) {
        if self.difference.is_none() {
            let recorded = self.records.get(self.at).map(show::line);
            self.difference = Some(Difference { line: self.at + 1, recorded, now });
        }
    }
}
