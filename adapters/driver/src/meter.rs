//! How far one exchange has come: written by whoever moves the bytes, read by the loop a few times per second.

use std::sync::{Mutex, PoisonError};

use longhaul_core::digest::Digest;
use longhaul_core::intent::Moved;

/// Shared between one exchange and the loop. Uncontended: one writer, one reader a few times per second.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Moved>);

impl Meter {
    /// A connection carries the exchange now.
    pub fn connected(&self) {
        self.with(|moved| moved.connected = true);
    }

    /// `bytes` more of the request's body were handed to the connection.
    pub fn sent(&self, bytes: u64) {
        self.with(|moved| moved.sent += bytes);
    }

    /// `bytes` more of the answer's body were written to the target; `digest` covers all written so far.
    pub fn written(&self, bytes: u64, digest: Option<Digest>) {
        self.with(|moved| {
            moved.written += bytes;
            moved.digest = digest;
        });
    }

    /// What came waits for its consumer, or does no longer.
    pub fn held(&self, held: bool) {
        self.with(|moved| moved.held = held);
    }

    /// How far it has come.
    #[must_use]
    pub fn read(&self) -> Moved {
        self.with(|moved| *moved)
    }

    fn with<T>(&self, f: impl FnOnce(&mut Moved) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
