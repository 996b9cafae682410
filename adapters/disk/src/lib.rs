//! Files as ends of transfers, and journals as files, for any runtime.
//!
//! * [`FileSource`] to send, [`FileTarget`] to receive, [`SpoolFile`] for what has no length yet.
//! * [`FileJournal`] keeps checkpoints.
//!
//! All I/O is positioned and blocks; it runs on the threads that the client's runtime has for that, one hop per call
//! ([`longhaul_driver::blocking`]). Hashing happens there too, while the bytes are in the cache. No runtime is named here.

mod content;
mod fault;
mod journal;
#[cfg(target_os = "linux")]
mod line;
mod names;
mod open;
mod reserve;
mod source;
mod spool;
mod sys;
mod target;
mod temporary;

pub use journal::FileJournal;
pub use reserve::Overwrite;
pub use source::FileSource;
pub use spool::SpoolFile;
pub use target::FileTarget;
