//! Azure's protocol through the real stack: hyper, files, journals, against a small strict store whose every answer can be spoilt.
//! With `LONGHAUL_AZURE_ENDPOINT` (and `LONGHAUL_AZURE_ACCOUNT`, `_KEY`, `_CONTAINER`) the round trips run against that server too,
//! Azurite or the service; `_SKIP_NAMES` leaves out names it cannot store.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod faults;
mod real;
mod resume;
mod round_trips;
#[allow(unreachable_pub, reason = "as in the shared support")]
mod store;
#[path = "../support/mod.rs"]
mod support;

use longhaul::Job;
use longhaul_azblob::{AzureUpload, Blob, Container};

/// Blocks in these tests, in bytes: small, so that many fit.
const PART: u64 = 64 << 10;

/// A blob of the model store at `addr`.
fn blob(addr: std::net::SocketAddr, name: &str) -> Blob {
    let container = Container::at(&format!("http://{addr}"), store::ACCOUNT, store::CONTAINER).unwrap();
    Blob::new(container, name, store::key()).unwrap()
}

/// Everything larger than a byte less than a part goes up in blocks.
fn upload(blob: Blob) -> AzureUpload {
    AzureUpload::new(blob).single_up_to(PART - 1)
}

/// An upload that records nothing.
fn from_bytes(upload: AzureUpload, content: &[u8]) -> Job {
    support::jobs::from_bytes(upload, content, PART)
}

/// Names that tempt to be normalised (O4); those with dot segments Azure does not have, and a backslash is a slash to it.
fn names() -> Vec<String> {
    support::jobs::keys().into_iter().filter(|key| !support::jobs::has_dots(key) && !key.contains('\\')).collect()
}
