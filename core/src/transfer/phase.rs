//! Every phase of a transfer and every way between them: the one table that says what may follow what.
//!
//! ```text
//! download   Queued → Probing → Reserving → [Rechecking] → Moving → Verifying → Publishing → Cleaning → Ended
//! upload     Queued → Inspecting → [Hashing] → [Opening] → [Rechecking] → [Reconciling] → Moving → [Checking]
//!                   → [Committing ⇄ Confirming] → Cleaning → Ended
//! any        → Ending (until nothing is in flight) → [Aborting] → Cleaning → Ended
//! ```
//!
//! What a phase *does* lives in `download`, `upload` and `ending`; nothing outside this file decides where it leads.

use core::fmt;

use crate::spec::Direction;

/// What a transfer is at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Phase {
    /// Nothing has been done yet.
    Queued,
    /// Download: asking the server about the object.
    Probing,
    /// Download: making the temporary file ready.
    Reserving,
    /// Upload: looking at the source.
    Inspecting,
    /// Upload: computing the digest the protocol needs up front.
    Hashing,
    /// Upload: opening the session.
    Opening,
    /// Comparing what an earlier run left with its recorded digests.
    Rechecking,
    /// Upload: asking which parts the server holds.
    Reconciling,
    /// Content moves.
    Moving,
    /// Upload: making sure the source is still what it was.
    Checking,
    /// Upload: committing.
    Committing,
    /// Upload: asking whether the commit took effect.
    Confirming,
    /// Download: comparing digests of the whole.
    Verifying,
    /// Download: giving the file its name.
    Publishing,
    /// Stopping: waiting until nothing is in flight.
    Ending,
    /// Upload: giving the session up.
    Aborting,
    /// Letting go of local things.
    Cleaning,
    /// Over.
    Ended,
}

impl Phase {
    /// All phases.
    pub const ALL: [Self; 18] = [
        Self::Queued,
        Self::Probing,
        Self::Reserving,
        Self::Inspecting,
        Self::Hashing,
        Self::Opening,
        Self::Rechecking,
        Self::Reconciling,
        Self::Moving,
        Self::Checking,
        Self::Committing,
        Self::Confirming,
        Self::Verifying,
        Self::Publishing,
        Self::Ending,
        Self::Aborting,
        Self::Cleaning,
        Self::Ended,
    ];

    /// Whether the transfer is on its way out.
    #[must_use]
    pub const fn is_ending(self) -> bool {
        matches!(self, Self::Ending | Self::Aborting | Self::Cleaning | Self::Ended)
    }

    /// Whether the object may be coming into being right now: a stop waits for the answer.
    #[must_use]
    pub const fn is_committing(self) -> bool {
        matches!(self, Self::Committing | Self::Confirming | Self::Publishing)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queued => "queued",
            Self::Probing => "probing",
            Self::Reserving => "reserving",
            Self::Inspecting => "inspecting",
            Self::Hashing => "hashing",
            Self::Opening => "opening",
            Self::Rechecking => "rechecking",
            Self::Reconciling => "reconciling",
            Self::Moving => "moving",
            Self::Checking => "checking",
            Self::Committing => "committing",
            Self::Confirming => "confirming",
            Self::Verifying => "verifying",
            Self::Publishing => "publishing",
            Self::Ending => "ending",
            Self::Aborting => "aborting",
            Self::Cleaning => "cleaning",
            Self::Ended => "ended",
        })
    }
}

/// What leads from phase to phase.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Signal {
    /// There is a place to work.
    Start,
    /// There is a place, and the probe may be skipped.
    StartKnown,
    /// The object is known.
    Probed,
    /// The target is ready and empty.
    Reserved,
    /// The target, or the server, has something from an earlier run.
    Kept,
    /// The target is the object already.
    Unchanged,
    /// The source is known.
    Inspected,
    /// The source is known, its digest must be.
    DigestWanted,
    /// The source is known and goes up in one request, or without a session.
    Sessionless,
    /// The digest is known.
    Hashed,
    /// The session is open.
    Opened,
    /// What was kept is compared.
    Rechecked,
    /// What was kept is compared; the server must be asked.
    ListWanted,
    /// The server's parts are known.
    Reconciled,
    /// A former run had sent its commit.
    CommitPending,
    /// The session is gone on the server.
    SessionGone,
    /// All content is there.
    Moved,
    /// All content is there, and nothing is left to commit.
    Complete,
    /// The source is what it was.
    Same,
    /// The object exists on the server.
    Committed,
    /// It does not.
    NotCommitted,
    /// It may or may not.
    Unknown,
    /// Digests compared.
    Verified,
    /// The file has its name.
    Published,
    /// Start over.
    Restart,
    /// Stop.
    Stop,
    /// Nothing is in flight any more, nothing to abort.
    Quiet,
    /// Nothing is in flight any more; the session must be given up.
    AbortWanted,
    /// The session is given up, or will not be.
    Aborted,
    /// Nothing is held any more.
    Cleaned,
}

impl Signal {
    #[cfg(test)]
    const ALL: [Self; 30] = [
        Self::Start,
        Self::StartKnown,
        Self::Probed,
        Self::Reserved,
        Self::Kept,
        Self::Unchanged,
        Self::Inspected,
        Self::DigestWanted,
        Self::Sessionless,
        Self::Hashed,
        Self::Opened,
        Self::Rechecked,
        Self::ListWanted,
        Self::Reconciled,
        Self::CommitPending,
        Self::SessionGone,
        Self::Moved,
        Self::Complete,
        Self::Same,
        Self::Committed,
        Self::NotCommitted,
        Self::Unknown,
        Self::Verified,
        Self::Published,
        Self::Restart,
        Self::Stop,
        Self::Quiet,
        Self::AbortWanted,
        Self::Aborted,
        Self::Cleaned,
    ];
}

