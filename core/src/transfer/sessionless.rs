//! Uploads whose parts are committed although no request opened anything: block stores, where the names of the blocks are what
//! binds them together, and plans whose session somebody else opened.
//!
//! Block names are made of [`Context::nonce`](crate::provider::Context::nonce), which the journal keeps: a later run finds its
//! blocks again by it. A name stands for bytes, and a block sent long ago may still arrive: so a source that was touched since,
//! and an upload that starts over, get new names, and what has the old ones is never committed.

use crate::checkpoint::Stage;
use crate::provider::Begin;
use crate::transfer::state::Session;
use crate::transfer::{Stop, Transfer};

impl Transfer {
    /// Whether parts are committed without a session of this upload's own.
    pub(super) fn is_sessionless(&self) -> bool {
        self.profile.begin == Begin::None && self.profile.commit && self.spec.provider.plan().is_none()
    }

    /// Whether the server may hold something of this upload that can be gone on with, and must be committed.
    pub(super) fn is_underway(&self) -> bool {
        self.session.id.is_some() || (self.is_sessionless() && self.session.stage != Stage::Fresh)
    }

    /// Whether there is something that an abort would give up: its own session, or the one that was there before it began.
    /// After a failure that one is still its opener's, to be tried again.
    pub(super) fn is_abortable(&self) -> bool {
        let given = self.profile.begin == Begin::None && !matches!(self.stop, Some(Stop::Fail { .. }));
        self.profile.abort && (self.session.id.is_some() || given)
    }

    /// What is given up is recorded, also when nothing was before.
    pub(super) fn record_abort(&mut self) {
        self.session.stage = Stage::Aborting;
        self.keeper.stage(Stage::Aborting);
        if self.session.id.is_none() {
            self.keeper.rewrite();
        }
    }

    /// Forgets what was sent under the names used so far.
    pub(super) fn rename_parts(&mut self) {
        self.session = Session::default();
        self.nonce = self.rng.uuid();
    }

    /// The names are recorded before the first part goes out under one.
    pub(super) fn record_names(&mut self) {
        self.session.stage = Stage::Open;
        self.keeper.rewrite();
        self.keeper.hold();
    }
}
