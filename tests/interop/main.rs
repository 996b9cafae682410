//! The stores' own SDKs as judges: what goes up is read with them, what comes down was written with them, and plans are issued by
//! them (O2, O4); and the cases that every store must pass (O5). Neither side of a round trip shares a line with the other.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod azure;
mod cases;
mod counted;
mod counterpart;
mod oss;
mod renewed;
mod s3;
#[path = "../support/mod.rs"]
mod support;
mod tampered;
