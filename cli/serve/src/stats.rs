//! Counters of what the server has seen and done.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::Method;

/// A copy of the counters at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Requests begun, by method; unusual methods count as `OTHER`.
    pub requests: BTreeMap<&'static str, u64>,
    /// Faults that happened, by [`What::kind`](crate::What::kind).
    pub faults: BTreeMap<&'static str, u64>,
    /// Connections accepted.
    pub connections: u64,
    /// Requests under way now.
    pub requests_now: u64,
    /// The most requests under way at a time.
    pub requests_max: u64,
    /// Bytes written to sockets, heads included.
    pub wire_bytes_sent: u64,
    /// Bytes read from sockets, heads included.
    pub wire_bytes_received: u64,
    /// Bytes of files and other bodies handed to connections. A connection that ends early may not have
    /// delivered the last of them.
    pub body_bytes_sent: u64,
    /// Bytes of `file` fields received, whatever became of them.
    pub content_received: u64,
    /// Of these, bytes that were stored where nothing was stored before.
    pub content_stored: u64,
    /// Of these, bytes that were stored or complete already and came again.
    pub content_again: u64,
    /// Of these, bytes thrown away: a chunk cut short, refused, or beyond what was stored.
    pub content_discarded: u64,
    /// The end of the highest bytes that came again, as an offset in their file.
    pub highest_again: Option<u64>,
    /// Uploads published.
    pub uploads_completed: u64,
}

impl Stats {
    /// Requests of all methods.
    #[must_use]
    pub fn requests_total(&self) -> u64 {
        self.requests.values().sum()
    }

    /// How often a fault of this kind happened.
    #[must_use]
    pub fn faults_of(&self, kind: &str) -> u64 {
        self.faults.get(kind).copied().unwrap_or(0)
    }

    /// Bytes of `file` fields that a perfect client on a perfect network would not have sent.
    #[must_use]
    pub fn content_resent(&self) -> u64 {
        self.content_again + self.content_discarded
    }
}

/// The live counters: plain ones for what every block of bytes touches, the rest behind one short lock.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) wire_sent: AtomicU64,
    pub(crate) wire_received: AtomicU64,
    pub(crate) body_sent: AtomicU64,
    pub(crate) content_received: AtomicU64,
    rest: Mutex<Stats>,
}

impl Counters {
    pub(crate) fn snapshot(&self) -> Stats {
        Stats {
            wire_bytes_sent: self.wire_sent.load(Relaxed),
            wire_bytes_received: self.wire_received.load(Relaxed),
            body_bytes_sent: self.body_sent.load(Relaxed),
            content_received: self.content_received.load(Relaxed),
            ..self.lock().clone()
        }
    }

    pub(crate) fn request_begins(&self, method: &Method) {
        let mut stats = self.lock();
        *stats.requests.entry(label(method)).or_default() += 1;
        stats.requests_now += 1;
        stats.requests_max = stats.requests_max.max(stats.requests_now);
    }

    pub(crate) fn request_ends(&self) {
        self.lock().requests_now -= 1;
    }

    pub(crate) fn connection(&self) {
        self.lock().connections += 1;
    }

    pub(crate) fn fault(&self, kind: &'static str) {
        *self.lock().faults.entry(kind).or_default() += 1;
    }

    pub(crate) fn completed(&self) {
        self.lock().uploads_completed += 1;
    }

    pub(crate) fn discarded(&self, bytes: u64) {
        self.lock().content_discarded += bytes;
    }

    pub(crate) fn stored(&self, fresh: u64) {
        self.lock().content_stored += fresh;
    }

    /// `bytes` of content that end at offset `end` came a second time.
    pub(crate) fn again(&self, bytes: u64, end: u64) {
        if bytes > 0 {
            let mut stats = self.lock();
            stats.content_again += bytes;
            stats.highest_again = stats.highest_again.max(Some(end));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Stats> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The method as a name from a closed list, so that a client cannot grow the map.
fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}
