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
        folder.push(segment);
        match fs::create_dir(&folder) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
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
            if decoded.contains(['/', '\\', '\0']) {
                return Err(Refusal::Bad("the path has an encoded separator or NUL"));
            }
            if cfg!(windows) && decoded.contains(':') {
                return Err(Refusal::Bad("the path has a colon"));
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
        for bad in ["/..", "/a/../b", "/%2e%2e/x", "/.%2E", "/a/./b", "/a%2fb", "/a%5Cb", "/a%00", "/%ff"] {
            assert!(matches!(segments(bad), Err(Refusal::Bad(_))), "{bad}");
        }
    }

    #[test]
    fn names_are_encoded_for_urls() {
        assert_eq!(join_url("/up//b%20c/", "a?b #%é"), "/up/b%20c/a%3Fb%20%23%25%C3%A9");
        assert_eq!(join_url("/", "x"), "/x");
    }
}
