//! File names made of what strangers send: pure text work, safe on every system a file may be copied to.

use alloc::string::String;

use crate::text::is_unprintable;

/// Longest file name, in bytes, that all usual file systems take.
const MOST: usize = 255;

/// Longest extension, with its dot, that is kept when a name is cut.
const MOST_EXTENSION: usize = 16;

/// Names that Windows gives to devices, with any extension.
/// <https://learn.microsoft.com/windows/win32/fileio/naming-a-file>
const DEVICES: [&str; 7] = ["con", "prn", "aux", "nul", "conin$", "conout$", "clock$"];

/// A name for a file in some folder, made of a suggestion: its last path component, without characters that mean something to
/// a file system or terminal, not hidden, not a device, at most 255 bytes with its extension kept. `None` when nothing is left.
///
/// ```
/// use longhaul_http::safe_file_name;
/// assert_eq!(safe_file_name("../../etc/passwd").as_deref(), Some("passwd"));
/// assert_eq!(safe_file_name("aux.txt").as_deref(), Some("_aux.txt"));
/// assert_eq!(safe_file_name(".."), None);
/// ```
#[must_use]
pub fn safe_file_name(suggestion: &str) -> Option<String> {
    let last = suggestion.rsplit(['/', '\\']).find(|part| !part.trim().is_empty())?;
    let mut name = String::with_capacity(last.len());
    name.extend(
        last.chars()
            .filter(|c| !is_unprintable(*c))
            .map(|c| if matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*') { '_' } else { c }),
    );
    let edge = |c: char| c.is_whitespace() || c == '.';
    name.drain(..name.len() - name.trim_start_matches(edge).len());
    name.truncate(name.trim_end_matches(edge).len());
    if is_device(&name) {
        name.insert(0, '_');
    }
    shorten(&mut name);
    name.truncate(name.trim_end_matches(edge).len());
    (!name.is_empty()).then_some(name)
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    let numbered = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    DEVICES.contains(&stem.as_str())
        || numbered.is_some_and(|rest| {
            matches!(rest, "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³")
        })
}

/// Cuts `name` to what file systems take, before its extension.
fn shorten(name: &mut String) {
    if name.len() <= MOST {
        return;
    }
    let dot = name.rfind('.').filter(|dot| name.len() - dot <= MOST_EXTENSION).unwrap_or(name.len());
    let extension = name.split_off(dot);
    name.truncate(name.floor_char_boundary(MOST - extension.len()));
    name.push_str(&extension);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn k3_a_suggested_name_cannot_leave_its_folder() {
        for (suggestion, name) in [
            ("plain.bin", Some("plain.bin")),
            ("名 前.bin", Some("名 前.bin")),
            ("../../etc/passwd", Some("passwd")),
            ("..\\..\\windows\\win.ini", Some("win.ini")),
            ("/etc/cron.d/", Some("cron.d")),
            ("C:\\x.exe", Some("x.exe")),
            ("C:x.exe", Some("C_x.exe")),
            ("file.txt:stream", Some("file.txt_stream")),
            ("..", None),
            (".", None),
            ("", None),
            (" / ", None),
            ("\0\r\n", None),
            ("a\0b\r\nc\u{7f}", Some("abc")),
            (".bashrc", Some("bashrc")),
            ("report.pdf. . ", Some("report.pdf")),
            ("NUL", Some("_NUL")),
            ("con .tar.gz", Some("_con .tar.gz")),
            ("COM¹.txt", Some("_COM¹.txt")),
            ("comet.txt", Some("comet.txt")),
            ("gpj.\u{202e}exe", Some("gpj.exe")),
            ("a<b>c|d?e*f\"g", Some("a_b_c_d_e_f_g")),
        ] {
            assert_eq!(safe_file_name(suggestion).as_deref(), name, "{suggestion:?}");
        }
    }

    #[test]
    fn a_long_name_is_cut_at_a_character_and_keeps_its_extension() {
        let long = safe_file_name(&alloc::format!("{}.tar", "é".repeat(300))).expect("a name");
        assert!(long.len() <= 255 && long.len() > 250 && long.ends_with("é.tar"));
        let bare = safe_file_name(&alloc::format!("a.{}", "é".repeat(300))).expect("a name");
        assert!(bare.len() <= 255 && bare.ends_with('é'));
    }

    proptest! {
        #[test]
        fn k3_every_name_is_safe_and_stays_as_it_is(suggestion in "\\PC{0,300}|.{0,40}|[./\\\\ :*a-z\u{0}]{0,40}|(?i:com|lpt|nul|aux)[0-9]?[. ]{0,3}[a-z]{0,300}") {
            if let Some(name) = safe_file_name(&suggestion) {
                prop_assert!(!name.is_empty() && name.len() <= MOST && !name.starts_with('.') && !name.ends_with(['.', ' ']));
                prop_assert!(!name.contains(|c: char| c.is_control() || matches!(c, '/' | '\\' | ':' | '<' | '>' | '"' | '|' | '?' | '*')));
                prop_assert!(!is_device(&name));
                prop_assert_eq!(safe_file_name(&name), Some(name));
            }
        }
    }
}
