//! The seam to wherever checkpoints are kept.

use std::path::PathBuf;

use bytes::Bytes;
use futures::future::BoxFuture;
use longhaul_core::error::FileFault;
use longhaul_core::intent::JournalOp;

/// A place for checkpoints: small append-only byte strings by name. The client's loop polls the futures itself: whatever takes its time
/// is done elsewhere and awaited in them.
pub trait Journal: Send + Sync + 'static {
    /// Does `op` for `name`. The reply means that the change survives what `durable` promises: a loss of power, or else the end
    /// of the process.
    fn run(&self, name: &JournalName, op: JournalOp, durable: bool) -> BoxFuture<'static, Result<(), FileFault>>;

    /// What is kept under `name`; `None` if there is nothing.
    fn load(&self, name: &JournalName) -> BoxFuture<'static, Result<Option<Bytes>, FileFault>>;
}

/// What a transfer's journal is called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JournalName {
    /// Safe as a file name on any system: letters, digits, dashes.
    pub id: String,
    /// A file beside which the journal belongs (a download's temporary file), where the journal keeps files and has no folder of
    /// its own.
    pub beside: Option<PathBuf>,
}
