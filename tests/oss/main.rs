//! Aliyun OSS through the real stack: hyper, files, journals. These suites ask a server that recomputes every signature, and injects
//! faults by `POST /_emu/faults`: our own, or the one that `LONGHAUL_OSS_ENDPOINT` names (and `LONGHAUL_OSS_REGION`, `_BUCKET`, `_KEY`,
//! `_SECRET` what it expects, `LONGHAUL_OSS_STS` a temporary `id:secret:token`). See docs/oss.md.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod emulator;
mod faults;
mod resume;
mod round_trips;
#[path = "../support/mod.rs"]
mod support;

use longhaul::{Algorithm, Digest};
use longhaul_oss::{Object, OssUpload};

/// Parts in these tests, in bytes: the least that OSS takes.
const PART: u64 = 100 << 10;

/// Everything larger than a byte less than a part goes up in parts.
fn upload(object: Object) -> OssUpload {
    OssUpload::new(object).single_up_to(PART - 1)
}

fn crc64(bytes: &[u8]) -> Digest {
    support::digest(Algorithm::Crc64Xz, bytes)
}
