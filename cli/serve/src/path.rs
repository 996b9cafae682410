//! From the path of a URL to a place below the root, and nowhere else.
//!
//! The check and the use are two steps: somebody who may change links *inside* the root while a request runs can
//! win that race. The server is made for folders whose owner runs it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::shared::Shared;

/// The folder below the root that holds unfinished uploads. Never served.
pub(crate) const HIDDEN: &str = ".longhaul-uploads";

/// Everything but what may stand bare in one path segment.
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'&')
    .add(b'\'')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Why a path leads nowhere.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The path itself is bad; the text says how.
    Bad(&'static str),
    /// There is nothing there, or nothing that may be seen.
    Missing,
    /// An upload's folder stands where a file is.
    NotFolder,
}

/// The existing file or folder that a URL's path names, without symbolic links.
pub(crate) fn find(shared: &Shared, url_path: &str) -> Result<PathBuf, Refusal> {
    let mut path = shared.root.clone();
    path.extend(segments(url_path)?);
    let path = path.canonicalize().map_err(|_| Refusal::Missing)?;
    allowed(shared, &path)?;
    Ok(path)
}

/// The folder that an upload's path names; made when it is missing. With it, its segments, to name it again.
pub(crate) fn find_or_make_folder(shared: &Shared, url_path: &str) -> io::Result<Result<PathBuf, Refusal>> {
    let segments = match segments(url_path) {
        Ok(segments) => segments,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut folder = shared.root.clone();
    for segment in segments {
        if segment.chars().any(char::is_control) {
            return Ok(Err(Refusal::Bad("a folder's name has a control character in it")));
        }
        folder.push(segment);
        match fs::create_dir(&folder) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) if error.kind() == io::ErrorKind::InvalidFilename => {
                return Ok(Err(Refusal::Bad("a folder's name is longer than this server's file system takes")));
            }
            Err(error) => return Err(error),
        }
        // Each step is checked before the next is made inside it.
        let Ok(real) = folder.canonicalize() else {
            return Ok(Err(Refusal::Missing));
        };
        if let Err(refusal) = allowed(shared, &real) {
            return Ok(Err(refusal));
        }
        if !real.is_dir() {
            return Ok(Err(Refusal::NotFolder));
        }
        folder = real;
    }
    Ok(Ok(folder))
}

/// The path of a URL for a file in the folder that `url_path` names.
pub(crate) fn join_url(url_path: &str, name: &str) -> String {
    let mut url = String::new();
    for segment in url_path.split('/').filter(|segment| !segment.is_empty()) {
        url.push('/');
        url.push_str(segment);
    }
    url.push('/');
    url.extend(utf8_percent_encode(name, SEGMENT));
    url
}

fn allowed(shared: &Shared, path: &Path) -> Result<(), Refusal> {
    let outside = !path.starts_with(&shared.root) && !shared.config.links_may_leave;
    if outside || path.starts_with(shared.root.join(HIDDEN)) {
        return Err(Refusal::Missing);
    }
    Ok(())
}

/// Whether Windows takes `name` for the name of one file, and for no other than it says.
/// <https://learn.microsoft.com/windows/win32/fileio/naming-a-file>
pub(crate) fn for_windows(name: &str) -> Result<(), &'static str> {
    if name.contains(['<', '>', ':', '"', '/', '\\', '|', '?', '*']) {
        return Err("a name has one of < > : \" / \\ | ? * in it, which no file on this server can have");
    }
    if name.ends_with(['.', ' ']) {
        return Err("a name ends with a dot or a blank, which this server's system would take away");
    }
    // The system takes blanks before the dot away as well.
    let stem = name.split('.').next().unwrap_or_default().trim_end_matches(' ').to_uppercase();
    let port = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    let is_port = port.is_some_and(|number| {
        let mut digits = number.chars();
        matches!((digits.next(), digits.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
    });
    if is_port || matches!(&*stem, "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") {
        return Err("a name is that of a device on this server");
    }
    Ok(())
}

/// The decoded segments of a path. Empty ones are left out, so `//a/` is `/a`.
fn segments(url_path: &str) -> Result<Vec<String>, Refusal> {
    url_path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| {
            let decoded = percent_decode_str(segment)
                .decode_utf8()
                .map_err(|_| Refusal::Bad("the path is not UTF-8 once its percent-encoding is undone"))?;
            if decoded == "." || decoded == ".." {
                return Err(Refusal::Bad("the path has a . or .. segment"));
            }
            if decoded.contains(['/', '\0']) {
                return Err(Refusal::Bad("the path has an encoded separator or NUL"));
            }
            if cfg!(windows)
                && let Err(words) = for_windows(&decoded)
            {
                return Err(Refusal::Bad(words));
            }
            Ok(decoded.into_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded_once_and_cannot_climb() {
        assert_eq!(segments("/a//b%20c/").unwrap(), ["a", "b c"]);
        assert_eq!(segments("/%252e%252e/x").unwrap(), ["%2e%2e", "x"]);
        assert_eq!(segments("/").unwrap(), Vec::<String>::new());
        for bad in ["/..", "/a/../b", "/%2e%2e/x", "/.%2E", "/a/./b", "/a%2fb", "/a%00", "/%ff"] {
            assert!(matches!(segments(bad), Err(Refusal::Bad(_))), "{bad}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_backslash_is_a_character_like_others() {
        assert_eq!(segments("/a%5Cb").unwrap(), ["a\\b"]);
    }

    #[test]
    fn names_that_windows_takes_for_others_are_told() {
        for good in ["a", "a b.tar.gz", ".hidden", "a. b", "comet", "com10", "null.txt", "ü"] {
            assert_eq!(for_windows(good), Ok(()), "{good:?}");
        }
        for bad in
            ["a\\b", "C:x", "C:\\x", "x:stream", "a?", "a.", "a ", "..", "NUL", "nul.txt", "con .x", "COM1", "lpt¹.a"]
        {
            assert!(for_windows(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_are_encoded_for_urls() {
        assert_eq!(join_url("/up//b%20c/", "a?b #%é"), "/up/b%20c/a%3Fb%20%23%25%C3%A9");
        assert_eq!(join_url("/", "x"), "/x");
    }
}
