//! driver
pub mod cancel;
pub mod hash;
pub mod journal;
pub mod meter;
pub mod runtime;
pub mod storage;
pub mod transport;
