//! Checkpoint.
/// Placeholder.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint;
/// Placeholder; will name what is wrong.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("checkpoint")]
pub struct CheckpointError;
impl Checkpoint {
    /// Reads a journal's frames; a torn tail is cut off. Untrusted input.
    ///
    /// # Errors
    /// When nothing usable is in it.
    pub fn decode(_journal: &[u8]) -> Result<Self, CheckpointError> { Err(CheckpointError) }
}