/// Where `signal` leads from `phase`; `None` where it has no business.
pub(crate) const fn next(direction: Direction, phase: Phase, signal: Signal) -> Option<Phase> {
    use Phase as P;
    use Signal as S;
    let to = match (phase, signal) {
        // The way out is the same for both directions.
        (P::Ending, S::Quiet) => P::Cleaning,
        (P::Ending, S::AbortWanted) => P::Aborting,
        (P::Aborting, S::Aborted) => P::Cleaning,
        (P::Cleaning, S::Cleaned) => P::Ended,
        // What may be making the object must be answered first; then `Quiet` lets a stop take effect.
        (P::Committing | P::Confirming | P::Publishing | P::Ending | P::Aborting | P::Cleaning | P::Ended, S::Stop) => {
            return None;
        }
        (_, S::Stop) => P::Ending,
        _ => match direction {
            Direction::Download => match (phase, signal) {
                (P::Queued, S::Start) => P::Probing,
                (P::Queued, S::StartKnown) => P::Reserving,
                (P::Probing, S::Probed) => P::Reserving,
                (P::Reserving, S::Reserved) => P::Moving,
                (P::Reserving, S::Kept) => P::Rechecking,
                (P::Reserving, S::Unchanged) => P::Cleaning,
                (P::Rechecking, S::Rechecked) => P::Moving,
                (P::Moving, S::Moved) => P::Verifying,
                (P::Verifying, S::Verified) => P::Publishing,
                (P::Publishing, S::Published) => P::Cleaning,
                (P::Publishing, S::Quiet) => P::Ending,
                (P::Probing | P::Rechecking | P::Moving | P::Verifying, S::Restart) => P::Probing,
                _ => return None,
            },
            Direction::Upload => match (phase, signal) {
                (P::Queued, S::Start) => P::Inspecting,
                (P::Inspecting, S::DigestWanted) => P::Hashing,
                (P::Inspecting | P::Hashing, S::Sessionless) => P::Moving,
                (P::Inspecting, S::Inspected) | (P::Hashing, S::Hashed) => P::Opening,
                (P::Inspecting | P::Hashing, S::Kept) => P::Rechecking,
                (P::Inspecting | P::Hashing | P::Rechecking, S::ListWanted) => P::Reconciling,
                (P::Inspecting | P::Hashing | P::Rechecking | P::Reconciling, S::CommitPending) => P::Confirming,
                (P::Rechecking, S::Rechecked) | (P::Reconciling, S::Reconciled) => P::Moving,
                (P::Reconciling | P::Moving, S::SessionGone) => P::Opening,
                // No session is to be opened: everything goes up again under other names.
                (P::Reconciling | P::Confirming, S::Sessionless) => P::Moving,
                (P::Opening, S::Opened) => P::Moving,
                (P::Moving | P::Confirming, S::Moved) => P::Checking,
                (P::Opening | P::Moving | P::Checking, S::Complete) => P::Cleaning,
                (P::Checking, S::Same) => P::Committing,
                // Something is in the way that an earlier try of the one request may have made.
                (P::Moving | P::Committing, S::Unknown) => P::Confirming,
                (P::Committing | P::Confirming, S::Committed) => P::Cleaning,
                (P::Committing | P::Confirming, S::Quiet) => P::Ending,
                (P::Confirming, S::NotCommitted) => P::Committing,
                // … and not all parts are there any more.
                (P::Confirming, S::ListWanted) => P::Reconciling,
                (P::Confirming, S::Rechecked) => P::Moving,
                (P::Committing | P::Confirming, S::SessionGone) => P::Opening,
                _ => return None,
            },
        },
    };
    Some(to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;

    /// The whole table, every phase and signal, as one readable snapshot.
    #[test]
    fn every_phase_and_signal_has_its_defined_result() {
        for direction in [Direction::Download, Direction::Upload] {
            let mut table = String::new();
            for phase in Phase::ALL {
                for signal in Signal::ALL {
                    let to = next(direction, phase, signal).map_or("-".into(), |to| format!("{to:?}"));
                    table += &format!("{:<12} {:<14} {to}\n", format!("{phase:?}"), format!("{signal:?}"));
                }
            }
            insta::assert_snapshot!(format!("table_{direction:?}").to_lowercase(), table);
        }
    }

    #[test]
    fn c5_no_stop_interrupts_a_commit_and_nothing_leaves_the_end() {
        for direction in [Direction::Download, Direction::Upload] {
            for phase in [Phase::Committing, Phase::Confirming, Phase::Publishing, Phase::Ended] {
                assert_eq!(next(direction, phase, Signal::Stop), None);
            }
            assert!(Signal::ALL.iter().all(|&signal| next(direction, Phase::Ended, signal).is_none()));
        }
    }

    /// From anywhere a stop leads to the end by signals that the way out itself raises.
    #[test]
    fn every_phase_reaches_the_end() {
        for direction in [Direction::Download, Direction::Upload] {
            for phase in Phase::ALL {
                let mut at = phase;
                for signal in [Signal::Stop, Signal::Quiet, Signal::Quiet, Signal::Aborted, Signal::Cleaned] {
                    at = next(direction, at, signal).unwrap_or(at);
                }
                let foreign = match direction {
                    Direction::Download => matches!(phase, Phase::Committing | Phase::Confirming),
                    Direction::Upload => phase == Phase::Publishing,
                };
                assert!(at == Phase::Ended || foreign, "{direction:?} {phase:?} stuck at {at:?}");
            }
        }
    }
}
