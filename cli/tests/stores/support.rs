//! What the strict store needs of the library's own test support, and the stores' servers and SDKs.

#[path = "../../../tests/support/raw.rs"]
pub mod raw;
#[path = "../../../tests/support/sdk.rs"]
pub mod sdk;
#[path = "../../../tests/support/stores.rs"]
pub mod stores;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use longhaul::driver::hash::Hasher;
use longhaul::{Algorithm, Digest};

/// The digest of `bytes`.
pub fn digest(algorithm: Algorithm, bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.digest().unwrap()
}

/// `bytes` in base64, as stores write checksums.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
