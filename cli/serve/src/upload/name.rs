//! The file name a client gives, reduced to a plain one.

use crate::path::HIDDEN;

/// The longest name in bytes, as most file systems have it.
const MAX_BYTES: usize = 255;

/// What follows the last separator, without control characters. An error says why nothing usable is left.
pub(super) fn plain(raw: &str) -> Result<String, &'static str> {
    let last = raw.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut name: String = last.chars().filter(|c| !c.is_control()).collect();
    if cfg!(windows) {
        name = name.replace(['<', '>', ':', '"', '|', '?', '*'], "_");
        name.truncate(name.trim_end_matches(['.', ' ']).len());
    }
    match name.as_str() {
        "" | "." | ".." => Err("fileName is not the name of a file"),
        name if name.eq_ignore_ascii_case(HIDDEN) => Err("fileName is reserved by the server"),
        name if name.len() > MAX_BYTES => Err("fileName is longer than 255 bytes"),
        _ => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_folders_and_control_characters() {
        let cases = [
            ("a.bin", "a.bin"),
            ("../../etc/passwd", "passwd"),
            ("C:\\temp\\x", "x"),
            ("a\0b\r\nc", "abc"),
            ("..a", "..a"),
            ("ünï cödé", "ünï cödé"),
        ];
        for (raw, name) in cases {
            assert_eq!(plain(raw).unwrap(), name, "{raw:?}");
        }
    }

    #[test]
    fn names_that_are_none_are_refused() {
        let long = "x".repeat(256);
        for raw in ["", ".", "..", "a/", "a/..", "\0", "/", ".Longhaul-Uploads", &long] {
            assert!(plain(raw).is_err(), "{raw:?}");
        }
    }
}
