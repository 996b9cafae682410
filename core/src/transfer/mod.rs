//! Transfers.
/// Placeholder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase { /// q
 Queued }
