//! Keys: any UTF-8 of 1 to 1,024 bytes, as <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html> and
//! <https://www.alibabacloud.com/help/en/oss/user-guide/object-naming-conventions> have them. A key is percent-encoded once and never
//! normalised: double slashes, `.` and `..` segments, `+` and `%` name different objects.

use alloc::format;

use longhaul_core::error::BuildError;

/// Longest key, in bytes.
const MOST: usize = 1024;

/// Whether a key can be used.
///
/// # Errors
/// What is wrong with it.
pub fn check(key: &str) -> Result<(), BuildError> {
    if key.is_empty() {
        return Err(BuildError::new("the key is empty", "name the object in the bucket"));
    }
    if key.len() > MOST {
        let what = format!("the key has {} bytes", key.len());
        return Err(BuildError::new(what, format!("use at most {MOST} bytes (of UTF-8, not characters)")));
    }
    // They would be encoded and could do no harm here, but in logs, listings and file names they do (K3).
    if let Some(c) = key.chars().find(|c| matches!(c, '\0' | '\r' | '\n')) {
        return Err(BuildError::new(format!("the key has the character {c:?}"), "remove it"));
    }
    Ok(())
}
