//! Names of files: the hidden ones beside a target, and which ones a server may suggest.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// Longest hidden name made here, in bytes. File systems allow 255, encrypting ones less.
const LONGEST: usize = 140;

/// How many names are tried where others' files take the first ones.
const MOST: u32 = 16;

/// Names beside a file, best first: `.NAME.SUFFIX`, then `.NAME.SUFFIX-1` and so on.
///
/// They lie in the file's own folder, so that whatever the file system takes for the same name (case, Unicode forms) also meets
/// here.
#[derive(Clone, Debug)]
pub(crate) struct Candidates {
    first: PathBuf,
}

impl Candidates {
    /// Hidden names for `path`, whose last component is a name. `None` if it has none (`/`, `..`).
    pub(crate) fn hidden(path: &Path, suffix: &str) -> Option<Self> {
        let plain = path.file_name()?;
        // A dot also before names that are hidden: `.a` and `a` are two files.
        let dotted = if plain.len() + suffix.len() + 2 > LONGEST {
            Cow::Owned(shortened(&plain.to_string_lossy(), plain.as_encoded_bytes()).into())
        } else {
            Cow::Borrowed(plain)
        };
        Some(Self::beside(path, &[OsStr::new("."), &dotted, OsStr::new("."), OsStr::new(suffix)]))
    }

    /// Names for a companion of `path`, which is hidden as far as `path` is and as long as that allows.
    pub(crate) fn companion(path: &Path, suffix: &str) -> Option<Self> {
        Some(Self::beside(path, &[path.file_name()?, OsStr::new("."), OsStr::new(suffix)]))
    }

    /// In the folder of `path`, a name of these parts.
    fn beside(path: &Path, parts: &[&OsStr]) -> Self {
        let folder = folder(path).as_os_str();
        let len = parts.iter().map(|part| part.len()).sum::<usize>();
        let mut first = PathBuf::with_capacity(folder.len() + 1 + len);
        first.push(folder);
        // A separator, before a name of any kind.
        first.push("");
        let mut first = first.into_os_string();
        parts.iter().for_each(|part| first.push(part));
        Self { first: first.into() }
    }

    /// The best one.
    pub(crate) fn first(&self) -> &Path {
        &self.first
    }

    /// The best one, and no other.
    pub(crate) fn into_first(self) -> PathBuf {
        self.first
    }

    /// All of them, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = PathBuf> + '_ {
        (0..MOST).map(|number| {
            let mut path = self.first.clone().into_os_string();
            if number > 0 {
                path.push(format!("-{number}"));
            }
            path.into()
        })
    }
}

/// The folder that holds `path`.
pub(crate) fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The beginning of a long name and a hash of all of it. The hash ignores case, as the file system may.
fn shortened(readable: &str, bytes: &[u8]) -> String {
    // FNV-1a, 64 bits: for telling names apart, not for security. Non-ASCII case aliases of names this long do not meet.
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mut end = LONGEST / 2;
    while !readable.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}-{hash:016x}", readable.get(..end).unwrap_or_default())
}

/// Whether `name` is one ordinary component of a path and nothing else: cannot lead out of its folder on any system.
pub(crate) fn is_component(name: &str) -> bool {
    let mut components = Path::new(name).components();
    matches!((components.next(), components.next()), (Some(Component::Normal(only)), None) if only == name)
        && name.len() <= 255
        && !name.chars().any(|c| c.is_control() || matches!(c, '/' | '\\' | ':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_names_lie_beside_the_file() {
        let names =
            |path: &str| Candidates::hidden(Path::new(path), "longhaul").map(|names| names.iter().take(2).collect());
        assert_eq!(
            names("a/b.iso"),
            Some(vec![PathBuf::from("a/.b.iso.longhaul"), PathBuf::from("a/.b.iso.longhaul-1")])
        );
        assert_eq!(
            names("b.iso"),
            Some(vec![PathBuf::from("./.b.iso.longhaul"), PathBuf::from("./.b.iso.longhaul-1")])
        );
        assert_eq!(names("/"), None);
        assert_eq!(names("a/.."), None);
    }

    #[test]
    fn long_names_are_shortened_and_still_told_apart() {
        let first = |name: &str| {
            Candidates::hidden(Path::new(name), "longhaul").map(Candidates::into_first).expect("has a name")
        };
        let (long, other) = ("ü".repeat(120), format!("{}x", "ü".repeat(119)));
        assert_ne!(first(&long), first(&other));
        assert!(first(&long).as_os_str().len() <= LONGEST + 4);
        assert_eq!(first(&"a".repeat(200)).extension(), first(&"A".repeat(200)).extension());
    }

    #[test]
    fn k3_only_a_single_plain_component_is_a_name() {
        for good in ["a", "a b.tar.gz", "ü", ".hidden", "..a"] {
            assert!(is_component(good), "{good:?}");
        }
        for bad in [
            "",
            ".",
            "..",
            "/",
            "a/b",
            "../a",
            "a/",
            "./a",
            "/etc/passwd",
            "a\\b",
            "c:x",
            "a\0",
            "a\nb",
            "a\r",
            &"x".repeat(256),
        ] {
            assert!(!is_component(bad), "{bad:?}");
        }
    }
}
