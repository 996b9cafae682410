//! Digests of the whole object that servers send: Repr-Digest and Content-Digest (RFC 9530), Digest (RFC 3230), Content-MD5
//! (RFC 1864).

use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use longhaul_core::{Algorithm, Digest};

use crate::text::trim_ows;

/// What an answer's content is: decides which digests are of the whole object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content {
    /// The whole object (200).
    Whole,
    /// A part of it (206).
    Part,
    /// Nothing, but the head is that of the whole object (HEAD).
    Head,
}

/// Most entries looked at, over all fields.
const MOST: usize = 64;

/// Digests of the whole object, one per algorithm, strongest first. What is unknown, malformed or contradicts itself is left out.
#[must_use]
pub fn digests(headers: &HeaderMap, content: Content) -> Vec<Digest> {
    let mut found = Vec::new();
    collect(&mut found, headers, "repr-digest", sf_bytes);
    collect(&mut found, headers, "digest", STANDARD_BASE64);
    if content == Content::Whole {
        collect(&mut found, headers, "content-digest", sf_bytes);
    }
    if content != Content::Part {
        let md5 = headers.get_all("content-md5").iter().filter_map(|value| decode(trim_ows(value.as_bytes())));
        found.extend(md5.take(MOST).filter_map(|bytes| Digest::new(Algorithm::Md5, &bytes)));
    }
    Algorithm::ALL
        .into_iter()
        .filter_map(|algorithm| {
            let mut same = found.iter().filter(|digest| digest.algorithm() == algorithm);
            let first = *same.next()?;
            same.all(|digest| *digest == first).then_some(first)
        })
        .collect()
}

type Decode = fn(&[u8]) -> Option<Vec<u8>>;
const STANDARD_BASE64: Decode = decode;

/// Adds the `name=value` entries of a field, values read by `decode`.
fn collect(found: &mut Vec<Digest>, headers: &HeaderMap, field: &'static str, decode: Decode) {
    for value in headers.get_all(field) {
        for entry in entries(value.as_bytes()).take(MOST.saturating_sub(found.len())) {
            let Some(equals) = entry.iter().position(|byte| *byte == b'=') else {
                continue;
            };
            let (name, value) = (entry.get(..equals).unwrap_or_default(), entry.get(equals + 1..).unwrap_or_default());
            let digest = algorithm(trim_ows(name))
                .zip(decode(trim_ows(value)))
                .and_then(|(name, bytes)| Digest::new(name, &bytes));
            found.extend(digest);
        }
    }
}

/// The entries of a comma-separated list; a comma within quotes separates nothing.
fn entries(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    let mut escaped = false;
    value
        .split(move |byte| {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ => {}
            }
            *byte == b',' && !quoted
        })
        .map(trim_ows)
}

/// Algorithms of the IANA registries "Hash Algorithms for HTTP Digest Fields" and "HTTP Digest Algorithm Values".
fn algorithm(name: &[u8]) -> Option<Algorithm> {
    [
        (&b"sha-512"[..], Algorithm::Sha512),
        (b"sha-256", Algorithm::Sha256),
        (b"sha", Algorithm::Sha1),
        (b"md5", Algorithm::Md5),
        (b"crc32c", Algorithm::Crc32c),
    ]
    .into_iter()
    .find(|(known, _)| name.eq_ignore_ascii_case(known))
    .map(|(_, algorithm)| algorithm)
}

/// A structured field's byte sequence, `:base64:` (RFC 9651 §3.3.5), parameters ignored.
fn sf_bytes(value: &[u8]) -> Option<Vec<u8>> {
    let rest = value.strip_prefix(b":")?;
    let end = rest.iter().position(|byte| *byte == b':')?;
    let after = trim_ows(rest.get(end + 1..).unwrap_or_default());
    if !after.is_empty() && !after.starts_with(b";") {
        return None;
    }
    decode(rest.get(..end)?)
}

fn decode(value: &[u8]) -> Option<Vec<u8>> {
    // No digest is longer than 64 bytes.
    (value.len() <= 128).then(|| STANDARD.decode(value).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};
    use http::{HeaderName, HeaderValue};

    const MD5: &str = "1B2M2Y8AsgTpgAmY7PhCfg==";
    const SHA256: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

    fn read(content: Content, fields: &[(&'static str, &str)]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).expect("value"));
        }
        digests(&headers, content).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn d13_digests_of_every_field_are_read() {
        let md5 = "md5:d41d8cd98f00b204e9800998ecf8427e";
        let sha = "sha-256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let of = |text: &str| text.replace("MD5", MD5).replace("SHA", SHA256);
        assert_eq!(
            read(Content::Part, &[("repr-digest", &of("sha-256=:SHA:, md5=:MD5:;x=1, unknown=:AAAA:"))]),
            [sha, md5]
        );
        assert_eq!(read(Content::Part, &[("digest", &of("md5=MD5,sha-256=SHA, unixsum=30637"))]), [sha, md5]);
        assert_eq!(read(Content::Whole, &[("content-digest", &of("sha-256=:SHA:")), ("content-md5", MD5)]), [sha, md5]);
        assert_eq!(read(Content::Head, &[("content-digest", &of("sha-256=:SHA:")), ("content-md5", MD5)]), [md5]);
        assert_eq!(read(Content::Part, &[("content-digest", &of("sha-256=:SHA:")), ("content-md5", MD5)]), [""; 0]);
    }

    #[test]
    fn d13_what_is_malformed_or_contradicts_itself_is_left_out() {
        let of = |text: &str| text.replace("MD5", MD5).replace("SHA", SHA256);
        for (field, value) in [
            ("repr-digest", "sha-256=SHA"),
            ("repr-digest", "sha-256=:SHA"),
            ("repr-digest", "sha-256=:MD5:"),
            ("repr-digest", "sha-256=:SHA:x"),
            ("repr-digest", "note=\"a, sha-256=:SHA:\""),
            ("digest", "sha-256=:SHA:"),
            ("digest", "=,=,,sha-256"),
            ("content-md5", "d41d8cd98f00b204e9800998ecf8427e"),
            ("content-md5", ""),
        ] {
            assert_eq!(read(Content::Whole, &[(field, &of(value))]), [""; 0], "{field}: {value}");
        }
        assert_eq!(read(Content::Whole, &[("content-md5", MD5), ("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")]), [""; 0]);
    }
}
