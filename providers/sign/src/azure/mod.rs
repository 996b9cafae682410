//! Azure Blob Storage: Shared Key and shared access signatures.

mod collation;
pub mod sas;
pub mod shared_key;
pub mod token;

use alloc::string::String;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::{SecretBytes, SignError, hash};

pub use token::SasToken;

/// A storage account with one of its two keys. `Debug` shows the account only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountKey {
    /// The account, such as `devstoreaccount1`. It is the account that signs, also where the host is a custom domain or the
    /// `-secondary` one.
    pub account: String,
    /// The decoded key.
    pub key: SecretBytes,
}

impl AccountKey {
    /// From the account's name and the key as the portal shows it, in base64.
    pub fn new(account: impl Into<String>, key_base64: &str) -> Result<Self, SignError> {
        Ok(Self { account: account.into(), key: decode_key(key_base64)? })
    }
}

/// Decodes a key from base64.
pub fn decode_key(key_base64: &str) -> Result<SecretBytes, SignError> {
    STANDARD.decode(key_base64.trim()).map(SecretBytes::new).map_err(|_| SignError::KeyNotBase64)
}

/// `base64(HMAC-SHA256(key, text))`: every signature of Azure Storage.
fn signature(key: &SecretBytes, text: &str) -> String {
    STANDARD.encode(hash::hmac_sha256(key.expose(), text.as_bytes()))
}
