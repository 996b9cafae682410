//! The `longhaul` command against object stores: Azurite, an OSS that recomputes every signature, moto, and a strict S3 of the
//! project's own. What is there in the end is read by the vendors' SDKs.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "../../../tests/azblob/store.rs"]
#[allow(clippy::indexing_slicing, dead_code, unreachable_pub, reason = "shared with the library's suite")]
mod blobs;
mod cancelling;
mod credentials;
#[path = "../command/support.rs"]
#[allow(dead_code, reason = "shared with the suite of plain servers")]
mod place;
mod plans;
mod resuming;
mod round_trips;
mod shop;
#[path = "../../../tests/s3/store.rs"]
#[allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    dead_code,
    unreachable_pub,
    reason = "shared with the library's suite"
)]
mod store;
#[allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    dead_code,
    unreachable_pub,
    reason = "shared with the library's suites"
)]
mod support;
mod urls;
mod versions;
mod wrong;
