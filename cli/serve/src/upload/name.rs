//! The file name a client gives: stored as it is, or refused.

use crate::path::{HIDDEN, for_windows};

/// The longest name in bytes, as most file systems have it.
const MAX_BYTES: usize = 255;

/// What follows the last `/`, where this system can store it under just this name. An error says why it cannot.
pub(super) fn plain(raw: &str) -> Result<String, &'static str> {
    let name = raw.rsplit('/').next().unwrap_or_default();
    if matches!(name, "" | "." | "..") {
        return Err("fileName is not the name of a file");
    }
    if name.chars().any(char::is_control) {
        return Err("fileName has a control character in it");
    }
    if name.eq_ignore_ascii_case(HIDDEN) {
        return Err("fileName is reserved by the server");
    }
    if name.len() > MAX_BYTES {
        return Err("fileName is longer than 255 bytes");
    }
    if cfg!(windows) {
        for_windows(name)?;
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_folders() {
        for (raw, name) in
            [("a.bin", "a.bin"), ("../../etc/passwd", "passwd"), ("..a", "..a"), ("ünï cödé", "ünï cödé")]
        {
            assert_eq!(plain(raw).unwrap(), name, "{raw:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn names_that_mean_something_elsewhere_are_stored_as_they_are() {
        for raw in ["a\\b", "C:\\temp\\x", "C:x", "ends with dots..", "ends with a blank ", "NUL", "\\"] {
            assert_eq!(plain(raw).as_deref(), Ok(raw));
        }
    }

    #[test]
    fn names_that_are_none_are_refused() {
        let long = "x".repeat(256);
        for raw in [
            "",
            ".",
            "..",
            "a/",
            "a/..",
            "/",
            "\0",
            "a\0b",
            "a\r\nb",
            "\u{1b}[2J",
            "\u{9b}2J",
            ".Longhaul-Uploads",
            &long,
        ] {
            assert!(plain(raw).is_err(), "{raw:?}");
        }
    }
}
