//! Percent-encoding and the canonical query.
//!
//! S3, OSS and Azure agree on one set: everything but the *unreserved* characters of RFC 3986 §2.3 (letters, digits, `-`, `.`,
//! `_`, `~`) is written as `%XX` with upper-case digits, byte by byte of the UTF-8. They differ in the rest:
//!
//! | | path | query |
//! |---|---|---|
//! | S3 | [`path`], encoded once, never normalised | [`CanonicalQuery`], `name=` without value |
//! | OSS | `/bucket/` + [`path`] whatever the host is | [`CanonicalQuery`], `name` without value |
//! | Azure | [`path`] | decoded again for the string to sign; a SAS keeps `/` in its values: [`path`] |

use alloc::string::String;
use alloc::vec::Vec;

/// A `%` that is not followed by two hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a percent sign is not followed by two hexadecimal digits")]
pub struct BrokenEscape;

/// Encodes one component: a query name or value, a path segment. `/` becomes `%2F`.
pub fn component(text: impl AsRef<[u8]>) -> String {
    let mut out = String::new();
    push(&mut out, text.as_ref(), false);
    out
}

/// Encodes an object key for a path: `/` stays, empty, `.` and `..` segments stay, no leading `/` is added.
///
/// A key with `.` or `..` segments is legal in all three stores. The HTTP client must send it untouched.
pub fn path(key: impl AsRef<[u8]>) -> String {
    let mut out = String::new();
    push(&mut out, key.as_ref(), true);
    out
}

/// Decodes `%XX`; every other character stands for itself (`+` too).
pub fn decode(text: &str) -> Result<Vec<u8>, BrokenEscape> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let (high, low) = (rest.next().and_then(nibble), rest.next().and_then(nibble));
            let (Some(high), Some(low)) = (high, low) else {
                return Err(BrokenEscape);
            };
            out.push(high << 4 | low);
        } else {
            out.push(byte);
        }
    }
    Ok(out)
}

/// Decodes a query name or value: as [`decode`], and `+` is a space, as the servers read it. Nothing in this crate writes
/// a space as `+`.
pub fn decode_query(text: &str) -> Result<Vec<u8>, BrokenEscape> {
    let mut out = Vec::with_capacity(text.len());
    for (index, part) in text.split('+').enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(&decode(part)?);
    }
    Ok(out)
}

/// The pairs of a query as they stand, not decoded: `a=1&b&c=` gives `(a, 1)`, `(b, "")`, `(c, "")`.
pub fn query_pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// How a parameter without a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Valueless {
    /// `uploads` (OSS).
    Bare,
    /// `uploads=` (S3).
    WithEquals,
}

/// Query parameters, encoded strictly. Repeated names are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CanonicalQuery {
    pairs: Vec<(String, String)>,
}

impl CanonicalQuery {
    /// Reads a query from a URL and encodes it anew, so that `a/b` and `a%2fb` are one value, as they are to the server.
    pub fn from_query(query: &str) -> Result<Self, BrokenEscape> {
        let mut pairs = Vec::new();
        for (name, value) in query_pairs(query) {
            pairs.push((component(decode_query(name)?), component(decode_query(value)?)));
        }
        Ok(Self { pairs })
    }

    /// Adds a parameter from its plain name and value.
    pub fn push(&mut self, name: &str, value: &str) {
        self.pairs.push((component(name), component(value)));
    }

    /// Removes every parameter with one of these plain names, without regard to case.
    pub fn remove(&mut self, names: &[&str]) {
        self.pairs.retain(|(have, _)| !names.iter().any(|name| have.eq_ignore_ascii_case(name)));
    }

    /// The canonical query: sorted by encoded name, then by encoded value (by the *pair*: `a`, `a-b` and `a=` do not mix).
    pub fn canonical(&self, valueless: Valueless) -> String {
        let mut sorted: Vec<&(String, String)> = self.pairs.iter().collect();
        sorted.sort();
        join(sorted.into_iter(), valueless)
    }

    /// The query in the order it was built, for a URL.
    pub fn in_order(&self, valueless: Valueless) -> String {
        join(self.pairs.iter(), valueless)
    }
}

fn join<'a>(pairs: impl Iterator<Item = &'a (String, String)>, valueless: Valueless) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(name);
        if !value.is_empty() || valueless == Valueless::WithEquals {
            out.push('=');
            out.push_str(value);
        }
    }
    out
}

fn push(out: &mut String, bytes: &[u8], keep_slash: bool) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.reserve(bytes.len());
    for &byte in bytes {
        let kept = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (keep_slash && byte == b'/');
        if kept {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_characters_stay() {
        assert_eq!(component("A-z_0.9~"), "A-z_0.9~");
        assert_eq!(component("a b+c/%é"), "a%20b%2Bc%2F%25%C3%A9");
        assert_eq!(path("a b+c/%é"), "a%20b%2Bc/%25%C3%A9");
    }

    #[test]
    fn paths_are_not_normalised() {
        assert_eq!(path("/a//../b/./c/"), "/a//../b/./c/");
    }

    #[test]
    fn decoding_is_strict_about_escapes_and_exact_about_plus() {
        assert_eq!(decode("a+b%2b%2B").as_deref(), Ok(&b"a+b++"[..]));
        assert_eq!(decode_query("a+b%2b").as_deref(), Ok(&b"a b+"[..]));
        for broken in ["%", "%4", "a%zz", "%+1", "%-1", "%é"] {
            assert_eq!(decode(broken), Err(BrokenEscape), "{broken}");
        }
    }

    #[test]
    fn the_query_sorts_by_pair_not_by_text() {
        // As joined texts `a-b=3` comes before `a=5`, because `-` is before `=`.
        let query = CanonicalQuery::from_query("a-b=3&a=5&a.b=4&aB=6&A=7&a=10&a=").expect("valid");
        assert_eq!(query.canonical(Valueless::WithEquals), "A=7&a=&a=10&a=5&a-b=3&a.b=4&aB=6");
        assert_eq!(query.canonical(Valueless::Bare), "A=7&a&a=10&a=5&a-b=3&a.b=4&aB=6");
    }

    #[test]
    fn the_query_is_encoded_once_and_strictly() {
        let mut query = CanonicalQuery::from_query("p=a/b%2fc d+e&&q&r==").expect("valid");
        query.push("t", "x+y=");
        assert_eq!(query.in_order(Valueless::Bare), "p=a%2Fb%2Fc%20d%20e&q&r=%3D&t=x%2By%3D");
    }
}
