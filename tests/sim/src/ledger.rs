//! What one transfer has moved, and what it waits for, as counted at the model network and the model disk.
//!
//! These books are held against the engine's: nothing in them is read from it, but for the events that say that a transfer
//! begins, starts over or waits.

use longhaul_core::Time;

/// Longest time a retry may wait beyond its own delay: the budget gives one per second, shared by everybody's.
pub const BUDGET_WAIT: u64 = 60_000_000;

/// The account of one task.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Content bytes that crossed the network, as far as the engine was told.
    pub told: u64,
    /// Of the version that moves at present: bytes an earlier run left.
    pub reused: u64,
    /// Of the same: bytes of exchanges that are over and came to something.
    pub gained: u64,
    /// Its size, once told.
    pub total: Option<u64>,
    /// Content moves.
    pub moving: bool,
    /// It came to move a second time without having started over: what is left cannot be told from outside.
    pub fuzzy: bool,
    /// A range was served, so that more than one may be asked for at a time.
    pub shown: bool,
    /// It asks for the whole in one response.
    pub serial: bool,
    /// Something failed and was to be repeated.
    pub troubled: bool,
    /// Nothing need be tried before.
    pub quiet_until: Time,
    /// Since when it could have sent something and did not.
    pub could_since: Option<Time>,
    /// Since when there is something that no checkpoint names.
    pub unsaved_since: Option<Time>,
    /// When a checkpoint was last begun.
    pub saved_at: Time,
    /// A checkpoint could not be written.
    pub unsaveable: bool,
    /// How often servers had forgotten something when one was last asked what it has.
    pub forgets: u64,
}

impl Account {
    /// Content begins to move.
    pub const fn moves(&mut self, total: Option<u64>, reused: u64) {
        self.total = total;
        self.reused = reused;
        self.gained = 0;
    }

    /// It starts over.
    pub const fn starts_over(&mut self) {
        self.total = None;
        self.reused = 0;
        self.gained = 0;
        self.moving = false;
        self.fuzzy = false;
        self.shown = false;
        self.serial = false;
        self.unsaved_since = None;
    }

    /// Something is there that no checkpoint names.
    pub fn unsaved(&mut self, now: Time) {
        self.unsaved_since.get_or_insert(now);
    }

    /// A checkpoint begins.
    pub const fn saves(&mut self, now: Time) {
        self.unsaved_since = None;
        self.saved_at = now;
    }

    /// A failure is to be repeated after `delay` microseconds.
    pub fn waits(&mut self, now: Time, delay: u64) {
        self.troubled = true;
        self.quiet_until = self.quiet_until.max(Time::from_micros(now.as_micros().saturating_add(delay)));
        self.could_since = None;
    }

    /// It could send something now and does not: whether that has gone on for too long.
    pub fn idles(&mut self, now: Time) -> bool {
        if !self.troubled {
            return true;
        }
        if now < self.quiet_until {
            self.could_since = None;
            return false;
        }
        let since = *self.could_since.get_or_insert(now);
        now.as_micros() - since.as_micros() > BUDGET_WAIT
    }
}
