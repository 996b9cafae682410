//! How far one exchange has come: written by whoever moves the bytes, read by the loop a few times per second.

use std::sync::{Mutex, MutexGuard, PoisonError};

use longhaul_core::digest::Digest;
use longhaul_core::intent::Moved;

/// Shared between one exchange and the loop. Uncontended: one writer, one reader a few times per second.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    moved: Moved,
    /// Something came since the last look that is counted nowhere.
    alive: bool,
}

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

    /// Something came that is no content: until now there was no silence.
    pub(crate) fn alive(&self) {
        self.told().alive = true;
    }

    /// How far it has come.
    #[must_use]
    pub fn read(&self) -> Moved {
        self.told().moved
    }

    /// The same for the one who watches over silence.
    pub(crate) fn look(&self) -> Moved {
        let mut told = self.told();
        let alive = std::mem::take(&mut told.alive);
        Moved { held: told.moved.held || alive, ..told.moved }
    }

    fn with(&self, f: impl FnOnce(&mut Moved)) {
        f(&mut self.told().moved);
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
